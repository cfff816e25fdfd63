"""Conversations: kept, continued, bound to their clip, and whole after a kill."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import by_hand
import loopback
import pytest
from langchain_core.tracers.langchain import wait_for_all_tracers
from loopback import GOOD, text_of

from agent.graph.checkpoints import strict, threads_file
from agent.graph.conversation import Conversation, ThreadError, forget, run
from agent.models.context import AskError, Step
from agent.schema.evidence import Evidence, Missing, number

TESTS = Path(__file__).parent


def talk(store: Path, thread: str | None = "t", **more: Any) -> Conversation:
    evidence: Evidence = more.pop("evidence", by_hand.smiling())
    return Conversation(evidence, thread=thread, store=store, **more)


def test_a_thread_goes_on_in_another_run(tmp_path: Path) -> None:
    store = tmp_path / "deep" / "threads.sqlite"
    with talk(store) as first:
        answer = first.ask("What does she feel?")
    with talk(store) as second:
        assert second.last == answer
        second.ask("And why?")
        assert [turn["question"] for turn in second.history] == ["What does she feel?", "And why?"]
        assert second.history[0]["answer"] == answer.answer


def test_a_model_reads_what_was_said_before(tmp_path: Path) -> None:
    with loopback.host(loopback.scripted()) as host:
        for question in ("What does she feel?", "Is she sure of it?"):
            with talk(tmp_path / "t.sqlite", model="openai:tiny", base_url=host.url) as now:
                now.ask(question)
    first, last = text_of(host.requests[0]), text_of(host.requests[-1])
    assert "asked:" not in first
    assert 'asked: "What does she feel?"' in last
    assert f'answered: "{GOOD["answer"]["sentences"][0]["text"].rstrip(".")} [A1, A2]."' in last


def test_each_question_is_read_afresh(tmp_path: Path) -> None:
    with talk(tmp_path / "t.sqlite", evidence=by_hand.two_people()) as now:
        assert now.ask("What do they both feel?").others
        single = now.ask("What does P2 feel?")
    assert single.person == "P2"
    assert single.others == ()
    assert {cite for claim in single.claims for cite in claim.cites} <= {"A3", "A4", "A5"}


@pytest.mark.parametrize(
    ("question", "inside"), [("And at 0:07?", 7.5), ("What is there before she smiles?", 0.5)]
)
def test_a_follow_up_about_a_moment_looks_at_that_moment(question: str, inside: float) -> None:
    now = Conversation(by_hand.smiling())
    whole = now.ask("What does she feel?")
    steps: list[Step] = []
    now.ask(question, on_step=steps.append)
    plan = next(step for step in steps if step.name == "plan")
    assert "the whole clip" not in plan.text
    start, end = now.last.span
    assert start <= inside <= end
    assert end - start < 6
    assert now.last.emotions != whole.emotions


def test_the_same_name_for_another_clip_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    store = tmp_path / "t.sqlite"
    with talk(store) as first:
        first.ask("What does she feel?")
    other = by_hand.smiling(media=by_hand.media(sha256="b" * 64, file="other.mp4"))
    with pytest.raises(ThreadError, match=r"'t' is about another clip \(hand\.mp4\)"):
        talk(store, evidence=other)
    with talk(store) as again:
        assert len(again.history) == 1
    with talk(store, thread="u", evidence=other) as fresh:
        assert fresh.history == []


def test_a_thread_can_be_forgotten(tmp_path: Path) -> None:
    store = tmp_path / "t.sqlite"
    with talk(store) as first:
        first.ask("What does she feel?")
    forget("t", store)
    with talk(store) as again:
        assert again.history == []
        with pytest.raises(ThreadError, match="nothing was asked"):
            _ = again.last


def test_without_a_name_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path))
    now = Conversation(by_hand.smiling())
    now.ask("What does she feel?")
    now.ask("And why?")
    assert len(now.history) == 2
    assert list(tmp_path.iterdir()) == []


def test_threads_live_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path))
    assert run("What does she feel?", by_hand.smiling(), thread="t").emotions
    assert threads_file() == tmp_path / "threads.sqlite"
    assert threads_file().exists()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ThreadError, match="no name for a thread"):
        talk(tmp_path / "t.sqlite", thread=name)


@pytest.mark.parametrize("name", ["../../x", "a/b", "'; drop table checkpoints; --", "ünï 名前"])
def test_any_printable_name_is_a_thread_of_its_own(tmp_path: Path, name: str) -> None:
    store = tmp_path / "t.sqlite"
    with talk(store, thread=name) as now:
        now.ask("What does she feel?")
    with talk(store, thread=name) as again:
        assert len(again.history) == 1
    with talk(store, thread="other") as other:
        assert other.history == []
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("t.sqlite")] == []


def test_an_answer_that_failed_leaves_the_thread_as_it_was(tmp_path: Path) -> None:
    store = tmp_path / "t.sqlite"
    with talk(store) as now:
        now.ask("What does she feel?")
        with pytest.raises(AskError):
            now.ask("What does P9 feel?")
        assert len(now.history) == 1
        assert now.ask("And why?").emotions
    with talk(store) as again:
        assert [turn["question"] for turn in again.history] == ["What does she feel?", "And why?"]


def stopped(step: Step) -> None:
    if step.name == "cognition":
        raise KeyboardInterrupt


def test_a_question_that_is_abandoned_leaves_the_thread_as_it_was(tmp_path: Path) -> None:
    with talk(tmp_path / "t.sqlite") as now:
        now.ask("What does she feel?")
        with pytest.raises(KeyboardInterrupt):
            now.ask("And why?", on_step=stopped)
        assert len(now.history) == 1
        now.ask("How sure are you?")
        assert [turn["question"] for turn in now.history][1:] == ["How sure are you?"]


def test_nothing_goes_to_a_tracing_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with loopback.host(loopback.scripted()) as service:
        for prefix in ("LANGSMITH", "LANGCHAIN"):
            monkeypatch.setenv(f"{prefix}_TRACING_V2", "true")
            monkeypatch.setenv(f"{prefix}_API_KEY", "x")
            monkeypatch.setenv(f"{prefix}_ENDPOINT", service.url.removesuffix("/v1"))
        with talk(tmp_path / "t.sqlite", evidence=by_hand.two_people()) as now:
            now.ask("What do they both feel?")
        wait_for_all_tracers()
    assert service.paths == []


def test_a_reason_for_what_is_missing_is_given_once(tmp_path: Path) -> None:
    gone = (Missing(what="sound", why="the clip has no audio track"),)
    with talk(tmp_path / "t.sqlite", evidence=by_hand.smiling(missing=gone)) as now:
        assert "sound: the clip has no audio track" in now.ask("What does she feel?").answer
        later = now.ask("How does she feel at the end?").answer
    assert "Not available – sound." in later


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_threads_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = tmp_path / "t.sqlite"
    talk(store).close()
    assert store.stat().st_mode & 0o077 == 0


SLOW = """
import pathlib, sys, time
sys.path.insert(0, sys.argv[2])
import by_hand
from agent.graph.conversation import Conversation
store = pathlib.Path(sys.argv[1])
with Conversation(by_hand.smiling(), thread="t", store=store) as c:
    c.ask("What does she feel?")
    print("one", flush=True)
    def wait(step):
        print(step.name, flush=True)
        if step.name == sys.argv[3]:
            time.sleep(60)
    c.ask("And why?", on_step=wait)
"""


@pytest.mark.parametrize("step", ["plan", "check"])
def test_a_kill_in_the_middle_leaves_what_was_answered(tmp_path: Path, step: str) -> None:
    store = tmp_path / "t.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(store), str(TESTS), step],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == step and process.poll() is None:
            break
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with talk(store) as again:
        assert [turn["question"] for turn in again.history] == ["What does she feel?"]
        assert again.ask("And why?").answer
        assert len(again.history) == 2


def test_two_talks_at_once_do_not_break_the_file(tmp_path: Path) -> None:
    store = tmp_path / "t.sqlite"
    with talk(store, thread="a") as a, talk(store, thread="b") as b:
        a.ask("What does she feel?")
        b.ask("What does she feel?")
        a.ask("And why?")
    with talk(store, thread="a") as a:
        assert len(a.history) == 2


def test_what_is_kept_is_plain_and_nothing_else_is_read_back(tmp_path: Path) -> None:
    store = tmp_path / "t.sqlite"
    with talk(store) as now:
        now.ask("What does she feel?")
    with sqlite3.connect(store) as connection:
        rows = connection.execute("select type, checkpoint from checkpoints").fetchall()
        rows += connection.execute("select type, value from writes").fetchall()
    assert {kind for kind, _ in rows} <= {"msgpack", "null", "empty"}
    for module in (b"agent.", b"pydantic", b"openai"):
        assert not any(module in blob for _, blob in rows)
    # What somebody else wrote into the file is not turned into an object of theirs.
    evil = strict().dumps_typed(by_hand.smiling())
    assert not isinstance(strict().loads_typed(evil), Evidence)


def test_a_file_that_is_no_database_or_cannot_be_made_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "t.sqlite"
    broken.write_bytes(b"this is no database, it is a text of some length" * 20)
    with pytest.raises(OSError, match="cannot be kept in"):
        talk(broken)
    with pytest.raises(OSError, match="t2"):
        talk(broken / "t2" / "threads.sqlite")


def test_every_question_leaves_little_behind(tmp_path: Path) -> None:
    store = tmp_path / "t.sqlite"
    cues = [by_hand.face("AU12", t / 2, t / 2 + 0.4, 2.0) for t in range(600)]
    evidence = by_hand.smiling(media=by_hand.media(duration=310.0), cues=number(cues))
    with talk(store, evidence=evidence) as now:
        for _ in range(3):
            now.ask("What does she feel?")
    with sqlite3.connect(store) as connection:
        (rows,) = connection.execute("select count(*) from checkpoints").fetchone()
        (size,) = connection.execute("select max(length(checkpoint)) from checkpoints").fetchone()
    assert rows <= 6
    assert size < len(evidence.to_json()) / 4
