"""Where in a clip somebody's expression changes: the spans a caption tells one by one.

Knows the rules' reading of moments; words nothing. Moments shorter than a glance join their
neighbours, so a clip of even expression is one span.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.reading.judge import judge
from agent.schema.evidence import Evidence

SHORTEST: Final = 0.4
"""Seconds; a shorter change is told within its neighbour."""
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
    judged = judge(evidence, person)
    leading = [
        Stretch(piece.start, piece.end, next(iter(shares)))
        for piece, shares in zip(judged.moments, judged.each, strict=True)
        if shares
    ]
    return _no_glances(_alike(leading))


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
