"""The walls of a test run hold: nothing leaves this machine, nothing touches the user's cache."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import conftest
import pytest

from agent.assets import resolve as assets
from agent.util.cache import cache_dir

BEYOND = "192.0.2.1"
"""Reserved for documentation (RFC 5737): nobody answers there."""


def test_sockets_beyond_this_machine_are_refused_at_once() -> None:
    with socket.socket() as way, pytest.raises(ConnectionRefusedError, match="beyond this machine"):
        way.connect((BEYOND, 443))
    with socket.socket(type=socket.SOCK_DGRAM) as way, pytest.raises(ConnectionRefusedError):
        way.sendto(b"x", (BEYOND, 53))
    with pytest.raises(socket.gaierror, match="look nothing up"):
        socket.getaddrinfo("example.com", 443)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("http://example.com/", timeout=5)


def test_loopback_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: listening.accept()[0].close())
        thread.start()
        with socket.create_connection(("localhost", listening.getsockname()[1])):
            pass
        thread.join()


def test_children_stand_behind_the_same_wall() -> None:
    code = f"import socket; socket.create_connection(({BEYOND!r}, 443), timeout=5)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1 and "beyond this machine" in done.stderr
    asked = [sys.executable, "-m", "pip", "download", "--no-deps", "idna==3.10", "-d", os.devnull]
    found = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode != 0


def test_the_run_has_its_own_cache_and_models() -> None:
    home = Path.home() / ".cache" / "duchenne"
    assert home not in (cache_dir(), *cache_dir().parents)
    needed = [name for name, each in assets.ASSETS.items() if not each.optional]
    for name in needed:
        assert assets.asset(name).parent == conftest.MODELS
