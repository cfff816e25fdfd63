"""Risk and coverage: what "cannot tell" saves, and whether a promised risk is kept.

Knows how sure each answer was and whether it was right. A threshold is chosen on some people so
that, of the answers that are surer, at most the promised share is wrong with 95 % certainty
(Geifman & El-Yaniv 2017, with the exact bound of Clopper & Pearson 1934); it is judged on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

Sure = npt.NDArray[np.float64]
Right = npt.NDArray[np.bool_]

COVERAGES: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3)
RISKS: Final = (0.1, 0.2, 0.3)
FEWEST: Final = 20
"""Answers that a threshold must leave, or none is chosen."""


def upper(wrong: int, count: int, chance: float = 0.05) -> float:
    """The largest risk that so many wrong answers of so many do not speak against."""
    return 1.0 if wrong >= count else float(beta.ppf(1 - chance, wrong + 1, count - wrong))


def interval(wrong: int, count: int) -> tuple[float, float]:
    """95 % of the risk, exact."""
    if not count:
        return 0.0, 1.0
    low = 0.0 if wrong == 0 else float(beta.ppf(0.025, wrong, count - wrong + 1))
    return low, upper(wrong, count, 0.025)


def threshold(sure: Sure, right: Right, risk: float) -> float | None:
    """The least sureness from which on at most `risk` is wrong, with 95 % certainty.

    None where no threshold that leaves FEWEST answers promises that. Answers that are equally
    sure stay together.
    """
    order = np.argsort(-sure, kind="stable")
    ranked, wrong = sure[order], np.cumsum(~right[order])
    last = np.flatnonzero(np.append(np.diff(ranked) < 0, True))
    last = last[(last + 1 >= FEWEST) & (ranked[last] > 0)]
    count, bad = last + 1, wrong[last]
    with np.errstate(invalid="ignore"):
        bound = np.where(bad >= count, 1.0, beta.ppf(0.95, bad + 1, count - bad))
    kept = ranked[last[bound <= risk]].tolist()
    return float(min(kept)) if kept else None


def curve(sure: Sure, right: Right) -> list[dict[str, float]]:
    """Risk of the surest share of all answers, with 95 % intervals."""
    order = np.argsort(-sure, kind="stable")
    rows = []
    for coverage in COVERAGES:
        count = max(1, round(coverage * len(sure)))
        wrong = int((~right[order[:count]]).sum())
        low, high = interval(wrong, count)
        rows.append(
            {
                "coverage": coverage, "answers": count, "risk": round(wrong / count, 4),
                "low": round(low, 4), "high": round(high, 4),
                "sure_from": round(float(sure[order[count - 1]]), 4),
            }
        )  # fmt: skip
    return rows


def promised(sure: Sure, right: Right, chosen: Sequence[bool] | Right) -> list[dict[str, Any]]:
    """For each promised risk: the threshold by the rows in `chosen`, what the others show.

    `chosen` should split people, not answers, wherever it is known who is shown.
    """
    mine = np.asarray(chosen, bool)
    rows: list[dict[str, Any]] = []
    for risk in RISKS:
        least = threshold(sure[mine], right[mine], risk)
        if least is None:
            rows.append({"promised": risk, "sure_from": None})
            continue
        told = sure[~mine] >= least
        count, wrong = int(told.sum()), int((~right[~mine][told]).sum())
        low, high = interval(wrong, count)
        rows.append(
            {
                "promised": risk, "sure_from": round(least, 4),
                "coverage": round(count / max(1, int((~mine).sum())), 4), "answers": count,
                "risk": round(wrong / count, 4) if count else None,
                "low": round(low, 4), "high": round(high, 4), "kept": low <= risk,
            }
        )  # fmt: skip
    return rows
