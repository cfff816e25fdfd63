"""Where things are kept between runs, and how a file is put there whole or not at all.

`DUCHENNE_CACHE` names the folder; else `$XDG_CACHE_HOME/duchenne`, else `~/.cache/duchenne`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FullError(OSError):
    """No room for what is measured while a clip runs; the message says where and what to do."""


def cache_dir(*parts: str) -> Path:
    """The cache folder, or a folder in it; not made here."""
    if chosen := os.environ.get("DUCHENNE_CACHE"):
        return Path(chosen).expanduser().joinpath(*parts)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).joinpath("duchenne", *parts)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A scratch folder that becomes `target` on success and vanishes on failure.

    A folder that another process put there meanwhile is kept: both hold the same content.
    Raises OSError where the parent cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield scratch
        if not target.exists():
            scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
