"""What one strip shows: person, span, columns on a time grid; and the rows it is stacked of.

Knows evidence and where a moment lies across the picture; draws only frames, labels and grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.render.canvas import FAINT, GRID, INK, SOFT, Canvas, Values, fit, sampled, ticks
from agent.schema.evidence import Cue, Evidence, Person, Sense
from agent.schema.samples import Columns

GUTTER: Final = 232
"""Pixels left of the plot, for the names of rows."""
MARGIN: Final = 26
Span = tuple[float, float]
Draw = Callable[[Canvas, float], None]


@dataclass(frozen=True, slots=True)
class Band:
    """A row: its height, and how it is drawn with its top at y."""

    height: float
    draw: Draw


@dataclass(frozen=True, slots=True)
class View:
    """What is drawn, and where moments lie on it."""

    evidence: Evidence
    person: Person | None
    series: Columns
    """Of this person; only an empty `time` where there is none."""
    voice: Columns
    span: Span
    width: int

    @property
    def left(self) -> float:
        return float(GUTTER)

    @property
    def right(self) -> float:
        return float(self.width - MARGIN)

    @property
    def still(self) -> bool:
        return self.span[1] <= self.span[0]

    def x(self, time: float) -> float:
        """Column of a moment, within the plot."""
        start, end = self.span
        share = (time - start) / max(end - start, 1e-6)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def grid(self) -> tuple[Values, Values]:
        """Columns and their moments, two a pixel."""
        x = np.arange(self.left, self.right + 0.25, 0.5)
        share = (x - self.left) / (self.right - self.left)
        return x, self.span[0] + share * (self.span[1] - self.span[0])

    def column(self, source: Columns, name: str, bridge: float = 0.35) -> Values | None:
        """A column of a series on the grid, NaN where missing; None where there is none."""
        if name not in source or not len(source["time"]):
            return None
        times, values = source["time"].astype(np.float64), source[name].astype(np.float64)
        found = sampled(times, values, self.grid()[1], bridge)
        return found if np.isfinite(found).any() else None

    def cues(self, sense: Sense, anybody: bool = False) -> list[Cue]:
        """Cues of this person within the span; with `anybody`, also those of nobody known."""
        own = self.person.id if self.person else None
        return [
            cue
            for cue in self.evidence.between(*self.span)
            if cue.sense == sense
            and (cue.person == own or (anybody and cue.person is None) or self.person is None)
        ]

    def why(self, *what: str) -> str | None:
        """Why something is missing, in the evidence's own words; None where it does not say."""
        return next((m.why for m in self.evidence.missing if m.what in what), None)


def time_lines(canvas: Canvas, y: float, height: float, view: View) -> None:
    """Faint lines at the ticks of the axis."""
    for tick in ticks(*view.span):
        x = view.x(tick)
        canvas.line([(x, y), (x, y + height)], GRID, 1)


def label(canvas: Canvas, y: float, name: str, below: str = "") -> None:
    """Name of a row in the gutter around y, and a smaller line under it."""
    canvas.text(16, y - (9 if below else 0), name, 16, INK, "lm", strong=True)
    if below:
        canvas.text(16, y + 10, fit(below, 13, GUTTER - 44), 13, SOFT, "lm")


def note(text: str, name: str) -> Band:
    """A row that has nothing to show, and says why."""

    def draw(canvas: Canvas, y: float) -> None:
        canvas.line([(16, y), (canvas.width - MARGIN, y)], FAINT, 1)
        label(canvas, y + 20, name)
        canvas.text(GUTTER, y + 20, fit(text, 14, canvas.width - MARGIN - GUTTER), 14, SOFT, "lm")

    return Band(40, draw)
