"""Which tracks are one person, and who the clip is mainly about.

Knows tracks as numbers. People are told apart by the colours of the upright face with its
hair and by the shape of the bones; both are compared cautiously, since taking two people
for one spoils everything that is relative to a person, and taking one for two does not.
Somebody who comes back turned, or in other light or clothes, may thus count as new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.schema.evidence import Missing, Person
from agent.schema.samples import Floats, People
from agent.senses.faces.doubt import doubt
from agent.senses.faces.look import Look, relative
from agent.senses.faces.track import Track

SAME = 11.0
"""Largest `distance` of two looks of one person. Pieces of one clip of one person: 99 % below,
different people: at least 14, even in one photograph in one light."""
RIVAL = 0.75
"""Share of the distance between two people seen together below which tracks are one."""
SHAPE = 100.0
"""Weight of shape against colours in `distance`."""
BRIEF = 0.25
"""Seconds that a face must be seen in a clip to count."""
FEW = 3
"""Samples that it must have."""
POOR = 0.35
"""Quality below which a face is called hard to read."""

HARD = "hard to read: the face is small, blurred, turned away or badly lit most of the time"


@dataclass(slots=True)
class Somebody:
    """The tracks of one person."""

    tracks: list[Track] = field(default_factory=list)

    @property
    def start(self) -> float:
        """Seconds."""
        return float(self.tracks[0].times[0])

    @property
    def end(self) -> float:
        """Seconds."""
        return float(self.tracks[-1].times[-1])

    @property
    def samples(self) -> int:
        """How many times the face was seen."""
        return sum(len(track.times) for track in self.tracks)

    @property
    def seconds(self) -> float:
        """How long the face was seen."""
        return sum(float(track.times[-1] - track.times[0]) for track in self.tracks)

    def boxes(self) -> Floats:
        """N × 4: x, y, width, height over the picture's."""
        return np.concatenate([np.reshape(track.boxes, (-1, 4)) for track in self.tracks])

    def overlaps(self, track: Track) -> bool:
        """Was this person in the picture together with that track?"""
        return any(
            track.times[0] <= own.times[-1] and own.times[0] <= track.times[-1]
            for own in self.tracks
        )

    def distance(self, track: Track) -> float:
        """To the nearest look of this person."""
        return min(distance(own.look, track.look) for own in self.tracks)


def distance(one: Look, other: Look) -> float:
    """How differently two tracks look; below `SAME` they can be one person."""
    colours = relative(one.colours) - relative(other.colours)
    shape = float(np.linalg.norm(one.shape - other.shape))
    return float(np.abs(colours).mean()) + SHAPE * shape


def gather(tracks: Sequence[Track], pictures: int, length: float) -> list[Somebody]:
    """People out of tracks, in order of first appearance, then from left to right.

    `pictures` and `length` (seconds) are the clip's; faces seen too briefly are dropped.
    """
    known = sorted(
        (t for t in tracks if t.times), key=lambda t: (t.times[0], float(t.boxes[0]), t.number)
    )
    limit = min([SAME, *(RIVAL * d for d in _together(known))])
    people: list[Somebody] = []
    for track in known:
        free = [(p.distance(track), n) for n, p in enumerate(people) if not p.overlaps(track)]
        nearest = min(free, default=(np.inf, -1))
        if nearest[0] <= limit:
            people[nearest[1]].tracks.append(track)
        else:
            people.append(Somebody([track]))
    if pictures < 2 * FEW or length < 2 * BRIEF:
        return people
    return [p for p in people if p.samples >= FEW and p.seconds >= BRIEF]


def _together(tracks: Sequence[Track]) -> list[float]:
    """Distances of tracks that overlap in time and so are different people."""
    long = [t for t in tracks if len(t.times) >= FEW]
    return [
        distance(one.look, other.look)
        for n, one in enumerate(long)
        for other in long[n + 1 :]
        if one.times[0] <= other.times[-1] and other.times[0] <= one.times[-1]
    ]


@dataclass(frozen=True, slots=True)
class Found:
    """Who was seen in the clip."""

    people: tuple[Person, ...]
    tracks: People
    """Tracks that are not in here were too brief to count."""
    missing: tuple[Missing, ...] = ()
    centrality: Mapping[str, float] = field(default_factory=dict)
    """Person → how near the middle of the picture the face was, 0-1."""


def found(tracks: Sequence[Track], times: Sequence[float]) -> Found:
    """People, tracks and what is missing; `times` are the pictures' times in seconds."""
    length = times[-1] - times[0] if times else 0.0
    people = gather(tracks, len(times), length)
    ids = [f"P{n + 1}" for n in range(len(people))]
    records = tuple(_record(id, one, len(times)) for id, one in zip(ids, people, strict=True))
    central = {id: _centrality(one.boxes()) for id, one in zip(ids, people, strict=True)}
    return Found(
        choose_main(records, centrality=central),
        {id: tuple(t.number for t in one.tracks) for id, one in zip(ids, people, strict=True)},
        centrality=central,
    )


def _record(id: str, one: Somebody, pictures: int) -> Person:
    quality = float(np.median(np.concatenate([track.qualities for track in one.tracks])))
    longest = max(one.tracks, key=lambda track: len(track.times))
    unreal = doubt(longest.look, one.seconds)
    return Person(
        id=id,
        main=False,
        start=max(0.0, one.start),
        end=max(0.0, one.end),
        share=min(1.0, one.samples / max(pictures, 1)),
        size=min(1.0, float(np.median(one.boxes()[:, 3]))),
        quality=min(1.0, max(0.0, round(quality, 3))),
        live=unreal is None,
        doubt=unreal or (HARD if quality < POOR else None),
    )


def _centrality(boxes: Floats) -> float:
    """1 in the middle of the picture, 0 in a corner; the mean over all samples."""
    middles = boxes[:, :2] + boxes[:, 2:] / 2 - 0.5
    return float(1 - np.clip(np.linalg.norm(middles, axis=1) / np.sqrt(0.5), 0, 1).mean())


def choose_main(
    people: Sequence[Person],
    speaking: Mapping[str, float] | None = None,
    centrality: Mapping[str, float] | None = None,
) -> tuple[Person, ...]:
    """The same people with exactly one `main`, and with `speaking` noted where it is given.

    Score: 0.5 · presence + 0.3 · size + 0.2 · centrality (of FaceTrack-MM, arXiv 2501.07978)
    + 0.3 · speaking. Size counts relative to the largest. A face that is not taken for a
    living person's is chosen only where there is no other. `speaking` is each person's
    share of the voiced time, 0-1.
    """
    if not people:
        return ()
    said, middle = speaking or {}, centrality or {}
    largest = max(person.size for person in people) or 1.0

    def score(person: Person) -> tuple[bool, float]:
        return person.live, (
            0.5 * person.share
            + 0.3 * person.size / largest
            + 0.2 * middle.get(person.id, 0.5)
            + 0.3 * said.get(person.id, person.speaking)
        )

    main = max(people, key=score).id
    return tuple(
        person.model_copy(
            update={"main": person.id == main, "speaking": said.get(person.id, person.speaking)}
        )
        for person in people
    )
