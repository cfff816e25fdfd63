"""Connections: how many there may be, how long one may say nothing, and who goes for whom.

Whoever connects gets in. Where there are too many, all of them or of one address, the one that
has waited longest without a whole request goes: those who only hold connections lock out nobody.
Knows connections and no request.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from agent.server.errors import bad

RESERVE: Final = 32
"""Connections beyond the limit that are let in where no other can go; the middleware answers there
only whether the server lives."""


class Doors:
    """All connections of one server."""

    def __init__(self, most: int, each: int, seconds: float) -> None:
        """At most `most` at a time, `each` of one address; a request's head takes `seconds` at
        most."""
        self._most, self._each = most, each
        self.seconds = seconds
        self._in: dict[_Watched, None] = {}
        """In the order in which they came."""
        self._of: dict[str, dict[_Watched, None]] = {}
        """By address."""

    def protocol(self) -> type[asyncio.Protocol]:
        """What uvicorn makes for each connection."""
        doors = self

        class Watched(_Watched):
            def __init__(self, *args: Any, **more: Any) -> None:
                super().__init__(*args, **more)
                self.doors = doors

        return Watched

    def __len__(self) -> int:
        return len(self._in)

    def enter(self, one: _Watched) -> None:
        """Count a connection in; another may go for it, or it itself."""
        mine = self._of.setdefault(one.address, {})
        self._in[one] = mine[one] = None
        stays = len(mine) <= self._each or _one_goes(mine, one)
        if stays and len(self._in) > self._most and not _one_goes(self._in, one):
            stays = len(self._in) <= self._most + RESERVE
        if not stays:
            one.transport.abort()

    def leave(self, one: _Watched) -> None:
        """Count a connection out."""
        self._in.pop(one, None)
        mine = self._of.get(one.address, {})
        mine.pop(one, None)
        if not mine:
            self._of.pop(one.address, None)


class _Watched(H11Protocol):
    """One connection, which is closed where no request comes."""

    doors: Doors

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.address = ""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether no request of it is being answered."""
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.doors.enter(self)
        self._clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self.doors.leave(self)
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._clock()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._clock()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused in the protocol's shape too."""
        body = json.dumps(bad(msg).body).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        said = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in said:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def gone(self) -> None:
        """Now, whatever was not read of the last answer."""
        self.doors.leave(self)
        self.transport.abort()

    def _clock(self) -> None:
        """Time runs from when it is waited for a request until that is there, not from byte to
        byte."""
        if not self.waits:
            self._stop()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.doors.seconds, self._late)

    def _late(self) -> None:
        if self.waits:
            self.gone()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _one_goes(those: dict[_Watched, None], new: _Watched) -> bool:
    """Whether one that waits could go for a new one; the first that came does."""
    oldest = next((one for one in those if one.waits and one is not new), None)
    if oldest is not None:
        oldest.gone()
    return oldest is not None
