"""What the tables of FACS say of units that depart from this person's rest, additively.

Clips in which a person's rest is known have no labelled collection to learn from, and the
tables are right in 82 of 100 posed faces whose units are coded by experts. So departures from
rest count by the tables: each unit's level times how much more it is shown in a label than in
the others. Knows levels and labels; nothing of pictures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC

Vector = npt.NDArray[np.float64]

STRENGTH: Final = 0.5
"""Log-odds for one step of a unit times one step of difference between labels, where rest is
known. A judgement, as what it would be fitted on is missing."""
UNRESTED: Final = 0.3
"""The same without a baseline, where habit and expression cannot be told apart."""
LEAST: Final = 0.8
"""Steps from rest below which a unit says nothing here: the learned read-out has seen it too."""
UNSEEN: Final = 0.6
"""Steps that a unit counts as missing where others move strongly: detectors miss more than they
invent, so this is less than the two steps of a unit that is shown."""


@cache
def _weights(code: str) -> Vector | None:
    """One a label: expected size less the mean over labels; None for codes without a table."""
    from agent.reading.scores import VOICE, expected  # the tables know the readings built on them

    if code in VOICE:
        return None
    try:
        size = expected(code, BASIC, "rest").max(axis=0)
    except KeyError:
        return None
    return np.asarray(size - size.mean())


def departures(
    levels: Mapping[str, float], rested: bool, speaking: float = 0.0
) -> tuple[Vector, dict[str, Vector]]:
    """Log-odds by label, and each unit's part of them.

    `levels` in steps from rest by code (`AU12`, `AU12_uni`), `speaking` 0-1: what a mouth does
    while it speaks counts less.
    """
    from agent.reading.scores import spoken

    strength = STRENGTH if rested else UNRESTED
    reasons: dict[str, Vector] = {}
    for code, level in levels.items():
        weights = _weights(code)
        if weights is None or level < LEAST:
            continue
        size = 3.0 * math.tanh(level / 3.0) * spoken(code, speaking)
        reasons[code] = strength * size * weights
    shown = min(1.0, max((abs(level) for level in levels.values()), default=0.0) / 3.0)
    for code, level in levels.items():
        weights = _weights(code)
        if reasons and weights is not None and code not in reasons and level < LEAST:
            # What a label would show and this face, which does move, does not.
            reasons[code] = -strength * UNSEEN * shown * spoken(code, speaking) * weights
    total = np.sum(list(reasons.values()), axis=0) if reasons else np.zeros(len(BASIC))
    return np.asarray(total, np.float64), reasons
