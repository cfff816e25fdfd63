"""Scratch folders that are gone when whoever made them is: at once, or at the next start.

A process that is killed cleans nothing up. Each folder therefore holds a locked file, and the
system lets go of the lock however the process ends: an unlocked folder is nobody's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

HELD: Final = ".held"
"""The locked file in a scratch folder."""
UNLOCKED: Final = 3600.0
"""Seconds for which a folder without that file is left alone: it may be just begun, or about to
be given its final name."""
IN_USE: Final = 900.0
"""Seconds after its last use in which `trim` leaves a folder alone."""


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder `parent`/`prefix`…, removed at the end unless it was renamed meanwhile; what
    killed processes left there under this prefix is removed first. Raises OSError."""
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    held = os.open(folder / HELD, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _lock(held)
        yield folder
    finally:
        os.close(held)
        shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path, prefix: str) -> int:
    """Remove folders of this prefix whose makers are gone; how many."""
    swept = 0
    with suppress(OSError):
        for folder in parent.iterdir():
            if folder.name.startswith(prefix) and folder.is_dir() and _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


def trim(parent: Path, seconds: float, size: int) -> int:
    """Remove the folders in `parent` that were not used for so long, then the longest unused
    until those that stay have `size` bytes at most; how many.

    A folder's time of change is its last use. Folders of the last `IN_USE` seconds stay.
    """
    now, found = time.time(), []
    with suppress(OSError):
        for folder in parent.iterdir():
            with suppress(OSError):  # somebody else removes it
                held = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
                found.append((folder.stat().st_mtime, held, folder))
    total, removed = sum(held for _, held, _ in found), 0
    for used, held, folder in sorted(found, key=lambda each: each[0]):
        unused = now - used
        if unused > IN_USE and (unused > seconds or total > size):
            shutil.rmtree(folder, ignore_errors=True)
            total, removed = total - held, removed + 1
    return removed


def _is_left(folder: Path) -> bool:
    try:
        held = os.open(folder / HELD, os.O_RDWR)
    except FileNotFoundError:
        with suppress(OSError):
            return time.time() - folder.stat().st_mtime > UNLOCKED
        return False
    except OSError:  # another user's
        return False
    try:
        return _lock(held)
    finally:
        os.close(held)


def _lock(handle: int) -> bool:
    """Whether the lock is now ours. Where there are no locks, nothing is swept."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True
