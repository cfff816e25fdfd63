"""How well labels were read: mean recall with its interval, calibration, errors found.

Knows arrays of truths, answers and shares only.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Vector = npt.NDArray[Any]

DRAWS: Final = 2000


def recall(truth: Vector, found: Vector) -> float:
    """Mean recall over the labels that occur (unweighted average recall)."""
    return float(np.mean([(found[truth == k] == k).mean() for k in np.unique(truth)]))


def interval(truth: Vector, found: Vector, group: Vector) -> tuple[float, float]:
    """95 % interval of the mean recall: people drawn anew, then each one's utterances."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(group == g) for g in np.unique(group)]
    draws = []
    for _ in range(DRAWS):
        people = rng.integers(len(members), size=len(members))
        rows = np.concatenate([rng.choice(members[p], len(members[p])) for p in people])
        draws.append(recall(truth[rows], found[rows]))
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(low), float(high)


def ece(sure: Vector, right: Vector, bins: int = 10) -> float:
    """Expected calibration error over bins of equal count (few utterances leave others empty)."""
    parts = np.array_split(np.argsort(sure, kind="stable"), bins)
    gaps = [abs(sure[p].mean() - right[p].mean()) * len(p) for p in parts if len(p)]
    return float(sum(gaps) / len(sure))


def auroc(sure: Vector, right: Vector) -> float:
    """Chance that a right answer is surer than a wrong one; NaN where all are alike."""
    good, bad = int(right.sum()), int((~right).sum())
    if not good or not bad:
        return float("nan")
    return float((rankdata(sure)[right].sum() - good * (good + 1) / 2) / (good * bad))
