"""Lessons for a tiny captioner: a run's own one-call requests, answered as the rules would.

    python tests/tiny_lessons.py CLIPS LESSONS.jsonl

One JSON object a line: {"messages": as the protocol writes them, "reply": JSON as text}. What
`tests/tiny_taught.py` learns from; cut the clips with another seed than those captioned later.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import prompts
from agent.captions import stages, styles
from agent.captions.plan import Plan, sensing_versions
from agent.captions.sources import Source, samples
from agent.models.clients import Completion, Message, NonsenseError
from agent.models.clients.openai import OpenAIHost
from agent.models.connect import Language
from agent.reading.rules import appraise
from agent.reading.spans import spans
from agent.schema.answer import Claim, Reading
from agent.schema.state import Json

MOST = 4
"""Claims of one kind in a reply: short replies are learned sooner."""


class Teacher:
    """A host that knows each reply beforehand, and writes down what it was asked."""

    name, lacks = "openai:tiny", ()

    def __init__(self) -> None:
        self.replies: list[str] = []
        self.lessons: list[Json] = []
        self._wire = OpenAIHost("tiny", "http://nowhere/v1", "none")

    def complete(self, messages: list[Message], schema: Json) -> Completion:
        if len(messages) > 2:
            raise NonsenseError(messages[-1].text)
        reply = self.replies.pop(0)
        told = self._wire.body(messages, schema)["messages"]
        self.lessons.append({"messages": told, "reply": reply})
        return Completion(reply)


def reply(plan: Plan, sensed: stages.Sensed, person: str | None) -> str:
    """The rules' reading and caption in the shape of one reply."""
    evidence = sensed.evidence
    whole = (0.0, evidence.media.duration)
    reading = appraise(evidence, person, whole, plan.profile)
    each = tuple(
        (span, appraise(evidence, person, (span.start, span.end), plan.profile))
        for span in spans(evidence, person)
    )
    sentences = styles.by_rules(plan.style, styles.Told(evidence, person, reading, each))
    told = {
        "observations": _said(reading, "observation"),
        "behavior": reading.behavior or "shows little",
        "interpretations": _said(reading, "interpretation"),
        "cognition": reading.cognition or "takes it as it comes",
        "conclusions": _said(reading, "conclusion"),
        "emotions": [
            {"label": e.label, "share": round(100 * e.share)}
            for e in reading.emotions[:3]
            if e.label in prompts.profile(plan.profile).emotion
        ],
        **({"words": list(reading.words[:5])} if prompts.profile(plan.profile).words else {}),
        "valence": round(100 * reading.valence),
        "arousal": round(100 * reading.arousal),
        "confidence": round(100 * reading.confidence),
        "sentences": [_claim(claim) for claim in sentences[:MOST]],
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _said(reading: Reading, part: str) -> list[Json]:
    return [_claim(claim) for claim in reading.claims if claim.part == part][:MOST]


def _claim(claim: Claim) -> Json:
    return {"text": claim.text[:600], "cites": list(claim.cites[:8])}


def main(clips: str, out: str) -> None:
    """Write the lessons of a folder of clips."""
    plan = Plan(
        model="openai:tiny", revision="lessons", sensing=sensing_versions(), calls="one",
        look_closer=False,
    )  # fmt: skip
    with Path(out).open("w", encoding="utf-8") as file, tempfile.TemporaryDirectory() as spool:
        for sample in samples(Source(clips)):
            sha256 = sample.sha256()
            task = stages.Task(sample, sha256, plan.key(sha256, {}), plan, Path(spool))
            sensed, teacher = stages.sense(task), Teacher()
            teacher.replies = [reply(plan, sensed, person) for person in sensed.people]
            try:
                stages.write(task, sensed, Language(teacher), None)
            except NonsenseError as error:
                print(f"{sample.id}: no lesson: {error}", file=sys.stderr)
                continue
            file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in teacher.lessons)


if __name__ == "__main__":
    main(*sys.argv[1:3])
