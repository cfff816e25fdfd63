"""Rows of the agent's own steps: what each asks a model, and a reply that the check lets stand.

Knows the graph, the replies' shapes and the rules; no trainer. The graph is run on the clip with
a model whose replies are written beforehand from the rules' reading, and every request is kept as
it would go out: system text, pictures, evidence, task. A model that learned these answers in the
agent, where one that learned `finetune.rows` alone is asked for thoughts and a label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import prompts
from agent.graph.conversation import Conversation
from agent.models.clients import Completion, Message, NonsenseError
from agent.models.connect import Rules
from agent.models.llm import Language
from agent.models.reasoner import Told, View
from agent.schema.answer import Claim, Part, Reading
from agent.schema.evidence import Missing
from eval import labels
from finetune.formats import Item
from finetune.rows import QUESTION, Look, Row

Json = dict[str, Any]
_CODE: Final = re.compile(r" \(AU\d+[A-E]?\)")
"""Left out of the answer, which is for readers who know no action units."""
MOST_CLAIMS: Final = 4
"""Of one part in a reply: the first ones. Short replies are learned sooner."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One request and the reply to it."""

    messages: tuple[Message, ...]
    reply: str


class Written:
    """A host whose replies are written beforehand; keeps what it was asked."""

    def __init__(self) -> None:
        self.name, self.max_tokens = "written", 0
        self.lacks: tuple[str, ...] = ()
        self.reply: Json = {}
        self.lessons: list[Lesson] = []

    def complete(self, messages: Sequence[Message], schema: Json) -> Completion:  # noqa: ARG002
        """The reply. Raises NonsenseError where it was sent back as unusable."""
        if len(messages) > 2:
            raise NonsenseError(messages[-1].text)
        text = json.dumps(self.reply, ensure_ascii=False, separators=(",", ":"))
        self.lessons.append(Lesson(tuple(messages), text))
        return Completion(text)


class Teacher:
    """A model that says in replies what the rules find."""

    name, mends = "rules", True

    def __init__(self) -> None:
        self.host = Written()
        self._rules, self._asked = Rules(), Language(self.host)

    def behaviour(self, view: View) -> Reading:
        found = self._rules.emotion(view, Reading(person=view.person, span=view.span))
        behavior = found.behavior or "shows little"
        self.host.reply = {"claims": _said(found, "observation"), "behavior": behavior}
        return self._asked.behaviour(view)

    def cognition(self, view: View, draft: Reading) -> Reading:
        found = self._rules.emotion(view, draft)
        cognition = found.cognition or "takes it as it comes"
        self.host.reply = {"claims": _said(found, "interpretation"), "cognition": cognition}
        return self._asked.cognition(view, draft)

    def emotion(self, view: View, draft: Reading) -> Reading:
        found = self._rules.emotion(view, draft)
        self.host.reply = {"claims": _said(found, "conclusion"), **_felt(found, view)}
        return self._asked.emotion(view, draft)

    def revise(self, view: View, draft: Reading) -> Reading:  # noqa: ARG002
        why = next(claim.why for claim in draft.claims if not claim.grounded)
        raise NonsenseError(f"a claim of the rules does not stand: {why}")

    def answer(self, view: View, readings: Sequence[Reading]) -> Told:
        told = self._rules.answer(view, readings)
        lacking = "" if told.claims else "cues that show what is asked about"
        plain = [{**one, "text": _CODE.sub("", one["text"])} for one in _first(told.claims, 5)]
        self.host.reply = {"sentences": plain, "lacking": lacking}
        return self._asked.answer(view, readings)

    def lacking(self) -> tuple[Missing, ...]:
        return ()


def rows(item: Item, look: Look, profile: str = "general") -> list[Row]:
    """One row for each step of a question about a clip; none where they do not lead to its gold.

    A reply of the rules that their own check strikes out teaches nothing: such a clip has no row.
    """
    evidence, pictures = look(item)
    teacher = Teacher()
    with Conversation(
        evidence, model=teacher, profile=profile, pictures=lambda _, __: pictures
    ) as talk:
        try:
            answer = talk.ask(item.question or QUESTION)
        except NonsenseError:
            return []
    gold = labels.canonical(item.emotion) if item.emotion else None
    likeliest = labels.canonical(answer.emotions[0].label) if answer.emotions else None
    if gold not in (None, likeliest) or not all(claim.grounded for claim in answer.claims):
        return []
    return [
        Row(
            id=f"{item.dataset}/{item.id}/{number}",
            dataset=item.dataset,
            system=lesson.messages[0].text,
            prompt=lesson.messages[-1].text,
            pictures=tuple(pictures),
            completion=lesson.reply,
            emotion=gold,
            units=item.units,
            evidence=evidence.to_json(),
            person=item.person,
            sha256=evidence.media.sha256,
            split=item.split,
            gold_conditioned=gold is not None,
        )
        for number, lesson in enumerate(teacher.host.lessons)
    ]


def _said(reading: Reading, part: Part) -> list[Json]:
    return _first([claim for claim in reading.claims if claim.part == part], MOST_CLAIMS)


def _first(claims: Sequence[Claim], most: int) -> list[Json]:
    return [{"text": claim.text[:600], "cites": list(claim.cites[:8])} for claim in claims[:most]]


def _felt(reading: Reading, view: View) -> Json:
    """What the rules find somebody feels, in whole percent."""
    known = prompts.profile(view.profile.name).emotion
    weights = [
        {"label": one.label, "share": round(100 * one.share)}
        for one in reading.emotions
        if one.label in known and one.share >= 0.01
    ]
    return {
        "emotions": weights,
        **({"words": list(reading.words[:5])} if view.profile.words else {}),
        "valence": round(100 * reading.valence),
        "arousal": round(100 * reading.arousal),
        "confidence": round(100 * reading.confidence),
    }
