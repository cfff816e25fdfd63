"""Plain questions about the measuring: how many people, how sure, what is missing.

Knows the record and the confidence; reads nothing new into them.
"""

from __future__ import annotations

import re
from typing import Final

from agent.questions.base import Asked, Said
from agent.questions.feelings import because, feels
from agent.rules.text import clock, interpretations, listed
from agent.rules.text import degree as degree_word

NEAR_END: Final = 0.25
"""Seconds before the end of a clip at which somebody who is seen has not left."""
_NUMBERS: Final = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def count(asked: Asked) -> Said:
    """How many people are in the clip."""
    people = asked.evidence.people
    faces = [p for p in people if p.size > 0]
    if not people:
        return ["Nobody was found: no face and no speaking voice."]
    number = _NUMBERS[len(faces)] if len(faces) < len(_NUMBERS) else str(len(faces))
    told = f"{number} {'face was' if len(faces) == 1 else 'faces were'} tracked"
    told += f" ({', '.join(p.id for p in faces)})" if faces else ""
    unlikely = [f"{p.id}: {p.doubt or 'perhaps no living face'}" for p in faces if not p.live]
    heard = [p.id for p in people if p.size == 0]
    more = f"; {listed(heard)} only heard" if heard else ""
    doubt = f" In doubt are {'; '.join(unlikely)}." if unlikely else ""
    return [f"{told}{more}.{doubt}"]


def length(asked: Asked) -> Said:
    """How long the clip is."""
    media = asked.evidence.media
    if media.kind == "image":
        return ["It is a still picture, without a length."]
    return [f"The clip lasts {media.duration:.1f} seconds."]


def presence(asked: Asked) -> Said:
    """From when to when the person is seen."""
    person, end = asked.person, asked.evidence.media.duration
    if person is None or person.size == 0:
        return ["No face is seen at any time."]
    told = f"{asked.does(('is', 'are'))} seen from {clock(person.start)} to {clock(person.end)}"
    if person.end >= end - NEAR_END:
        return [f"{told}, where the clip ends."]
    return [f"{told}; the clip goes on to {clock(end)}."]


def earlier(asked: Asked) -> Said:
    """What was asked before in this conversation."""
    if not asked.history:
        return ["This is the first question of this conversation."]
    question = asked.question.lower()
    if re.search(r"\bfirst\b", question):
        return [f"First you asked: “{asked.history[0]}”"]
    if re.search(r"\b(?:all|questions|everything|so far)\b", question):
        return ["You asked, in order:", *(f"“{each}”" for each in asked.history)]
    return [f"Last you asked: “{asked.history[-1]}”"]


def lacking(asked: Asked) -> Said:
    """What is missing, and what rules cannot do."""
    gone = [f"{m.what}: {m.why}" for m in asked.evidence.missing]
    text = f"Missing are {'; '.join(gone)}." if gone else "Nothing that I look for is missing."
    return [f"{text} The scene, the cause of a feeling and the sense of the words are beyond the "
            "rules; a connected model (--model) could take them in."]  # fmt: skip


def sure(asked: Asked) -> Said:
    """How sure, and on what it stands."""
    reading = asked.reading
    if not reading.emotions:
        return feels(asked)
    used = sorted({i for c in reading.claims for i in c.cites})
    first = reading.emotions[0]
    text = (
        f"Confidence is {degree_word(reading.confidence)} ({reading.confidence:.2f} of 1)"
        f"{because(asked)}. It rests on {len(used)} cue{'s' * (len(used) != 1)}; "
        f"{first.label} holds {first.share:.0%}."
    )
    weak = [c for i in used if (c := asked.evidence.cue(i)) and c.confidence < 0.5]
    if weak:
        text += f" Doubtful among them: {listed([c.id for c in weak[:4]])}."
    return [text, *interpretations(asked.judged)[:1]]
