"""Processes for the senses: each loads its models once and takes one clip at a time.

Knows processes and pipes; the jobs are those of `agent.captions.stages`. A process that dies or
hangs takes only its own clip with it: the clip is tried once more in a fresh one, then reported.
Each is `python -m agent.captions.workers FD`, FD being its end of the pipe. Not a spawned
`multiprocessing.Process`: that one imports `pickle` with the current folder searched first, and
the user's main program over again.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Final

from agent.captions.outcome import Failure, failed
from agent.schema.errors import FAILED, DuchenneError
from agent.util import limits, process

PATIENCE: Final = 900.0
"""Seconds one clip may take; a decoder that hangs is stopped then."""
TRIES: Final = 2
MEMORY: Final = 12 << 30
"""Bytes of address space of one process; libraries and models take 2.2 GiB of it."""
FILE: Final = 4 << 30
"""Bytes of the largest file it may write."""
OUTSIDE: Final = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
"""Signals that no decoder gives itself."""


class LostError(DuchenneError, RuntimeError):
    """A process died or hung over a clip; the message says how."""

    code = "worker_lost"
    exit_status = FAILED


class KilledError(LostError):
    """A process that somebody ended from outside, mostly for want of memory; its clip may be as
    good as any."""

    code = "worker_killed"


class JobError(DuchenneError, RuntimeError):
    """A clip that failed in a process, as its failure."""

    code = "clip_failed"
    exit_status = FAILED

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Workers:
    """So many processes; `run` may be called from many threads."""

    def __init__(self, count: int, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._all = [_Worker() for _ in range(count)]
        for worker in self._all:
            self._idle.put(worker)

    def run(self, job: str, *arguments: Any) -> Any:
        """The result of one job. Raises JobError, also for a job that kills its process twice."""
        for attempt in range(1, TRIES + 1):
            worker = self._idle.get()
            try:
                return worker.run(job, arguments, self._patience)
            except LostError as error:
                if attempt == TRIES:
                    raise JobError(failed("sensing", error)) from error
            finally:
                self._idle.put(worker)
        raise AssertionError("unreachable")

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that run now."""
        return [pid for worker in self._all if (pid := worker.pid) is not None]

    def close(self) -> None:
        """End the processes; what they were at is lost."""
        for worker in self._all:
            worker.close()


class _Worker:
    """One process, begun when it is first needed and anew when it is lost."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def run(self, job: str, arguments: tuple[Any, ...], patience: float) -> Any:
        pipe = self._begun()
        try:
            pipe.send((job, arguments))
            if not pipe.poll(patience):
                self._end()
                raise LostError(f"no end after {patience:.0f} s; the process was stopped")
            good, result = pipe.recv()
        except (EOFError, OSError) as error:
            code = self._end()
            how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit {code}"
            killed = code is not None and -code in OUTSIDE
            kind = KilledError if killed else LostError
            raise kind(f"the process that read this clip died ({how})") from error
        if not good:
            raise JobError(result)
        return result

    def _begun(self) -> Connection:
        if self._closed:
            raise LostError("the run is over")
        if self._process is None or self._process.poll() is not None or self._pipe is None:
            self._pipe, theirs = Pipe()
            with theirs:
                self._process = subprocess.Popen(
                    process.python("agent.captions.workers", str(theirs.fileno())),
                    env=process.environment(ours=process.ONE_THREAD | os.environ),
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
        return self._pipe

    def _end(self) -> int | None:
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = None
        child, self._process = self._process, None
        if child is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            return child.wait(0.5)
        child.kill()
        return child.wait()

    def close(self) -> None:
        self._closed = True
        if self._process is not None:
            self._process.kill()


def serve(pipe: Connection) -> None:
    """The life of a process: jobs in, results out, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    limits.confine(MEMORY, FILE, handles=1024)
    threading.Thread(target=_with_parent, args=(pipe.fileno(),), daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            job, arguments = pipe.recv()
            pipe.send(result(job, arguments))


def _with_parent(handle: int) -> None:
    """End with the process that began this one, whatever it died of: it held the pipe's other
    end, and nobody else does."""
    watch = select.poll()
    watch.register(handle, 0)
    watch.poll()
    os._exit(1)


def result(job: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    """Whether a job went well, and its result or its failure."""
    from agent.captions import stages

    jobs: dict[str, Callable[..., Any]] = {
        "sense": stages.sense,
        "whole": whole,
        "again": stages.sense_again,
    }
    try:
        return True, jobs[job](*arguments)
    except Exception as error:  # the boundary of a process: whatever a clip does becomes a record
        return False, failed("sensing", error)


def whole(task: Any) -> Any:
    """Both stages at once, for the rules: no model call is worth another process."""
    from agent.captions import stages
    from agent.models.connect import Rules

    def again(start: float, end: float) -> Any:
        return stages.sense_again(task, start, end)

    sensed = stages.sense(task)
    video = sensed.evidence.media.kind == "video"
    return stages.write(task, sensed, Rules(), again if video else None)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
