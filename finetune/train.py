"""SFT and GRPO of a recipe, on TRL's own trainers.

    duchenne train sft finetune/recipes/tiny-world-sft.yaml
    duchenne train grpo finetune/recipes/tiny-world-grpo.yaml

Knows recipes, rows, models and TRL; no world and no measure. `build` makes everything and takes
no step, `run` trains and gives back the folder of the last checkpoint.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import torch
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

from finetune import checkpoints, data, load, tables, tiny
from finetune.efficient import EfficientGRPOTrainer
from finetune.recipe import RecipeError, known
from finetune.rewards import REWARDS, Reward
from finetune.rows import Row
from finetune.settings import Recipe

log = logging.getLogger(__name__)

DEFAULTS: Final[dict[str, Any]] = {
    "report_to": [],
    "logging_steps": 1,
    "save_total_limit": 2,
    "bf16": False,
    "disable_tqdm": True,
}
"""Of TRL's settings, where a recipe says nothing."""


@dataclass(frozen=True, slots=True)
class Built:
    """Everything of a training, before its first step."""

    recipe: Recipe
    trainer: Any
    dataset: Any
    rows: tuple[Row, ...]
    model: Any
    processor: Any


class _Whole:
    """A trainer whose checkpoints are there whole or not at all (finetune.checkpoints)."""

    recipe: Recipe

    def _save_checkpoint(self: Any, model: Any, trial: Any) -> None:
        out = Path(self.args.output_dir)
        place = out / f"checkpoint-{self.state.global_step}"
        main = self.args.should_save
        part = checkpoints.writing(out) if main else out
        part = Path(_told_by_main(str(part)))
        self.args.output_dir = str(part)
        try:
            super()._save_checkpoint(model, trial)  # type: ignore[misc]  # of the trainer
        finally:
            self.args.output_dir = str(out)
        self.accelerator.wait_for_everyone()
        if main:
            load.sign(part / place.name, self.recipe)
            checkpoints.seal(part / place.name, place)
            shutil.rmtree(part)
            checkpoints.rotate(out, self.args.save_total_limit)
        self.accelerator.wait_for_everyone()


def _told_by_main(text: str) -> str:
    """What the first process says, in every process."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return text
    held = [text]
    torch.distributed.broadcast_object_list(held)
    return held[0]


class Sft(_Whole, SFTTrainer):  # type: ignore[misc]  # TRL has no types here
    """TRL's SFT, which goes through the rows in the order of the curriculum."""


class Grpo(_Whole, GRPOTrainer):  # type: ignore[misc]  # TRL has no types here
    """TRL's GRPO, rows in random order."""


class EfficientGrpo(_Whole, EfficientGRPOTrainer):
    """TRL's GRPO, rows by what there is to learn from them."""


def build(
    recipe: Recipe,
    rows: Sequence[Row] | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> Built:
    """Trainer, data, model and processor of a recipe; `rows` instead of the recipe's own.

    Raises RecipeError.
    """
    settings = arguments(recipe)
    ready = tuple(data.rows(recipe) if rows is None else rows)
    if recipe.tiny is not None:
        make_tiny(recipe, ready)
    model, processor, adapters = load.model(recipe)
    common: dict[str, Any] = {
        "model": model,
        "args": settings,
        "processing_class": processor,
        "peft_config": adapters,
        "callbacks": list(callbacks),
    }
    trainer: Any
    if recipe.kind == "sft":
        table = tables.sft(ready)
        trainer = Sft(train_dataset=table, **common)
    else:
        table = tables.grpo(ready)
        # TRL pads prompts on the left and takes what the processor says of them as it comes.
        processor.tokenizer.padding_side = "left"
        common |= {"reward_funcs": list(_rewards(recipe).values()), "train_dataset": table}
        if recipe.sampler == "efficient":
            trainer = EfficientGrpo(sampling=recipe.sampling, **common)
        else:
            trainer = Grpo(**common)
    trainer.recipe = recipe
    return Built(recipe, trainer, table, ready, trainer.model, processor)


def arguments(recipe: Recipe) -> Any:
    """TRL's settings of a recipe. Raises RecipeError for a name TRL does not know."""
    kind = SFTConfig if recipe.kind == "sft" else GRPOConfig
    names = [field.name for field in fields(kind)]
    for name in recipe.trainer:
        known(name, names, "trainer.")
    given = DEFAULTS | {"use_cpu": not torch.cuda.is_available()} | dict(recipe.trainer)
    if recipe.kind == "sft":
        # Pictures are never cut off; assistant-only loss is TRL's for prompt and completion.
        given = {"max_length": None, "completion_only_loss": True} | given
        if recipe.curriculum:
            given = {"train_sampling_strategy": "sequential", "num_train_epochs": 1} | given
    else:
        given["reward_weights"] = list(_rewards_weights(recipe))
    try:
        return kind(output_dir=recipe.out, **given)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"trainer: {error}") from error


def _rewards(recipe: Recipe) -> dict[str, Reward]:
    for name in recipe.rewards:
        known(name, list(REWARDS), "rewards.")
    return {name: REWARDS[name] for name in recipe.rewards}


def _rewards_weights(recipe: Recipe) -> list[float]:
    return [float(recipe.rewards[name]) for name in _rewards(recipe)]


def make_tiny(recipe: Recipe, rows: Sequence[Row]) -> None:
    """The random model, where there is none yet."""
    folder = Path(recipe.model)
    if recipe.tiny is None or (folder / "config.json").is_file():
        return
    step = max(1, len(rows) // 2000)
    texts = [text for row in rows[::step] for text in (row.prompt, row.completion or "")]
    tiny.make(folder, recipe.tiny, texts, recipe.guided)


def run(recipe: Recipe, resume: bool = True) -> Path:
    """Train, from the last whole checkpoint where there is one; the folder of the last one."""
    built = build(recipe)
    return train(built, resume)


def train(built: Built, resume: bool = True) -> Path:
    """Train what was built."""
    out = Path(built.recipe.out)
    found = checkpoints.last(out) if resume else None
    if found is not None:
        log.info("going on from %s", found)
    built.trainer.train(resume_from_checkpoint=None if found is None else str(found))
    last = checkpoints.last(out)
    if last is None or not last.name.endswith(f"-{built.trainer.state.global_step}"):
        built.trainer._save_checkpoint(built.trainer.model, None)
        last = checkpoints.last(out)
    assert last is not None
    return last
