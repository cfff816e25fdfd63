"""One pass over a clip: every frame and every block of sound once through every sense.

Faces feed action units, head and mouths; sound feeds the voice; only columns of numbers stay
behind. Knows nothing of caches, files or questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agent import media
from agent.evidence import Cue, Media, Missing, Person, number
from agent.media import MediaError
from agent.perceive import MAX_FPS, Progress, Request
from agent.senses.action_units import ActionUnits, Enrolment, estimator
from agent.senses.au_tables import from_table, read_table
from agent.senses.faces import Faces, choose_main
from agent.senses.head import Head
from agent.senses.samples import Columns, Frame, Sound
from agent.senses.speaking import Mouth, Mouths, attribute, who_speaks
from agent.senses.voice import Heard, Voice
from agent.senses.words import Words, words


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
    said = words(request.clip, clip, request.subtitles)
    eyes = _Listed(request.au_table, clip) if request.au_table else _Eyes(request)
    voice = Voice() if clip.has_audio else None
    with media.stream(
        request.clip,
        fps=max_fps,
        start=request.span[0] if request.span else 0.0,
        end=request.span[1] if request.span else None,
        video=clip.has_video and request.au_table is None,
        audio=clip.has_audio,
    ) as items:
        for item in _told(items, request, clip, progress):
            if isinstance(item, Frame):
                eyes.push(item)
            elif voice is not None:
                voice.push(item)
    progress(1.0, "putting it together")
    heard = voice.finish() if voice is not None else None
    return _joined(eyes.finish(), heard, said, (*items.missing, *_lacking(clip)))


def _told(
    items: media.Stream, request: Request, clip: Media, progress: Progress
) -> Iterator[Frame | Sound]:
    """The same items; progress is told four times a second of the clip."""
    start, end = request.span or (0.0, clip.duration)
    told = -1.0
    for item in items:
        if item.time - told >= 0.25:
            told = item.time
            progress(min((item.time - start) / max(end - start, 1e-6), 1.0), "watching")
        yield item


def _lacking(clip: Media) -> Iterator[Missing]:
    if not clip.has_audio and clip.kind == "video":
        yield Missing(what="sound", why="the file has no sound track")
    if not clip.has_video:
        yield Missing(what="face", why="the file has no pictures")


class _Eyes:
    """Faces, and what is read off them."""

    def __init__(self, request: Request) -> None:
        self._faces = Faces()
        self._enrolled = _enrolled(request)
        self._enrolment: dict[str, Enrolment] = {}
        self._aus = ActionUnits(estimator(request.aus), self._enrolment)
        self._head = Head()
        self._mouths = Mouths()
        self._times: list[float] = []

    def push(self, frame: Frame) -> None:
        self._times.append(frame.time)
        for sample in self._faces.push(frame):
            for sense in (self._aus, self._head, self._mouths):
                sense.push(sample)

    def finish(self) -> _Seen:
        found = self._faces.finish()
        if self._enrolled is not None:
            self._enrolment |= {person.id: self._enrolled for person in found.people if person.main}
        aus, au_cues, au_missing = self._aus.finish(found.tracks)
        head, head_cues = self._head.finish(found.tracks)
        return _Seen(
            people=found.people,
            columns={person: head[person] | aus[person] for person in aus},
            mouths=self._mouths.finish(found.tracks),
            cues=(*au_cues, *head_cues),
            missing=(*found.missing, *au_missing),
            sampled_fps=_rate(self._times),
        )


class _Listed:
    """Action units from another program's table in place of looking."""

    def __init__(self, table: Path, clip: Media) -> None:
        self._table = read_table(table, clip.fps)

    def push(self, frame: Frame) -> None:
        """Nothing: with a table the stream carries sound alone."""

    def finish(self) -> _Seen:
        columns, cues, missing = from_table(self._table)
        return _Seen(
            people=_listed_people(columns),
            columns=columns,
            cues=tuple(cues),
            missing=tuple(missing),
            sampled_fps=_rate(sorted({t for c in columns.values() for t in c["time"].tolist()})),
        )


def _enrolled(request: Request) -> Enrolment | None:
    """The rows of the enrolment clip, for whoever the main person turns out to be."""
    if request.enrol is None:
        return None
    faces, aus = Faces(), ActionUnits(estimator(request.aus))
    for item in media.stream(request.enrol, fps=MAX_FPS, audio=False):
        if isinstance(item, Frame):
            for sample in faces.push(item):
                aus.push(sample)
    found = faces.finish()
    main = next((person.id for person in found.people if person.main), None)
    if main is None:
        raise MediaError(f"{request.enrol}: no face to take a baseline from. Give another clip.")
    return aus.enrol(found.tracks[main])


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
    spoken = (*(heard.cues if heard else ()), *said.cues)
    people = seen.people
    if talk is not None:
        spoken = attribute(spoken, talk)
        people = choose_main(people, talk.share)
    missing = [*cut, *seen.missing, *(heard.missing if heard else ()), *said.missing]
    return Sensed(
        people=people,
        columns=seen.columns,
        voice=heard.series if heard else None,
        cues=number((*seen.cues, *spoken)),
        missing=tuple(dict.fromkeys([*missing, *(talk.missing if talk else ())])),
        language=said.language,
        sampled_fps=seen.sampled_fps,
    )
