"""How well two series, or two lists of events, agree: pure functions over arrays.

Knows nothing about faces or files. Sources: Pearson; Shrout & Fleiss 1979 for ICC(3,1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 of a matching, with the counts they come from."""

    hits: int
    found: int
    """How many the method gave."""
    wanted: int
    """How many there are."""

    @property
    def precision(self) -> float:
        return self.hits / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        return self.hits / self.wanted if self.wanted else float("nan")

    @property
    def f1(self) -> float:
        """2·hits / (found + wanted); NaN where there is nothing to find and nothing found."""
        return f1(self.hits, self.found - self.hits, self.wanted - self.hits)

    def __add__(self, other: Scores) -> Scores:
        return Scores(self.hits + other.hits, self.found + other.found, self.wanted + other.wanted)


def pcc(truth: Array, guess: Array) -> float:
    """Pearson correlation −1…1; 0 for a constant guess, NaN for a constant truth."""
    x, y = _pairs(truth, guess)
    if len(x) < 2 or np.ptp(x) == 0:
        return float("nan")
    if np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def icc31(truth: Array, guess: Array) -> float:
    """ICC(3,1), consistency of single ratings by two fixed raters; NaN for a constant truth."""
    x, y = _pairs(truth, guess)
    n = len(x)
    if n < 2 or np.ptp(x) == 0:
        return float("nan")
    table = np.stack([x, y], axis=1)
    rows, cols, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    between = 2 * ((rows - grand) ** 2).sum() / (n - 1)
    residual = ((table - rows[:, None] - cols[None, :] + grand) ** 2).sum() / (n - 1)
    return float((between - residual) / (between + residual))


def f1(true_positive: float, false_positive: float, false_negative: float) -> float:
    """2·TP / (2·TP + FP + FN); NaN where there is nothing at all."""
    total = 2 * true_positive + false_positive + false_negative
    return 2 * true_positive / total if total else float("nan")


def presence_f1(truth: Array, guess: Array, threshold: float = 1.0) -> float:
    """F1 of "present", which is at or above `threshold` on the 0-5 scale."""
    x, y = _pairs(truth, guess)
    a, b = x >= threshold, y >= threshold
    return f1(float((a & b).sum()), float((~a & b).sum()), float((a & ~b).sum()))


def match(truth: Sequence[float], guess: Sequence[float], within: float) -> list[tuple[int, int]]:
    """One-to-one pairs of (truth index, guess index) at most `within` apart, nearest first."""
    near = sorted(
        (abs(t - g), i, j)
        for i, t in enumerate(truth)
        for j, g in enumerate(guess)
        if abs(t - g) <= within
    )
    pairs: list[tuple[int, int]] = []
    used_t: set[int] = set()
    used_g: set[int] = set()
    for _, i, j in near:
        if i not in used_t and j not in used_g:
            pairs.append((i, j))
            used_t.add(i)
            used_g.add(j)
    return sorted(pairs)


def onsets(truth: Sequence[float], guess: Sequence[float], within: float = 0.25) -> Scores:
    """Events of one kind matched by their onsets in seconds."""
    return Scores(len(match(truth, guess, within)), len(guess), len(truth))


def _pairs(truth: Array, guess: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Both as float64, without the samples that either lacks."""
    x, y = np.asarray(truth, dtype=np.float64), np.asarray(guess, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"series of unlike length: {x.shape} and {y.shape}")
    keep = np.isfinite(x) & np.isfinite(y)
    return x[keep], y[keep]
