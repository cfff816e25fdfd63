"""What comes out: claims that cite cues, and the answer that stands on them.

Knows the shape of an answer, not how one is found. JSON both ways.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.schema.assertion import Assertion
from agent.schema.counterfactual import Counterfactual
from agent.schema.evidence import Missing, Seconds, Share
from agent.schema.notebook import answer_html, frame
from agent.schema.query import Query

Part = Literal["observation", "interpretation", "conclusion"]
Verdict = Literal["supported", "contradicted", "unverified"]
"""Supported: the cited cues carry it. Contradicted: it was read, and they do not. Unverified: it
could not be read, or asserts nothing, so nothing was checked."""
Polar = Annotated[float, Field(ge=-1, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Emotion(_Record):
    """One label and how much of the whole belongs to it."""

    label: str
    share: Share


class Claim(_Record):
    """One sentence and the cues it stands on."""

    text: str
    cites: tuple[str, ...] = ()
    """Ids of cues in the evidence."""
    part: Part = "observation"
    asserts: tuple[Assertion, ...] = ()
    """What it says, as records; where there are none, the sentence itself is read."""
    grounded: bool = True
    """False where grounding found no cue that carries it; such a claim is marked, not hidden."""
    verdict: Verdict | None = None
    """None before the check."""
    why: str | None = None
    """What grounding objected to."""


class Reading(_Record):
    """What one reasoner makes of one person over one span, before it is put into words."""

    person: str | None
    span: tuple[Seconds, Seconds]
    emotions: tuple[Emotion, ...] = ()
    """Most likely first; shares sum to 1 where there are any. Empty means "cannot tell"."""
    words: tuple[str, ...] = ()
    """Names of the feeling in open vocabulary, where a model gives any."""
    valence: Polar = 0.0
    arousal: Polar = 0.0
    behavior: str | None = None
    cognition: str | None = None
    claims: tuple[Claim, ...] = ()
    confidence: Share = 0.0


class Answer(_Record):
    """The answer to one question; `duchenne ask --json` prints exactly this."""

    answer: str
    person: str | None
    span: tuple[Seconds, Seconds]
    emotions: tuple[Emotion, ...] = ()
    words: tuple[str, ...] = ()
    """Names of the feeling in open vocabulary, where a model gives any."""
    valence: Polar = 0.0
    arousal: Polar = 0.0
    behavior: str | None = None
    cognition: str | None = None
    claims: tuple[Claim, ...] = ()
    grounded: Share = 1.0
    """Share of the claims that grounding let stand, before the others were struck out."""
    confidence: Share = 0.0
    missing: tuple[Missing, ...] = ()
    model: str
    query: Query | None = None
    """What the question was read as; None where a model read it as it stands."""
    evidence: str | None = None
    """Path of the evidence file."""
    others: tuple[Reading, ...] = ()
    """Readings of the other people, where the question is about several."""
    counterfactual: Counterfactual | None = None
    """What the first label hangs on, where that was asked for (`--why`)."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in its JSON."""
        return self.model_dump(mode="json")

    def to_pandas(self) -> Any:
        """The claims as a pandas DataFrame, one row each. Raises ImportError without pandas."""
        return frame([claim.model_dump(mode="json") for claim in self.claims])

    def _repr_html_(self) -> str:
        return answer_html(self)
