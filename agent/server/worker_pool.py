"""Child processes of the server: begun ahead of need, talked to in lines, ended for certain.

Knows processes, not what they do. Everything a child says is JSON that the caller checks; a
child that dies, says nonsense or too much is a `Lost`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from agent.schema.errors import FAILED, DuchenneError
from agent.server.protocol import Json
from agent.util.process import python

LINE: Final = 128 << 20
"""Bytes of one message at most: the pictures of a clip are some megabytes."""


class LostError(DuchenneError, RuntimeError):
    """The child is gone, or what it says is no message."""

    code = "worker_lost"
    exit_status = FAILED


class KilledError(LostError):
    """Somebody ended the child from outside, mostly for want of memory: not what it read."""

    code = "worker_killed"


OUTSIDE: Final = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
"""Signals that no child of ours gets for what it does itself: too much time is SIGXCPU."""


class Child:
    """One process that has said it is ready."""

    def __init__(self, process: asyncio.subprocess.Process, told: Json) -> None:
        self._process = process
        self.told = told
        """What it said when it was ready."""

    @classmethod
    async def begun(cls, module: str, arguments: list[str], env: Mapping[str, str]) -> Child:
        """Raises LostError where it does not come up."""
        process = await asyncio.create_subprocess_exec(
            *python(module, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if os.environ.get("DUCHENNE_DEBUG") else asyncio.subprocess.DEVNULL,
            limit=LINE,
            env=dict(env),
            start_new_session=True,
        )
        child = cls(process, {})
        try:
            child.told = await child.heard()
        except BaseException:  # a start that is cancelled too leaves no child, and rises
            await child.end()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def tell(self, message: Json) -> None:
        await self.pass_on(json.dumps(message, separators=(",", ":")))

    async def pass_on(self, line: str) -> None:
        """The same, of JSON that is on one line already."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise await self._lost() from error

    async def heard(self) -> Json:
        """The next message. Raises LostError."""
        assert self._process.stdout is not None
        try:
            line = await self._process.stdout.readline()
            message = json.loads(line) if line.endswith(b"\n") else None
        except (ValueError, RecursionError) as error:
            raise LostError("the child said no message") from error
        if not isinstance(message, dict):
            raise await self._lost()
        return message

    async def _lost(self) -> LostError:
        how = await self._how()
        code = self._process.returncode
        killed = code is not None and -code in OUTSIDE
        return (KilledError if killed else LostError)(f"the child ended ({how})")

    async def _how(self) -> str:
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._process.wait()
        code = self._process.returncode
        if code is None:
            return "silent"
        return signal.Signals(-code).name if code < 0 else f"exit {code}"

    def kill(self) -> None:
        """Now, with all it began."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill and wait until it is gone."""
        self.kill()
        with suppress(ProcessLookupError):
            await asyncio.shield(self._process.wait())


class WorkerPool:
    """Children of one kind, so many of them ready ahead of need."""

    def __init__(
        self, module: str, arguments: list[str], env: Mapping[str, str], ready: int
    ) -> None:
        self._module, self._arguments, self._env = module, arguments, env
        self._wanted = ready
        self._ready: list[Child] = []
        self._out: set[Child] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._coming = 0
        self._closed = False
        self._news = asyncio.Condition()
        self.failed: str | None = None
        """Why the last one did not come up."""

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in (*self._ready, *self._out) if child.alive]

    @property
    def waiting(self) -> int:
        """How many are ready."""
        return len(self._ready)

    async def take(self) -> Child:
        """A ready child, the caller's until `drop` or `give_back`. Raises LostError."""
        while True:
            self._refill(need=1)
            async with self._news:
                await self._news.wait_for(lambda: self._ready or not self._coming)
                if not self._ready:
                    raise LostError(self.failed or "no child could be begun")
                child = self._ready.pop(0)
            if child.alive:
                self._out.add(child)
                return child

    async def drop(self, child: Child) -> None:
        """End a child that is not to be used again; only then the next one is begun, so that
        it takes no processor time from a request."""
        child.kill()
        self._out.discard(child)
        await child.end()
        self._refill()

    async def give_back(self, child: Child) -> None:
        """Keep a child for the next one who needs it."""
        self._out.discard(child)
        if self._closed or not child.alive or len(self._ready) >= max(1, self._wanted):
            await child.end()
            return
        async with self._news:
            self._ready.append(child)
            self._news.notify_all()

    def _refill(self, need: int = 0) -> None:
        while not self._closed and len(self._ready) + self._coming < max(self._wanted, need):
            self._coming += 1
            task = asyncio.create_task(self._one())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self) -> None:
        child = None
        try:
            child = await Child.begun(self._module, self._arguments, self._env)
        except (LostError, OSError) as error:
            self.failed = str(error)
        finally:
            async with self._news:
                self._coming -= 1
                if child is not None:
                    self._ready.append(child)
                self._news.notify_all()

    async def warm(self) -> None:
        """Begin those wanted ahead and wait for them. Raises LostError."""
        self._refill(need=1)
        async with self._news:
            await self._news.wait_for(lambda: not self._coming)
        # One that came up and was taken at once is as good.
        if not self.pids:
            raise LostError(self.failed or "no child could be begun")

    async def close(self) -> None:
        """End them all."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(child.end() for child in (*self._ready, *self._out)))
        self._ready.clear()
