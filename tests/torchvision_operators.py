"""Defines torchvision's operators just before torchvision is imported.

tests/vllm_setup.sh and tests/bridge_setup.sh put a copy beside the packages of the environments
they make. torchvision's wheel on the package index may be built for CUDA; beside a CPU torch its
own library does not load, and then its import fails because nobody defined torchvision::nms.
"""

import importlib.abc
import sys


class _Before(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name == "torchvision":
            sys.meta_path.remove(self)
            from torch import library

            kept = library.Library("torchvision", "DEF")
            kept.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            kept.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            sys.torchvision_operators = kept  # definitions last as long as this object


sys.meta_path.insert(0, _Before())
