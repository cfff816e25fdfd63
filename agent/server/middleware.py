"""What every request passes before anything of it is read: host, origin, key, room, size.

Pure ASGI, outside the framework, and by the path of the connection alone. What is refused here
has cost no download, no decoding and no memory.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from contextlib import ExitStack
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.server import reasons
from agent.server.app_state import AppState
from agent.server.errors import ApiError, busy
from agent.server.keys import Keys, Owner

OPEN: Final = frozenset({"/livez", "/readyz", "/"})
"""Paths that need no key; everything else does, also paths that do not exist."""
HEALTH: Final = frozenset({"/livez", "/readyz"})
"""Answered however much else there is to do."""
PATIENCE: Final = 2.0
"""Seconds that a request which only reads waits for those of the same key before it."""
OPEN_UNDER: Final = "/page/"
WORK: Final = frozenset({"/v1/chat/completions", "/v1/responses"})
LOOKS: Final = re.compile(r"(POST /v1/files/[^/]+/evidence|GET /v1/files/[^/]+/series)")
"""Also work: clips are opened for it."""
UPLOAD: Final = "/v1/files"
SMALL: Final = 1 << 16
DRAIN_BYTES, DRAIN_SECONDS = 8 << 20, 2.0
"""How much of a refused body is still read, so that the client gets to read why."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")

log = logging.getLogger("duchenne.serve")


class Middleware:
    """The outermost application."""

    def __init__(self, app: ASGIApp, app_state: AppState, keys: Keys | None, local: Owner) -> None:
        self._app, self._app_state = app, app_state
        self._keys, self._local = keys, local
        self.draining = False
        self.running = 0
        """Requests that were let in and are not answered yet."""
        self.inside = 0
        """Those, and all others that are on their way through."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _Passage(self, scope, receive, send).run()
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def owner(self, headers: dict[str, str], path: str, method: str) -> Owner | None:
        """Who asks; None on an open path. Raises ApiError."""
        self._addressed(headers)
        if self._keys is None:
            return self._local
        kind, _, key = headers.get("authorization", "").partition(" ")
        owner = self._keys.owner(key.strip()) if kind.lower() == "bearer" else None
        is_open = path in OPEN or path.startswith(OPEN_UNDER)
        if owner is None and not (is_open and method in ("GET", "HEAD")):
            raise ApiError(401, "invalid_api_key", "give a key: Authorization: Bearer …")
        return owner

    def _addressed(self, headers: dict[str, str]) -> None:
        """A page of some other site, open in a browser here, must not get to ask."""
        settings = self._app_state.settings
        host = headers.get("host", "")
        taken = _HOST.fullmatch(host)
        names = frozenset(settings.names) or (LOOPBACK if self._keys is None else frozenset())
        if taken is None or (names and taken[1].lower() not in names):
            raise ApiError(421, "wrong_host", "this server is not called by that name")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise ApiError(403, "wrong_origin", "pages of other sites may not ask this server")

    def admit(self, owner: Owner | None, works: bool, held: ExitStack) -> None:
        """Count the request in until `held` is closed. Raises ApiError (429, 503)."""
        if self.draining:
            raise ApiError(503, "shutting_down", "this server is going down", retry_after=5)
        self.running += 1
        held.callback(self._done)
        if owner is not None:
            held.enter_context(self._app_state.uses.flight(owner))
        if works:
            held.enter_context(self._app_state.room.ticket())

    async def admit_reader(self, owner: Owner | None, path: str, held: ExitStack) -> None:
        """Count a request that only reads in, too. Raises ApiError (429, 503)."""
        if path in HEALTH:
            return
        if self.inside > self._app_state.settings.connections:
            raise busy("there are too many requests; come back later", 1)
        if owner is None or not path.startswith("/v1/"):
            return
        until = time.monotonic() + PATIENCE
        while self._app_state.uses.is_full(owner) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        held.enter_context(self._app_state.uses.flight(owner))

    def _done(self) -> None:
        self.running -= 1

    def limit(self, path: str) -> int:
        """Bytes that a body to this path may have."""
        settings = self._app_state.settings
        if path == UPLOAD:
            return settings.media_bytes + SMALL
        return settings.body_bytes if path in WORK else SMALL


class _Passage:
    """One request on its way through."""

    def __init__(self, outer: Middleware, scope: Scope, receive: Receive, send: Send) -> None:
        self._outer, self._app_state = outer, outer._app_state
        self._scope, self._receive, self._send = scope, receive, send
        self._path: str = scope["path"]
        self._method: str = scope["method"]
        self._works = self._path in WORK or bool(LOOKS.fullmatch(f"{self._method} {self._path}"))
        """Whether it needs one of the places to work at."""
        self._began = asyncio.get_running_loop().time()
        self._id = secrets.token_hex(8)
        self._status = 0
        self._read = 0
        self._whole = False
        """Whether the body was read to its end."""
        self._owner: Owner | None = None

    async def run(self) -> None:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in self._scope["headers"]
        }
        self._outer.inside += 1
        with ExitStack() as held:
            try:
                self._owner = self._outer.owner(headers, self._path, self._method)
                if self._method == "POST" or self._works:
                    self._outer.admit(self._owner, self._works, held)
                else:
                    await self._outer.admit_reader(self._owner, self._path, held)
                self._sized(headers)
                state = self._scope.setdefault("state", {})
                state |= {"owner": self._owner, "began": self._began, "id": self._id}
                await self._outer.pass_on(self._scope, self._limited, self._noted)
            except ApiError as error:
                self._app_state.metrics.refused.labels(error.code).inc()
                await self._refuse(error)
            except Exception as error:  # the outermost boundary: it is logged and answered
                log.exception(
                    "fault", extra={"fields": {"id": self._id, "kind": repr(type(error))}}
                )
                await self._refuse(reasons.of_fault(error))
            finally:
                self._outer.inside -= 1
                self._log()

    def _sized(self, headers: dict[str, str]) -> None:
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._outer.limit(self._path):
            raise self._large()

    def _large(self) -> ApiError:
        most = self._outer.limit(self._path)
        return ApiError(413, "body_too_large", f"a body to this path may have {most} bytes")

    async def _limited(self) -> Message:
        """The body, as long as it is not too large and comes in time."""
        if self._whole:
            return await self._receive()
        settings, now = self._app_state.settings, asyncio.get_running_loop().time()
        until = min(self._began + settings.deadline, now + settings.body_seconds)
        try:
            async with asyncio.timeout_at(until):
                message = await self._receive()
        except TimeoutError:
            raise ApiError(408, "body_too_slow", "the body did not come in time") from None
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._read > self._outer.limit(self._path):
                raise self._large()
        return message

    async def _noted(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = [
                *message.get("headers", []),
                (b"x-request-id", self._id.encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"cache-control", b"no-store"),
            ]
        await self._send(message)

    async def _refuse(self, error: ApiError) -> None:
        if self._status:
            # Half an answer is out: the broken connection is all that can still tell.
            return
        body = json.dumps(error.body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body))}
        if error.status == 401:
            headers["www-authenticate"] = "Bearer"
        headers |= {name.lower(): value for name, value in error.headers.items()}
        if not self._whole and self._method in ("POST", "PUT", "PATCH"):
            headers["connection"] = "close"
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._noted({"type": "http.response.start", "status": error.status, "headers": raw})
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        await self._drain()
        await self._send({"type": "http.response.body", "body": b""})

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self._whole and self._read < DRAIN_BYTES + self._outer.limit(self._path):
                    message = await self._receive()
                    self._read += len(message.get("body", b""))
                    self._whole = not message.get("more_body", False)
        except TimeoutError:
            return

    def _log(self) -> None:
        seconds = asyncio.get_running_loop().time() - self._began
        route = getattr(self._scope.get("route"), "path", None) or "other"
        metrics = self._app_state.metrics
        metrics.requests.labels(route, str(self._status)).inc()
        metrics.seconds.labels(route).observe(seconds)
        fields: dict[str, Any] = {
            "id": self._id,
            "owner": self._owner.name if self._owner else None,
            "method": self._method if self._method.isalpha() else "other",
            "route": route,
            "status": self._status or 499,
            "ms": round(seconds * 1000, 1),
            "bytes": self._read,
            **self._scope.get("state", {}).get("noted", {}),
        }
        log.info("request", extra={"fields": fields})


class JsonLines(logging.Formatter):
    """One JSON object a line: what happened and its figures, never media, questions or words."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        row = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **fields,
        }
        if record.exc_info:
            row["trace"] = self.formatException(record.exc_info)
        return json.dumps(row)
