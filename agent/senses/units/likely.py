"""How likely an event is a movement that was really made, and began there: 0-1.

A logistic regression over what is known of an event: how strongly the networks say that the muscle
is at work, how far and how long, against which noise, and whether the mouth moves as in speech,
which sets jaw and lips off without an expression. Fitted by `finetune.aus.events` on rendered
people that no network learned from; the same for every action unit. Whether the movement was there
when the face came into view plays no part: rendered clips always begin at rest, real ones do not.

Knows columns of one estimator that tells presence (`AU12_p`); of others it can say nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.units import AUS
from agent.schema.samples import Columns
from agent.senses.units.events import Event
from agent.senses.weights import WEIGHTS

Array = npt.NDArray[np.float64]

SAME_READING: Final[Mapping[int, int]] = {23: 24, 27: 26, 45: 43}
"""Action units that are read off another one's reading."""
MOUTH: Final = frozenset({10, 16, 17, 18, 20, 22, 24, 25, 26, 28})
"""Action units that speech sets off all the time."""
AROUND: Final = 1.0
"""Seconds to both sides of an event in which the mouth may be talking."""
BESIDE, APART = 0.6, 0.05
"""Seconds before and after an event in which the same muscle may have been at work, and the gap
between."""
DOWN: Final = 2.5
"""Lids from which on the eyes are shut, so that the upper lid is not raised."""
STILL_SHUT: Final = 2.0
"""Lids from which a movement that comes with them may be the blink's own: skin and brows follow."""
SHORT: Final = 0.6
"""Seconds up to which an event is short; what speaks for it weighs differently then."""
FAINT: Final = 0.7
"""Share of an action unit's floor from which something may be an event: likelihood tells more of
faint ones than height does."""
BASIC: Final = (
    "peak", "presence", "doubt", "held", "length", "quality", "noise", "talk", "talk_mouth",
    "talk_jaw", "one_sided", "lids", "before", "after", "blink", "short",
)  # fmt: skip
OF_SHORT: Final = ("peak", "presence", "held", "before", "after")
"""Those that count once more for short events."""
FEATURES: Final = (*BASIC, *(f"short_{name}" for name in OF_SHORT))


@dataclass(frozen=True, slots=True)
class Weights:
    """What was fitted."""

    bias: float
    weights: Array
    """In the order of FEATURES."""
    least: float
    """Likelihood from which an event counts."""
    least_short: float
    """The same for short ones, which nothing can be sure of: they are missed more easily."""


@lru_cache(maxsize=4)
def load(folder: Path = WEIGHTS) -> Weights:
    """The weights in `events.json` of a folder."""
    stored = json.loads((folder / "events.json").read_text(encoding="utf-8"))
    each = np.array([stored["weights"][name] for name in FEATURES])
    return Weights(
        float(stored["bias"]), each, float(stored["least"]), float(stored["least_short"])
    )


def known(columns: Columns) -> bool:
    """Whether likelihoods can be told: the columns tell presence, and are no single picture's."""
    return len(columns["time"]) > 1 and any(name.endswith("_p") for name in columns)


def likelihoods(
    events: Sequence[Event], columns: Columns, readings: Columns, weights: Weights | None = None
) -> list[float]:
    """0-1 for each event; `known(columns)` must hold.

    `columns` are one person's: `time` (s), `AU12_p`, `AU12_sd`, `AU25`, `AU26`, `AU43`, `AU45`,
    `quality`. `readings` are those in which the events were found.
    """
    use = weights or load()
    return [_likelihood(event, columns, readings, use) for event in events]


def enough(event: Event, likelihood: float, weights: Weights | None = None) -> bool:
    """Whether an event counts."""
    use = weights or load()
    return likelihood >= (use.least_short if short(event) else use.least)


def short(event: Event) -> bool:
    """Whether an event of a muscle other than the lids' is over within SHORT."""
    return event.au not in (43, 45) and event.seconds <= SHORT


def _likelihood(event: Event, columns: Columns, readings: Columns, use: Weights) -> float:
    if f"{_source(event.au, columns)}_p" not in columns:
        return use.least
    if event.au == 5 and _near(columns, "AU43", event.apex) >= DOWN:
        return 0.0
    score = use.bias + float(use.weights @ features(event, columns, readings))
    return float(1 / (1 + np.exp(-np.clip(score, -30, 30))))


def features(event: Event, columns: Columns, readings: Columns) -> Array:
    """Numbers in the order of FEATURES."""
    source, beside = _source(event.au, columns), readings | {"time": columns["time"]}
    present = float(np.clip(_near(columns, f"{source}_p", event.apex), 1e-3, 1 - 1e-3))
    spoken = float(np.log1p(talk(event, columns)))
    unit = SAME_READING.get(event.au, event.au)
    start, end, height = event.onset, event.offset, event.peak + 0.3
    lids = max(_near(columns, "AU43", event.apex, 2), _near(columns, "AU45", event.apex, 2))
    own = {
        "peak": np.log(max(event.peak, 0.3)),
        "presence": np.log(present / (1 - present)) / 3,
        "doubt": _median(columns, f"{source}_sd", event, 0.0),
        "held": np.log(max(event.held, 0.03)),
        "length": np.log(max(event.seconds, 0.05)),
        "quality": _median(columns, "quality", event, 1.0),
        "noise": 5 * event.noise,
        "talk": spoken,
        "talk_mouth": spoken * (unit in MOUTH),
        "talk_jaw": spoken * (unit == 26),
        "one_sided": float(event.side in ("L", "R")),
        "lids": float(unit == 43),
        "before": _largest(beside, source, start - BESIDE, start - APART) / height,
        "after": _largest(beside, source, end + APART, end + BESIDE) / height,
        "blink": float(unit != 43 and lids >= STILL_SHUT),
        "short": float(short(event)),
    }
    twice = [own["short"] * own[name] for name in OF_SHORT]
    return np.array([*(own[name] for name in BASIC), *twice], np.float64)


def talk(event: Event, columns: Columns) -> float:
    """Steps a second by which the lips' parting and the jaw's drop change around the event."""
    times = columns["time"].astype(np.float64)
    near = (times >= event.onset - AROUND) & (times <= event.offset + AROUND)
    moved = 0.0
    for code in ("AU25", "AU26"):
        if code in columns:
            values = columns[code][near].astype(np.float64)
            moved += float(np.abs(np.diff(values[np.isfinite(values)])).sum())
    return moved / (event.offset - event.onset + 2 * AROUND)


def _source(number: int, columns: Columns) -> str:
    """Code of the reading that tells whether this action unit is present."""
    if number in (43, 45):
        return "AU45"
    own = AUS[number].code
    return own if f"{own}_p" in columns else AUS[SAME_READING.get(number, number)].code


def _near(columns: Columns, name: str, time: float, reach: int = 1) -> float:
    """Largest value at the sample nearest to a time and `reach` to both sides; 0 where unknown."""
    if name not in columns:
        return 0.0
    at = int(np.abs(columns["time"].astype(np.float64) - time).argmin())
    values = columns[name][max(at - reach, 0) : at + reach + 1].astype(np.float64)
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0


def _median(columns: Columns, name: str, event: Event, unknown: float) -> float:
    values = _between(columns, name, event.onset - 1e-6, event.offset + 1e-6)
    return float(np.median(values)) if len(values) else unknown


def _largest(columns: Columns, name: str, start: float, end: float) -> float:
    values = _between(columns, name, start, end)
    return float(values.max()) if len(values) else 0.0


def _between(columns: Columns, name: str, start: float, end: float) -> Array:
    """Finite values of a column in a span of time; none where there is no such column."""
    if name not in columns:
        return np.empty(0)
    first, last = np.searchsorted(columns["time"], [start, end])
    values = columns[name][first:last].astype(np.float64)
    return values[np.isfinite(values)]
