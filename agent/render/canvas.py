"""A small canvas: text that fits, bars that do not collide, curves over time, a time axis.

Knows Pillow and pixels; nothing of evidence. Everything is drawn at twice the size and scaled
down, which smooths edges and letters. Coordinates are in final pixels, y down.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

Colour = str
Values = npt.NDArray[np.floating]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Anchor = Literal["la", "lm", "ma", "mm", "ra", "rm", "ls", "ms", "rs"]

INK: Final = "#1b1f24"
SOFT: Final = "#5d6670"
FAINT: Final = "#c9d0d6"
GRID: Final = "#e9edf0"
PAPER: Final = "#ffffff"
# Okabe & Ito's palette, told apart with every common kind of colour blindness.
BLUE: Final = "#0072b2"
SKY: Final = "#9fd0ee"
VERMILION: Final = "#d55e00"
ORANGE: Final = "#e69f00"
CREAM: Final = "#f8e3b8"
GREEN: Final = "#009e73"
PURPLE: Final = "#a3528a"

_TWICE: Final = 2
_OTHER_FONTS: Final = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSansCJK-Regular.ttc", "Arial Unicode.ttf",
    "arial.ttf", "msyh.ttc", "PingFang.ttc", "wqy-microhei.ttc",
)  # fmt: skip
"""Looked for on the machine where the built-in font lacks a letter."""


@cache
def _font(size: int, name: str | None = None) -> Font:
    pixels = size * _TWICE
    return ImageFont.truetype(name, pixels) if name else ImageFont.load_default(pixels)


@cache
def _draws(name: str | None, letter: str) -> bool:
    """Whether a font has a letter: an unknown one looks like a code point nobody uses."""
    font = _font(16, name)
    if letter.isspace():
        return True
    return bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffe"))


@cache
def _available(name: str) -> bool:
    try:
        _font(16, name)
    except OSError:
        return False
    return True


def legible(text: str) -> tuple[str, str | None]:
    """The text in letters that can be drawn here, and the font for it (None: the built-in).

    Falls back to letters without their accents, then to saying that the script is missing.
    """
    text = " ".join(text.split())
    for name in (None, *filter(_available, _OTHER_FONTS)):
        if all(_draws(name, letter) for letter in text):
            return text, name
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    kept = "".join(c for c in plain if _draws(None, c))
    if sum(c.isalnum() for c in kept) >= 0.7 * sum(c.isalnum() for c in text):
        return kept, None
    return f"[{len(text)} letters, no font here]", None


class Canvas:
    """A white picture to draw on, in final pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Pictures.new("RGB", (width * _TWICE, height * _TWICE), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def finish(self) -> Pictures.Image:
        """The picture at its final size."""
        return self._image.resize((self.width, self.height), Pictures.Resampling.LANCZOS)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 14,
        fill: Colour = INK,
        anchor: Anchor = "la",
        strong: bool = False,
    ) -> None:
        """One line; `strong` draws it a little heavier."""
        shown, name = legible(text)
        self._draw.text(
            (x * _TWICE, y * _TWICE),
            shown,
            fill,
            _font(size, name),
            anchor=anchor,
            stroke_width=0.7 if strong else 0,
            stroke_fill=fill,
        )

    def box(
        self, x0: float, y0: float, x1: float, y1: float, fill: Colour | None = None,
        outline: Colour | None = None, width: float = 1, radius: float = 0,
    ) -> None:  # fmt: skip
        """A rectangle, at least one pixel wide and high."""
        x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
        corners = [v * _TWICE for v in (x0, y0, x1, y1)]
        self._draw.rounded_rectangle(
            corners, min(radius, (x1 - x0) / 2, (y1 - y0) / 2) * _TWICE, fill, outline,
            round(width * _TWICE),
        )  # fmt: skip

    def line(self, points: Iterable[tuple[float, float]], fill: Colour, width: float = 1) -> None:
        """Straight pieces through points."""
        scaled = [(x * _TWICE, y * _TWICE) for x, y in points]
        if len(scaled) > 1:
            self._draw.line(scaled, fill, max(1, round(width * _TWICE)), joint="curve")

    def shape(self, points: Iterable[tuple[float, float]], fill: Colour) -> None:
        """A filled outline."""
        scaled = [(x * _TWICE, y * _TWICE) for x, y in points]
        if len(scaled) > 2:
            self._draw.polygon(scaled, fill)

    def dot(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """A filled circle."""
        x, y, r = x * _TWICE, y * _TWICE, radius * _TWICE
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill)

    def paste(self, x: float, y: float, picture: Pictures.Image) -> None:
        """A picture of twice the size it is to have, its left upper corner at (x, y)."""
        self._image.paste(picture, (round(x * _TWICE), round(y * _TWICE)))

    def hatch(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Slanted lines: nothing was seen here."""
        self.box(x0, y0, x1, y1, fill="#f4f5f6")
        step, tall = 7.0, y1 - y0
        for at in np.arange(x0 - tall, x1, step):
            a, b = max(at, x0), min(at + tall, x1)
            if b > a:
                self.line([(a, y1 - (a - at)), (b, y1 - (b - at))], "#d5dade", 0.5)

    def area(
        self, x: Values, top: Values, floor: float, fill: Colour, line: Colour | None = None
    ) -> None:
        """Fill between a curve and a floor; NaN leaves a gap."""
        for run in runs(np.isfinite(top)):
            xs, ys = x[run], top[run]
            if len(xs) == 1:
                xs, ys = np.array([xs[0], xs[0] + 1]), np.repeat(ys, 2)
            edge = list(zip(xs.tolist(), ys.tolist(), strict=True))
            self.shape([(edge[0][0], floor), *edge, (edge[-1][0], floor)], fill)
            if line:
                self.line(edge, line, 1)

    def curve(self, x: Values, y: Values, fill: Colour, width: float = 1.5) -> None:
        """A line over time; NaN leaves a gap."""
        for run in runs(np.isfinite(y)):
            self.line(zip(x[run].tolist(), y[run].tolist(), strict=True), fill, width)


def wide(text: str, size: int) -> float:
    """Width of a line of text in final pixels."""
    shown, name = legible(text)
    return float(_font(size, name).getlength(shown)) / _TWICE


def fit(text: str, size: int, room: float) -> str:
    """The text, cut with an ellipsis where it is wider than `room`; empty where nothing fits."""
    text, _ = legible(text)
    if wide(text, size) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if wide(text[:middle].rstrip() + "…", size) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…" if low else ""


def runs(flags: npt.NDArray[np.bool_]) -> list[slice]:
    """Slices of consecutive true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def sampled(times: Values, values: Values, at: Values, bridge: float = 0.35) -> Values:
    """A column read at evenly spaced moments: the largest value where several samples fall
    between two of them, so that nothing brief is lost. NaN where none was taken nearby: a gap
    of up to `bridge` seconds, or of three samples, is bridged.
    """
    out = np.full(len(at), np.nan)
    good = np.isfinite(values) & np.isfinite(times)
    times, values = times[good].astype(np.float64), values[good].astype(np.float64)
    if not len(times) or not len(at):
        return out
    step = float(at[1] - at[0]) if len(at) > 1 else 1.0
    usual = float(np.median(np.diff(times))) if len(times) > 1 else step
    far = max(3 * usual, bridge, step)
    after = np.clip(np.searchsorted(times, at), 1, max(len(times) - 1, 1))
    if len(times) == 1:
        near = np.abs(at - times[0]) <= far
        out[near] = values[0]
        return out
    between = np.interp(at, times, values)
    gap = times[after] - times[after - 1]
    nearest = np.minimum(np.abs(at - times[after]), np.abs(at - times[after - 1]))
    inside = (at >= times[0] - usual) & (at <= times[-1] + usual)
    seen = inside & ((gap <= far) | (nearest <= usual))
    out[seen] = between[seen]
    cells = np.round((times - at[0]) / step).astype(int)
    kept = (cells >= 0) & (cells < len(at))
    peaks = np.full(len(at), -np.inf)
    np.maximum.at(peaks, cells[kept], values[kept])
    return np.where(np.isfinite(peaks), np.fmax(peaks, np.nan_to_num(out, nan=-np.inf)), out)


def ticks(start: float, end: float, most: int = 12) -> list[float]:
    """Round moments in [start, end], at most `most`."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
    span = max(end - start, 1e-6)
    step = next((s for s in steps if span / s <= most), span / most)
    first = int(np.ceil(start / step - 1e-6))
    last = int(np.floor(end / step + 1e-6))
    return [round(i * step, 6) for i in range(first, last + 1)]


def clock(seconds: float, span: float) -> str:
    """0.5 s, 12 s, 3:20 or 1:02:00, as a span of this length needs it."""
    if span < 90:
        return f"{seconds:.1f}" if span <= 6 and seconds % 1 else f"{seconds:g}"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def lanes(spans: Sequence[tuple[float, float]], most: int) -> list[int | None]:
    """The lowest free lane of each span (in pixels, in order of importance); None: no room."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(most)]
    out: list[int | None] = []
    for a, b in spans:
        lane = next(
            (i for i, row in enumerate(taken) if all(b <= c or a >= d for c, d in row)), None
        )
        if lane is not None:
            taken[lane].append((a, b))
        out.append(lane)
    return out
