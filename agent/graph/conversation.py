"""Conversations about one clip: questions in, answers out, the thread kept between runs.

Threads live where `agent.graph.checkpoints` keeps them, by default in one SQLite file in the cache
folder. A thread belongs to the clip it began with, by the clip's sha256:
going on about another clip under the same name is an error, never a silent new beginning.
A question that was killed on its way leaves the thread as it was before it. Whoever asks has the
thread alone from reading to writing; a second process waits, or is told that it is in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langsmith import tracing_context

import prompts
from agent.graph import build as graph
from agent.graph.checkpoints import Store, Threads, threads_file
from agent.graph.counterfactual import Hide, Progress, explain
from agent.models.connect import Model, connect
from agent.models.context import AskError, Context, LookCloser, Step, no_pictures
from agent.models.reasoner import View
from agent.perception.refine import overlay
from agent.schema.answer import Answer
from agent.schema.counterfactual import Counterfactual
from agent.schema.errors import FAILED, USAGE, DuchenneError
from agent.schema.evidence import Evidence
from agent.schema.picture import Pictures
from agent.schema.state import State, Turn

LONGEST_NAME: Final = 200
LONGEST_QUESTION: Final = 4000
PATIENCE: Final = 60.0
"""Seconds that a question waits for the one before it in the same thread."""


class ThreadError(DuchenneError, ValueError):
    """A thread that cannot be continued like this; the message says why."""

    code = "bad_thread"
    exit_status = USAGE


class ThreadBusyError(ThreadError):
    """A thread in which somebody else's question is being answered for too long."""

    code = "thread_busy"
    exit_status = FAILED


class Conversation:
    """Questions about one clip, each knowing those before it."""

    def __init__(
        self,
        evidence: Evidence,
        *,
        model: Model | str | None = None,
        base_url: str | None = None,
        profile: str = "general",
        person: str | None = None,
        thread: str | None = None,
        store: Store | None = None,
        pictures: Pictures = no_pictures,
        look_closer: LookCloser | None = None,
        keep: Callable[[Evidence], str | None] | None = None,
        evidence_path: str | None = None,
        before: Sequence[Turn] = (),
    ) -> None:
        """Begin or continue `thread`; without a name the conversation is not kept.

        `before`: questions and answers that a conversation kept by somebody else began with.
        `store`: a SQLite file or the URL of a data base, else `threads_file()`. For the others
        see `agent.models.context` and `agent.models.connect.connect`. Raises AskError,
        ThreadError, ModelError, OSError.
        """
        self.profile, self.person = checked_profile(profile), person
        self.context = Context(
            evidence=evidence,
            model=connect(model, base_url) if model is None or isinstance(model, str) else model,
            pictures=lru_cache(maxsize=16)(pictures),
            look_closer=look_closer,
            keep=keep,
            evidence_path=evidence_path,
        )
        self.thread = _named(thread) if thread is not None else uuid4().hex
        self._threads = Threads(None if thread is None else store or threads_file())
        self._graph = graph.build(self._threads.saver)
        self._config: RunnableConfig = {"configurable": {"thread_id": self.thread}}
        self._said: dict[str, Any] | None = None
        """What the last question asked here came to, whatever others have asked since."""
        try:
            self._belongs()
            if before:
                with _held(self._threads, self.thread):
                    self._graph.update_state(
                        self._config, {"history": list(before)}, as_node="answer"
                    )
        except BaseException:  # whatever ends the beginning leaves no open file, and rises
            self.close()
            raise

    def ask(
        self,
        question: str,
        *,
        person: str | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> Answer:
        """The answer to one question; `on_step` is told of each step as it is done.

        Raises AskError for a question or person that cannot be, ModelError, OSError,
        ThreadBusyError while somebody else asks in the same thread, and ThreadError where they
        have begun it with another clip.
        """
        given = self._given(question, person)
        # Told of directly: streamed, LangGraph runs each step in a thread of its own, at twice
        # the cost. Saved once, at the end: a question that is killed leaves the thread untouched.
        context = replace(self.context, told=on_step or self.context.told)
        # LangChain's tracing to its makers' service is switched on by environment variables
        # people set for other work; what is measured of somebody's face goes nowhere that was
        # not asked for by name.
        with _held(self._threads, self.thread), tracing_context(enabled=False):
            self._belongs()
            said = self._graph.invoke(given, self._config, context=context, durability="exit")
        # Its own result: read back, it could be that of whoever has asked since.
        self._said = dict(said)
        return Answer.model_validate(said["result"])

    def _given(self, question: str, person: str | None) -> State:
        if not question.strip():
            raise AskError("the question is empty")
        if len(question) > LONGEST_QUESTION:
            raise AskError(
                f"the question has {len(question)} characters; at most {LONGEST_QUESTION} are read"
            )
        return {
            "question": question.strip(),
            "profile": self.profile,
            "asked": person or self.person,
            "clip": self.context.evidence.media.sha256,
            "file": self.context.evidence.media.file,
        }

    def why(self, hide: Hide | None = None, progress: Progress | None = None) -> Counterfactual:
        """What the label of the last answer hangs on: see `agent.graph.counterfactual.explain`.

        Of several people the first one's. Raises ThreadError where nothing was asked here yet,
        ModelError where the model cannot be reached.
        """
        said = self._said
        if said is None:
            raise ThreadError("ask a question first: without an answer there is nothing to explain")
        view = View(
            question=said["question"],
            evidence=self.evidence,
            person=said["people"][0],
            span=(said["span"][0], said["span"][1]),
            profile=prompts.profile(said["profile"]),
            pictures=self.context.pictures,
            history=tuple(said["history"][:-1]),
        )
        return explain(self.last, view, self.context.model, hide, progress)

    @property
    def last(self) -> Answer:
        """The last answer, of those asked here if any. Raises ThreadError where nothing was asked
        yet."""
        values = self._values() if self._said is None else self._said
        if "result" not in values:
            raise ThreadError(f"nothing was asked in thread {self.thread!r} yet")
        return Answer.model_validate(values["result"])

    @property
    def evidence(self) -> Evidence:
        """The evidence, with cues that closer looks for the last question added or refined."""
        values = self._values() if self._said is None else self._said
        return overlay(self.context.evidence, values.get("extra", []))

    @property
    def history(self) -> list[Turn]:
        """All questions and answers so far."""
        return list(self._values().get("history", []))

    def close(self) -> None:
        """Let go of where the threads are."""
        self._threads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _values(self) -> dict[str, Any]:
        return self._graph.get_state(self._config).values

    def _belongs(self) -> None:
        """A thread goes on only about the clip it began with."""
        try:
            values = self._values()
        except self._threads.errors as error:
            raise self._threads.failed(error) from error
        clip = self.context.evidence.media.sha256
        if values.get("clip", clip) != clip:
            raise ThreadError(
                f"thread {self.thread!r} is about another clip ({values.get('file')}); choose "
                "another name for this one"
            )


def run(
    question: str,
    evidence: Evidence,
    *,
    on_step: Callable[[Step], None] | None = None,
    **settings: Any,
) -> Answer:
    """One question about one clip; `settings` are those of `Conversation`."""
    with Conversation(evidence, **settings) as talk:
        return talk.ask(question, on_step=on_step)


def forget(thread: str, store: Store | None = None) -> None:
    """Delete a thread with all that was said in it. Raises ThreadError, OSError."""
    threads = Threads(store or threads_file())
    try:
        with _held(threads, _named(thread)):
            threads.saver.delete_thread(_named(thread))
    finally:
        threads.close()


@contextmanager
def _held(threads: Threads, thread: str) -> Iterator[None]:
    """The thread is the caller's alone. Raises ThreadBusyError, OSError."""
    try:
        with threads.turn(thread, PATIENCE) as free:
            if not free:
                raise ThreadBusyError(
                    f"thread {thread!r} is in use: a question in it has not been answered for "
                    f"{PATIENCE:g} s; ask again when it is, or in a thread of another name"
                )
            yield
    except threads.errors as error:
        raise threads.failed(error) from error


def checked_profile(name: str) -> str:
    """The name, if there is such a profile. Raises AskError that names those there are."""
    if name not in prompts.profiles():
        raise AskError(f"no profile {name!r}; there are {', '.join(prompts.profiles())}")
    return name


def _named(thread: str) -> str:
    name = thread.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ThreadError(
            f"{thread[:40]!r} is no name for a thread: 1 to {LONGEST_NAME} printable characters"
        )
    return name
