"""What executing a query over the evidence gave: numbers, spans, cue ids; no words.

Knows no language and no feeling. Made by `agent.qa.execute`, worded by `agent.qa.say`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from agent.schema.evidence import Grade, Missing, Seconds, Share, Side
from agent.schema.query import Ask

Outcome = Literal[
    "yes", "no", "trace", "value", "events", "quotes", "people", "left", "right", "both",
    "more", "less", "same", "items", "unseen", "unmeasured", "unheard", "unworded", "nobody",
    "nowhere", "whom", "needs_reading",
]  # fmt: skip
"""yes, no, trace   done, not done though it could have been seen, done by a trace only
value            a number: `value` in `unit`
events, quotes, people, items    what `events`, `quotes`, `people`, `missing` list
left, right, both    the side it is stronger on
more, less, same     the target against what it was held against
unseen, unmeasured, unheard, unworded    nothing can be said: not in view, no sense for it, no
                 voice, no words
nobody           nobody is in the clip; whom: the person asked about cannot be told apart
nowhere          the moment asked about is not in the clip: `span` is None
needs_reading    it takes a reading of feelings, which this module does not make
"""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Event(_Record):
    """One thing done, seen or heard: cues of one code that follow each other without a gap."""

    code: str
    """As in cues: "AU12", "nod", "speech", "pitch"."""
    person: str | None
    start: Seconds
    apex: Seconds
    end: Seconds
    side: Side | None = None
    intensity: float | None = None
    """Of an action unit 0-5, at its strongest."""
    grade: Grade | None = None
    relative: float | None = None
    """Of the voice: robust standard deviations off the speaker's usual value."""
    value: float | None = None
    """Of head and voice, in `unit`."""
    unit: str | None = None
    cues: tuple[str, ...]
    confidence: Share

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


class Quote(_Record):
    """Something said."""

    text: str
    person: str | None
    start: Seconds
    end: Seconds
    cue: str


class Finding(_Record):
    """The answer to one query, before it is put into words."""

    ask: Ask
    target: str | None = None
    outcome: Outcome
    person: str | None = None
    """Whom it is about; None for the clip or several."""
    span: tuple[Seconds, Seconds] | None = None
    """Seconds that were looked at."""
    value: float | None = None
    """In `unit`: seconds, times, intensity, …"""
    unit: str | None = None
    """s, times, per minute, 0-5, share, Hz, dB, …; "1-9" where that scale was asked for."""
    other: float | None = None
    """Value of what it was held against."""
    events: tuple[Event, ...] = ()
    """In order of time."""
    before: tuple[Event, ...] = ()
    """For cause: what was done or heard shortly before."""
    quotes: tuple[Quote, ...] = ()
    people: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()

    @property
    def cues(self) -> tuple[str, ...]:
        """Ids of all cues it stands on."""
        ids = [id for event in (*self.events, *self.before) for id in event.cues]
        return tuple(dict.fromkeys([*ids, *(quote.cue for quote in self.quotes)]))
