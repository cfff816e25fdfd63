"""Where captions are kept: nothing reported done is lost, nothing is there twice or torn.

    DIR/data/train-00000.parquet …   sealed shards, each put there whole
    DIR/failures.jsonl               clips without rows and why, put there whole
    DIR/manifest.json                settings, versions, counts, put there whole
    DIR/.work/journal-00007.jsonl    what is done and not sealed yet, one clip a line

A clip counts as done when its line in the journal is on the disk. A full journal becomes the
shard of its number; a line that a kill tore is cut off when the run goes on.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from agent.captions.outcome import Outcome, RunError, failure_json, from_json
from agent.captions.rows import Row, table

SHARD_ROWS: Final = 1000
"""Rows of a shard, and at most so many wait in the journal."""


class Store:
    """The folder of one data set of captions, held by one process at a time."""

    def __init__(self, out: Path, shard_rows: int = SHARD_ROWS) -> None:
        """Open it, or begin it. Raises RunError where another process holds it, OSError."""
        self.out, self._shard_rows = out, shard_rows
        self._data, self._work = out / "data", out / ".work"
        self._data.mkdir(parents=True, exist_ok=True)
        self._work.mkdir(exist_ok=True)
        self._lock = _locked(self._work / "lock")
        _sweep(self._work)
        self.done: dict[str, str] = {}
        """Sample → key of its rows."""
        self.failed: dict[str, Outcome] = {}
        self._sealed: dict[str, Path] = {}
        """Sample → shard that holds its rows."""
        self._pending: dict[str, Outcome] = {}
        self.rows = 0
        """Rows of all clips that are done."""
        self._load()

    def add(self, outcome: Outcome) -> None:
        """Keep what came of a clip; on return it is on the disk. Raises OSError."""
        line = json.dumps(outcome.to_json(), ensure_ascii=False, allow_nan=False)
        self._journal.write(line.encode() + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self._take(outcome)
        if sum(len(o.rows) for o in self._pending.values()) >= self._shard_rows:
            self.seal()

    def seal(self) -> None:
        """The journal as a shard. Raises OSError."""
        if self._pending:
            self._supersede()
            rows = [row for _, o in sorted(self._pending.items()) for row in o.rows]
            shard = self._shard(self._number)
            write_table(table(rows), shard, self._work)
            self._sealed |= dict.fromkeys(self._pending, shard)
        self._publish_failures()
        self._journal.close()
        self._journal_path(self._number).unlink()
        self._pending = {}
        self._number += bool(self._shard(self._number).exists())
        self._open()

    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands; {} before there is one."""
        path = self.out / "manifest.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def publish(self, name: str, text: str) -> None:
        """Put a text file there whole."""
        write_bytes(text.encode(), self.out / name, self._work)

    def shards(self) -> list[Path]:
        return sorted(self._data.glob("*.parquet"))

    def row(self, id: str, person: str) -> Row:
        """One sealed row. Raises KeyError where there is none."""
        found = pq.read_table(self._sealed[id], filters=_is(id, person)).to_pylist()
        if not found:
            raise KeyError(id, person)
        row: Row = found[0]
        return row

    def change(self, id: str, person: str, values: Mapping[str, str | None]) -> None:
        """Write other values into one sealed row. Raises KeyError, OSError."""
        shard = self._sealed[id]
        rows = pq.read_table(shard).to_pylist()
        (row,) = [r for r in rows if r["id"] == id and r["person"] == person] or [None]
        if row is None:
            raise KeyError(id, person)
        row |= values
        write_table(table(rows), shard, self._work)

    def close(self) -> None:
        """Let go of it; the journal stays for the next run."""
        self._journal.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _load(self) -> None:
        for shard in self.shards():
            found = pq.read_table(shard, columns=["id", "key"]).to_pydict()
            self.rows += len(found["id"])
            for id, key in zip(found["id"], found["key"], strict=True):
                self.done[id], self._sealed[id] = key, shard
        for told in _lines(self.out / "failures.jsonl"):
            outcome = from_json(told)
            self.failed[outcome.id] = outcome
        numbers = [_number(p) for p in (*self.shards(), *self._work.glob("journal-*.jsonl"))]
        self._number = max(numbers, default=0)
        for path in sorted(self._work.glob("journal-*.jsonl")):
            self._replay(path)
        if self._shard(self._number).exists():
            self._number += 1
        self._open()
        self.failed = {id: o for id, o in self.failed.items() if id not in self.done}

    def _replay(self, path: Path) -> None:
        """What a journal holds; one whose shard is there already only lacked being deleted."""
        _cut_torn(path)
        sealed = self._shard(_number(path)).exists()
        for told in _lines(path):
            outcome = from_json(told)
            if outcome.failure is not None or not sealed:
                self._take(outcome)
        if sealed:
            self._publish_failures()
            path.unlink()

    def _take(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self.failed[outcome.id] = outcome
            if self.done.pop(outcome.id, None) is not None:  # what it was before is gone, too
                self._pending[outcome.id] = Outcome(outcome.id, outcome.key)
            return
        self.failed.pop(outcome.id, None)
        before = self._pending.get(outcome.id)
        self.rows += len(outcome.rows) - (len(before.rows) if before else 0)
        self._pending[outcome.id] = outcome
        self.done[outcome.id] = outcome.key

    def _supersede(self) -> None:
        """Take the older rows of clips that were captioned anew out of their shards.

        Before the new shard is there: a kill in between loses nothing (the new rows are in the
        journal), and at no moment are both on the disk as shards.
        """
        old: dict[Path, set[str]] = {}
        for id in self._pending:
            if id in self._sealed:
                old.setdefault(self._sealed.pop(id), set()).add(id)
        for shard, ids in old.items():
            found = pq.read_table(shard)
            kept = found.filter(pc.invert(pc.is_in(found["id"], pa.array(sorted(ids)))))
            self.rows -= found.num_rows - kept.num_rows
            write_table(kept, shard, self._work)

    def _publish_failures(self) -> None:
        lines = [
            json.dumps({"id": o.id, "key": o.key} | failure_json(o.failure), ensure_ascii=False)
            for _, o in sorted(self.failed.items())
            if o.failure is not None and o.id not in self.done
        ]
        self.publish("failures.jsonl", "".join(f"{line}\n" for line in lines))

    def _open(self) -> None:
        self._journal = self._journal_path(self._number).open("ab")
        _fsync_folder(self._work)

    def _shard(self, number: int) -> Path:
        return self._data / f"train-{number:05d}.parquet"

    def _journal_path(self, number: int) -> Path:
        return self._work / f"journal-{number:05d}.jsonl"


def write_table(found: pa.Table, path: Path, scratch: Path) -> None:
    """A table as Parquet, whole or not at all; `scratch` is a folder on the same disk."""
    whole = scratch / f"{path.name}.tmp"
    with whole.open("wb") as file:
        pq.write_table(found, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    whole.replace(path)
    _fsync_folder(path.parent)


def write_bytes(data: bytes, path: Path, scratch: Path) -> None:
    """A file, whole or not at all; `scratch` is a folder on the same disk."""
    whole = scratch / f"{path.name}.tmp"
    with whole.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    whole.replace(path)
    _fsync_folder(path.parent)


def read_rows(out: Path, columns: Iterable[str] | None = None) -> Iterator[Row]:
    """Every sealed row of a data set of captions. Raises RunError where there is none."""
    shards = sorted((out / "data").glob("*.parquet"))
    if not shards:
        raise RunError(f"{out} holds no captions; make some with duchenne caption SRC --out {out}")
    for shard in shards:
        for batch in pq.ParquetFile(shard).iter_batches(100, columns=columns and list(columns)):
            yield from batch.to_pylist()


def _is(id: str, person: str) -> Any:
    return (pc.field("id") == id) & (pc.field("person") == person)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        with path.open("rb") as file:
            yield from (json.loads(line) for line in file if line.strip())


def _cut_torn(path: Path) -> None:
    """Cut a journal after its last whole line, as far as lines can be read."""
    good = 0
    with path.open("rb+") as file:
        for line in file:
            if not line.endswith(b"\n") or not _is_json(line):
                break
            good += len(line)
        file.truncate(good)


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), Mapping)
    except ValueError:
        return False


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _sweep(work: Path) -> None:
    for path in work.glob("*.tmp"):
        path.unlink()


def _locked(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise RunError(
            f"another run or review holds {path.parent.parent}; end it first, or choose another "
            "folder"
        ) from error
    return handle


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
