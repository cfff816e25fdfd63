"""A reasoner without a model: what face, voice and words of one person amount to.

Knows FACS and the voice literature as tables and weighs a person's cues with them. Knows
no context, no culture and no story: it says what a display usually goes with, not what
somebody feels inside. docs/rules.md gives the source of every number.
"""

from __future__ import annotations

from agent.reading.judge import Judged, judge
from agent.reading.levels import Span
from agent.reading.profiles import PROFILES, fit
from agent.reading.reasons import conclusion, interpretations, observations
from agent.reading.scores import scores, shares
from agent.schema.answer import Emotion, Reading
from agent.schema.evidence import Evidence

__all__ = ["PROFILES", "Judged", "appraise", "judge", "scores", "shares"]


def appraise(
    evidence: Evidence,
    person: str | None = None,
    span: Span | None = None,
    profile: str = "general",
) -> Reading:
    """What the rules make of one person (None: the main one) over a span in seconds.

    Emotions are empty where nothing could be measured: "cannot tell". Raises ValueError for
    a person who is not in the evidence or a profile that does not exist.
    """
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}; there are {', '.join(sorted(PROFILES))}")
    judged = judge(evidence, person, span)
    fitted = fit(judged, profile)
    claims = (
        *observations(judged),
        *interpretations(judged),
        *fitted.claims,
        *conclusion(judged, fitted.emotions, fitted.confidence),
    )
    return Reading(
        person=judged.person.id if judged.person else None,
        span=judged.span,
        emotions=tuple(Emotion(label=k, share=round(v, 4)) for k, v in fitted.emotions.items()),
        valence=round(judged.valence, 3),
        arousal=round(judged.arousal, 3),
        behavior=fitted.behavior,
        cognition=fitted.cognition,
        claims=claims,
        confidence=round(fitted.confidence, 3),
    )
