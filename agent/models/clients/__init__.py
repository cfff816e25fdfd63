"""Hosts of language models: a message with pictures goes in, text comes out.

Knows transport and its failures, nothing of evidence or emotions. Errors are named by the
boundary that broke, and each says what was given and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agent.schema.errors import HOST, DuchenneError
from agent.schema.picture import Picture
from agent.schema.state import Json


class ModelError(DuchenneError, RuntimeError):
    """The model could not answer; the message says which model, where, and what to do."""

    code = "model_failed"
    exit_status = HOST


class HostUnreachableError(ModelError):
    """Nobody listens at the address, or the connection broke."""

    code = "model_unreachable"


class WrongKeyError(ModelError):
    """The host does not accept the key (401, 403)."""

    code = "model_wrong_key"


class NoSuchModelError(ModelError):
    """The host, or the disk, has no model of this name (404)."""

    code = "model_missing"


class HostTimeoutError(ModelError):
    """The host accepted the request and did not answer in time."""

    code = "model_timeout"


class HostRefusedError(ModelError):
    """The host answered with an error of its own."""

    code = "model_refused"


class HostBusyError(HostRefusedError):
    """The host takes no more for now (429, 503)."""

    code = "model_busy"

    def __init__(self, said: str, after: float | None = None) -> None:
        super().__init__(said)
        self.after = after
        """Seconds it asks to be left alone; None where it does not say."""


class NonsenseError(ModelError):
    """The model's answer was not what was asked for, twice."""

    code = "model_nonsense"


class AwaitingError(ModelError):
    """A reply that is not there yet: its request waits in a batch."""

    code = "model_awaited"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the talk with a model."""

    role: str
    """system, user or assistant"""
    text: str
    pictures: tuple[Picture, ...] = ()
    """Shown before the text."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back."""

    text: str
    cut: bool = False
    """Whether the model was stopped at the token limit."""
    prompt_tokens: int = 0
    """As the host counted them; 0 where it did not say."""
    completion_tokens: int = 0


class Host(Protocol):
    """One model at one place."""

    name: str
    """As the user named it: "openai:NAME", "hf:PATH"."""
    lacks: tuple[str, ...]
    """What this host turned out not to take: "pictures", "json_schema"."""

    def complete(self, messages: list[Message], schema: Json) -> Completion:
        """One completion. The host follows `schema` (JSON Schema) where it can.

        Raises ModelError.
        """
        ...
