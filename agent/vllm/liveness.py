"""Whether a vLLM that runs still makes tokens: it may live on and answer nobody.

Knows vLLM's HTTP alone. A stuck engine keeps `/health` and `/v1/models` answering, so that one
token is asked for now and then. Waiting long in a queue is no fault: what counts is that no token
at all was made, for anybody, while ours was waited for.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final

import httpx

from agent.vllm.command import Hosting

TICK: Final = 1.0
"""Seconds between two looks."""
IDLE: Final = 10.0
"""Seconds without a sign of life after which a token is asked for."""
LATE: Final = 5.0
"""Seconds that a token may take before it is told of."""
_MADE: Final = re.compile(
    r"^vllm:(?:(?:prompt|generation)_tokens_total|iteration_tokens_total_sum)\{.*\} (\S+)$",
    re.MULTILINE,
)


class Pulse:
    """Of one vLLM."""

    def __init__(self, hosting: Hosting, key: str | None) -> None:
        self._hosting = hosting
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(base_url=hosting.url, headers=headers, trust_env=False)

    async def stops(self, late: Callable[[bool], None]) -> str:
        """Returns, with how, once it made no token for `hosting.silence` seconds though asked.

        `late` is told at each look whether a token takes long.
        """
        async with self._http:
            seen = await self._made()
            asked: asyncio.Task[bool] | None = None
            alive = looked = time.monotonic()
            while True:
                await asyncio.sleep(TICK)
                now = time.monotonic()
                # Time in which we were stopped ourselves is nobody's silence.
                alive += max(0.0, now - looked - 5 * TICK)
                looked = now
                if asked is None and now - alive > IDLE:
                    asked = asyncio.create_task(self._asked())
                if asked is None:
                    continue
                if asked.done():
                    alive, asked = (now if asked.result() else alive), None
                elif (made := await self._made()) not in (None, seen):
                    alive, seen = now, made
                silent = now - alive - IDLE
                late(silent > LATE)
                if silent > self._hosting.silence:
                    if asked is not None:
                        asked.cancel()
                    return f"no token in {self._hosting.silence:g} s"

    async def _asked(self) -> bool:
        """Whether anything came of asking for a token; a full queue is an answer too."""
        body = {"model": self._hosting.name, "max_tokens": 1,
                "messages": [{"role": "user", "content": "?"}]}  # fmt: skip
        try:
            await self._http.post("/v1/chat/completions", json=body, timeout=None)
        except httpx.HTTPError:
            return False
        return True

    async def _made(self) -> float | None:
        """Tokens so far, read and written; None where it does not say."""
        try:
            told = await self._http.get("/metrics", timeout=TICK)
        except httpx.HTTPError:
            return None
        counts = [float(number) for number in _MADE.findall(told.text)]
        return sum(counts) if counts else None
