"""A server really started, clips really made: what the tests of `duchenne serve` share."""

from __future__ import annotations

import atexit
import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import httpx
import loopback
import numpy as np
import openai
from PIL import Image

from agent.server import keys

ROOT = Path(__file__).resolve().parents[1]
Json = dict[str, Any]


class Served:
    """One `duchenne serve` in a process of its own."""

    def __init__(self, *arguments: str, key: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="served-"))
        self.key = key
        self._log = self.folder / "log"
        environment = {
            **os.environ,
            "TMPDIR": str(self.folder),
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        command = [sys.executable, "-m", "agent.cli.main", "serve", "--port", "0", *arguments]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdout=log, env=environment, cwd=self.folder
            )
        atexit.register(self.kill)
        self.port = self._port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Certificates are read for each client, which costs more than most requests here.
        self.http = httpx.Client(verify=False, limits=httpx.Limits(max_keepalive_connections=0))

    def _port(self) -> int:
        for _ in range(1200):
            if found := re.search(r'"event": "listening".*"port": (\d+)', self.log):
                return int(found[1])
            assert self.process.poll() is None, self.log
            time.sleep(0.05)
        raise AssertionError(self.log)

    def ready(self) -> Served:
        """Itself, when it is."""
        for _ in range(2400):
            if self.http.get(f"{self.url}/readyz").status_code == 200:
                return self
            assert self.process.poll() is None, self.log
            time.sleep(0.1)
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def client(self, key: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"{self.url}/v1",
            api_key=key or self.key or "none",
            max_retries=0,
            timeout=60,
            http_client=openai.DefaultHttpxClient(verify=False),
        )

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        timeout = more.pop("timeout", 60)
        if body is not None:
            more["json"] = body
        return self.http.post(self.url + path, headers=headers, timeout=timeout, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.http.get(self.url + path, headers=headers, timeout=60, **more)

    def ask(self, url: str, question: str = "What does she feel?", **more: Any) -> httpx.Response:
        """One question about one clip, by address."""
        model = more.pop("model", "duchenne-rules")
        return self.post(
            "/v1/chat/completions",
            {"model": model, "messages": [message(url, question)], **more},
        )

    def children(self) -> list[int]:
        """Processes that it began and that still run."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
        return found

    def rss(self) -> int:
        """Bytes of memory of the server's own process."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def metric(self, name: str) -> float:
        text = self.get("/metrics").text
        return sum(float(n) for n in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()


class Model:
    """The language model behind the server: what it was asked, and how slow it is."""

    def __init__(self) -> None:
        self.slow = 0.0
        self.broken = 0
        """Answers that nobody was there to take."""
        self.fails: tuple[int, Json] | None = None
        self.now = 0

    def __call__(self, request: Json) -> tuple[int, Any]:
        self.now += 1
        try:
            began = time.monotonic()
            while time.monotonic() < began + self.slow:
                time.sleep(0.02)
        finally:
            self.now -= 1
        if self.fails:
            return self.fails
        return loopback.scripted({**loopback.GOOD, "repair": {}})(request)


class Pair:
    """The server most tests share, the model behind it, and its two keys."""

    def __init__(self) -> None:
        self.model = Model()
        self._open = loopback.host(self.model)
        self.host = self._open.__enter__()
        atexit.register(self._open.__exit__, None, None, None)
        folder = Path(tempfile.mkdtemp(prefix="served-keys-"))
        self.keys = {name: keys.new(folder / "keys.toml", name) for name in ("alice", "bob")}
        self.web = Web()
        atexit.register(self.web.close)
        self.server = Served(
            *("--keys", str(folder / "keys.toml"), "--model", "openai:tiny"),
            *("--base-url", self.host.url, "--slots", "2", "--queue", "2", "--in-flight", "30"),
            *("--max-media-mib", "8", "--max-body-mib", "16", "--heartbeat", "0.4"),
            *("--fetch-seconds", "3", "--max-media-seconds", "100", "--deadline", "60"),
            *("--allow", self.web.place),
            key=self.keys["alice"],
        ).ready()


@cache
def pair() -> Pair:
    """Started once for all tests of one run."""
    return Pair()


class Web:
    """A web server on loopback that says what a test wants, and counts who came."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        self.sent = 0
        self.says: Callable[[BaseHTTPRequestHandler], None] = _nothing
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                web.hits.append(self.path)
                self.close_connection = True
                with suppress(OSError):
                    web.says(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> tuple[socket.socket, Any]:
                taken, address = super().get_request()
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
                return taken, address

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.place = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.place}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def give(self, body: bytes) -> None:
        """Answer everything with these bytes."""

        def says(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        self.says = says

    def lead(self, to: str) -> None:
        """Answer everything with a redirect."""

        def says(request: BaseHTTPRequestHandler) -> None:
            request.send_response(302)
            request.send_header("Location", to)
            request.send_header("Content-Length", "0")
            request.end_headers()

        self.says = says

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _nothing(request: BaseHTTPRequestHandler) -> None:
    request.send_response(404)
    request.send_header("Content-Length", "0")
    request.end_headers()


@contextmanager
def web() -> Iterator[Web]:
    made = Web()
    try:
        yield made
    finally:
        made.close()


def message(url: str, question: str) -> Json:
    parts = [
        {"type": "video_url", "video_url": {"url": url}},
        {"type": "text", "text": question},
    ]
    return {"role": "user", "content": parts}


def data(clip: bytes, kind: str = "video/mp4") -> str:
    return f"data:{kind};base64,{base64.b64encode(clip).decode()}"


@cache
def clip(seconds: float = 0.6, hue: int = 40, side: int = 96) -> bytes:
    """A video of a moving square with a tone; nobody is in it."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        video: Any = container.add_stream("mpeg4", rate=15)
        video.width = video.height = side
        video.pix_fmt = "yuv420p"
        audio: Any = container.add_stream("aac", rate=16000, layout="mono")
        for index in range(int(seconds * 15)):
            image = np.full((side, side, 3), hue, np.uint8)
            image[10:30, index : index + 20] = 220
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 15)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        times = np.arange(int(seconds * 16000)) / 16000
        tone = (0.2 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)
        block = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        block.rate, block.pts = 16000, 0
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    return out.getvalue()


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 200)).save(out, "PNG")
    return out.getvalue()


def tone(seconds: float = 0.5) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        times = np.arange(int(seconds * 16000)) / 16000
        file.writeframes((8000 * np.sin(2 * np.pi * 200 * times)).astype("<i2").tobytes())
    return out.getvalue()


def events(response: httpx.Response) -> list[str]:
    """The data of each server-sent event."""
    return [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]


def error(response: httpx.Response) -> Json:
    """The error of a refusal; it has the protocol's shape and gives nothing away."""
    body = response.json()
    assert set(body) == {"error"}, body
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert not re.search(r"/tmp|/work|/home|0x[0-9a-f]{6}|Traceback|Error\b", json.dumps(body))
    found: Json = body["error"]
    return found
