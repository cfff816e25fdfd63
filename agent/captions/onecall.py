"""A model asked once for everything: all steps and the caption in one reply.

A quarter of the calls of the step-by-step way, and the only way that suits batch files. What
comes back goes through the same checks; what falls is struck out, not mended.
"""

from __future__ import annotations

from collections.abc import Sequence

import prompts
from agent.captions.plan import Plan
from agent.models import brief
from agent.models.llm import Language
from agent.models.reasoner import Told, View
from agent.reading.spans import Stretch
from agent.schema.answer import Claim, Reading
from agent.schema.evidence import Missing


class OneCall:
    """One clip and person at a time; the caption's sentences are in `sentences` afterwards."""

    mends = False

    def __init__(
        self, language: Language, plan: Plan, label: str | None, spans: Sequence[Stretch]
    ) -> None:
        self._language, self._plan = language, plan
        self._label, self._spans = label, spans
        self.name = language.name
        self.sentences: tuple[Claim, ...] = ()

    def behaviour(self, view: View) -> Reading:
        reading, self.sentences = self._language.whole(view, self._task(view))
        return reading

    def cognition(self, view: View, draft: Reading) -> Reading:  # noqa: ARG002
        return draft

    def emotion(self, view: View, draft: Reading) -> Reading:  # noqa: ARG002
        return draft

    def revise(self, view: View, draft: Reading) -> Reading:  # noqa: ARG002
        return draft

    def answer(self, view: View, readings: Sequence[Reading]) -> Told:  # noqa: ARG002
        return Told(claims=self.sentences)

    def lacking(self) -> tuple[Missing, ...]:
        return self._language.lacking()

    def _task(self, view: View) -> str:
        profile = view.profile
        free = "one or two plain sentences."
        known = "" if self._label is None else brief.quoted(self._label)
        return prompts.fill(
            "caption_whole",
            person=view.person or "the clip as a whole",
            start=f"{view.span[0]:.2f}",
            end=f"{view.span[1]:.2f}",
            question=view.question,
            behaviour=profile.definitions["behaviour"],
            behaviour_labels=_choice(profile.behavior, free),
            cognition=profile.definitions["cognition"],
            cognition_labels=_choice(profile.cognition, free),
            emotion=profile.definitions["emotion"],
            emotion_labels=", ".join(profile.emotion),
            style=prompts.fill(f"caption_{self._plan.style}"),
            known=prompts.fill("caption_known", label=known) if known else "",
            spans=spans_text(self._spans),
        )


def spans_text(spans: Sequence[Stretch]) -> str:
    """Spans between changes of expression, one a line, as a model reads them."""
    lines = (f"{n}. {s.start:.2f}-{s.end:.2f} s: {s.label}" for n, s in enumerate(spans, 1))
    return "\n".join(lines) or "None."


def _choice(labels: Sequence[str], free: str) -> str:
    return f"one of {', '.join(labels)}." if labels else free
