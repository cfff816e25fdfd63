"""What reading action units costs: a face and a whole clip, each estimator in turn in one run.

    python -m eval.au_cost CLIP [--rounds N]

Per face: the mesh (its blendshapes included where there are any), what each estimator does
with a picture, and with all rows at the end. Per clip: decoding, faces and action units
together. Times are CPU milliseconds of this process, estimators alternate, the least and the
median of the rounds are told: other work on the machine only adds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from agent import media
from agent.schema.samples import FaceSample, Frame
from agent.senses.faces import Faces
from agent.senses.units.action_units import ActionUnits, estimator

NAMES: Final = ("shortcut", "learned")
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """CPU milliseconds of this process, and what the work gave."""
    start = time.process_time()
    found = work()
    return 1000 * (time.process_time() - start), found


def frames(path: Path) -> list[Frame]:
    """All pictures of a clip."""
    return [item for item in media.stream(path, audio=False) if isinstance(item, Frame)]


def faces(pictures: Sequence[Frame]) -> list[FaceSample]:
    """The faces in all pictures, followed."""
    sense = Faces()
    return [sample for picture in pictures for sample in sense.push(picture)]


def units(samples: Sequence[FaceSample], name: str) -> ActionUnits:
    """An estimator that has seen these samples."""
    sense = ActionUnits(estimator(name))
    for sample in samples:
        sense.push(sample)
    return sense


def clip(path: Path, name: str) -> None:
    """Everything from the file to the series of action units."""
    sense, reader = Faces(), ActionUnits(estimator(name))
    for item in media.stream(path, audio=False):
        if isinstance(item, Frame):
            for sample in sense.push(item):
                reader.push(sample)
    reader.finish(sense.finish().tracks)


def measure(path: Path, rounds: int) -> dict[str, list[float]]:
    """CPU milliseconds by what was done, one a round; a face, or the whole clip."""
    pictures = frames(path)
    samples = faces(pictures)
    if not samples:
        raise ValueError(f"no face in {path}; a clip with one is needed")
    tracks = {"P1": sorted({sample.track for sample in samples})}
    for name in NAMES:
        units(samples[:3], name)  # loads the networks
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        spent, _ = timed(partial(faces, pictures))
        found.setdefault("mesh, a face", []).append(spent / len(samples))
        for name in NAMES:
            spent, sense = timed(partial(units, samples, name))
            found.setdefault(f"{name}: picture, a face", []).append(spent / len(samples))
            spent, _ = timed(partial(sense.finish, tracks))
            found.setdefault(f"{name}: at the end, a face", []).append(spent / len(samples))
        for name in NAMES:
            spent, _ = timed(partial(clip, path, name))
            found.setdefault(f"{name}: the clip", []).append(spent)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m eval.au_cost", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(argv)
    print("| CPU ms | least | median |\n| --- | --- | --- |")
    for name, spent in measure(options.clip, options.rounds).items():
        print(f"| {name} | {min(spent):.2f} | {statistics.median(spent):.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
