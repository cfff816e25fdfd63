"""How much a model's host may say: bytes of one reply, and seconds until all of it is there.

A host that sends without end would otherwise fill this machine's memory: each piece comes in
time, and the reply never ends. Knows HTTP, no protocol of models.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any, Final

MOST: Final = 16 << 20
"""Bytes of one reply; the longest answers are some ten thousand."""


class TooMuchError(Exception):
    """A reply with more bytes than are read, or compressed so that nobody knows."""


def ask_plainly(request: Any) -> None:
    """A hook for requests: the reply is to come as it is, so that its bytes can be counted."""
    request.headers["Accept-Encoding"] = "identity"


def bound(response: Any) -> None:
    """A hook for responses: reading too much raises TooMuchError, too long the client's own
    ReadTimeout."""
    _plain(response)
    response.stream = _kinds(_module(response))[0](response)


async def bound_async(response: Any) -> None:
    """The same for an asynchronous client."""
    _plain(response)
    response.stream = _kinds(_module(response))[1](response)


def _module(response: Any) -> str:
    """`httpx`, or what newer clients bring in its place; streams must be of the same."""
    return type(response).__module__.partition(".")[0]


def _plain(response: Any) -> None:
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise TooMuchError(f"it sends {coding[:20]} data that was not asked for")


class _Count:
    """Bytes and seconds of one reply."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._left = MOST
        seconds = response.request.extensions.get("timeout", {}).get("read")
        self._until = None if seconds is None else time.monotonic() + seconds

    def take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise TooMuchError(f"its reply has more than {MOST >> 20} MiB")
        if self._until is not None and time.monotonic() > self._until:
            late = sys.modules[_module(self._response)].ReadTimeout
            raise late("the reply did not end in time", request=self._response.request)


@cache
def _kinds(module: str) -> tuple[type, type]:
    """Streams that count, for clients that wait and for those that do not."""
    http = sys.modules[module]

    class Bounded(http.SyncByteStream):  # type: ignore[misc,name-defined]
        def __init__(self, response: Any) -> None:
            self._inner, self._count = response.stream, _Count(response)

        def __iter__(self) -> Iterator[bytes]:
            for piece in self._inner:
                self._count.take(piece)
                yield piece

        def close(self) -> None:
            self._inner.close()

    class BoundedAsync(http.AsyncByteStream):  # type: ignore[misc,name-defined]
        def __init__(self, response: Any) -> None:
            self._inner, self._count = response.stream, _Count(response)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in self._inner:
                self._count.take(piece)
                yield piece

        async def aclose(self) -> None:
            await self._inner.aclose()

    return Bounded, BoundedAsync
