"""Which servers live that share one state folder: each holds a locked file of its own there.

The lock goes with the process, however it ends, so what a killed server left can be told from what
another one is at.
"""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: there one server has a state for itself
    fcntl = None  # type: ignore[assignment]


def begin(folder: Path, mark: str) -> int:
    """The handle of a file that is locked until this process ends, however it does. Raises
    OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder / mark, os.O_RDWR | os.O_CREAT, 0o600)
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def still(folder: Path, mark: str) -> bool:
    """Whether the server of this mark still runs; what is known of one that does not goes."""
    file = folder / mark
    try:
        handle = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink(missing_ok=True)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
