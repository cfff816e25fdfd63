"""How much single cycles of the voice differ from the next: jitter and shimmer.

Knows samples and a pitch for each row. Cycles are found by waveform matching (Milenkovic 1987;
Boersma 2009, "Should jitter be measured by peak picking or by waveform matching?"): the length of
a cycle is the lag, within a quarter of the period, at which the wave repeats itself best.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Columns, Floats
from agent.senses.voice.prosody import HOP, RATE, WINDOW

NAMES: Final = ("jitter", "shimmer_db")
"""Columns of `perturbation`. jitter: mean difference of neighbouring cycle lengths over the mean
length (local jitter, a ratio); shimmer_db: mean size of 20·log10 of neighbouring amplitudes."""

MOST: Final = 5
"""Cycles followed in one row at most."""
_GRID: Final = 48
"""Samples of a cycle after stretching to equal length."""
_REACH: Final = 0.2
"""Share of a period within which the next repetition is sought."""
_ALIKE: Final = 0.75
"""Least correlation of a cycle with the next; below it is no cycle."""


def perturbation(samples: Floats, rows: npt.NDArray[np.intp], f0: Floats) -> Columns:
    """The columns in `NAMES`, one value for each of `rows` whose pitch is `f0` (Hz).

    `samples` as for `prosody.frames`: row i covers samples 160·i … 160·i + 799. NaN where fewer
    than three cycles follow one another.
    """
    jitter, shimmer = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    count = np.floor(WINDOW / RATE * f0 - 0.5).astype(int)
    count = np.minimum(count, MOST)
    for cycles in np.unique(count[count >= 3]):
        here = np.flatnonzero(count == cycles)
        wave = _stretched(samples, rows[here], f0[here], int(cycles))
        lengths, sizes = _follow(wave, int(cycles) - 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            jitter[here] = np.abs(np.diff(lengths, axis=1)).mean(axis=1) / lengths.mean(axis=1)
            ratio = 20 * np.log10(sizes[:, 1:] / sizes[:, :-1])
            shimmer[here] = np.abs(ratio).mean(axis=1)
    return {"jitter": jitter.astype(np.float32), "shimmer_db": shimmer.astype(np.float32)}


def _stretched(
    samples: Floats, rows: npt.NDArray[np.intp], f0: Floats, cycles: int
) -> npt.NDArray[np.float32]:
    """The middle `cycles` periods of each row and some more, _GRID points a period."""
    points = int((cycles + 0.5) * _GRID)
    step = RATE / f0 / _GRID
    middle = rows * HOP + WINDOW / 2
    at = middle[:, None] + (np.arange(points) - points / 2) * step[:, None]
    at = np.clip(at, 1, len(samples) - 3)
    whole = at.astype(np.intp)
    t = at - whole
    # Catmull-Rom: a straight line between samples would add jitter of its own.
    a, b, c, d = (samples[whole + k].astype(np.float32) for k in (-1, 0, 1, 2))
    return np.asarray(
        b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    )


def _follow(
    wave: npt.NDArray[np.float32], cycles: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Lengths in grid points and amplitudes of successive cycles, rows × cycles; NaN if lost."""
    count, points = wave.shape
    row = np.arange(count)[:, None]
    reach = int(_REACH * _GRID)
    lags = np.arange(_GRID - reach - 1, _GRID + reach + 2)
    inner = np.arange(_GRID)
    begin = np.full(count, (points - (cycles + 1) * _GRID) / 2)
    lengths, sizes = np.full((count, cycles), np.nan), np.full((count, cycles), np.nan)
    alive = np.ones(count, bool)
    for n in range(cycles):
        first = np.clip(np.rint(begin), 0, points - 1).astype(np.intp)
        one = wave[row, np.minimum(first[:, None] + inner, points - 1)]
        span = np.arange(lags[0], lags[-1] + _GRID)
        inside = first + span[-1] < points + reach
        then = wave[row, np.minimum(first[:, None] + span, points - 1)]
        windows = np.lib.stride_tricks.sliding_window_view(then, _GRID, axis=1)
        like = np.einsum("rlg,rg->rl", windows, one)
        power = np.einsum("rlg,rlg->rl", windows, windows)
        like /= np.sqrt(np.maximum(power * (one**2).sum(axis=1)[:, None], 1e-20))
        best = np.clip(like[:, 1:-1].argmax(axis=1) + 1, 1, len(lags) - 2)
        left, top, right = (like[row[:, 0], best + k] for k in (-1, 0, 1))
        bend = np.minimum(left - 2 * top + right, -1e-9)
        length = lags[best] + np.clip(0.5 * (left - right) / bend, -0.5, 0.5)
        alive &= (top > _ALIKE) & inside
        lengths[:, n] = np.where(alive, length, np.nan)
        sizes[:, n] = np.where(alive, np.ptp(one, axis=1), np.nan)
        begin = begin + length
    return lengths, sizes
