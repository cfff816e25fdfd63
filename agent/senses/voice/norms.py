"""What is usual for a voice: of one speaker from their own speech, of adults from the literature.

Knows columns of numbers and medians over them; words none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Columns

Span = tuple[float, float]
Values = npt.NDArray[np.floating]
Rows = npt.NDArray[np.bool_]

ENOUGH: Final = 8
"""Half-overlapping seconds of voiced speech that a baseline needs."""


@dataclass(frozen=True, slots=True)
class Norm:
    """How adults in general speak: a mean, a standard deviation between and within talkers."""

    mean: float
    sd: float
    unit: str
    source: str


NORMS: Final[Mapping[str, Norm]] = {
    "pitch_range": Norm(
        7.2, 2.6, "semitones", "2.56 × the 2.8 semitones of Traunmüller & Eriksson 1995"
    ),
    "rate": Norm(4.9, 1.2, "syllables/s", "Jacewicz, Fox & Wei 2010, with our miscounts"),
    "effort": Norm(-13.0, 4.0, "dB", "the recordings this was tried on; microphones differ"),
}
"""Norms for values that compare across speakers. Pitch itself does not: see `pitch_class`."""


def against_norm(code: str, value: float) -> float:
    """Standard deviations of a value from adults in general; KeyError for a code without norm."""
    norm = NORMS[code]
    return (value - norm.mean) / norm.sd


def pitch_class(hz: float) -> str:
    """Plain words for a mean speaking pitch among adults.

    Usual ranges after Fitch & Holbrook 1970 (men 85–155 Hz, women 165–255 Hz).
    """
    for top, words in (
        (85, "low for any adult"),
        (155, "usual for a man, low for a woman"),
        (165, "high for a man, low for a woman"),
        (255, "usual for a woman, high for a man"),
    ):
        if hz < top:
            return words
    return "high for any adult"


class Usual(NamedTuple):
    """Middle and robust standard deviation of one measure."""

    middle: float
    sd: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """How one voice usually sounds."""

    measures: Mapping[str, Usual]
    """By code: pitch in semitones over 100 Hz, energy, effort and harmonics in dB, rate in
    syllables/s. Rate may be absent."""
    kind: Literal["clip", "enrolment"]
    functionals: Mapping[str, float] = field(default_factory=dict)
    """By name, as `functionals` has them: means over this voice's utterances."""
    utterances: int = 0
    """How many of them the means stand on."""

    def relative(self, code: str, value: float) -> float | None:
        """Robust standard deviations from the usual, None where this is not known."""
        usual = self.measures.get(code)
        return None if usual is None else (value - usual.middle) / usual.sd


FLOORS: Final = {"pitch": 1.0, "energy": 2.0, "effort": 2.0, "harmonics": 1.5, "rate": 0.6}
"""Smallest standard deviation believed: less is the steadiness of a short sample."""


def usual(series: Columns, phrases: Sequence[Span]) -> Baseline | None:
    """The voice's own usual values over the clip, None where there is too little speech."""
    windows = [w for span in _seconds(phrases) if (w := measures(series, span)) is not None]
    if len(windows) < ENOUGH:
        return None
    found = {
        code: _robust([window[code] for window in windows], code)
        for code in ("pitch", "energy", "effort", "harmonics")
    }
    rates = [rate(series, span) for span in phrases if span[1] - span[0] >= 1.0]
    if len(rates) >= 4:
        found["rate"] = _robust(rates, "rate")
    return Baseline(found, "clip")


def _seconds(phrases: Sequence[Span]) -> Iterable[Span]:
    """Windows of a second, every half second, within phrases."""
    for start, end in phrases:
        for at in np.arange(start, max(end - 0.75, start + 0.01), 0.5):
            yield float(at), min(float(at) + 1.0, end)


def _robust(values: Sequence[float], code: str) -> Usual:
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(np.asarray(values) - middle)))
    return Usual(middle, max(spread, FLOORS[code]))


def rows_of(series: Columns, span: Span) -> Rows:
    """The rows within a span in seconds."""
    time = series["time"].astype(np.float64)
    return (time >= span[0]) & (time <= span[1])


def voiced(series: Columns, span: Span) -> Rows:
    """The rows within a span that have a pitch."""
    return rows_of(series, span) & np.isfinite(series["f0_hz"].astype(np.float32))


def measures(series: Columns, span: Span) -> dict[str, float] | None:
    """Medians over the voiced rows of a span; None with less than 0.2 s of voicing."""
    rows = voiced(series, span)
    if rows.sum() < 20:
        return None
    return {
        "pitch": float(np.median(semitones(series["f0_hz"][rows].astype(np.float32)))),
        "energy": median(series, "energy_db", rows),
        "effort": median(series, "tilt_db", rows),
        "harmonics": median(series, "hnr_db", rows),
    }


def median(series: Columns, column: str, rows: Rows) -> float:
    """Middle value of a column over rows."""
    return float(np.median(series[column][rows].astype(np.float32)))


def semitones(hz: Values) -> Values:
    """Semitones over 100 Hz."""
    return np.asarray(12 * np.log2(hz / 100.0))


def hertz(tones: float) -> float:
    """The pitch that lies so many semitones over 100 Hz."""
    return float(100.0 * 2 ** (tones / 12))


def rate(series: Columns, span: Span) -> float:
    """Syllables a second, pauses left out where `span` is a phrase."""
    count = float(series["syllable"][rows_of(series, span)].astype(np.float32).sum())
    return count / max(span[1] - span[0], 0.01)
