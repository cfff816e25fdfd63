"""`python -m agent.vllm.tied COMMAND…`: runs a command that ends when whoever began it does.

Standard input is the tie: when it closes, however its other end died, the command and everything
it began get SIGTERM and, after a grace time, SIGKILL. vLLM's engine would else outlive its server
and keep the GPU. Says the command's process id as the first line, its output goes to standard
error, its exit code is ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

GRACE: Final = 15.0


def main() -> int:
    """Until the command has ended."""
    from agent.util.limits import with_parent

    for number in (signal.SIGINT, signal.SIGTERM):
        # The tie tells when to end; a signal for the whole group comes to us as well.
        signal.signal(number, signal.SIG_IGN)
    process = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, stdout=2, start_new_session=True,
        preexec_fn=_as_usual(with_parent),
        # Ours may name the packages of another Python than the command's.
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )  # fmt: skip
    print(process.pid, flush=True)
    sys.stdout.close()
    threading.Thread(target=_watch, args=(process,), daemon=True).start()
    code = process.wait()
    # Whatever it began and left behind.
    _signal(process.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _as_usual(then: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        then()

    return run


def _watch(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    _signal(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _signal(process.pid, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main())
