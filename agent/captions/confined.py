"""Which file of this machine a row of captions may stand for.

A folder of captions may come from somebody else, and its rows and manifest are then their words.
What they name is shown and packed only if it is a clip in the source's folder: never a path that
leads out of it, and never a file of another kind.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from agent.captions.sources import CLIPS


def clip(root: Path | str | None, place: Any) -> Path | None:
    """The clip (or the folder of pictures) at `place` under `root`; None where there is none, or
    it may not be opened."""
    if root is None or not isinstance(place, str) or not place or "\0" in place:
        return None
    inside = Path(place)
    if inside.is_absolute() or ".." in inside.parts:
        return None
    found = Path(root) / inside
    try:
        # A data set may be links into a store of files: what they lead to must be a clip as well.
        real = found.resolve(strict=True)
        if real.is_dir():
            return found if real.is_relative_to(Path(root).resolve()) else None
        return found if real.is_file() and _is_clip(found) and _is_clip(real) else None
    except (OSError, ValueError, RuntimeError):
        return None


def _is_clip(path: Path) -> bool:
    kind = mimetypes.guess_type(path.name)[0] or ""
    return path.suffix.lower() in CLIPS or kind.startswith(("video/", "audio/"))
