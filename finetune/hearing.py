"""Teach the tower that reads voice pictures to hear, before the model is asked anything.

    python -m finetune.hearing finetune/recipes/tiny-world-sft.yaml --out runs/tiny/heard

A real voice tower comes trained (Whisper's encoder); a tiny one comes random. Here it learns what
of a voice can be measured: from the mean of its tokens a linear layer, thrown away afterwards,
tells the values of five parts of the voice and how far they lie from the speaker's usual. No
emotion is told. With `--set routed=false` the vision tower learns the same from the same pictures
in the same order, to compare with.

Knows pictures of voices, their cues and the two towers; no language and no trainer.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from finetune import data, load, train, world_rows
from finetune.compact import VOICE, away
from finetune.settings import Recipe, read
from finetune.world_shelf import Kept


def measured(scenes: Sequence[Kept]) -> npt.NDArray[np.float32]:
    """What was measured, scenes × 10: values of the five parts, then their distance from usual.

    In the senses' units and in standard deviations of the speaker; not a number where a part was
    not measured.
    """
    table = np.full((len(scenes), 2 * len(VOICE)), np.nan, np.float32)
    for row, scene in zip(table, scenes, strict=True):
        for cue in scene.evidence.cues:
            if cue.sense == "voice" and cue.code in VOICE and cue.value is not None:
                at = VOICE.index(cue.code)
                row[at], row[at + len(VOICE)] = cue.value, away(cue)
    return table


def teach(
    model: Any, processor: Any, scenes: Sequence[Kept], steps: int, batch: int, rate: float
) -> torch.nn.Linear:
    """Train the tower that the model sends voice pictures through; the layer that reads it."""
    values = measured(scenes)
    middle, spread = np.nanmean(values, 0), np.nanstd(values, 0)
    torch.manual_seed(0)
    ear = torch.nn.Linear(model.config.text_config.hidden_size, values.shape[1])
    tower = model.model.voice if model.config.voice_routed else model.model.visual
    weights = [w for n, w in tower.named_parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW([*weights, *ear.parameters()], rate, betas=(0.9, 0.98))
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.05)
    rng = np.random.default_rng(0)
    order: list[int] = []
    for _ in range(steps):
        if len(order) < batch:
            order = list(rng.permutation(len(scenes)))
        mine, order = order[:batch], order[batch:]
        told = ear(_heard(model, processor, [scenes[n] for n in mine]))
        wanted = torch.from_numpy((values[mine] - middle) / spread)
        there = ~wanted.isnan()
        loss = (told - wanted)[there].square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        plan.step()
    with torch.no_grad():  # So that it tells the values themselves.
        ear.bias.mul_(torch.from_numpy(spread)).add_(torch.from_numpy(middle))
        ear.weight.mul_(torch.from_numpy(spread)[:, None])
    return ear


def _heard(model: Any, processor: Any, scenes: Sequence[Kept]) -> torch.Tensor:
    """The mean token of each scene's voice picture, scenes × hidden."""
    shown = [Image.open(io.BytesIO(s.pictures[0].png)).convert("RGB") for s in scenes]
    inputs = processor.image_processor(images=shown, return_tensors="pt")
    found = model.model.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"])
    return torch.stack([tokens.mean(0) for tokens in found.pooler_output])


def explained(
    model: Any, processor: Any, ear: torch.nn.Linear, scenes: Sequence[Kept], batch: int
) -> list[float]:
    """Share of the variance of each of `measured` that the ear tells; at most 1."""
    with torch.inference_mode():
        told = np.concatenate([
            ear(_heard(model, processor, scenes[n : n + batch])).numpy()
            for n in range(0, len(scenes), batch)
        ])  # fmt: skip
    values = measured(scenes)
    return [float(v) for v in 1 - np.nanvar(values - told, 0) / np.nanvar(values, 0)]


def start(recipe: Recipe) -> tuple[Any, Any]:
    """The recipe's model, made where there is none yet, and its processor."""
    if not (Path(recipe.model) / "config.json").is_file():
        train.make_tiny(recipe, data.rows(recipe))
    model, processor, _ = load.model(recipe)
    return model, processor


def main(argv: Sequence[str] | None = None) -> int:
    """Teach, write the model beside its processor, and tell how well it hears unknown people."""
    parser = argparse.ArgumentParser(prog="python -m finetune.hearing")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    asked = parser.parse_args(argv)
    recipe = replace(read(asked.recipe, asked.set), tune="full", tower=True)
    assert recipe.world is not None, "voices are of the small world"
    torch.set_num_threads(1)
    model, processor = start(recipe)
    began = time.process_time()
    scenes = world_rows.scenes(recipe.world, "train")
    ear = teach(model, processor, scenes, asked.steps, asked.batch, asked.rate)
    spent = time.process_time() - began
    held = world_rows.scenes(recipe.world, "test")
    shares = explained(model, processor, ear, held, 50)
    model.save_pretrained(asked.out)
    processor.save_pretrained(asked.out)
    names = [*VOICE, *(f"{part}, from usual" for part in VOICE)]
    told = {name: round(share, 3) for name, share in zip(names, shares, strict=True)}
    tower = model.model.voice if recipe.routed else model.model.visual
    size = sum(w.numel() for w in tower.parameters() if w.requires_grad)
    print(json.dumps({"explained": told, "weights": size, "processor_s": round(spent, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
