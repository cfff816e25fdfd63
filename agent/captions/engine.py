"""Runs the two stages side by side on this machine: senses in processes, model calls in threads.

Knows tasks and outcomes; neither where tasks come from nor where outcomes go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Protocol

from agent.captions import stages
from agent.captions.outcome import Outcome, failed
from agent.captions.plan import Plan
from agent.captions.stages import Task
from agent.captions.workers import JobError, Workers
from agent.models.clients import ModelError
from agent.schema.evidence import Evidence


class Engine(Protocol):
    """Whoever runs tasks."""

    def run(self, tasks: Iterator[Task]) -> Iterator[Outcome]:
        """Outcomes as they come, in any order; tasks are taken only as they can be begun."""
        ...

    def close(self) -> None:
        """Let go of everything; what is under way is lost."""
        ...


def cores() -> int:
    """Processor cores that this process may use."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Local:
    """This machine: `workers` processes for the senses, `in_flight` clips at the model."""

    def __init__(
        self, plan: Plan, connect: Callable[[], Any], workers: int, in_flight: int
    ) -> None:
        self._plan = plan
        self._model = None if plan.by_rules else connect()
        self._workers = Workers(workers)
        self._most = workers + 1 if plan.by_rules else workers + in_flight
        self._threads = ThreadPoolExecutor(self._most, thread_name_prefix="caption")

    @property
    def pids(self) -> list[int]:
        return self._workers.pids

    def run(self, tasks: Iterator[Task]) -> Iterator[Outcome]:
        going: set[Future[Outcome]] = set()
        for task in tasks:
            going.add(self._threads.submit(self._one, task))
            while len(going) >= self._most:
                done, going = wait(going, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while going:
            done, going = wait(going, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)

    def close(self) -> None:
        self._workers.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _one(self, task: Task) -> Outcome:
        try:
            if self._plan.by_rules:
                rows = self._workers.run("whole", task)
            else:
                sensed = self._workers.run("sense", task)
                rows = stages.write(task, sensed, self._model, self._closer(task, sensed))
        except JobError as error:
            return Outcome(task.sample.id, task.key, failure=error.failure)
        except (ModelError, ValueError, OSError) as error:
            return Outcome(task.sample.id, task.key, failure=failed("writing", error))
        return Outcome(task.sample.id, task.key, tuple(rows))

    def _closer(self, task: Task, sensed: stages.Sensed) -> stages.LookCloser | None:
        if sensed.evidence.media.kind != "video":
            return None

        def again(start: float, end: float) -> Evidence | None:
            found: Evidence | None = self._workers.run("again", task, start, end)
            return found

        return again
