"""What face, voice and words of one person say over given spans of time, and why.

Joins the read-outs of the senses; each adds its log-odds. Knows evidence and labels, and no
wording. Which cues show a feature is settled here, so that a reason always has a cue or says
that it has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from agent.facs.prototypes import BASIC
from agent.reading.additive import shares, softmax
from agent.reading.features import ONE_SIDED
from agent.reading.knowledge import departures, of_levels
from agent.reading.model import (
    Moment,
    Vector,
    face_moments,
    favours,
    over,
    voice_moments,
    words_moments,
)
from agent.reading.scores import at_face_value
from agent.reading.version import KNOWLEDGE, reading
from agent.schema.evidence import Cue, Evidence, Person

DOUBT: Final[Mapping[str, float]] = {"face": 0.05, "voice": 0.1, "words": 0.3}
"""Chance that a channel does not show what is felt (posing, quoting, measuring wrongly), so
that none can silence the others. Words most: they are often about something else."""


LASTING: Final = 0.8
"""Share of the time that a person is seen from which a cue is no departure from rest."""


class Piece(Protocol):
    """A span of time with what cues make of it."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def face(self) -> Mapping[str, float]: ...
    @property
    def voice(self) -> Mapping[str, float]: ...
    @property
    def speaking(self) -> float: ...
    @property
    def cites(self) -> Mapping[str, tuple[str, ...]]: ...


@dataclass(frozen=True, eq=False)
class Reasons:
    """What speaks for which label at one moment."""

    logits: Vector
    """All senses together, one a label of BASIC."""
    parts: Mapping[str, Vector] = field(default_factory=dict)
    """By source (`AU12`, `impression`, `voice:pitch_mean`, `words:awful`): log-odds added."""
    cites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By source: ids of the cues that show it; none where it stays below every event."""

    def for_label(self, label: str) -> dict[str, float]:
        """By source: log-odds for a label over its rivals, greatest first."""
        found = favours(self.parts, self.logits, label)
        return dict(sorted(found.items(), key=lambda item: -item[1]))


@dataclass(frozen=True, eq=False)
class MomentRead:
    """Shares of one moment by each sense and by all, with the reasons."""

    face: dict[str, float]
    voice: dict[str, float]
    words: dict[str, float]
    both: dict[str, float]
    """All senses as joint evidence; empty where nothing was measured."""
    shown: float
    """Share of the labels other than neutral."""
    reasons: Reasons
    heard: float = 0.0
    """Share of the time in which the voice was measured, 0-1."""


def learned(evidence: Evidence, person: Person | None, pieces: Sequence[Piece]) -> bool:
    """Does the additive reading apply? Not where knowledge is asked for, nor to words alone."""
    if reading() == KNOWLEDGE:
        return False
    mine = None if person is None else person.id
    return (
        any(piece.face for piece in pieces)
        or any(w.person == mine and w.sense == "face" for w in evidence.windows)
        or bool(voice_moments(evidence, mine))
    )


def read_moments(
    evidence: Evidence, person: Person | None, pieces: Sequence[Piece], cues: Sequence[Cue]
) -> tuple[MomentRead, ...]:
    """Each piece read; in the same order."""
    mine = None if person is None else person.id
    channels = {
        "face": face_moments(evidence, mine),
        "voice": voice_moments(evidence, mine),
        "words": words_moments(cues, evidence.language),
    }
    passing = _passing(person, cues)
    return tuple(_read(piece, channels, cues, passing) for piece in pieces)


def _passing(person: Person | None, cues: Sequence[Cue]) -> frozenset[str]:
    """Ids of the cues that depart from this person's own rest: none where that is not known, nor
    what lasts as long as the person is seen, which may be habit, rest or feeling."""
    if person is None or person.baseline == "none":
        return frozenset()
    most = LASTING * (person.end - person.start)
    return frozenset(cue.id for cue in cues if cue.sense == "face" and cue.end - cue.start < most)


def _read(
    piece: Piece,
    channels: Mapping[str, Sequence[Moment]],
    cues: Sequence[Cue],
    passing: frozenset[str],
) -> MomentRead:
    here = {
        name: found
        for name, moments in channels.items()
        if (found := over(moments, (piece.start, piece.end))) is not None
    }
    if "face" in here:
        here["face"] = _with_departures(here["face"], piece, passing)
    # What is known by cues alone, as from a table of another program, is read by the tables.
    if piece.face and not channels["face"]:
        here["face"] = Moment(piece.start, piece.end, *of_levels(piece.face, piece.speaking))
    if piece.voice and not channels["voice"]:
        here["voice"] = _by_tables(piece)
    by_sense = {name: shares(moment.logits, BASIC) for name, moment in here.items()}
    if not here:
        empty = Reasons(np.zeros(len(BASIC)))
        return MomentRead({}, {}, {}, {}, 0.0, empty)
    parts: dict[str, Vector] = {}
    logits = np.zeros(len(BASIC))
    for name, moment in here.items():
        # Where a sense measured nothing it adds nothing, also within a span.
        doubted = _doubted(moment.logits, DOUBT[name]) * moment.covers
        size = float(np.abs(moment.logits - moment.logits.mean()).max())
        scale = float(np.abs(doubted).max()) / size if size > 1e-9 else 1.0
        logits = logits + doubted
        parts |= {key: part * min(scale, 1.0) for key, part in moment.reasons.items()}
    both = shares(logits, BASIC)
    overlapping = [c for c in cues if c.start <= piece.end and c.end >= piece.start]
    return MomentRead(
        face=by_sense.get("face", {}),
        voice=by_sense.get("voice", {}),
        words=by_sense.get("words", {}),
        both=both,
        shown=1 - both["neutral"],
        reasons=Reasons(logits, parts, {key: cited(key, overlapping) for key in parts}),
        heard=here["voice"].covers if "voice" in here else 0.0,
    )


def _by_tables(piece: Piece) -> Moment:
    """A voice of which only cues are known."""
    levels = at_face_value(piece.voice, BASIC, speaking=piece.speaking)
    logits = np.array([levels.get(label, 0.0) for label in BASIC])
    return Moment(piece.start, piece.end, logits - logits.mean(), {})


def _with_departures(read: Moment, piece: Piece, passing: frozenset[str]) -> Moment:
    """The learned reading of a face, and what the tables say of its departures from rest."""
    levels = {
        code: level
        for code, level in piece.face.items()
        if passing.intersection(piece.cites.get(code, ()))
    }
    more, parts = departures(levels, piece.speaking)
    reasons = dict(read.reasons)
    for code, part in parts.items():
        reasons[code] = reasons.get(code, np.zeros(len(BASIC))) + part
    return Moment(read.start, read.end, read.logits + more, reasons, read.covers)


def _doubted(logits: Vector, doubt: float) -> Vector:
    """Log-odds with mean 0, drawn in as far as the channel may mislead."""
    chance = (1 - doubt) * softmax(logits) + doubt / len(BASIC)
    found = np.log(chance)
    return np.asarray(found - found.mean())


def cited(source: str, cues: Sequence[Cue]) -> tuple[str, ...]:
    """Ids of the cues that show what a source measures."""
    if source.startswith(("voice:", "words:")):
        return _by_name(source, cues)
    code = source.removesuffix("_uni")
    if source == "impression":
        return tuple(c.id for c in cues if c.code == "impression")
    if code == "AU45":
        return tuple(c.id for c in cues if c.code == "AU43")
    if code == "pitch_deg":
        return tuple(c.id for c in cues if c.code in ("head_down", "head_up"))
    if code == "eyes_open":
        return tuple(c.id for c in cues if c.code in ("AU05", "AU43"))
    one_sided = source != code and code in ONE_SIDED
    return tuple(c.id for c in cues if c.code == code and (not one_sided or c.side in ("L", "R")))


def _by_name(source: str, cues: Sequence[Cue]) -> tuple[str, ...]:
    sense, _, name = source.partition(":")
    if sense == "words":
        said = [c for c in cues if c.sense == "words" and name.lower() in c.text.lower()]
        return tuple(c.id for c in said)
    voiced = [c for c in cues if c.sense == "voice" and c.code != "speech"]
    own = [c for c in voiced if name.startswith(VOICE_CODES.get(c.code, c.code))]
    return tuple(c.id for c in own)


VOICE_CODES: Final[Mapping[str, str]] = {"energy": "loudness", "effort": "tilt"}
"""Voice cues whose descriptor begins with another name."""
