"""Dense series of the senses → means over short windows, which the record keeps.

Knows columns of numbers and the names they have in a window; nothing of emotions. Samples of
too low a quality, and what was not measured, stay out of a mean; a window with no good sample
is not made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.units import AUS
from agent.schema.evidence import Cue, Window
from agent.schema.samples import Columns

SECONDS: Final = 0.5
"""Length of a window in seconds, unless the clip would then have more than MOST."""
MOST: Final = 240
"""Windows of one person at most."""
QUALITY: Final = 0.15
"""Samples of lower quality count for nothing."""
SIDES: Final = ("AU12", "AU14")
"""Units whose sides are kept apart: a one-sided corner means something else."""
OTHERS: Final[dict[str, str]] = {
    "pose_yaw": "yaw_deg",
    "pose_pitch": "pitch_deg",
    "pose_roll": "roll_deg",
    "eyes_open": "eyes_open",
}
"""Columns of the head and the eyes, and their names in a window."""


def face_windows(
    columns: Mapping[str, Columns], duration: float, cues: Iterable[Cue] = ()
) -> tuple[Window, ...]:
    """Windows of every person's face, in order of person and time.

    `columns` as the face senses give them: `time` (s), `quality`, `AU12_abs` (or `AU12` of an
    estimator without absolute readings), `impression_happiness`, …; `duration` in seconds, 0
    for a still; the speech among `cues` tells how much of each window is spoken.
    """
    spoken = [cue for cue in cues if cue.sense == "voice" and cue.code == "speech"]
    return tuple(
        window
        for person, rows in columns.items()
        for window in _of_one(person, rows, duration, [c for c in spoken if c.person == person])
    )


def length(duration: float) -> float:
    """Seconds of a window in a clip of this many seconds."""
    return max(SECONDS, duration / MOST)


def _of_one(person: str, rows: Columns, duration: float, spoken: list[Cue]) -> Iterator[Window]:
    times = rows["time"].astype(np.float64)
    quality = rows["quality"].astype(np.float32) if "quality" in rows else np.ones(len(times))
    wide = length(duration)
    place = np.floor(times / wide + 1e-9).astype(np.int64)
    names = list(_named(rows))
    good = np.isfinite(quality) & (quality >= QUALITY)
    for number in dict.fromkeys(place[good].tolist()):
        here = good & (place == number)
        values = {
            name: round(float(mean), 3)
            for name, column in names
            if np.isfinite(mean := _mean(rows[column][here]))
        }
        if not values:
            continue
        start = float(number * wide)
        end = min(start + wide, max(duration, start)) if duration else start
        yield Window(
            person=person,
            sense="face",
            start=round(start, 3),
            end=round(end, 3),
            values=values,
            quality=round(float(np.clip(quality[here].mean(), 0, 1)), 3),
            speaking=round(_share(spoken, start, end), 3),
        )


def _named(rows: Columns) -> Iterator[tuple[str, str]]:
    """Names in a window, and the columns behind them."""
    for unit in AUS.values():
        ends = ("", "_L", "_R") if unit.code in SIDES else ("",)
        for end in ends:
            column = next(
                (c for c in (f"{unit.code}{end}_abs", f"{unit.code}{end}") if c in rows), None
            )
            if column is not None:
                yield f"{unit.code}{end}", column
    for column, name in OTHERS.items():
        if column in rows:
            yield name, column
    for column in rows:
        if column.startswith("impression_"):
            yield column, column


def _mean(values: npt.NDArray[np.generic]) -> float:
    numbers = values.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    return float(finite.mean()) if len(finite) else float("nan")


def _share(spoken: Iterable[Cue], start: float, end: float) -> float:
    if end <= start:
        return 0.0
    over = sum(max(0.0, min(cue.end, end) - max(cue.start, start)) for cue in spoken)
    return min(1.0, over / (end - start))
