"""Emotions, valence and arousal of one person moment by moment, and where they change.

Knows evidence and the reading of it; words nothing. A record is cut into equal moments of half
a second (longer in clips of more than two minutes) and each is read as a clip of its own would
be. A change is told only where it is larger than what the reading varies by from moment to
moment anyway, and large enough to matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC
from agent.reading.judge import PLACE, Same, arousal, by_piece, person_of
from agent.reading.levels import Span, cues_of, impressions, moments_on, unmeasured
from agent.reading.version import reading
from agent.schema.evidence import Evidence
from agent.schema.samples import Columns

Vector = npt.NDArray[np.float64]

SECONDS: Final = 0.5
"""Length of a moment, unless there would be more than MOST of them."""
MOST: Final = 240
NOISE: Final = 0.05
"""Standard deviation of a share from one moment to the next that is always allowed for: readings
of a face at rest vary by about so much."""
SURE: Final = 0.35
"""Least share of the label that leads for a moment to be known: of single faces at least so sure,
at most one in five is wrong (voted pictures from 0.29 on, held-out stills from about 0.4; see
`python -m eval.real`). Moments of a clip with voice and words were not tried."""
TOGETHER: Final = 1.0
"""Seconds over which neighbouring moments count as one measurement: they share cues."""
CHANCE: Final = 3.0
"""Standard errors that a change must exceed. A minute has some 60 places where it could be."""
LEAST: Final = 0.2
"""Share that must move from some labels to others for a change to matter."""
_PLACES: Final = np.array([PLACE[label] for label in BASIC])
"""labels × (valence, arousal)."""


@dataclass(frozen=True, eq=False)
class EmotionSeries:
    """What one person most likely felt, moment by moment; rows are in order of time."""

    person: str | None
    start: Vector
    end: Vector
    """Moments in seconds."""
    shares: Vector
    """Moments × labels of BASIC, each row sums to 1; NaN where nothing was measured."""
    shares_sd: Vector
    """One a label: how much its share varies between neighbouring moments, 1 sd."""
    valence: Vector
    arousal: Vector
    """-1 to 1; NaN where nothing was measured."""
    valence_sd: Vector
    arousal_sd: Vector
    """1 sd: what the labels leave open, and the variation between neighbouring moments."""
    unknown: npt.NDArray[np.bool_]
    """Nothing was measured, or no label is sure enough (SURE) and ahead of the next."""

    def __len__(self) -> int:
        return len(self.start)

    @property
    def measured(self) -> npt.NDArray[np.bool_]:
        """Moments with any reading, however doubtful."""
        return np.isfinite(self.shares[:, 0])

    def columns(self) -> Columns:
        """One array a column: time (middle), start, end, one a label, its `_sd`, valence, …"""
        found: Columns = {"time": (self.start + self.end) / 2}
        found |= {"start": self.start, "end": self.end}
        found |= {label: self.shares[:, i] for i, label in enumerate(BASIC)}
        known = self.measured
        for i, label in enumerate(BASIC):
            found[f"{label}_sd"] = np.where(known, self.shares_sd[i], np.nan)
        for name in ("valence", "valence_sd", "arousal", "arousal_sd"):
            found[name] = getattr(self, name)
        found = {name: values.astype(np.float32) for name, values in found.items()}
        return found | {"unknown": self.unknown.astype(np.uint8)}


@dataclass(frozen=True, eq=False)
class Phase:
    """A stretch in which nothing changes beyond what the reading varies by anyway."""

    start: float
    end: float
    shares: dict[str, float]
    """Means over it, most likely first."""
    valence: float

    @property
    def label(self) -> str:
        """The label that leads."""
        return next(iter(self.shares))


@dataclass(frozen=True, slots=True)
class Change:
    """Where one phase gives way to the next."""

    time: float
    before: str
    after: str
    """Labels that lead on either side; they may be the same."""
    rises: str
    """The label that gains most."""
    by: float
    """How much it gains, as a share."""
    valence: float
    """How much more pleasant it becomes, -2 to 2."""
    errors: float
    """Standard errors by which the largest shift of a share differs from none."""


def emotions(evidence: Evidence, person: str | None = None) -> EmotionSeries:
    """The series of one person (the main one by default).

    A still has one moment of no length. Raises ValueError for a person who is not there.
    """
    return _series(Same(evidence), person, reading())


@lru_cache(maxsize=16)
def _series(same: Same, person: str | None, _how: str) -> EmotionSeries:
    evidence = same.evidence
    who = person_of(evidence, person)
    whole = (0.0, evidence.media.duration)
    spans = _grid(whole[1])
    cues = cues_of(evidence, who, whole)
    able = who is None or who.live
    pieces = moments_on(cues, who, spans, unmeasured(evidence)) if able else ()
    looks = impressions(evidence, who, whole)
    pieces, _, _, _, each = by_piece(evidence, who, pieces, (*cues, *looks))
    shares = np.full((len(spans), len(BASIC)), np.nan)
    aroused = np.full(len(spans), np.nan)
    for row, (piece, found) in enumerate(zip(pieces, each, strict=True)):
        if found:
            shares[row] = [found[label] for label in BASIC]
            aroused[row] = arousal(found, (piece,))
    noise = _noise(shares)
    spread = _spread(shares, noise)
    return EmotionSeries(
        person=None if who is None else who.id,
        start=np.array([start for start, _ in spans]),
        end=np.array([end for _, end in spans]),
        shares=shares,
        shares_sd=noise,
        valence=shares @ _PLACES[:, 0],
        arousal=aroused,
        valence_sd=spread[:, 0],
        arousal_sd=spread[:, 1],
        unknown=_unknown(shares),
    )


def _grid(duration: float) -> list[Span]:
    if duration <= 0:
        return [(0.0, 0.0)]
    wide = max(SECONDS, duration / MOST)
    count = max(1, int(np.ceil(duration / wide - 1e-6)))
    return [(i * wide, min((i + 1) * wide, duration)) for i in range(count)]


def _noise(shares: Vector) -> Vector:
    """One a label: robust standard deviation from moment to moment, at least NOISE.

    Differences of neighbours leave slow courses out, and their median the few that are changes.
    """
    steps = np.diff(shares, axis=0)
    steps = steps[np.isfinite(steps).all(axis=1)]
    if len(steps) < 3:
        return np.full(len(BASIC), NOISE)
    middle = np.median(np.abs(steps), axis=0)
    return np.asarray(np.maximum(1.4826 * middle / np.sqrt(2), NOISE))


def _spread(shares: Vector, noise: Vector) -> Vector:
    """Moments × (valence, arousal): 1 sd."""
    mean = shares @ _PLACES
    open_ = shares @ _PLACES**2 - mean**2
    return np.asarray(np.sqrt(np.maximum(open_, 0.0) + noise**2 @ _PLACES**2))


def _unknown(shares: Vector) -> npt.NDArray[np.bool_]:
    """No label is sure enough, or none leads the next by more than the reading varies by."""
    second, first = np.sort(shares, axis=1)[:, -2:].T
    return np.asarray(~((first - second > 2 * NOISE) & (first >= SURE)))


def phases(series: EmotionSeries) -> tuple[Phase, ...]:
    """The series cut where it changes; () where nothing was measured.

    Bottom up: neighbours that differ least are joined until every two that meet differ by LEAST
    of the shares and by CHANCE standard errors. Time without a reading belongs to neither side.
    """
    rows = np.flatnonzero(series.measured)
    parts = [_Part.of(series, int(row)) for row in rows]
    while len(parts) > 1:
        apart = [_apart(a, b, series.shares_sd) for a, b in pairwise(parts)]
        least = int(np.argmin(apart))
        if apart[least] >= 1:
            break
        parts[least : least + 2] = [parts[least] + parts[least + 1]]
    return tuple(_phase(part) for part in parts)


def changes(series: EmotionSeries) -> tuple[Change, ...]:
    """What changes from one phase to the next, in order of time; () where all is even."""
    found = phases(series)
    told = []
    for a, b in pairwise(found):
        moved = {label: b.shares[label] - a.shares[label] for label in BASIC}
        rises = max(moved, key=lambda label: moved[label])
        errors = _errors(
            np.array([moved[label] for label in BASIC]), a.end - a.start, b.end - b.start,
            series.shares_sd,
        )  # fmt: skip
        told.append(
            Change(
                time=(a.end + b.start) / 2, before=a.label, after=b.label, rises=rises,
                by=moved[rises], valence=b.valence - a.valence, errors=errors,
            )
        )  # fmt: skip
    return tuple(told)


@dataclass(frozen=True, eq=False)
class _Part:
    """Some moments on end: where they lie, how long they are together, the sum of their shares."""

    start: float
    end: float
    seconds: float
    total: Vector
    """Shares times seconds, one a label."""

    @classmethod
    def of(cls, series: EmotionSeries, row: int) -> _Part:
        start, end = float(series.start[row]), float(series.end[row])
        seconds = max(end - start, 1e-3)
        return cls(start, end, seconds, series.shares[row] * seconds)

    @property
    def mean(self) -> Vector:
        return np.asarray(self.total / self.seconds)

    def __add__(self, other: _Part) -> _Part:
        seconds = self.seconds + other.seconds
        return _Part(self.start, other.end, seconds, self.total + other.total)


def _apart(a: _Part, b: _Part, noise: Vector) -> float:
    """How far two parts differ, against what is needed to keep them apart."""
    moved = b.mean - a.mean
    much = float(np.abs(moved).sum()) / 2
    return min(much / LEAST, _errors(moved, a.seconds, b.seconds, noise) / CHANCE)


def _errors(moved: Vector, one: float, other: float, noise: Vector) -> float:
    """Standard errors of the largest shift between means over so many seconds."""
    counts = (max(one / TOGETHER, 0.25), max(other / TOGETHER, 0.25))
    error = noise * np.sqrt(1 / counts[0] + 1 / counts[1])
    return float(np.max(np.abs(moved) / error))


def _phase(part: _Part) -> Phase:
    mean = part.mean
    order: Sequence[int] = np.argsort(-mean, kind="stable").tolist()
    shares = {BASIC[i]: float(mean[i]) for i in order}
    return Phase(part.start, part.end, shares, float(mean @ _PLACES[:, 0]))
