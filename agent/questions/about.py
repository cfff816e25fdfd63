"""Plain questions about the measuring: how many people, how sure, what is missing.

Knows the record and the confidence; reads nothing new into them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.questions.base import Asked, Said
from agent.questions.feelings import because, feels
from agent.reading.reasons import clock, interpretations, listed
from agent.reading.reasons import degree as degree_word
from agent.schema.evidence import Cue

NEAR_END: Final = 0.25
"""Seconds before the end of a clip at which somebody who is seen has not left."""
_NUMBERS: Final = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def count(asked: Asked) -> Said:
    """How many people are in the clip."""
    people = asked.evidence.people
    faces = [p for p in people if p.seen]
    if not people:
        return [_voices(asked)]
    number = _NUMBERS[len(faces)] if len(faces) < len(_NUMBERS) else str(len(faces))
    told = f"{number} {'face was' if len(faces) == 1 else 'faces were'} tracked"
    told += f" ({', '.join(p.id for p in faces)})" if faces else ""
    unlikely = [f"{p.id}: {p.doubt or 'perhaps no living face'}" for p in faces if not p.live]
    heard = [p.id for p in people if not p.seen]
    more = f"; {listed(heard)} only heard" if heard else ""
    doubt = f" In doubt are {'; '.join(unlikely)}." if unlikely else ""
    return [f"{told}{more}.{doubt}", *_voices_besides(asked)]


def _voices(asked: Asked) -> str:
    """Who is there where no face is seen: what can be told of the voices, and what cannot."""
    spoken = _spoken(asked)
    if not spoken:
        gone = {m.what: m.why for m in asked.evidence.missing}
        why = gone.get("speech") or gone.get("sound") or "nobody is heard speaking"
        return f"Nobody was found: no face is seen, and {why}."
    return (
        f"No face is seen, but somebody is heard speaking ({_phrases(spoken)}). At least one "
        f"person speaks; {_groups(asked)}, and how many there are cannot be told: turns of "
        "speakers are not told apart."
    )


def _voices_besides(asked: Asked) -> list[str]:
    """Whether voices without a face could add to the faces."""
    stray = [cue for cue in _spoken(asked) if cue.person is None]
    if not stray or len(asked.evidence.people) < 2:
        return []
    return [
        f"Whose voice is heard in {_phrases(stray)} cannot be told; somebody out of the picture "
        "may be among them."
    ]


def _spoken(asked: Asked) -> list[Cue]:
    return [cue for cue in asked.evidence.cues if cue.sense == "voice" and cue.code == "speech"]


def _phrases(spoken: Sequence[Cue]) -> str:
    seconds = sum(cue.end - cue.start for cue in spoken)
    return f"{len(spoken)} phrase{'s' * (len(spoken) != 1)}, {seconds:.1f} s in all"


def _groups(asked: Asked) -> str:
    """What the pitch says: phrases in two groups point to two voices."""
    why = next((m.why for m in asked.evidence.missing if m.what == "speakers"), None)
    if why is None:
        return "their pitch alone does not point to a second voice"
    return f"{why.partition(':')[0]}, which points to more than one voice"


def length(asked: Asked) -> Said:
    """How long the clip is."""
    media = asked.evidence.media
    if media.kind == "image":
        return ["It is a still picture, without a length."]
    return [f"The clip lasts {media.duration:.1f} seconds."]


def presence(asked: Asked) -> Said:
    """From when to when the person is seen."""
    person, end = asked.person, asked.evidence.media.duration
    if person is None or not person.seen:
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
