"""How much a run may use: "90s", "10m", "2h" of time, or "500calls" of a model."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from agent.captions.samples import SourceError
from agent.models.clients import Completion, Host, Message
from agent.schema.state import Json

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_SPELLING: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|calls?)")


@dataclass(slots=True)
class Budget:
    """Counts what is used. A clip that is under way when it runs out is still finished."""

    seconds: float | None = None
    calls: int | None = None
    used_calls: int = 0
    tokens: int = 0
    """Prompt tokens as the host counted them."""
    _start: float = field(default_factory=time.monotonic)
    _lock: Any = field(default_factory=Lock)

    def count(self, tokens: int) -> None:
        with self._lock:
            self.used_calls += 1
            self.tokens += tokens

    @property
    def spent(self) -> str | None:
        """What ran out, in words; None while there is some left."""
        if self.seconds is not None and time.monotonic() - self._start >= self.seconds:
            return f"{self.seconds:g} s"
        if self.calls is not None and self.used_calls >= self.calls:
            return f"{self.calls} model calls"
        return None


def budget(text: str | None) -> Budget:
    """A budget as the command line writes it. Raises SourceError."""
    if text is None:
        return Budget()
    match = _SPELLING.fullmatch(text.strip().lower())
    if match is None or not float(match[1]):
        raise SourceError(f"--budget {text!r} is none: say 90s, 10m, 2h or 500calls")
    if match[2].startswith("call"):
        return Budget(calls=int(float(match[1])))
    return Budget(seconds=float(match[1]) * _UNITS[match[2]])


class Counted:
    """A host whose calls are counted."""

    def __init__(self, host: Host, budget: Budget) -> None:
        self._host, self._budget = host, budget
        self.name, self.lacks = host.name, host.lacks

    def complete(self, messages: list[Message], schema: Json) -> Completion:
        done = self._host.complete(messages, schema)
        self.lacks = self._host.lacks
        self._budget.count(done.prompt_tokens)
        return done
