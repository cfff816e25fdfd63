"""What every answer to a plain question starts from, and how its sentences are cited.

Knows the question, the reading and the evidence; answers nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.questions.asked import Span, moment
from agent.reading.judge import Judged, judge
from agent.reading.reasons import clock
from agent.schema.answer import Claim, Reading
from agent.schema.evidence import Cue, Evidence, Person

Said = list[Claim | str]


@dataclass(frozen=True)
class Asked:
    """One question and all that an answer may use."""

    evidence: Evidence
    question: str
    reading: Reading
    history: tuple[str, ...] = ()

    @cached_property
    def judged(self) -> Judged:
        """The rules' own judgement of the person and span."""
        return judge(self.evidence, self.reading.person, self.reading.span)

    @property
    def person(self) -> Person | None:
        return self.judged.person

    @property
    def cues(self) -> tuple[Cue, ...]:
        """Cues of this person within the span."""
        return self.judged.cues

    @cached_property
    def part(self) -> Span | None:
        """The moment that the question names, None for the whole clip."""
        who = self.reading.person
        return moment(self.question, self.evidence, who, self.history)

    @property
    def who(self) -> str:
        """The subject of a sentence, as the question puts it."""
        named = re.search(r"\b(p\d+)\b", self.question, re.IGNORECASE)
        if named and self.person and named[1].upper() == self.person.id:
            return self.person.id
        people = "|".join(("woman", "man", "girl", "boy", "child", "student", "speaker", "person"))
        if noun := re.search(rf"\bthe ((?:\w+ )?(?:{people}))\b", self.question, re.IGNORECASE):
            return f"The {noun[1].lower()}"
        for pattern, subject in ((r"she|her|hers", "She"), (r"he|him|his", "He"),
                                 (r"they|them|their", "They")):  # fmt: skip
            if re.search(
                rf"\b(?:{pattern})\b", " ".join((self.question, *self.history[-1:])), re.I
            ):
                return subject
        return "The person"

    def does(self, verbs: tuple[str, str]) -> str:
        """Subject and verb."""
        return f"{self.who} {verbs[self.who == 'They']}"

    @property
    def where(self) -> str:
        """The span in words at the start of a sentence; "" for the whole clip."""
        start, end = self.reading.span
        if self.part is None or end <= start:
            return ""
        return f"Between {clock(start)} and {clock(end)}: "

    def opening(self, text: str) -> str:
        """A sentence with the span before it, where the question names one."""
        if not self.where:
            return text
        return self.where + (text if text.startswith("I ") else text[:1].lower() + text[1:])


Part = Callable[[Asked], Said]


def cited(claim: Claim) -> str:
    """A sentence with the ids of its cues before its full stop: "She smiles [A7]."."""
    if not claim.cites:
        return claim.text
    body, stop = (claim.text[:-1], claim.text[-1]) if claim.text[-1] in ".!?" else (claim.text, "")
    return f"{body} [{', '.join(claim.cites)}]{stop}"


def span_of(asked: Asked, claims: Sequence[Claim]) -> Span:
    """From the first to the last moment that the claims are about; else the reading's span."""
    if asked.part is not None:
        return asked.reading.span
    found = [cue for claim in claims for i in claim.cites if (cue := asked.evidence.cue(i))]
    if not found:
        return asked.reading.span
    return min(cue.start for cue in found), max(cue.end for cue in found)
