"""Which file a table means: names come from other systems, and from people.

Knows names and folders; opens nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple


class Named(NamedTuple):
    """What was found for a name."""

    name: str
    """The file's path from the folder, with forward slashes; the name as written, if none."""
    problem: str | None = None
    """Why it is no file, where more can be said than that it is not there."""
    note: str | None = None
    """How it was found, where it is not written as the file is called."""


def named(root: Path, written: str, suffixes: Collection[str]) -> Named:
    """The file that `written` stands for in `root`: as it is; else with forward slashes, in other
    capitals, or with the one of `suffixes` that was left out."""
    if _is_there(root / written):
        return Named(written)
    plain = written.replace("\\", "/")
    if plain != written and _is_there(root / plain):
        return Named(plain, note=f"{written}: backslashes read as slashes ({plain})")
    path = PurePosixPath(plain)
    beside = _names(root / path.parent)
    alike = [name for name in beside if _folded(name) == _folded(path.name)]
    without = [
        name
        for name in beside
        if _folded(Path(name).stem) == _folded(path.name) and Path(name).suffix.lower() in suffixes
    ]
    found = alike or without
    if len(found) == 1:
        name = (path.parent / found[0]).as_posix()
        return Named(name, note=f"{written}: taken for {name}")
    if len(found) > 1:
        shown = ", ".join(sorted(found)[:4])
        return Named(plain, f"{written} names {len(found)} files ({shown}). Give the whole name")
    where = root / plain
    return Named(plain, f"no file {written!r} in {where.parent}. Correct the name, or give --root")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, a zero byte
        return False


@lru_cache(maxsize=64)
def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(path.name for path in folder.iterdir()))
    except (OSError, ValueError):
        return ()


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
