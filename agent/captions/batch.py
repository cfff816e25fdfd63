"""Batch files instead of a live host: requests out, replies in, as often as it takes.

The files are those of OpenAI's batch API, which `vllm run-batch` reads and writes too. A model
step whose reply is not there yet becomes a request and its clip waits; once the reply is read
back the same step goes on, through the same checks as live. Asked step by step a clip takes
several rounds, with `--one-call` one, and a second where a reply has to be mended.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any, Final

from agent.captions.outcome import RunError
from agent.captions.store import write_bytes
from agent.models.clients import AwaitingError, Completion, HostRefusedError, Message
from agent.models.clients.openai import OpenAIHost
from agent.schema.state import Json

MOST_REQUESTS: Final = 50_000
MOST_BYTES: Final = 180_000_000
"""Of one file: a little below what the hosted API takes."""


class Batch:
    """A host that answers from replies read back, and writes down what it cannot answer."""

    def __init__(self, model: str, out: Path, max_tokens: int) -> None:
        """`out`: the folder of captions. Raises RunError for replies that cannot be read."""
        self._wire = OpenAIHost(model, api_key="none", max_tokens=max_tokens)
        self.name = self._wire.name
        self.lacks: tuple[str, ...] = ()
        self.folder = out / "batch"
        self._work = out / ".work"
        self._kept = self._work / "batch-replies.jsonl"
        self._replies = dict(_replies([self._kept])) if self._kept.exists() else {}
        self._lock = Lock()
        self._file: Any = None
        self._size = self._count = 0
        self._asked: set[str] = set()
        self.files: list[Path] = []

    @property
    def requests(self) -> int:
        """Requests written in this run."""
        return len(self._asked)

    def take(self, paths: Iterable[Path]) -> int:
        """Read replies back and keep them; returns how many are new. Raises RunError."""
        before = len(self._replies)
        self._replies |= dict(_replies(paths))
        self._work.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(reply, ensure_ascii=False) for reply in self._replies.values())
        write_bytes("".join(f"{x}\n" for x in lines).encode(), self._kept, self._work)
        return len(self._replies) - before

    def complete(self, messages: list[Message], schema: Json) -> Completion:
        """The reply to a request. Raises AwaitingError, HostRefusedError."""
        body = self._wire.body(messages, schema)
        text = json.dumps(body, ensure_ascii=False)
        id = hashlib.sha256(text.encode()).hexdigest()[:40]
        reply = self._replies.get(id)
        if reply is None:
            self._write(id, text)
            raise AwaitingError(f"{self.name} has not answered yet")
        return _read(self.name, reply)

    def close(self) -> None:
        """Put the request files of this run in place of those of the run before."""
        if self._file is not None:
            self._whole()
        for old in sorted(self.folder.glob("requests-*.jsonl")):
            old.unlink()
        for number, scratch in enumerate(self.files):
            self.files[number] = scratch.replace(self.folder / f"requests-{number:05d}.jsonl")

    def _write(self, id: str, body: str) -> None:
        line = (
            f'{{"custom_id": "{id}", "method": "POST", "url": "/v1/chat/completions", '
            f'"body": {body}}}\n'
        ).encode()
        with self._lock:
            if id in self._asked:
                return
            self._asked.add(id)
            full = self._count >= MOST_REQUESTS or self._size + len(line) > MOST_BYTES
            if self._file is not None and full:
                self._whole()
            if self._file is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                scratch = self._work / f"requests-{len(self.files):05d}.tmp"
                self._file = scratch.open("wb")
                self.files.append(scratch)
                self._size = self._count = 0
            self._file.write(line)
            self._size, self._count = self._size + len(line), self._count + 1

    def _whole(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None


def _replies(paths: Iterable[Path]) -> Iterator[tuple[str, Json]]:
    """Replies by the id of their request."""
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    told = json.loads(line)
                    yield told["custom_id"], told
                except (ValueError, KeyError, TypeError) as error:
                    raise RunError(f"{path}, line {number}: no reply of a batch") from error


def _read(name: str, reply: Json) -> Completion:
    """A reply's text. Raises HostRefusedError where the batch failed on it."""
    response = reply.get("response") or {}
    choices = (response.get("body") or {}).get("choices") or []
    if reply.get("error") or response.get("status_code", 200) != 200 or not choices:
        said = json.dumps(reply.get("error") or response, ensure_ascii=False)[:300]
        raise HostRefusedError(f"{name} failed in the batch: {said}")
    choice, usage = choices[0], (response["body"].get("usage") or {})
    text = (choice.get("message") or {}).get("content") or ""
    cut = choice.get("finish_reason") == "length"
    return Completion(text, cut, int(usage.get("prompt_tokens") or 0))
