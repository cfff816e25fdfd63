"""What the graph remembers: plain JSON values, so that a thread can be saved and read anywhere.

Knows no model, no client and no picture; those live in the context. Cues of the clip stay in
the evidence; only cues that a closer look added are kept here.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

Json = dict[str, Any]
"""A record's `model_dump(mode="json")`."""


def by_person(old: dict[str, Json] | None, new: dict[str, Json] | None) -> dict[str, Json]:
    """Readings of several people side by side; None clears them for the next question."""
    return {} if new is None else {**(old or {}), **new}


def appended(old: list[Json] | None, new: list[Json] | None) -> list[Json]:
    """Rows one after another; None clears them."""
    return [] if new is None else [*(old or []), *new]


class Turn(TypedDict):
    """One question and its answer."""

    question: str
    answer: str
    person: str | None
    span: list[float]


class State(TypedDict, total=False):
    """One thread: what was asked now, what came of it, what was said before."""

    clip: str
    """sha256 of the clip that the thread is about."""
    file: str
    """Its name, for messages."""
    question: str
    profile: str
    asked: str | None
    """Person that was named beside the question, if any."""
    people: list[str | None]
    """Who the question is about, the first one foremost."""
    span: list[float]
    """Start and end in seconds of what the question is about."""
    moment: bool
    """Whether the question is about a part of the clip."""
    readings: Annotated[dict[str, Json], by_person]
    """Reading by person ("" for nobody in particular), checked."""
    extra: Annotated[list[Json], appended]
    """Cues that closer looks added or measured anew."""
    result: Json
    history: Annotated[list[Turn], appended]


class PersonState(TypedDict, total=False):
    """The way of one person through behaviour, cognition, emotion and check."""

    question: str
    profile: str
    person: str | None
    slot: list[int]
    """Place among the people and their number: keeps ids of added cues apart."""
    span: list[float]
    moment: bool
    history: list[Turn]
    draft: Json
    """The reading so far."""
    mended: int
    """How often struck claims went back to the model."""
    looked: list[list[float]]
    """Windows that were looked at again."""
    failed: int
    """Claims that the last check struck out."""
    mends: bool
    """Whether telling the model why a claim fell can change anything."""
    window: list[float] | None
    """Where the last check wants to look again."""
    share: float
    """Share of the claims that stood at the last check."""
    extra: Annotated[list[Json], appended]
    readings: Annotated[dict[str, Json], by_person]


class PersonOutcome(TypedDict, total=False):
    """What goes back from one person to the thread."""

    readings: Annotated[dict[str, Json], by_person]
    extra: Annotated[list[Json], appended]
