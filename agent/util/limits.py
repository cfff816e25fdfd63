"""What a child process may use, set by the child itself before it reads anything from outside.

Knows the operating system only. Where it has no such limit (other than Linux), the parent's
clock still ends the process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PARENT_DIED, _NO_NEW_RIGHTS, _DUMPABLE = 1, 38, 4
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def confine(memory: int, file: int, handles: int = 256) -> None:
    """At most `memory` bytes of address space, `file` bytes in one file, no core dump."""
    import resource

    for what, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_NOFILE, handles),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (bound, bound))


def spend(seconds: float) -> None:
    """At most so many seconds of processor time from now on; then SIGXCPU ends the process. Not
    SIGKILL, which says that somebody else did."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    bound = int(used.ru_utime + used.ru_stime + seconds) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or bound + 1 < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (bound, bound + 1))


def with_parent() -> None:
    """End when the parent does, however it ends; and never gain rights."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    libc.prctl(_PARENT_DIED, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def without_network() -> bool:
    """Leave the network for good; False where the system does not let a plain user do that."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(AttributeError):
        return bool(libc.unshare(_NEW_USER | _NEW_NETWORK) == 0)
    return False
