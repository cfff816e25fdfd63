"""Does a stated confidence hold? ECE, Brier score, reliability; and right for the right reasons.

Knows numbers in 0…1 and whether an answer was right. Sources: Naeini et al. 2015 (ECE over
equal-width bins); Brier 1950; Mao et al. 2023 (Doubly-Right: the label is predicted once more
from the rationale alone, with label words masked).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from eval import labels
from eval.scoring import Array, Tally, Unscored, Values, mean_rows, ratio

Sure = tuple[str, float, dict[str, float]]
"""Label, confidence in it 0…1, shares of all labels (empty where they are not given)."""
BINS: Final = 15
_QUARTERS: Final = ("RR", "RW", "WR", "WW")


def sure(value: Any) -> Sure:
    """Label, confidence in it 0…1, and the shares of all labels where they are given."""
    if not isinstance(value, Mapping):
        raise Unscored("needs {label, confidence} or {emotions: [{label, share}]}")
    shares = labels.shares(value.get("emotions"))
    likeliest = max(shares, key=shares.__getitem__, default="")
    label = labels.canonical(str(value.get("label") or likeliest))
    if not label:
        raise Unscored("empty prediction")
    confidence = value.get("confidence", shares.get(label))
    if isinstance(confidence, bool) or not isinstance(confidence, int | float):
        raise Unscored("no confidence")
    if not 0 <= confidence <= 1:
        raise Unscored("confidence outside 0…1")
    return label, float(confidence), shares


def ece_rows(golds: Sequence[str], preds: Sequence[Sure]) -> Tally:
    """Per bin of confidence: count, sum of confidence, number right."""
    table = np.zeros((len(golds), BINS, 3))
    for row, gold, (label, confidence, _) in zip(table, golds, preds, strict=True):
        row[min(int(confidence * BINS), BINS - 1)] = 1, confidence, label == gold
    return table.reshape(len(golds), -1), ece


def ece(total: Array) -> Values:
    """Expected calibration error, 0 is best: mean |confidence − accuracy| over bins by size."""
    bins = total.reshape(BINS, 3)
    n = float(bins[:, 0].sum())
    gap = float(np.abs(bins[:, 1] - bins[:, 2]).sum())
    return {
        "ece": ratio(gap, n),
        "confidence": ratio(float(bins[:, 1].sum()), n),
        "accuracy": ratio(float(bins[:, 2].sum()), n),
    }


def reliability(golds: Sequence[str], preds: Sequence[Sure]) -> list[dict[str, float]]:
    """Rows of a reliability diagram: lower edge, count, mean confidence, accuracy."""
    rows, _ = ece_rows(golds, preds)
    bins = rows.sum(axis=0).reshape(BINS, 3).tolist()
    return [
        {
            "from": i / BINS,
            "to": (i + 1) / BINS,
            "n": n,
            "confidence": ratio(c, n),
            "accuracy": ratio(r, n),
        }
        for i, (n, c, r) in enumerate(bins)
    ]


def brier_rows(golds: Sequence[str], preds: Sequence[Sure]) -> Tally:
    """Squared distance of the shares from the truth, 0…2; without shares of the confidence, 0…1."""
    found = []
    for gold, (label, confidence, shares) in zip(golds, preds, strict=True):
        if shares:
            names = {*shares, gold}
            found.append([sum((shares.get(n, 0.0) - (n == gold)) ** 2 for n in names)])
        else:
            found.append([(confidence - (label == gold)) ** 2])
    return mean_rows(found, ["brier"])


def twice(value: Any) -> tuple[str, str]:
    """The label, and the label read again from the rationale alone."""
    if not isinstance(value, Mapping) or not value.get("label") or not value.get("again"):
        raise Unscored("needs {label, again}: again is predicted from the rationale alone")
    return labels.canonical(str(value["label"])), labels.canonical(str(value["again"]))


def doubly_right_rows(golds: Sequence[str], preds: Sequence[tuple[str, str]]) -> Tally:
    """Shares of right label with right rationale (RR), right with wrong (RW), WR and WW."""
    kinds = [
        ("R" if label == gold else "W") + ("R" if again == gold else "W")
        for gold, (label, again) in zip(golds, preds, strict=True)
    ]
    return mean_rows([[float(kind == q) for q in _QUARTERS] for kind in kinds], _QUARTERS)
