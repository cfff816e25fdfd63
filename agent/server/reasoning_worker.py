"""The child that reasons: `python -m agent.server.reasoning_worker`. Many questions a process.

Holds the model's client and the threads; opens no media. Pictures and closer looks it asks its
parent for, which opens media. One question is one "ask" message; steps come back while it
thinks, then one "answer" or "error". Its memory is limited: a host that says too much, or a clip
with too many cues, ends one question and not the machine.
"""

from __future__ import annotations

import base64
import os
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from agent.schema.errors import FAILED, DuchenneError, code_of, codes_of
from agent.server import faults
from agent.server.protocol import Channel, Json
from agent.util import limits

FILE: Final = 64 << 30
"""Bytes of the largest file it may write: all conversations of one owner are one."""
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"


def main() -> int:
    limits.with_parent()
    channel = Channel()
    if sys.argv[1:]:
        limits.confine(int(sys.argv[1]), FILE)
    import agent.graph.conversation
    import agent.qa.answer
    import agent.reading.rules  # noqa: F401

    channel.tell({"ready": True})
    for message in channel.heard():
        try:
            channel.tell(_asked(message, channel))
        except Exception as error:  # the boundary of a process: the parent gets kind and words
            said = {"error": code_of(error), "kinds": codes_of(error), "message": str(error)[:500]}
            channel.tell(said | {"errno": faults.number(error)})
    return 0


def _asked(message: Json, channel: Channel) -> Json:
    """One question, answered."""
    from agent.graph.conversation import Conversation
    from agent.schema.evidence import Evidence

    began = time.perf_counter()
    model, count = _thinker(message)
    talk = Conversation(
        Evidence.model_validate(message["evidence"]),
        model=model,
        profile=message["profile"],
        person=message["person"],
        thread=message["thread"],
        store=_place(message["store"]),
        pictures=_pictures(channel),
        look_closer=_closer(channel),
        before=message["before"],
    )
    with talk:
        answer = talk.ask(
            message["question"],
            on_step=lambda step: channel.tell(
                {"step": step.name, "person": step.person, "text": step.text}
            ),
        )
        cited = {cite for claim in answer.claims for cite in claim.cites}
        cues = [cue.model_dump(mode="json") for cue in talk.evidence.cues if cue.id in cited]
    return {
        "answer": answer.model_dump(mode="json"),
        "cues": cues,
        "usage": count.usage(),
        "spent": {"think": time.perf_counter() - began, "model": count.seconds},
    }


def _place(store: str) -> Path | str:
    from agent.graph.checkpoints import is_url

    return store if is_url(store) else Path(store)


def _thinker(message: Json) -> tuple[Any, _Counted]:
    """The model, with a count of what it reads and writes for this question."""
    from agent.models.connect import connect
    from agent.models.llm import Language

    spec, url = message["model"], message["base_url"]
    if spec.startswith("hf:"):
        model = _loaded(spec)
    else:
        model = connect(spec, url, timeout=max(1.0, float(message["seconds"])))
    if not isinstance(model, Language):
        return model, _Counted(None, 0)
    count = _Counted(model.host, int(message["tokens"]))
    return Language(count), count


@lru_cache(maxsize=1)
def _loaded(spec: str) -> Any:
    from agent.models.connect import connect

    return connect(spec)


class BudgetError(DuchenneError, RuntimeError):
    """A question that takes more of the model's tokens than one may."""

    code = "token_budget"
    exit_status = FAILED


class _Counted:
    """A host, the tokens and seconds that went through it, and how many tokens may."""

    def __init__(self, host: Any, most: int) -> None:
        self._host, self._most = host, most
        self._reply = host.max_tokens if host else 0
        self.seconds = 0.0
        self.name: str = host.name if host else ""
        self._read = self._written = 0

    @property
    def lacks(self) -> tuple[str, ...]:
        found: tuple[str, ...] = self._host.lacks
        return found

    @lacks.setter
    def lacks(self, found: tuple[str, ...]) -> None:
        self._host.lacks = found

    def complete(self, messages: Any, schema: Json) -> Any:
        left = self._most - self._read - self._written
        if left <= 0:
            raise BudgetError(f"{self._most} tokens are used up")
        self._host.max_tokens = min(self._reply, left)
        began = time.perf_counter()
        done = self._host.complete(messages, schema)
        self.seconds += time.perf_counter() - began
        self._read += done.prompt_tokens
        self._written += done.completion_tokens
        return done

    def usage(self) -> Json:
        return {
            "prompt_tokens": self._read,
            "completion_tokens": self._written,
            "total_tokens": self._read + self._written,
        }


def _pictures(channel: Channel) -> Any:
    from agent.schema.picture import Picture

    def shown(person: str | None, span: tuple[float, float]) -> list[Picture]:
        answer = channel.ask({"need": "pictures", "person": person, "span": list(span)})
        return [Picture(one["name"], _png(one)) for one in answer["pictures"]]

    return shown


def _png(one: Json) -> bytes:
    """A picture that the server remembers lies in a file; another comes along."""
    return Path(one["path"]).read_bytes() if "path" in one else base64.b64decode(one["png"])


def _closer(channel: Channel) -> Any:
    from agent.schema.evidence import Evidence

    def closer(start: float, end: float) -> Evidence | None:
        answer = channel.ask({"need": "closer", "start": start, "end": end})
        found = answer["evidence"]
        return None if found is None else Evidence.model_validate(found)

    return closer


if __name__ == "__main__":
    sys.exit(main())
