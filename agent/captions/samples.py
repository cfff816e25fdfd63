"""One clip of a data set, before anything is known about it.

Knows names, bytes and the labels that came with them; opens no media.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.schema.errors import USAGE, DuchenneError


class SourceError(DuchenneError, ValueError):
    """A source that gives no samples as it was named; the message says what to give."""

    code = "bad_source"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip: its name in the data set, where it lies, what its owners say of it."""

    id: str
    """Unique in the data set and the same in every run: a path from its folder, or a row's id."""
    path: Path | None = None
    """The clip, or a folder of pictures with their `fps`; None where `data` holds it."""
    place: str | None = None
    """The clip's path from the source's root, as rows tell it; None where `data` holds it."""
    data: bytes | None = None
    suffix: str = ""
    """Suffix of the file that `data` was, with its dot."""
    subtitles: Path | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    """What the owners say: never shown to a model unless rationales are asked for."""
    fps: float | None = None
    """Pictures a second, where `path` is a folder of numbered pictures."""
    problem: str | None = None
    """Why there is no clip to read, where that is known already."""

    def sha256(self) -> str:
        """Of the clip's bytes, and of its subtitles where it names some.

        Raises OSError, MediaError for a folder without pictures, SourceError for a `problem`.
        """
        if self.problem is not None:
            raise SourceError(self.problem)
        if self.data is not None:
            digest = hashlib.sha256(self.data)
        else:
            assert self.path is not None
            with self._file(self.path).open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256")
        if self.subtitles is not None:
            digest.update(b"\0" + self.subtitles.read_bytes())
        return digest.hexdigest()

    def on_disk(self, folder: Path) -> Path:
        """The clip as a file: its own, or its bytes put whole into `folder`. Raises OSError."""
        if self.path is not None:
            return self._file(self.path)
        assert self.data is not None
        name = hashlib.sha256(self.data).hexdigest()[:32] + self.suffix
        target = folder / name
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            handle, scratch = tempfile.mkstemp(dir=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(self.data)
            Path(scratch).replace(target)
        return target

    def _file(self, path: Path) -> Path:
        """The file to open; a folder of pictures is packed as a film first."""
        if self.fps is None:
            return path
        from agent.media import image_folder as frames

        return frames.clip(path, self.fps)
