"""Finding what a text names: action units in any spelling, movements, sounds, feelings.

Knows the tables of `lexicon`. Every find is taken as asserted; `deny` and
`context` say what is denied, and how strong, where and when it is meant to be.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from agent.facs import prose as facs_prose
from agent.facs import units as facs
from agent.facs.units import GRADES
from agent.grounding import lexicon
from agent.grounding.lexicon import Claimed
from agent.schema.evidence import Sense


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing a text asserts or denies."""

    sense: Sense | Literal["emotion"]
    codes: tuple[str, ...]
    """Codes of cues any of which would carry it; for emotions the family; for quotes none.
    A trailing + or − is the stated direction against the person's own baseline."""
    text: str
    """The words themselves; for a quotation what stands between the marks."""
    start: int
    """First character in the text."""
    end: int
    negated: bool = False
    side: Claimed | None = None
    grade: int | None = None
    """Stated intensity, 1-5 for A-E."""
    time: tuple[float, float] | None = None
    """Stated time in seconds, with the tolerance of its wording."""
    quote: bool = False

    @property
    def units(self) -> tuple[int, ...]:
        """Action units among the codes."""
        return tuple(int(code[2:]) for code in self.codes if code.startswith("AU"))


WORD: Final = r"(?<![\w-])(?:{})(?![\w])"
"""Frame of a pattern that must stand alone as words."""
_AU: Final = re.compile(
    r"(?<![\w])(?P<head>(?:aus?|action units?)[\s_#-]*)(?P<side1>[lr](?=\d))?0*(?P<n>\d{1,2})"
    r"(?P<rc>_[rc])?(?:_?(?P<side2>[lr]))?(?P<letter>[a-e])?(?![\w]|[.:]\d)"
)
_MORE: Final = re.compile(
    r"(?P<sep>\s*[+/&,]\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+)(?P<side1>[lr](?=\d))?0*(?P<n>\d{1,2})"
    r"(?P<side2>[lr])?(?P<letter>[a-e])?(?![\w%]|[.:/]\d|\s*(?:s|sec|seconds?|frames?|times|hz|db|years?|people)\b)"
)
_BARE: Final = re.compile(r"(?<![\w.:])(?P<side1>[LR])?(?P<n>\d{1,2})(?P<letter>[A-E])(?![\w.:])")
_LEVEL: Final = re.compile(
    r"\s*(?:\(\s*(?:intensity|grade|level)?\s*(?:of\s+|=\s*)?(?P<a>[a-e]|\d(?:\.\d+)?)(?:\s*/\s*5)?\s*\)"
    r"|(?:=|:)\s*(?P<b>[a-e]\b|\d(?:\.\d+)?(?![\d:]))"
    r"|,?\s*(?:(?:with|at|of)\s+)?(?:an?\s+)?(?:intensity|grade|level)\s*(?:of\s+|=\s*|:\s*|\()?(?P<c>[a-e]\b|\d(?:\.\d+)?))"
)
_PARTS: Final = re.compile(
    WORD.format(
        "|".join(
            f"(?P<{name.replace(' ', '_')}>{pattern})"
            for name, pattern in sorted(
                lexicon.PARTS.items(), key=lambda item: -len(item[0].split())
            )
        )
    )
)
_MOTIONS: Final = {
    name: re.compile(WORD.format(pattern)) for name, pattern in lexicon.MOTIONS.items()
}
_MOTION: Final = re.compile(WORD.format("|".join(lexicon.MOTIONS.values())))
_MOVES: Final[dict[str, dict[str, str]]] = {}
for _part, _motion, _code in lexicon.MOVES:
    _MOVES.setdefault(_part, {})[_motion] = _code
_SHAPES: Final = {
    phrase: units if isinstance(units, tuple) else (units,)
    for table in (facs_prose.SYNERGIES, facs_prose.CONFLICTS)
    for units, phrase in table.items()
} | {phrase: (unit,) for unit, phrase in facs_prose.PHRASES.items()}
_SHAPE: Final = re.compile(
    WORD.format("|".join(re.escape(p) for p in sorted(_SHAPES, key=len, reverse=True)))
)
_NAMES: Final = tuple(
    (re.escape(unit.name) + "s?", unit.code) for unit in facs.AUS.values() if " " in unit.name
)
_PHRASE_CODES: Final = tuple(code for _, code in (*_NAMES, *lexicon.PHRASES))
_PHRASES: Final = re.compile(
    WORD.format("|".join(f"(?P<p{i}>{p})" for i, (p, _) in enumerate((*_NAMES, *lexicon.PHRASES))))
)
_EMOTIONS: Final = re.compile(
    WORD.format("|".join(f"(?P<{name}>{pattern})" for name, pattern in lexicon.EMOTIONS.items()))
)
_GAP: Final = re.compile(r"(?:[\s-]+(?!(?:or|but|while|with|then|nor|if|as)\b)[\w'-]+){0,5}[\s-]+")
_SHORT_GAP: Final = re.compile(
    rf"[\s-]+(?:of\s+|only\s+|just\s+)?(?:{lexicon.DET}\s+)?"
    rf"(?:(?!{lexicon.DET}\b|and\b|or\b)[\w-]+\s+){{0,2}}"
)
_JOIN: Final = re.compile(
    rf"\s*(?:,\s*(?:and\s+|or\s+|nor\s+)?|\s(?:and|or|nor)\s)\s*(?:{lexicon.DET}\s+)?"
)
_HEAD: Final = {"nod", "shake", "tilt", "turn", "blink_rate"}


def find(plain: str, text: str) -> list[Mention]:
    """Everything named, in order. `plain` is the text in lower case, quotations blanked out."""
    shapes = list(_shapes(plain))
    rest = plain
    for shape in shapes:
        if len(_SHAPES[shape.text]) > 1:
            rest = blank(rest, shape.start, shape.end)
    bare = (m for m in _bare(text) if plain[m.start : m.end] == m.text)
    found = _merge(plain, [*shapes, *_codes(plain), *bare, *_phrases(rest), *_moves(rest)])
    return found + [m for m in _feelings(plain) if not _covered(m, found)]


def tabled(plain: str) -> Iterator[tuple[int, int]]:
    """First and last place of each word or phrase that stands in one of the tables."""
    for pattern in (_SHAPE, _PHRASES, _AU, _EMOTIONS, _PARTS, _MOTION):
        for match in pattern.finditer(plain):
            yield match.span()


def blank(text: str, start: int, end: int) -> str:
    """The text with one part replaced by as many spaces."""
    return text[:start] + " " * (end - start) + text[end:]


def _codes(plain: str) -> Iterator[Mention]:
    for match in _AU.finditer(plain):
        item = match
        start = match.start()
        while True:
            end = item.end()
            grade = _level(item["letter"]) if item["letter"] else None
            zero = False
            if level := _LEVEL.match(plain, end):
                value = level["a"] or level["b"] or level["c"]
                end = level.end()
                grade = _level(value)
                zero = grade is None
            side = item["side1"] or item["side2"]
            yield Mention(
                "face",
                (f"AU{int(item['n']):02d}",),
                plain[start:end],
                start,
                end,
                negated=zero,
                side=_side(side),
                grade=grade,
            )
            following = _MORE.match(plain, end)
            if not following or int(following["n"]) not in facs.AUS:
                break
            item, start = following, following.start() + len(following["sep"])


def _bare(text: str) -> Iterator[Mention]:
    """FACS notation without "AU": 12C, R14B."""
    for match in _BARE.finditer(text):
        if (number := int(match["n"])) in facs.AUS:
            yield Mention(
                "face",
                (f"AU{number:02d}",),
                match[0].lower(),
                match.start(),
                match.end(),
                side=_side((match["side1"] or "").lower()),
                grade=_level(match["letter"]),
            )


def _side(letter: str | None) -> Claimed | None:
    return "L" if letter == "l" else "R" if letter == "r" else None


def _level(value: str) -> int | None:
    if value.upper() in GRADES:
        return "ABCDE".index(value.upper()) + 1
    letter = facs.grade(float(value))
    return GRADES.index(letter) + 1 if letter else None


def _sense(code: str) -> Sense:
    bare = code.rstrip("+-")
    if bare.startswith("AU"):
        return "face"
    if bare in _HEAD or bare.startswith(("head_", "gaze_")):
        return "head"
    return "words" if bare == "words" else "voice"


def _made(pattern: str, plain: str, start: int, end: int) -> Iterator[Mention]:
    for together in pattern.split("&"):
        denied = together.startswith("!")
        codes = tuple(together.lstrip("!").split("|"))
        yield Mention(_sense(codes[0]), codes, plain[start:end], start, end, negated=denied)


def _shapes(plain: str) -> Iterator[Mention]:
    """The wording of `agent.facs.prose`, which names several units at once."""
    for match in _SHAPE.finditer(plain):
        for unit in _SHAPES[match[0]]:
            code = facs.AUS[unit].code
            yield Mention("face", (code,), match[0], match.start(), match.end())


def _phrases(plain: str) -> Iterator[Mention]:
    for match in _PHRASES.finditer(plain):
        code = _PHRASE_CODES[int(str(match.lastgroup)[1:])]
        yield from _made(code, plain, match.start(), match.end())


def _feelings(plain: str) -> Iterator[Mention]:
    for match in _EMOTIONS.finditer(plain):
        yield Mention("emotion", (str(match.lastgroup),), match[0], match.start(), match.end())


def _moves(plain: str) -> list[Mention]:
    parts = [
        (m.start(), m.end(), str(m.lastgroup).replace("_", " ")) for m in _PARTS.finditer(plain)
    ]
    wanted = dict.fromkeys(motion for _, _, part in parts for motion in _MOVES.get(part, ()))
    bound: dict[tuple[int, int], Mention] = {}  # (part start, motion start) → mention
    for motion in wanted:
        for match in _MOTIONS[motion].finditer(plain):
            for part in _bind(plain, parts, motion, match.start(), match.end()):
                start, end = min(part[0], match.start()), max(part[1], match.end())
                made = _made(_MOVES[part[2]][motion], plain, start, end)
                bound.setdefault((part[0], match.start()), next(made))
    return list(bound.values())


def _bind(
    plain: str, parts: list[tuple[int, int, str]], motion: str, start: int, end: int
) -> Iterator[tuple[int, int, str]]:
    """The parts this motion word is about: the one right after it, else the one before it."""
    at = bisect_left(parts, (start, 0, ""))
    ahead = next((p for p in parts[at:] if p[0] >= end), None)
    if ahead and motion in _MOVES.get(ahead[2], ()) and _SHORT_GAP.fullmatch(plain[end : ahead[0]]):
        yield ahead
        return
    behind = next((p for p in reversed(parts[:at]) if p[1] <= start), None)
    if (
        ahead
        and _SHORT_GAP.fullmatch(plain[end : ahead[0]])
        and re.match(rf"[\s-]+{lexicon.DET}\b", plain[end : ahead[0]])
    ):
        behind = None  # "lifting her chin": the motion belongs to what follows
    if behind and motion in _MOVES.get(behind[2], ()) and _GAP.fullmatch(plain[behind[1] : start]):
        yield behind
        joined = [p for p in parts if p[1] <= behind[0]]
        if (
            joined
            and motion in _MOVES.get(joined[-1][2], ())
            and _JOIN.fullmatch(plain[joined[-1][1] : behind[0]])
        ):
            yield joined[-1]


def _covered(mention: Mention, others: list[Mention]) -> bool:
    return any(o.start <= mention.start and mention.end <= o.end for o in others)


def _merge(plain: str, found: list[Mention]) -> list[Mention]:
    """One mention for a phrase and the code in brackets behind it, and for words in words."""
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: (m.start, -m.end)):
        i = next((i for i in reversed(range(len(kept))) if _same(plain, kept[i], mention)), None)
        if i is None:
            kept.append(mention)
            continue
        first, end = kept[i], max(kept[i].end, mention.end)
        kept[i] = replace(
            first,
            codes=tuple(c for c in first.codes if c in mention.codes),
            end=end,
            text=plain[first.start : end],
            side=mention.side or first.side,
            grade=mention.grade or first.grade,
            negated=mention.negated or first.negated,
        )
    return kept


def _same(plain: str, first: Mention, second: Mention) -> bool:
    """Whether two mentions are one statement: words in words, or a code in brackets behind."""
    if set(first.codes).isdisjoint(second.codes):
        return False
    if second.end <= first.end:
        return True
    between = plain[first.end : second.start] if second.start >= first.end else "."
    return (
        re.fullmatch(r"[^.;:()]{0,60}\(\s*", between) is not None
        and second.text[0] in "alr0123456789"
    )
