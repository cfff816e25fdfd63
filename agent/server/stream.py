"""Answers as they come: server-sent events, a sign of life in every silence, one end.

Also for answers in one piece: work that stops when the client goes away. Knows ASGI and the
shape of events, not what is in them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

T = TypeVar("T")
DONE: Final = b"data: [DONE]\n\n"
ALIVE: Final = b": alive\n\n"


class GoneError(Exception):
    """The client went away."""


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; cancelled as soon as the client disconnects. Raises GoneError.

    The request's body must have been read.
    """
    task = asyncio.create_task(work)
    watch = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return await task
        raise GoneError
    finally:
        await _ended(task)
        await _ended(watch)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task


Put = Callable[[bytes], None]
Make = Callable[[Put], Awaitable[None]]
"""Given where to put events, makes them; its end is the stream's."""


class Events(Response):
    """Server-sent events made by `make`; `after` is awaited in the end whatever happened."""

    media_type = "text/event-stream"

    def __init__(
        self,
        make: Make,
        *,
        after: Callable[[], Awaitable[None]],
        gone: Callable[[], None],
        heartbeat: float,
        until: float,
    ) -> None:
        """`until`: by the loop's clock; a client that reads too slowly is cut off then."""
        super().__init__()
        del self.headers["content-length"]
        self.headers["x-accel-buffering"] = "no"
        self._make, self._after, self._gone = make, after, gone
        self._heartbeat, self._until = heartbeat, until

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout_at(self._until):
                await unless_gone(receive, self._sent(send))
        except GoneError:
            self._gone()
        finally:
            await asyncio.shield(asyncio.ensure_future(self._after()))

    async def _sent(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        task = asyncio.create_task(self._made(queue))
        try:
            while True:
                try:
                    async with asyncio.timeout(self._heartbeat):
                        event = await queue.get()
                except TimeoutError:
                    event = ALIVE
                if event is None:
                    break
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await task
        finally:
            await _ended(task)
        await send({"type": "http.response.body", "body": b""})

    async def _made(self, queue: asyncio.Queue[bytes | None]) -> None:
        try:
            await self._make(queue.put_nowait)
        finally:
            queue.put_nowait(None)


def event(data: Any, name: str | None = None) -> bytes:
    """One event with JSON in it."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
