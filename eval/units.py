"""Action units as sets: reading them from any spelling, and F1 pooled over all samples.

Per unit, hits and misses are summed over the whole set before F1 is taken, then averaged over
units; F1 per fold or per clip is not averaged. Text is read by `agent.grounding`: AU06 = AU6 =
"cheek raiser", and "no AU4" is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from agent.facs import units as facs
from agent.grounding.mentions import action_units
from eval.agreement import f1
from eval.scoring import Array, Excluded, Tally, Unscored, Values

PRESENT: Final = 1.0
"""Intensity 0-5 from which a unit counts as present, where intensities are given."""

Units = frozenset[int]
_NUMBERS: Final = re.compile(r"\s*\d{1,2}(?:[\s,;+]+\d{1,2})*\s*")


def units(value: Any) -> Units:
    """Units in a list, a text or {code: intensity}. Raises Unscored for an unknown code."""
    if isinstance(value, Mapping):
        if "AUs" in value:
            return units(value["AUs"])
        value = [code for code, level in value.items() if _number(level) >= PRESENT]
    if isinstance(value, str):
        if not _NUMBERS.fullmatch(value):
            return action_units(value)
        value = re.findall(r"\d+", value)
    if not isinstance(value, list | tuple | frozenset):
        raise Unscored("neither text nor a list of action units")
    found = {str(code): facs.parse(str(code)) for code in value}
    if unknown := [code for code, number in found.items() if number is None]:
        raise Unscored(f"unknown action unit {unknown[0]!r}")
    return frozenset(number for number in found.values() if number is not None)


def _number(level: Any) -> float:
    if isinstance(level, bool) or not isinstance(level, int | float):
        raise Unscored("an intensity that is no number")
    return float(level)


def peak(value: Any) -> Units:
    """Gold units from {code: intensity 0-5}, and from nothing else."""
    if not isinstance(value, Mapping) or "AUs" in value:
        raise Excluded("gold: not intensities by code")
    return gold(value)


def gold(value: Any) -> Units:
    """Gold units; an empty list is a face at rest."""
    if value is None:
        raise Excluded("no gold")
    try:
        return units(value)
    except Unscored as reason:
        raise Excluded(f"gold: {reason}") from reason


def pred(value: Any) -> Units:
    """Predicted units; an empty list is a face at rest, an empty text is unscored."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Unscored("empty prediction")
    return units(value)


def rows(golds: Sequence[Units], preds: Sequence[Units]) -> Tally:
    """Hits, false alarms and misses of each unit that occurs on either side."""
    names = sorted(frozenset().union(*golds, *preds))
    index = {number: i for i, number in enumerate(names)}
    table = np.zeros((len(golds), len(names), 3), dtype=np.uint8)
    for row, wanted, found in zip(table, golds, preds, strict=True):
        for kind, members in enumerate((wanted & found, found - wanted, wanted - found)):
            for number in members:
                row[index[number], kind] = 1

    def score(total: Array) -> Values:
        counts = total.reshape(len(names), 3).tolist()
        each = {n: f1(*three) for n, three in zip(names, counts, strict=True)}
        known = [n for n, three in zip(names, counts, strict=True) if three[0] + three[2]]
        seen = [value for value in each.values() if value == value]
        return {
            "f1": sum(seen) / len(seen) if seen else float("nan"),
            "f1_gold_units": sum(each[n] for n in known) / len(known) if known else float("nan"),
            "micro_f1": f1(*total.reshape(len(names), 3).sum(axis=0).tolist()),
        } | {f"AU{n:02d}": each[n] for n in names}

    return table.reshape(len(golds), -1), score


def pair_f1(wanted: Units, found: Units) -> float:
    """F1 of one pair of sets; 1 where both are empty."""
    if not wanted and not found:
        return 1.0
    return f1(len(wanted & found), len(found - wanted), len(wanted - found))
