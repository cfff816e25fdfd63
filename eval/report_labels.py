"""Single labels in a report: the confusion, recall by label, the first two, reliability.

Knows golds and predictions by id, and the plan's label set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval import calibration, labels, measures, scoring
from eval.run import Plan
from eval.scoring import Measure, Unscored


def scored(
    measure: Measure, golds: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Id → gold and prediction as the measure reads them; what it cannot read is left out."""
    read: dict[str, Any] = {}
    for id, value in golds.items():
        try:
            read[id] = measure.gold(value)
        except Unscored:
            continue
    settle = measure.settle(list(read.values())) if measure.settle else None
    both = {}
    for id, gold in read.items():
        try:
            value = measure.pred(found.get(id))
            both[id] = gold, settle(value) if settle else value
        except Unscored:
            continue
    return both


def table(plan: Plan, golds: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The confusion, with columns for what the gold lacks and for no label at all."""
    read = {id: labels.gold(value) for id, value in golds.items()}
    names = sorted({*read.values(), *map(labels.canonical, plan.classes)})
    table = np.zeros((len(names), len(names) + 2), dtype=int)
    for id, gold in read.items():
        guess = _picked(found.get(id), names)
        column = names.index(guess) if guess in names else len(names) + (guess is None)
        table[names.index(gold), column] += 1
    hits = np.diag(table[:, : len(names)])
    said = table[:, : len(names)].sum(axis=0)
    rows = [
        {
            "label": name,
            "n": int(table[i].sum()),
            "recall": scoring.ratio(float(hits[i]), float(table[i, :-1].sum())),
            "precision": scoring.ratio(float(hits[i]), float(said[i])),
            "interval": wilson(int(hits[i]), int(table[i, :-1].sum())),
        }
        for i, name in enumerate(names)
    ]
    return {
        "rows": names,
        "columns": [*names, "another", "no label"],
        "counts": table.tolist(),
        "classes": rows,
    }


def _picked(value: Any, names: Sequence[str]) -> str | None:
    """The label that a prediction names; None where it names none."""
    try:
        return labels.pick(labels.pred(value), tuple(names))
    except Unscored:
        return None


def wilson(hits: int, n: int) -> tuple[float, float] | None:
    """95 % Wilson interval of a share (Wilson 1927); None for none."""
    if n == 0:
        return None
    z = 1.959964
    share, squared = hits / n, z * z / n
    middle = (share + squared / 2) / (1 + squared)
    half = z * math.sqrt(share * (1 - share) / n + squared / (4 * n)) / (1 + squared)
    return max(0.0, middle - half), min(1.0, middle + half)


def first_two(golds: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any] | None:
    """How often the gold is among the two likeliest labels; None where shares are not given."""
    ranked = {
        id: [labels.canonical(str(e["label"])) for e in value["emotions"][:2]]
        for id, value in found.items()
        if isinstance(value, Mapping) and len(value.get("emotions") or ()) > 1
    }
    if not ranked:
        return None
    hits = sum(labels.gold(golds[id]) in names for id, names in ranked.items())
    return {
        "share": hits / len(ranked),
        "n": len(ranked),
        "interval": wilson(hits, len(ranked)),
    }


def reliability(golds: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, float]]:
    both = scored(measures.build("ece"), golds, found)
    if not both:
        return []
    wanted, sure = zip(*both.values(), strict=True)
    bins = calibration.reliability(list(wanted), list(sure))
    return [{k: v for k, v in row.items() if v == v} for row in bins if row["n"]]
