"""Turns of phrase that the profiles look for in quoted words; English only.

Knows short patterns, not meaning: a first guess where no model is connected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from agent.schema.evidence import Cue

STANCE: Final[dict[str, re.Pattern[str]]] = {
    "Monitoring": re.compile(
        r"\?|\b(?:is (?:this|that|it) right|are we|do we|did we|have we|how (?:much|many|far)|"
        r"i think (?:this|that|it) is|time is left|where are we|does (?:this|that|anyone))\b"
    ),
    "Controlling": re.compile(
        r"\b(?:let['’]?s|we (?:should|need to|have to|must|could)|you (?:should|do|write|take)|"
        r"try (?:to|this|that|it)|put (?:it|that|this)|write (?:it|that|this|down)|do it|"
        r"start (?:with|again)|instead|next we)\b"
    ),
    "Positive": re.compile(
        r"\b(?:(?:i|we) (?:get|got|understand|know)(?: it)?|makes sense|that['’]?s (?:right|it)|"
        r"easy|it works|well done|correct)\b"
    ),
    "Negative": re.compile(
        r"(?:n['’]t|\bnot) (?:get|understand|know|work|sure|right)\b|"
        r"\b(?:wrong|stuck|confus\w+|too (?:hard|difficult)|no idea|out of time|makes no sense)\b"
    ),
    "Hesitant": re.compile(
        r"\b(?:but|i don['’]t know|not sure|maybe|on the one hand|i guess|part of me|should i|"
        r"i want to,? but|sort of|kind of)\b"
    ),
    "Taken in": re.compile(
        r"\b(?:i see|i understand|i hear you|it sounds like|so you|you feel|you mean|that must)\b"
    ),
}
"""What is looked for → pattern over lower-case words."""


def found_in(quotes: Iterable[Cue], pattern: re.Pattern[str]) -> list[str]:
    """Ids of the quotations in which the pattern occurs."""
    return [cue.id for cue in quotes if pattern.search(cue.text.lower())]
