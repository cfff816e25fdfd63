"""How well a model does on people of the small world it has never seen, family by family.

Knows rows, checkpoints, the rules and the measures that also reward; trains nothing.

    duchenne train score runs/tiny/grpo/checkpoint-80 --recipe finetune/recipes/tiny-world-sft.yaml
"""

from __future__ import annotations

import argparse
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from agent.grounding import action_units
from agent.reading.rules import appraise
from agent.render.voice_picture import decode_voice, encode_voice, log_mel
from agent.schema.picture import Picture
from eval import labels
from eval.units import pair_f1
from finetune import completion, data, world_rows
from finetune.completion import read
from finetune.rewards import REWARDS
from finetune.rows import Row
from finetune.settings import Recipe
from finetune.world import FAMILIES, SECONDS, picture
from finetune.world_shelf import Kept

Voice = Literal["as it is", "blank", "mean", "another", "none"]
"""What is done to voice pictures before a model is asked: nothing; silence put in, which it never
heard, or the mean of all voices of the test, or the voice of another clip; left out."""
_REWARDS: Final = ("alignment", "alignment_told", "grounding", "form")
MEASURES: Final = ("accuracy", "uar", "units", *_REWARDS)
_ANOTHER: Final = 137
"""Scenes further on, whose voice is put in: of another family, nearly always another person."""
Table = dict[str, dict[str, float]]
"""Family, and "all" → measure → 0-1."""


def held_out(recipe: Recipe, voice: Voice = "as it is") -> tuple[list[Kept], list[Row]]:
    """Scenes of the test and their rows."""
    assert recipe.world is not None, "scores are of the small world"
    scenes = world_rows.scenes(recipe.world, "test")
    if voice == "none":
        recipe = replace(recipe, pictures=tuple(p for p in recipe.pictures if p != "voice"))
    shown = [scene.pictures for scene in scenes]
    if voice == "blank":
        hush = np.random.default_rng(0).normal(0, 1e-4, int(SECONDS * 16_000))
        shown = [_voiced(log_mel(hush.astype(np.float32)))] * len(scenes)
    elif voice == "mean":
        heard = [decode_voice(Image.open(io.BytesIO(s.pictures[0].png))) for s in scenes]
        shown = [_voiced(np.mean([one.mel for one in heard], 0))] * len(scenes)
    elif voice == "another":
        at = _ANOTHER % len(shown)
        shown = shown[at:] + shown[:at]
    scenes = [replace(scene, pictures=mine) for scene, mine in zip(scenes, shown, strict=True)]
    return scenes, [data.world_row(recipe, scene) for scene in scenes]


def _voiced(mel: npt.NDArray[np.float32]) -> tuple[Picture, ...]:
    return (picture("voice picture", encode_voice(mel)),)


def table(
    scenes: Sequence[Kept], texts: Sequence[str], rewards: Mapping[str, float] | None = None
) -> Table:
    """Measures of one text a scene, by family; `reward` is the sum by these weights."""
    found: dict[str, list[tuple[Kept, str]]] = defaultdict(list)
    for scene, text in zip(scenes, texts, strict=True):
        found[scene.family].append((scene, text))
        found["all"].append((scene, text))
    return {family: _measured(pairs, rewards or {}) for family, pairs in found.items()}


def _measured(pairs: Sequence[tuple[Kept, str]], rewards: Mapping[str, float]) -> dict[str, float]:
    texts = [text for _, text in pairs]
    gold = [scene.emotion for scene, _ in pairs]
    columns = {
        "evidence": [scene.evidence.to_json() for scene, _ in pairs],
        "emotion": gold,
        "units": [scene.units for scene, _ in pairs],
    }
    earned = {
        name: weight * mean(float(v or 0) for v in REWARDS[name](texts, **columns))
        for name, weight in rewards.items()
    }
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
        **{name: mean(float(v or 0) for v in REWARDS[name](texts, **columns)) for name in _REWARDS},
        **({"reward": sum(earned.values())} if rewards else {}),
    }


def rules(scenes: Sequence[Kept], veiled: bool = False) -> list[str]:
    """What the rules say of each scene, in a completion's shape."""
    found = []
    for scene in scenes:
        reading = appraise(scene.shown if veiled else scene.evidence)
        top = max(reading.emotions, key=lambda e: e.share).label if reading.emotions else "unclear"
        found.append(completion.write(reading.claims, labels.canonical(top)))
    return found


def score(
    recipe: Recipe, checkpoint: str, voice: Voice = "as it is", longest: int = 160, batch: int = 50
) -> Table:
    """The table of one checkpoint, which may be one of adapters."""
    from finetune import generate, load

    model, processor, _ = load.model(replace(recipe, model=checkpoint, tiny=None))
    scenes, rows = held_out(recipe, voice)
    told = generate.completions(model, processor, rows, generate.How(batch, longest))
    return table(scenes, [text for _, texts in told for text in texts], recipe.rewards)


def spread(tables: Sequence[Table]) -> dict[str, dict[str, tuple[float, float]]]:
    """Mean and standard deviation over seeds."""
    return {
        family: {
            name: (float(np.mean(v)), float(np.std(v, ddof=1)) if len(v) > 1 else 0.0)
            for name in tables[0][family]
            if all(name in each[family] for each in tables)
            and (v := [each[family][name] for each in tables])
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


def by_family(stages: Mapping[str, Sequence[Table]], measure: str) -> str:
    """One measure: stages down, families across."""
    lines = ["| | " + " | ".join(("all", *FAMILIES)) + " |",
             "| --- " * (len(FAMILIES) + 2) + "|"]  # fmt: skip
    for stage, tables in stages.items():
        values = spread(tables)
        cells = [_cell(*values[family][measure], len(tables)) for family in ("all", *FAMILIES)]
        lines.append(f"| {stage} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(middle: float, away: float, seeds: int) -> str:
    return f"{100 * middle:.1f}" + (f" ± {100 * away:.1f}" if seeds > 1 else "")


def main(argv: Sequence[str] | None = None) -> int:
    """Print tables of scores that were kept: `python -m finetune.scores NAME=FILE,FILE …`."""
    parser = argparse.ArgumentParser(prog="python -m finetune.scores")
    parser.add_argument("stages", nargs="+", metavar="NAME=FILE,…", help="a file a seed")
    parser.add_argument("--by-family", nargs="*", default=[], metavar="MEASURE")
    asked = parser.parse_args(argv)
    stages = {
        name: [json.loads(Path(file).read_text(encoding="utf-8")) for file in files.split(",")]
        for name, _, files in (stage.partition("=") for stage in asked.stages)
    }
    print(markdown(stages, "all"))
    for measure in asked.by_family:
        print(f"\n**{measure}**\n\n{by_family(stages, measure)}")
    return 0


def keep(found: Table, path: Path) -> None:
    """Write a table as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
