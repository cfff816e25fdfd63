"""Where conversations are kept: one SQLite file, or a PostgreSQL data base by its URL.

Through LangGraph's checkpointers, and read back strictly: plain values only, whatever somebody
wrote there. Knows no conversation.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from agent.graph import turns
from agent.util.advice import advice
from agent.util.cache import cache_dir

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

Store = Path | str
"""A SQLite file, or postgresql://USER@HOST/NAME."""
Saver = BaseCheckpointSaver[Any]
SCHEMES: Final = ("postgresql://", "postgres://")
WAIT: Final = 10.0
"""Seconds for a data base to answer."""
_LOCK: Final = 0x4475636865
"""Held in the data base while its tables are made."""


def strict() -> JsonPlusSerializer:
    """Reads back plain values only: no class of any module, no pickle."""
    return JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)


def threads_file() -> Path:
    """Where threads are kept unless somebody says otherwise."""
    return cache_dir("threads.sqlite")


def is_url(store: Store) -> bool:
    return isinstance(store, str) and store.startswith(SCHEMES)


class Threads:
    """The threads of one place, until `close`."""

    def __init__(self, store: Store | None) -> None:
        """None for threads that are not kept. Raises OSError."""
        self._store = store
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self.saver: Saver
        if store is None:
            self.saver = InMemorySaver(serde=strict())
        elif isinstance(store, str):
            self.saver = _postgres(store)
        else:
            self._connection = _connect(store)
            self.saver = SqliteSaver(self._connection, serde=strict())

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What reading and writing may raise; `failed` makes an OSError of it."""
        return _errors() if isinstance(self._store, str) else (sqlite3.DatabaseError,)

    def failed(self, error: Exception) -> OSError:
        """An error of the place, in words that hold no password."""
        if isinstance(self._store, str):
            return _unanswered(self._store)
        return OSError(
            f"the thread could not be kept: {error}; set DUCHENNE_CACHE to a folder that can be "
            "written and has room, or ask without --thread"
        )

    @contextmanager
    def turn(self, thread: str, patience: float) -> Iterator[bool]:
        """Hold one thread from reading to writing, in whatever process; False if it was not free
        within `patience` seconds. Raises OSError and what is in `errors`."""
        if self._store is None:  # known to this object alone
            free = self._turn.acquire(timeout=patience)
            try:
                yield free
            finally:
                if free:
                    self._turn.release()
        else:
            how = turns.in_database if isinstance(self._store, str) else turns.in_file
            with how(self._store, thread, patience) as free:  # type: ignore[arg-type]
                yield free

    def close(self) -> None:
        """Let go of the file; a data base's connections stay for the next question."""
        if self._connection is not None:
            self._connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    """The threads' file, made where it is not there yet. Raises OSError naming it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        SqliteSaver(connection).setup()
    except sqlite3.DatabaseError as error:
        raise OSError(
            f"conversations cannot be kept in {path}: {error}; set DUCHENNE_CACHE to a folder "
            "that can be written, or ask without --thread"
        ) from error
    return connection


def _postgres(url: str) -> Saver:
    """The threads of a data base, its tables made where they are not there yet. Raises OSError."""
    if not is_url(url):
        raise OSError(f"{_named(url)!r} is no place for threads: it takes postgresql://HOST/NAME")
    try:
        from langgraph.checkpoint.postgres import PostgresSaver
    except ImportError as error:
        raise OSError(f"threads in PostgreSQL need a package more: {advice('postgres')}") from error
    try:
        kept: Saver = PostgresSaver(_pool(url), serde=strict())
    except _errors() as error:
        raise _unanswered(url) from error
    return kept


@cache
def _pool(url: str) -> ConnectionPool[Any]:
    """Connections of this process to one data base; broken ones are replaced when taken."""
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import ConnectionPool

    options: dict[str, Any] = {
        "autocommit": True,
        "prepare_threshold": 0,
        "row_factory": dict_row,
        "connect_timeout": int(WAIT),
    }
    pool: ConnectionPool[Any] = ConnectionPool(
        url,
        min_size=1,
        max_size=4,
        timeout=WAIT,
        kwargs=options,
        open=False,
        check=ConnectionPool.check_connection,
    )
    try:
        pool.open(wait=True, timeout=WAIT)
        with pool.connection() as connection:
            _alone(connection)
            try:
                PostgresSaver(pool).setup()
            finally:
                connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    except _errors():
        with suppress(RuntimeError):
            pool.close(1)
        raise
    return pool


def _alone(connection: Any) -> None:
    """Nobody else makes tables now. Asked again and again rather than waited for: making an
    index concurrently would wait for whoever waits."""
    import psycopg

    until = time.monotonic() + 3 * WAIT
    while time.monotonic() < until:
        row = connection.execute("SELECT pg_try_advisory_lock(%s) AS mine", (_LOCK,)).fetchone()
        if row["mine"]:
            return
        time.sleep(0.1)
    raise psycopg.OperationalError("somebody else has been making the tables for too long")


def _errors() -> tuple[type[Exception], ...]:
    import psycopg
    import psycopg_pool

    return (psycopg.Error, psycopg_pool.PoolTimeout)


def _unanswered(url: str) -> OSError:
    return OSError(
        f"conversations cannot be kept in PostgreSQL at {_named(url)}: it does not answer, or "
        "refuses this user; is the address right, and may the user make tables?"
    )


def _named(url: str) -> str:
    """The address without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'local'}:{parts.port or 5432}{parts.path}"
