"""Measures that another model grades: who judges, what it was told, how its verdicts are read.

Asks nobody itself: verdicts come in as text. A verdict without a number on the scale is
unscored. Several verdicts on one sample measure the judge's own spread. Source of the scales:
EMER overlap (AffectGPT): 1–10 for clue overlap and label overlap; SMILE in EmoBench-M: 0–5 for
logic and multimodal association; StimuVAR: 1–4.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from eval.scoring import Array, Tally, Unscored, Values, ratio

Scale = tuple[float, float]
EMER: Final[Scale] = (1.0, 10.0)
SMILE: Final[Scale] = (0.0, 5.0)
STIMUVAR: Final[Scale] = (1.0, 4.0)
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")


@dataclass(frozen=True, slots=True)
class Judge:
    """A pinned judge; its name goes into every result that it graded."""

    model: str
    """With its revision or date, as the host names it."""
    prompt: str
    temperature: float = 0.0

    @property
    def version(self) -> str:
        """Model, temperature and the first 12 digits of the prompt's sha256."""
        digest = hashlib.sha256(self.prompt.encode()).hexdigest()[:12]
        return f"{self.model} at temperature {self.temperature:g}, prompt {digest}"


def grade(verdict: str, scale: Scale = EMER) -> float:
    """The first number of a verdict. Raises Unscored where there is none on the scale."""
    found = _NUMBER.search(verdict)
    if found is None:
        raise Unscored("verdict without a number")
    value = float(found[0])
    if not scale[0] <= value <= scale[1]:
        raise Unscored("verdict off the scale")
    return value


def verdicts(value: Any, scale: Scale = EMER) -> tuple[float, ...]:
    """Grades of one verdict or of several on the same sample."""
    if isinstance(value, Mapping):
        value = value.get("verdicts") or value.get("verdict")
    if isinstance(value, str | int | float):
        value = [value]
    if not isinstance(value, Sequence) or not value:
        raise Unscored("no verdict")
    return tuple(grade(str(item), scale) for item in value)


def any_gold(value: Any) -> Any:
    """The gold was the judge's business; only its id counts here."""
    return value


def rows(_: Sequence[Any], preds: Sequence[Sequence[float]]) -> Tally:
    """Mean grade, and the judge's own standard deviation over repeated verdicts."""
    table = []
    for grades in preds:
        repeats = len(grades) - 1
        spread = float(np.var(grades, ddof=1)) * repeats if repeats else 0.0
        table.append((sum(grades) / len(grades), 1.0, spread, float(repeats)))
    return np.array(table).reshape(len(table), 4), _score


def _score(total: Array) -> Values:
    grades, n, spread, freedom = total.tolist()
    return {
        "grade": ratio(grades, n),
        "judge_sd": math.sqrt(spread / freedom) if freedom else math.nan,
    }
