"""Rows of the strip for the face: one action unit a row over time, or one bar a unit in a still.

Knows AU intensities and events, and how to draw them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from agent.facs.units import AUS, GRADES, MEASURED, REGIONS, parse
from agent.render.canvas import (
    BLUE,
    FAINT,
    GRID,
    INK,
    SKY,
    SOFT,
    VERMILION,
    Canvas,
    Colour,
    Values,
    lanes,
    runs,
    wide,
)
from agent.render.view import GUTTER, Band, Draw, View, label, note, time_lines
from agent.schema.evidence import Cue

MOST: Final = 12
"""Action units drawn at most."""
_FULL: Final = 8
"""Rows up to which strong action units without an event are drawn too."""
_FEWEST: Final = 4
_STRONG: Final = 1.5
_HIGH: Final = 50.0


def rows(view: View) -> Iterable[Band]:
    """One row for each action unit that matters here, from the brows down."""
    chosen = _chosen(view)
    if not chosen:
        yield note(view.why("face", "faces") or "no action units were measured", "Face")
    for i, number in enumerate(chosen):
        yield Band(_HIGH, _row(view, number, first=i == 0))


def apex_mark(canvas: Canvas, x: float, y: float, fill: Colour) -> None:
    """A triangle that points down at y."""
    canvas.shape([(x - 5, y - 8), (x + 5, y - 8), (x, y)], fill)


def brief_mark(canvas: Canvas, x: float, y: float, half: float = 6) -> None:
    """A diamond around y."""
    canvas.shape([(x - half, y), (x, y - half - 1), (x + half, y), (x, y + half + 1)], VERMILION)


def _by_face(number: int) -> tuple[int, int]:
    return REGIONS.index(AUS[number].region), number


def _chosen(view: View) -> list[int]:
    """Those with events, the strongest first; then strong ones without."""
    weight: dict[int, float] = {}
    eventful = set()
    for cue in view.cues("face"):
        number = parse(cue.code)
        if number is not None:
            eventful.add(number)
            weight[number] = weight.get(number, 0.0) + 10 + (cue.intensity or 0.0)
    for number in MEASURED:
        column = view.column(view.series, AUS[number].code)
        if column is not None:
            weight[number] = weight.get(number, 0.0) + float(np.nanmax(column))
    ranked = sorted(weight, key=lambda n: -weight[n])
    kept = [n for n in ranked if n in eventful][:MOST]
    quiet = [n for n in ranked if n not in eventful]
    kept += [n for n in quiet if weight[n] >= _STRONG][: max(0, _FULL - len(kept))]
    kept += [n for n in quiet if n not in kept][: max(0, _FEWEST - len(kept))]
    return sorted(kept, key=_by_face)


def _row(view: View, number: int, first: bool) -> Draw:
    unit = AUS[number]
    cues = [cue for cue in view.cues("face") if parse(cue.code) == number]

    def draw(canvas: Canvas, y: float) -> None:
        top, floor = y + 16.0, y + _HIGH - 3
        canvas.line([(16, y), (view.right, y)], FAINT if first else GRID, 1)
        time_lines(canvas, y, _HIGH, view)
        label(canvas, y + _HIGH / 2 + 2, unit.code, unit.name)
        for level, letter in ((1, "A"), (3, "C"), (5, "E")):
            at = floor - (floor - top) * level / 5
            canvas.line([(view.left, at), (view.right, at)], GRID, 0.5)
            canvas.text(view.left - 6, at, letter, 10, SOFT, "rm")
        column = view.column(view.series, unit.code)
        if column is not None:
            _curve(canvas, view, column, cues, (y, top, floor))
        canvas.line([(view.left, floor), (view.right, floor)], FAINT, 1)
        _events(canvas, cues, view, top, floor)

    return draw


def _curve(
    canvas: Canvas,
    view: View,
    column: Values,
    cues: Sequence[Cue],
    at: tuple[float, float, float],
) -> None:
    """Intensity filled, darker within events, hatched where the face was not seen."""
    y, top, floor = at
    x, _ = view.grid()
    for gap in runs(~np.isfinite(column)):
        if gap.stop - gap.start < 10:  # less than five pixels: an edge, not an absence
            continue
        canvas.hatch(float(x[gap][0]), y + 2, float(x[gap][-1]), floor)
    curve = floor - (floor - top) * np.clip(column, 0, 5) / 5
    canvas.area(x, curve, floor, SKY)
    for cue in cues:
        inside = (x >= view.x(cue.start) - 0.5) & (x <= view.x(cue.end) + 0.5)
        canvas.area(x, np.where(inside, curve, np.nan), floor, VERMILION if cue.brief else BLUE)
    canvas.curve(x, curve, BLUE, 1)


def _events(canvas: Canvas, cues: Sequence[Cue], view: View, top: float, floor: float) -> None:
    """Onset, apex and offset of each event; marks and ids while there is room, brief and
    strong ones first."""
    ranked = sorted(cues, key=lambda c: (not c.brief, -(c.intensity or 0.0)))
    texts = [event(cue) for cue in ranked]
    places = [_place(view, cue, text) for cue, text in zip(ranked, texts, strict=True)]
    for cue, text, (a, _), lane in zip(ranked, texts, places, lanes(places, 1), strict=True):
        fill, apex = VERMILION if cue.brief else BLUE, view.x(cue.apex)
        if view.x(cue.end) - view.x(cue.start) >= 10:
            _edges(canvas, cue, view, floor, fill)
            tall = min(cue.intensity or 0.0, 5.0) / 5 * (floor - top)
            canvas.line([(apex, floor), (apex, floor - tall)], INK, 1)
        if lane is None:
            continue
        if cue.brief:
            brief_mark(canvas, apex, top - 7)
        else:
            apex_mark(canvas, apex, top - 3, fill)
        ink = fill if cue.brief else INK
        if a < apex - 8:
            canvas.text(apex - 9, top - 7, text, 13, ink, "rm", strong=True)
        else:
            canvas.text(apex + 9, top - 7, text, 13, ink, "lm", strong=True)


def _place(view: View, cue: Cue, text: str) -> tuple[float, float]:
    """Pixels that an event's mark and id take: to the right of the apex, left near the edge."""
    apex, need = view.x(cue.apex), wide(text, 13) + 12
    if apex + need > view.right + 4:
        return apex - need, apex + 7
    return apex - 7, apex + need


def _edges(canvas: Canvas, cue: Cue, view: View, floor: float, fill: Colour) -> None:
    for edge in (cue.start, cue.end):
        if view.span[0] <= edge <= view.span[1]:
            canvas.line([(view.x(edge), floor - 7), (view.x(edge), floor + 2)], fill, 1.5)


def event(cue: Cue) -> str:
    """A7 C, A7 C left."""
    side = {"L": " left", "R": " right"}.get(cue.side or "", "")
    return f"{cue.id}{' ' + cue.grade if cue.grade else ''}{side}"


def still_rows(view: View) -> Iterable[Band]:
    """A still picture has no time: one bar an action unit, from 0 to 5."""
    chosen = _chosen_still(view)
    if not chosen:
        yield note(view.why("face", "faces") or "no action units were measured", "Face")
        return
    for number, value, cue in chosen:
        yield Band(44, _still_row(view, number, value, cue))
    yield Band(42, lambda canvas, y: _still_axis(canvas, y, view))


def _chosen_still(view: View) -> list[tuple[int, float, Cue | None]]:
    cues = {parse(cue.code): cue for cue in view.cues("face")}
    found = []
    for number in MEASURED:
        cue, column = cues.get(number), view.series.get(AUS[number].code)
        value = cue.intensity if cue else None
        if value is None and column is not None and np.isfinite(column.astype(float)).any():
            value = float(np.nanmax(column.astype(float)))
        if value is not None and (cue or value >= 0.5):
            found.append((number, value, cue))
    ranked = sorted(found, key=lambda f: (f[2] is None, -f[1]))[:MOST]
    return sorted(ranked, key=lambda f: _by_face(f[0]))


def _still_row(view: View, number: int, value: float, cue: Cue | None) -> Draw:
    def draw(canvas: Canvas, y: float) -> None:
        label(canvas, y + 22, AUS[number].code, AUS[number].name)
        for level in range(6):
            x = view.left + (view.right - view.left) * level / 5
            canvas.line([(x, y), (x, y + 44)], GRID, 1)
        end = view.left + (view.right - view.left) * min(max(value, 0.0), 5.0) / 5
        canvas.box(view.left, y + 10, end, y + 34, BLUE if cue else SKY)
        text = f"{event(cue)}, {value:.1f}" if cue else f"{value:.1f}"
        if end + 8 + wide(text, 15) <= view.right:
            canvas.text(end + 8, y + 22, text, 15, INK, "lm", strong=True)
        else:
            canvas.text(end - 8, y + 22, text, 15, "#ffffff", "rm", strong=True)

    return draw


def _still_axis(canvas: Canvas, y: float, view: View) -> None:
    canvas.line([(view.left, y + 4), (view.right, y + 4)], SOFT, 1)
    for level in range(6):
        x = view.left + (view.right - view.left) * level / 5
        letter = f" {GRADES[level - 1]}" if level else ""
        canvas.text(x, y + 22, f"{level}{letter}", 14, INK, "mm")
    canvas.text(GUTTER - 34, y + 22, "intensity", 14, SOFT, "rm")
