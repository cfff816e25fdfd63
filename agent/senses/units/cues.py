"""An AU event as a cue: plain words, FACS letter, confidence.

Knows FACS wording and what makes a reading doubtful; measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from agent.facs.prose import PHRASES
from agent.facs.units import AUS, grade
from agent.schema.evidence import Cue, Grade, Side
from agent.schema.samples import Columns, Floats
from agent.senses.units import likely
from agent.senses.units.events import Event

STRENGTH: Final[dict[Grade, str]] = {
    "A": "trace", "B": "slight", "C": "marked", "D": "severe", "E": "maximum",
}  # fmt: skip
"""FACS words for the intensity letters."""
WHERE: Final[dict[Side, str]] = {
    "L": "on the person's left only",
    "R": "on the person's right only",
    "B": "on both sides",
}
MICRO: Final = frozenset({1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 24})
"""Action units whose brief events are spoken of as micro-expressions; mouths that part or
pucker for a moment mostly speak."""
SPOKEN: Final = frozenset({1, 2, 4, 5, 10, 12, 14, 15, 17, 20, 24})
"""Those of them that speech sets off as well: around the mouth, and brows and upper lids that beat
time to it (conversational signals, Ekman 1979)."""
STIR = 6.0
"""The mouth moves as in speech where the lips' parting and the jaw's drop change by so many
steps in all within `likely.AROUND` seconds to both sides: two openings and closings of a step each
of both, and half as much again."""
REAL: Final = 0.85
"""What a likelihood fitted on rendered faces is worth on real ones: of 70 readings of C and above
on real faces 59 were accepted by somebody who looked (docs/action_units.md)."""
ENOUGH_SAMPLES: Final = 5
"""An event seen in fewer samples is less sure."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the wording and the confidence of one person's events depend on."""

    person: str
    columns: Columns
    """`time` and, where known, `quality`, `AU12`, `AU12_L` …: raw readings."""
    baseline: Literal["clip", "enrolment", "none"]
    rate: float
    """Samples a second; 0 for a still."""
    trust: Mapping[int, float]
    """How far the estimator is believed, 0-1, by action unit."""


def cue(event: Event, scene: Scene, made: float | None = None) -> Cue:
    """The event as a cue of the sense "face"; `made` is how likely it is real, where known.

    `intensity` is FACS intensity: change from this person's resting face where a baseline is
    there, else the plain reading. `value` keeps the estimator's reading before the baseline.
    """
    return Cue(
        sense="face",
        person=scene.person,
        code=AUS[event.au].code,
        side=event.side,
        start=event.onset,
        apex=event.apex,
        end=event.offset,
        intensity=round(event.peak, 2),
        grade=grade(event.peak),
        value=_raw(event, scene.columns),
        unit="reading 0-5",
        relative=None if scene.baseline == "none" else round(event.peak, 2),
        brief=event.brief,
        text=describe(event, scene.rate, talking(event, scene.columns)),
        confidence=round(confidence(event, scene, made), 2),
    )


def describe(event: Event, rate: float, talking: bool = False) -> str:
    """Plain words: "lip corners pulled up on both sides, marked (AU12C)".

    `talking`: the mouth moves as in speech around the event.
    """
    letter = grade(event.peak)
    usual = event.au in (43, 45) and event.side == "B"
    where = f" {WHERE[event.side]}" if event.side and not usual else ""
    strength = f", {STRENGTH[letter]}" if letter and event.au not in (43, 45) else ""
    code = f"AU{event.au}{letter if letter and event.au not in (43, 45) else ''}"
    text = f"{PHRASES[event.au]}{where}{strength} ({code})"
    return text + _remarks(event, rate, talking)


def talking(event: Event, columns: Columns) -> bool:
    """Whether lips and jaw open and close around this event as in speech."""
    return likely.talk(event, columns) >= STIR / (2 * likely.AROUND)


def _remarks(event: Event, rate: float, talking: bool) -> str:
    if rate == 0:
        return ", without a baseline"
    if event.brief:
        meaning = ": a possible micro-expression" if event.au in MICRO else ""
        if talking and event.au in SPOKEN:
            meaning = " while the mouth moves as in speech"
        seen = f"{event.samples} samples at {rate:.0f} a second"
        return f", for only {event.seconds:.2f} s{meaning} ({seen})"
    if event.au == 43:
        return f", for {event.held:.1f} s"
    if not event.seen_onset and not event.seen_offset:
        return ", all the time the face is in view"
    return "" if event.seen_onset else ", already there when the face comes into view"


def confidence(event: Event, scene: Scene, made: float | None = None) -> float:
    """0-1: how likely it was made, less for what only rendered faces could teach.

    Where nothing tells that: trust in the estimator, times quality, clearness, sampling and
    baseline.
    """
    known = 0.8 if scene.baseline == "none" else 1.0
    if made is not None:
        return float(np.clip(REAL * made * known, 0.0, 1.0))
    clear = float(np.clip(0.5 + 0.2 * event.peak, 0.5, 1.0))
    doubt = 3 * event.noise + 0.5 * _spread(event, scene.columns)
    quiet = event.peak / (event.peak + doubt) if event.peak > 0 else 0.0
    sampled = 1.0 if scene.rate == 0 else 0.6 + 0.4 * min(event.samples / ENOUGH_SAMPLES, 1.0)
    product = scene.trust.get(event.au, 0.5) * _quality(event, scene.columns)
    return float(np.clip(product * clear * quiet * sampled * known, 0.0, 1.0))


def _quality(event: Event, columns: Columns) -> float:
    """Median quality of the event's samples; the root, since quality is a product itself."""
    if "quality" not in columns:
        return 1.0
    values = _during(event, columns, columns["quality"])
    return float(np.sqrt(np.clip(np.nanmedian(values), 0, 1))) if len(values) else 1.0


def _spread(event: Event, columns: Columns) -> float:
    """The estimator's own standard deviation around the event, in steps; 0 where it has none."""
    column = columns.get(f"{AUS[event.au].code}_sd")
    values = np.empty(0) if column is None else _during(event, columns, column)
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0


def _raw(event: Event, columns: Columns) -> float | None:
    """Greatest raw reading during the event, of its side."""
    numbers = (43, 45) if event.au in (43, 45) else (event.au,)
    ends = (f"_{event.side}",) if event.side in ("L", "R") else ("_L", "_R", "")
    read = [columns[name] for n in numbers for e in ends if (name := AUS[n].code + e) in columns]
    values = [_during(event, columns, column) for column in read]
    finite = [float(np.nanmax(v)) for v in values if np.isfinite(v).any()]
    return round(max(finite), 2) if finite else None


def _during(event: Event, columns: Columns, values: npt.NDArray[np.generic]) -> Floats:
    times = columns["time"]
    first, last = np.searchsorted(times, [event.onset - 1e-6, event.offset + 1e-6])
    return np.asarray(values[first:last], dtype=np.float32)
