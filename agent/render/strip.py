"""The strip: one person's face, head, voice and words over time, every cue with its id.

Knows evidence and series; measures and concludes nothing. Rows from top to bottom: emotions
where their series is given, action units that matter, head, voice, words, the axis in seconds,
what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from PIL import Image as Pictures

from agent.render import emotion, face, voice
from agent.render.canvas import BLUE, INK, SKY, SOFT, VERMILION, Canvas, clock, fit, ticks, wide
from agent.render.view import GUTTER, Band, Span, View
from agent.schema.evidence import Evidence, Missing
from agent.schema.samples import Columns

WIDTH: Final = 1400
NARROWEST: Final = 800
_MOST_MISSING: Final = 4


def strip(
    evidence: Evidence,
    series: Mapping[str, Columns] | None = None,
    voice_series: Columns | None = None,
    person: str | None = None,
    span: Span | None = None,
    width: int = WIDTH,
    emotions: Columns | None = None,
) -> Pictures.Image:
    """Evidence of one person (None: the main one) over a span in seconds (None: all of it).

    `series`: columns by person, as `perception.series.read_people` gives them; `voice_series` as
    `read_voice`; both may be missing, cues are then drawn without curves. `emotions`: columns of
    this person as `read_emotions` gives them. RGB, `width` pixels wide (at least 800), as high
    as it needs. A clip of any length keeps its width: the largest value a pixel is drawn, and
    ids where there is room. Raises ValueError for a person who is not in the record or a span
    that is empty.
    """
    view = _view(evidence, series or {}, voice_series, person, span, max(width, NARROWEST))
    bands = list(_bands(view, emotions))
    canvas = Canvas(view.width, round(sum(band.height for band in bands)))
    y = 0.0
    for band in bands:
        band.draw(canvas, y)
        y += band.height
    return canvas.finish()


def _view(
    evidence: Evidence,
    series: Mapping[str, Columns],
    voice_series: Columns | None,
    person: str | None,
    span: Span | None,
    width: int,
) -> View:
    shown = evidence.main
    if person is not None:
        shown = next((p for p in evidence.people if p.id == person), None)
        if shown is None:
            known = ", ".join(p.id for p in evidence.people) or "nobody"
            raise ValueError(f"no person {person!r} in this evidence; there is: {known}")
    start, end = span or (0.0, evidence.media.duration)
    if end < start or (span and end == start and evidence.media.duration > 0):
        raise ValueError(f"the span {start:g} to {end:g} s is empty")
    none: Columns = {"time": np.zeros(0, np.float32)}
    columns = series.get(shown.id, none) if shown else none
    return View(evidence, shown, columns, voice_series or none, (start, end), width)


def _bands(view: View, emotions: Columns | None) -> Iterable[Band]:
    yield Band(66, lambda canvas, y: _title(canvas, y, view))
    if view.still:
        yield from face.still_rows(view)
    else:
        yield from emotion.emotion_rows(view, emotions)
        yield from face.rows(view)
        yield from voice.head_rows(view)
        yield from voice.voice_rows(view)
        yield from voice.overall_row(view)
        yield from voice.word_rows(view)
        yield Band(42, lambda canvas, y: _axis(canvas, y, view))
    yield from _missing(view)
    yield Band(12, lambda _canvas, _y: None)


def _title(canvas: Canvas, y: float, view: View) -> None:
    person, everybody = view.person, view.evidence.people
    who = "Nobody seen" if person is None else person.id
    if person is not None and person.main and len(everybody) > 1:
        who += ", main person"
    canvas.text(16, y + 26, who, 22, INK, "lm", strong=True)
    others = len(everybody) - (person is not None)
    rest = f" · {others} more {'person' if others == 1 else 'people'} in the clip" if others else ""
    name = fit(view.evidence.media.file, 14, 330)
    canvas.text(16, y + 50, f"{name} · {_when(view)}{rest}", 14, SOFT, "lm")
    if person is not None and not view.still:
        _legend(canvas, y + 50, view.right)
    if person is not None and person.doubt:
        canvas.text(view.right, y + 24, fit(person.doubt, 14, 700), 14, VERMILION, "rm")


def _when(view: View) -> str:
    if view.still:
        return "still picture"
    start, end = (round(edge, 1) for edge in view.span)
    unit = " s" if end - start < 90 else ""
    return f"{clock(start, end - start)} to {clock(end, end - start)}{unit}"


def _legend(canvas: Canvas, y: float, right: float) -> None:
    """What the marks mean, from right to left."""
    x = right
    for text, mark in (
        ("not seen", "hatch"), ("brief, at most 0.5 s", "brief"), ("apex", "apex"),
        ("event", "event"), ("intensity 0-5 (A-E)", "curve"),
    ):  # fmt: skip
        x -= wide(text, 13)
        canvas.text(x, y, text, 13, SOFT, "lm")
        x -= 24
        if mark == "hatch":
            canvas.hatch(x, y - 6, x + 18, y + 6)
        elif mark == "brief":
            face.brief_mark(canvas, x + 9, y)
        elif mark == "apex":
            face.apex_mark(canvas, x + 9, y + 4, BLUE)
        else:
            canvas.box(x, y - 5, x + 18, y + 5, BLUE if mark == "event" else SKY)
        x -= 16


def _axis(canvas: Canvas, y: float, view: View) -> None:
    canvas.line([(view.left, y + 6), (view.right, y + 6)], SOFT, 1)
    span = view.span[1] - view.span[0]
    for tick in ticks(*view.span):
        x = view.x(tick)
        canvas.line([(x, y + 6), (x, y + 12)], SOFT, 1)
        text = clock(tick, span)
        middle = min(x, canvas.width - 6 - wide(text, 14) / 2)
        canvas.text(middle, y + 24, text, 14, INK, "mm")
    unit = "time (s)" if span < 90 else "time (min:s)" if span < 3600 else "time (h:min:s)"
    canvas.text(GUTTER - 34, y + 24, unit, 14, SOFT, "rm")


def _missing(view: View) -> Iterable[Band]:
    """What a reader would expect and will not find, unless a row has said so already."""
    left = [m for m in view.evidence.missing if m.what not in _drawn(view) and _about(view, m)]

    def draw(canvas: Canvas, y: float) -> None:
        canvas.text(16, y + 16, "Missing", 14, SOFT, "lm", strong=True)
        for i, missing in enumerate(left[:_MOST_MISSING]):
            text = fit(f"{missing.what}: {missing.why}", 13, view.right - view.left)
            canvas.text(view.left, y + 16 + 20 * i, text, 13, SOFT, "lm")

    if left:
        yield Band(14 + 20 * min(len(left), _MOST_MISSING), draw)


def _drawn(view: View) -> set[str]:
    """What a row without anything in it has given the reason for."""
    said = set()
    if not view.cues("face") and not len(view.series["time"]):
        said |= {"face", "faces"}
    if not view.still and not view.cues("voice", anybody=True) and not len(view.voice["time"]):
        said |= {"sound", "speech", "voice"}
    if not view.still and not view.cues("words", anybody=True):
        said.add("words")
    return said


def _about(view: View, missing: Missing) -> bool:
    """Whether it is not about somebody else: such reasons begin with the person's id."""
    whose = missing.why.partition(":")[0]
    return view.person is None or all(
        p.id == view.person.id or whose != p.id for p in view.evidence.people
    )
