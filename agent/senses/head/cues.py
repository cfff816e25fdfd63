"""What head and eyes did: nods, shakes, tilts, turns, glances, blinking.

Knows columns of degrees over time of one person; no pictures. Holds (a turned, lowered,
tilted head; eyes that look elsewhere) are counted against the person's own median, since
a camera is seldom level with the eyes. Swings (nod, shake) are turning points in quick
succession. Below 8 samples a second swings are not looked for, below 12 blinks are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.evidence import Cue
from agent.schema.samples import Columns
from agent.senses.head.turning import Numbers, series, turning_points

Flags = npt.NDArray[np.bool_]

GAP: Final = 0.5
"""Seconds without a sample that part one stretch from the next."""
PACE: Final = 30.0
"""Samples a second of the even grid on which movements are looked for."""
SWING_RATE, BLINK_RATE = 8.0, 12.0
"""Least samples a second for swings and for blinks."""
SWING: Final = 3.5
"""Degrees between neighbouring turning points of a nod or a shake."""
BEAT: Final = 0.7
"""Seconds between them, at most."""
HOLD: Final = 0.5
"""Seconds that a pose is held to count."""
GLANCE: Final = 0.4
"""Seconds that eyes look elsewhere to count."""
LONG: Final = 30.0
"""Seconds of one window of the blink rate in a long clip."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Unbroken time on an even grid."""

    times: Numbers
    rate: float
    """Samples a second that were really taken."""
    values: dict[str, Numbers]


@dataclass(frozen=True, slots=True)
class Held:
    """A pose that counts when held."""

    code: str
    column: str
    sign: int
    least: float
    """Degrees off the person's median."""
    seconds: float
    text: str
    """With {size} for the rounded degrees."""


HELD: Final = (
    Held("turn", "pose_yaw", 1, 15, HOLD, "turns the head to their own left, by {size}°"),
    Held("turn", "pose_yaw", -1, 15, HOLD, "turns the head to their own right, by {size}°"),
    Held("head_up", "pose_pitch", 1, 9, HOLD, "raises the head, by {size}°"),
    Held("head_down", "pose_pitch", -1, 9, HOLD, "lowers the head, by {size}°"),
    Held("tilt", "pose_roll", 1, 8, HOLD, "tilts the head to their own left, by {size}°"),
    Held("tilt", "pose_roll", -1, 8, HOLD, "tilts the head to their own right, by {size}°"),
    Held("gaze_away", "gaze_yaw", 1, 14, GLANCE, "looks away to their own left, by {size}°"),
    Held("gaze_away", "gaze_yaw", -1, 14, GLANCE, "looks away to their own right, by {size}°"),
    Held("gaze_up", "gaze_pitch", 1, 12, GLANCE, "looks up, by {size}°"),
    Held("gaze_down", "gaze_pitch", -1, 12, GLANCE, "looks down, by {size}°"),
)


def cues(person: str, table: Columns, blinks: Sequence[float] | None = None) -> list[Cue]:
    """All cues of one person, from the columns that `Head` makes.

    `blinks`: their times in seconds, as the action units show them; None where nobody looked.
    """
    if len(table["time"]) < 3:
        return []
    quality = float(np.nanmedian(table["quality"].astype(float)))
    usual = {held.column: _usual(table[held.column]) for held in HELD}
    parts = list(stretches(table))
    found: list[Cue] = []
    for part in parts:
        holds = [c for h in HELD for c in _held(person, part, h, *usual[h.column], quality)]
        found += [cue for cue in holds if not _carried(cue, holds)]
        if part.rate >= SWING_RATE:
            found += _swings(person, part, "nod", "pose_pitch", "pose_yaw", quality)
            found += _swings(person, part, "shake", "pose_yaw", "pose_pitch", quality)
    if blinks is not None:
        found += _blinking(person, parts, np.array(blinks), quality)
    return found


def _usual(column: npt.NDArray[np.generic]) -> tuple[float, float]:
    """Median and robust standard deviation (at least 2°) of a column; NaN without values."""
    values = column.astype(float)
    values = values[np.isfinite(values)]
    if not values.size:
        return np.nan, np.nan
    median = float(np.median(values))
    return median, max(2.0, 1.4826 * float(np.median(np.abs(values - median))))


def stretches(table: Columns) -> Iterator[Stretch]:
    """The table cut where samples are missing, each piece on an even grid of at most 30 Hz."""
    times = table["time"].astype(float)
    names = list({held.column: 0 for held in HELD})
    for piece in np.split(np.arange(len(times)), np.flatnonzero(np.diff(times) > GAP) + 1):
        length = times[piece[-1]] - times[piece[0]] if piece.size else 0.0
        if piece.size < 3 or length <= 0:
            continue
        rate = (piece.size - 1) / length
        grid = np.linspace(
            times[piece[0]], times[piece[-1]], max(3, int(length * min(PACE, rate)) + 1)
        )
        yield Stretch(
            grid, rate, {n: _even(grid, times[piece], table[n][piece].astype(float)) for n in names}
        )


def _even(grid: Numbers, times: Numbers, values: Numbers) -> Numbers:
    """Values on the grid; NaN where the nearest known value is over 0.3 s away."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(grid), np.nan)
    even = np.interp(grid, times[known], values[known])
    nearest = np.abs(grid[:, None] - times[known][_near(grid, times[known])]).min(axis=1)
    even[nearest > 0.3] = np.nan
    return even


def _near(grid: Numbers, times: Numbers) -> npt.NDArray[np.int64]:
    """Indices of the known times before and after each grid point, N × 2."""
    after = np.clip(np.searchsorted(times, grid), 0, len(times) - 1)
    return np.stack([np.maximum(after - 1, 0), after], axis=1)


def runs(flags: Flags) -> Iterator[tuple[int, int]]:
    """First and last index of each unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.view(np.int8), [0]])))
    for first, after in edges.reshape(-1, 2).tolist():
        yield first, after - 1


def _held(
    person: str, part: Stretch, held: Held, median: float, spread: float, quality: float
) -> Iterator[Cue]:
    off = (_smooth(part.values[held.column], part.times, 0.2) - median) * held.sign
    with np.errstate(invalid="ignore"):
        # A hold begins and ends at two thirds of what it must reach.
        outer = off >= held.least * 2 / 3
    for first, last in runs(outer):
        peak = first + int(np.argmax(off[first : last + 1]))
        size, long = float(off[peak]), part.times[last] - part.times[first]
        if size < held.least or long < held.seconds:
            continue
        yield _cue(
            person,
            held.code,
            part,
            (first, peak, last),
            held.text.format(size=round(size)),
            value=round(median + held.sign * size, 1),
            relative=round(held.sign * size / spread, 2),
            confidence=_sure(quality, part.rate, 4.0, size / held.least),
        )


def _carried(glance: Cue, holds: list[Cue]) -> bool:
    """Does the head carry the eyes there? Then its own cue says it."""
    head = {"gaze_away": "turn", "gaze_up": "head_up", "gaze_down": "head_down"}.get(glance.code)
    return any(
        cue.code == head
        and (cue.relative or 0) * (glance.relative or 0) > 0
        and cue.start < glance.apex < cue.end
        for cue in holds
    )


def _swings(
    person: str, part: Stretch, code: str, column: str, other: str, quality: float
) -> Iterator[Cue]:
    """Runs of turning points in quick succession: down-up for a nod, three for a shake."""
    values = _smooth(part.values[column], part.times, 0.1)
    across = _smooth(part.values[other], part.times, 0.1)
    if not np.isfinite(values).all():
        return
    # Back and forth once is a nod; a shake needs one swing more, or it is a glance aside.
    least = 2 if code == "nod" else 3
    for turns in series(turning_points(values, SWING), part.times, BEAT):
        first, last = turns[0].leave, turns[-1].arrive
        sizes = np.abs(np.diff([turn.value for turn in turns]))
        apart = abs(turns[-1].value - turns[0].value) if len(turns) % 2 else 0.0
        if len(sizes) < least:
            continue
        aside = float(np.ptp(across[first : last + 1]))
        if sizes.max() < 1.5 * aside or apart > 0.6 * sizes.max():
            continue
        apex = turns[int(np.argmax(sizes)) + 1].arrive
        yield _cue(
            person,
            code,
            part,
            (first, apex, last),
            _said(code, (len(sizes) + 1) // 2),
            value=round(float(sizes.max()), 1),
            relative=None,
            confidence=_sure(quality, part.rate, 15.0, float(sizes.mean()) / (1.5 * SWING)),
        )


def _said(code: str, times: int) -> str:
    often = {1: "once", 2: "twice"}.get(times, f"{times} times")
    return f"nods {often}" if code == "nod" else f"shakes the head, {often} to and fro"


def _blinking(person: str, parts: list[Stretch], blinks: Numbers, quality: float) -> Iterator[Cue]:
    """The blink rate of the clip, and of windows of 30 s in a long one."""
    good = [p for p in parts if p.rate >= BLINK_RATE]
    seen = sum(float(p.times[-1] - p.times[0]) for p in good)
    if seen < 5.0:
        return
    each = [(p, blinks[(blinks >= p.times[0]) & (blinks <= p.times[-1])]) for p in good]
    count = sum(len(b) for _, b in each)
    mean = 60 * count / seen
    start, end = good[0].times[0], good[-1].times[-1]
    rate = float(np.median([p.rate for p in good]))
    yield _rate_cue(person, (start, end), mean, None, count, seen, _sure(quality, rate, 25.0, 1.0))
    if seen < 2 * LONG:
        return
    spread = max(np.sqrt(mean * 60 / LONG), 1.0)
    for part, at in each:
        for begin in np.arange(part.times[0], part.times[-1] - LONG + 1e-6, LONG):
            here = int(((at >= begin) & (at < begin + LONG)).sum())
            relative = (60 * here / LONG - mean) / spread
            if abs(relative) >= 2:
                sure = _sure(quality, part.rate, 25.0, 1.0)
                span = (float(begin), float(begin + LONG))
                yield _rate_cue(person, span, 60 * here / LONG, relative, here, LONG, sure)


def _rate_cue(
    person: str,
    span: tuple[float, float],
    rate: float,
    relative: float | None,
    count: int,
    seconds: float,
    sure: float,
) -> Cue:
    than = "" if relative is None else ", more than usual" if relative > 0 else ", less than usual"
    return Cue(
        sense="head",
        person=person,
        code="blink_rate",
        start=span[0],
        apex=sum(span) / 2,
        end=span[1],
        value=round(rate, 1),
        unit="per minute",
        relative=None if relative is None else round(relative, 2),
        text=f"blinks {rate:.0f} times a minute ({count} in {seconds:.0f} s){than}",
        # Few seconds say little about a rate.
        confidence=round(sure * min(1.0, seconds / 15), 2),
    )


def _cue(
    person: str,
    code: str,
    part: Stretch,
    at: tuple[int, int, int],
    text: str,
    *,
    value: float,
    relative: float | None,
    confidence: float,
) -> Cue:
    start, apex, end = (round(float(part.times[n]), 3) for n in at)
    return Cue(
        sense="head",
        person=person,
        code=code,
        start=start,
        apex=apex,
        end=end,
        value=value,
        unit="degrees",
        relative=relative,
        text=text,
        confidence=confidence,
    )


def _sure(quality: float, rate: float, enough: float, clear: float) -> float:
    """0-1, from the face's quality, samples a second against `enough`, and how clear it is."""
    clarity = min(1.0, 0.4 + 0.4 * clear)
    return round(min(0.95, clarity * (0.3 + 0.7 * quality) * min(1.0, rate / enough)), 2)


def _smooth(values: Numbers, times: Numbers, seconds: float) -> Numbers:
    """Moving mean over `seconds`; NaN stays NaN only where the middle is NaN."""
    step = (times[-1] - times[0]) / (len(times) - 1)
    width = max(1, round(seconds / step)) | 1
    known = np.isfinite(values)
    kernel = np.ones(width)
    total = np.convolve(np.pad(np.where(known, values, 0.0), width // 2, "edge"), kernel, "valid")
    count = np.convolve(np.pad(known.astype(float), width // 2, "edge"), kernel, "valid")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, total / count, np.nan)
