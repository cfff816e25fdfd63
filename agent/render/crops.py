"""The face strip: one face at the moments that matter, with times and cue ids underneath.

Knows pictures, boxes and captions; which frames to fetch is asked of `moments`, fetching them
is the caller's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from PIL import Image as Pictures

from agent.facs.units import AUS, parse
from agent.render.canvas import FAINT, INK, Canvas, fit
from agent.render.view import Span
from agent.schema.evidence import IMPRESSION, Cue, Evidence
from agent.schema.samples import Image

TILE: Final = 224
"""Pixels of one face; vision models see it whole at this size."""
ACROSS: Final = 6
_GAP: Final = 8
_CAPTION: Final = 62
_AROUND: Final = 0.22
"""Share of the box added on each side, so that hair and chin are in."""

Box = tuple[float, float, float, float]


class Shot(NamedTuple):
    """One face of the strip."""

    time: float
    """Seconds."""
    image: Image | Pictures.Image
    """The whole frame, RGB."""
    box: Box
    """x, y, width, height of the face in pixels."""
    label: str
    """What to say under it, such as cue ids; lines split at newlines, two are shown."""


def face_strip(
    frames: Sequence[Shot | tuple[float, Image | Pictures.Image, Box, str]],
) -> Pictures.Image:
    """Crops of one face, six across, in the order given; all at the same scale.

    RGB, 224 pixels a face with captions underneath. Raises ValueError for an empty list or a
    box without size.
    """
    shots = [Shot(*frame) for frame in frames]
    if not shots:
        raise ValueError("no frames to draw: the face strip needs at least one")
    down = -(-len(shots) // ACROSS)
    across = -(-len(shots) // down)
    canvas = Canvas(across * (TILE + _GAP) + _GAP, down * (TILE + _CAPTION + _GAP) + _GAP)
    # One scale for all keeps a face from breathing as its box does.
    side = float(np.median([_side(shot) for shot in shots]))
    for i, shot in enumerate(shots):
        x = _GAP + i % across * (TILE + _GAP)
        y = _GAP + i // across * (TILE + _CAPTION + _GAP)
        canvas.paste(x, y, _crop(shot, max(side, 0.8 * _side(shot)), TILE * 2))
        canvas.box(x, y, x + TILE, y + TILE, None, FAINT, 1)
        canvas.text(x + 2, y + TILE + 13, f"{shot.time:.2f} s", 16, INK, "lm", strong=True)
        for line, text in enumerate(shot.label.split("\n")[:2]):
            canvas.text(x + 2, y + TILE + 33 + 18 * line, fit(text, 14, TILE - 4), 14, INK, "lm")
    return canvas.finish()


def _side(shot: Shot) -> float:
    """Side of the square around a face in pixels."""
    _, _, width, height = shot.box
    side = max(width, height) * (1 + 2 * _AROUND)
    if not side > 0:
        raise ValueError(f"the face at {shot.time:g} s has a box without size: {shot.box}")
    return float(side)


def _crop(shot: Shot, side: float, pixels: int) -> Pictures.Image:
    """The square around a face, grey where it leaves the frame."""
    frame = shot.image if isinstance(shot.image, Pictures.Image) else Pictures.fromarray(shot.image)
    x, y, width, height = shot.box
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    # Rather off centre than beyond the frame's edge, where the frame is large enough.
    left = min(max(left, 0.0), frame.width - side) if frame.width >= side else left
    top = min(max(top, 0.0), frame.height - side) if frame.height >= side else top
    out = Pictures.new("RGB", (round(side), round(side)), "#dfe3e6")
    out.paste(frame.convert("RGB"), (-round(left), -round(top)))
    return out.resize((pixels, pixels), Pictures.Resampling.LANCZOS)


def moments(
    evidence: Evidence, person: str | None = None, span: Span | None = None, most: int = 12
) -> list[tuple[float, str]]:
    """Times worth a look in seconds, in order, each with its caption.

    Apexes of the strongest action unit events, then their onsets, then evenly spread moments;
    none closer than a fortieth of the span to another. `person` None is the main one.
    """
    start, end = span or (0.0, evidence.media.duration)
    shown = person or (evidence.main.id if evidence.main else None)
    cues = [c for c in evidence.of(shown, "face") if start <= c.apex <= end]
    cues = [c for c in cues if c.code not in ("AU45", IMPRESSION)]
    cues.sort(key=lambda c: (-(c.intensity or 0.0), c.start))
    apart = (end - start) / 40
    even = max(3, most // 3)
    wanted = [(c.apex, "apex") for c in cues[: most - even]]
    wanted += [(start + (end - start) * (i + 0.5) / even, "") for i in range(even)]
    wanted += [(c.start, "onset") for c in cues[: most // 3]]
    kept: list[float] = []
    for time, _ in wanted:
        inside = start <= time <= end
        if inside and len(kept) < most and all(abs(time - k) > apart for k in kept):
            kept.append(time)
    return [(time, caption(cues, time)) for time in sorted(kept)] or [(start, "")]


def caption(cues: Sequence[Cue], time: float) -> str:
    """Ids and names of what is going on at a moment, strongest first, two lines."""
    lines = []
    for cue in cues:
        if cue.start - 0.02 <= time <= cue.end + 0.02:
            number = parse(cue.code)
            name = AUS[number].name if number in AUS and number is not None else cue.code
            at = " apex" if abs(time - cue.apex) < 0.02 else ""
            lines.append(f"{cue.id} {cue.code}{' ' + cue.grade if cue.grade else ''}{at}: {name}")
    if len(lines) > 2:
        lines[1:] = ["also " + " ".join(line.split()[0] for line in lines[1:])]
    return "\n".join(lines)
