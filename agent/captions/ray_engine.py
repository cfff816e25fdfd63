"""The same two stages on a Ray cluster: sensing actors, and actors that call the model.

Rows, keys and resume are those of one machine: the driver alone writes. Clips travel by path, so
every machine must see the source's folder under the same path; clips that came as bytes travel
as bytes. An actor that dies is begun anew and its clip tried again. Needs `ray`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from agent.captions import stages, workers
from agent.captions.outcome import Outcome, RunError, failed
from agent.captions.plan import Plan
from agent.captions.stages import Task
from agent.schema.evidence import Evidence
from agent.util import process
from agent.util.advice import advice

TRIES: Final = 3
"""For a clip whose actor dies."""
PASSED_ON: Final = ("DUCHENNE_", "OPENAI_", "OMP_", "HF_")
"""Beginnings of environment variables that actors on other machines get too."""
FOLDERS: Final = frozenset({"DUCHENNE_CACHE", "DUCHENNE_ASSETS"})
"""Those that name a folder."""


class Ray:
    """Actors of a cluster, or of a Ray begun on this machine where no address is given."""

    def __init__(self, plan: Plan, workers_: int | None, in_flight: int, address: str | None):
        """Connect. Raises RunError where ray is missing or nobody answers at the address."""
        if find_spec("ray") is None:
            raise RunError(f"--engine ray needs ray: {advice('scale')}", 1)
        self._ray = _connected(address)
        self._plan = plan
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        sensing = max(1, min(workers_ or cores, cores))
        self._sense = self._actors(_Senser, sensing, 1.0)
        self._write = [] if plan.by_rules else self._actors(_Writer, in_flight, 0.0, plan)

    def run(self, tasks: Iterator[Task]) -> Iterator[Outcome]:
        """See `engine.Engine.run`; as many clips are under way as there are actors."""
        todo, again = iter(tasks), list[tuple[Task, int]]()
        free, idle = list(self._sense), list(self._write)
        going: dict[Any, _Job] = {}
        waiting: list[_Job] = []
        drained = False
        while True:
            while free and len(waiting) <= len(self._write) and (again or not drained):
                task, tries = again.pop() if again else (next(todo, None), 0)
                if task is None:
                    drained = True
                    break
                actor = free.pop()
                whole = self._plan.by_rules
                call = actor.do.remote("whole" if whole else "sense", task)
                going[call] = _Job(task, actor, tries)
            while idle and waiting:
                job, actor = waiting.pop(0), idle.pop()
                going[actor.do.remote(job.task, job.sensed)] = replace(job, actor=actor)
            if not going:
                return
            done, _ = self._ray.wait(list(going), num_returns=1)
            job = going.pop(done[0])
            writing = job.sensed is not None
            (idle if writing else free).append(job.actor)
            yield from self._after(done[0], job, writing, again, waiting)

    def _after(
        self, reference: Any, job: _Job, writing: bool, again: list[Any], waiting: list[_Job]
    ) -> Iterator[Outcome]:
        """What came of one call: an outcome, the next stage, or another try."""
        id, key = job.task.sample.id, job.task.key
        try:
            good, result = self._ray.get(reference)
        except self._ray.exceptions.ActorUnavailableError:
            time.sleep(0.2)  # it is being begun anew; the clip is not to blame
            again.append((job.task, job.tries))
            return
        except self._ray.exceptions.RayError as error:
            if job.tries + 1 < TRIES:
                again.append((job.task, job.tries + 1))
            else:
                stage = "writing" if writing else "sensing"
                yield Outcome(id, key, failure=failed(stage, error))
            return
        if not good:
            yield Outcome(id, key, failure=result)
        elif writing or self._plan.by_rules:
            yield Outcome(id, key, tuple(result))
        else:
            waiting.append(replace(job, sensed=result))

    @property
    def pids(self) -> list[int]:
        """Ids of the sensing processes, wherever they run."""
        found: list[int] = self._ray.get([actor.pid.remote() for actor in self._sense])
        return found

    def close(self) -> None:
        """End the actors; a cluster that was there before stays."""
        for actor in (*self._sense, *self._write):
            self._ray.kill(actor)
        self._ray.shutdown()

    def _actors(self, kind: type, number: int, cpus: float, *arguments: Any) -> list[Any]:
        made = self._ray.remote(kind).options(num_cpus=cpus, max_restarts=-1)
        return [made.remote(*arguments) for _ in range(number)]


@dataclass(frozen=True, slots=True)
class _Job:
    """One clip at one stage."""

    task: Task
    actor: Any
    tries: int
    sensed: stages.Sensed | None = None


class _Senser:
    """An actor that senses, and writes where the rules do."""

    def do(self, job: str, task: Task) -> tuple[bool, Any]:
        return workers.result(job, (task,))

    def pid(self) -> int:
        return os.getpid()


class _Writer:
    """An actor that asks the model; it looks closer by itself."""

    def __init__(self, plan: Plan) -> None:
        from agent.captions.flow import Flow, Paced
        from agent.models.connect import Language, connect

        self._model = connect(plan.model, plan.base_url)
        if isinstance(self._model, Language):
            self._model.host = Paced(self._model.host, Flow(1))

    def do(self, task: Task, sensed: stages.Sensed) -> tuple[bool, Any]:
        def again(start: float, end: float) -> Evidence | None:
            return stages.sense_again(task, start, end)

        video = sensed.evidence.media.kind == "video"
        try:
            return True, stages.write(task, sensed, self._model, again if video else None)
        except Exception as error:  # the boundary of a process: whatever happens is a record
            return False, failed("writing", error)


def _connected(address: str | None) -> Any:
    import ray

    passed = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)} | process.safe()
    for name in FOLDERS & passed.keys():  # they begin in another folder than ours
        passed[name] = str(Path(passed[name]).expanduser().absolute())
    os.environ.update(process.safe())  # for what Ray begins on this machine
    try:
        # Ray's workers search the folder that the driver is in.
        with chdir(process.ROOT):
            ray.init(
                address=address,
                runtime_env={"env_vars": passed},
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except (ConnectionError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())[:200]
        raise RunError(f"no Ray cluster at {address or 'this machine'}: {said}", 1) from error
    return ray
