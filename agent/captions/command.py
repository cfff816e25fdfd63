"""Sets a captioning run up from its arguments, and tells how it went.

Knows how plan, source, engine and store go together; parses no arguments. Standard output holds the
summary, standard error the bar and messages.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, Final

from agent.captions.bar import bar
from agent.captions.batch import Batch
from agent.captions.budget import Counted, budget
from agent.captions.engine import Engine, Local, cores
from agent.captions.flow import Flow, Paced
from agent.captions.outcome import RunError
from agent.captions.plan import Plan, revision, sensing_versions
from agent.captions.runner import Run, chosen, run
from agent.captions.samples import Sample, SourceError
from agent.captions.sources import Cards, Source, is_streamed, samples
from agent.captions.store import Store
from agent.graph.conversation import checked_profile
from agent.models.connect import Language, connect, longest_reply

STOPPED: Final = 130
"""Exit code of a run that somebody stopped."""


def caption(asked: argparse.Namespace, cards: Cards | None = None) -> Run:
    """Caption what the arguments name, or go on with it; the summary goes to standard output.

    `cards` looks the source up among the data cards. Raises SourceError and RunError.
    """
    source = _source(asked)
    plan = _plan(asked)
    limit = budget(asked.budget)
    found = _listed(samples(source, cards, _said), source, asked.sample)
    batched = "openai-batch" in asked.to or bool(asked.from_batch)
    if batched and not plan.model.startswith("openai:"):
        raise SourceError("batch files are for a host: add --model openai:NAME")
    with Store(asked.out, asked.shard_rows) as store, _stopping() as stop:
        flow = Flow(asked.in_flight)
        work = Run(plan, source, store, limit, asked.retry_failed, asked.redo, stop, flow)
        batch = _batch(asked, plan) if batched else None
        engine = _engine(asked, plan, work, batch)
        try:
            with bar() as shown:
                shown.found(len(found) if isinstance(found, list) else None)
                run(work, found, engine, shown)
        finally:
            engine.close()
            if batch is not None:
                batch.close()
        print(_summary(work))
        if batch is not None and batch.files:
            print(_awaited(batch, plan))
    return work


def _said(note: str) -> None:
    print(f"note: {note}", file=sys.stderr)


def _source(asked: argparse.Namespace) -> Source:
    columns = (asked.clip_column,) if asked.clip_column else ()
    return Source(asked.source, asked.root, asked.split, asked.config, columns)


def _plan(asked: argparse.Namespace) -> Plan:
    model = asked.model or os.environ.get("DUCHENNE_MODEL") or "rules"
    batched = "openai-batch" in asked.to or bool(asked.from_batch)
    url = asked.base_url or os.environ.get("DUCHENNE_BASE_URL")
    return Plan(
        style=asked.style,
        profile=checked_profile(asked.profile),
        people=asked.people,
        model=model,
        base_url=url,
        revision=revision(model, url, asked.model_revision, live=not batched),
        aus=asked.aus,
        sensing=sensing_versions(asked.aus),
        known=tuple(asked.with_labels),
        calls="one" if asked.one_call else "steps",
        look_closer=not asked.no_closer_look and not batched,
    )


def _listed(found: Iterator[Sample], source: Source, count: int | None) -> Any:
    """Samples as a list where that costs nothing; a streamed data set stays a stream."""
    if not is_streamed(source):
        return list(chosen(found, count))
    first = next(found)  # so that a name which nobody has is told before anything is made
    found = chain((first,), found)
    return found if count is None else list(islice(found, count))


def _batch(asked: argparse.Namespace, plan: Plan) -> Batch:
    batch = Batch(plan.model.removeprefix("openai:"), asked.out, longest_reply())
    if asked.from_batch:
        print(f"{batch.take(asked.from_batch)} new replies", file=sys.stderr)
    return batch


def _awaited(batch: Batch, plan: Plan) -> str:
    """What to do with the request files."""
    name = plan.model.removeprefix("openai:")
    files = f"{batch.folder}/requests-*.jsonl"
    return (
        f"{batch.requests} requests in {files}\n"
        f"  vllm run-batch -i {batch.files[0]} -o replies.jsonl --model {name}\n"
        "or a hosted batch API; then the same command with --from-batch replies.jsonl"
    )


def _engine(asked: argparse.Namespace, plan: Plan, work: Run, batch: Batch | None) -> Engine:
    if asked.engine == "ray":
        from agent.captions.ray_engine import Ray

        if batch is not None or work.budget.calls is not None:
            raise RunError("--engine ray takes neither batch files nor a budget of calls")
        return Ray(plan, asked.workers, asked.in_flight, asked.address)

    def counted() -> Any:
        if batch is not None:
            return Language(Counted(batch, work.budget))
        model = connect(plan.model, plan.base_url)
        if isinstance(model, Language):
            paced = model.host if work.flow is None else Paced(model.host, work.flow)
            model.host = Counted(paced, work.budget)
        return model

    return Local(plan, counted, asked.workers or cores(), asked.in_flight)


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Whether somebody asked to stop. The first Ctrl-C asks, the second one does not wait."""
    asked: list[int] = []

    def handle(number: int, _frame: Any) -> None:
        asked.append(number)
        if len(asked) > 1:
            os._exit(STOPPED)  # what is done is on the disk; threads at a host would hold us
        print(
            "\nfinishing the clips under way; Ctrl-C again to drop them",
            file=sys.stderr,
            flush=True,
        )

    before = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def lost_all(work: Run) -> bool:
    """Whether every clip of the source that was come to has failed, now or before."""
    nothing = not (work.new or work.awaiting or work.store.done)
    return nothing and bool(work.store.failed)


def _summary(work: Run) -> str:
    store = work.store
    parts = [f"{work.new} clips captioned"]
    parts += [f"{work.skipped} were there already"] if work.skipped else []
    parts += [f"{work.failed} failed"] if work.failed else []
    parts += [f"{work.awaiting} wait for a batch"] if work.awaiting else []
    lines = [f"{', '.join(parts)}; {store.rows} rows of {len(store.done)} clips in {store.out}"]
    if store.failed:
        lines.append(f"{len(store.failed)} clips have none: see {store.out / 'failures.jsonl'}")
    if work.ours:
        lines.append(
            f"{work.ours} of them failed of this machine and not of the clip (killed, no memory, "
            "no room); the same command tries them again"
        )
    if work.budget.used_calls:
        lines.append(f"{work.budget.used_calls} model calls, {work.budget.tokens:,} prompt tokens")
    if work.flow is not None and work.flow.busy:
        lines.append(
            f"the host was busy {work.flow.busy} times: down to {work.flow.lowest} calls at once, "
            f"{int(work.flow.limit)} at the end"
        )
    if work.ended:
        lines.append(f"{work.ended}; the same command goes on from here")
    return "\n".join(lines)
