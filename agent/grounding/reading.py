"""How much of a text could be read at all: what asserts nothing, and which words nothing carries.

Knows the tables of `lexicon` and `plain_words`, and no evidence. A word list cannot know what it
does not hold, so it works the other way round: every word of a claim must be one that the tables
read, or one that claims nothing by itself; a claim with any other word is not verified.
English only; in another language no word is read, and so no claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from agent.grounding import lexicon
from agent.grounding.context import quotes, times
from agent.grounding.find import WORD, blank, tabled
from agent.grounding.mentions import CITES, mentions, plainly
from agent.grounding.plain_words import PLAIN, REMARKS

_TOKEN: Final = re.compile(r"[^\W\d_]+")
_KNOWN: Final = re.compile(
    WORD.format(
        "|".join(
            (
                *REMARKS,
                *lexicon.PARTS.values(),
                *(pattern for _, pattern in lexicon.SIDES),
                *(pattern for _, pattern in lexicon.GRADE_WORDS),
                lexicon.NOT_NEGATORS,
                lexicon.NEGATORS,
                lexicon.PEOPLE + "s?",
                r"p\d+",
            )
        )
    )
)
_ASKS: Final = re.compile(
    r"[?？]\s*$"
    r"|^\W*(?:how|why|who|where)\s+(?:is|are|was|were|do|does|did|has|can)\b"
    r"|^\W*(?:what|when|which(?: \w+)?)\s+(?:is|are|was|were|do|does|did|has|can)\s+"
    r"(?:she|he|they|it|the|her|his|their|p\d+)\b"
    r"|^\W*(?:is|are|was|were|do|does|did|has|can|could|will)\s+(?:she|he|they|it|the|there|any\w+)\b",
    re.IGNORECASE,
)
_FEW: Final = 1 / 3
"""Share of known words below which a text is not in a language that the tables hold."""


def asks(text: str) -> bool:
    """Whether a text is a question; a question asserts nothing."""
    plain = text
    for quote in quotes(text):
        plain = blank(plain, quote.start, quote.end)
    return _ASKS.search(plain) is not None


def unread(text: str, told: Iterable[str] = ()) -> tuple[str, ...]:
    """Words that are neither in the tables nor without a claim of their own, in order.

    `told` are wordings that are known to be true of the evidence: the texts of the cited cues.
    """
    return _unread(text, tuple(told))


def foreign(text: str) -> bool:
    """Whether a text is in a language that the tables do not hold, by how few words they know."""
    words = _TOKEN.findall(text)
    if not words:
        return False
    far = sum(ord(c) > 0x24F for word in words for c in word)
    if far > sum(map(len, words)) / 2:
        return True
    return len(words) > 1 and 1 - len(unread(text)) / len(words) < _FEW


@lru_cache(maxsize=8192)
def _unread(text: str, told: tuple[str, ...]) -> tuple[str, ...]:
    plain = plainly(text)
    for wording in sorted(map(plainly, told), key=len, reverse=True):
        if wording.strip() in plain:
            for match in re.finditer(rf"(?<!\w){re.escape(wording.strip())}(?!\w)", plain):
                plain = blank(plain, *match.span())
    said = mentions(text)
    inside = [(m.start, m.end) for m in said]
    spans = [span for span in tabled(plain) if any(a <= span[0] < b for a, b in inside)]
    spans += [(m.start, m.end) for m in said if m.quote or m.sense == "emotion"]
    spans += [match.span() for match in CITES.finditer(plain)]
    spans += [(start, end) for _, start, end in times(plain)]
    spans += [match.span() for match in _KNOWN.finditer(plain)]
    for start, end in spans:
        plain = blank(plain, start, end)
    return tuple(word for word in _TOKEN.findall(plain) if word not in PLAIN)
