"""Who only holds connections locks out nobody; replies without end and memory have bounds."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import served
from served import Served

from agent.models.clients import HostRefusedError, HostTimeoutError
from agent.models.clients.openai import OpenAIHost
from agent.server import keys


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    file = tmp_path_factory.mktemp("keys") / "keys.toml"
    key = keys.new(file, "alice")
    made = Served("--keys", str(file), "--in-flight", "2", key=key).ready()
    yield made
    made.kill()


def idle(server: Served, count: int, held: ExitStack, said: bytes = b"") -> list[socket.socket]:
    """Connections to this machine's own server that say this much and no more."""
    made = []
    for _ in range(count):
        one = held.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
        one.sendall(said)
        made.append(one)
    return made


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\nHost: x"])
def test_six_hundred_idle_connections_lock_out_nobody(server: Served, said: bytes) -> None:
    with ExitStack() as held:
        idle(server, 600, held, said)
        for path in ("/livez", "/readyz", "/v1/models", "/v1/files"):
            began = time.monotonic()
            assert server.get(path).status_code == 200
            assert time.monotonic() - began < 10
        assert len(connections(server)) <= 256 + 8


def connections(server: Served) -> list[str]:
    """Handles of sockets that the server holds."""
    found = []
    for link in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except OSError:
            continue
    return [one for one in found if one.startswith("socket:")]


def test_a_request_whose_head_never_ends_is_dropped(server: Served) -> None:
    """A byte now and then does not make it longer."""
    with ExitStack() as held:
        (one,) = idle(server, 1, held, b"GET /livez HTTP/1.1\r\n")
        one.settimeout(0.5)
        began = time.monotonic()
        while time.monotonic() - began < 40:
            try:
                one.sendall(b"X-More: y\r\n")
                if one.recv(10) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert 8 < time.monotonic() - began < 30


def test_what_is_no_http_is_refused_in_the_protocols_shape(server: Served) -> None:
    with ExitStack() as held:
        (one,) = idle(server, 1, held, b"\0\1 this is nothing\r\n\r\n")
        one.settimeout(20)
        raw = b""
        while piece := one.recv(4096):
            raw += piece
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") and b"application/json" in head
    assert b'"error"' in body


def test_reading_counts_against_a_keys_limit(server: Served) -> None:
    """While two requests of a key run, a third is not answered, whatever it wants to read."""
    part = b"x" * 10
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {server.key}\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000\r\n\r\n"
    ).encode()
    with ExitStack() as held:
        idle(server, 2, held, head + part)
        time.sleep(0.5)
        refused = server.get("/v1/files")
        assert refused.status_code == 429 and refused.headers["retry-after"]
        assert server.get("/livez").status_code == 200
        assert server.get("/readyz").status_code == 200
    with ThreadPoolExecutor(8) as pool:  # many short ones wait for each other
        done = [pool.submit(server.get, "/v1/files") for _ in range(16)]
    assert {one.result().status_code for one in done} == {200}


# -- the model's host


@contextmanager
def endless(pause: float, coding: str | None = None) -> Iterator[served.Web]:
    """A host whose replies never end; at most 200 MB of them are sent in a test."""

    def says(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        if coding:
            request.send_header("Content-Encoding", coding)
        request.end_headers()
        piece = b" " * (1 if pause else 1 << 16)
        for _ in range(600 if pause else 3200):
            request.wfile.write(piece)
            time.sleep(pause)

    with served.web() as web:
        web.says = says
        yield web


@pytest.mark.parametrize(
    ("pause", "coding", "error"),
    [(0.0, None, HostRefusedError), (0.1, None, HostTimeoutError), (0.0, "gzip", HostRefusedError)],
)
def test_a_host_that_sends_without_end_is_cut(
    pause: float, coding: str | None, error: type[Exception]
) -> None:
    with endless(pause, coding) as web:
        host = OpenAIHost("tiny", f"{web.url}/v1", "none", timeout=2.0)
        began = time.monotonic()
        with pytest.raises(error):
            host.revision()
        assert time.monotonic() - began < 15


def test_the_servers_own_look_at_its_host_is_bounded() -> None:
    """It asks again and again whether the model is there; memory does not grow with what comes."""
    with endless(0.0) as web:
        server = Served("--model", "openai:tiny", "--base-url", f"{web.url}/v1")
        before = server.rss()
        time.sleep(12)
        assert server.get("/readyz").status_code == 503
        assert server.rss() - before < 100 << 20
        server.kill()


def test_a_process_that_reasons_has_a_memory_limit(server: Served) -> None:
    found = []
    for pid in server.children():
        folder = Path(f"/proc/{pid}")
        if b"agent.server.reasoning_worker" in (folder / "cmdline").read_bytes():
            (row,) = [
                line
                for line in (folder / "limits").read_text().splitlines()
                if line.startswith("Max address space")
            ]
            found.append(int(row.split()[3]))
    assert found and all(limit == 4 << 30 for limit in found)
