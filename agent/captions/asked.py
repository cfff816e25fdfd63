"""Captions by a language model: one more request after the reading, checked like every claim.

Knows the captions' prompts; the reading it is about is done and checked. What no cue carries
is left out of the caption.
"""

from __future__ import annotations

import prompts
from agent import brief
from agent.answer import Claim
from agent.captions import styles
from agent.captions.plan import Plan
from agent.captions.styles import Told
from agent.context import Picture, Span
from agent.model import Language, View
from agent.verdicts import checked

Shown = dict[tuple[str | None, Span], list[Picture]]


def by_model(plan: Plan, told: Told, model: Language, shown: Shown) -> tuple[Claim, ...]:
    """The caption's sentences that stand; the rules' own words where none does.

    Raises ModelError.
    """
    whole = (0.0, told.evidence.media.duration)
    view = View(
        question=prompts.fill("caption_question"),
        evidence=told.evidence,
        person=told.person,
        span=whole,
        profile=prompts.profile(plan.profile),
        pictures=lambda who, span: shown.get((who, span), []),
    )
    said = checked(model.tell(view, task(plan, told)), told.evidence, told.person)
    standing = tuple(claim for claim in said if claim.grounded)
    return standing or styles.by_rules(plan.style, told)


def task(plan: Plan, told: Told) -> str:
    """What a model is asked for; the owners' label is in it only where it is to be explained."""
    lines = [
        f"{n}. {span.start:.2f}-{span.end:.2f} s: {reading.emotions[0].label}"
        for n, (span, reading) in enumerate(told.spans, 1)
        if reading.emotions
    ]
    known = (
        "" if told.label is None else prompts.fill("caption_known", label=brief.quoted(told.label))
    )
    return prompts.fill(
        "caption_task",
        person=told.person or "the clip as a whole",
        so_far=brief.reading_text(told.reading),
        spans="\n".join(lines) or "None.",
        style=prompts.fill(f"caption_{plan.style}"),
        known=known,
    )
