"""What people ask about: things somebody may have done, and feelings by their many names.

Knows English words and the codes of cues they stand for; parses no times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.schema.evidence import Cue

_BOTH: Final = re.IGNORECASE


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person can be asked to have done."""

    codes: tuple[str, ...]
    least: float
    """Intensity, for action units, from which it counts."""
    does: tuple[str, str]
    """As after "she" and after "they"."""
    noun: str


EVENTS: Final[tuple[tuple[str, Event], ...]] = tuple(
    (pattern, Event(tuple(codes.split("|")), least, (one, many), noun))
    for pattern, codes, least, one, many, noun in (
        (r"smil\w*|grin\w*|beam(?:s|ing)", "AU12|AU13", 1.0, "smiles", "smile", "a smile"),
        (
            r"frown\w*|scowl\w*|furrow\w*|lower\w* (?:\w+ )?brows?",
            "AU04",
            1.0,
            "lowers the brows",
            "lower the brows",
            "lowered brows",
        ),
        (
            r"(?:rais|lift)\w* (?:\w+ ){0,2}(?:eye)?brows?|(?:eye)?brows? (?:go |goes )?up",
            "AU01|AU02",
            1.0,
            "raises the brows",
            "raise the brows",
            "raised brows",
        ),
        (
            r"widen\w*|wide[- ]eyed|eyes? wide",
            "AU05",
            1.0,
            "opens the eyes wide",
            "open the eyes wide",
            "raised upper lids",
        ),
        (r"blink\w*", "AU45", 0.5, "blinks", "blink", "a blink"),
        (
            r"clos\w* (?:\w+ )?eyes?|eyes? closed|shut\w* (?:\w+ )?eyes?",
            "AU43",
            1.0,
            "closes the eyes",
            "close the eyes",
            "closed eyes",
        ),
        (r"squint\w*", "AU07|AU06", 1.5, "tightens the lids", "tighten the lids", "tightened lids"),
        (
            r"wrinkl\w* (?:\w+ )?nose",
            "AU09",
            1.0,
            "wrinkles the nose",
            "wrinkle the nose",
            "a wrinkled nose",
        ),
        (
            r"sneer\w*|snarl\w*",
            "AU10|AU09",
            1.0,
            "raises the upper lip",
            "raise the upper lip",
            "a raised upper lip",
        ),
        (r"smirk\w*", "AU14|AU12", 1.0, "dimples a lip corner", "dimple a lip corner", "a smirk"),
        (r"pout\w*", "AU17|AU18|AU15", 1.0, "pouts", "pout", "a pout"),
        (
            r"(?:press|purs|tighten)\w* (?:\w+ )?lips?",
            "AU24|AU23|AU18",
            1.0,
            "presses the lips",
            "press the lips",
            "pressed lips",
        ),
        (
            r"open\w* (?:\w+ )?mouth|mouth open|jaw drops?|gasp\w*",
            "AU26|AU27|AU25",
            1.5,
            "opens the mouth",
            "open the mouth",
            "an open mouth",
        ),
        (
            r"look\w* away|avert\w*|looking aside|break\w* eye contact",
            "gaze_away",
            0.0,
            "looks away",
            "look away",
            "a look away",
        ),
        (
            r"look\w* down|lower\w* (?:\w+ )?head",
            "gaze_down|head_down|head_lower",
            0.0,
            "looks down",
            "look down",
            "a look down",
        ),
        (r"nod\w*", "nod", 0.0, "nods", "nod", "a nod"),
        (
            r"shak\w* (?:\w+ )?head|head ?shak\w*",
            "shake",
            0.0,
            "shakes the head",
            "shake the head",
            "a head shake",
        ),
        (r"tilt\w*", "tilt", 0.0, "tilts the head", "tilt the head", "a head tilt"),
        (
            r"turn\w* (?:(?:\w+ )?head|away|around)",
            "turn",
            0.0,
            "turns the head",
            "turn the head",
            "a turn of the head",
        ),
        (r"laugh\w*|giggl\w*|chuckl\w*", "laughter_like", 0.0, "laughs", "laugh", "laughter"),
        (r"cry\w*|cries|sob\w*|weep\w*", "cry_like", 0.0, "cries", "cry", "crying"),
        (r"paus\w*|hesitat\w*|silent|silence", "pause", 0.0, "pauses", "pause", "a pause"),
        (r"speak\w*|talk\w*|spoke", "speech", 0.0, "speaks", "speak", "speech"),
    )
)
"""Pattern → what it looks like in cues."""

FEELING: Final[dict[str, str]] = {
    "happiness": r"happ(?:y|ily|iness|ier|iest)|joy\w*|glad|cheerful|pleased|amused|delighted",
    "sadness": r"sad\w*|unhappy|gloomy|down\b|upset|grie\w+|disappointed",
    "anger": r"ang(?:er|ry|rier|riest)|mad|furious|annoyed|irritated|frustrated",
    "fear": r"fear\w*|afraid|scared|anxious|nervous|worried|frightened",
    "surprise": r"surpris\w+|astonish\w+|startled|shocked|amazed",
    "disgust": r"disgust\w*|repelled|revolted",
    "contempt": r"contempt\w*|scorn\w*|disdain\w*|smug",
    "neutral": r"neutral|calm|indifferent|expressionless",
}
"""Basic label → words that ask for it."""
_FEELINGS: Final = {label: re.compile(rf"\b(?:{p})", _BOTH) for label, p in FEELING.items()}


def event(question: str) -> Event | None:
    """What a question asks somebody to have done; None where it names nothing of the kind."""
    best: tuple[int, Event] | None = None
    for pattern, found in EVENTS:
        match = re.search(rf"\b(?:{pattern})\b", question, _BOTH)
        if match and (best is None or match.start() < best[0]):
            best = (match.start(), found)
    return best[1] if best else None


def feeling(question: str) -> str | None:
    """The basic emotion a question names first; None where it names none."""
    return next(iter(all_feelings(question)), None)


def all_feelings(question: str) -> tuple[str, ...]:
    """The basic emotions a question names, in its order."""
    hits = [(m.start(), k) for k, p in _FEELINGS.items() if (m := p.search(question))]
    return tuple(label for _, label in sorted(hits))


def happened(found: Event, cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """The cues that show an event, in order of time."""
    hits = [
        cue
        for cue in cues
        if cue.code in found.codes and (cue.sense != "face" or (cue.intensity or 0) >= found.least)
    ]
    return tuple(sorted(hits, key=lambda cue: cue.start))
