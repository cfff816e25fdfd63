"""Speech cut into utterances of about one to six seconds, each with its own functionals.

Knows phrases (stretches of speech between pauses) and columns of numbers; who speaks is told by
whoever calls, as the phrases of one voice at a time. What a voice does is read utterance by
utterance: over half a minute, anger and laughter would average to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from agent.schema.evidence import Window
from agent.schema.samples import Columns
from agent.senses.voice.functionals import functionals
from agent.senses.voice.norms import Baseline

Span = tuple[float, float]

SHORTEST: Final = 1.0
"""Seconds; a shorter phrase is joined with a neighbour, if one is near enough."""
LONGEST: Final = 6.0
"""Seconds that joined phrases may take."""
NEAR: Final = 0.4
"""Seconds of silence over which phrases are one utterance."""
APART: Final = 0.8
"""Seconds of silence over which even a short phrase is not joined with the next."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance of one voice."""

    start: float
    end: float
    """Seconds."""
    values: dict[str, float]
    """As `functionals` gives them, without what could not be had; empty where the utterance has
    too little voiced speech."""
    sure: float
    """Mean voice activity, 0–1."""


def spans_of(phrases: Sequence[Span], others: Sequence[Span] = ()) -> tuple[Span, ...]:
    """Utterances, in seconds, that the phrases of one voice make; in order of time.

    `others`: when somebody else speaks; no utterance goes on over it.
    """
    found: list[Span] = []
    for start, end in sorted(phrases):
        if found and _joins(found[-1], (start, end), others):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


def _joins(before: Span, after: Span, others: Sequence[Span]) -> bool:
    gap = after[0] - before[1]
    short = min(before[1] - before[0], after[1] - after[0]) < SHORTEST
    if after[1] - before[0] > LONGEST or gap > (APART if short else NEAR):
        return False
    return not any(a < after[0] - 0.01 and b > before[1] + 0.01 for a, b in others)


def utterances(
    columns: Columns, phrases: Sequence[Span], others: Sequence[Span] = ()
) -> tuple[Utterance, ...]:
    """The utterances of one voice. `columns`: `Heard.series` and `Heard.descriptors` together."""
    time = columns["time"].astype(np.float64)
    found = []
    for start, end in spans_of(phrases, others):
        first, last = np.searchsorted(time, (start - 0.005, end + 0.005))
        rows = slice(int(first), int(last))
        values = functionals(columns, rows)
        known = {name: value for name, value in values.items() if np.isfinite(value)}
        sure = float(columns["vad"][rows].astype(np.float32).mean()) if last > first else 0.0
        found.append(Utterance(start, end, known, min(sure, 1.0)))
    return tuple(found)


OWN: Final = "_own"
"""End of the name of a value that is taken against the speaker's usual."""
OWN_UTTERANCES: Final = "own_utterances"
"""Name of the number of utterances that this usual stands on."""


def with_functionals(baseline: Baseline, said: Sequence[Utterance]) -> Baseline:
    """The baseline with the mean functionals of what was said."""
    told = [utterance.values for utterance in said if utterance.values]
    names = {name for values in told for name in values}
    means = {
        name: float(np.mean([values[name] for values in told if name in values]))
        for name in sorted(names)
    }
    return replace(baseline, functionals=means, utterances=len(told))


def windows(said: Sequence[Utterance], enrolled: Baseline | None = None) -> tuple[Window, ...]:
    """One for each utterance with functionals; nobody is named.

    Where an enrolment tells how this person usually speaks, `pitch_mean_own` and the like are
    beside `pitch_mean`: the utterance's value less the usual one.
    """
    usual = enrolled.functionals if enrolled is not None else {}
    count = {OWN_UTTERANCES: float(enrolled.utterances)} if enrolled is not None and usual else {}
    return tuple(
        Window(
            person=None,
            sense="voice",
            start=round(each.start, 3),
            end=round(each.end, 3),
            values={name: round(value, 3) for name, value in each.values.items()}
            | {
                f"{name}{OWN}": round(value - usual[name], 3)
                for name, value in each.values.items()
                if name in usual
            }
            | count,
            quality=round(each.sure, 3),
            speaking=1.0,
        )
        for each in said
        if each.values
    )
