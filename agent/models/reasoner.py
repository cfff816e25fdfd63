"""What thinks in the graph: what a step may look at, what it gives back, what it must be able to.

Knows no host and no rules; `agent.models.connect` says which thinker it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.schema.answer import Claim, Reading
from agent.schema.evidence import Evidence, Missing
from agent.schema.picture import Pictures, Span
from agent.schema.query import Query
from agent.schema.state import Turn
from prompts import Profile


@dataclass(frozen=True, slots=True)
class View:
    """What one step may look at."""

    question: str
    evidence: Evidence
    person: str | None
    span: Span
    profile: Profile
    pictures: Pictures
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """The answer in words, before it is checked: sentences, each with its cues."""

    claims: tuple[Claim, ...]
    text: str | None = None
    """The whole answer where its author worded it with citations already."""
    lacking: str = ""
    """What would be needed, where the evidence does not answer."""
    span: Span | None = None
    """Moment the answer is about, where its author can tell."""
    query: Query | None = None
    """What the question was read as, where its author parsed it."""


class Model(Protocol):
    """Whoever thinks: each step takes the reading so far and gives it back with more in it."""

    name: str
    mends: bool
    """Whether telling it why a claim fell can change anything."""

    def behaviour(self, view: View) -> Reading: ...

    def cognition(self, view: View, draft: Reading) -> Reading: ...

    def emotion(self, view: View, draft: Reading) -> Reading: ...

    def revise(self, view: View, draft: Reading) -> Reading: ...

    def answer(self, view: View, readings: Sequence[Reading]) -> Told: ...

    def lacking(self) -> tuple[Missing, ...]:
        """What this model could not be shown."""
        ...
