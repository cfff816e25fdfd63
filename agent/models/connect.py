"""The only edge to a language model: which one thinks, and where it is.

`rules` needs none; `openai:NAME` and `hf:PATH[+ADAPTER]` ask a host (`models.clients`) in the way
of `models.llm`. Knows specs and settings. Hosts load on demand.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from agent.models.clients import (
    HostRefusedError,
    HostTimeoutError,
    HostUnreachableError,
    ModelError,
    NonsenseError,
    NoSuchModelError,
    WrongKeyError,
)
from agent.models.context import AskError
from agent.models.llm import Language
from agent.models.reasoner import Model, Told, View
from agent.schema.answer import Reading
from agent.schema.evidence import Missing

__all__ = [
    "HostRefusedError",
    "HostTimeoutError",
    "HostUnreachableError",
    "Language",
    "Model",
    "ModelError",
    "NoSuchModelError",
    "NonsenseError",
    "Rules",
    "Told",
    "View",
    "WrongKeyError",
    "connect",
    "named",
]


def connect(
    spec: str | None = None, base_url: str | None = None, *, timeout: float | None = None
) -> Model:
    """The model of a spec: `rules`, `openai:NAME` or `hf:PATH[+ADAPTER]`.

    Without one, DUCHENNE_MODEL and DUCHENNE_BASE_URL decide, else the rules. `timeout` is in
    seconds for one reply (DUCHENNE_TIMEOUT, else 300); DUCHENNE_MAX_TOKENS (2000) bounds its
    length. Raises AskError for a spec that is none,
    ModelError where the model cannot be had.
    """
    chosen = named(spec)
    kind, _, name = chosen.partition(":")
    if chosen == "rules":
        if base_url:
            raise AskError("--base-url names a host, and the rules need none; add --model openai:…")
        return Rules()
    if kind == "openai" and name:
        from agent.models.clients.openai import OpenAIHost

        url = base_url or os.environ.get("DUCHENNE_BASE_URL")
        seconds = timeout or _above_zero("DUCHENNE_TIMEOUT", 300)
        return Language(OpenAIHost(name, url, timeout=seconds, max_tokens=longest_reply()))
    if kind == "hf" and name:
        from agent.models.clients.hf import HuggingFaceHost

        path, _, adapter = name.partition("+")
        return Language(HuggingFaceHost(path, adapter or None, max_tokens=longest_reply()))
    raise AskError(f"no model {chosen!r}: say rules, openai:NAME or hf:PATH[+ADAPTER]")


def named(spec: str | None = None) -> str:
    """The spec that `connect` takes where none or this one is given."""
    return spec or os.environ.get("DUCHENNE_MODEL") or "rules"


def longest_reply() -> int:
    """Tokens of one reply; models that think before they answer need more."""
    return int(_above_zero("DUCHENNE_MAX_TOKENS", 2000))


def _above_zero(name: str, otherwise: float) -> float:
    """A number from the environment. Raises AskError for anything else."""
    given = os.environ.get(name, "").strip() or str(otherwise)
    try:
        value = float(given)
    except ValueError:
        value = 0.0
    if not 1e-3 < value < 1e9:
        raise AskError(f"{name} is {given!r}; it must be a number above 0")
    return value


class Rules:
    """FACS knowledge instead of a model; see `agent.reading.rules`."""

    name = "rules"
    mends = False

    def __init__(self, expert: bool = False) -> None:
        """`expert`: answers name codes and grades."""
        self._expert = expert

    def behaviour(self, view: View) -> Reading:
        whole = self._appraise(view)
        observed = tuple(claim for claim in whole.claims if claim.part == "observation")
        return Reading(
            person=whole.person, span=whole.span, behavior=whole.behavior, claims=observed
        )

    def cognition(self, view: View, draft: Reading) -> Reading:
        whole = self._appraise(view)
        more = tuple(claim for claim in whole.claims if claim.part == "interpretation")
        update = {"cognition": whole.cognition, "claims": (*draft.claims, *more)}
        return draft.model_copy(update=update)

    def emotion(self, view: View, draft: Reading) -> Reading:  # noqa: ARG002
        return self._appraise(view)

    def revise(self, view: View, draft: Reading) -> Reading:  # noqa: ARG002
        return draft

    def answer(self, view: View, readings: Sequence[Reading]) -> Told:
        from agent.qa.answer import reply

        history = [turn["question"] for turn in view.history]
        told = [reply(view.evidence, view.question, one, history, self._expert) for one in readings]
        who: dict[str, list[str]] = {}
        for reading, (text, *_) in zip(readings, told, strict=True):
            who.setdefault(text, []).append(reading.person or "the clip")
        several = len(who) > 1
        texts = [f"{', '.join(ids)}: {text}" if several else text for text, ids in who.items()]
        return Told(
            claims=tuple(claim for _, claims, *_ in told for claim in claims),
            text="\n".join(texts),
            span=told[0][2],
            query=told[0][3],
        )

    def lacking(self) -> tuple[Missing, ...]:
        return ()

    def _appraise(self, view: View) -> Reading:
        from agent.reading import rules

        return rules.appraise(view.evidence, view.person, view.span, view.profile.name)
