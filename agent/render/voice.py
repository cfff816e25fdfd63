"""Rows of the strip below the face: head, voice, words, and cues as labelled bars.

Knows columns and cues, and how to draw them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from agent.render.canvas import (
    CREAM,
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
    lanes,
    legible,
    runs,
    wide,
)
from agent.render.view import Band, Draw, View, label, note, time_lines
from agent.schema.evidence import Cue

_TURN: Final = 40.0
"""Degrees at the edge of the head's row."""
_LOUD: Final = 45.0
"""Decibels under the loudest at the floor of the loudness row."""
SILENT: Final = -60.0
"""Loudest moment, dB of full scale, from which there is something to draw; the voice calls a track
below it silent."""
_UNITS: Final[Mapping[str, str]] = {
    "semitones": "st", "semitones/s": "st/s", "syllables/s": "syl/s", "degrees": "°",
}  # fmt: skip


def head_rows(view: View) -> Iterable[Band]:
    """Turning and tipping in degrees, then nods, shakes and the like."""
    yaw, pitch = (view.column(view.series, f"pose_{axis}") for axis in ("yaw", "pitch"))
    if yaw is not None or pitch is not None:
        yield Band(56, _head(view, yaw, pitch))
    cues = [cue for cue in view.cues("head") if not _holds(view, cue)]
    yield from _bars(view, cues, "Head cues", GREEN, 3)


def _head(view: View, yaw: Values | None, pitch: Values | None) -> Draw:
    def draw(canvas: Canvas, y: float) -> None:
        middle, half = y + 28.0, 20.0
        canvas.line([(16, y), (view.right, y)], FAINT, 1)
        time_lines(canvas, y, 56, view)
        for degrees in (-_TURN, 0, _TURN):
            at = middle - half * degrees / _TURN
            canvas.line([(view.left, at), (view.right, at)], GRID, 0.5)
            text = f"{degrees:+.0f}°" if degrees else "0°"
            canvas.text(view.left - 6, at, text, 10, SOFT, "rm")
        canvas.text(16, y + 19, "Head", 16, INK, "lm", strong=True)
        x, _ = view.grid()
        for name, at, colour, column in (
            ("turn", 16, GREEN, yaw), ("tip", 84, PURPLE, pitch),
        ):  # fmt: skip
            canvas.line([(at, y + 40), (at + 18, y + 40)], colour, 2.5)
            canvas.text(at + 24, y + 40, name, 13, SOFT, "lm")
            if column is not None:
                canvas.curve(x, middle - half * np.clip(column, -_TURN, _TURN) / _TURN, colour, 1.8)

    return draw


def voice_rows(view: View) -> Iterable[Band]:
    """Loudness with speech shaded, pitch, then what is notable about them."""
    energy = view.column(view.voice, "energy_db", bridge=0.05)
    if energy is not None and not float(np.nanmax(energy)) > SILENT:
        energy = None
    cues = view.cues("voice", anybody=True)
    if energy is None and not cues:
        why = view.why("sound", "speech", "voice") or "the sound track is silent"
        yield note(why, "Voice")
        return
    if energy is not None:
        yield Band(64, _loudness(view, energy, [cue for cue in cues if cue.code == "speech"]))
        f0 = view.column(view.voice, "f0_hz", bridge=0.025)
        if f0 is not None:
            yield Band(64, _pitch(view, f0))
    brief = [c for c in cues if (c.code != "speech" or energy is None) and not _holds(view, c)]
    yield from _bars(view, brief, "Voice cues", ORANGE, 4)


def _holds(view: View, cue: Cue) -> bool:
    """Whether a cue is about most of what is drawn rather than about a moment."""
    return cue.code != "speech" and cue.end - cue.start >= 0.6 * (view.span[1] - view.span[0])


def _loudness(view: View, energy: Values, speech: Sequence[Cue]) -> Draw:
    def draw(canvas: Canvas, y: float) -> None:
        top, floor = y + 18.0, y + 60.0
        canvas.line([(16, y), (view.right, y)], FAINT, 1)
        for cue in speech:
            canvas.box(view.x(cue.start), y + 2, view.x(cue.end), floor, "#fdf3da")
        time_lines(canvas, y, 64, view)
        label(
            canvas, y + 34, "Voice", "loudness; shaded: speech" if speech else "loudness; no speech"
        )
        for at, text in ((top, "0 dB"), (floor, f"-{_LOUD:.0f}")):
            canvas.text(view.left - 6, at, text, 10, SOFT, "rm")
        share = np.clip((energy - float(np.nanmax(energy)) + _LOUD) / _LOUD, 0, 1)
        canvas.area(view.grid()[0], floor - (floor - top) * share, floor, ORANGE)
        canvas.line([(view.left, floor), (view.right, floor)], FAINT, 1)
        _ids(canvas, speech, view, y + 10)

    return draw


def _ids(canvas: Canvas, cues: Sequence[Cue], view: View, y: float) -> None:
    """Ids at the start of their spans, where they do not run into each other."""
    places = [(view.x(c.start), view.x(c.start) + wide(c.id, 13) + 12) for c in cues]
    for cue, (a, b), lane in zip(cues, places, lanes(places, 1), strict=True):
        if lane is not None and b <= view.right + 4:
            canvas.text(a + 4, y, cue.id, 13, INK, "lm", strong=True)


def _pitch(view: View, f0: Values) -> Draw:
    low, high = (float(q) for q in np.nanpercentile(f0, (1, 99)))
    low, high = low / 1.12, max(high * 1.12, low * 1.6)

    def level(hz: Values, y: float) -> Values:
        share = np.log(np.clip(hz, low, high) / low) / np.log(high / low)
        return np.asarray(y + 59 - 54 * share)

    def draw(canvas: Canvas, y: float) -> None:
        time_lines(canvas, y, 64, view)
        label(canvas, y + 32, "Pitch", "Hz, where voiced")
        for hz in (75.0, 100.0, 150.0, 200.0, 300.0, 400.0):
            if low * 1.03 <= hz <= high / 1.03:
                at = float(level(np.array([hz]), y)[0])
                canvas.line([(view.left, at), (view.right, at)], GRID, 0.5)
                canvas.text(view.left - 6, at, f"{hz:.0f}", 10, SOFT, "rm")
        x, _ = view.grid()
        shown = level(f0, y)
        canvas.curve(x, shown, VERMILION, 2.4)
        for run in runs(np.isfinite(shown)):
            if run.stop - run.start <= 2:
                canvas.dot(float(x[run][0]), float(shown[run][0]), 1.2, VERMILION)

    return draw


def word_rows(view: View) -> Iterable[Band]:
    """What is said, as quotations at their time."""
    cues = view.cues("words", anybody=True)
    if not cues:
        yield note(view.why("words") or "none", "Words")
        return
    texts, places = [], []
    for cue in cues:
        a, b = view.x(cue.start), view.x(cue.end)
        said, _ = legible(cue.text)
        text = fit(f"{cue.id} “{said}”", 14, min(max(b - a, 150.0), view.right - a + 40) - 10)
        a = min(a, view.right - wide(text, 14) - 10)
        texts.append(text)
        places.append((a, max(a + wide(text, 14) + 12, b)))
    yield _stack(view, _Bars("Words", CREAM, cues, texts, places, 3, fill=True))


class _Bars:
    """Cues with their texts and the pixels each takes, in order of importance."""

    def __init__(
        self, name: str, colour: Colour, cues: Sequence[Cue], texts: Sequence[str],
        places: Sequence[tuple[float, float]], most: int, fill: bool = False,
    ) -> None:  # fmt: skip
        self.name, self.colour, self.fill = name, colour, fill
        placed = lanes(places, most)
        self.items = [
            (cue, text, place, lane)
            for cue, text, place, lane in zip(cues, texts, places, placed, strict=True)
            if lane is not None
        ]
        self.lanes = 1 + max((lane for *_, lane in self.items), default=0)
        self.left_out = len(cues) - len(self.items)


def _bars(view: View, cues: Sequence[Cue], name: str, colour: Colour, most: int) -> Iterable[Band]:
    """Bars with id and a few words, in as few lanes as hold them; the notable ones first."""
    if not cues:
        return
    ranked = sorted(cues, key=lambda c: (-abs(c.relative or 0.0), -c.confidence, c.start))
    texts = [_short(cue) for cue in ranked]
    places = []
    for cue, text in zip(ranked, texts, strict=True):
        need = wide(text, 13) + 14
        a = max(min(view.x(cue.start), view.right - need), view.left)
        places.append((a, max(view.x(cue.end), a + need) + 2))
    yield _stack(view, _Bars(name, colour, ranked, texts, places, most))


def overall_row(view: View) -> Iterable[Band]:
    """Cues that hold for most of what is drawn, one after the other."""
    cues = [*view.cues("head"), *view.cues("voice", anybody=True)]
    held = [cue for cue in cues if _holds(view, cue)]
    if not held:
        return
    places, x, line = [], view.left, 0
    for cue in held:
        need = wide(_short(cue), 13) + 16
        if x + need > view.right:
            x, line = view.left, line + 1
        places.append((x, line, need))
        x += need + 10

    def draw(canvas: Canvas, y: float) -> None:
        canvas.line([(16, y), (view.right, y)], GRID, 1)
        label(canvas, y + 18 + 13 * line, "Overall")
        for cue, (at, row, need) in zip(held, places, strict=True):
            top = y + 8 + 26 * row
            edge = GREEN if cue.sense == "head" else ORANGE
            canvas.box(at, top, at + need, top + 20, "#f1f4f6", edge, 1, 4)
            canvas.text(at + 8, top + 10, _short(cue), 13, INK, "lm")

    yield Band(36 + 26 * line, draw)


def _stack(view: View, bars: _Bars) -> Band:
    step = 24.0 if bars.fill else 22.0
    height = max(bars.lanes * step + 10, 44 if bars.left_out else 0)

    def draw(canvas: Canvas, y: float) -> None:
        canvas.line([(16, y), (view.right, y)], FAINT if bars.fill else GRID, 1)
        time_lines(canvas, y, height, view)
        below = f"{bars.left_out} more not drawn" if bars.left_out else ""
        label(canvas, y + height / 2, bars.name, below)
        for cue, text, (a, b), lane in bars.items:
            at = y + 5 + step * (lane + 0.5)
            start, end = view.x(cue.start), view.x(cue.end)
            if bars.fill:
                canvas.box(a, at - 10, b - 2, at + 10, bars.colour, radius=4)
            else:
                canvas.box(a, at - 9, b - 2, at + 9, "#f1f4f6")
                canvas.box(start, at + 6, max(end, start + 2), at + 9, bars.colour)
            canvas.text(
                a + 6, at - (0 if bars.fill else 1), text, 14 if bars.fill else 13, INK, "lm"
            )

    return Band(height, draw)


def _short(cue: Cue) -> str:
    """Id and a few words: what fits on a bar."""
    text = f"{cue.id} {cue.code.replace('_', ' ')}"
    if cue.value is not None:
        unit = _UNITS.get(cue.unit or "", cue.unit or "")
        text += f" {cue.value:.3g}{'' if unit == '°' else ' '}{unit}".rstrip()
    return text if cue.relative is None else f"{text} {cue.relative:+.1f} sd"
