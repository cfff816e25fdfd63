"""Evidence written by hand, for tests of what reads it."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from agent.facs import units as facs
from agent.schema.evidence import Cue, Evidence, Media, Missing, Person, number
from agent.schema.picture import Picture


def face(code: str, start: float, end: float, intensity: float, **more: Any) -> Cue:
    """One action unit of P1, both sides, at its greatest in the middle."""
    unit = facs.parse(code)
    assert unit is not None
    values: dict[str, Any] = {
        "sense": "face", "person": "P1", "code": code, "side": "B", "start": start,
        "apex": (start + end) / 2, "end": end, "intensity": intensity,
        "grade": facs.grade(intensity), "relative": intensity, "text": facs.AUS[unit].name,
        "confidence": 0.9,
    }  # fmt: skip
    return Cue(**(values | more))


def words(text: str, start: float, end: float, person: str | None = "P1") -> Cue:
    """One quotation."""
    return Cue(
        sense="words", person=person, code="phrase", start=start, apex=(start + end) / 2, end=end,
        text=text, confidence=0.9,
    )  # fmt: skip


def voice(code: str, start: float, end: float, relative: float, text: str) -> Cue:
    """One thing heard of P1."""
    return Cue(
        sense="voice", person="P1", code=code, start=start, apex=start, end=end, value=relative,
        relative=relative, text=text, confidence=0.8,
    )  # fmt: skip


def media(**more: Any) -> Media:
    """Ten seconds of video with sound, every frame looked at."""
    values: dict[str, Any] = {
        "file": "hand.mp4", "kind": "video", "duration": 10.0, "fps": 30.0, "width": 640,
        "height": 360, "has_video": True, "has_audio": True, "sha256": "a" * 64,
        "sampled_fps": 30.0,
    }  # fmt: skip
    return Media(**(values | more))


def person(id: str = "P1", main: bool = True, **more: Any) -> Person:
    """Somebody seen all the time."""
    values: dict[str, Any] = {
        "id": id, "main": main, "start": 0.0, "end": 10.0, "share": 1.0, "size": 0.4,
        "speaking": 0.5, "quality": 0.9,
    }  # fmt: skip
    return Person(**(values | more))


def smiling(**more: Any) -> Evidence:
    """P1 smiles with raised cheeks from 1 s to 4 s, speaks brightly, frowns faintly later."""
    cues = [
        face("AU12", 1.0, 4.0, 3.4),
        face("AU06", 1.1, 3.9, 2.6),
        face("AU25", 1.2, 3.0, 1.8),
        face("AU04", 7.0, 8.0, 1.6),
        voice("pitch", 1.0, 4.0, 2.0, "pitch above her usual"),
        words("we won, we really won", 1.5, 3.0),
    ]
    values: dict[str, Any] = {
        "media": media(),
        "people": (person(),),
        "cues": number(cues),
        "missing": (),
    }
    return Evidence(**(values | more))


def two_people() -> Evidence:
    """P1 smiles; P2 frowns and presses the lips."""
    cues = [
        face("AU12", 1.0, 4.0, 3.4),
        face("AU06", 1.1, 3.9, 2.6),
        face("AU04", 2.0, 6.0, 3.5, person="P2"),
        face("AU07", 2.1, 5.8, 2.4, person="P2"),
        face("AU24", 2.2, 6.0, 2.9, person="P2"),
    ]
    return smiling(
        people=(person(), person("P2", main=False)),
        cues=number(cues),
        missing=(Missing(what="words", why="no subtitles, no speech recognition installed"),),
    )


def png(width: int = 64, height: int = 64, level: int = 128) -> bytes:
    """A grey picture, as PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes([level]) * 3 * width) * height
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def four_pictures(person: str | None, _span: tuple[float, float]) -> list[Picture]:
    """A frame, the strip, the face and the voice, as a model would be shown them."""
    return [
        Picture("frame at 2.50 s", png(64, 64, 90)),
        Picture(f"action units of {person} over time", png(128, 64, 120)),
        Picture(f"face of {person} at its apexes", png(96, 32, 150)),
        Picture(f"voice of {person}", png(512, 128, 180)),
    ]
