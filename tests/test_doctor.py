"""The doctor tells what is here, what is not, and how to get it, without changing anything."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agent.cli.doctor import Row, report


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUCHENNE_BASE_URL", "OPENAI_BASE_URL", "DUCHENNE_ASSETS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))


def row(part: str) -> Row:
    return next(found for found in report() if found["part"] == part)


def test_what_is_missing_comes_with_a_way_to_get_it(tmp_path: Path) -> None:
    for found in report():
        assert found["state"] and found["adds"]
    assert row("av")["get"] == "" and row("av")["state"][0].isdigit()
    mesh = row("face_landmark.tflite")
    assert mesh["state"] == "missing" and "duchenne models pull" in mesh["get"]
    assert "DUCHENNE_BASE_URL" in row("model host")["get"]
    assert not (tmp_path / "cache").exists(), "looking makes nothing"


def test_a_cache_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "can be written" in row("cache")["state"]
    (tmp_path / "file").touch()
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "file" / "deeper"))
    assert "cannot" in row("cache")["state"] and "DUCHENNE_CACHE" in row("cache")["get"]


class Host(BaseHTTPRequestHandler):
    reply: tuple[int, bytes] = (200, b"")

    def do_GET(self) -> None:
        self.send_response(self.reply[0])
        self.end_headers()
        self.wfile.write(self.reply[1])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://name:secret@127.0.0.1:{server.server_port}/v1"
    monkeypatch.setenv("DUCHENNE_BASE_URL", url.replace("name:secret@", ""))
    yield url
    server.shutdown()
    server.server_close()


def test_a_host_is_asked_for_its_models(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Host.reply = (200, json.dumps({"data": [{"id": "qwen"}]}).encode())
    assert "serves qwen" in row("model host")["state"] and row("model host")["get"] == ""
    Host.reply = (401, b"no")
    assert "401" in row("model host")["state"] and "API_KEY" in row("model host")["get"]
    Host.reply = (200, b"<html>")
    assert "not as an OpenAI" in row("model host")["state"]
    monkeypatch.setenv("DUCHENNE_BASE_URL", host)
    assert "secret" not in row("model host")["state"]


def test_an_unreachable_host_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCHENNE_BASE_URL", "http://127.0.0.1:9/v1")
    began = time.monotonic()
    assert "cannot be reached" in row("model host")["state"]
    assert time.monotonic() - began < 10


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from agent.cli import doctor; doctor.report(); "
        "print([m for m in ('torch', 'transformers', 'cv2', 'av', 'faster_whisper', 'openai') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
