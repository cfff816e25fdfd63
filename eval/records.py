"""What became of each sample, one JSON object a line: written at once, read again to go on.

A record that a kill tore apart is the last line and is dropped; the sample runs again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Status = Literal["ok", "silent", "failed"]


@dataclass(frozen=True, slots=True)
class Record:
    """One sample's outcome."""

    id: str
    key: str
    """Digest of clip, words, question, model and senses: another key, another record."""
    status: Status
    """ok: answered; silent: "cannot tell" is the answer; failed: no answer, see `error`."""
    prediction: Any = None
    """As the task's measures take it."""
    answer: str | None = None
    grounded: float | None = None
    """Share of the claims that the evidence carries."""
    claims: int = 0
    confidence: float | None = None
    sensing_s: float | None = None
    """Seconds of sensing; None where the evidence was remembered."""
    reasoning_s: float | None = None
    media_s: float | None = None
    """Length of the clip in seconds."""
    error: str | None = None
    missing: tuple[str, ...] = ()
    """What the evidence says it lacks."""


class Log:
    """The file of records, open for adding. One process at a time: a second is refused."""

    def __init__(self, file: Path) -> None:
        """Open, and drop a torn last line. Raises OSError, BlockingIOError where it is in use."""
        import fcntl

        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise
        self._file.seek(0)
        whole = self._file.read()
        if not whole.endswith(b"\n"):
            self._file.truncate(whole.rfind(b"\n") + 1)
        self._file.seek(0, os.SEEK_END)

    def add(self, record: DataclassInstance) -> None:
        """Keep a record: on disk when this returns."""
        self._file.write(json.dumps(asdict(record), ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def read(file: Path) -> dict[str, Record]:
    """The last record of each id, in order of first appearance; empty where there is no file."""
    found: dict[str, Record] = {}
    if file.exists():
        for record in _lines(file):
            found[record.id] = record
    return found


def _lines(file: Path) -> Iterator[Record]:
    for line in file.read_bytes().split(b"\n")[:-1]:
        row = json.loads(line)
        row["missing"] = tuple(row.get("missing", ()))
        yield Record(**row)
