"""The model and processor a recipe starts from, and what of it is trained.

Knows checkpoints, adapters and quantisation; no data and no trainer. A checkpoint of ours carries
`recipe.json`: what it was started from, so that an adapter finds its base again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import torch
from peft import LoraConfig, PeftModel, prepare_model_for_kbit_training
from transformers import AutoConfig, AutoProcessor

from agent.bridge import Duchenne, DuchenneProcessor, quantise
from finetune.recipe import RecipeError
from finetune.settings import Recipe

RECIPE: Final = "recipe.json"
NEW: Final = ("voice.projector", "voice.summary", "voice.empty")
"""Parts of the voice tower that no stock checkpoint has: trained in full."""
_ADAPTER: Final = "adapter_config.json"


def origin(folder: str | Path) -> dict[str, Any]:
    """What a checkpoint of ours was started from; {} where it does not say."""
    path = Path(folder) / RECIPE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def sign(folder: Path, recipe: Recipe) -> None:
    """Write into a checkpoint what it was trained with."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECIPE).write_text(json.dumps(asdict(recipe), indent=1), encoding="utf-8")


def model(recipe: Recipe) -> tuple[Any, Any, Any]:
    """Model, processor, and the adapters to put on it: None where it has them, or needs none."""
    start = Path(recipe.model)
    if not (start / _ADAPTER).is_file():
        bare, processor = base(recipe)
        return (
            bare,
            processor,
            adapters(recipe, bare.config.guided) if recipe.tune != "full" else None,
        )
    bare, processor = base(replace(recipe, **_beneath(start)))
    return PeftModel.from_pretrained(bare, str(start), is_trainable=True), processor, None


def _beneath(start: Path) -> dict[str, Any]:
    """The base of a checkpoint of adapters."""
    found = origin(start)
    while (Path(found.get("model", "")) / _ADAPTER).is_file():
        found = origin(found["model"])
    if not found:
        raise RecipeError(f"{start} holds adapters and no {RECIPE} that says on what")
    return {key: found[key] for key in ("model", "audio", "padded", "guided") if key in found}


def base(recipe: Recipe) -> tuple[Any, Any]:
    """The model without adapters, and its processor. Raises RecipeError."""
    how: dict[str, Any] = {"dtype": dtype(recipe)}
    four_bits = recipe.tune == "qlora"
    if four_bits and not quantise.available():
        raise RecipeError(
            f"tune: qlora needs {quantise.NEEDS}, not installed here: install it, or set tune=lora"
        )
    config = AutoConfig.from_pretrained(recipe.model)
    kind = config.model_type
    if kind == "duchenne":
        how |= quantise.four_bits(config) if four_bits else {}
        found = Duchenne.from_pretrained(recipe.model, **how)
        processor = AutoProcessor.from_pretrained(recipe.model)
    elif recipe.audio is None:
        raise RecipeError(f"{recipe.model} is a {kind} without a voice tower: name one as audio")
    else:
        # The projector is new: the same for every process and every resume.
        torch.manual_seed(0)
        found = Duchenne.from_base(
            recipe.model, recipe.audio, padded=recipe.padded, guided=recipe.guided,
            four_bits=four_bits, **how,
        )  # fmt: skip
        processor = DuchenneProcessor.from_pretrained(recipe.model)
    found.config.voice_routed = recipe.routed
    if four_bits:
        found = prepare_model_for_kbit_training(found, use_gradient_checkpointing=False)
    if recipe.tune == "full":
        for name, weight in found.named_parameters():
            # A tower that sees nothing of the data stays as it is.
            idle = ".voice." if not recipe.routed else ".visual."
            weight.requires_grad_("embed_positions" not in name and idle not in name)
    return found, processor


def dtype(recipe: Recipe) -> torch.dtype:
    """bfloat16 where the trainer is told so, else float32."""
    return torch.bfloat16 if recipe.trainer.get("bf16") else torch.float32


def adapters(recipe: Recipe, guided: bool = False) -> LoraConfig:
    """Adapters on the language model; the bridge's own layers in full."""
    more = {"voice.encoder": recipe.tower, "guided": guided}
    whole = [*NEW, *(name for name, trained in more.items() if trained)]
    return LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=recipe.lora.targets,
        modules_to_save=whole,
        task_type="CAUSAL_LM",
    )
