"""What one claim asserts, as a record: the same in every language, and checked without any.

Made by the rules and the reading from what they know, by a model through its JSON schema, or by
`agent.grounding.parse` from a stranger's sentence. Checked by `agent.grounding.verify`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Relation = Literal[
    "present", "absent", "more", "less", "rises", "falls", "begins", "ends", "same", "quote",
    "left", "right", "both",
]  # fmt: skip
"""present, absent   it is done, felt or heard; or it is not
more, less, same     than this person's usual; for valence and arousal: above, below, at the middle;
                     of a feeling, more: the cited cues speak for it, whichever leads
rises, falls         within the span
begins, ends         at the span's first second
quote                these words are said: `value`
left, right, both    present on this side (the person's own)
"""
RELATIONS: Final[tuple[Relation, ...]] = get_args(Relation)

Outcome = Literal["supported", "contradicted", "unverified"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Assertion(_Record):
    """One thing that is said to be so."""

    subject: str = "clip"
    """P1, P2, …, or "clip" where it is about nobody in particular."""
    what: str
    """A code of the evidence ("AU12", "nod", "pitch", "speech", "blink", "words", "impression"),
    "emotion:NAME", "valence", "arousal", "change" (the feeling changes) or "agreement" (face,
    voice and words go together)."""
    relation: Relation = "present"
    at: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] | None = None
    """Seconds it is about; None for all that the cited cues or the clip span."""
    value: float | str | None = None
    """Of an action unit its intensity (0-5) or grade ("A" … "E"), of a quote its words, of
    valence and arousal −1 to 1."""


class Verdict(_Record):
    """What the evidence says to one assertion, and why."""

    outcome: Outcome
    why: str = ""
    """In words for people; empty where it is supported."""
