"""`duchenne serve --vllm`: keeps a vLLM running beside the server, and says how it is.

Knows when to start it, when to start it again and when to give up. At its first start a vLLM that
does not come up, or is not what was exported, ends the server; later it only makes it not ready,
because the rules can still answer.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import shlex
import socket
import time
from pathlib import Path
from typing import IO, Final

from agent.vllm import cli
from agent.vllm.checkpoint import HostingError
from agent.vllm.command import Hosting
from agent.vllm.probe import ProbeError, Reference
from agent.vllm.process import Process

log = logging.getLogger("duchenne.serve")
DEATHS: Final = 5
"""In a row, after which it is not started again."""
STEADY: Final = 600.0
"""Seconds after which a vLLM that dies counts as one that ran well."""
LONGEST: Final = 60.0
"""Seconds between two starts at most; the first pause is one, each further one twice as long."""


class Supervisor:
    """One vLLM, begun again when it dies or is stuck."""

    def __init__(
        self, hosting: Hosting, key: str, told: Reference | None, wait: float, out: Path
    ) -> None:
        self.hosting = hosting
        self._key, self._told, self._wait = key, told, wait
        self.out = out
        """File of what vLLM says."""
        self.why: str | None = "vLLM is starting"
        """What keeps it from answering."""
        self._proven = False

    async def run(self) -> None:
        """Until cancelled. Raises HostingError where the first start fails."""
        deaths = 0
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with self.out.open("wb") as out:
            self.out.chmod(0o600)
            while True:
                began = time.monotonic()
                how = await self._lived(out)
                deaths = 1 if time.monotonic() - began > STEADY else deaths + 1
                if deaths > DEATHS:
                    return await self._given_up(f"vLLM died {deaths} times in a row ({how})")
                pause = min(LONGEST, 2.0 ** (deaths - 1))
                self.why = f"vLLM died ({how}) and is being restarted ({deaths} of {DEATHS})"
                log.error("vllm died", extra={"fields": {"how": how, "deaths": deaths}})
                await asyncio.sleep(pause)

    async def _lived(self, out: IO[bytes]) -> str:
        """One life of it; how it ended."""
        try:
            return await self._once(out)
        except HostingError as error:
            if not self._proven:
                raise HostingError(f"{error}. What vLLM said is in {self.out}") from error
            log.error("vllm failed", extra={"fields": {"why": str(error)}})
            if isinstance(error, ProbeError):
                await self._given_up("vLLM serves something else than before, and was stopped")
            return "before it was ready"

    async def _once(self, out: IO[bytes]) -> str:
        process = await Process.begun(self.hosting, self._key, out)
        log.info("vllm started", extra={"fields": {"pid": process.pid}})
        try:
            await process.answers(self._wait)
            for line in await process.proven(self._key, self._told):
                log.info("vllm proven", extra={"fields": {"what": line}})
            self._proven, self.why = True, None
            log.info("vllm ready", extra={"fields": {"pid": process.pid}})
            return await process.gone(self._key, self._late)
        finally:
            self.why = self.why or "vLLM has ended"
            await process.end()

    def _late(self, yes: bool) -> None:
        self.why = "vLLM answers and makes no token" if yes else None

    async def _given_up(self, why: str) -> None:
        self.why = f"{why}; it is not started again"
        log.error("vllm given up", extra={"fields": {"why": self.why}})
        await asyncio.Event().wait()


def asked(words: str, out: Path) -> Supervisor:
    """From what follows --vllm: arguments of `duchenne vllm` in one text.

    The key between the two is made here, where none is set. Raises HostingError.
    """
    arguments: argparse.Namespace = cli.parsed(shlex.split(words))
    hosting = cli.asked(arguments, _free())
    key = os.environ.setdefault("DUCHENNE_API_KEY", secrets.token_urlsafe(32))
    return Supervisor(hosting, key, cli.references(hosting, arguments), arguments.wait, out)


def _free() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
