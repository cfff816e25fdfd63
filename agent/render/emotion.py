"""Rows of the strip for what is read from it all: shares of emotions, valence and arousal.

Knows the columns of `emotion.parquet` and how to draw them. Drawn only for people: a model that
is shown a strip is to judge the measurements, not to repeat our reading of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from agent.render.canvas import (
    BLUE,
    FAINT,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    SOFT,
    VERMILION,
    Canvas,
    Colour,
    Values,
    fit,
    runs,
    wide,
)
from agent.render.view import Band, Draw, View, label, time_lines
from agent.schema.samples import Columns

COLOURS: Final[dict[str, Colour]] = {
    "happiness": ORANGE, "surprise": "#56b4e9", "anger": VERMILION, "disgust": GREEN,
    "contempt": "#8a7a1f", "fear": PURPLE, "sadness": BLUE,
}  # fmt: skip
"""Stacked from the floor in this order, as on the page; neutral is what is left."""
LINES: Final = (("valence", GREEN, "#cfe9df"), ("arousal", PURPLE, "#ecdbe6"))
_HIGH: Final = 78.0
_FLOOR: Final = 4.0


def emotion_rows(view: View, columns: Columns | None) -> Iterable[Band]:
    """Shares stacked with the label that leads over them, then valence and arousal; nothing
    where there is no reading within the span."""
    if columns is None or view.still:
        return
    start, end = (columns[name].astype(np.float64) for name in ("start", "end"))
    inside = (end > view.span[0]) & (start < view.span[1])
    known = np.isfinite(columns["valence"].astype(np.float64))
    if not (inside & known).any():
        return
    cut = {name: values[inside] for name, values in columns.items()}
    yield Band(_HIGH, _shares(view, cut))
    yield Band(_HIGH, _lines(view, cut))


def _shares(view: View, columns: Columns) -> Draw:
    def draw(canvas: Canvas, y: float) -> None:
        top, floor = y + 20.0, y + _HIGH - _FLOOR
        canvas.line([(16, y), (view.right, y)], FAINT, 1)
        time_lines(canvas, y, _HIGH, view)
        label(canvas, y + _HIGH / 2, "Emotion", "most likely; hatched: unclear")
        for at, text in ((top, "100 %"), (floor, "0")):
            canvas.text(view.left - 6, at, text, 10, SOFT, "rm")
        for row, (a, b) in enumerate(_places(view, columns)):
            share = {k: float(columns[k][row]) for k in COLOURS}
            if not np.isfinite(share["happiness"]):
                canvas.hatch(a, top, b, floor)
                continue
            low = floor
            for name, colour in COLOURS.items():
                high = low - (floor - top) * share[name]
                if low - high >= 0.5:
                    canvas.box(a, high, b, low, colour)
                low = high
            if columns["unknown"][row]:
                _slashes(canvas, a, top, b, floor)
        canvas.line([(view.left, floor), (view.right, floor)], FAINT, 1)
        for name, a, b in _leading(view, columns):
            text = fit(name, 13, b - a - 4)
            if len(text) > 2:
                ink = SOFT if name in ("neutral", "unclear") else INK
                canvas.text((a + b) / 2, y + 10, text, 13, ink, "mm", strong=ink == INK)

    return draw


def _slashes(canvas: Canvas, x0: float, y0: float, x1: float, y1: float) -> None:
    """Slanted white lines over what does not stand out."""
    tall = y1 - y0
    for at in np.arange(x0 - tall, x1, 8.0):
        a, b = max(at, x0), min(at + tall, x1)
        if b > a:
            canvas.line([(a, y1 - (a - at)), (b, y1 - (b - at))], "#ffffff", 1)


def _places(view: View, columns: Columns) -> Iterator[tuple[float, float]]:
    for a, b in zip(columns["start"], columns["end"], strict=True):
        yield view.x(float(a)), view.x(float(b))


def _leading(view: View, columns: Columns) -> list[tuple[str, float, float]]:
    """Labels that lead, and the pixels over which each does; doubtful moments are "unclear"."""
    names = ["neutral", *COLOURS]
    shares = np.stack([columns[name].astype(np.float64) for name in names], axis=1)
    found: list[tuple[str, float, float]] = []
    for row, (a, b) in enumerate(_places(view, columns)):
        if not np.isfinite(shares[row]).all():
            continue
        name = "unclear" if columns["unknown"][row] else names[int(shares[row].argmax())]
        if found and found[-1][0] == name and abs(found[-1][2] - a) < 1:
            found[-1] = (name, found[-1][1], b)
        else:
            found.append((name, a, b))
    return found


def _lines(view: View, columns: Columns) -> Draw:
    def draw(canvas: Canvas, y: float) -> None:
        middle, half = y + _HIGH / 2, _HIGH / 2 - 6
        canvas.line([(16, y), (view.right, y)], FAINT, 1)
        x = np.array([(a + b) / 2 for a, b in _places(view, columns)])
        bands = [(n, c, pale, *_band(columns, n)) for n, c, pale in LINES]
        for _, _, pale, low, high in bands:
            _between(canvas, x, middle - half * high, middle - half * low, pale)
        time_lines(canvas, y, _HIGH, view)
        for value in (-1, 0, 1):
            at = middle - half * value
            canvas.line([(view.left, at), (view.right, at)], GRID if value else FAINT, 0.5)
            canvas.text(view.left - 6, at, f"{value:+d}" if value else "0", 10, SOFT, "rm")
        canvas.text(16, y + 22, "Pleasure, energy", 16, INK, "lm", strong=True)
        at = 16.0
        for name, colour, _, _, _ in bands:
            canvas.line([(at, y + 44), (at + 18, y + 44)], colour, 2.5)
            canvas.text(at + 24, y + 44, name, 13, SOFT, "lm")
            at += 40 + wide(name, 13)
            canvas.curve(x, middle - half * columns[name].astype(np.float64), colour, 2)
        canvas.text(16, y + 62, "band: 1 sd", 13, SOFT, "lm")

    return draw


def _band(columns: Columns, name: str) -> tuple[Values, Values]:
    value, sd = (columns[n].astype(np.float64) for n in (name, f"{name}_sd"))
    return np.clip(value - sd, -1, 1), np.clip(value + sd, -1, 1)


def _between(canvas: Canvas, x: Values, top: Values, low: Values, fill: Colour) -> None:
    for run in runs(np.isfinite(top) & np.isfinite(low)):
        above = list(zip(x[run].tolist(), top[run].tolist(), strict=True))
        below = list(zip(x[run].tolist(), low[run].tolist(), strict=True))
        canvas.shape([*above, *reversed(below)], fill)
