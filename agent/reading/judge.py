"""The numbers behind a reading: shares of emotions, valence, arousal, confidence, discord.

Knows FACS and the voice literature as tables (`agent.facs.prototypes`, `agent.reading.scores`) and
weighs a person's cues with them. Knows no profile and words nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

from agent.facs.prototypes import BASIC, PARTS
from agent.reading.conflict import Discord, discords
from agent.reading.feeling_words import word_scores
from agent.reading.levels import Moment, Span, cues_of, impressions, moments, unmeasured
from agent.reading.moments import MomentRead, Reasons, learned, read_moments
from agent.reading.scores import scores_each, shares
from agent.reading.version import FITTED, reading
from agent.schema.evidence import Cue, Evidence, Person

Shares = Mapping[str, float]

PLACE: Final[dict[str, tuple[float, float]]] = {
    "neutral": (0.0, 0.0),
    "happiness": (0.8, 0.4),
    "sadness": (-0.7, -0.4),
    "anger": (-0.6, 0.7),
    "fear": (-0.7, 0.6),
    "surprise": (0.1, 0.7),
    "disgust": (-0.6, 0.3),
    "contempt": (-0.5, 0.1),
}
"""Valence and arousal of each label: order and signs from Russell's circumplex (1980),
rounded; surprise is close to neither side."""

_PRIOR: Final[dict[str, float]] = {"neutral": 1.5, "contempt": -0.8}
"""Log-odds before anything is seen: most moments show no emotion, and contempt is rare."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything the rules worked out, before it is worded or fitted to a profile."""

    person: Person | None
    span: Span
    cues: tuple[Cue, ...]
    moments: tuple[Moment, ...]
    each: tuple[Shares, ...]
    """Shares of each moment, in the order of `moments`."""
    face: dict[str, float]
    voice: dict[str, float]
    """Shares by one sense alone; empty where it measured nothing."""
    words: dict[str, tuple[str, ...]]
    """Emotion → cues whose quoted words name it."""
    shares: dict[str, float]
    """Most likely first; empty where nothing could be measured."""
    valence: float
    arousal: float
    confidence: float
    discords: tuple[Discord, ...]
    reasons: tuple[Reasons, ...] = ()
    """Of each moment, what speaks for what; empty where the tables of knowledge judged."""
    looks: tuple[Cue, ...] = ()
    """What the face looks like to others, span by span."""


def judge(evidence: Evidence, person: str | None = None, span: Span | None = None) -> Judged:
    """The numbers behind `appraise`; raises ValueError for a person who is not there.

    One answer asks for the same numbers many times, so the latest are kept.
    """
    return _judged(Same(evidence), person, span, reading())


@dataclass(frozen=True, slots=True, eq=False)
class Same:
    """A record that is equal to itself alone: what is frozen need not be compared by content."""

    evidence: Evidence

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.evidence is other.evidence

    def __hash__(self) -> int:
        return id(self.evidence)


@lru_cache(maxsize=32)
def _judged(same: Same, person: str | None, span: Span | None, _how: str) -> Judged:
    # `_how` only keeps answers of the two ways of reading apart.
    evidence = same.evidence
    who = person_of(evidence, person)
    when = span or (0.0, evidence.media.duration)
    cues = cues_of(evidence, who, when)
    pieces = (
        moments(cues, who, when, unmeasured(evidence), _cuts(evidence, who))
        if who is None or who.live
        else ()
    )
    looks = impressions(evidence, who, when)
    pieces, read, face, voice, each = by_piece(evidence, who, pieces, (*cues, *looks))
    points, named = word_scores(cues) if pieces else ({}, {})
    whole = over_time(pieces, each)
    whole = whole if read else _nudged(whole, points)
    heard = any(w.sense == "voice" for w in evidence.windows)
    alone = list(zip(face, voice if heard else [{}] * len(face), strict=True))
    clash = discords(pieces, cues, alone if read else None)
    return Judged(
        person=who,
        span=when,
        cues=cues,
        moments=pieces,
        each=each,
        face=over_time(pieces, face),
        voice=over_time(pieces, voice),
        words=named,
        shares=whole,
        valence=sum(p * PLACE[k][0] for k, p in whole.items()),
        arousal=arousal(whole, pieces),
        confidence=_confidence(whole, who, pieces, clash, cues),
        discords=clash,
        reasons=tuple(r.reasons for r in read),
        looks=looks,
    )


def _cuts(evidence: Evidence, who: Person | None) -> list[float]:
    """Where the windows of this person's face begin; none where the tables judge."""
    if reading() != FITTED:
        return []
    mine = None if who is None else who.id
    return sorted({w.start for w in evidence.windows if w.person == mine and w.sense == "face"})


def by_piece(
    evidence: Evidence, who: Person | None, pieces: tuple[Moment, ...], cues: Sequence[Cue]
) -> tuple[tuple[Moment, ...], tuple[MomentRead, ...], list[Shares], list[Shares],
           tuple[Shares, ...]]:  # fmt: skip
    """The pieces (with what they show), the fitted reading of each (none where the tables judge),
    and the shares of each by the face, by the voice and by everything."""
    fitted = bool(pieces) and learned(evidence, who, pieces)
    read = read_moments(evidence, who, pieces, cues) if fitted else ()
    if read:
        face: list[Shares] = [r.face for r in read]
        voice: list[Shares] = [r.voice for r in read]
        both: list[Shares] = [r.both for r in read]
        pieces = tuple(replace(piece, shown=r.shown) for piece, r in zip(pieces, read, strict=True))
    else:
        face, voice = _shares(pieces, "face"), _shares(pieces, "voice")
        both = _shares(pieces, "levels")
    heard = [r.heard for r in read] if read else [1.0] * len(pieces)
    return pieces, read, face, voice, tuple(map(_together, face, voice, both, heard))


def person_of(evidence: Evidence, person: str | None) -> Person | None:
    """The person of this id, the main one for None. Raises ValueError that names who is there."""
    if person is None:
        return evidence.main
    for known in evidence.people:
        if known.id == person:
            return known
    there = ", ".join(p.id for p in evidence.people) or "nobody"
    raise ValueError(f"{person} is not in this clip; there is {there}")


def _shares(pieces: Sequence[Moment], of: Literal["face", "voice", "levels"]) -> list[Shares]:
    """Of each moment, by one sense or both; empty where it measured nothing."""
    found = scores_each([(getattr(piece, of), piece.speaking) for piece in pieces])
    return [shares({k: v + _PRIOR.get(k, 0.0) for k, v in each.items()}) for each in found]


def _together(face: Shares, voice: Shares, both: Shares, heard: float = 1.0) -> Shares:
    """Shares by face and voice: as joint evidence as far as they overlap, else side by side.

    Two channels that agree strengthen each other; two that disagree are both kept. A voice that
    is `heard` for a share of the time counts by it.
    """
    if not face or not voice:
        return both
    alike = sum(min(face[label], voice[label]) for label in BASIC)
    mean = {label: (face[label] + voice[label]) / 2 for label in BASIC}
    apart = (1 - alike) * heard
    mixed = {label: (1 - apart) * both[label] + apart * mean[label] for label in BASIC}
    return dict(sorted(mixed.items(), key=lambda item: -item[1]))


def over_time(
    pieces: Sequence[Moment], each: Sequence[Shares], labels: Sequence[str] = BASIC
) -> dict[str, float]:
    """Mean of the moments' shares; a moment counts by its length and by how much it shows."""
    total = dict.fromkeys(labels, 0.0)
    weight = 0.0
    for piece, share in zip(pieces, each, strict=True):
        if share:
            shown = piece.strength if piece.shown is None else 3 * piece.shown
            counts = max(piece.end - piece.start, 1e-3) * (0.1 + shown**2)
            weight += counts
            for label, value in share.items():
                total[label] += counts * value
    if not weight:
        return {}
    return dict(sorted(((k, v / weight) for k, v in total.items()), key=lambda kv: -kv[1]))


def _nudged(whole: Shares, points: Mapping[str, float]) -> dict[str, float]:
    """Shares with the words' small say; words alone decide nothing."""
    if not whole:
        return {}
    return shares({k: math.log(max(v, 1e-6)) + points.get(k, 0.0) for k, v in whole.items()})


def arousal(whole: Shares, pieces: Sequence[Moment]) -> float:
    """From the labels, and half from the voice where there is one."""
    by_label = sum(p * PLACE[k][1] for k, p in whole.items())
    heard = [
        (piece.end - piece.start, sum(piece.voice[c] for c in lift) / len(lift))
        for piece in pieces
        if (lift := [c for c in ("pitch", "energy", "rate", "brightness") if c in piece.voice])
    ]
    if not heard:
        return by_label
    length = sum(seconds for seconds, _ in heard) or 1.0
    effort = sum(seconds * value for seconds, value in heard) / length
    return 0.5 * by_label + 0.5 * math.tanh(effort / 2)


def _confidence(
    whole: Shares,
    person: Person | None,
    pieces: Sequence[Moment],
    clash: Sequence[Discord],
    cues: Sequence[Cue],
) -> float:
    """How far to trust the first label, 0-1: its share, less for thin or doubtful evidence."""
    if not whole:
        return 0.0
    cited = {i for piece in pieces for ids in piece.cites.values() for i in ids}
    sure = [cue.confidence for cue in cues if cue.id in cited] or [0.5]
    value = next(iter(whole.values())) * (0.4 + 0.6 * sum(sure) / len(sure))
    face = any(piece.face for piece in pieces)
    voice = any(piece.voice for piece in pieces)
    value *= 0.9 if face and voice else 0.8
    if person is not None and face:
        value *= 0.5 + 0.5 * person.quality
        value *= 0.7 if person.baseline == "none" else 1.0
    return value * 0.8 ** min(2, len(clash))


def blends(whole: Shares) -> dict[str, float]:
    """A compound label where its two emotions lead all others, with half the lesser's share."""
    first, second = sorted((k for k in whole if k != "neutral"), key=lambda k: -whole[k])[:2]
    if whole[second] < 0.1 or whole[first] < whole.get("neutral", 0.0):
        return {}
    return {
        label: whole[second] / 2 for label, pair in PARTS.items() if set(pair) == {first, second}
    }
