"""Figures of action units with intervals over people, and two estimators held against each other.

    python -m eval.au_intervals ../shared/media/rendered

Both estimators read the same faces in one pass. A figure is the mean over action units of
PCC, or of F1 of "present" at 1 and more, over pooled frames. Frames of one person are not
independent: whole people are drawn with replacement. Knows nothing about how a reading was
made.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from eval import faces
from eval.faces import CUES, Clip

Array = npt.NDArray[np.float64]
DRAWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % percentile interval."""

    value: float
    low: float
    high: float


def sums(truth: Array, guess: Array) -> Array:
    """What pooled PCC and F1 need of one person: action units × 9, from frames × action units.

    Frames with NaN on either side are left out, one action unit at a time.
    """
    good = np.isfinite(truth) & np.isfinite(guess)
    x, y = np.where(good, truth, 0.0), np.where(good, guess, 0.0)
    there, found = good & (truth >= 1), good & (guess >= 1)
    parts = (good, x, y, x * x, y * y, x * y, there & found, found & ~there, there & ~found)
    return np.stack([part.sum(axis=0, dtype=np.float64) for part in parts], axis=1)


def pooled(people: Array, draws: npt.NDArray[np.int64]) -> dict[str, Array]:
    """Mean PCC and F1 of drawn people: `people` n × action units × 9, `draws` k × n → k each.

    An action unit that a draw never shows has no figure there and is left out of its mean.
    """
    counts = np.zeros((len(draws), len(people)))
    np.add.at(counts, (np.arange(len(draws))[:, None], draws), 1)
    n, sx, sy, xx, yy, xy, hit, false, missed = np.moveaxis(
        np.tensordot(counts, people, axes=1), -1, 0
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        across = n * xy - sx * sy
        spread = np.sqrt(np.maximum(n * xx - sx**2, 0) * np.maximum(n * yy - sy**2, 0))
        moved = n * xx - sx**2 > 1e-9
        pcc = np.where(moved, np.where(spread > 0, across / spread, 0.0), np.nan)
        f1 = np.where(hit + missed > 0, 2 * hit / (2 * hit + false + missed), np.nan)
        return {"pcc": np.nanmean(pcc, axis=1), "f1": np.nanmean(f1, axis=1)}


def figures(people: Array) -> dict[str, Figure]:
    """PCC and F1 of these people with intervals."""
    return _between(_drawn(people, 0), None)


def paired(one: Array, other: Array) -> dict[str, Figure]:
    """How much more `one` has than `other`: the same people, in the same order."""
    return _between(_drawn(one, 0), _drawn(other, 0))


def gap(one: Array, other: Array) -> dict[str, Figure]:
    """How much more `one` has than `other`: different people, drawn apart."""
    return _between(_drawn(one, 0), _drawn(other, 1))


def _drawn(people: Array, seed: int) -> dict[str, Array]:
    """Figures of all people first, then of DRAWS samples of them."""
    count = len(people)
    draws = np.random.default_rng(seed).integers(count, size=(DRAWS, count))
    return pooled(people, np.concatenate([np.arange(count)[None], draws]))


def _between(one: dict[str, Array], other: dict[str, Array] | None) -> dict[str, Figure]:
    found = {}
    for key, values in one.items():
        values = values if other is None else values - other[key]
        low, high = np.nanpercentile(values[1:], [2.5, 97.5]).tolist()
        found[key] = Figure(float(values[0]), low, high)
    return found


def parts(clips: Sequence[Clip]) -> dict[str, list[npt.NDArray[np.bool_]]]:
    """What the rendered clips tell apart: which frames of each clip belong to each part."""
    tone = float(np.median([clip.skin_tone for clip in clips]))
    every = [np.ones(len(clip.times), bool) for clip in clips]

    def those(chosen: Callable[[Clip], bool]) -> list[npt.NDArray[np.bool_]]:
        return [whole & chosen(clip) for clip, whole in zip(clips, every, strict=True)]

    return {
        "all": every,
        "head frontal": [~clip.turned for clip in clips],
        "head turned": [clip.turned for clip in clips],
        "lighter skin": those(lambda clip: clip.skin_tone <= tone),
        "darker skin": those(lambda clip: clip.skin_tone > tone),
        "speech": those(lambda clip: clip.speech),
        "no speech": those(lambda clip: not clip.speech),
    }


def measured(clips: Sequence[Clip], frames: Sequence[npt.NDArray[np.bool_]]) -> Array:
    """`sums` of those clips that have any of these frames."""
    found = []
    for clip, mine in zip(clips, frames, strict=True):
        if mine.any():
            truth = np.stack([clip.truth[number][mine] for number in CUES], axis=1)
            guess = np.stack([clip.found(number, False)[mine] for number in CUES], axis=1)
            found.append(sums(truth, guess))
    return np.stack(found)


def table(read: Mapping[str, Sequence[Clip]]) -> Iterator[str]:
    """Lines of a table: parts × estimators, and what the first has more than the last."""
    names = list(read)
    yield f"| part | people | {' | '.join(f'{n} PCC, F1' for n in names)} | more PCC, F1 |"
    yield "| --- " * (len(names) + 3) + "|"
    divided = parts(read[names[0]])
    for part, frames in divided.items():
        if not any(mine.any() for mine in frames):
            continue
        of = [measured(read[name], frames) for name in names]
        cells = [cell(figures(one)) for one in of] + [cell(paired(of[0], of[-1]), "+")]
        yield f"| {part} | {len(of[0])} | {' | '.join(cells)} |"
    for one, other in (("lighter skin", "darker skin"), ("no speech", "speech")):
        if all(any(mine.any() for mine in divided[part]) for part in (one, other)):
            cells = [
                cell(gap(*(measured(read[name], divided[part]) for part in (one, other))), "+")
                for name in names
            ]
            yield f"| {one} less {other} | | {' | '.join(cells)} | |"


def cell(found: Mapping[str, Figure], sign: str = "") -> str:
    """PCC and F1 with their intervals as one cell."""
    return "; ".join(
        f"{f.value:{sign}.2f} ({f.low:{sign}.2f} to {f.high:{sign}.2f})" for f in found.values()
    )


def main(argv: Sequence[str] | None = None) -> int:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m eval.au_intervals", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--aus", nargs="+", default=["learned", "shortcut"])
    options = parser.parse_args(argv)
    read: dict[str, list[Clip]] = {name: [] for name in options.aus}
    measure = faces.sensed(options.aus)
    try:
        paths = faces.rendered(options.folder)
    except FileNotFoundError as error:
        parser.error(str(error))
    for path in paths:
        for name, found in zip(options.aus, measure(path), strict=True):
            read[name].append(faces.read(path, found))
    print("\n".join(table(read)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
