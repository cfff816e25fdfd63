"""Whom a question is about. Knows names of people in the evidence, no faces."""

from __future__ import annotations

import re
from typing import Final

from agent.models.context import AskError
from agent.schema.evidence import Evidence

MOST_PEOPLE: Final = 6
"""People reasoned about for one question; those seen longest and largest."""
_ID: Final = re.compile(r"\bP\d+\b", re.IGNORECASE)
_SEVERAL: Final = re.compile(
    r"\b(both|everyone|everybody|each|all of them|they all|all (?:the )?(?:people|faces|persons)"
    r"|(?:these|the|those) (?:\w+ )?(?:people|persons|men|women|kids|children|students|faces|group)"
    r"|people|who|whose|anyone|anybody|between them|each other)\b",
    re.IGNORECASE,
)


def whom(question: str, asked: str | None, evidence: Evidence) -> list[str | None]:
    """Ids of the people a question is about, the foremost first.

    `asked` beside the question wins ("all" for everybody), then ids in it, then words for
    several; else it is the main person. [None] where nobody was found. Raises AskError for an
    id that is not in the evidence.
    """
    known = {person.id.upper(): person.id for person in evidence.people}
    named = [asked] if asked and asked.lower() != "all" else _ID.findall(question)
    if named:
        if strange := [id for id in named if id.upper() not in known]:
            there = ", ".join(known.values()) or "nobody"
            raise AskError(f"{', '.join(strange)} is not in this clip; there is {there}")
        return list(dict.fromkeys(known[id.upper()] for id in named))
    main = evidence.main
    if main is None:
        return [None]
    if asked is None and not _SEVERAL.search(question):
        return [main.id]
    living = [p for p in evidence.people if p.live] or list(evidence.people)
    ranked = sorted(living, key=lambda p: (not p.main, -p.share * max(p.size, 0.01)))
    return [person.id for person in ranked[:MOST_PEOPLE]]
