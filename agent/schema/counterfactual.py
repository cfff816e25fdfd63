"""What an answer would have been without part of its evidence, as records.

Knows shapes only; made by `agent.graph.counterfactual`. JSON both ways.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.schema.evidence import Seconds, Share

Channel = Literal["face", "impression", "head", "voice", "words"]
"""face: action units; impression: what the face looks like to most people."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Effect(_Record):
    """What happens to the stated label when one thing is taken away from the evidence."""

    taken: str
    """Id of a cue, or name of a channel."""
    text: str
    """What it is, in plain words."""
    share: Share
    """Of the label without it; 0 where nothing can be told any more."""
    change: Annotated[float, Field(ge=-1, le=1)]
    """`share` less the share with everything there: below 0 it speaks for the label."""
    leads: str | None
    """Label that leads without it; None where nothing can be told any more."""
    contribution: float | None = None
    """Log-odds that its measurements add to the label over its rivals in the full reading, mean
    over the span. None where a model reads, and for what no fitted feature measures. It says what
    was counted, `change` what would have come out: gates, rest and redundancy part the two."""


class DeletionCurve(_Record):
    """The label's share while cues are taken away one after another, beginning with all there."""

    taken: tuple[int, ...]
    """Number of cues taken away at each point, from 0 to all of them."""
    ranked: tuple[Share, ...]
    """Taken away in the order of their effects, what carries the label most first."""
    random: tuple[Share, ...]
    """Mean over random orders."""
    orders: int
    """Number of random orders."""
    gap: Annotated[float, Field(ge=-1, le=1)]
    """Mean of `random` less `ranked` between the ends: above 0 the ranking beats chance."""


class Counterfactual(_Record):
    """The stated label of an answer, read again with parts of the evidence taken away.

    What is taken away counts as not measured, which is not the same as absent.
    """

    label: str | None
    """The label that the answer states; None where it states none, and nothing is explained."""
    person: str | None
    span: tuple[Seconds, Seconds]
    share: Share = 0.0
    """Of the label, read with everything there."""
    wobble: Share = 0.0
    """How far the share differs between two readings of the same evidence: 0 of the rules; of a
    model, changes up to this are its own noise."""
    cues: tuple[Effect, ...] = ()
    """The largest change first."""
    channels: tuple[Effect, ...] = ()
    curve: DeletionCurve | None = None
    """None where there are fewer than two cues."""
    left_out: int = 0
    """Cues that were not tried, the least salient, so that it ends in time."""
    readings: int = 0
    """How often the evidence was read again."""
    failed: tuple[str, ...] = ()
    """What was taken away where the model then gave no usable reply."""
