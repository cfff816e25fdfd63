"""How much of a GRPO step is noise? The likeness of the gradients of batches that are all new.

    python -m finetune.bench_noise finetune/recipes/tiny-world-grpo.yaml --model CHECKPOINT

The recipe's trainer takes steps of learning rate 0, each from completions of its own. Told is the
mean cosine of the gradients of all pairs of batches, and its standard error by leaving out each
batch in turn. 0 is noise alone, 1 none.

Knows recipes and the trainer; no reward by name.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback

from finetune import train
from finetune.settings import Recipe, read


class _Keeps(TrainerCallback):  # type: ignore[misc]  # transformers has no types here
    """The gradient of each step, as one vector of length 1, or 0 where there is none."""

    def __init__(self) -> None:
        self.found: list[torch.Tensor] = []

    def on_pre_optimizer_step(self, *_: Any, **more: Any) -> None:
        flat = [w.grad.flatten() for w in more["model"].parameters() if w.grad is not None]
        whole = torch.cat(flat).float().cpu()
        self.found.append(torch.nn.functional.normalize(whole, dim=0))


def gradients(recipe: Recipe, batches: int) -> torch.Tensor:
    """Directions of the gradients of so many batches, batches × weights."""
    kept = _Keeps()
    with tempfile.TemporaryDirectory() as out:
        still = {"learning_rate": 0.0, "max_steps": batches, "steps_per_generation": 1,
                 "save_strategy": "no", "logging_steps": batches}  # fmt: skip
        asked = replace(recipe, out=out, tiny=None, trainer={**recipe.trainer, **still})
        train.build(asked, callbacks=[kept]).trainer.train()
    return torch.stack(kept.found)


def alike(directions: torch.Tensor) -> tuple[float, float]:
    """Mean cosine of all pairs, and its standard error (jackknife over batches)."""
    cosines = (directions @ directions.T).numpy()
    count = len(cosines)
    each = [_mean(np.delete(np.delete(cosines, n, 0), n, 1)) for n in range(count)]
    error = np.sqrt((count - 1) * np.var(each))
    return _mean(cosines), float(error)


def _mean(cosines: Any) -> float:
    first, second = np.triu_indices(len(cosines), 1)
    return float(cosines[first, second].mean())


def main(argv: Sequence[str] | None = None) -> int:
    """Print likeness, its error and how many batches there were."""
    parser = argparse.ArgumentParser(prog="python -m finetune.bench_noise")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--model", required=True, help="a checkpoint")
    parser.add_argument("--batches", type=int, default=12)
    asked = parser.parse_args(argv)
    recipe = replace(read(asked.recipe, asked.set), model=asked.model)
    cosine, error = alike(gradients(recipe, asked.batches))
    told = {"batches": asked.batches, "cosine": round(cosine, 4), "error": round(error, 4)}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
