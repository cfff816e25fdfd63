"""From cues to levels: what of a person's evidence the rules may count, and how much.

Knows cues and the names of levels; knows no emotion. Every level remembers the cues it
stands on. Measured and absent (level 0) is kept apart from not measured (no level).
"""

from __future__ import annotations

import math
import re
from bisect import bisect
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from agent.facs.prototypes import UNITS
from agent.facs.units import AUS, MEASURED
from agent.reading.scores import VOICE
from agent.schema.evidence import IMPRESSION, Cue, Evidence, Person
from agent.senses.voice.delivery import NORMS, against_norm

Span = tuple[float, float]

WINDOWS: Final = 480
"""At most about so many moments are looked at in one span; the weakest cues then set no edge."""
SLIVER: Final = 0.25
"""Seconds; a piece shorter than that is made by cues alone."""
_BRIEF: Final = 0.7
"""Weight of an event of at most half a second: more often noise than a long one."""
_ASIDE: Final = 1.0
"""Steps by which one side must exceed the other to count as one-sided."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What one person shows between two moments, in seconds."""

    start: float
    end: float
    face: dict[str, float] = field(default_factory=dict)
    voice: dict[str, float] = field(default_factory=dict)
    speaking: float = 0.0
    """Share of the time with speech, 0-1."""
    cites: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Code → ids of the cues its level stands on."""
    shown: float | None = None
    """How much expression the fitted reading sees, 0-1; None where it did not read."""

    @property
    def levels(self) -> dict[str, float]:
        return self.face | self.voice

    @property
    def strength(self) -> float:
        """Largest departure from the person's usual self, at most 3."""
        return min(3.0, max((abs(v) for v in self.levels.values()), default=0.0))


def cues_of(evidence: Evidence, person: Person | None, span: Span) -> tuple[Cue, ...]:
    """Cues of this person that overlap the span; nobody's cues too where only one is there.

    Impressions are left out: what a face looks like to others is no level of anything.
    """
    alone = len(evidence.people) <= 1
    mine = None if person is None else person.id
    return tuple(
        cue
        for cue in evidence.between(*span)
        if cue.code != IMPRESSION and (cue.person == mine or (alone and cue.person is None))
    )


def impressions(evidence: Evidence, person: Person | None, span: Span) -> tuple[Cue, ...]:
    """What this person looks like to others within the span."""
    mine = None if person is None else person.id
    return tuple(
        cue for cue in evidence.between(*span) if cue.code == IMPRESSION and cue.person == mine
    )


def unmeasured(evidence: Evidence) -> frozenset[str]:
    """Codes of action units that the record says were not measured, as of another's table."""
    told = [m.why.partition(" has no ")[2] for m in evidence.missing if m.what == "action units"]
    return frozenset(AUS[n].code for why in told for n in map(int, _UNIT.findall(why)) if n in AUS)


_UNIT: Final = re.compile(r"\bAU(\d+)")


def moments(
    cues: Sequence[Cue],
    person: Person | None,
    span: Span,
    blind: Collection[str] = (),
    cuts: Sequence[float] = (),
) -> tuple[Moment, ...]:
    """The span cut where something begins or ends, and the levels of each piece.

    `cuts` are moments at which what is measured all the time begins anew, in order: a long
    stretch without events is cut there, as it need not be of one kind.
    Before a face comes into view and after it has gone, it says nothing; nor do the units in
    `blind`, which were not measured.
    """
    seen = _in_view(person)
    counted = [cue for cue in cues if _counts(cue)]
    found = []
    for start, end in pairwise(_with_cuts(_edges(cues, span, seen), cuts)):
        middle = (start + end) / 2
        here = [cue for cue in counted if cue.start <= middle <= cue.end]
        found.append(_moment(here, _near(seen, middle), (start, end), blind))
    return tuple(found)


def moments_on(
    cues: Sequence[Cue],
    person: Person | None,
    spans: Sequence[Span],
    blind: Collection[str] = (),
) -> tuple[Moment, ...]:
    """The levels of each of these spans, whatever begins or ends in it.

    A cue counts in every span that it covers by half, or that holds half of the cue.
    """
    seen = _in_view(person)
    counted = [cue for cue in cues if _counts(cue)]
    found = []
    for start, end in spans:
        here = [cue for cue in counted if _half_in(cue, start, end)]
        found.append(_moment(here, _near(seen, (start + end) / 2), (start, end), blind))
    return tuple(found)


def _half_in(cue: Cue, start: float, end: float) -> bool:
    both = min(cue.end, end) - max(cue.start, start)
    return both >= 0.5 * min(cue.end - cue.start, end - start) - 1e-9 and both >= 0


def _in_view(person: Person | None) -> Span | None:
    return (person.start, person.end) if person is not None and person.seen else None


def _near(seen: Span | None, time: float) -> bool:
    return seen is not None and seen[0] - _NEXT <= time <= seen[1] + _NEXT


_NEXT: Final = 0.1
"""Seconds that a sample may stand for on either side of it."""


def _edges(cues: Iterable[Cue], span: Span, seen: Span | None) -> list[float]:
    """Where the span is cut: where the face comes and goes, and at the ends of cues, the
    strongest first, up to WINDOWS pieces."""
    start, end = span
    if end <= start:
        return [start, end]
    edges = {start, end, *(t for t in seen or () if start + _NEXT < t < end - _NEXT)}
    for cue in sorted(filter(_counts, cues), key=_weight, reverse=True):
        if len(edges) >= WINDOWS:
            break
        edges |= {t for t in (cue.start, cue.end) if start < t < end}
    return sorted(edges)


def _with_cuts(edges: Sequence[float], cuts: Sequence[float]) -> list[float]:
    """The edges, and those cuts that leave no sliver beside one."""
    inner = [
        t
        for t in cuts
        if edges[0] < t < edges[-1]
        and min(t - edges[(n := bisect(edges, t)) - 1], edges[n] - t) >= SLIVER
    ]
    # A still has one piece, from 0 to 0: its edges must not become one.
    return sorted([*edges, *(set(inner) - set(edges))])


def _weight(cue: Cue) -> float:
    if cue.sense == "face":
        return level(cue) if cue.code != "AU45" else 0.0
    part = tone(cue)
    return abs(part[1]) if part else 0.0


def _counts(cue: Cue) -> bool:
    return cue.sense in ("face", "voice")


def _moment(cues: Sequence[Cue], seen: bool, span: Span, blind: Collection[str]) -> Moment:
    face: dict[str, float] = {}
    cites: dict[str, list[str]] = {}
    if seen:
        face = {AUS[n].code: 0.0 for n in UNITS if n in MEASURED}
        face |= {"AU12_uni": 0.0, "AU14_uni": 0.0}
        face = {code: value for code, value in face.items() if code[:4] not in blind}
    for cue in cues:
        if cue.sense == "face":
            for code, value in _unit(cue):
                if value > face.get(code, 0.0):
                    face[code] = value
                    cites[code] = [cue.id]
    voice = _voice(cues, cites)
    speaking = 1.0 if any(c.sense == "voice" and c.code == "speech" for c in cues) else 0.0
    return Moment(*span, face, voice, speaking, {k: tuple(v) for k, v in cites.items()})


def level(cue: Cue) -> float:
    """How far an action unit's cue departs from rest, in steps, less where it is doubtful."""
    raw = cue.relative if cue.relative is not None else cue.intensity or 0.0
    return raw * min(1.0, cue.confidence / 0.6) * (_BRIEF if cue.brief else 1.0)


def _unit(cue: Cue) -> list[tuple[str, float]]:
    """Levels of one AU cue; one side alone counts half for the pair, and as one-sided."""
    value = level(cue)
    if cue.side in ("L", "R") and cue.code in ("AU12", "AU14") and value >= _ASIDE:
        return [(cue.code, value / 2), (f"{cue.code}_uni", value)]
    return [(cue.code, value)]


def _voice(cues: Sequence[Cue], cites: dict[str, list[str]]) -> dict[str, float]:
    """Mean level of each part of the voice over the cues of this moment."""
    found: dict[str, list[float]] = {}
    for cue in cues:
        if part := tone(cue):
            found.setdefault(part[0], []).append(part[1])
            cites.setdefault(part[0], []).append(cue.id)
    return {code: sum(values) / len(values) for code, values in found.items()}


CODES: Final[dict[str, str]] = {"effort": "brightness"}
"""Voice cues whose level goes by another name in the tables: vocal effort is measured as
energy above against below 1 kHz."""

_ADULT: Final = (85.0, 255.0)
"""Hz; mean speaking pitch of adults (Fitch & Holbrook 1970). Only outside of it does pitch
say anything about a voice that nobody knows."""


def tone(cue: Cue) -> tuple[str, float] | None:
    """Part of the voice and its level in standard deviations; None where a cue gives none.

    Against this person's usual where that is known, else against adults in general, whose
    spread already holds the doubt.
    """
    code = CODES.get(cue.code, cue.code)
    if cue.sense != "voice" or code not in VOICE:
        return None
    if cue.relative is not None:
        return code, cue.relative * min(1.0, cue.confidence / 0.6)
    away = _against_adults(cue)
    return None if away is None else (code, away)


def _against_adults(cue: Cue) -> float | None:
    if cue.value is None:
        return None
    if cue.code == "pitch":
        low, high = _ADULT
        if cue.unit != "Hz" or low <= cue.value <= high or cue.value <= 0:
            return None
        nearest = low if cue.value < low else high
        # An octave is some four standard deviations of a speaker's own pitch.
        return 1.0 * (1 if cue.value > high else -1) + 4 * math.log2(cue.value / nearest)
    return against_norm(cue.code, cue.value) if cue.code in NORMS else None
