"""Small pieces of evidence for tests of the rules: one person, cues as the senses write them."""

from __future__ import annotations

from agent.facs.prose import PHRASES
from agent.facs.units import AUS, grade, parse
from agent.schema.evidence import Cue, Evidence, Media, Missing, Person, Side, number

VOICE = {
    "speech": "speaks for 3.0 s",
    "energy": "loud for this speaker",
    "pitch": "voice pitched high for this speaker",
    "rate": "fast for this speaker",
    "effort": "voice more pressed than usual",
}


def unit(
    code: str,
    intensity: float,
    start: float = 1.0,
    end: float = 4.0,
    side: Side = "B",
    **more: object,
) -> Cue:
    """An action unit's event; `more` overrides any field."""
    number_ = parse(code)
    assert number_ in AUS
    values: dict[str, object] = {
        "sense": "face", "person": "P1", "code": code, "side": side, "start": start,
        "apex": (start + end) / 2, "end": end, "intensity": intensity, "grade": grade(intensity),
        "relative": intensity, "text": PHRASES[number_], "confidence": 0.8,
    }  # fmt: skip
    return Cue.model_validate(values | more)


def tone(
    code: str, relative: float | None, start: float = 1.0, end: float = 4.0, **more: object
) -> Cue:
    """A voice cue, `relative` in standard deviations of this speaker."""
    values: dict[str, object] = {
        "sense": "voice", "person": "P1", "code": code, "start": start, "apex": (start + end) / 2,
        "end": end, "value": 1.0, "unit": "dB", "relative": relative, "text": VOICE[code],
        "confidence": 0.8,
    }  # fmt: skip
    return Cue.model_validate(values | more)


def move(code: str, text: str, start: float, end: float) -> Cue:
    """A head cue."""
    return Cue(sense="head", person="P1", code=code, start=start, apex=(start + end) / 2, end=end,
               value=10.0, unit="deg", text=text, confidence=0.8)  # fmt: skip


def words(text: str, start: float, end: float) -> Cue:
    """A quotation."""
    return Cue(sense="words", person="P1", code="phrase", start=start, apex=(start + end) / 2,
               end=end, text=text, confidence=0.9)  # fmt: skip


def clip(
    *cues: Cue,
    seconds: float = 6.0,
    people: tuple[Person, ...] | None = None,
    missing: tuple[Missing, ...] = (),
) -> Evidence:
    """Evidence of one face in full view, unless other people are given."""
    one = Person(id="P1", main=True, start=0, end=seconds, share=1, size=0.4, quality=0.9)
    return Evidence(
        media=Media(file="a.mp4", kind="video", duration=seconds, fps=30, width=640, height=360,
                    has_video=True, has_audio=True, sha256="0"),
        people=(one,) if people is None else people,
        cues=number(cues),
        missing=missing,
    )  # fmt: skip


SHOWN: dict[str, tuple[Cue, ...]] = {
    "happiness": (unit("AU12", 3), unit("AU06", 2.5), unit("AU25", 2)),
    "sadness": (unit("AU01", 3), unit("AU04", 2), unit("AU15", 2.5), unit("AU17", 2)),
    "anger": (unit("AU04", 3), unit("AU05", 2), unit("AU07", 2.5), unit("AU23", 2)),
    "fear": (
        unit("AU01", 3), unit("AU02", 2), unit("AU04", 2.5), unit("AU05", 3), unit("AU20", 3),
        unit("AU25", 3),
    ),
    "surprise": (
        unit("AU01", 3), unit("AU02", 3), unit("AU05", 2.5), unit("AU25", 3), unit("AU26", 3),
    ),
    "disgust": (unit("AU09", 3), unit("AU10", 3), unit("AU17", 2)),
}  # fmt: skip
"""Emotion → the cues of its prototype."""

ANGRY_VOICE = (
    tone("speech", None), tone("energy", 2.0), tone("pitch", 1.5), tone("rate", 1.5),
    tone("effort", 2.0),
)  # fmt: skip
