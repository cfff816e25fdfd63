"""A vLLM for tests: its environment, tiny checkpoints, and the server really started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

TESTS = Path(__file__).parent
UP_WITHIN = 300.0
"""Seconds; about 60 on two idle cores."""
QUIET = {
    "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1",
    "OMP_NUM_THREADS": "1",
}  # fmt: skip


def python() -> Path:
    """The Python of tests/vllm_setup.sh; skips without one."""
    folder = os.environ.get("DUCHENNE_VLLM")
    if not folder:
        pytest.skip("DUCHENNE_VLLM names no environment; make one with tests/vllm_setup.sh")
    return Path(folder).expanduser() / "bin" / "python"


def made(script: str, folder: Path) -> Path:
    """`folder`, after a script of this folder has filled it."""
    subprocess.run([python(), TESTS / script, folder], check=True, capture_output=True)
    return folder


@contextmanager
def stock(checkpoint: Path, name: str, key: str, pictures: int, log: Path) -> Iterator[str]:
    """Base URL of a plain vLLM that serves `checkpoint` as `name`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        python(), "-m", "vllm.entrypoints.openai.api_server", "--model", checkpoint,
        "--served-model-name", name, "--host", "127.0.0.1", "--port", str(port),
        "--api-key", key, "--dtype", "float32", "--enforce-eager", "--max-model-len", "12288",
        "--max-num-seqs", "4", "--limit-mm-per-prompt", json.dumps({"image": pictures}),
        # Without this a random model may fill its whole answer with blanks between two tokens.
        "--structured-outputs-config",
        json.dumps({"backend": "xgrammar", "disable_any_whitespace": True}),
    ]  # fmt: skip
    with log.open("wb") as out:
        process = subprocess.Popen(
            list(map(str, command)),
            env=os.environ | QUIET,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait(health: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the host is up; fails with the end of its log."""
    until = time.monotonic() + UP_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(health, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(1)
    pytest.fail("vLLM did not come up:\n" + log.read_text(errors="replace")[-4000:])
