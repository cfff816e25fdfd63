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

from agent.senses.samples import Floats

Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.floating]

ENOUGH: Final = 0.5
"""Seconds of calm that a baseline needs."""
SHARE: Final = 0.25
"""Share of the good samples that can count as calm."""
WINDOW: Final = 0.3
"""Seconds over which movement is judged."""


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

    def relative(self, values: Floats) -> Floats:
        """Values (samples × columns) above the resting level; NaN where there is no baseline."""
        if self.kind == "none":
            return np.full_like(values, np.nan)
        return (values - self.levels).astype(np.float32)


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
    score = _amount(rows) + _movement(at, rows)
    wanted = max(int(np.ceil(SHARE * len(at))), _samples_in(at, ENOUGH))
    order = np.argsort(score, kind="stable")[: min(wanted, len(at))]
    chosen[np.flatnonzero(usable)[order]] = True
    return chosen


def rest(
    times: Times,
    values: Floats,
    chosen: Flags,
    limit: Floats | None = None,
    kind: Literal["clip", "enrolment"] = "clip",
) -> Baseline:
    """Resting level of each column of `values` (samples × columns) over the chosen samples.

    `limit` (one a column) bounds the level on both sides of zero; None for numbers that have
    no natural zero, such as distances.
    """
    columns = values.shape[1]
    seconds = float(chosen.sum()) * _step(times)
    if seconds < ENOUGH:
        zero = np.zeros(columns, dtype=np.float32)
        return Baseline("none", zero, np.full(columns, np.nan, dtype=np.float32), seconds)
    levels = np.nanmedian(values[chosen], axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(values[chosen] - levels), axis=0)
    if limit is not None:
        levels = np.clip(levels, -limit, limit)
    return Baseline(kind, levels.astype(np.float32), spread.astype(np.float32), seconds)


def enrol(times: Times, values: Floats, good: Flags, limit: Floats | None = None) -> Baseline:
    """Baseline from another clip of the same person; `values` as in `calm` and `rest`."""
    return rest(times, values, calm(times, values, good), limit, kind="enrolment")


def _amount(rows: Floats) -> Floats:
    """Activity of each sample above the clip's own low tide, mean over the columns."""
    low = np.quantile(rows, 0.1, axis=0)
    return np.asarray(np.maximum(rows - low, 0).mean(axis=1), dtype=np.float32)


def _movement(times: Times, rows: Floats) -> Floats:
    """Range of each sample's neighbourhood of WINDOW seconds, mean over the columns."""
    half = max(_samples_in(times, WINDOW / 2), 1)
    if len(rows) <= 2 * half:
        return np.zeros(len(rows), dtype=np.float32)
    padded = np.pad(rows, ((half, half), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    return np.asarray(np.ptp(windows, axis=2).mean(axis=1), dtype=np.float32)


def _step(times: Times) -> float:
    """Usual seconds between samples; 0 for fewer than two."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _samples_in(times: Times, seconds: float) -> int:
    step = _step(times)
    return int(np.ceil(seconds / step)) if step > 0 else 1
