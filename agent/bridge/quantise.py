"""Weights in four bits: how they are held, and which are left as they come.

Knows bitsandbytes' settings and how a model is put together; loads no weights and trains nothing.
Only the linear layers of the language model are quantised. Towers that see and hear, projectors,
readers and the output layer keep their type: the language model adapts to its own rounding
through adapters, nothing adapts to that of a tower.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

import torch
from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

NEEDS: Final = "bitsandbytes>=0.46"
"""The first that holds four bits on processors as well as on GPUs."""


def available() -> bool:
    """Whether four bits can be had here: bitsandbytes is installed."""
    return find_spec("bitsandbytes") is not None


def four_bits(config: Any) -> dict[str, Any]:
    """Settings for `from_pretrained` that hold a model's language layers in nf4.

    `config`: its configuration, from which alone the names of what is left out are found. {} for a
    checkpoint that is quantised already, which keeps its own way. Computes in bfloat16.
    """
    if getattr(config, "quantization_config", None) is not None:
        return {}
    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
            llm_int8_skip_modules=left_out(config),
        )
    }


def left_out(config: Any) -> list[str]:
    """Whole names of the modules beside the language model, and of its output layer.

    The model is built without memory for weights (2 s at 8B), because names differ between
    architectures and between versions of transformers.
    """
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    names = _beside(model, model.get_decoder(), "")
    output = model.get_output_embeddings()
    names += [name for name, module in model.named_modules() if module is output]
    return list(dict.fromkeys(names))


def _beside(module: Any, decoder: Any, within: str) -> list[str]:
    """The largest modules that neither are nor hold the decoder."""
    if module is decoder:
        return []
    names: list[str] = []
    for name, child in module.named_children():
        holds = any(part is decoder for part in child.modules())
        names += _beside(child, decoder, f"{within}{name}.") if holds else [within + name]
    return names
