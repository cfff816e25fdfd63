"""Turning points of a signal that swings to and fro. Knows numbers over time, no heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turning point, which can be a rest."""

    arrive: int
    leave: int
    """Indices between which the value stays near the extreme."""
    value: float


def turning_points(values: Numbers, least: float) -> list[Turn]:
    """Alternating extremes, each at least `least` from the next; the first and last included."""
    pivots: list[int] = []
    low = high = way = 0
    for n, value in enumerate(values.tolist()):
        high = n if value > values[high] else high
        low = n if value < values[low] else low
        if way >= 0 and values[high] - value >= least:
            pivots.append(high)
            way, low = -1, n
        elif way <= 0 and value - values[low] >= least:
            pivots.append(low)
            way, high = 1, n
    if pivots:
        pivots.append(high if way > 0 else low)
    bounds = [0, *pivots, len(values) - 1]
    return [
        _rest(values, (bounds[n], bounds[n + 1], bounds[n + 2]), 0.25 * least)
        for n in range(len(pivots))
    ]


def _rest(values: Numbers, bounds: tuple[int, int, int], near: float) -> Turn:
    """How long the value stays near an extreme; indices of the one before, itself, the next."""
    before, at, after = bounds
    close = np.abs(values - values[at]) <= near
    arrive = before + int(np.argmax(close[before : at + 1]))
    leave = after - int(np.argmax(close[at : after + 1][::-1]))
    return Turn(arrive, leave, float(values[at]))


def series(points: list[Turn], times: Numbers, beat: float) -> Iterator[list[Turn]]:
    """Turning points at most `beat` seconds apart, grouped; a long rest parts two groups."""
    group: list[Turn] = []
    for point in points:
        if group and times[point.arrive] - times[group[-1].leave] > beat:
            yield group
            group = []
        group.append(point)
        if times[point.leave] - times[point.arrive] > beat and len(group) > 1:
            yield group
            group = [point]
    if len(group) > 1:
        yield group
