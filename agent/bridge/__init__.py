"""The bridge for Hugging Face: Qwen3-VL with a tower of its own for the voice.

Importing this package needs torch and transformers (`pip install '.[train]'` in a clone) and makes
the Auto classes know checkpoints of model type "duchenne":

    import agent.bridge
    model = AutoModelForImageTextToText.from_pretrained(folder)
    processor = AutoProcessor.from_pretrained(folder)

A new one comes from two stock checkpoints:

    model = Duchenne.from_base("Qwen/Qwen3-VL-8B-Instruct", audio="openai/whisper-large-v3")
    processor = DuchenneProcessor.from_pretrained("Qwen/Qwen3-VL-8B-Instruct")
"""

from __future__ import annotations

from typing import Any

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
)

from agent.bridge.config import DuchenneConfig
from agent.bridge.model import Duchenne, DuchenneForConditionalGeneration, DuchenneModel
from agent.bridge.processor import DuchenneProcessor

__all__ = [
    "Duchenne",
    "DuchenneConfig",
    "DuchenneForConditionalGeneration",
    "DuchenneModel",
    "DuchenneProcessor",
]


def _register() -> None:
    AutoConfig.register(DuchenneConfig.model_type, DuchenneConfig, exist_ok=True)
    AutoProcessor.register(DuchenneConfig, DuchenneProcessor, exist_ok=True)
    # A trainer that is given a folder's name looks among the causal models.
    models: tuple[tuple[Any, Any], ...] = (
        (AutoModel, DuchenneModel),
        (AutoModelForImageTextToText, DuchenneForConditionalGeneration),
        (AutoModelForCausalLM, DuchenneForConditionalGeneration),
    )
    for auto, model in models:
        auto.register(DuchenneConfig, model, exist_ok=True)


_register()
