"""Plots as SVG text: no library, no script, colours from the page's own variables.

Knows numbers and words, nothing of benchmarks. Everything drawn is escaped. Widths are in the
units of the picture's own view box; the page scales it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

Span = tuple[float, float]


def tag(name: str, inner: str = "", **attributes: Any) -> str:
    """One element; `cls` is class, underscores in names are hyphens."""
    words = {("class" if k == "cls" else k.replace("_", "-")): v for k, v in attributes.items()}
    text = "".join(f' {k}="{escape(_plain(v))}"' for k, v in words.items() if v is not None)
    return f"<{name}{text}>{inner}</{name}>"


def _plain(value: Any) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def words(x: float, y: float, text: str, cls: str = "", anchor: str = "start") -> str:
    """A piece of text at a point."""
    return tag("text", escape(text), x=x, y=y, cls=cls or None, text_anchor=anchor)


def picture(width: float, height: float, parts: Iterable[str], label: str) -> str:
    """A whole picture with a name for those who hear the page."""
    inner = tag("title", escape(label)) + "".join(parts)
    return tag(
        "svg", inner, viewBox=f"0 0 {_plain(float(width))} {_plain(float(height))}", role="img"
    )


def percent(value: float | None) -> str:
    """A share as whole percent; a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{100 * value:.0f} %"


def confusion(rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Gold down, answers across; the darker a cell, the greater its share of the row."""
    cell, left, top = 46.0, 112.0, 78.0
    shown = [j for j in range(len(columns)) if j < len(rows) or any(row[j] for row in counts)]
    parts = [words(left - 10, top - 14, "gold ↓ answer →", "small muted", "end")]
    for x, j in enumerate(shown):
        at = left + x * cell + cell / 2 + (8 if j >= len(rows) else 0)
        turned = words(0, 0, columns[j], "small muted" if j >= len(rows) else "small")
        parts.append(tag("g", turned, transform=f"translate({at + 3:.1f} {top - 10}) rotate(-38)"))
    for i, (name, row) in enumerate(zip(rows, counts, strict=True)):
        y = top + i * cell
        parts.append(words(left - 10, y + cell / 2 + 4, name, "small", "end"))
        whole = sum(row) or 1
        for x, j in enumerate(shown):
            at = left + x * cell + (8 if j >= len(rows) else 0)
            parts.append(_cell(at, y, cell, row[j], row[j] / whole, i == j, j >= len(rows)))
    width = left + len(shown) * cell + 70
    return picture(width, top + len(rows) * cell + 4, parts, "confusion of gold and answers")


def _cell(x: float, y: float, size: float, n: int, share: float, right: bool, outside: bool) -> str:
    kind = "right" if right else "outside" if outside else "wrong"
    box = tag("rect", x=x + 1, y=y + 1, width=size - 2, height=size - 2, rx=5, cls="well")
    fill = tag(
        "rect", x=x + 1, y=y + 1, width=size - 2, height=size - 2, rx=5,
        cls=f"cell {kind}", fill_opacity=round(share, 3),
    )  # fmt: skip
    number = words(x + size / 2, y + size / 2 + 4, str(n) if n else "",
                   "small strong" + (" inverse" if share > 0.55 else ""), "middle")  # fmt: skip
    return box + (fill if n else "") + number


def intervals(
    rows: Sequence[tuple[str, float, Span | None, str]],
    marks: Mapping[str, float] | None = None,
    width: float = 560.0,
    low: float = 0.0,
    high: float = 1.0,
) -> str:
    """A dot and its interval a row, on one scale; `marks` are dashed lines such as chance."""
    left, right, step, top = 132.0, 100.0, 30.0, 26.0 if marks else 8.0
    across = width - left - right

    def at(value: float) -> float:
        return left + across * (min(max(value, low), high) - low) / (high - low)

    bottom = top + step * len(rows)
    parts = []
    for tick in _ticks(low, high):
        parts.append(tag("line", x1=at(tick), x2=at(tick), y1=top - 6, y2=bottom, cls="grid"))
        shown = percent(tick) if (low, high) == (0.0, 1.0) else f"{tick:g}"
        parts.append(words(at(tick), bottom + 16, shown, "tiny muted", "middle"))
    for name, value in (marks or {}).items():
        parts.append(tag("line", x1=at(value), x2=at(value), y1=top - 8, y2=bottom, cls="mark"))
        parts.append(words(at(value), top - 12, name, "tiny muted", "middle"))
    for i, (name, value, between, note) in enumerate(rows):
        y = top + step * i + step / 2
        parts.append(words(left - 12, y + 4, name, "small", "end"))
        if between is not None:
            a, b = at(between[0]), at(between[1])
            parts.append(tag("rect", x=a, y=y - 4, width=max(b - a, 1), height=8, rx=4, cls="band"))
        if math.isfinite(value):
            parts.append(tag("circle", cx=at(value), cy=y, r=5.5, cls="dot"))
        parts.append(words(width - right + 14, y + 4, note, "small muted"))
    return picture(width, bottom + 24, parts, "values with their intervals")


def _ticks(low: float, high: float) -> list[float]:
    return [low + (high - low) * i / 4 for i in range(5)]


def bars(
    rows: Sequence[tuple[str, float, str]],
    width: float = 560.0,
    least: float = 1.0,
    left: float = 132.0,
) -> str:
    """A bar a row from 0 to `least` or the greatest value, with a note behind it."""
    right, step = 180.0, 26.0
    most = max([least, *(v for _, v, _ in rows if math.isfinite(v))])
    across = width - left - right
    parts = []
    for i, (name, value, note) in enumerate(rows):
        y = step * i
        size = across * value / most if math.isfinite(value) else 0.0
        parts.append(words(left - 12, y + 17, name, "small", "end"))
        parts.append(tag("rect", x=left, y=y + 6, width=across, height=14, rx=4, cls="well"))
        if size > 0:
            long = max(size, 3)
            parts.append(tag("rect", x=left, y=y + 6, width=long, height=14, rx=4, cls="bar"))
        parts.append(words(left + across + 10, y + 17, note, "small muted"))
    return picture(width, step * len(rows) + 6, parts, "bars")


def reliability(rows: Sequence[Mapping[str, float]]) -> str:
    """Stated confidence against accuracy; the diagonal is honest, dots as large as their bin."""
    size, left, top = 300.0, 46.0, 12.0
    most = max((row["n"] for row in rows), default=1.0)

    def at(x: float, y: float) -> Span:
        return left + size * x, top + size * (1 - y)

    parts = [tag("rect", x=left, y=top, width=size, height=size, rx=6, cls="well")]
    for tick in _ticks(0, 1):
        x, y = at(tick, tick)
        parts.append(tag("line", x1=left, x2=left + size, y1=y, y2=y, cls="grid"))
        parts.append(words(left - 8, y + 4, f"{100 * tick:.0f}", "tiny muted", "end"))
        parts.append(words(x, top + size + 16, f"{100 * tick:.0f}", "tiny muted", "middle"))
    (x1, y1), (x2, y2) = at(0, 0), at(1, 1)
    parts.append(tag("line", x1=x1, y1=y1, x2=x2, y2=y2, cls="mark"))
    for row in rows:
        x, y = at(row["confidence"], row["accuracy"])
        _, honest = at(0, row["confidence"])
        parts.append(tag("line", x1=x, x2=x, y1=y, y2=honest, cls="gap"))
        name = tag("title", f"{row['n']:.0f} answers")
        radius = 4 + 9 * math.sqrt(row["n"] / most)
        parts.append(tag("circle", name, cx=x, cy=y, r=radius, cls="dot soft"))
    parts.append(words(left + size / 2, top + size + 34, "stated confidence, %", "small muted",
                       "middle"))  # fmt: skip
    turned = words(0, 0, "right, %", "small muted", "middle")
    parts.append(tag("g", turned, transform=f"translate(14 {top + size / 2}) rotate(-90)"))
    return picture(left + size + 16, top + size + 42, parts, "reliability diagram")


def scatter(points: Sequence[Span], name: str) -> str:
    """Gold across, answer up, both −1…1; the diagonal is exact."""
    size, left, top = 240.0, 34.0, 26.0

    def at(x: float, y: float) -> Span:
        clip = [min(max(v, -1.0), 1.0) for v in (x, y)]
        return left + size * (clip[0] + 1) / 2, top + size * (1 - clip[1]) / 2

    (x1, y1), (x2, y2) = at(-1, -1), at(1, 1)
    parts = [
        words(left, top - 10, name, "small strong"),
        tag("rect", x=left, y=top, width=size, height=size, rx=6, cls="well"),
        tag("line", x1=x1, y1=y1, x2=x2, y2=y2, cls="mark"),
    ]
    for point in points:
        x, y = at(*point)
        parts.append(tag("circle", cx=x, cy=y, r=3.5, cls="dot soft"))
    parts.append(words(left + size / 2, top + size + 16, "gold", "tiny muted", "middle"))
    return picture(left + size + 12, top + size + 22, parts, f"{name}: gold and answer")


def stacked(parts: Sequence[tuple[str, float, str]], width: float = 1040.0) -> str:
    """One bar of several parts: name, size, class; with a legend under it."""
    whole = sum(size for _, size, _ in parts) or 1.0
    x, legend, shapes = 0.0, 0.0, []
    for name, size, cls in parts:
        if size <= 0:
            continue
        long = width * size / whole
        shapes.append(
            tag("rect", x=x + 1, y=0, width=max(long - 2, 1), height=14, rx=4, cls=f"part {cls}")
        )
        text = f"{name} {size:g}"
        shapes.append(tag("rect", x=legend, y=27, width=9, height=9, rx=2.5, cls=f"part {cls}"))
        shapes.append(words(legend + 15, 36, text, "small"))
        x, legend = x + long, legend + 15 + 8.2 * len(text) + 22
    return picture(width, 44, shapes, "what became of the samples")
