"""Failures of this machine behind an exception: a full disk, too many open files, no memory.

They are told from what a clip did, because the clip is then as good as any. Knows the operating
system's numbers only.
"""

from __future__ import annotations

import errno
from typing import Final

from agent.util.cache import FullError

FULL: Final = frozenset((errno.ENOSPC, errno.EDQUOT))
LACKING: Final = frozenset((
    errno.EACCES, errno.EAGAIN, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPERM,
    errno.EROFS,
))  # fmt: skip


def number(error: BaseException) -> int | None:
    """The errno of the failure of this machine that an exception stands for or was raised from;
    None where it is none."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        if isinstance(at, FullError):
            return errno.ENOSPC
        if isinstance(at, OSError) and not _is_decoders(at):
            if at.errno in FULL or at.errno in LACKING:
                return at.errno
        # SQLite says it in words only.
        elif "disk is full" in str(at) and type(at).__module__ == "sqlite3":
            return errno.ENOSPC
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return None


def _is_decoders(error: OSError) -> bool:
    """FFmpeg gives such numbers for what a file holds, too; only a full disk is believed."""
    return type(error).__module__.split(".")[0] == "av" and error.errno not in FULL
