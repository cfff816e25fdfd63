"""How well a model does on people of the small world it has never seen, family by family.

Knows rows, checkpoints, the rules and the measures that also reward; trains nothing.

    duchenne train score runs/tiny/sft/checkpoint-375 --recipe finetune/recipes/tiny-world-sft.yaml
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any, Final, Literal

import numpy as np
from PIL import Image as Pictures

from agent.grounding import action_units
from agent.rules import appraise
from agent.voice_picture import encode_voice, log_mel
from eval import labels
from eval.units import pair_f1
from finetune import completion, data, world_rows
from finetune.completion import read
from finetune.rewards import REWARDS
from finetune.rows import Row
from finetune.settings import Recipe
from finetune.world import SECONDS, picture
from finetune.world_shelf import Kept

Voice = Literal["as it is", "blank", "none"]
"""What is done to voice pictures before a model is asked: nothing, silence put in, left out."""
MEASURES: Final = ("accuracy", "uar", "units", "alignment", "grounding", "form")
Table = dict[str, dict[str, float]]
"""Family, and "all" → measure → 0-1."""


def held_out(recipe: Recipe, voice: Voice = "as it is") -> tuple[list[Kept], list[Row]]:
    """Scenes of the test and their rows."""
    assert recipe.world is not None, "scores are of the small world"
    scenes = world_rows.scenes(recipe.world, "test")
    if voice == "none":
        recipe = replace(recipe, pictures=tuple(p for p in recipe.pictures if p != "voice"))
    if voice == "blank":
        hush = np.random.default_rng(0).normal(0, 1e-4, int(SECONDS * 16_000))
        still = picture("voice picture", encode_voice(log_mel(hush.astype(np.float32))))
        scenes = [replace(scene, pictures=(still,)) for scene in scenes]
    return scenes, [data.world_row(recipe, scene) for scene in scenes]


def table(scenes: Sequence[Kept], texts: Sequence[str]) -> Table:
    """Measures of one text a scene, by family."""
    found: dict[str, list[tuple[Kept, str]]] = defaultdict(list)
    for scene, text in zip(scenes, texts, strict=True):
        found[scene.family].append((scene, text))
        found["all"].append((scene, text))
    return {family: _measured(pairs) for family, pairs in found.items()}


def _measured(pairs: Sequence[tuple[Kept, str]]) -> dict[str, float]:
    texts = [text for _, text in pairs]
    gold = [scene.emotion for scene, _ in pairs]
    columns = {"evidence": [scene.evidence.to_json() for scene, _ in pairs], "emotion": gold}
    right = [float(v or 0) for v in REWARDS["emotion"](texts, emotion=gold)]
    recall: dict[str, list[float]] = defaultdict(list)
    for label, hit in zip(gold, right, strict=True):
        recall[label].append(hit)
    return {
        "accuracy": mean(right),
        "uar": mean(mean(hits) for hits in recall.values()),
        "units": mean(
            pair_f1(frozenset(s.units), frozenset(action_units(read(text).think)))
            if read(text).think
            else 0.0
            for s, text in pairs
        ),
        **{
            name: mean(float(v or 0) for v in REWARDS[name](texts, **columns))
            for name in ("alignment", "grounding", "form")
        },
    }


def rules(scenes: Sequence[Kept], veiled: bool = False) -> list[str]:
    """What the rules say of each scene, in a completion's shape."""
    found = []
    for scene in scenes:
        reading = appraise(scene.shown if veiled else scene.evidence)
        top = max(reading.emotions, key=lambda e: e.share).label if reading.emotions else "unclear"
        found.append(completion.write(reading.claims, labels.canonical(top)))
    return found


def told(rows: Sequence[Row], model: Any, processor: Any, longest: int, batch: int) -> list[str]:
    """What a model writes about each row, the likeliest token each time."""
    found: list[str] = []
    for some in _batches(rows, batch):
        chats = []
        for row in some:
            shown = [{"type": "image", "image": _open(p.png)} for p in row.pictures]
            chats.append(
                [{"role": "user", "content": [*shown, {"type": "text", "text": row.prompt}]}]
            )
        inputs = processor.apply_chat_template(
            chats, add_generation_prompt=True, tokenize=True, return_dict=True,
            return_tensors="pt", processor_kwargs={"padding": True, "padding_side": "left"},
        ).to(model.device)  # fmt: skip
        out = model.generate(**inputs, max_new_tokens=longest, do_sample=False)
        new = out[:, inputs["input_ids"].shape[1] :]
        found += processor.tokenizer.batch_decode(new, skip_special_tokens=True)
    return found


def _open(png: bytes) -> Pictures.Image:
    return Pictures.open(io.BytesIO(png)).convert("RGB")


def _batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def score(
    recipe: Recipe, checkpoint: str, voice: Voice = "as it is", longest: int = 160, batch: int = 50
) -> Table:
    """The table of one checkpoint, which may be one of adapters."""
    import torch

    from finetune import load

    model, processor, _ = load.model(replace(recipe, model=checkpoint, tiny=None))
    model.eval()
    scenes, rows = held_out(recipe, voice)
    with torch.inference_mode():
        return table(scenes, told(rows, model, processor, longest, batch))


def spread(tables: Sequence[Table]) -> dict[str, dict[str, tuple[float, float]]]:
    """Mean and standard deviation over seeds."""
    return {
        family: {
            name: (float(np.mean(v)), float(np.std(v, ddof=1)) if len(v) > 1 else 0.0)
            for name in tables[0][family]
            if (v := [each[family][name] for each in tables])
        }
        for family in tables[0]
    }


def markdown(stages: Mapping[str, Sequence[Table]], family: str) -> str:
    """One table: stages down, measures across, mean ± standard deviation in percent."""
    lines = ["| | " + " | ".join(MEASURES) + " |", "| --- " * (len(MEASURES) + 1) + "|"]
    for stage, tables in stages.items():
        values = spread(tables)[family]
        cells = [_cell(*values[name], len(tables)) for name in MEASURES]
        lines.append(f"| {stage} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(middle: float, away: float, seeds: int) -> str:
    return f"{100 * middle:.1f}" + (f" ± {100 * away:.1f}" if seeds > 1 else "")


def keep(found: Table, path: Path) -> None:
    """Write a table as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1), encoding="utf-8")
