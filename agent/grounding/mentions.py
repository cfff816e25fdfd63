"""Reading claims in text: which muscles, movements, sounds and words does a sentence assert?

Knows the tables of `lexicon` and nothing about evidence. AU6 = AU06 = "AU 6" = "cheek
raiser"; a denial ("no AU4", "neither … nor", "smile is absent") is told from an assertion.
Rules of thumb over words, English only: what it cannot read, it leaves out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from agent.grounding.context import attach, quotes, timed, times
from agent.grounding.deny import deny
from agent.grounding.find import Mention, blank, find

__all__ = ["Mention", "action_units", "mentions"]

CITES: Final = re.compile(r"\[[^\]]*\]|\((?:\s*[ahvw]\d+\s*[,;]?)+\)|\b[ahvw]\d+\b")
"""Ids of cues, which are no action units."""


def mentions(text: str) -> list[Mention]:
    """Everything the text asserts or denies, in order of appearance."""
    return list(_read(text))


def action_units(text: str) -> frozenset[int]:
    """Numbers of the action units the text asserts; denied ones are left out.

    A phrase that several units could carry ("raised brows") counts as its first.
    """
    return frozenset(m.units[0] for m in _read(text) if m.units and not m.negated)


def plainly(text: str) -> str:
    """The text in lower case with plain marks, every character where it was."""
    # a few letters grow longer in lower case; places must stay the same
    plain = "".join(c if len(c.lower()) > 1 else c.lower() for c in text)
    return plain.replace("’", "'").replace("–", "-")


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Mention, ...]:
    plain = plainly(text)
    quoted = list(quotes(text))
    for quote in quoted:
        plain = blank(plain, quote.start, quote.end)
    for match in CITES.finditer(plain):
        plain = blank(plain, match.start(), match.end())
    moments = list(times(plain))
    for _, start, end in moments:
        plain = blank(plain, start, end)
    found = sorted([*find(plain, text), *quoted], key=lambda m: (m.start, m.end))
    return tuple(timed(plain, attach(plain, deny(plain, found)), moments))
