"""Action unit intensities over time → events with onset, apex, offset, side and strength.

Knows series of numbers 0-5 and nothing about where they come from: measured from a mesh,
learned, or read from another program's table. Gaps (NaN, bad quality) end an event; they
are never taken for zero.

An event begins where the intensity leaves the resting level and ends where it is back. It
counts when it reaches `floor` and stands out of the series' own noise. A low second
threshold keeps a wavering event whole; two peaks with a deep valley between them are two
events. Smoothing stays below 0.15 s, so that events of 0.2 s survive at 20 frames a second
(4 samples); at 10 frames a second the same event is 2 samples, and shorter ones are lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.units import AUS
from agent.schema.evidence import Side
from agent.schema.samples import Columns

Series = npt.NDArray[np.float64]

BRIEF: Final = 0.5
"""Seconds; an event no longer than this may be a micro-expression."""
LONG_CLOSURE: Final = 0.5
"""Seconds; eyes shut for longer are closed (AU43), not blinking (AU45)."""
SHUT: Final = 3.0
"""Intensity a long closure must reach; less is lids narrowed by a smile or a look down."""
GAP: Final = 0.25
"""Seconds without a good sample that end an event; shorter holes are bridged."""
SMOOTH: Final = 0.15
"""Seconds of smoothing, at most."""
LOW: Final = 0.35
"""Share of an event's peak under which it is over."""
FOOT: Final = 0.1
"""Share of the peak at which an event begins and ends."""
LID_FOOT: Final = 0.25
"""The same for eye closure, whose flanks run into looks down and narrowed lids."""
VALLEY: Final = 0.4
"""Two peaks are two events when the valley between them is below this share of the lower."""
FLOOR: Final = 1.0
"""Intensity an event must reach unless the caller says otherwise."""
HIGH: Final = 0.75
"""Share of the peak up to which a rise is timed."""
LATEST: Final = 0.2
"""Seconds by which an onset is put before the first sample in which it shows, at most."""
ONE_SIDED: Final = 0.5
"""Only one side acts when the other stays below this share of it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One action of one muscle."""

    au: int
    side: Side | None
    """Person's own side; None where the sides were not measured apart."""
    onset: float
    apex: float
    offset: float
    """Seconds."""
    peak: float
    """Intensity 0-5 at the apex."""
    held: float
    """Seconds for which it stays above half its peak."""
    noise: float
    """Standard deviation of the series' fast noise, in intensity steps."""
    seen: float
    """Seconds from the first to the last sample in which it shows."""
    samples: int
    """Good samples between onset and offset."""
    seen_onset: bool
    """False where it was already there when the face came into view."""
    seen_offset: bool

    @property
    def seconds(self) -> float:
        return self.offset - self.onset

    @property
    def brief(self) -> bool:
        """A possible micro-expression: short, with both its ends seen, and not a blink."""
        whole = self.seen_onset and self.seen_offset
        return whole and self.au not in (43, 45) and 0 < self.seen <= BRIEF


@dataclass(frozen=True, slots=True)
class _Span:
    """Indices into one stretch of samples."""

    first: int
    apex: int
    last: int


def find(
    times: npt.NDArray[np.floating],
    columns: Columns,
    floors: Mapping[int, float] | None = None,
    late: Mapping[int, float] | None = None,
) -> list[Event]:
    """Events of every action unit in `columns`, in order of onset.

    `times` in seconds, rising; `columns` holds `AU12`, or `AU12_L` and `AU12_R`, 0-5 with NaN
    for gaps. Eye closure is read from AU45 and AU43 alike and told apart by its length.
    `floors` gives the intensity that an event of this action unit must reach; `late` how much
    of a rise passes before it shows in the readings, over the time from there to HIGH.
    """
    floors, late = floors or {}, late or {}
    events: list[Event] = []
    at = np.asarray(times, dtype=np.float64)
    for number in AUS:
        if number == 43:
            continue
        sides = _sides(columns, number)
        if sides is not None:
            floor = floors.get(number, FLOOR)
            found = _events(number, at, *sides, floor, late.get(number, 0.0))
            events.extend(_closed(found) if number == 45 else found)
    return sorted(events, key=lambda event: (event.onset, event.au))


def closures(
    times: npt.NDArray[np.floating], closed: npt.NDArray[np.floating]
) -> tuple[Series, Series]:
    """One series of eye closure 0-5 → (AU43, AU45): long closures and all the rest."""
    at = np.asarray(times, dtype=np.float64)
    values = np.asarray(closed, dtype=np.float64)
    long = np.zeros(len(at), dtype=bool)
    for event in _closed(_events(45, at, values, None, FLOOR)):
        if event.au == 43:
            long |= (at >= event.onset) & (at <= event.offset)
    gap = np.isnan(values)
    return (
        np.where(gap, np.nan, np.where(long, values, 0.0)),
        np.where(gap, np.nan, np.where(long, 0.0, values)),
    )


def _sides(columns: Columns, number: int) -> tuple[Series, Series | None] | None:
    """(left, right), or (the one series, None); None where the columns lack this muscle."""
    left, right = _column(columns, number, "_L"), _column(columns, number, "_R")
    if left is not None and right is not None:
        return left, right
    both = _column(columns, number, "")
    return None if both is None else (both, None)


def _column(columns: Columns, number: int, end: str) -> Series | None:
    """One column as float64; eye closure of any length for 43 and 45."""
    numbers = (43, 45) if number in (43, 45) else (number,)
    parts = [columns[name] for n in numbers if (name := f"{AUS[n].code}{end}") in columns]
    return np.fmax.reduce([part.astype(np.float64) for part in parts]) if parts else None


def _closed(found: Iterable[Event]) -> Iterator[Event]:
    """Blinks, and eyes held shut; eyes merely narrowed for long are neither.

    A single picture cannot show a blink: closed eyes in it are closed.
    """
    for event in found:
        if 0 < event.held <= LONG_CLOSURE:
            yield event
        elif event.peak >= SHUT:
            yield replace(event, au=43)


def _events(
    number: int,
    times: Series,
    one: Series,
    other: Series | None,
    floor: float,
    late: float = 0.0,
) -> Iterator[Event]:
    good = np.isfinite(one) if other is None else np.isfinite(one) & np.isfinite(other)
    for stretch in _stretches(times, good):
        at = times[stretch]
        step = _step(at)
        left = smooth(at, one[stretch])
        right = None if other is None else smooth(at, other[stretch])
        values = left if right is None else np.maximum(left, right)
        noise = _noise(at, one[stretch] if other is None else (one + other)[stretch] / 2)
        foot = LID_FOOT if number == 45 else FOOT
        for span in _spans(values, max(floor, 4 * noise), foot):
            peak = float(np.clip(values[span.apex], 0, 5))
            yield Event(
                au=number,
                side=_side(left, right, span),
                onset=_began(at, values, span, late),
                apex=float(at[span.apex]),
                offset=float(at[span.last]),
                peak=peak,
                held=_held(at, values, span) + step,
                noise=noise,
                seen=float(at[span.last] - at[span.first]),
                samples=span.last - span.first + 1,
                seen_onset=bool(values[span.first] < LOW * peak),
                seen_offset=bool(values[span.last] < LOW * peak),
            )


def _stretches(times: Series, good: npt.NDArray[np.bool_]) -> Iterator[npt.NDArray[np.intp]]:
    """Indices of good samples, cut where none came for longer than GAP or three usual steps."""
    index = np.flatnonzero(good)
    if len(index) == 0:
        return
    breaks = np.flatnonzero(np.diff(times[index]) > max(GAP, 3 * _step(times))) + 1
    yield from np.split(index, breaks)


def smooth(times: Series, values: Series) -> Series:
    """Single-sample spikes removed, then a parabola fitted over at most SMOOTH seconds."""
    step = _step(times)
    if len(values) < 3 or step <= 0 or step > SMOOTH / 2:
        return values
    padded = np.pad(values, 1, mode="edge")
    calm = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    width = int(SMOOTH / step) | 1
    if width < 5 or len(values) < width:
        return np.asarray(calm)
    # Savitzky & Golay 1964, second order: the fitted parabola's value in the window's middle.
    along = np.arange(width) - width // 2
    weights = np.linalg.pinv(np.stack([along**0, along, along**2], axis=1))[0]
    return np.convolve(np.pad(calm, width // 2, mode="edge"), weights[::-1], mode="valid")


def _step(times: Series) -> float:
    """Usual seconds between samples; 0 for fewer than two."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _noise(times: Series, values: Series) -> float:
    """Standard deviation of the fast noise, from second differences.

    0 where it cannot be told from movement: in short series, and below 10 samples a second.
    """
    if len(values) < 12 or _step(times) > 0.1:
        return 0.0
    second = np.diff(values, 2)
    return float(1.4826 * np.median(np.abs(second)) / np.sqrt(6))


def _spans(values: Series, floor: float, foot: float) -> Iterator[_Span]:
    """Stretches around peaks that reach `floor`, each from its foot to its foot."""
    above = np.concatenate([[False], values > LOW * floor, [False]])
    edges = np.flatnonzero(np.diff(above.astype(np.int8)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        for first, last in _parts(values, int(start), int(stop) - 1, floor):
            apex = first + int(np.argmax(values[first : last + 1]))
            if values[apex] >= floor:
                yield _Span(_foot(values, apex, -1, foot), apex, _foot(values, apex, 1, foot))


def _parts(values: Series, first: int, last: int, floor: float) -> Iterator[tuple[int, int]]:
    """[first, last] cut at every valley deep enough to part two events."""
    waiting = [(first, last)]
    while waiting:
        start, stop = waiting.pop()
        cut = _valley(values, start, stop, floor)
        if cut is None:
            yield start, stop
        else:
            waiting += [(cut, stop), (start, cut)]


def _valley(values: Series, first: int, last: int, floor: float) -> int | None:
    if last - first < 4:
        return None
    inside = values[first : last + 1]
    before = np.maximum.accumulate(inside)
    after = np.maximum.accumulate(inside[::-1])[::-1]
    lower = np.minimum(before, after)
    depth = np.where(lower >= floor, VALLEY * lower - inside, -1.0)
    at = int(np.argmax(depth))
    return first + at if depth[at] > 0 and 0 < at < len(inside) - 1 else None


def _foot(values: Series, apex: int, way: int, share: float) -> int:
    """Outward from the apex until this share of it, or where a low value stops falling."""
    low, here = LOW * values[apex], apex
    while 0 <= here + way < len(values):
        there = here + way
        if values[here] < low and (
            values[there] >= values[here] - 0.02 or values[here] <= share * values[apex]
        ):
            break
        here = there
    return here


def _began(times: Series, values: Series, span: _Span, late: float) -> float:
    """Seconds at which the rise began, never before the first sample of the stretch.

    A movement begins slowly, and its first part may be lost in what a reading takes for rest: the
    slower the rise, the more of it.
    """
    shown = float(times[span.first])
    if span.first == 0 or late == 0:
        return shown
    rise = values[span.first : span.apex + 1] >= HIGH * values[span.apex]
    high = float(times[span.first + int(np.argmax(rise))])
    return max(shown - min(late * (high - shown), LATEST), float(times[0]))


def _held(times: Series, values: Series, span: _Span) -> float:
    """Seconds between the first and the last sample above half the apex, around it."""
    above = values >= values[span.apex] / 2
    first = last = span.apex
    while first > span.first and above[first - 1]:
        first -= 1
    while last < span.last and above[last + 1]:
        last += 1
    return float(times[last] - times[first])


def _side(left: Series, right: Series | None, span: _Span) -> Side | None:
    """Side that acts around the apex; both unless one clearly stays behind."""
    if right is None:
        return None
    window = slice(span.first, span.last + 1)
    top = np.maximum(left[window], right[window]) >= 0.7 * max(left[span.apex], right[span.apex])
    a, b = float(left[window][top].mean()), float(right[window][top].mean())
    if min(a, b) >= ONE_SIDED * max(a, b):
        return "B"
    return "L" if a > b else "R"
