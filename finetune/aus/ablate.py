"""What each part of the estimator adds, and what more people add: one table, on held-out people.

    python -m finetune.aus.ablate FACES [--steps N] [--clips FOLDER]

FACES holds train/, validation/, test/ and finished skin networks, of which the newest counts;
CLIPS more people to judge on, as shards. Every row is a network trained afresh on the 478-point
mesh unless it says otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from agent.schema.samples import Floats
from agent.senses.units.net import Net
from finetune.aus import data, fuse, patches, train
from finetune.aus.data import Mesh, People
from finetune.aus.fuse import Parts


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    mesh: Mesh
    parts: Parts
    smooth: bool
    people: int
    """At most so many people to learn from."""


def plan(most: int) -> Iterator[Row]:
    """From the mesh alone to everything, then fewer people."""
    bare = Parts(blendshapes=False, skin=False, relative=False)
    yield Row("468 points", "small", bare, False, most)
    yield Row("478 points", "large", bare, False, most)
    yield Row("+ relative", "large", Parts(False, False, True), False, most)
    yield Row("+ blendshapes", "large", Parts(True, False, True), False, most)
    yield Row("+ skin", "large", Parts(True, True, True), False, most)
    yield Row("+ time", "large", Parts(), True, most)
    yield Row("468 points, all but blendshapes", "small", Parts(), True, most)
    count = 32
    while count < most:
        yield Row(f"all, {count} people", "large", Parts(), True, count)
        count *= 2


def run(faces: Path, steps: int, clips: Path | None, seed: int = 0) -> Iterator[str]:
    """The table's lines, as they are known."""
    mean = data.mean_face()
    skin = patches.restore(max(faces.glob("skin-*.pt"), key=lambda path: path.stat().st_mtime))
    people = data.load(faces / "train", mean)
    judges = {name: data.load(faces / name, mean) for name in ("validation", "test")}
    if clips is not None:
        judges["clips"] = data.load(clips, mean)
    numbers = {name: patches.numbers(skin, part.patches) for name, part in judges.items()}
    every = patches.numbers(skin, people.patches)
    yield "| what | people | pictures | " + " | ".join(f"{n}: PCC, F1" for n in judges) + " |"
    yield "| --- " * (3 + len(judges)) + "|"
    for row in plan(len(people.bounds) - 1):
        some = people.first(row.people)
        weights, axes = _learn(some, every[: len(some)], row, steps, seed)
        cells = []
        for name, part in judges.items():
            table = fuse.rows(part, row.mesh, axes, numbers[name], row.parts)
            found = train.judge(Net(weights), part, table, row.smooth, row.parts.relative)
            cells.append(f"{found['mean']['pcc']:.3f}, {found['mean']['f1']:.3f}")
        yield f"| {row.name} | {len(some.bounds) - 1} | {len(some)} | " + " | ".join(cells) + " |"


def _learn(
    people: People, numbers: Floats, row: Row, steps: int, seed: int
) -> tuple[dict[str, Floats], Floats]:
    axes, sign = fuse.basis(people, row.mesh, data.mean_face())
    table = fuse.rows(people, row.mesh, axes, numbers, row.parts)
    return fuse.train(people, table, axes, sign, steps, seed, row.parts), axes


def main(argv: Sequence[str] | None = None) -> int:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m finetune.aus.ablate", description=__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--clips", type=Path)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    for line in run(options.faces, options.steps, options.clips):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
