"""What a text denies: "no AU4", "neither … nor", "smile is absent", and what only looks like it.

Knows the negators and the ends of their reach in `lexicon`; rules of thumb, English only.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from agent.grounding import lexicon
from agent.grounding.find import WORD, Mention

_NEGATOR: Final = re.compile(WORD.format(lexicon.NEGATORS))
_NOT_NEGATOR: Final = re.compile(WORD.format(lexicon.NOT_NEGATORS))
_SCOPE_END: Final = re.compile(lexicon.SCOPE_ENDS)
_DENIED: Final = re.compile(rf"\s*\)?\s*(?P<deny>{lexicon.DENIED_AFTER})")
_NOT_DENIED: Final = re.compile(rf"\s*\)?\s*(?:{lexicon.NOT_DENIED_AFTER})")
_FILLER: Final = re.compile(
    rf"(?:[\s,()\x00/+&]|\b(?:or|nor|and|any|visible|clear|sign|signs|of|{lexicon.DET}|"
    + "|".join(p for _, p in (*lexicon.GRADE_WORDS, *lexicon.SIDES))
    + r")\b)*"
)
_SENTENCE: Final = re.compile(r"[.!?](?=\s|$)|[;\n]")


def sentence(plain: str, at: int) -> tuple[int, int]:
    """First and last character of the sentence around a place."""
    start = max((m.end() for m in _SENTENCE.finditer(plain, 0, at)), default=0)
    end = _SENTENCE.search(plain, at)
    return start, end.start() if end else len(plain)


def deny(plain: str, found: list[Mention]) -> list[Mention]:
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
    low, high = sentence(plain, mention.start)
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
