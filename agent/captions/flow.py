"""How many model calls are under way at once: as many as the host takes, never more than asked.

A host that says it is busy (429, 503) halves the number and is left alone for as long as it asks;
each full round of replies lets one more call through. Knows neither clips nor prompts.
"""

from __future__ import annotations

import time
from threading import Condition
from typing import Final

from agent.models.clients import Completion, Host, HostBusyError, Message
from agent.schema.state import Json

PATIENCE: Final = 600.0
"""Seconds that one call waits for a busy host before its clip fails."""
PAUSE: Final = 1.0
"""Seconds a host is left alone that does not say for how long."""
LONGEST: Final = 120.0
"""A host that asks for more is asked again after this."""


class Flow:
    """Calls under way and how many may be."""

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self.limit = float(self.most)
        """How many may be under way now; its whole part counts."""
        self.lowest = self.most
        self.busy = 0
        """How often the host said that it is."""
        self._going = 0
        self._rest_until = 0.0
        self._change = Condition()

    def begin(self) -> None:
        """Wait for a turn."""
        with self._change:
            while True:
                rest = self._rest_until - time.monotonic()
                if rest <= 0 and self._going < int(self.limit):
                    break
                self._change.wait(rest if rest > 0 else None)
            self._going += 1

    def end(self) -> None:
        """A call came back well: by and by one more may go."""
        with self._change:
            self._going -= 1
            self.limit = min(float(self.most), self.limit + 1 / self.limit)
            self._change.notify_all()

    def broke(self) -> None:
        """A call came back with an error of its own."""
        with self._change:
            self._going -= 1
            self._change.notify_all()

    def refused(self, after: float | None) -> None:
        """A call came back because the host is busy; `after`: seconds it asks for.

        Calls that went out together and are refused together halve the number once.
        """
        with self._change:
            now = time.monotonic()
            self._going -= 1
            self.busy += 1
            if now >= self._rest_until:
                self.limit = max(1.0, self.limit / 2)
                self.lowest = min(self.lowest, int(self.limit))
            wait = PAUSE if after is None else min(after, LONGEST)
            self._rest_until = max(self._rest_until, now + wait)
            self._change.notify_all()


class Paced:
    """A host whose calls go through a flow; a busy one is asked again."""

    def __init__(self, host: Host, flow: Flow) -> None:
        self._host, self._flow = host, flow
        self.name, self.lacks = host.name, host.lacks
        if hasattr(host, "busy_tries"):
            host.busy_tries = 1  # the flow must hear of a busy host at once, and waits itself

    def complete(self, messages: list[Message], schema: Json) -> Completion:
        """See `Host.complete`. Raises HostBusyError after PATIENCE seconds."""
        begun = time.monotonic()
        while True:
            self._flow.begin()
            try:
                done = self._host.complete(messages, schema)
            except HostBusyError as error:
                self._flow.refused(error.after)
                if time.monotonic() - begun > PATIENCE:
                    raise
            except BaseException:  # a Ctrl-C too gives its turn back, and rises
                self._flow.broke()
                raise
            else:
                self._flow.end()
                self.lacks = self._host.lacks
                return done
