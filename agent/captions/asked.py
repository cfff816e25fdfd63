"""Captions by a language model: one more request after the reading, checked like every claim.

Knows the captions' prompts; the reading it is about is done and checked. What no cue carries
is left out of the caption.
"""

from __future__ import annotations

import prompts
from agent.captions.onecall import spans_text
from agent.captions.plan import Plan
from agent.captions.styles import Told
from agent.graph.verdicts import checked
from agent.models import brief
from agent.models.llm import Language
from agent.models.reasoner import View
from agent.schema.answer import Claim
from agent.schema.picture import Picture, Span

Shown = dict[tuple[str | None, Span], list[Picture]]


def asked(plan: Plan, told: Told, model: Language, shown: Shown) -> tuple[Claim, ...]:
    """The caption's sentences as a model gives them. Raises ModelError."""
    view = View(
        question=prompts.fill("caption_question"),
        evidence=told.evidence,
        person=told.person,
        span=(0.0, told.evidence.media.duration),
        profile=prompts.profile(plan.profile),
        pictures=lambda who, span: shown.get((who, span), []),
    )
    return model.tell(view, task(plan, told))


def standing(said: tuple[Claim, ...], told: Told) -> tuple[Claim, ...]:
    """The sentences that their cues carry, with all that was found of this person to rest on."""
    before = tuple(claim for claim in told.reading.claims if claim.grounded)
    found = checked((*before, *said), told.evidence, told.person)[len(before) :]
    return tuple(claim for claim in found if claim.grounded)


def task(plan: Plan, told: Told) -> str:
    """What a model is asked for; the owners' label is in it only where it is to be explained."""
    known = "" if told.label is None else brief.quoted(told.label)
    return prompts.fill(
        "caption_task",
        person=told.person or "the clip as a whole",
        so_far=brief.reading_text(told.reading),
        spans=spans_text([span for span, _ in told.spans]),
        style=prompts.fill(f"caption_{plan.style}"),
        known=prompts.fill("caption_known", label=known) if known else "",
    )
