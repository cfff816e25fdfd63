"""Captioning through a host that has its limits: busy, failing, dear."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import loopback
import pytest

from agent.captions.cli import main
from agent.captions.flow import Flow
from agent.captions.store import read_rows
from agent.models.clients import HostBusyError, HostRefusedError, Message
from agent.models.clients.openai import OpenAIHost

WHOLE = {
    "observations": [], "behavior": "speaks", "interpretations": [], "cognition": "is at ease",
    "conclusions": [], "emotions": [{"label": "neutral", "share": 100}], "words": [],
    "valence": 0, "arousal": 0, "confidence": 50, "sentences": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, voices: dict[str, Path]) -> Iterator[Path]:
    """Eight copies of a voice, and a file that is none."""
    place = tmp_path_factory.mktemp("flow")
    (place / "clips").mkdir()
    for n in range(8):
        shutil.copy(voices["anger"], place / "clips" / f"{n}.wav")
    before = dict(os.environ)
    os.environ["DUCHENNE_CACHE"] = str(place / "cache")
    yield place / "clips"
    os.environ.clear()
    os.environ.update(before)


class Narrow:
    """A host that answers so many at once and turns the others away for a while."""

    def __init__(self, room: int, takes: float, after: str = "0.3") -> None:
        self.room, self.takes, self.after = room, takes, after
        self.inside = self.turned_away = 0
        self._lock = threading.Lock()

    def __call__(self, _: loopback.Json) -> tuple[Any, ...]:
        with self._lock:
            if self.inside >= self.room:
                self.turned_away += 1
                return *loopback.error(429, "too many requests"), {"Retry-After": self.after}
            self.inside += 1
        time.sleep(self.takes)
        with self._lock:
            self.inside -= 1
        return loopback.said(json.dumps(WHOLE))


def captioned(clips: Path, out: Path, talk: loopback.Talk, *more: str) -> int:
    return main([
        str(clips), "--out", str(out), "--model", "openai:tiny", "--base-url", talk.url,
        "--one-call", "--no-closer-look", "--workers", "2", *more,
    ])  # fmt: skip


def test_a_busy_host_gets_fewer_calls_and_no_clip_fails(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = Narrow(room=1, takes=0.8)
    with loopback.host(narrow) as talk:
        assert captioned(clips, tmp_path / "out", talk, "--in-flight", "8") == 0
    told = capsys.readouterr().out
    assert "8 clips captioned; 8 rows" in told
    assert narrow.turned_away > 0
    assert f"the host was busy {narrow.turned_away} times" in told
    assert (tmp_path / "out" / "failures.jsonl").read_text() == ""


def test_a_flow_halves_rests_and_grows_again() -> None:
    flow = Flow(8)
    for _ in range(8):
        flow.begin()
    for _ in range(8):
        flow.refused(0.15)
    assert (int(flow.limit), flow.lowest, flow.busy) == (4, 4, 8)
    begun = time.monotonic()
    flow.begin()
    assert time.monotonic() - begun >= 0.14
    flow.end()
    for _ in range(40):
        flow.begin()
        flow.end()
    assert flow.limit == 8


def test_a_host_says_when_to_come_again() -> None:
    answers: list[tuple[Any, ...]] = [
        (*loopback.error(503, "loading"), {"Retry-After": "1"}),
        loopback.said("{}"),
    ]
    with loopback.host(lambda _: answers.pop(0)) as talk:
        host = OpenAIHost("tiny", talk.url, "none")
        begun = time.monotonic()
        host.complete([Message("user", "x")], {"type": "object"})
        assert 1.0 <= time.monotonic() - begun < 5
    busy = (*loopback.error(429, "slow down"), {"Retry-After": "7"})
    with loopback.host(lambda _: busy) as talk:
        host = OpenAIHost("tiny", talk.url, "none")
        host.busy_tries = 1
        with pytest.raises(HostBusyError, match="429 slow down") as caught:
            host.complete([Message("user", "x")], {"type": "object"})
        assert caught.value.after == 7
    spent = {"error": {"message": "no credit", "type": "x", "code": "insufficient_quota"}}
    with loopback.host(lambda _: (429, spent)) as talk:
        with pytest.raises(HostRefusedError, match="no credit") as refused:
            OpenAIHost("tiny", talk.url, "none").complete([Message("user", "x")], {})
        assert not isinstance(refused.value, HostBusyError)
        assert len(talk.requests) == 1


def test_a_budget_of_calls_ends_a_run_that_goes_on_later(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with loopback.host(lambda _: loopback.said(json.dumps(WHOLE))) as talk:
        given = ("--in-flight", "1", "--budget", "2calls")
        assert captioned(clips, out, talk, *given) == 0
        told = capsys.readouterr().out
        assert "the budget of 2 model calls is used up; the same command goes on" in told
        some = len(list(read_rows(out)))
        assert 2 <= some < 8
        assert captioned(clips, out, talk) == 0
    assert len(list(read_rows(out))) == 8
    assert len(talk.requests) == 8


def test_failed_clips_wait_until_they_are_asked_for_again(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with loopback.host(lambda _: loopback.said("I would rather not.")) as talk:
        assert captioned(clips, out, talk, "--sample", "3") == 4  # every clip failed
    assert "0 clips captioned, 3 failed" in capsys.readouterr().out
    rows = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert [(r["stage"], r["error"]) for r in rows] == [("writing", "model_nonsense")] * 3
    with loopback.host(lambda _: loopback.said(json.dumps(WHOLE))) as talk:
        assert captioned(clips, out, talk, "--sample", "3") == 4  # all of them still failed
        assert talk.requests == []
        assert captioned(clips, out, talk, "--sample", "3", "--retry-failed") == 0
        assert captioned(clips, out, talk, "--sample", "5") == 0
        assert len(talk.requests) == 5
    assert "2 clips captioned, 3 were there already" in capsys.readouterr().out
    assert (out / "failures.jsonl").read_text() == ""
