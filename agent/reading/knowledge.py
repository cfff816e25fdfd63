"""What the tables of FACS say of a face's units, additively.

What the learned read-out of a face begins from, and what reads a face of which only the units are
known, as from another program's table. Right in 94 of 100 posed faces whose units were coded by
experts (`python -m eval.codes`). The weights are those of a regression over expressions drawn from
the published tables (`finetune.reading.tables`). Knows levels and labels; nothing of pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC
from agent.reading.additive import ReadOut, read_out, stored
from agent.reading.features import drawn_in

Vector = npt.NDArray[np.float64]

APEX: Final = 2.0
"""Steps above rest that a unit reaches where it is shown."""


DEPARTURE: Final = 0.5
"""How far a departure from a person's own rest counts beside the learned read-out, which has seen
the same face against everybody's. A judgement: clips with known rests to fit it on are missing."""
LEAST: Final = 0.8
"""Steps from rest below which a unit says nothing there: the learned read-out has seen it too."""
RARE: Final = -0.8
"""Log-odds of contempt before anything is seen, against the other labels: a rare expression, and
dimpled corners are many things besides."""


@cache
def tables() -> ReadOut:
    """The read-out of the tables: levels in steps from rest, 0-3."""
    return read_out(stored("tables"))


def departures(
    levels: Mapping[str, float], speaking: float = 0.0
) -> tuple[Vector, dict[str, Vector]]:
    """Log-odds by label that departures from rest add to a learned reading, and each unit's part.

    As `of_levels`, but of the units that move alone.
    """
    shown = {code: level for code, level in levels.items() if level >= LEAST}
    _, at_rest = of_levels(dict.fromkeys(shown, 0.0), speaking)
    _, moved = of_levels(shown, speaking)
    reasons = {code: DEPARTURE * (part - at_rest[code]) for code, part in moved.items()}
    total = np.sum([np.zeros(len(BASIC)), *reasons.values()], axis=0)
    return np.asarray(total, np.float64), reasons


def of_levels(
    levels: Mapping[str, float], speaking: float = 0.0
) -> tuple[Vector, dict[str, Vector]]:
    """Log-odds by label of a face of which only the units are known, and each unit's part.

    `levels` in steps from rest by code (`AU12`, `AU12_uni`); one that is missing says nothing, one
    at 0 speaks for a neutral face. `speaking` 0-1: what a mouth does while it speaks counts less.
    """
    from agent.reading.scores import spoken  # the tables know the readings built on them

    out = tables()
    values = {code: drawn_in(max(0.0, level)) for code, level in levels.items()}
    parts = out.contributions(out.row(values))
    reasons = {
        code: parts[:, place] * spoken(code, speaking)
        for place, code in enumerate(out.features)
        if code in values
    }
    before = np.array([RARE if label == "contempt" else 0.0 for label in BASIC])
    total = before + out.bias + np.sum([np.zeros(len(BASIC)), *reasons.values()], axis=0)
    return np.asarray(total, np.float64), reasons
