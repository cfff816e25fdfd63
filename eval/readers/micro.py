"""Micro-expressions: a table of movements and folders of numbered pictures.

What CASME II, SAMM and CAS(ME)³ have in common; each has its own reader beside this file. Onset
and offset count pictures by the numbers in their names; pictures that were dropped are bridged.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from agent import frames
from agent.media import MediaError
from eval.readers import LayoutError
from eval.samples import Sample

_UNIT: Final = re.compile(r"\s*(?:AU)?\s*[LRlr]?\s*(\d{1,2})\s*[A-Ea-e]?\s*")


def sample(
    dataset: str,
    folder: Path,
    fps: float,
    frame: tuple[str, str],
    person: str,
    labels: dict[str, Any],
) -> Sample:
    """One movement: `frame` holds onset and offset as the table writes them.

    Raises LayoutError for numbers that are none, or a folder without pictures.
    """
    try:
        first, last = (int(float(text)) for text in frame)
    except ValueError as error:
        raise LayoutError(f"{folder}: onset or offset {frame} is no number") from error
    shown = numbers(folder)
    begin = min(bisect_left(shown, first), len(shown) - 1)
    end = max(begin + 1, min(bisect_left(shown, last + 1), len(shown)))
    told = {name: value for name, value in labels.items() if value not in ("", None)}
    return Sample(
        id=f"{folder_name(folder)}@{first}",
        path=folder,
        labels=told,
        dataset=dataset,
        person=person,
        span=(begin / fps, end / fps),
        fps=fps,
    )


def folder_name(folder: Path) -> str:
    """Person and film; the camera's folder below is not part of a name."""
    named = folder.parent if folder.name == "color" else folder
    return f"{named.parent.name}/{named.name}"


@cache
def numbers(folder: Path) -> list[int]:
    """Frame numbers of a folder's pictures, in order. Raises LayoutError without a picture."""
    try:
        return [frames.number(picture) for picture in frames.pictures(folder)]
    except MediaError as error:
        raise LayoutError(str(error)) from error


def units(text: str) -> list[str]:
    """Action units of "4+L10" or "R12A + R14A"; what is left open ("or", "?") is left out."""
    found = []
    for part in re.split(r"[+,]", text):
        match = _UNIT.fullmatch(part)
        if match is not None:
            found.append(f"AU{int(match[1])}")
    return list(dict.fromkeys(found))


def emotion(text: str) -> str | None:
    """A label in lower case; None for a row without one."""
    return text.strip().lower() or None


def one(root: Path, *patterns: str) -> Iterator[Path]:
    """The first file that a pattern finds."""
    for pattern in patterns:
        if found := sorted(root.glob(pattern)):
            yield found[0]
            return
