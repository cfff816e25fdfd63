"""vLLM as a child: begun, waited for, proven, ended for certain. Knows no restart; who does is
agent/server/supervisor.py.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

import httpx

from agent.util.advice import advice
from agent.util.process import ROOT, python
from agent.vllm import command, probe
from agent.vllm.checkpoint import HostingError
from agent.vllm.command import Hosting
from agent.vllm.liveness import Pulse
from agent.vllm.probe import Reference

POLL: Final = 0.5
_NO_VLLM, _NO_PLUGIN, _TOO_OLD = 3, 4, 5
_HAS: Final = f"""
import importlib.util, sys
from importlib.metadata import entry_points
if sys.version_info < (3, 11):
    sys.exit({_TOO_OLD})
if importlib.util.find_spec("vllm") is None:
    sys.exit({_NO_VLLM})
plugins = [each.name for each in entry_points(group="vllm.general_plugins")]
sys.exit(0 if "duchenne" in plugins else {_NO_PLUGIN})
"""


class Process:
    """One vLLM that runs, or ran."""

    def __init__(self, tie: asyncio.subprocess.Process, pid: int, hosting: Hosting) -> None:
        self._tie = tie
        self.pid = pid
        """Of vLLM's own server."""
        self._hosting = hosting

    @classmethod
    async def begun(cls, hosting: Hosting, key: str | None, out: IO[bytes] | None) -> Process:
        """Start it; its output goes to `out`, else to our standard error.

        Raises HostingError where its Python lacks vLLM or the plugin it needs.
        """
        await asyncio.to_thread(_checked, hosting)
        tie = await asyncio.create_subprocess_exec(
            *python("agent.vllm.tied", *command.command(hosting)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=out,
            env=command.environment(key) | {"PYTHONPATH": str(ROOT)},
            # A Ctrl-C in the terminal is for us; we end it in order.
            start_new_session=True,
        )
        assert tie.stdout is not None
        line = await tie.stdout.readline()
        if not line.strip().isdigit():
            await tie.wait()
            raise HostingError(f"{hosting.python} could not be started")
        return cls(tie, int(line), hosting)

    async def answers(self, within: float) -> None:
        """Wait until it answers. Raises HostingError where it ends before, or takes longer."""
        until = time.monotonic() + within
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while time.monotonic() < until:
                if self._tie.returncode is not None:
                    raise HostingError(f"vLLM ended before it was ready ({self._how()})")
                with suppress(httpx.HTTPError):
                    answer = await client.get(f"{self._hosting.url}/health")
                    if answer.status_code == 200:
                        return
                await asyncio.sleep(POLL)
        raise HostingError(f"vLLM was not ready within {within:.0f} s")

    async def proven(self, key: str | None, told: Reference | None) -> list[str]:
        """What was proven. Raises ProbeError."""
        return await probe.prove(self._hosting, key, told)

    async def gone(self, key: str | None, late: Callable[[bool], None] = lambda _: None) -> str:
        """Wait until it has ended, or makes no token any more; how it did.

        `late` is told every second whether it keeps somebody waiting for a token.
        """
        ended = asyncio.create_task(self._tie.wait())
        stuck = asyncio.create_task(Pulse(self._hosting, key).stops(late))
        try:
            await asyncio.wait({ended, stuck}, return_when="FIRST_COMPLETED")
            return self._how() if ended.done() else stuck.result()
        finally:
            ended.cancel()
            stuck.cancel()

    def _how(self) -> str:
        code = self._tie.returncode
        if code is None:
            return "still running"
        number = -code if code < 0 else code - 128
        try:
            return signal.Signals(number).name
        except ValueError:
            return f"exit {code}"

    async def end(self) -> None:
        """In order where it lets itself be, else by force; waits until nothing is left of it."""
        if self._tie.stdin is not None:
            self._tie.stdin.close()
        await asyncio.shield(self._tie.wait())
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def _checked(hosting: Hosting) -> None:
    try:
        done = subprocess.run(
            [hosting.python, "-c", _HAS],
            env=command.environment(None), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostingError(f"{hosting.python} does not run: {error}") from error
    if done.returncode == _NO_VLLM:
        raise HostingError(
            f"{hosting.python} has no vLLM: name the Python that has it with --python"
        )
    if done.returncode == _TOO_OLD:
        # Older ones know no PYTHONSAFEPATH and run what lies in the current folder.
        raise HostingError(f"{hosting.python} is older than Python 3.11: name a newer one")
    if done.returncode == _NO_PLUGIN and hosting.model.bridged:
        raise HostingError(
            f"{hosting.python} has vLLM and not Duchenne's plugin: {advice(python=hosting.python)}"
        )
    if done.returncode not in (0, _NO_PLUGIN):
        raise HostingError(f"{hosting.python} does not run: {done.stderr[-300:].strip()}")
