"""Peaks of a curve, and a gentle smoothing of it.

Knows numbers only. Both are in SciPy too, whose signal package takes a second to import:
longer than everything else before the first frame.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.floating]
Indices = npt.NDArray[np.intp]


def find_peaks(
    values: Curve, *, prominence: float, height: float = -np.inf, distance: int = 1
) -> Indices:
    """Indices of local maxima, in order; the middle of a flat one. The ends never count.

    `height`: least value; `distance`: samples between peaks at least, the higher ones stay;
    `prominence`: least drop on both sides before the curve rises higher than the peak.
    """
    curve = np.asarray(values, np.float64)
    found = _maxima(curve)
    found = _apart(found[curve[found] >= height], curve, distance)
    if not found.size:
        return found
    drop = curve[found] - np.maximum(_lows(curve)[found], _lows(curve[::-1])[::-1][found])
    return found[drop >= prominence]


def _maxima(curve: Curve) -> Indices:
    """Middles of the flats that are higher than what is on either side."""
    if len(curve) < 3:
        return np.zeros(0, np.intp)
    steps = np.flatnonzero(np.diff(curve))
    first, last = np.r_[0, steps + 1], np.r_[steps, len(curve) - 1]
    level = curve[first]
    top = np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] > level[2:])) + 1
    return np.asarray((first[top] + last[top]) // 2, np.intp)


def _apart(found: Indices, curve: Curve, distance: int) -> Indices:
    """Without those nearer than `distance` to a higher one that stays."""
    stays = np.ones(len(found), np.bool_)
    for n in np.argsort(curve[found], kind="stable")[::-1] if distance > 1 else ():
        if stays[n]:
            near = np.abs(found - found[n]) < distance
            near[n] = False
            stays[near] = False
    return found[stays]


def _lows(curve: Curve) -> Curve:
    """For each sample the least value since the curve was last higher, itself included."""
    lows = np.empty(len(curve))
    higher: list[tuple[float, float]] = []
    for n, value in enumerate(curve.tolist()):
        low = value
        while higher and higher[-1][0] <= value:
            low = min(low, higher.pop()[1])
        lows[n] = low
        higher.append((value, low))
    return lows


def _parabola() -> Curve:
    """5 × 5: takes five neighbouring values to the parabola through them."""
    x = np.arange(-2.0, 3.0)
    design = np.stack([np.ones(5), x, x * x], axis=1)
    return np.asarray(design @ np.linalg.pinv(design))


_PARABOLA: Final = _parabola()


def smooth(values: Curve) -> Curve:
    """The curve with each value taken from the parabola through its five neighbours
    (Savitzky and Golay 1964). Needs at least five values."""
    curve = np.asarray(values, np.float64)
    return np.concatenate(
        [
            _PARABOLA[:2] @ curve[:5],
            np.convolve(curve, _PARABOLA[2][::-1], "valid"),
            _PARABOLA[3:] @ curve[-5:],
        ]
    )
