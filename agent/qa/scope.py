"""What a query is about in one clip: person, spans, and why nothing can be said.

Knows the evidence and the query; computes no answer.
"""

from __future__ import annotations

from typing import Any, Final

from agent.qa.events import Span, clear, events, sight, spans, within
from agent.schema.evidence import Evidence, Person
from agent.schema.finding import Event, Finding, Outcome
from agent.schema.query import Moment, Query

NEAREST: Final = {"laugh": "AU12", "cry": "AU15", "yawn": "AU27"}
"""What is measured of something that no sense can tell: told beside saying so."""


class Scope:
    """A query, its evidence and its person, with the spans it is about."""

    def __init__(self, query: Query, evidence: Evidence, person: Person | None) -> None:
        self.query, self.evidence, self.person = query, evidence, person
        self.id = person.id if person is not None else None
        self.open = query.ask == "event" and query.target is None
        self.windows = spans(query.when, evidence, self.id, soon=self.open)

    @property
    def span(self) -> Span | None:
        """From the first window's beginning to the last one's end."""
        return (self.windows[0][0], self.windows[-1][1]) if self.windows else None

    def found(self, target: str | None = None, when: Moment | None = None) -> list[Event]:
        """Events of the target (of the query's where none is given) in the windows."""
        windows = self.windows if when is None else spans(when, self.evidence, self.id)
        return within(events(self.evidence, self.id, target or self.query.target), windows)

    def blocked(self, target: str | None = None) -> Finding | None:
        """Why nothing can be said about it; None where it could have been seen."""
        wanted = target or self.query.target
        seen = sight(self.evidence, self.person, wanted, self.span or (0.0, 0.0))
        if seen == "seen":
            return None
        near = NEAREST.get(wanted or "") if seen == "unmeasured" else None
        found = [event for event in self.found(near) if clear(event)] if near else []
        return self.done(seen, events=tuple(found))

    def done(self, outcome: Outcome, **more: Any) -> Finding:
        """The finding."""
        return done(self.query, outcome, self.person, span=self.span, **more)


def done(query: Query, outcome: Outcome, person: Person | None = None, **more: Any) -> Finding:
    """A finding about a query; `more` are its other fields."""
    id = person.id if person is not None else None
    return Finding(ask=query.ask, target=query.target, outcome=outcome, person=id, **more)


def felt(target: object) -> bool:
    """Whether it takes a reading of feelings."""
    return isinstance(target, str) and (
        target.startswith("emotion") or target in ("valence", "arousal")
    )


def whom(query: Query, evidence: Evidence, person: str | None) -> tuple[Person | None, bool]:
    """The person, and whether the record can tell who is meant."""
    known = {p.id: p for p in evidence.people}
    if query.who == "other":
        rest = [p for p in evidence.people if not p.main]
        return (rest[0], True) if rest else (None, False)
    if query.who in ("left", "right"):
        # The record does not hold where in the picture a face is.
        return (evidence.main, True) if len(evidence.people) == 1 else (None, False)
    if query.who is not None and query.who != "all":
        return known.get(query.who), query.who in known
    if person is not None:
        return known.get(person), person in known
    return evidence.main, True
