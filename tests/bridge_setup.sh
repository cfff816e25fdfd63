#!/bin/sh
# Builds a virtual environment for the bridge and the training on processors.
#
#   sh tests/bridge_setup.sh ~/bridge-env      # about a minute, 3 GB
#   ~/bridge-env/bin/python -m pytest tests/test_bridge.py
#
# For torchvision's stand-in see tests/torchvision_operators.py.
set -eu

target="${1:?usage: sh tests/bridge_setup.sh FOLDER}"
python="${PYTHON:-python3}"
here=$(cd "$(dirname "$0")/.." && pwd)

"$python" -m venv "$target"
"$target/bin/python" -m pip install --quiet \
    "torch==2.13.0" "transformers==5.23.0" "trl==1.16.0" "peft==0.21.2" "bitsandbytes==0.50.2" \
    datasets accelerate
"$target/bin/python" -m pip install --quiet --no-deps "torchvision==0.28.0"
"$target/bin/python" -m pip install --quiet -e "$here[dev]"

site=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cp "$here/tests/torchvision_operators.py" "$site/"
echo "import torchvision_operators" >"$site/torchvision_operators.pth"

"$target/bin/python" -c '
import torch, torchvision, transformers, trl
print("torch", torch.__version__, "transformers", transformers.__version__, "trl", trl.__version__)
'
