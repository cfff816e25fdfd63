"""How much of what is felt do voices of the small world tell? A small classifier's answer.

    python -m finetune.bench_voice finetune/recipes/tiny-world-sft.yaml

A linear classifier learns the label from the voices of all clips whose voice tells, and is asked
of people it never heard: once from what was measured, against the speaker's usual, which no
prompt says; once from what the voice picture itself carries. What a model reaches is to be held
against these.

Knows scenes and their voices; no model and no face.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from agent.render.voice_picture import decode_voice
from finetune import compact, world_rows
from finetune.settings import read
from finetune.world import FELT, Family
from finetune.world_shelf import Kept

Table = npt.NDArray[np.float64]
TELLING: Final[tuple[Family, ...]] = ("voice", "agree", "conflict", "words")
ASKED: Final[tuple[Family, ...]] = ("voice", "conflict")
"""In which the voice alone tells."""
RIDGE: Final = 10.0
STEPS: Final = 400


def of_usual(scene: Kept) -> list[float]:
    """Distances of the five parts from the speaker's usual, their squares and sizes."""
    heard = {c.code: compact.away(c) for c in scene.evidence.cues if c.code in compact.VOICE}
    away = np.array([heard.get(part, 0.0) for part in compact.VOICE])
    return [*away, *away**2, *abs(away)]


def of_picture(scene: Kept) -> list[float]:
    """Of each band of the log-mel: mean and spread while it is loud, how fast it changes."""
    voice = decode_voice(Image.open(io.BytesIO(scene.pictures[0].png)))
    course = voice.mel.mean(0)
    loud = voice.mel[:, course > np.quantile(course, 0.4)]
    changes = abs(np.diff(voice.mel, axis=1)).mean(1)
    return [voice.top, *loud.mean(1), *loud.std(1), *changes]


def fitted(known: Table, labels: npt.NDArray[np.int64]) -> Table:
    """Weights, features × labels, of a ridge-bound logistic regression (Adam, whole batches)."""
    weights = np.zeros((known.shape[1], len(FELT)))
    wanted = np.eye(len(FELT))[labels]
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        told = np.exp(known @ weights - (known @ weights).max(1, keepdims=True))
        told /= told.sum(1, keepdims=True)
        slope = (known.T @ (told - wanted) + RIDGE * weights) / len(known)
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        pace = np.sqrt(second / (1 - 0.99**step)) + 1e-8
        weights -= 0.03 * first / (1 - 0.9**step) / pace
    return weights


def right(
    train: Sequence[Kept], test: Sequence[Kept], features: Callable[[Kept], list[float]]
) -> dict[Family, float]:
    """Share of right answers about the test, by family."""
    train = [s for s in train if s.family in TELLING and s.emotion in FELT]
    known = np.array([features(scene) for scene in train])
    middle, spread = known.mean(0), known.std(0) + 1e-6

    def ready(table: Table) -> Table:
        whole: Table = np.c_[(table - middle) / spread, np.ones(len(table))]
        return whole

    weights = fitted(ready(known), np.array([FELT.index(s.emotion) for s in train]))
    found: dict[Family, float] = {}
    for family in ASKED:
        mine = [scene for scene in test if scene.family == family]
        told = (ready(np.array([features(scene) for scene in mine])) @ weights).argmax(1)
        hits = [FELT[n] == scene.emotion for n, scene in zip(told, mine, strict=True)]
        found[family] = float(np.mean(hits))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Print the shares of right answers."""
    parser = argparse.ArgumentParser(prog="python -m finetune.bench_voice")
    parser.add_argument("recipe", type=Path)
    recipe = read(parser.parse_args(argv).recipe)
    assert recipe.world is not None, "voices are of the small world"
    train, test = (world_rows.scenes(recipe.world, part) for part in ("train", "test"))
    for name, features in (("measured, from usual", of_usual), ("in the picture", of_picture)):
        shares = right(train, test, features)
        print(name, *(f"{family} {share:.1%}" for family, share in shares.items()), sep="  ")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
