"""One pass over a clip: every frame and every block of sound once through every sense.

Faces feed action units, head and mouths; sound feeds the voice; only columns of numbers stay
behind. Knows nothing of caches, files or questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from agent import media
from agent.media import MediaError
from agent.perception.look import MAX_FPS, Progress, Request
from agent.perception.windows import face_windows
from agent.perception.worker import Behind
from agent.schema.evidence import Cue, Media, Missing, Person, Window, number
from agent.schema.samples import Columns, FaceSample, Frame, Sound
from agent.senses import weights
from agent.senses.faces import Faces, Found, choose_main
from agent.senses.faces.impression import Impressions
from agent.senses.head.pose import Head
from agent.senses.speech.words import Words, words
from agent.senses.units.action_units import ActionUnits, Enrolment, estimator
from agent.senses.units.table_fit import Timeline
from agent.senses.units.tables import from_table, read_table
from agent.senses.voice.norms import Baseline
from agent.senses.voice.speaking import (
    Mouth,
    Mouths,
    attribute,
    attribute_windows,
    by_speaker,
    who_speaks,
)
from agent.senses.voice.track import Heard, Voice


@dataclass(frozen=True, slots=True)
class Sensed:
    """What all senses of one pass found."""

    people: tuple[Person, ...]
    columns: dict[str, Columns]
    """By person: one row a sample, in order of time."""
    voice: Columns | None
    """One row per 10 ms of sound; None without sound."""
    cues: tuple[Cue, ...]
    missing: tuple[Missing, ...]
    language: str | None
    sampled_fps: float
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read off the pictures."""

    people: tuple[Person, ...] = ()
    columns: dict[str, Columns] = field(default_factory=dict)
    mouths: dict[str, Mouth] = field(default_factory=dict)
    cues: tuple[Cue, ...] = ()
    missing: tuple[Missing, ...] = ()
    sampled_fps: float = 0.0


def one_pass(request: Request, clip: Media, max_fps: float | None, progress: Progress) -> Sensed:
    """Sense the clip in at most `max_fps` frames a second (all if None).

    Raises MediaError, WordsError, TableError, AssetError.
    """
    progress(0.0, "reading or hearing the words")
    said = words(request.clip, clip, request.subtitles)
    before = _enrolled(request)
    eyes = _eyes(request, clip, before)
    voice = Voice(baseline=before.voice) if clip.has_audio else None
    ears = Behind(voice.push) if voice is not None else None
    with media.stream(
        request.clip,
        fps=max_fps,
        start=request.span[0] if request.span else 0.0,
        end=request.span[1] if request.span else None,
        video=isinstance(eyes, _Eyes),
        audio=clip.has_audio,
    ) as items:
        for item in _told(items, request, clip, progress):
            if isinstance(item, Sound):
                if ears is not None:
                    ears.push(item)
            elif isinstance(eyes, _Eyes):
                eyes.push(item)
    if ears is not None:
        progress(1.0, "measuring the voice")
        ears.finish()
    heard = voice.finish() if voice is not None else None
    if eyes is not None:
        progress(1.0, "measuring action units and head")
    seen = eyes.finish() if eyes is not None else _Seen()
    progress(1.0, "putting it together")
    sensed = _joined(seen, heard, said, (*items.missing, *_lacking(clip)))
    if request.au_table is not None:
        return sensed
    seen_windows = face_windows(sensed.columns, clip.duration, sensed.cues)
    return replace(sensed, windows=(*seen_windows, *sensed.windows))


def _told(
    items: media.Stream, request: Request, clip: Media, progress: Progress
) -> Iterator[Frame | Sound]:
    """The same items; progress is told four times a second of the clip."""
    start, end = request.span or (0.0, clip.duration)
    senses = [("watching faces", clip.has_video), ("listening", clip.has_audio)]
    doing = " and ".join(sense for sense, there in senses if there)
    told = -1.0
    for item in items:
        if item.time - told >= 0.25:
            told = item.time
            progress(min((item.time - start) / max(end - start, 1e-6), 1.0), doing)
        yield item


def _lacking(clip: Media) -> Iterator[Missing]:
    if not clip.has_audio and clip.kind == "video":
        yield Missing(what="sound", why="the file has no sound track")
    if not clip.has_video:
        yield Missing(what="face", why="the file has no pictures")


@dataclass(frozen=True, slots=True)
class _Enrolled:
    """How the main person looks and sounds in the enrolment clip."""

    face: Enrolment | None = None
    voice: Baseline | None = None


def _eyes(request: Request, clip: Media, before: _Enrolled) -> _Eyes | _Listed | None:
    """What tells of faces: looking, a table, or nothing where there are no pictures."""
    if request.au_table is not None:
        return _Listed(request.au_table, clip, request.clip)
    return _Eyes(request, before.face) if clip.has_video else None


class _Eyes:
    """Faces, and what is read off them."""

    def __init__(self, request: Request, enrolled: Enrolment | None = None) -> None:
        self._faces = Faces()
        self._enrolled = enrolled
        self._enrolment: dict[str, Enrolment] = {}
        self._aus = ActionUnits(estimator(request.aus), self._enrolment)
        self._head = Head()
        self._mouths = Mouths()
        self._impressions = Impressions() if weights.impression() else None
        self._readers = Behind(self._read)
        self._times: list[float] = []
        self._waiting: Frame | None = None
        """The latest picture: its faces are followed once the next one is known."""

    def push(self, frame: Frame) -> None:
        self._times.append(frame.time)
        self._follow(then=frame)

    def _follow(self, then: Frame | None) -> None:
        """Follow faces into the picture that waits; `then` comes after it."""
        waiting, self._waiting = self._waiting, then
        for sample in self._faces.follow(waiting, then) if waiting is not None else ():
            self._readers.push(sample)

    def _stop(self) -> Found:
        self._follow(then=None)
        self._readers.finish()
        return self._faces.finish()

    def _read(self, sample: FaceSample) -> None:
        sample = self._faces.shaped(sample)
        for sense in (self._aus, self._head, self._mouths):
            sense.push(sample)
        if self._impressions is not None:
            self._impressions.push(sample)

    def enrol(self) -> Enrolment | None:
        """The main person's rows; None where no face was found."""
        found = self._stop()
        main = next((person.id for person in found.people if person.main), None)
        return None if main is None else self._aus.enrol(found.tracks[main])

    def finish(self) -> _Seen:
        found = self._stop()
        if self._enrolled is not None:
            self._enrolment |= {person.id: self._enrolled for person in found.people if person.main}
        aus, au_cues, au_missing = self._aus.finish(found.tracks)
        head, head_cues = self._head.finish(found.tracks, self._aus.blinks)
        columns = {person: _side_by_side(head[person], aus[person]) for person in aus}
        looks, impressions = self._impress(found, columns)
        return _Seen(
            people=tuple(
                _to_the_millisecond(person, self._aus.baselines.get(person.id, "none"))
                for person in found.people
            ),
            columns={person: rows | looks.get(person, {}) for person, rows in columns.items()},
            mouths=self._mouths.finish(found.tracks),
            cues=(*au_cues, *head_cues, *impressions),
            missing=(*found.missing, *au_missing, *self._unseen()),
            sampled_fps=_rate(self._times),
        )

    def _impress(
        self, found: Found, columns: Mapping[str, Columns]
    ) -> tuple[dict[str, Columns], list[Cue]]:
        """Columns by person at their rows, and cues."""
        if self._impressions is None:
            return {}, []
        times = {person: rows["time"].astype(np.float64) for person, rows in columns.items()}
        return self._impressions.finish(found.tracks, times)

    def _unseen(self) -> tuple[Missing, ...]:
        if self._impressions is not None:
            return ()
        why = f"the network's weights are not in {weights.WEIGHTS}"
        return (Missing(what="impression", why=why),)


class _Listed:
    """Action units from another program's table in place of looking."""

    def __init__(self, table: Path, clip: Media, path: Path | None = None) -> None:
        """`path` of the clip: its pictures' own times are looked up there."""
        self._table = read_table(
            table,
            clip.fps,
            Timeline(
                fps=clip.fps,
                duration=clip.duration,
                stamps=media.stamps(path) if path is not None else (),
                still=clip.kind == "image",
                file=clip.file,
            ),
        )

    def finish(self) -> _Seen:
        columns, cues, missing = from_table(self._table)
        return _Seen(
            people=_listed_people(columns),
            columns=columns,
            cues=tuple(cues),
            missing=tuple(missing),
            sampled_fps=_rate(sorted({t for c in columns.values() for t in c["time"].tolist()})),
        )


def _enrolled(request: Request) -> _Enrolled:
    """Baselines from the enrolment clip; the face is its main person's."""
    if request.enrol is None:
        return _Enrolled()
    eyes, voice = _Eyes(request), Voice()
    for item in media.stream(request.enrol, fps=MAX_FPS):
        if isinstance(item, Sound):
            voice.push(item)
        else:
            eyes.push(item)
    face, heard = eyes.enrol(), voice.finish()
    if face is None and heard.baseline is None:
        raise MediaError(
            f"{request.enrol}: no face and too little speech to take a baseline from. "
            "Give another clip of this person"
        )
    return _Enrolled(face, heard.baseline)


def _to_the_millisecond(person: Person, baseline: str) -> Person:
    times = {"start": round(person.start, 3), "end": round(person.end, 3)}
    return person.model_copy(update=times | {"size": round(person.size, 3), "baseline": baseline})


def _side_by_side(head: Columns, aus: Columns) -> Columns:
    """Columns of both senses, row by row: action units keep the better of two tracks at once."""
    rows = np.searchsorted(head["time"].astype(np.float64), aus["time"].astype(np.float64))
    return {name: values[rows] for name, values in head.items()} | aus


def _rate(times: list[float]) -> float:
    """Samples a second, 0 for a single picture."""
    steps = np.diff(times)
    return round(float(1 / np.median(steps)), 3) if len(steps) else 0.0


def _listed_people(columns: dict[str, Columns]) -> tuple[Person, ...]:
    """One person per face number of the table; the one with the most rows is the main one."""
    if not columns:
        return ()
    main = max(columns, key=lambda person: len(columns[person]["time"]))
    longest = len(columns[main]["time"])
    return tuple(
        Person(
            id=person,
            main=person == main,
            start=float(rows["time"][0]),
            end=float(rows["time"][-1]),
            share=len(rows["time"]) / longest,
        )
        for person, rows in columns.items()
    )


def _joined(seen: _Seen, heard: Heard | None, said: Words, cut: tuple[Missing, ...]) -> Sensed:
    """Faces, voice and words of one clip, each cue with its person."""
    talk = who_speaks(heard.series, seen.mouths) if heard and len(heard.series["time"]) else None
    if heard is not None and talk is not None:
        heard = by_speaker(heard, talk)
    spoken = (*(heard.cues if heard else ()), *said.cues)
    windows = heard.windows if heard else ()
    missing = [*cut, *seen.missing, *(heard.missing if heard else ()), *said.missing]
    if talk is not None:
        spoken = attribute(spoken, talk)
        windows = attribute_windows(windows, talk)
        missing += [note for note in talk.missing if note.what not in {m.what for m in missing}]
    return Sensed(
        people=choose_main(seen.people, talk.share) if talk else seen.people,
        columns=seen.columns,
        voice=heard.series if heard else None,
        cues=number((*seen.cues, *spoken)),
        missing=tuple(dict.fromkeys(missing)),
        language=said.language,
        sampled_fps=seen.sampled_fps,
        windows=windows,
    )
