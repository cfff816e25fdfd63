"""A page on this machine to read, compare and accept captions; decisions go into the rows.

Knows the page's few requests. It listens on loopback only, answers nobody who does not know the
address with its random token, and shows what clips and models say as text, never as markup.
"""

from __future__ import annotations

import hmac
import json
import mimetypes
import re
import secrets
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from agent.captions import confined
from agent.captions.outcome import RunError
from agent.captions.rows import Row
from agent.captions.store import Store, read_rows
from agent.util import listen

PAGE: Final = Path(__file__).parent / "page"
FILES: Final = {"": "page.html", "page.css": "page.css", "page.js": "page.js"}
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_STRIP: Final = re.compile(r"strip(?:-[A-Za-z0-9]{0,20})?\.png")
LISTED: Final = ("id", "person", "main", "caption", "emotion", "review")
LONGEST: Final = 100_000
"""Bytes of one decision."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@dataclass
class Review:
    """The captions of one folder, and beside them those of another."""

    store: Store
    beside: Path | None = None

    def __post_init__(self) -> None:
        self.store.seal()
        self._lock = Lock()
        self._root = self.store.manifest()["source"]["root"]

    def rows(self) -> list[Row]:
        """What the list shows."""
        return list(read_rows(self.store.out, LISTED))

    def row(self, id: str, person: str) -> Row:
        """One row, and the other folder's caption of it. Raises KeyError where there is none."""
        found = self.store.row(id, person)
        told = self._beside.get((id, person))
        name = self.beside.name if self.beside else ""
        return found | {
            "has_clip": self.clip(found) is not None,
            "beside": None if told is None else {"name": name, "caption": told},
        }

    def clip(self, row: Row) -> Path | None:
        """The row's clip where it is still there."""
        path = confined.clip(self._root, row["path"])
        return path if path is not None and path.is_file() else None

    def strip(self, row: Row) -> Path | None:
        """The picture of the cues over time; sensed again where the cache forgot it."""
        clip = self.clip(row)
        if clip is None:
            return None
        # What a row says becomes no path: it may be somebody else's words.
        name = "strip.png" if row["main"] else f"strip-{row['person']}.png"
        if not _HASH.fullmatch(str(row["sha256"])) or not _STRIP.fullmatch(name):
            return None
        folder = self.store.out / ".work" / "strips" / row["sha256"]
        with self._lock:
            if not (folder / name).exists():
                from agent.perception import look as perceive
                from agent.render.showing import Showing

                folder.mkdir(parents=True, exist_ok=True)
                Showing(clip, perceive.look(perceive.Request(clip))).save(folder)
        path: Path = folder / name
        return path

    def decide(self, told: dict[str, Any]) -> None:
        """Write a decision into its row. Raises ValueError, KeyError, OSError."""
        if told.get("review") not in ("accepted", "rejected", None):
            raise ValueError("a caption is accepted, rejected or neither")
        texts = {f"review_{n}": told.get(n) for n in ("caption", "note")}
        if any(text is not None and not isinstance(text, str) for text in texts.values()):
            raise ValueError("caption and note are texts")
        with self._lock:
            self.store.change(told["id"], told["person"], {"review": told["review"], **texts})

    @cached_property
    def _beside(self) -> dict[tuple[str, str], str]:
        if self.beside is None:
            return {}
        found = read_rows(self.beside, ("id", "person", "caption"))
        return {(row["id"], row["person"]): row["caption"] for row in found}


def serve(review: Review, port: int = 0) -> tuple[ThreadingHTTPServer, str]:
    """A server that is not running yet, and the address of the page with its token.

    Raises RunError for a port that is taken.
    """
    token = secrets.token_urlsafe(24)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(review, token))
    except OSError as error:
        raise RunError(listen.why("127.0.0.1", port, error), 1) from error
    server.daemon_threads = True
    return server, f"http://127.0.0.1:{server.server_port}/{token}/"


def _handler(review: Review, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "duchenne"
        sys_version = ""

        def do_GET(self) -> None:  # the name the base class calls
            self._answer(self._get)

        def do_POST(self) -> None:
            self._answer(self._post)

        def _answer(self, act: Any) -> None:
            parts = urlsplit(self.path)
            _, given, *rest = [*parts.path.split("/", 2), ""]
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            known = hmac.compare_digest(given.encode(), token.encode())
            if not known or host not in ("127.0.0.1", "localhost"):
                self._fail(HTTPStatus.NOT_FOUND, "nothing here")
                return
            asked = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
            try:
                act(rest[0], asked)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            except KeyError:
                self._fail(HTTPStatus.NOT_FOUND, "no such caption")
            except (ValueError, RunError) as error:
                self._fail(HTTPStatus.BAD_REQUEST, str(error))

        def _get(self, name: str, asked: dict[str, str]) -> None:
            if name in FILES:
                return self._file(PAGE / FILES[name])
            if name == "rows":
                return self._json(review.rows())
            if name not in ("row", "clip", "strip"):
                return self._fail(HTTPStatus.NOT_FOUND, "nothing here")
            row = review.row(asked["id"], asked["person"])
            if name == "row":
                return self._json(row)
            found = review.clip(row) if name == "clip" else review.strip(row)
            return self._file(found)

        def _post(self, name: str, _asked: dict[str, str]) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if name != "decision" or not 0 < length <= LONGEST:
                self.close_connection = True
                return self._fail(HTTPStatus.BAD_REQUEST, "not a decision")
            told = json.loads(self.rfile.read(length))
            if not isinstance(told, dict):
                raise ValueError("a decision is an object")
            review.decide(told)
            return self._json({"review": told["review"]})

        def _json(self, value: Any) -> None:
            data = json.dumps(value, ensure_ascii=False).encode()
            self._send(HTTPStatus.OK, data, "application/json")

        def _fail(self, status: HTTPStatus, why: str) -> None:
            self._send(status, why.encode(), "text/plain; charset=utf-8")

        def _send(self, status: HTTPStatus, data: bytes, kind: str) -> None:
            self._head(status, len(data), kind)
            self.wfile.write(data)

        def _head(self, status: HTTPStatus, length: int, kind: str, **more: str) -> None:
            self.send_response(status)
            headers = {
                "Content-Type": kind, "Content-Length": str(length), "Cache-Control": "no-store",
                "Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff", **more,
            }  # fmt: skip
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def _file(self, path: Path | None) -> None:
            """A file, or the part of it that a player asks for."""
            if path is None or not path.is_file():
                return self._fail(HTTPStatus.NOT_FOUND, "the file is not there")
            size = path.stat().st_size
            start, end, partly = _range(self.headers.get("Range"), size)
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            status = HTTPStatus.PARTIAL_CONTENT if partly else HTTPStatus.OK
            more = {"Accept_Ranges": "bytes"}
            more |= {"Content_Range": f"bytes {start}-{end - 1}/{size}"} if partly else {}
            self._head(status, end - start, kind, **more)
            with path.open("rb") as file:
                file.seek(start)
                left = end - start
                while left > 0 and (piece := file.read(min(left, 1 << 16))):
                    self.wfile.write(piece)
                    left -= len(piece)
            return None

        def log_message(self, *_: Any) -> None:
            """Names of clips are nobody's business on a terminal."""

    return Handler


def _range(asked: str | None, size: int) -> tuple[int, int, bool]:
    """First byte, byte after the last, and whether that is a part; all where it makes no sense."""
    first, _, last = (asked or "").removeprefix("bytes=").partition("-")
    if not (asked or "").startswith("bytes=") or not (first or last).isdigit():
        return 0, size, False
    start = int(first) if first else max(0, size - int(last))
    end = int(last) + 1 if first and last.isdigit() else size
    return (start, min(end, size), True) if start < min(end, size) else (0, size, False)
