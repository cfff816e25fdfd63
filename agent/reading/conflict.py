"""Discord: where face, voice and words of one moment point different ways.

Knows valence only roughly: a channel speaks when it leans clearly to the pleasant or the
unpleasant. Says that two channels disagree, never which of them is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from agent.reading.feeling_words import named
from agent.reading.levels import Moment
from agent.reading.scores import at_face_value, shares
from agent.schema.evidence import Cue

UNPLEASANT: Final = ("sadness", "anger", "fear", "disgust", "contempt")
CLEARLY: Final = 1.5
"""A channel leans when its first label is so many times as likely as the best of the other side."""
NAMED: Final = 0.5
"""Weight of words that name a feeling."""
SHOWN: Final = 1.0
"""Least departure, in steps or standard deviations, for a channel to count."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one channel says at one moment."""

    channel: str
    """face, voice or words."""
    label: str
    pleasant: bool
    weight: float
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Discord:
    """Two channels that disagree."""

    one: Side
    other: Side
    start: float
    end: float


Read = tuple[Mapping[str, float], Mapping[str, float]]
"""Shares by the face and by the voice of one moment, as the fitted reading has them; empty where it
has none of its own."""


def discords(
    pieces: Sequence[Moment], cues: Sequence[Cue], read: Sequence[Read] | None = None
) -> tuple[Discord, ...]:
    """Each pair of channels once, at its strongest moment; in order of time.

    `read`: of each moment, the fitted shares by face and voice; None to judge by the tables.
    """
    quoted = [cue for cue in cues if cue.sense == "words" and named(cue.text)]
    overall = _overall(cues)
    best: dict[tuple[str, str], tuple[float, Discord]] = {}
    for place, piece in enumerate(pieces):
        fitted = read[place] if read is not None else None
        for one, other in combinations(_sides(piece, quoted, overall, fitted), 2):
            if one.pleasant == other.pleasant:
                continue
            pair, weight = (one.channel, other.channel), min(one.weight, other.weight)
            if pair not in best or weight > best[pair][0]:
                best[pair] = (weight, Discord(one, other, piece.start, piece.end))
    return tuple(sorted((d for _, d in best.values()), key=lambda d: d.start))


def _overall(cues: Sequence[Cue]) -> frozenset[str]:
    """Ids of voice cues over several phrases: they say nothing about any one moment."""
    voice = [cue for cue in cues if cue.sense == "voice"]
    phrases = [cue for cue in voice if cue.code == "speech"]
    return frozenset(
        cue.id for cue in voice if sum(cue.start < phrase.apex < cue.end for phrase in phrases) > 1
    )


def _sides(
    piece: Moment, quoted: Sequence[Cue], overall: frozenset[str], read: Read | None
) -> list[Side]:
    """What each channel that leans says, in the order face, voice, words."""
    voice = {
        code: value
        for code, value in piece.voice.items()
        if not overall.issuperset(piece.cites.get(code, ()))
    }
    middle = (piece.start + piece.end) / 2
    said = {
        label: (cue.id,)
        for cue in quoted
        if cue.start <= middle <= cue.end
        for label in named(cue.text)
    }
    if read is None:
        measured = [_measured("face", piece.face, piece), _measured("voice", voice, piece)]
    else:
        measured = [
            _leaning("face", read[0], _cites(piece.face, piece)),
            _leaning("voice", read[1], _cites(piece.voice, piece))
            if read[1]
            else _measured("voice", voice, piece),
        ]
    found = [*measured, _said(said)]
    return [side for side in found if side]


def _measured(channel: str, levels: Mapping[str, float], piece: Moment) -> Side | None:
    """Face or voice alone: which side holds most of what is not neutral."""
    if not levels or max(abs(v) for v in levels.values()) < SHOWN:
        return None
    share = shares(at_face_value(levels, speaking=piece.speaking))
    return _leaning(channel, share, _cites(levels, piece))


def _cites(levels: Mapping[str, float], piece: Moment) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for c in levels for i in piece.cites.get(c, ())))


def _leaning(channel: str, share: Mapping[str, float], cites: tuple[str, ...]) -> Side | None:
    """The side that a channel's shares lean to; None where they lean to neither."""
    if not share:
        return None
    good, worst = share["happiness"], max(UNPLEASANT, key=lambda label: share[label])
    first = next(iter(share))
    if first == "happiness" and good >= CLEARLY * share[worst]:
        return Side(channel, first, True, good, cites)
    if first == worst and share[worst] >= CLEARLY * good:
        return Side(channel, worst, False, share[worst], cites)
    return None


def _said(said: Mapping[str, tuple[str, ...]]) -> Side | None:
    """Words that name feelings of one side only."""
    ill = [label for label in UNPLEASANT if label in said]
    if "happiness" in said and not ill:
        return Side("words", "happiness", True, NAMED, said["happiness"])
    if ill and "happiness" not in said:
        return Side("words", ill[0], False, NAMED, said[ill[0]])
    return None
