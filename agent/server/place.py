"""One clip's folder on the server: what lies in it by which name, and how it is put there whole."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A clip and what was measured in it."""

    folder: Path

    @property
    def clip(self) -> Path:
        """Always this name: a file's own name is hostile input, and says nothing."""
        return self.folder / "clip"

    @property
    def looks(self) -> Path:
        return self.folder / "looks"

    @property
    def found(self) -> Path:
        """The evidence, once the clip was looked at."""
        return self.folder / "evidence.json"

    def kept(self, kind: str, which: str) -> Path:
        """Pictures that were drawn of it or spans of its series, by whom and when they show."""
        return self.folder / f"{kind}-{hashlib.sha256(which.encode()).hexdigest()[:24]}.json"


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all: half a record would be read as one later. Raises
    OSError."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(part).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(part).unlink()
        raise
