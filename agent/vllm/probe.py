"""Whether a running vLLM serves what it should: adapter and bridge change its logits, as exported.

Knows vLLM's HTTP and the reference of `duchenne train export` (finetune/export.py): the likeliest
first tokens of fixed prompts, with their log-probabilities. A server that silently answers with
the base model, or sees voices as pictures, is found out here before anybody is answered.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from agent.vllm.checkpoint import HostingError
from agent.vllm.command import Hosting

Json = dict[str, Any]
Top = Mapping[int, float]
"""Log-probability of the likeliest first tokens, by id."""

TOP: Final = 20
ALLOWED: Final = {"float32": 0.01, "float16": 0.1, "bfloat16": 0.3}
"""Largest difference of a log-probability, by the type of numbers the reference was made with.
bfloat16: at most 0.05 was measured on two layers (tests/test_vllm_bridge.py); rounding adds up with
the root of the layers, more or less, which makes 0.2 of 36. float16 is not measured."""
NOTHING: Final = 1e-3
"""An adapter that moves no log-probability further than this does nothing."""
SECONDS: Final = 300.0
"""For one request: the first may compile."""
_ASKED: Final = ("What does this person feel, and what shows it?", "Name the cue.", "Why?")


class ProbeError(HostingError):
    """What runs is not what should."""

    code = "probe_failed"


@dataclass(frozen=True, slots=True)
class Reference:
    """What was saved at export."""

    prompts: tuple[Json, ...]
    allowed: float
    path: Path


def reference(path: Path, allowed: float | None = None) -> Reference:
    """Raises ProbeError for a file that is none."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["version"] != 1:
            raise ProbeError(f"{path} has version {told['version']}; this reads 1")
        prompts = tuple(told["prompts"])
        for prompt in prompts:
            _top(prompt["top"]), str(prompt["name"]), prompt["messages"]
        usual = ALLOWED[told.get("dtype", "bfloat16")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProbeError(f"{path} is no reference of an export: {error!r}") from error
    return Reference(prompts, usual if allowed is None else allowed, path)


async def prove(
    hosting: Hosting, key: str | None, told: Reference | None, wait: float = SECONDS
) -> list[str]:
    """What was proven, a line each. Raises ProbeError with what is wrong."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(
        base_url=hosting.url, headers=headers, timeout=wait, trust_env=False
    ) as client:
        try:
            found = [await _adapted(client, hosting, told)] if hosting.adapter else []
            found += [await _refuses(client, hosting.name)] if hosting.model.bridged else []
            found += [await _matches(client, hosting.name, told)] if told else []
            return found
        except (httpx.HTTPError, KeyError, IndexError, ValueError) as error:
            raise ProbeError(f"vLLM did not answer the probe: {error!r}") from error


async def _adapted(client: httpx.AsyncClient, hosting: Hosting, told: Reference | None) -> str:
    """The adapter changes what the base model says."""
    own = [[{"role": "user", "content": text}] for text in _ASKED]
    asked = [prompt["messages"] for prompt in told.prompts] if told else own
    off = 0.0
    for messages in asked:
        both = [await _first(client, name, messages) for name in (hosting.name, hosting.base)]
        off = max(off, apart(*both))
    if off < NOTHING:
        raise ProbeError(
            f"the adapter changes nothing: with and without it no log-probability is further "
            f"apart than {off:.1g}. None of its modules was matched, or it is empty"
        )
    return f"the adapter moves log-probabilities by up to {off:.2f}"


async def _refuses(client: httpx.AsyncClient, name: str) -> str:
    """A voice picture with one changed pixel is refused, which only the bridge does."""
    parts = [{"type": "image_url", "image_url": {"url": _damaged()}}]
    body = {"model": name, "max_tokens": 1, "messages": [{"role": "user", "content": parts}]}
    answer = await client.post("/v1/chat/completions", json=body)
    if answer.status_code != 400 or "voice picture" not in answer.text:
        raise ProbeError(
            "the bridge is not loaded: a damaged voice picture was taken for any other picture. "
            "Duchenne must be installed where vLLM runs (--python), with VLLM_PLUGINS=duchenne"
        )
    return "a damaged voice picture is refused"


async def _matches(client: httpx.AsyncClient, name: str, told: Reference) -> str:
    """What is served is what was exported, for every prompt of the reference."""
    worst, wrong = 0.0, {}
    for prompt in told.prompts:
        wanted = _top(prompt["top"])
        if "unheard" in prompt and apart(wanted, _top(prompt["unheard"])) < 2 * told.allowed:
            raise ProbeError(
                f"{told.path}: seen or heard, the voice of prompt {prompt['name']!r} gives the "
                "same answer: nothing could prove the bridge. Was the projector trained?"
            )
        off = apart(wanted, await _first(client, name, prompt["messages"]))
        worst = max(worst, off)
        if not off <= told.allowed:
            wrong[str(prompt["name"])] = off
    if wrong:
        raise ProbeError(_why(told, wrong))
    return (
        f"{len(told.prompts)} prompts have the log-probabilities of the export: at most "
        f"{worst:.2g} apart, {told.allowed:g} allowed"
    )


def _why(told: Reference, wrong: Mapping[str, float]) -> str:
    """In words, from which prompts are off."""
    listed = ", ".join(f"{name} by {off:.2g}" for name, off in wrong.items())
    heard = {str(p["name"]) for p in told.prompts if "unheard" in p}
    fault = (
        "voices are not heard as they were: the bridge, or its weights, are not those exported"
        if set(wrong) <= heard
        else "weights or adapter are not those that were exported"
    )
    return f"{fault}. Off from {told.path}: {listed} ({told.allowed:g} allowed)"


def apart(one: Top, other: Top) -> float:
    """Largest difference of a log-probability between two lists of likeliest tokens.

    A token that a list lacks has at most the least probability in it.
    """
    least = min(one.values()), min(other.values())
    off = [abs(one[token] - other[token]) for token in one.keys() & other.keys()]
    off += [max(0.0, value - least[1]) for token, value in one.items() if token not in other]
    off += [max(0.0, value - least[0]) for token, value in other.items() if token not in one]
    return max(off)


def _top(rows: list[Json]) -> Top:
    return {int(row["id"]): float(row["logprob"]) for row in rows}


async def _first(client: httpx.AsyncClient, name: str, messages: list[Json]) -> Top:
    """The likeliest first tokens of the answer."""
    body = {
        "model": name, "messages": messages, "max_tokens": 1, "temperature": 0,
        "logprobs": True, "top_logprobs": TOP, "return_tokens_as_token_ids": True,
    }  # fmt: skip
    answer = await client.post("/v1/chat/completions", json=body)
    if answer.status_code != 200:
        raise ProbeError(f"vLLM refused the probe ({answer.status_code}): {answer.text[:300]}")
    first = answer.json()["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return {int(row["token"].removeprefix("token_id:")): float(row["logprob"]) for row in first}


def _damaged() -> str:
    """A voice picture with one changed pixel, as a data: URL."""
    from agent.render.voice_picture import BANDS, encode_voice

    mel = np.linspace(0, 1, BANDS * 100, dtype=np.float32).reshape(BANDS, 100)
    picture = encode_voice(mel)
    picture.putpixel((100, 64), (7, 8, 9))
    held = io.BytesIO()
    picture.save(held, "PNG")
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()
