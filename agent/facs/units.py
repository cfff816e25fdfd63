"""FACS as data: action unit, name, muscle, region; intensity letters; reading AU names.

Source: the FACS 2002 table as listed in Ekman, Friesen & Hager and on Wikipedia's page
"Facial Action Coding System". Knows nothing about how an action unit is measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from agent.schema.evidence import Grade

Region = Literal["brow", "eye", "nose", "cheek", "mouth", "jaw"]
REGIONS: Final[tuple[Region, ...]] = get_args(Region)
"""From the brows down, the order in which people read a face."""


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One row of the FACS table."""

    number: int
    name: str
    muscle: str
    region: Region
    sided: bool
    """Whether left and right can move apart, and are measured apart."""

    @property
    def code(self) -> str:
        """AU01 … AU45, the spelling of cues and series."""
        return f"AU{self.number:02d}"


_TABLE: Final[tuple[tuple[int, str, str, Region, bool], ...]] = (
    (1, "inner brow raiser", "frontalis, pars medialis", "brow", True),
    (2, "outer brow raiser", "frontalis, pars lateralis", "brow", True),
    (4, "brow lowerer", "corrugator, depressor supercilii, depressor glabellae", "brow", True),
    (5, "upper lid raiser", "levator palpebrae superioris", "eye", True),
    (6, "cheek raiser", "orbicularis oculi, orbital part", "cheek", True),
    (7, "lid tightener", "orbicularis oculi, palpebral part", "eye", True),
    (9, "nose wrinkler", "levator labii superioris alaeque nasi", "nose", True),
    (10, "upper lip raiser", "levator labii superioris", "mouth", True),
    (11, "nasolabial deepener", "zygomaticus minor", "mouth", True),
    (12, "lip corner puller", "zygomaticus major", "mouth", True),
    (13, "sharp lip puller", "levator anguli oris", "mouth", True),
    (14, "dimpler", "buccinator", "mouth", True),
    (15, "lip corner depressor", "depressor anguli oris", "mouth", True),
    (16, "lower lip depressor", "depressor labii inferioris", "mouth", True),
    (17, "chin raiser", "mentalis", "mouth", False),
    (18, "lip pucker", "incisivii labii", "mouth", False),
    (19, "tongue show", "", "mouth", False),
    (20, "lip stretcher", "risorius with platysma", "mouth", True),
    (22, "lip funneler", "orbicularis oris", "mouth", False),
    (23, "lip tightener", "orbicularis oris", "mouth", False),
    (24, "lip pressor", "orbicularis oris", "mouth", False),
    (25, "lips part", "depressor labii or relaxed mentalis, orbicularis oris", "mouth", False),
    (26, "jaw drop", "masseter, relaxed", "jaw", False),
    (27, "mouth stretch", "pterygoids, digastric", "jaw", False),
    (28, "lip suck", "orbicularis oris", "mouth", False),
    (29, "jaw thrust", "", "jaw", False),
    (30, "jaw sideways", "", "jaw", False),
    (34, "cheek puff", "", "cheek", True),
    (43, "eyes closed", "levator palpebrae relaxed", "eye", True),
    (45, "blink", "levator palpebrae relaxed, orbicularis oculi", "eye", True),
)

AUS: Final[dict[int, ActionUnit]] = {row[0]: ActionUnit(*row) for row in _TABLE}
"""The action units of this project by number."""

MEASURED: Final[tuple[int, ...]] = (
    1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 27, 28, 34, 43, 45,
)  # fmt: skip
"""The action units every estimator must give, in order of the series' columns."""

GRADES: Final[tuple[Grade, ...]] = ("A", "B", "C", "D", "E")

_SPELLING: Final = re.compile(r"\s*(?:AU)?[\s_-]*0*(\d{1,2})(?:_[rc])?\s*", re.IGNORECASE)
_BY_NAME: Final[dict[str, int]] = {unit.name: unit.number for unit in AUS.values()}


def grade(intensity: float) -> Grade | None:
    """FACS letter of an intensity 0-5: trace from 0.5, then one letter a step; None below."""
    step = int(intensity + 0.5)
    return GRADES[min(step, 5) - 1] if step >= 1 else None


def parse(text: str) -> int | None:
    """Number of an action unit from any usual spelling of it, None where it is none.

    "AU6", "au06", "AU 6", "6", "AU06_r" and "cheek raiser" all give 6.
    """
    if match := _SPELLING.fullmatch(text):
        number = int(match[1])
        return number if number in AUS else None
    return _BY_NAME.get(text.strip().lower())
