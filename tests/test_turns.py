"""Several processes ask in one thread: each gets its own answer, and every turn is kept."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import by_hand
import pytest
from postgres import postgres

from agent.graph import conversation as chat
from agent.graph.checkpoints import Store, Threads
from agent.graph.conversation import Conversation, ThreadBusyError, ThreadError, forget

TESTS = Path(__file__).parent
QUESTIONS = ("When does she smile?", "How many people are there?", "How long is the clip?")
ASKS = """
import json, pathlib, sys
sys.path[:0] = [sys.argv[3], str(pathlib.Path(sys.argv[3]).parent)]
import by_hand
from agent.graph.conversation import Conversation
store = sys.argv[1] if "://" in sys.argv[1] else pathlib.Path(sys.argv[1])
with Conversation(by_hand.smiling(), thread="t", store=store) as talk:
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps([talk.ask(sys.argv[2]).answer for _ in range(5)]))
"""


@pytest.fixture(params=["file", "database"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return tmp_path / "threads.sqlite"
    forget("t", postgres())
    return postgres()


def test_processes_at_once_get_their_own_answers_and_every_turn_is_kept(store: Store) -> None:
    lone = [Conversation(by_hand.smiling()).ask(question).answer for question in QUESTIONS]
    assert len(set(lone)) == len(QUESTIONS)
    command = [sys.executable, "-c", ASKS, str(store)]
    running = [
        subprocess.Popen(
            [*command, question, str(TESTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for question in QUESTIONS
    ]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process, answer in zip(running, lone, strict=True):
        told, _ = process.communicate(timeout=100)
        assert process.returncode == 0
        assert json.loads(told) == [answer] * 5
    with Conversation(by_hand.smiling(), thread="t", store=store) as after:
        kept = [turn["question"] for turn in after.history]
    assert sorted(kept) == sorted(QUESTIONS * 5)
    if isinstance(store, Path):
        assert not list(store.parent.glob("*.lock"))


def test_a_thread_that_stays_in_use_is_told_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "PATIENCE", 0.2)
    elsewhere = Threads(store)
    with Conversation(by_hand.smiling(), thread="t", store=store) as talk:
        with elsewhere.turn("t", 1.0) as mine:
            assert mine
            with pytest.raises(ThreadBusyError, match="'t' is in use"):
                talk.ask(QUESTIONS[0])
            with pytest.raises(ThreadBusyError):
                forget("t", store)
            with Conversation(by_hand.smiling(), thread="other", store=store) as other:
                assert other.ask(QUESTIONS[0]).answer
        assert talk.ask(QUESTIONS[0]).answer
        assert len(talk.history) == 1
    elsewhere.close()
    forget("other", store)


def test_a_thread_begun_meanwhile_with_another_clip_is_not_gone_on_with(store: Store) -> None:
    media = by_hand.smiling().media.model_copy(update={"sha256": "f" * 64})
    second = by_hand.smiling().model_copy(update={"media": media})
    with (
        Conversation(by_hand.smiling(), thread="t", store=store) as mine,
        Conversation(second, thread="t", store=store) as theirs,
    ):
        mine.ask(QUESTIONS[0])
        with pytest.raises(ThreadError, match="another clip"):
            theirs.ask(QUESTIONS[1])
        assert len(mine.history) == 1


def test_one_conversation_asked_from_several_places_answers_each() -> None:
    """Without a name too: what came last is not the answer to everything."""
    told: dict[str, str] = {}
    with Conversation(by_hand.smiling()) as talk:

        def ask(question: str) -> None:
            told[question] = talk.ask(question).answer

        asking = [threading.Thread(target=ask, args=(question,)) for question in QUESTIONS]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        assert len(talk.history) == 3
    for question in QUESTIONS:
        assert told[question] == Conversation(by_hand.smiling()).ask(question).answer
