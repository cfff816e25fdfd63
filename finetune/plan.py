"""What a recipe would do, without a step: what is trained, how long the rows are, how much memory.

Knows what was built; trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from finetune.settings import Recipe
from finetune.train import Built

LOOKED_AT: Final = 32
"""Rows whose tokens are counted."""
_ADAM: Final = 8
"""Bytes of the optimizer's two moments for a trained number; doubled for a master copy in bf16."""


def plan(built: Built) -> dict[str, Any]:
    """Everything `--dry-run` prints."""
    counts = _parameters(built.model)
    prompt, whole = _tokens(built)
    return {
        "kind": built.recipe.kind,
        "rows": len(built.rows),
        "steps": _steps(built),
        "parameters": counts,
        "trained share": round(counts["trained"] / counts["all"], 4),
        "trained in": _where(built.model),
        "tokens per sample": {"prompt": prompt, "whole": whole},
        "memory": memory(built, max(whole)),
    }


def _parameters(model: Any) -> dict[str, int]:
    """Numbers, those in four bits unpacked."""
    found = {"all": 0, "trained": 0}
    for weight in model.parameters():
        count = weight.numel() * (2 if type(weight).__name__ == "Params4bit" else 1)
        found["all"] += count
        found["trained"] += count if weight.requires_grad else 0
    return found


def _where(model: Any) -> dict[str, int]:
    """Trained numbers by part."""
    found = {"adapters": 0, "voice": 0, "vision": 0, "language": 0}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            if "lora_" in name:
                part = "adapters"
            else:
                part = next((p for p in ("voice", "visual") if f".{p}." in name), "language")
            found["vision" if part == "visual" else part] += weight.numel()
    return {part: count for part, count in found.items() if count}


def _tokens(built: Built) -> tuple[list[int], list[int]]:
    """Least, middle and most tokens of the prompt with its pictures, and of everything."""
    processor = built.processor
    step = max(1, len(built.rows) // LOOKED_AT)
    prompts, wholes = [], []
    for row in range(0, len(built.rows), step):
        shown = built.dataset[row]
        content = [
            {"type": "image", "image": image} for image in shown["images"]
        ] + [{"type": "text", "text": built.rows[row].prompt}]  # fmt: skip
        ids = processor.apply_chat_template(
            [*shown["prompt"][:-1], {"role": "user", "content": content}],
            add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
        )["input_ids"]  # fmt: skip
        prompts.append(int(ids.shape[1]))
        wholes.append(prompts[-1] + _answer(built, built.rows[row].completion))
    return _spread(prompts), _spread(wholes)


def _answer(built: Built, completion: str | None) -> int:
    if built.recipe.kind != "sft":
        return int(built.trainer.args.max_completion_length)
    return len(built.processor.tokenizer(completion or "")["input_ids"]) + 2


def _spread(values: list[int]) -> list[int]:
    ordered = sorted(values)
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]]


def _steps(built: Built) -> int:
    args = built.trainer.args
    if args.max_steps > 0:
        return int(args.max_steps)
    batch = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
    rows = len(built.rows) * (getattr(args, "num_generations", 1) if _rolls(built.recipe) else 1)
    return int(-(-rows // batch) * args.num_train_epochs)


def _rolls(recipe: Recipe) -> bool:
    return recipe.kind != "sft"


def memory(built: Built, longest: int) -> dict[str, float]:
    """GiB for one process that holds everything: an estimate, to compare settings by.

    Weights as they are held; gradients and Adam's moments of what is trained; activations of one
    batch: with checkpointing one hidden state a layer and one layer in full (34 hidden states a
    token, after Korthikanti et al. 2022, arXiv 2205.05198), without it all layers in full, and
    the logits. Sharded over n processes, the first two fall to one nth.
    """
    args, text = built.trainer.args, built.model.config.get_text_config()
    held = sum(w.numel() * w.element_size() for w in built.model.parameters())
    trained = sum(w.numel() * (w.element_size() + _ADAM) for w in _trained(built.model))
    size = 2 if args.bf16 else 4
    tokens = args.per_device_train_batch_size * longest
    state = tokens * text.hidden_size * size
    layers = text.num_hidden_layers
    kept = state * (layers + 34 if args.gradient_checkpointing else 34 * layers)
    logits = tokens * text.vocab_size * 4
    parts = {"weights": held, "gradients and optimizer": trained, "activations": kept + logits}
    return _gib(parts | {"all": sum(parts.values())})


def _trained(model: Any) -> list[Any]:
    return [weight for weight in model.parameters() if weight.requires_grad]


def _gib(parts: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value / 2**30, 3) for name, value in parts.items()}
