"""Processes under trial: begun, waited for, ended for certain. Knows no requests' meaning."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx

from agent.util.process import environment, python

Json = dict[str, Any]
_PORT: Final = re.compile(r'"event": "listening".*"port": (\d+)')
UP_SECONDS: Final = 180.0


class Started:
    """One process that listens at a port of loopback."""

    def __init__(self, command: Sequence[str], port: int = 0, env: Json | None = None) -> None:
        """`port`: the one it was told; 0 for one that it prints. Raises RuntimeError."""
        self.folder = Path(tempfile.mkdtemp(prefix="trial-"))
        self._log = self.folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=environment({"TMPDIR": str(self.folder)} | (env or {})),
            )
        self.port = port or self._said_port()
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text()

    def rows(self) -> list[Json]:
        """The requests in its structured log, in order."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == "request"]

    def until(self, path: str) -> Started:
        """Itself, once this path answers 200. Raises RuntimeError."""
        for _ in self._tries():
            with suppress(httpx.HTTPError):
                if httpx.get(self.url + path, timeout=5).status_code == 200:
                    return self
        raise RuntimeError(f"not up in {UP_SECONDS:g} s:\n{self.log[-2000:]}")

    def end(self) -> None:
        """SIGTERM, then SIGKILL; returns when it is gone."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _said_port(self) -> int:
        for _ in self._tries():
            if found := _PORT.search(self.log):
                return int(found[1])
        self.kill()
        raise RuntimeError(f"it said no port:\n{self.log[-2000:]}")

    def _tries(self) -> Iterator[None]:
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            yield
            time.sleep(0.05)


@contextmanager
def standin(*arguments: str) -> Iterator[Started]:
    """The host that answers at once; see `eval.serving.standin`."""
    with _ended(Started(python("eval.serving.standin", *arguments))) as host:
        yield host


@contextmanager
def server(*arguments: str) -> Iterator[Started]:
    """A `duchenne serve` that is ready."""
    command = python("agent.cli.main", "serve", "--port", "0", *arguments)
    with _ended(Started(command)) as begun:
        yield begun.until("/readyz")


@contextmanager
def _ended(process: Started) -> Iterator[Started]:
    try:
        yield process
    finally:
        process.end()


def uploaded(client: httpx.Client, clip: Path) -> str:
    """The id of a clip that was uploaded."""
    files = {"file": (clip.name, clip.read_bytes())}
    answer = client.post("/v1/files", files=files, data={"purpose": "user_data"})
    return str(answer.raise_for_status().json()["id"])


def question(file: str, model: str = "duchenne", text: str = "What does she feel, and why?",
             **more: Any) -> Json:  # fmt: skip
    """A chat request about an upload."""
    parts = [{"type": "file", "file": {"file_id": file}}, {"type": "text", "text": text}]
    return {"model": model, "messages": [{"role": "user", "content": parts}], **more}


def share(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0-1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
