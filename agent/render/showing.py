"""The pictures of one clip: which frames and strips to draw, for a model and for a person.

Joins the clip, its evidence and its series with `agent.render` and `agent.render.voice_picture`;
draws nothing itself.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image as Pictures

from agent import media
from agent.perception import series
from agent.perception.look import Look
from agent.reading.ablation import PICTURED, Taken, channel_of, hidden
from agent.render import Shot, face_strip, moments, strip
from agent.render.voice_picture import voice_pictures
from agent.schema.counterfactual import Channel
from agent.schema.evidence import Evidence
from agent.schema.picture import Picture, Span
from agent.schema.samples import Columns, Frame, Sound

FRAMES: Final = 6
"""Whole frames that a model is shown, besides the strips."""
FRAME_SIDE: Final = 448
"""Longer side of such a frame in pixels."""
VOICE_PIECES: Final = 2
"""Pieces of 30 s of the voice that a model is shown at most."""
FACES: Final = 12
RATE: Final = 16_000
"""Samples of sound a second."""
_CURVES: Final[Mapping[str, Channel]] = {
    "pose_": "head", "eyes": "face", "gaze_": "head", "impression_": "impression",
}  # fmt: skip
"""How the names of other columns of the series begin, and their channels."""
BOX: Final = ("box_x", "box_y", "box_w", "box_h")


class Showing:
    """Call it for the pictures that a model is shown; `save` writes those people look at."""

    def __init__(self, clip: Path, found: Look) -> None:
        self._clip = clip
        self._found = found
        self._away: Callable[[Channel, str | None], list[Span]] = _nothing

    def without(self, evidence: Evidence, taken: Taken) -> Showing:
        """The same pictures with what `evidence` still holds, and nothing of what is taken away.

        Units and impressions take the frames of their seconds along: no face can be shown
        without its smile.
        """
        partly = Showing(self._clip, replace(self._found, evidence=evidence))
        before = self._evidence
        partly._away = lambda channel, person: hidden(before, taken, channel, person)
        partly._people = {
            person: _blanked(columns, before, taken, person)
            for person, columns in self._people.items()
        }
        return partly

    def __call__(self, person: str | None, span: Span) -> list[Picture]:
        """Frames at apexes and evenly, the face strip, the AU strip, the voice; in this order."""
        return list(self._shown(person, span))

    def save(self, out: Path) -> None:
        """Write strip.png (one a person: strip-P2.png …), face.png and voice.png."""
        evidence = self._evidence
        for person in evidence.people or (None,):
            name = "strip.png" if person is None or person.main else f"strip-{person.id}.png"
            mine = self._emotions.get(person.id if person else "")
            self._strip(person.id if person else None, None, mine).save(out / name)
        faces = self._faces(evidence.main.id if evidence.main else None, self._whole, FACES)
        if faces is not None:
            faces.save(out / "face.png")
        for number, voice in enumerate(self._voice(self._whole)):
            voice.save(out / ("voice.png" if number == 0 else f"voice-{number + 1}.png"))

    @property
    def _evidence(self) -> Evidence:
        return self._found.evidence

    @property
    def _whole(self) -> Span:
        return 0.0, self._evidence.media.duration

    @cached_property
    def _people(self) -> dict[str, Columns]:
        path = self._found.folder / "series.parquet"
        return series.read_people(path) if path.exists() else {}

    @cached_property
    def _heard(self) -> Columns | None:
        path = self._found.folder / "voice.parquet"
        return series.read_voice(path) if path.exists() else None

    @cached_property
    def _emotions(self) -> dict[str, Columns]:
        path = self._found.folder / "emotion.parquet"
        return series.read_emotions(path) if path.exists() else {}

    def _shown(self, person: str | None, span: Span) -> Iterator[Picture]:
        if self._evidence.media.has_video:
            times = [time for time, _ in self._moments(person, span, FRAMES)]
            for frame in media.frames_at(self._clip, times, max_side=FRAME_SIDE):
                yield _png(f"frame at {frame.time:.2f} s", Pictures.fromarray(frame.image))
            faces = self._faces(person, span, FACES)
            if faces is not None:
                yield _png(f"face strip of {person}", faces)
        yield _png(
            f"action units, head, voice and words of {person or 'the clip'} over time",
            self._strip(person, span),
        )
        for number, voice in enumerate(self._voice(span)):
            if number == VOICE_PIECES:
                break
            yield _png("voice picture (log-mel spectrogram, 10 ms a column)", voice)

    def _moments(self, person: str | None, span: Span, most: int) -> list[tuple[float, str]]:
        """Times of frames to show, with captions; none of seconds that must not be shown."""
        away = [each for channel in PICTURED for each in self._away(channel, person)]
        found = moments(self._evidence, person, span, most)
        return [(time, text) for time, text in found if not _within(time, away)]

    def _strip(
        self, person: str | None, span: Span | None, emotions: Columns | None = None
    ) -> Pictures.Image:
        cut = None if span is None or span[1] - span[0] <= 0 else span
        return strip(self._evidence, self._people, self._heard, person, cut, emotions=emotions)

    def _faces(self, person: str | None, span: Span, most: int) -> Pictures.Image | None:
        """The face strip; None where this person's face is not seen."""
        rows = self._people.get(person or "")
        if rows is None or not self._evidence.media.has_video or BOX[0] not in rows:
            return None
        wanted = self._moments(person, span, most)
        frames = media.frames_at(self._clip, [time for time, _ in wanted])
        captions = [caption for _, caption in wanted]
        shots = [
            Shot(frame.time, frame.image, box, caption)
            for frame, caption in zip(frames, captions, strict=True)
            if (box := _box(rows, frame)) is not None
        ]
        return face_strip(shots) if shots else None

    def _voice(self, span: Span) -> Iterator[Pictures.Image]:
        away = self._away("voice", None)
        if self._evidence.media.has_audio and not any(
            a <= span[0] and b >= span[1] for a, b in away
        ):
            with media.stream(self._clip, start=span[0], end=span[1] or None, video=False) as items:
                sound = (item for item in items if not isinstance(item, Frame))
                yield from voice_pictures(_silenced(sound, away))


def _nothing(_channel: Channel, _person: str | None) -> list[Span]:
    return []


def _within(time: float, spans: Iterable[Span]) -> bool:
    return any(start <= time <= end for start, end in spans)


def _silenced(sound: Iterable[Sound], spans: list[Span]) -> Iterator[Sound]:
    """The sound with silence in these seconds."""
    for block in sound:
        if not spans:
            yield block
            continue
        times = block.time + np.arange(len(block.samples)) / RATE
        away = np.any([(times >= start) & (times < end) for start, end in spans], axis=0)
        yield Sound(block.time, np.where(away, np.float32(0), block.samples))


def _blanked(columns: Columns, before: Evidence, taken: Taken, person: str) -> Columns:
    """Columns of a person without the curves of what is taken away: NaN while a cue lasts, or
    all the time."""
    time = columns["time"].astype(np.float64)
    found = dict(columns)
    for name, values in columns.items():
        channel, code = _curve_of(name)
        if channel is None:
            continue
        if channel in taken.channels:
            del found[name]
            continue
        mine = [
            cue
            for cue in before.cues
            if cue.id in taken.cues and cue.person == person and channel_of(cue) == channel
            and code in (None, cue.code)
        ]  # fmt: skip
        if mine:
            away = np.any([(time >= cue.start) & (time <= cue.end) for cue in mine], axis=0)
            found[name] = np.where(away, np.nan, values.astype(np.float64))
    return found


def _curve_of(name: str) -> tuple[Channel | None, str | None]:
    """Channel that a column of the series belongs to, and the unit where it is one's."""
    if name.startswith("AU"):
        return "face", name[:4]
    for start, channel in _CURVES.items():
        if name.startswith(start):
            return channel, None
    return None, None


def _box(rows: Columns, frame: Frame) -> tuple[float, float, float, float] | None:
    """The face's box in this frame; None where it was not seen within a tenth of a second."""
    times = rows["time"].astype(np.float64)
    nearest = int(np.abs(times - frame.time).argmin())
    x, y, width, height = (float(rows[name][nearest]) for name in BOX)
    near = abs(times[nearest] - frame.time) <= 0.1
    return (x, y, width, height) if near and width > 0 and height > 0 else None


def _png(name: str, picture: Pictures.Image) -> Picture:
    data = io.BytesIO()
    picture.save(data, "PNG")
    return Picture(name, data.getvalue())
