"""`duchenne vllm` and `duchenne serve --vllm` with a real vLLM on processors.

sh tests/vllm_setup.sh ~/vllm-env
DUCHENNE_VLLM=~/vllm-env python -m pytest -m vllm tests/test_vllm_hosting.py
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import served
import vllm_host

from agent.render.voice_picture import encode_voice, log_mel

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(540)]

SMALL = ("--", "--dtype", "float32", "--enforce-eager", "--max-num-seqs", "4")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of tests/tiny_exports.py."""
    return vllm_host.made("tiny_exports.py", tmp_path_factory.mktemp("exports"))


def hosted(*words: object, **how: Any) -> subprocess.Popen[str]:
    """`duchenne vllm`, begun."""
    python = ("--python", vllm_host.python(), "--port", free(), "--max-len", 4096)
    command = [sys.executable, "-m", "agent.cli.main", "vllm", *words, *python, *SMALL]
    return subprocess.Popen(
        list(map(str, command)), stderr=subprocess.PIPE, text=True,
        env=os.environ | vllm_host.QUIET | {"DUCHENNE_API_KEY": "key"}, **how,
    )  # fmt: skip


def free() -> int:
    """A port."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def running(mark: str) -> list[int]:
    """Processes with these words in their command line, and those of their sessions."""
    told = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().decode(errors="replace")
            session = int((path / "stat").read_text().rpartition(")")[2].split()[3])
        except OSError:
            continue
        told[int(path.name)] = (line, session)
    sessions = {session for line, session in told.values() if mark in line}
    return [pid for pid, (_, session) in told.items() if session in sessions and pid != os.getpid()]


def session(leader: int) -> list[int]:
    """Processes of one session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found += [int(path.parent.name)] if int(fields[3]) == leader else []
    return found


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("changed",), "weights or adapter are not those that were exported"),
        (("stock",), "voices are not heard as they were"),
        (("base", "--adapter", "other"), "weights or adapter are not those that were exported"),
    ],
)
def test_what_is_not_what_was_exported_is_not_served(
    exports: Path, words: tuple[str, ...], reason: str
) -> None:
    """It stops, with the reason, and leaves nothing running."""
    process = hosted(*(exports / word if not word.startswith("-") else word for word in words))
    try:
        _, said = process.communicate(timeout=480)
    finally:
        process.terminate()
    assert process.returncode == 4, said[-3000:]
    assert reason in said.splitlines()[-1]
    assert "ready" not in [line.split(":")[1].strip() for line in said.splitlines()
                           if line.startswith("duchenne: ")]  # fmt: skip
    assert running(str(exports / words[0])) == []


def test_an_adapter_is_served_beside_its_base_and_ended_in_order(exports: Path) -> None:
    process = hosted(exports / "base", "--adapter", exports / "adapter")
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("duchenne: ready"):
            break
    told = "".join(line for line in said if line.startswith("duchenne:"))
    assert re.search(r"proven: the adapter moves log-probabilities by up to 0\.[1-9]", told), said[
        -9:
    ]
    assert "proven: a damaged voice picture is refused" in told
    assert "proven: 4 prompts have the log-probabilities of the export" in told
    print(told)
    url = re.search(r"at (http://\S+)", told)[1]  # type: ignore[index]
    held = httpx.get(f"{url}/models", headers={"Authorization": "Bearer key"}).json()
    assert {each["id"] for each in held["data"]} == {"duchenne", "duchenne-base"}
    assert httpx.get(f"{url}/models").status_code == 401
    _takes_only_data(url)
    _refuses_what_was_changed(url)
    process.send_signal(signal.SIGTERM)
    process.stderr.read()
    assert process.wait(60) == 0
    assert running(str(exports / "base")) == []


def _ask(url: str, picture: str) -> httpx.Response:
    parts = [{"type": "image_url", "image_url": {"url": picture}}]
    body = {"model": "duchenne", "max_tokens": 1, "messages": [{"role": "user", "content": parts}]}
    headers = {"Authorization": "Bearer key"}
    return httpx.post(f"{url}/chat/completions", json=body, headers=headers, timeout=60)


def _takes_only_data(url: str) -> None:
    """vLLM itself fetches nothing."""
    with served.web() as web:
        assert _ask(url, f"{web.url}/picture.png").status_code == 400
        local = _ask(url, "file:///etc/passwd")  # vLLM calls this an error of its own
        assert local.status_code >= 400
        assert "root:" not in local.text
        assert web.hits == []


def _refuses_what_was_changed(url: str) -> None:
    """A voice picture as JPEG: refused with the reason, and the engine goes on."""
    held = io.BytesIO()
    tone = served.np.sin(served.np.arange(32_000) / 12).astype(served.np.float32)
    encode_voice(log_mel(tone)).save(held, "JPEG", quality=90)
    answer = _ask(url, "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode())
    assert answer.status_code == 400
    assert "JPEG" in answer.json()["error"]["message"]
    assert _ask(url, served.data(served.picture(), "image/png")).status_code == 200


# --- serve --vllm ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(exports: Path) -> Iterator[served.Served]:
    """A server with its vLLM, not waited for."""
    os.environ |= vllm_host.QUIET
    words = ["--python", str(vllm_host.python()), "--max-len", "12288", "--silence", "10", *SMALL]
    server = served.Served(
        "--vllm", " ".join([str(exports / "merged"), *words]), "--heartbeat", "2"
    )
    yield server
    server.kill()


def events(server: served.Served, name: str) -> list[dict[str, Any]]:
    """Lines of its log about one thing."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == name]


def test_rules_answer_while_vllm_starts(pair: served.Served) -> None:
    waiting = pair.get("/readyz")
    assert waiting.status_code == 503
    assert "vLLM is starting" in waiting.json()["why"]
    answer = pair.ask(served.data(served.clip()))
    assert answer.status_code == 200, answer.text


def test_it_is_ready_when_vllm_is_proven(pair: served.Served) -> None:
    assert until(lambda: pair.get("/readyz").status_code == 200, 400), pair.log[-3000:]
    proven = [line["what"] for line in events(pair, "vllm proven")]
    assert any("log-probabilities of the export" in line for line in proven)


def test_a_question_goes_through_to_the_exported_model(pair: served.Served) -> None:
    """Random weights say nothing that a cue carries: the answer says so, or the host is blamed."""
    before = pair.metric("duchenne_tokens_total")
    asked = [served.message(served.data(served.clip()), "What does she feel?")]
    answer = pair.post(
        "/v1/chat/completions", {"model": "duchenne", "messages": asked}, timeout=300
    )
    assert answer.status_code in (200, 502), answer.text
    if answer.status_code == 200:
        told = answer.json()["duchenne"]["answer"]
        assert told["grounded"] == 0.0 and not told["emotions"]
        assert pair.metric("duchenne_tokens_total") > before
    else:
        assert "language model" in answer.json()["error"]["message"]


def test_a_killed_vllm_is_told_and_started_again(pair: served.Served) -> None:
    """Not ready within 2 s and why; the rules answer meanwhile; then ready with another vLLM."""
    first = events(pair, "vllm ready")[-1]["pid"]
    os.kill(first, signal.SIGKILL)
    began = time.monotonic()
    assert until(lambda: pair.get("/readyz").status_code == 503, 10)
    told = time.monotonic() - began
    assert any("vLLM" in why for why in pair.get("/readyz").json()["why"])
    assert pair.ask(served.data(served.clip(hue=90))).status_code == 200
    assert until(lambda: pair.get("/readyz").status_code == 200, 400), pair.log[-3000:]
    print(f"told after {told:.2f} s, ready again after {time.monotonic() - began:.0f} s")
    assert told < 2
    assert events(pair, "vllm died")[-1]["how"] == "SIGKILL"
    assert events(pair, "vllm ready")[-1]["pid"] != first
    assert first not in running("agent.cli.main")


def test_a_stuck_vllm_is_told_and_started_again(pair: served.Served) -> None:
    """Its engine is stopped: the server of vLLM still answers, and no token comes."""
    first = events(pair, "vllm ready")[-1]["pid"]
    engines = [pid for pid in session(first) if pid != first]
    for pid in engines:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    assert until(lambda: pair.get("/readyz").status_code == 503, 40)
    told = time.monotonic() - began
    assert "vLLM answers and makes no token" in pair.get("/readyz").json()["why"]
    assert pair.ask(served.data(served.clip(hue=120))).status_code == 200
    assert until(lambda: events(pair, "vllm ready")[-1]["pid"] != first, 400), pair.log[-3000:]
    assert until(lambda: pair.get("/readyz").status_code == 200, 20)
    print(f"told after {told:.1f} s, ready again after {time.monotonic() - began:.0f} s")
    assert events(pair, "vllm died")[-1]["how"] == "no token in 10 s"
    assert not [pid for pid in engines if Path(f"/proc/{pid}/stat").exists()]


def test_sigterm_ends_both(pair: served.Served, exports: Path) -> None:
    assert running(str(exports / "merged"))
    assert pair.end() == 0, pair.log[-2000:]
    assert until(lambda: not running(str(exports / "merged")), 5)
