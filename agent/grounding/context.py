"""What stands around a mention: its intensity, its side, its moment; and quotations.

Knows words for these from `agent.grounding.lexicon`; times are seconds of the clip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

from agent.grounding import lexicon
from agent.grounding.deny import sentence
from agent.grounding.find import WORD, Mention
from agent.grounding.lexicon import Claimed

_QUOTE: Final = re.compile(
    r'["“”„«»](?P<a>[^"“”„«»]+)["“”„«»]|(?<!\w)[\'‘](?P<b>[^\'‘’]+(?:[\'’]\w[^\'‘’]*)*)[\'’](?!\w)'
)
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
_CLAUSE: Final = re.compile(r"[.!?](?=\s|$)|[;\n,]|\b(?:and|but|then|while|before|after)\b")
_GRADES: Final = tuple((n, re.compile(WORD.format(p))) for n, p in lexicon.GRADE_WORDS)
_SIDES: Final = tuple((side, re.compile(WORD.format(p))) for side, p in lexicon.SIDES)
_UNSAID: Final = re.compile(r"(?:\bnot|n't|\bneither|\bnor|\bless) (?:\w+ )?$")
_WHERE: Final = re.compile(rf"\b{lexicon.PEOPLE}\s+(?:\w+\s+){{0,2}}(?:on|to|at)\s+(?:the\s+)?$")
_WHO: Final = re.compile(rf"(?:-hand)?\s+{lexicon.PEOPLE}\b")
Time = tuple[tuple[float, float], int, int]
"""Start and end in seconds, and the characters that say so."""


def quotes(text: str) -> Iterator[Mention]:
    for match in _QUOTE.finditer(text):
        words = match["a"] or match["b"]
        yield Mention("words", (), words.strip(), match.start(), match.end(), quote=True)


def _seconds(text: str) -> float:
    number = re.sub(r"[^\d.:]", "", text)
    total = 0.0
    for part in number.split(":"):
        total = total * 60 + float(part)
    return total


def times(plain: str) -> Iterator[Time]:
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


def attach(plain: str, found: list[Mention]) -> list[Mention]:
    """Give each intensity and side word to the mention it stands nearest to."""
    out = list(found)
    words: list[tuple[int, int, int | Claimed]] = []
    for level, pattern in _GRADES:
        words += [
            (m.start(), m.end(), level)
            for m in pattern.finditer(plain)
            if not _UNSAID.search(plain[: m.start()])
        ]
    for side, pattern in _SIDES:
        words += [
            (m.start(), m.end(), side)
            for m in pattern.finditer(plain)
            if not _UNSAID.search(plain[: m.start()])
            and not _WHERE.search(plain[: m.start()])
            and not _WHO.match(plain[m.end() :])
        ]
    for start, end, value in words:
        best = _nearest(plain, found, start, end)
        if best is None:
            continue
        mention = out[best]
        if isinstance(value, int):
            if mention.grade is None:
                out[best] = replace(mention, grade=value)
        elif mention.side is None:
            out[best] = replace(mention, side=value)
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


def timed(plain: str, found: list[Mention], times: list[Time]) -> Iterator[Mention]:
    moments = [t for t in times if t[0] != (0.0, float("inf"))]
    for mention in found:
        low, high = sentence(plain, mention.start)
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
