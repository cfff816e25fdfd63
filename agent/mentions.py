"""Reading claims in text: which muscles, movements, sounds and words does a sentence assert?

Knows the tables of `agent.lexicon` and nothing about evidence. AU6 = AU06 = "AU 6" = "cheek
raiser"; a denial ("no AU4", "neither … nor", "smile is absent") is told from an assertion.
Rules of thumb over words, English only: what it cannot read, it leaves out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

from agent import facs, lexicon
from agent.evidence import Sense
from agent.facs import GRADES

Claimed = Literal["L", "R", "B", "one"]
"""A side as stated: left, right, both, or one side only."""


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


_B: Final = r"(?<![\w-])(?:{})(?![\w])"
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
    r"|,?\s*(?:(?:with|at|of)\s+)?(?:an?\s+)?(?:intensity|grade|level)\s*(?:of\s+|=\s*|:\s*)?(?P<c>[a-e]\b|\d(?:\.\d+)?))"
)
_QUOTE: Final = re.compile(
    r'["“”„«»](?P<a>[^"“”„«»]+)["“”„«»]|(?<!\w)[\'‘](?P<b>[^\'‘’]+(?:[\'’]\w[^\'‘’]*)*)[\'’](?!\w)'
)
_CITES: Final = re.compile(r"\[[^\]]*\]|\((?:\s*[ahvw]\d+\s*[,;]?)+\)|\b[ahvw]\d+\b(?!\s*[a-e]\b)")
_CLOCK: Final = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:\.\d+)?"
_UNIT: Final = r"\s*(?:s|secs?|seconds?)\b"
_TIME: Final = re.compile(
    r"(?P<pre>\b(?:before|until|up to|after|since|from|for|lasting|lasts?|within|over|an?|about)"
    r"\s+)?(?:(?:only|just|about|around|nearly|at least|(?:more|less) than)\s+)?"
    r"(?<![\w.])(?P<between>between\s+)?"
    rf"(?:(?P<from>{_CLOCK}|\d+(?:\.\d+)?)(?:{_UNIT})?\s*(?:-|–|—|to|until|(?(between)and|to))\s*"
    rf"(?P<to>{_CLOCK}(?:{_UNIT})?|\d+(?:\.\d+)?{_UNIT})"
    rf"|(?P<at>{_CLOCK}(?:{_UNIT})?|\d+(?:\.\d+)?{_UNIT}))"
    r"(?P<post>\s*(?:long|later|earlier|apart|of)\b)?"
)
_LASTING: Final = {"for", "lasting", "last", "lasts", "within", "over", "a", "an"}
"""Words before a duration; a duration is no moment."""
_NEGATOR: Final = re.compile(_B.format(lexicon.NEGATORS))
_NOT_NEGATOR: Final = re.compile(_B.format(lexicon.NOT_NEGATORS))
_SCOPE_END: Final = re.compile(lexicon.SCOPE_ENDS)
_DENIED: Final = re.compile(rf"\s*\)?\s*(?P<deny>{lexicon.DENIED_AFTER})")
_NOT_DENIED: Final = re.compile(rf"\s*\)?\s*(?:{lexicon.NOT_DENIED_AFTER})")
_SENTENCE: Final = re.compile(r"[.!?](?=\s|$)|[;\n]")
_CLAUSE: Final = re.compile(r"[.!?](?=\s|$)|[;\n,]|\b(?:and|but|then|while|before|after)\b")
_PARTS: Final = re.compile(
    _B.format(
        "|".join(
            f"(?P<{name.replace(' ', '_')}>{pattern})"
            for name, pattern in sorted(
                lexicon.PARTS.items(), key=lambda item: -len(item[0].split())
            )
        )
    )
)
_MOTIONS: Final = {
    name: re.compile(_B.format(pattern)) for name, pattern in lexicon.MOTIONS.items()
}
_MOVES: Final[dict[str, dict[str, str]]] = {}
for _part, _motion, _code in lexicon.MOVES:
    _MOVES.setdefault(_part, {})[_motion] = _code
_NAMES: Final = tuple(
    (re.escape(unit.name) + "s?", unit.code) for unit in facs.AUS.values() if " " in unit.name
)
_PHRASE_CODES: Final = tuple(code for _, code in (*_NAMES, *lexicon.PHRASES))
_PHRASES: Final = re.compile(
    _B.format("|".join(f"(?P<p{i}>{p})" for i, (p, _) in enumerate((*_NAMES, *lexicon.PHRASES))))
)
_EMOTIONS: Final = re.compile(
    _B.format("|".join(f"(?P<{name}>{pattern})" for name, pattern in lexicon.EMOTIONS.items()))
)
_GRADES: Final = tuple((n, re.compile(_B.format(p))) for n, p in lexicon.GRADE_WORDS)
_SIDES: Final = tuple((side, re.compile(_B.format(p))) for side, p in lexicon.SIDES)
_GAP: Final = re.compile(r"(?:[\s-]+(?!(?:or|but|while|with|then|nor|if|as)\b)[\w'-]+){0,5}[\s-]+")
_SHORT_GAP: Final = re.compile(
    rf"[\s-]+(?:{lexicon.DET}\s+)?(?:(?!{lexicon.DET}\b|and\b|or\b)[\w-]+\s+){{0,2}}"
)
_JOIN: Final = re.compile(
    rf"\s*(?:,\s*(?:and\s+|or\s+|nor\s+)?|\s(?:and|or|nor)\s)\s*(?:{lexicon.DET}\s+)?"
)
_FILLER: Final = re.compile(
    rf"(?:[\s,()\x00/+&]|\b(?:or|nor|and|any|visible|clear|sign|signs|of|{lexicon.DET}|"
    + "|".join(p for _, p in (*lexicon.GRADE_WORDS, *lexicon.SIDES))
    + r")\b)*"
)
_HEAD: Final = {"nod", "shake", "tilt", "turn", "blink_rate"}


def mentions(text: str) -> list[Mention]:
    """Everything the text asserts or denies, in order of appearance."""
    return list(_read(text))


def action_units(text: str) -> frozenset[int]:
    """Numbers of the action units the text asserts; denied ones are left out.

    A phrase that several units could carry ("raised brows") counts as its first.
    """
    return frozenset(m.units[0] for m in _read(text) if m.units and not m.negated)


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Mention, ...]:
    plain = text.lower().replace("’", "'").replace("–", "-")
    if len(plain) != len(text):  # a few letters change length in lower case
        plain = "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
    quotes = list(_quotes(text))
    for quote in quotes:
        plain = _blank(plain, quote.start, quote.end)
    for match in _CITES.finditer(plain):
        plain = _blank(plain, match.start(), match.end())
    times = list(_times(plain))
    for _, start, end in times:
        plain = _blank(plain, start, end)
    found = _merge(plain, [*_codes(plain), *_bare(text), *_phrases(plain), *_moves(plain)])
    found += [m for m in _feelings(plain) if not _covered(m, found)]
    found = sorted([*found, *quotes], key=lambda m: (m.start, m.end))
    found = _deny(plain, found)
    found = _attach(plain, found)
    return tuple(_timed(plain, found, times))


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]


def _quotes(text: str) -> Iterator[Mention]:
    for match in _QUOTE.finditer(text):
        words = match["a"] or match["b"]
        yield Mention("words", (), words.strip(), match.start(), match.end(), quote=True)


def _seconds(text: str) -> float:
    number = re.sub(r"[^\d.:]", "", text)
    total = 0.0
    for part in number.split(":"):
        total = total * 60 + float(part)
    return total


def _times(plain: str) -> Iterator[tuple[tuple[float, float], int, int]]:
    for match in _TIME.finditer(plain):
        pre, start, end = (match["pre"] or "").strip(), match.start(), match.end()
        if match["post"] or pre in _LASTING:
            yield (0.0, float("inf")), start, end  # a duration, not a moment
            continue
        if match["at"]:
            at = _seconds(match["at"])
            exact = "." in match["at"]
            span = (at - 0.5, at + (0.5 if exact else 1.0))
            if pre in {"before", "until", "up to"}:
                span = (0.0, at + 0.25)
            elif pre in {"after", "since", "from"}:
                span = (at - 0.25, float("inf"))
        else:
            end_s = _seconds(match["to"])
            first = match["from"]
            span = (_seconds(first) - 0.25, end_s + (0.25 if "." in match["to"] else 1.0))
        yield span, start, end


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


def _sentence(plain: str, at: int) -> tuple[int, int]:
    start = max((m.end() for m in _SENTENCE.finditer(plain, 0, at)), default=0)
    end = _SENTENCE.search(plain, at)
    return start, end.start() if end else len(plain)


def _deny(plain: str, found: list[Mention]) -> list[Mention]:
    """Mark what is denied."""
    blocked = [m.span() for m in _NOT_NEGATOR.finditer(plain)]
    negators = [
        m for m in _NEGATOR.finditer(plain) if not any(a <= m.start() < b for a, b in blocked)
    ]
    masked = plain
    for mention in found:
        masked = (
            masked[: mention.start] + "\0" * (mention.end - mention.start) + masked[mention.end :]
        )
    return [
        replace(m, negated=True) if not m.negated and _denied(plain, masked, m, negators) else m
        for m in found
    ]


def _denied(plain: str, masked: str, mention: Mention, negators: list[re.Match[str]]) -> bool:
    if any(mention.start <= n.start() and n.end() <= mention.end for n in negators):
        return not mention.quote
    low, high = _sentence(plain, mention.start)
    if any(
        low <= n.start() and n.end() <= mention.start and _reaches(masked, n.end(), mention, high)
        for n in negators
    ):
        return True
    run = _FILLER.match(masked, mention.end, high)
    after = run.end() if run else mention.end
    for at in {mention.end, after}:
        if _NOT_DENIED.match(plain, at, high):
            return False
        if denial := _DENIED.match(plain, at, high):
            if any(p.match(plain[denial.end() :].lstrip()) for _, p in _GRADES):
                return False  # "is not strong" denies the strength
            crossed = masked[mention.end : at]
            singular = denial["deny"].startswith(("is ", "was ", "does", "has"))
            if "," in crossed and not re.search(r"\b(?:and|or|nor)\b", crossed):
                continue
            if "\0" not in crossed or not singular:
                return True
    return False


def _reaches(masked: str, start: int, mention: Mention, high: int) -> bool:
    """Whether a denial that ends at `start` still holds at the mention."""
    between = masked[start : mention.start]
    if _SCOPE_END.search(between) or len(between.replace("\0", "").split()) > 8:
        return False
    run = _FILLER.match(masked, start, high)
    inside = run is not None and run.end() >= mention.end
    listed = masked[start : run.end()] if run else ""
    if "," in between:
        if re.search(r"\b(?:or|nor)\b.*,", between):
            return False  # the list ended before that comma
        closed = re.search(r"\b(?:or|nor)\b", listed) or run is None or run.end() >= high
        return inside and bool(closed)
    if re.search(r"\band\b", between):
        return (
            inside
            and re.fullmatch(r"\s*\0+\s+and\s+", between) is not None
            and (run is not None and run.end() >= high)
        )
    return True


def _attach(plain: str, found: list[Mention]) -> list[Mention]:
    """Give each intensity and side word to the mention it stands nearest to."""
    out = list(found)
    words: list[tuple[int, int, object]] = []
    for level, pattern in _GRADES:
        words += [
            (m.start(), m.end(), level)
            for m in pattern.finditer(plain)
            if not plain[: m.start()].endswith(("not ", "n't "))
        ]
    for side, pattern in _SIDES:
        words += [(m.start(), m.end(), side) for m in pattern.finditer(plain)]
    for start, end, value in words:
        best = _nearest(plain, found, start, end)
        if best is None:
            continue
        mention = out[best]
        if isinstance(value, int):
            if mention.grade is None:
                out[best] = replace(mention, grade=value)
        elif mention.side is None:
            out[best] = replace(mention, side=value)  # type: ignore[arg-type]  # from _SIDES
    return out


def _nearest(plain: str, found: list[Mention], start: int, end: int) -> int | None:
    best, least = None, 40.0
    for i, mention in enumerate(found):
        if mention.quote or mention.sense in {"words", "emotion"}:
            continue
        if mention.start <= start and end <= mention.end:
            return i
        gap = plain[end : mention.start] if end <= mention.start else plain[mention.end : start]
        if re.search(r"[.;:!?]|\b(?:and|but|while|then)\b", gap):
            continue
        cost = len(gap) + 10.0 * gap.count(",") - (0.5 if mention.end <= start else 0)
        if cost < least:
            best, least = i, cost
    return best


def _timed(
    plain: str, found: list[Mention], times: list[tuple[tuple[float, float], int, int]]
) -> Iterator[Mention]:
    moments = [t for t in times if t[0] != (0.0, float("inf"))]
    for mention in found:
        low, high = _sentence(plain, mention.start)
        here = [t for t in moments if low <= t[1] <= high]
        if not here:
            yield mention
            continue
        first = min((m.start for m in found if low <= m.start <= high), default=low)
        cuts = [low, *(c.start() for c in _CLAUSE.finditer(plain, low, high)), high]
        clause = next((a, b) for a, b in pairwise(cuts) if a <= mention.start <= b)
        own = [t for t in here if clause[0] <= t[1] <= clause[1]]
        ahead = [t for t in here if t[1] >= mention.end]
        behind = [t for t in here if t[1] < mention.start]
        if own:
            chosen = own[0]
        elif here[0][1] < first:
            chosen = behind[-1] if behind else ahead[0]
        else:
            chosen = ahead[0] if ahead else behind[-1] if behind else here[0]
        yield replace(mention, time=chosen[0])
