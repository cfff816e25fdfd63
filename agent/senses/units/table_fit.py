"""Whether another program's table is of this clip, and when each of its rows was.

Knows the numbers a table gives for time and the clip's own time stamps; nothing of action units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.errors import USAGE, DuchenneError

Times = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

SLACK: Final = 0.5
"""Seconds by which a table may end after its clip, at least."""
SHARE: Final = 0.1
"""The same as a share of the clip."""
SPARE: Final = 2
"""Pictures by which two programs may count differently."""
EVEN: Final = 0.002
"""Seconds: steps that differ by less are even, times in tables being rounded."""
COVERED: Final = 0.8
"""Share of the clip that a table should tell of; what tells of less is said."""
GAP: Final = 0.5
"""Seconds between two rows of one face whose name has changed, at most."""


class FitError(DuchenneError, ValueError):
    """A table that does not fit the clip; the message says by how much."""

    code = "other_clips_table"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Timeline:
    """When a clip's pictures are shown."""

    fps: float
    duration: float = 0.0
    """Seconds; 0 for a still, or where it is not known."""
    stamps: Sequence[float] = ()
    """Seconds of every picture in order; empty where they are not known."""
    still: bool = False
    """A single picture."""
    file: str = ""
    """Name of the clip."""


def fitted(
    times: Times | None, frames: Numbers | None, clip: Timeline
) -> tuple[Times, Numbers, list[str]]:
    """Seconds and picture number (from 0) of every row, and what was made of the table's own.

    `times` as the table gives them, `frames` counted from 0; one of them may be None. Raises
    FitError for a table that is of another clip.
    """
    stamps = np.asarray(clip.stamps, np.float64)
    if clip.still:
        return _of_a_still(times, frames)
    notes: list[str] = []
    counted = frames is not None and (not len(stamps) or frames.max() < len(stamps) + SPARE)
    if times is not None and _are_numbers(times, frames, clip):
        frames, times, counted = np.asarray(np.rint(times), np.int64), None, True
        notes.append("its times are picture numbers; they were looked up among the clip's own")
    if times is not None and (factor := _unit(times, clip)) != 1.0:
        times = times * factor
        notes.append(f"its times are in units of {factor:g} s, to go by the clip's length")
    if times is not None and frames is not None and counted and len(stamps):
        own = _at(stamps, frames)
        off = float(np.abs(own - times).max())
        whole = frames.max() + 1 >= len(stamps) - SPARE  # else of a version at another rate
        if whole and _goes_by_numbers(times, frames) and off > max(1.5 / max(clip.fps, 1.0), 0.05):
            notes.append(
                "its times go by picture numbers alone and are up to "
                f"{off:.1f} s off; the clip's own times are taken"
            )
            times = own
    if times is None:
        if frames is None or (not len(stamps) and clip.fps <= 0):
            raise FitError("has no times, and the clip's frame rate is not known")
        if not counted:
            raise FitError(
                f"numbers pictures up to {int(frames.max()) + 1}; the clip has {len(stamps)}. It "
                "is of another clip, or of another version of it"
            )
        times = _at(stamps, frames) if len(stamps) else frames / clip.fps
    if frames is None:
        near = np.searchsorted(stamps, times - 1e-3) if len(stamps) else np.rint(times * clip.fps)
        frames = np.asarray(near, np.int64)
    _within(times, clip)
    return times, frames, [*notes, *_short(times, clip)]


def _of_a_still(times: Times | None, frames: Numbers | None) -> tuple[Times, Numbers, list[str]]:
    rows = len(times if times is not None else frames if frames is not None else ())
    for each in (times, frames):
        if each is not None and np.ptp(each) > 0 and len(np.unique(each)) > 1:
            raise FitError(
                f"tells of {len(np.unique(each))} moments and the clip is one picture. Give the "
                "rows of that picture"
            )
    return np.zeros(rows), np.zeros(rows, np.int64), []


def _at(stamps: Times, frames: Numbers) -> Times:
    """Stamps by number; a picture or two after the last go on at the usual step."""
    step = float(np.median(np.diff(stamps))) if len(stamps) > 1 else 0.0
    after = np.maximum(frames - (len(stamps) - 1), 0)
    return np.asarray(stamps[np.minimum(frames, len(stamps) - 1)] + step * after)


def _room(clip: Timeline) -> float:
    return max(SLACK, SHARE * clip.duration)


def _unit(times: Times, clip: Timeline) -> float:
    """Seconds in one of the table's units: 1, or a thousandth and less where only that fits."""
    last = float(times.max())
    if not clip.duration or last <= clip.duration + _room(clip):
        return 1.0
    for factor in (1e-3, 1e-6, 1e-9):
        if COVERED * clip.duration <= last * factor <= clip.duration + _room(clip):
            return factor
    return 1.0


def _are_numbers(times: Times, frames: Numbers | None, clip: Timeline) -> bool:
    """Whether a column of times holds the numbers of pictures."""
    if not clip.duration or times.max() <= clip.duration + _room(clip):
        return False
    steps = np.diff(np.unique(times))
    whole = (
        bool(len(steps))
        and bool((times == np.rint(times)).all())
        and bool((steps == 1).mean() > 0.5)
    )
    return whole and frames is None and bool(times.max() < len(clip.stamps) + SPARE)


def _goes_by_numbers(times: Times, frames: Numbers) -> bool:
    """Whether the times are the numbers times one step: reckoned, not read from the clip."""
    spread = np.ptp(frames)
    if len(np.unique(frames)) < 3 or not spread:
        return False
    step = np.ptp(times) / spread
    return bool(np.abs(times - times.min() - step * (frames - frames.min())).max() <= EVEN)


def _within(times: Times, clip: Timeline) -> None:
    last = float(times.max())
    if clip.duration and last > clip.duration + _room(clip):
        raise FitError(
            f"tells of {last:.1f} s and the clip has {clip.duration:.1f} s. It is of another clip; "
            "give this one's"
        )


def _short(times: Times, clip: Timeline) -> list[str]:
    first, last = float(times.min()), float(times.max())
    step = float(np.median(np.diff(np.unique(times)))) if len(np.unique(times)) > 1 else 0.0
    if not clip.duration or last - first + step >= COVERED * clip.duration - 1e-6:
        return []
    return [
        f"it tells of {first:.1f}-{last:.1f} s only, of {clip.duration:.1f} s; of the rest nothing "
        "is known. Is it this clip's?"
    ]


def one_name(
    names: Sequence[str], times: Times, places: npt.NDArray[np.float64] | None
) -> tuple[list[str], list[str]]:
    """Names row by row with those joined that flicker between one face, and a note of it.

    Two names are of one face where they never stand beside each other and one follows within GAP
    seconds upon the other at the same place (`places`: x, y, width a row), or without places, where
    they take turns again and again.
    """
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows_of.setdefault(name, []).append(row)
    if len(rows_of) < 2:
        return list(names), []
    order = np.argsort(times, kind="stable")
    follows: dict[tuple[str, str], list[bool]] = {}
    for before, after in pairwise(order.tolist()):
        pair = names[before], names[after]
        if pair[0] != pair[1] and 0 < times[after] - times[before] <= GAP:
            follows.setdefault(pair, []).append(_same_place(places, before, after))
    joined = {name: name for name in rows_of}
    seen = {name: set(times[rows].tolist()) for name, rows in rows_of.items()}
    for (first, second), same in follows.items():
        one, other = joined[first], joined[second]
        takes_turns = (second, first) in follows
        fits = all(same) if places is not None else takes_turns
        if one != other and fits and not seen[one] & seen[other]:
            keep, gone = sorted((one, other), key=lambda name: rows_of[name][0])
            seen[keep] |= seen[gone]
            joined = {name: keep if head == gone else head for name, head in joined.items()}
    count = len(rows_of) - len(set(joined.values()))
    if not count:
        return list(names), []
    why = (
        f"{len(rows_of)} names of faces, {count} of which are of a face that has another name "
        "before: joined, as they never stand side by side and follow each other at one place"
    )
    return [joined[name] for name in names], [why]


def _same_place(places: npt.NDArray[np.float64] | None, before: int, after: int) -> bool:
    if places is None:
        return False
    x, y, width = places[before]
    other_x, other_y, other_width = places[after]
    near = np.hypot(other_x - x, other_y - y) <= 0.5 * max(width, other_width)
    alike = 0.5 <= (other_width + 1e-6) / (width + 1e-6) <= 2.0
    return bool(near and alike)
