"""A person's own resting face, found in the quiet moments of a clip or taken from another one.

Knows numbers over time and nothing about faces, meshes or how a number was measured.

What a clip can tell: which moments are calm and show the least activity, and how the
numbers read then. What it cannot tell: whether those moments are truly neutral. Someone who
smiles from the first frame to the last has no resting face in the clip. So a resting level
is never believed beyond what anatomy explains: each column comes with the largest reading
that a relaxed face is known to give (`limit`), and everything above stays expression. With
less than half a second of calm nothing is taken off and the baseline is "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Floats

Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.floating]

ENOUGH: Final = 0.5
"""Seconds of calm that a baseline needs."""
SHARE: Final = 0.25
"""Share of the good samples that can count as calm."""
WINDOW: Final = 0.3
"""Seconds over which movement is judged."""
BLOCK: Final = 4096
"""Samples judged at once."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the columns read when this person rests."""

    kind: Literal["clip", "enrolment", "none"]
    levels: Floats
    """One resting level a column, in the column's own unit; 0 where the kind is "none"."""
    spread: Floats
    """Robust standard deviation of each column in the calm moments; NaN where unknown."""
    seconds: float
    """Calm time it stands on."""

    def relative(self, column: int, values: Floats) -> Floats:
        """Values (samples,) of one column above its resting level, in its own unit.

        NaN where there is no baseline.
        """
        if self.kind == "none":
            return np.full_like(values, np.nan)
        return np.asarray(values - self.levels[column], np.float32)


def calm(times: Times, activity: Floats, good: Flags) -> Flags:
    """Which samples show the person at rest: little movement and little activity.

    `activity` is samples × columns, each column a reading that grows as a muscle acts, all in
    one unit. Samples with `good` false are never chosen.
    """
    chosen = np.zeros(len(times), dtype=np.bool_)
    usable = good & np.isfinite(activity).all(axis=1)
    if not usable.any():
        return chosen
    at, rows = times[usable], activity[usable]
    score = _activity(at, rows)
    wanted = max(int(np.ceil(SHARE * len(at))), _samples_in(at, ENOUGH))
    order = np.argsort(score, kind="stable")[: min(wanted, len(at))]
    chosen[np.flatnonzero(usable)[order]] = True
    return chosen


def seconds(times: Times, chosen: Flags) -> float:
    """Time that the chosen samples stand for."""
    return float(chosen.sum()) * _step(times)


def rest(
    values: Floats,
    seconds: float,
    limit: Floats | None = None,
    kind: Literal["clip", "enrolment"] = "clip",
) -> Baseline:
    """Resting level of each column of `values` (calm samples × columns), `seconds` of calm.

    `limit` (one a column) bounds the level on both sides of zero; None for numbers that have
    no natural zero, such as distances.
    """
    columns = values.shape[1]
    if seconds < ENOUGH:
        zero = np.zeros(columns, dtype=np.float32)
        return Baseline("none", zero, np.full(columns, np.nan, dtype=np.float32), seconds)
    levels = np.nanmedian(values, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(values - levels), axis=0)
    if limit is not None:
        levels = np.clip(levels, -limit, limit)
    return Baseline(kind, levels.astype(np.float32), spread.astype(np.float32), seconds)


def _activity(times: Times, rows: Floats) -> Floats:
    """Activity above the clip's own low tide, and movement: how far each sample is from calm.

    Means over the columns. Block by block: at once, half an hour would take 30 MiB.
    """
    low = np.quantile(rows, 0.1, axis=0)
    half = max(_samples_in(times, WINDOW / 2), 1)
    still = len(rows) <= 2 * half
    score = np.empty(len(rows), np.float32)
    for begin in range(0, len(rows), BLOCK):
        here = rows[begin : begin + BLOCK]
        amount = np.asarray(np.maximum(here - low, 0).mean(axis=1), np.float32)
        moved = 0.0 if still else _movement(rows, begin, begin + len(here), half)
        score[begin : begin + len(here)] = amount + moved
    return score


def _movement(rows: Floats, begin: int, end: int, half: int) -> Floats:
    """Range of the 2 · half + 1 samples about each of a block, mean over the columns."""
    first, last = max(begin - half, 0), min(end + half, len(rows))
    margins = (half - (begin - first), half - (last - end))
    padded = np.pad(rows[first:last], (margins, (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    return np.asarray(np.ptp(windows, axis=2).mean(axis=1), dtype=np.float32)


def _step(times: Times) -> float:
    """Usual seconds between samples; 0 for fewer than two."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _samples_in(times: Times, seconds: float) -> int:
    step = _step(times)
    return int(np.ceil(seconds / step)) if step > 0 else 1
