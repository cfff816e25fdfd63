"""Whether skin tone changes the impression: rendered people, each in darker and lighter skin.

    python -m finetune.impression.tones [--people N]

The same head, muscles, light and camera; only the skin differs, so a difference of the shares
is the network's alone. Needs moderngl and the head model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.senses.faces import face_in
from agent.senses.faces.impression import Impression
from agent.senses.faces.impression_cues import LABELS
from finetune.aus.strata import SIZE, usual
from finetune.faces import clips, ict, muscles, people
from finetune.faces.render import Renderer, look

FIRST: Final = 430_000
"""Seed of the first person; no training has people from here on."""
KINDS: Final = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
TONES: Final = (0.05, 0.5, 0.95)
"""Dark, medium, light."""
Array = npt.NDArray[Any]


def stills(seed: int, renderers: Sequence[Renderer], net: Impression) -> Array | None:
    """tones × kinds × labels: shares of one person; None where a face is not found.

    One renderer for each tone: a renderer takes people of one seed for the same and keeps the skin.
    """
    scenario = usual(seed, 1.0)
    out = np.empty((len(TONES), len(KINDS), len(LABELS)))
    for row, tone in enumerate(TONES):
        renderer = renderers[row]
        face = look(renderer.head, people.toned(scenario.who, tone))
        for column, kind in enumerate(KINDS):
            state: dict[str, float] = {}
            if kind != "neutral":
                muscles.mix(state, np.random.default_rng([seed, column]), kind, 4.0)
            random = np.random.default_rng([seed, column, 1])
            shot = replace(scenario.shot, occluder=None)
            image = clips.snap(renderer, face, shot, state, 0.0, random).image
            found = face_in(image)
            if found is None:
                return None
            out[row, column] = net(image, found.mesh)
    return out


def table(count: int) -> Iterator[str]:
    """Lines: mean share of each label by tone, and lighter less darker with its interval."""
    head, net = ict.load(), Impression()
    renderers = [Renderer(head, SIZE) for _ in TONES]
    every = [stills(seed, renderers, net) for seed in range(FIRST, FIRST + count)]
    rows = np.stack([one for one in every if one is not None])
    random = np.random.default_rng(0)
    draws = random.integers(0, len(rows), (1000, len(rows)))
    yield f"{len(rows)} of {count} people with every face found; {net.version}"
    yield "| label | dark | medium | light | light less dark |"
    yield "| --- | --- | --- | --- | --- |"
    mean = rows.mean(axis=2)
    for place, label in enumerate(LABELS):
        yield _line(label, mean[:, :, place], draws)
    for column, kind in enumerate(KINDS):
        place = LABELS.index(kind)
        yield _line(f"{kind}, where it is rendered", rows[:, :, column, place], draws)
    same = (rows[:, 0].argmax(axis=2) == rows[:, 2].argmax(axis=2)).mean()
    yield f"the same leading label in dark and light skin: {same:.0%}"


def _line(name: str, values: Array, draws: Array) -> str:
    gap = values[:, 2] - values[:, 0]
    low, high = np.quantile(gap[draws].mean(axis=1), [0.025, 0.975])
    cells = " | ".join(f"{value:.3f}" for value in values.mean(axis=0))
    return f"| {name} | {cells} | {gap.mean():+.3f} [{low:+.3f}, {high:+.3f}] |"


def main(argv: list[str] | None = None) -> int:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m finetune.impression.tones")
    parser.add_argument("--people", type=int, default=24)
    options = parser.parse_args(argv)
    for line in table(options.people):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
