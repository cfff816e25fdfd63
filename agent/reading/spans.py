"""Where in a clip somebody's expression changes: the spans a caption tells one by one.

Knows the reading over time; words nothing. The spans begin where the series changes for certain
(`agent.reading.over_time`), moved to the nearest beginning or end of a cue within half a moment;
what is shorter than a glance joins its neighbour, so a clip of even expression is one span.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.reading.over_time import SECONDS, EmotionSeries, emotions, phases
from agent.schema.evidence import Evidence

SHORTEST: Final = 0.4
"""Seconds; a shorter change is told within its neighbour."""
NEAR: Final = SECONDS / 2
MOST: Final = 8
"""Spans of one clip; the shortest join their neighbours until there are no more."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seconds in which one label leads."""

    start: float
    end: float
    label: str

    @property
    def length(self) -> float:
        return self.end - self.start


def spans(evidence: Evidence, person: str | None) -> tuple[Stretch, ...]:
    """The clip cut where this person's leading label changes; () where nothing is measured.

    A still picture is one span of no length.
    """
    series = emotions(evidence, person)
    found = phases(series)
    edges = _edges(evidence, series)
    leading = [Stretch(_snapped(p.start, edges), _snapped(p.end, edges), p.label) for p in found]
    return _no_glances(_alike(leading))


def _edges(evidence: Evidence, series: EmotionSeries) -> list[float]:
    """Where this person's cues begin and end; the ends of the clip stay where they are."""
    whole = (0.0, evidence.media.duration)
    mine = [c for c in evidence.cues if c.person in (series.person, None) and c.sense != "words"]
    inner = {t for c in mine for t in (c.start, c.end) if whole[0] < t < whole[1]}
    return sorted({*whole, *inner})


def _snapped(time: float, edges: Sequence[float]) -> float:
    """The nearest edge within NEAR, else the time itself."""
    if not edges or time in edges:
        return time
    nearest = min(edges, key=lambda edge: abs(edge - time))
    return nearest if abs(nearest - time) <= NEAR else time


def _alike(found: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours of one label as one."""
    joined: list[Stretch] = []
    for one in found:
        if joined and joined[-1].label == one.label:
            joined[-1] = replace(joined[-1], end=one.end)
        else:
            joined.append(one)
    return joined


def _no_glances(found: list[Stretch]) -> tuple[Stretch, ...]:
    while len(found) > 1:
        least = min(range(len(found)), key=lambda n: found[n].length)
        if found[least].length >= SHORTEST and len(found) <= MOST:
            break
        found = _alike(_given_away(found, least))
    return tuple(found)


def _given_away(found: list[Stretch], least: int) -> list[Stretch]:
    """The time of one span given to its longer neighbour."""
    near = [n for n in (least - 1, least + 1) if 0 <= n < len(found)]
    heir = max(near, key=lambda n: found[n].length)
    gone = found[least]
    grown = replace(
        found[heir],
        start=min(found[heir].start, gone.start),
        end=max(found[heir].end, gone.end),
    )
    return [grown if n == heir else one for n, one in enumerate(found) if n != least]
