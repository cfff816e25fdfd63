"""Curves of trainings as one SVG: what was logged step by step, a thin line a seed, thick the mean.

    python -m finetune.curves docs/grpo.svg --log reward -- runs/*/grpo/checkpoint-40

Knows the trainer's own log (`trainer_state.json`) and how to draw; no model.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from eval.draw import tag, words

Line = list[tuple[float, float]]
"""Step and value."""
WIDE, HIGH, LEFT, TOP, GAP = 300.0, 170.0, 46.0, 34.0, 64.0
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}"
    ".seed{fill:none;stroke:#8aa4c8;stroke-width:1}.mean{fill:none;stroke:#1f4e9c;stroke-width:2.4}"
    ".grid{stroke:#ddd}.paper{fill:#fff}"
    ".other.seed{stroke:#e3b28f}.other.mean{stroke:#b8560f}.other.name{fill:#b8560f}"
    ".first.name{fill:#1f4e9c}"
)


def logged(checkpoint: Path, key: str) -> Line:
    """What one training logged under a key."""
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return [(e["step"], float(e[key])) for e in state["log_history"] if key in e]


def smooth(line: Line, over: int) -> Line:
    """Each value as the mean of the last `over`."""
    values = [value for _, value in line]
    return [
        (step, float(np.mean(values[max(0, n + 1 - over) : n + 1])))
        for n, (step, _) in enumerate(line)
    ]


def needed(curve: Sequence[tuple[float, float]], target: float) -> float | None:
    """Where along a curve it first reaches a value, by the straight line between two points."""
    for (at, low), (then, high) in pairwise(curve):
        if high >= target:
            return at + (then - at) * max(0.0, (target - low) / (high - low))
    return None


@dataclass(frozen=True, slots=True)
class Other:
    """What is drawn into the same panels to compare with, and what both are called."""

    panels: Mapping[str, Sequence[Line]]
    names: tuple[str, str]


def draw(
    panels: Mapping[str, Sequence[Line]], other: Other | None = None, along: str = "step"
) -> str:
    """Panels side by side, each with its lines and their mean; from 0, or compared from the least.

    `along` is what lies along the axis.
    """
    parts = [tag("style", _STYLE)]
    width = len(panels) * (WIDE + GAP) + 24
    height = TOP + HIGH + 44
    parts.append(tag("rect", x=0.0, y=0.0, width=width, height=height, cls="paper"))
    for number, (name, lines) in enumerate(panels.items()):
        against = other.panels[name] if other else ()
        x0 = LEFT + number * (WIDE + GAP)
        parts += _panel(x0, name, [line for line in lines if line], against, along)
        if other:
            parts.append(words(x0 + WIDE - 70, TOP - 12, other.names[0], "first name", "end"))
            parts.append(words(x0 + WIDE, TOP - 12, other.names[1], "other name", "end"))
    inner = "".join(parts)
    return tag(
        "svg", inner, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=width, height=height,
    )  # fmt: skip


def _panel(
    x0: float, name: str, lines: Sequence[Line], against: Sequence[Line], along: str
) -> list[str]:
    parts = [words(x0, TOP - 12, name, "title")]
    if not lines:
        return [*parts, words(x0, TOP + 20, "nothing logged")]
    both = [*lines, *against]
    steps = max(step for line in both for step, _ in line)
    values = [value for line in both for _, value in line]
    low, high = min(values) if against else min(0.0, *values), max(values)
    high = high if high > low else low + 1

    def at(step: float, value: float) -> str:
        x = x0 + WIDE * step / steps
        return f"{x:.1f},{TOP + HIGH * (1 - (value - low) / (high - low)):.1f}"

    for share in (0.0, 0.5, 1.0):
        y = TOP + HIGH * (1 - share)
        parts.append(tag("line", x1=x0, y1=y, x2=x0 + WIDE, y2=y, cls="grid"))
        parts.append(words(x0 - 6, y + 4, f"{low + share * (high - low):.2f}", "", "end"))
    for share in (0.0, 0.5, 1.0):
        text = f"{steps * share:.0f}"
        parts.append(words(x0 + WIDE * share, TOP + HIGH + 18, text, "", "middle"))
    parts.append(words(x0 + WIDE / 2, TOP + HIGH + 34, along, "", "middle"))
    for group, kind in ((lines, ""), (against, "other ")):
        for line in group:
            points = " ".join(at(*point) for point in line)
            parts.append(tag("polyline", points=points, cls=f"{kind}seed"))
        if group:
            points = " ".join(at(*point) for point in mean(group))
            parts.append(tag("polyline", points=points, cls=f"{kind}mean"))
    return parts


def mean(lines: Sequence[Line]) -> Line:
    """Over the lines, at the steps that all have."""
    tables = [dict(line) for line in lines]
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    return [(step, float(np.mean([table[step] for table in tables]))) for step in shared]


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the curves of some checkpoints."""
    parser = argparse.ArgumentParser(prog="python -m finetune.curves")
    parser.add_argument("out", type=Path, help="SVG")
    parser.add_argument("--log", nargs="+", required=True, metavar="KEY", help="a panel each")
    parser.add_argument("--over", type=int, default=1, help="mean of so many logged values")
    parser.add_argument("checkpoints", nargs="+", type=Path, help="one a seed")
    asked = parser.parse_args(argv)
    panels = {
        key: [smooth(logged(each, key), asked.over) for each in asked.checkpoints]
        for key in asked.log
    }
    asked.out.write_text(draw(panels), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
