"""A set of action units in plain words, and back again.

Knows muscles that work together or against each other; knows no emotion and no clip. Units
that pull the same skin are told as the shape they make together; units that oppose each
other as the shape that results, or, where one clearly wins, as counteracted by the other.
Every unit is told once, and `read_back` finds exactly the told units again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.facs.units import AUS, GRADES, Region
from agent.schema.evidence import Grade, Side

PHRASES: Final[dict[int, str]] = {
    1: "inner brow ends raised",
    2: "outer brow ends raised",
    4: "brows lowered and drawn together",
    5: "upper lids raised",
    6: "cheeks raised",
    7: "lids tightened",
    9: "nose wrinkled",
    10: "upper lip raised",
    11: "nasolabial folds deepened",
    12: "lip corners pulled up",
    13: "lip corners pulled up sharply",
    14: "lip corners dimpled",
    15: "lip corners pulled down",
    16: "lower lip pulled down",
    17: "chin raised",
    18: "lips puckered",
    19: "tongue shown",
    20: "lips stretched sideways",
    22: "lips funneled",
    23: "lips tightened",
    24: "lips pressed together",
    25: "lips parted",
    26: "jaw dropped",
    27: "mouth stretched wide open",
    28: "lips sucked in",
    29: "jaw thrust forward",
    30: "jaw moved sideways",
    34: "cheeks puffed",
    43: "eyes closed",
    45: "eyes blinking",
}
"""Unit → what it looks like."""

SYNERGIES: Final[dict[tuple[int, ...], str]] = {
    (1, 2, 4): "brows raised and drawn together",
    (1, 2): "whole brows raised",
    (1, 4): "inner brow ends raised and drawn together",
    (6, 12): "a cheek-raising smile",
    (9, 10): "nose wrinkled with the upper lip raised",
    (25, 27): "mouth stretched wide open with the lips apart",
    (25, 26): "jaw dropped with the lips apart",
    (17, 24): "chin raised under lips pressed together",
}
"""Units that make one shape → that shape; the longest that fits is used."""

CONFLICTS: Final[dict[tuple[int, int], str]] = {
    (2, 4): "outer brow ends raised over a lowered middle",
    (5, 7): "upper lids raised over tightened lower lids",
    (5, 43): "lids held half open",
    (12, 15): "lip corners held level, pulled both up and down",
    (18, 20): "lips drawn to a firm bow, puckered and stretched at once",
    (22, 28): "lips rolled, funneled and sucked in at once",
    (24, 25): "lips pressed yet parted",
    (24, 26): "lips pressed over a dropped jaw",
}
"""Units that work against each other → the shape when neither wins. The same muscle, or its
antagonist at the same skin; 1 with 4 is among the synergies."""

ADVERBS: Final[dict[Grade, str]] = {
    "A": "by a trace",
    "B": "slightly",
    "C": "markedly",
    "D": "severely",
    "E": "to the maximum",
}
_ORDER: Final[tuple[Region, ...]] = ("brow", "eye", "nose", "cheek", "mouth", "jaw")
_SIDES: Final[dict[Side | None, str]] = {
    "L": " on the left",
    "R": " on the right",
    "B": "",
    None: "",
}
_AGAINST: Final = ", partly counteracted by "


@dataclass(frozen=True, slots=True)
class Action:
    """One unit at work."""

    au: int
    grade: Grade
    side: Side | None = None

    @property
    def step(self) -> int:
        """1-5 for A-E."""
        return GRADES.index(self.grade) + 1


@dataclass(frozen=True, slots=True)
class Prose:
    """Words for a set of units, and which words are about which unit."""

    text: str
    spans: tuple[tuple[int, int, int], ...]
    """Unit, first character, character after the last; every told unit once."""


@dataclass(frozen=True, slots=True)
class _Piece:
    units: tuple[Action, ...]
    text: str


def describe(actions: Iterable[Action]) -> Prose:
    """A set of units as one line, top of the face first; "" for none.

    Traces (grade A) are told only where nothing else is. Of several actions of one unit on
    one side the strongest counts; left and right of equal grade are one action on both sides.

    >>> describe([Action(12, "C"), Action(6, "B"), Action(4, "B", "L")]).text
    'brows lowered and drawn together slightly on the left; a cheek-raising smile markedly'
    """
    kept = _cleaned(actions)
    pieces = _pieces(kept)
    text, spans = "", []
    for piece in sorted(pieces, key=lambda p: min(_place(a.au) for a in p.units)):
        text += "; " if text else ""
        spans += [(a.au, len(text), len(text) + len(piece.text)) for a in piece.units]
        text += piece.text
    return Prose(text, tuple(sorted(set(spans))))


def read_back(text: str) -> frozenset[int]:
    """The units that a line of `describe` tells.

    >>> sorted(read_back("whole brows raised slightly; lips parted"))
    [1, 2, 25]
    """
    found: set[int] = set()
    for match in _KNOWN.finditer(text.lower()):
        found |= set(_UNITS[match[0]])
    return frozenset(found)


def _table() -> dict[str, tuple[int, ...]]:
    single = {phrase: (unit,) for unit, phrase in PHRASES.items()}
    shapes = {phrase: tuple(units) for units, phrase in (SYNERGIES | CONFLICTS).items()}
    return single | shapes


_UNITS: Final[dict[str, tuple[int, ...]]] = _table()
_KNOWN: Final = re.compile(
    "|".join(re.escape(phrase) for phrase in sorted(_UNITS, key=len, reverse=True))
)


def _cleaned(actions: Iterable[Action]) -> list[Action]:
    best: dict[tuple[int, Side | None], Action] = {}
    for action in actions:
        if action.au not in PHRASES:
            known = ", ".join(map(str, PHRASES))
            raise ValueError(f"AU{action.au} has no words; there are {known}")
        side: Side | None = "B" if action.side is None else action.side
        old = best.get((action.au, side))
        if old is None or action.step > old.step:
            best[action.au, side] = Action(action.au, action.grade, side)
    for unit in {au for au, _ in best}:
        sides = [best[unit, side] for side in ("L", "R", "B") if (unit, side) in best]
        steps = {a.step for a in sides}
        if len(sides) > 1 and ((unit, "B") in best or len(steps) == 1):
            strongest = max(sides, key=lambda a: a.step)
            side = "B" if len(steps) == 1 else strongest.side
            for action in sides:
                del best[unit, action.side]
            best[unit, side] = Action(unit, strongest.grade, side)
    found = sorted(best.values(), key=lambda a: (a.au, a.side or ""))
    clear = [action for action in found if action.step > 1]
    return clear or found


def _pieces(actions: Sequence[Action]) -> list[_Piece]:
    left = list(actions)
    pieces = []
    for units, phrase in sorted(SYNERGIES.items(), key=lambda item: -len(item[0])):
        if chosen := _chosen(left, units):
            left = [a for a in left if a not in chosen]
            pieces.append(_Piece(chosen, phrase + _how(chosen)))
    for pair, phrase in CONFLICTS.items():
        if chosen := _chosen(left, pair, apart=9):
            left = [a for a in left if a not in chosen]
            pieces.append(_Piece(chosen, _opposed(chosen, phrase)))
    return pieces + [_Piece((a,), PHRASES[a.au] + _how((a,))) for a in left]


def _chosen(left: Sequence[Action], units: Sequence[int], apart: int = 1) -> tuple[Action, ...]:
    """Actions of just these units on one side, at most `apart` grades apart; else none."""
    for side in ("B", "L", "R"):
        found = tuple(a for unit in units for a in left if a.au == unit and a.side == side)
        alone = all(sum(a.au == unit for a in left) == 1 for unit in units)
        if len(found) == len(units) and alone:
            steps = [a.step for a in found]
            return found if max(steps) - min(steps) <= apart else ()
    return ()


def _opposed(pair: Sequence[Action], phrase: str) -> str:
    weak, strong = sorted(pair, key=lambda a: a.step)
    if strong.step - weak.step < 2:
        return phrase + _how(pair)
    return f"{PHRASES[strong.au]}{_how((strong,))}{_AGAINST}{PHRASES[weak.au]}{_how((weak,))}"


def _how(actions: Sequence[Action]) -> str:
    strongest = max(actions, key=lambda a: a.step)
    return f" {ADVERBS[strongest.grade]}{_SIDES[strongest.side]}"


def _place(unit: int) -> tuple[int, int]:
    return _ORDER.index(AUS[unit].region), unit
