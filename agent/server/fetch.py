"""Fetches one clip over HTTP into a file, from addresses that `agent.server.guard` allows.

Connects to the address the guard gave, never to a name; follows redirects one by one, each
checked anew; counts bytes as they come. No proxy, no cookies, no credentials, no compression.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import h11

from agent.server import reasons
from agent.server.errors import ApiError
from agent.server.guard import Guard, Target, parse, refused

REDIRECTS: Final = 5
CHUNK: Final = 1 << 16
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


async def fetch(url: str, into: Path, *, guard: Guard, limit: int, seconds: float) -> int:
    """Bytes written to `into`. Raises ApiError; a file that is too large is cut off and removed."""
    try:
        async with asyncio.timeout(seconds):
            return await _followed(url, into, guard, limit)
    except TimeoutError:
        into.unlink(missing_ok=True)
        raise failed(f"it took longer than {seconds:g} s", "fetch_timeout") from None
    except BaseException:  # a fetch that is cancelled too leaves no half a file, and rises
        into.unlink(missing_ok=True)
        raise


async def _followed(url: str, into: Path, guard: Guard, limit: int) -> int:
    target = parse(url)
    for _ in range(REDIRECTS + 1):
        after = await _one(target, await guard.address(target), into, limit)
        if isinstance(after, int):
            return after
        following = parse(_joined(target, after))
        if target.secure and not following.secure:
            raise refused("it leads from https to http")
        target = following
    raise refused(f"it leads on more than {REDIRECTS} times")


def _joined(base: Target, location: str) -> str:
    """The address a Location header means."""
    if _SCHEME.match(location):
        return location
    scheme = "https" if base.secure else "http"
    if location.startswith("//"):
        return f"{scheme}:{location}"
    path = location if location.startswith("/") else base.path.rpartition("/")[0] + "/" + location
    return f"{scheme}://{base.authority}{path}"


async def _one(target: Target, address: str, into: Path, limit: int) -> int | str:
    """Bytes of the body, or where it leads."""
    try:
        reader, writer = await asyncio.open_connection(
            address,
            target.port,
            ssl=ssl.create_default_context() if target.secure else None,
            server_hostname=target.host if target.secure else None,
        )
    except (OSError, ssl.SSLError):
        raise failed("nobody answers there, or its certificate is not valid") from None
    try:
        return await _talk(h11.Connection(h11.CLIENT), target, reader, writer, into, limit)
    except (OSError, h11.RemoteProtocolError):
        raise failed("the connection broke, or what answers is no web server") from None
    finally:
        writer.transport.abort()
        with suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


async def _talk(
    http: h11.Connection,
    target: Target,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    into: Path,
    limit: int,
) -> int | str:
    headers = {
        "Host": target.authority,
        "User-Agent": "duchenne",
        "Accept": "video/*, audio/*, image/*, */*;q=0.1",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    asked = h11.Request(method="GET", target=target.path, headers=list(headers.items()))
    writer.write(http.send(asked) or b"")
    writer.write(http.send(h11.EndOfMessage()) or b"")
    await writer.drain()
    written = 0
    with into.open("wb") as file:
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(CHUNK))
            elif isinstance(event, h11.Response):
                if (leads := _checked(event, limit)) is not None:
                    return leads
            elif isinstance(event, h11.Data):
                written += len(event.data)
                if written > limit:
                    raise too_large(limit)
                _kept(file, event.data)
            elif not isinstance(event, h11.InformationalResponse):
                return written


def _kept(file: BinaryIO, data: bytes) -> None:
    """Raises ApiError: a disk that is full is no fault of whoever sends."""
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        raise reasons.of_fault(error) from None


def _checked(response: h11.Response, limit: int) -> str | None:
    """Where it leads, None for a body to read."""
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in response.headers}
    if response.status_code in (301, 302, 303, 307, 308) and "location" in headers:
        return headers["location"]
    if response.status_code != 200:
        raise failed(f"it answers with status {response.status_code}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise failed("it sends compressed data that was not asked for")
    if int(headers.get("content-length", "0")) > limit:
        raise too_large(limit)
    return None


def failed(why: str, code: str = "fetch_failed") -> ApiError:
    """A fetch that was allowed and did not work."""
    return ApiError(400, code, f"the clip could not be fetched: {why}", param="url")


def too_large(limit: int) -> ApiError:
    """A clip with more bytes than are taken."""
    return ApiError(413, "media_too_large", f"a clip may have {limit >> 20} MiB at most")
