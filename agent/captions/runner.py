"""A whole captioning run: what is new in the source goes through the engine into the store.

Knows the order of things and when to stop; neither senses nor wording.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Protocol

from agent.captions.budget import Budget
from agent.captions.engine import Engine
from agent.captions.flow import Flow
from agent.captions.outcome import Outcome, RunError, failed
from agent.captions.plan import FORMAT, Plan
from agent.captions.readme import readme
from agent.captions.samples import Sample
from agent.captions.sources import Source, root
from agent.captions.stages import Task
from agent.captions.store import Store
from agent.util.cache import cache_dir
from agent.util.scratch import scratch_folder

PACKAGES: Final = (
    "duchenne", "av", "numpy", "onnxruntime", "ai-edge-litert", "pyarrow", "langgraph", "openai",
)  # fmt: skip


class Watcher(Protocol):
    """Whoever looks on: a bar, a log, nobody."""

    def found(self, total: int | None) -> None: ...

    def skipped(self) -> None: ...

    def came(self, outcome: Outcome) -> None: ...


@dataclass(slots=True)
class Run:
    """What one run is to do, and how it went."""

    plan: Plan
    source: Source
    store: Store
    budget: Budget = field(default_factory=Budget)
    retry_failed: bool = False
    redo: bool = False
    stop: Callable[[], bool] = lambda: False
    """Asked before each clip; True ends the run after those under way."""
    flow: Flow | None = None
    """Calls at the model's host; None where nobody paces them."""
    new: int = 0
    failed: int = 0
    skipped: int = 0
    awaiting: int = 0
    """Clips that wait for replies of a batch."""
    ours: int = 0
    """Of the failed ones, those that failed of this machine and not of the clip."""
    ended: str | None = None
    """Why the run ended before its source did."""


def chosen(found: Iterable[Sample], count: int | None) -> list[Sample] | Iterable[Sample]:
    """`count` samples spread over the source by the hash of their ids: always the same, and a
    larger choice holds the smaller one. In the order of the source; all where it is None."""
    if count is None:
        return found
    ranked = ((hashlib.sha256(s.id.encode()).digest(), n, s) for n, s in enumerate(found))
    few = heapq.nsmallest(count, ranked, key=lambda item: item[:2])
    return [sample for _, _, sample in sorted(few, key=lambda item: item[1])]


def run(work: Run, found: Iterable[Sample], engine: Engine, watcher: Watcher) -> None:
    """Caption what is not there yet. Raises RunError where the run cannot go on, OSError."""
    _same_settings(work)
    _publish(work, "running")
    again: list[Task] = []
    try:
        with scratch_folder(cache_dir("captions").absolute(), "clips-") as spool:
            _pass(work, _tasks(work, found, watcher, spool), engine, watcher, again)
            # What this machine did to them is often over by now: a clip is not lost to one bad
            # moment.
            _pass(work, _unless_stopped(work, again), engine, watcher, None)
    finally:
        work.store.seal()
        _publish(work, "stopped" if work.ended else "done")


def _pass(
    work: Run, tasks: Iterator[Task], engine: Engine, watcher: Watcher, again: list[Task] | None
) -> None:
    """Tasks through the engine into the store; those that failed of this machine go to `again`,
    if they are to be tried once more. Raises RunError, OSError."""
    going: dict[str, Task] = {}

    def noted() -> Iterator[Task]:
        for task in tasks:
            going[task.sample.id] = task
            yield task

    for outcome in engine.run(noted()):
        task = going.pop(outcome.id, None)
        failure = outcome.failure
        if failure is not None and failure.fatal:
            raise failure.stop()
        if failure is not None and failure.ours and again is not None and task is not None:
            again.append(task)
        else:
            _keep(work, outcome, watcher)


def _unless_stopped(work: Run, tasks: list[Task]) -> Iterator[Task]:
    for task in tasks:
        if work.ended or work.stop():
            work.ended = work.ended or "stopped"
            return
        yield task


def _keep(work: Run, outcome: Outcome, watcher: Watcher) -> None:
    if outcome.failure is not None and outcome.failure.awaiting:
        work.awaiting += 1
        watcher.skipped()
        return
    work.store.add(outcome)
    work.new += outcome.failure is None
    work.failed += outcome.failure is not None
    work.ours += outcome.failure is not None and outcome.failure.ours
    watcher.came(outcome)


def _tasks(work: Run, found: Iterable[Sample], watcher: Watcher, spool: Path) -> Iterator[Task]:
    """Tasks for what is neither done nor failed before under the same key."""
    for sample in found:
        if work.stop():
            work.ended = "stopped"
            return
        if spent := work.budget.spent:
            work.ended = f"the budget of {spent} is used up"
            return
        try:
            sha256 = sample.sha256()
        except (OSError, ValueError) as error:  # a folder without pictures, a file that is gone
            key = work.plan.key("", sample.labels)
            if work.store.failed.get(sample.id) is None or work.retry_failed:
                _keep(work, Outcome(sample.id, key, failure=failed("reading", error)), watcher)
            else:
                _skip(work, watcher)
            continue
        key = work.plan.key(sha256, sample.labels)
        if _is_over(work, sample.id, key):
            _skip(work, watcher)
        else:
            yield Task(sample, sha256, key, work.plan, spool)


def _skip(work: Run, watcher: Watcher) -> None:
    work.skipped += 1
    watcher.skipped()


def _is_over(work: Run, id: str, key: str) -> bool:
    if work.store.done.get(id) == key:
        return True
    before = work.store.failed.get(id)
    if before is None or before.key != key:
        return False
    ours = before.failure is not None and before.failure.ours
    return not (ours or work.retry_failed)


def _same_settings(work: Run) -> None:
    """Captions of other settings in the same folder are replaced only where that is asked for."""
    before = work.store.manifest().get("settings")
    now = json.loads(json.dumps(work.plan.settings))
    if before is None or before == now or not work.store.done or work.redo:
        return
    changed = [k for k in sorted({*before, *now}) if before.get(k) != now.get(k)]
    told = "; ".join(f"{k}: {before.get(k)} → {now.get(k)}" for k in changed)
    raise RunError(
        f"{work.store.out} holds {len(work.store.done)} clips captioned otherwise ({told}). Choose "
        "another --out, or replace them with --redo"
    )


def _publish(work: Run, state: str) -> None:
    """Manifest and data card as things stand."""
    told = manifest(work, state)
    work.store.publish("manifest.json", json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    work.store.publish("README.md", readme(told))


def manifest(work: Run, state: str) -> dict[str, Any]:
    """Everything needed to tell how these captions came about."""
    store = work.store
    return {
        "format": FORMAT,
        "state": state,
        "settings": work.plan.settings,
        "source": {
            "name": work.source.name,
            "root": str(found) if (found := root(work.source)) else None,
            "split": work.source.split,
        },
        "counts": {"clips": len(store.done), "rows": store.rows, "failed": len(store.failed)},
        "shards": [path.name for path in store.shards()],
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
