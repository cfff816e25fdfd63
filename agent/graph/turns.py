"""One question at a time in each kept thread, whichever process asks it.

A question reads what was said before and writes one turn more. Two at once would each read the
same beginning, and only one of the two turns would be kept. So whoever asks holds the thread from
reading to writing; the lock goes with the process, however that ends. Knows no conversation.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows has no such locks; there the second question is not kept back
    fcntl = None  # type: ignore[assignment]

PAUSE: Final = 0.02
"""Seconds between two looks whether a thread is free."""


@contextmanager
def in_file(path: Path, thread: str, patience: float) -> Iterator[bool]:
    """Hold a thread that is kept in a SQLite file; False if it was not free within `patience`
    seconds. Raises OSError."""
    if fcntl is None:
        yield True
        return
    lock = path.with_name(f"{path.name}.{hashlib.sha256(thread.encode()).hexdigest()[:24]}.lock")
    handles: list[int] = []

    def take() -> bool:
        handle = _locked(lock)
        handles.extend([] if handle is None else [handle])
        return handle is not None

    free = _within(patience, take)
    try:
        yield free
    finally:
        for handle in handles:
            with suppress(OSError):
                lock.unlink()  # while it is still locked: whoever waits for it begins anew
            os.close(handle)


@contextmanager
def in_database(url: str, thread: str, patience: float) -> Iterator[bool]:
    """The same for a thread kept in PostgreSQL. Raises psycopg.Error."""
    import psycopg

    digest = hashlib.sha256(f"duchenne {thread}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    # A connection outside the pool: those who wait for a thread must not keep the connection
    # that its holder needs to write with. The lock goes with it.
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:

        def take() -> bool:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
            return bool(row and row[0])

        yield _within(patience, take)


def _within(patience: float, take: Callable[[], bool]) -> bool:
    """Asked again and again: a data base in which somebody waits for a lock makes no index."""
    until = time.monotonic() + patience
    while not (taken := take()) and time.monotonic() < until:
        time.sleep(PAUSE)
    return taken


def _locked(path: Path) -> int | None:
    """The handle of a locked file, made if need be; None while somebody else has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Where the one before has deleted the file meanwhile, this lock is on nothing.
        if os.path.samestat(os.fstat(handle), path.stat()):
            return handle
    os.close(handle)
    return None
