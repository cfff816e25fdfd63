"""Conversations in a real PostgreSQL: kept, continued, apart, read strictly, deleted for good."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import by_hand
import pytest
import served
from postgres import postgres
from served import data, message, picture

from agent.graph.checkpoints import Threads
from agent.graph.conversation import Conversation, ThreadError, forget
from agent.schema.evidence import Evidence

pytest.importorskip("langgraph.checkpoint.postgres")
CHAT = "/v1/chat/completions"


def rows(url: str, thread: str) -> int:
    """Rows of one thread, over all tables."""
    import psycopg

    with psycopg.connect(url) as connection:
        tables = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
        return sum(
            connection.execute(
                f"SELECT count(*) FROM {table} WHERE thread_id LIKE %s", (thread,)
            ).fetchone()[0]
            for table in tables
        )


def test_a_thread_goes_on_is_bound_to_its_clip_and_deleted_for_good() -> None:
    url = postgres()
    with Conversation(by_hand.smiling(), thread="t1", store=url) as first:
        answer = first.ask("What does she feel?")
    with Conversation(by_hand.smiling(), thread="t1", store=url) as second:
        assert second.last == answer
        second.ask("And why?")
        assert [turn["question"] for turn in second.history] == ["What does she feel?", "And why?"]
    media = by_hand.smiling().media.model_copy(update={"sha256": "f" * 64})
    elsewhere = by_hand.smiling().model_copy(update={"media": media})
    with pytest.raises(ThreadError):
        Conversation(elsewhere, thread="t1", store=url)
    assert rows(url, "t1") > 0
    forget("t1", url)
    assert rows(url, "t1") == 0


def test_what_was_written_there_makes_no_object() -> None:
    """A row that names a class of ours, or a pickle, is read as plain values or not at all."""
    serde: Any = Threads(postgres()).saver.serde
    evil = serde.dumps_typed(by_hand.smiling())
    assert not isinstance(serde.loads_typed(evil), Evidence)
    with pytest.raises((ValueError, NotImplementedError)):
        serde.loads_typed(("pickle", b"cos\nsystem\n(S'true'\ntR."))


def test_a_data_base_that_is_not_there_is_named_without_its_password() -> None:
    from agent.graph import checkpoints as threads

    before, threads.WAIT = threads.WAIT, 1.0  # type: ignore[misc]  # a test need not wait
    try:
        with pytest.raises(OSError, match=r"127\.0\.0\.1:1/none") as told:
            Threads("postgresql://me:hunter2@127.0.0.1:1/none")
    finally:
        threads.WAIT = before  # type: ignore[misc]
    assert "hunter2" not in str(told.value)


def test_many_begin_at_once() -> None:
    """Tables are made by one of several processes that come up together."""
    import subprocess

    url = postgres() + "?application_name=many"
    code = f"from agent.graph.checkpoints import Threads; Threads({url!r}).saver.setup()"
    root = Path(__file__).resolve().parents[1]
    with ThreadPoolExecutor(3) as pool:
        done = pool.map(
            lambda _: subprocess.run([sys.executable, "-c", code], cwd=root, check=False), range(3)
        )
    assert [one.returncode for one in done] == [0, 0, 0]


def test_the_server_keeps_threads_there_bound_to_their_owner(tmp_path: Path) -> None:
    """Requirement 22. The names in the data base begin with the owner's."""
    from agent.server import keys

    url = postgres()
    file = tmp_path / "keys.toml"
    mine, theirs = keys.new(file, "alice"), keys.new(file, "bob")
    server = served.Served("--keys", str(file), "--threads", url, key=mine).ready()
    asked: dict[str, Any] = {"model": "duchenne-rules"}
    still = [message(data(picture(), "image/png"), "What does she feel?")]
    first = server.post(CHAT, {**asked, "messages": still, "conversation": "new"})
    talk = first.json()["duchenne"]["conversation"]
    again = {**asked, "messages": [{"role": "user", "content": "Why?"}], "conversation": talk}
    assert server.post(CHAT, again).status_code == 200
    bob = {"Authorization": f"Bearer {theirs}"}
    assert server.post(CHAT, again, headers=bob).status_code == 404
    assert rows(url, f"alice/{talk}") > 0 and rows(url, talk) == 0
    assert not list(server.folder.glob("duchenne-serve-*/alice/threads.sqlite"))
    assert server.http.delete(
        f"{server.url}/v1/conversations/{talk}", headers=server.headers
    ).status_code == 200  # fmt: skip
    assert rows(url, f"alice/{talk}") == 0
    assert "secret" not in server.log
    began = time.monotonic()
    assert server.end() == 0 and time.monotonic() - began < 20
