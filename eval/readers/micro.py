"""Micro-expressions: a table of movements and folders of numbered pictures.

What CASME II, SAMM and CAS(ME)³ have in common; each has its own reader beside this file. Onset
and offset count pictures by the numbers in their names; pictures that were dropped are bridged.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from agent.media import MediaError
from agent.media import image_folder as frames
from eval.readers import LayoutError, Need, need, sheets
from eval.samples import Sample

_UNIT: Final = re.compile(r"\s*(?:AU)?\s*[LRlr]?\s*(\d{1,2})\s*[A-Ea-e]?\s*")


@dataclass(frozen=True, slots=True)
class Layout:
    """How one data set lays its table and its pictures out."""

    dataset: str
    fps: float
    tables: tuple[str, ...]
    """Patterns of the table, the best first."""
    columns: tuple[str, str, str, str, str, str]
    """Of person, film, onset, offset, action units, emotion."""
    films: str
    """Pattern of the folders of pictures."""
    up: int
    """From a folder of pictures to the folder that holds all people: so many steps up."""
    person: Callable[[str], str]
    """Name of a person's folder, from the table's."""
    inside: str = "."
    """Where a film's folder holds its pictures."""


def needs(layout: Layout) -> tuple[Need, ...]:
    """What the root must hold."""
    pictures = (f"{layout.films}/*.{suffix}" for suffix in ("jpg", "png", "bmp"))
    return need("the table", *layout.tables), need("folders of pictures", *pictures)


def read(layout: Layout, root: Path) -> Iterator[Sample]:
    """One sample a movement. Raises LayoutError where a folder that the table names is missing."""
    above = sorted(root.glob(layout.films))[0].parents[layout.up - 1]
    table = next(path for pattern in layout.tables for path in sorted(root.glob(pattern)))
    for row in sheets.rows(table, layout.columns):
        person, film, first, last, codes, feeling = (row[name] for name in layout.columns)
        folder = above / layout.person(person) / film / layout.inside
        if not folder.is_dir():
            raise LayoutError(f"{table} names {folder}, which is not there")
        labels: dict[str, Any] = {"aus": units(codes)}
        if feeling:
            labels["label"] = feeling.lower()
        yield Sample(
            id=f"{layout.person(person)}/{film}@{first}",
            path=folder,
            labels=labels,
            dataset=layout.dataset,
            person=layout.person(person),
            span=_span(folder, first, last, layout.fps),
            fps=layout.fps,
        )


def _span(folder: Path, onset: str, offset: str, fps: float) -> tuple[float, float]:
    """Seconds in the film. Raises LayoutError for numbers that are none."""
    try:
        first, last = int(float(onset)), int(float(offset))
    except ValueError as error:
        raise LayoutError(f"{folder}: onset {onset!r} or offset {offset!r} is none") from error
    shown = numbers(folder)
    begin = min(bisect_left(shown, first), len(shown) - 1)
    end = max(begin + 1, min(bisect_left(shown, last + 1), len(shown)))
    return begin / fps, end / fps


@cache
def numbers(folder: Path) -> list[int]:
    """Frame numbers of a folder's pictures, in order. Raises LayoutError without a picture."""
    try:
        return [frames.number(picture) for picture in frames.pictures(folder)]
    except MediaError as error:
        raise LayoutError(str(error)) from error


def units(text: str) -> list[str]:
    """Action units of "4+L10" or "R12A + R14A"; what is left open ("or", "?") is left out."""
    parts = (_UNIT.fullmatch(part) for part in re.split(r"[+,]", text))
    return list(dict.fromkeys(f"AU{int(match[1])}" for match in parts if match))
