"""What all requests share, and how many of them are worked on at a time.

Knows places and their number, nothing of what is done in them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from agent.server.errors import busy
from agent.server.guard import Guard
from agent.server.keys import Uses
from agent.server.metrics import Metrics
from agent.server.settings import Settings
from agent.server.store import Store
from agent.server.worker_pool import WorkerPool


class Room:
    """So many clips at a time, so many waiting; everybody else is told to come back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free = asyncio.Semaphore(settings.slots)
        self.running = 0
        self.admitted = 0
        """Requests that run or wait."""
        self._lengths: list[float] = []

    @contextmanager
    def ticket(self) -> Iterator[None]:
        """Leave to wait for a slot. Raises ApiError (503) where nobody else may wait."""
        if self.admitted >= self._settings.slots + self._settings.queue:
            raise busy("every place is taken; come back later", self.back_in())
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    def back_in(self) -> int:
        """Seconds after which a place is likely free."""
        usual = sum(self._lengths) / len(self._lengths) if self._lengths else 5.0
        return max(1, min(60, round(usual * self.admitted / self._settings.slots / 2)))

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A place to work. Raises ApiError (503) after waiting too long."""
        try:
            async with asyncio.timeout(self._settings.patience):
                await self._free.acquire()
        except TimeoutError:
            raise busy("no place became free in time; come back later", self.back_in()) from None
        began = time.monotonic()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._lengths = [*self._lengths[-19:], time.monotonic() - began]
            self._free.release()


class Troubles:
    """What this machine has just failed of; told as a reason not to be ready for a while."""

    LASTS: Final = 10.0
    """Seconds: those who are told to come back find it over, or told anew."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def noted(self, why: str) -> None:
        self._seen[why] = time.monotonic()

    @property
    def now(self) -> list[str]:
        since = time.monotonic() - self.LASTS
        return [why for why, when in self._seen.items() if when > since]


@dataclass(slots=True)
class AppState:
    """What all requests share."""

    settings: Settings
    store: Store
    uses: Uses
    guard: Guard
    room: Room
    media_workers: WorkerPool
    reasoning_workers: WorkerPool
    metrics: Metrics
    troubles: Troubles = field(default_factory=Troubles)
