"""Training rows of the small world as a recipe wants them, from scenes that are made only once.

Knows scenes, shelves and the two styles; no trainer. People who are trained on are numbered from
0, those of the test from `HELD`, so that no two worlds can share anybody across the split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from agent.reading.judge import judge
from agent.schema.answer import Claim
from agent.schema.evidence import Evidence
from finetune import compact, completion, world, world_shelf
from finetune.rows import Row
from finetune.settings import Stage, Style, Teacher, World
from finetune.world_shelf import Kept

HELD: Final = 1000
"""Number of the first person of the test."""
HELD_PEOPLE: Final = 40
_ONLY: Final[dict[Stage, str]] = {
    "attributes": "\n\nThis time write the observations alone, without an answer.",
    "expression": "\n\nThis time write observations and interpretation alone, without an answer.",
    "emotion": "",
}


def scenes(settings: World, split: str) -> list[Kept]:
    """Scenes of "train" or "test"; made and put on the shelf where they are not there yet."""
    train = split == "train"
    count, seed = (settings.train, settings.seed) if train else (settings.test, settings.seed + 1)
    people = range(settings.people) if train else range(HELD, HELD + HELD_PEOPLE)
    name = f"{split}-{count}-{seed}-{len(people)}-{settings.compounds:g}.parquet"
    path = Path(settings.shelf) / name
    if not path.is_file():
        made = world.scenes(count, seed, people, settings.compounds)
        world_shelf.write(path, map(world_shelf.keep, made))
    return list(world_shelf.read(path))


def row(
    scene: Kept,
    style: Style,
    labels: Sequence[str],
    stage: Stage = "emotion",
    veil: bool = True,
    pictures: Sequence[str] = ("voice",),
    by: Teacher = "gold",
    named: bool = False,
) -> Row:
    """One row: `veil` leaves the voice's values to the voice picture, else the prompt has them.

    With `by` the rules, a compact completion reasons for what the rules take to be felt; with
    `chances`, for a label drawn by the chances that they give to each. `named` asks for the
    reasons of that label alone, as the loop asks again for what failed.
    """
    shown = scene.shown if veil else scene.evidence
    drawn = scene.pictures if "voice" in pictures else ()
    made = world.row_with(replace(scene, shown=shown), drawn) if style == "whole" else None
    if made is not None:
        told = made.completion if stage == "emotion" else _cut(made.completion, stage)
        return replace(made, prompt=made.prompt + _ONLY[stage], completion=told)
    label = scene.emotion if by == "gold" else of_rules(scene.evidence, labels, by)
    return Row(
        id=f"world/{scene.id}",
        dataset="world",
        prompt=compact.prompt(shown, [label] if named else labels, stage),
        pictures=tuple(drawn),
        completion=_written(compact.claims(scene.evidence, label), label, stage),
        emotion=scene.emotion,
        units=scene.units,
        evidence=scene.evidence.to_json(),
        person=scene.person,
        sha256=scene.evidence.media.sha256,
        gold_conditioned=by == "gold",
    )


def of_rules(evidence: Evidence, labels: Sequence[str], by: Teacher = "rules") -> str:
    """The likeliest of these labels by the rules, which know no gold; by chances, a draw.

    A record always draws the same label.
    """
    shares = judge(evidence).shares
    chances = np.array([shares.get(label, 0.0) for label in labels])
    if by == "rules" or not chances.sum():
        return labels[int(chances.argmax())]
    rng = np.random.default_rng(int(evidence.media.sha256[:15], 16))
    return str(rng.choice(labels, p=chances / chances.sum()))


def _written(claims: Sequence[Claim], label: str, stage: Stage) -> str | None:
    if not claims:
        return None
    return completion.write(compact.until(claims, stage), label if stage == "emotion" else None)


def _cut(told: str | None, stage: Stage) -> str | None:
    """A whole completion, up to the end of a stage."""
    if told is None:
        return None
    return completion.write(compact.until(completion.read(told).claims, stage), None)
