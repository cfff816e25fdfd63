"""What captioning gets out of a model's host, against a bare load generator.

    python -m eval.bench_load CLIPS --model openai:NAME --base-url http://HOST:PORT/v1

The same requests either way: the captioning engine builds, sends, reads and checks them; the bare
loader sends their bodies through as many threads and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def load(source: Path, model: str, url: str, in_flight: int, rounds: int) -> dict[str, Any]:
    """Requests a second that captioning gets out of a host, against a bare loader.

    All clips are sensed first: the question is what the calls cost, and the host may share this
    machine. Then, in turn, so many rounds each: the same clips' rows through the engine, and the
    requests it had sent through as many threads that do nothing else. The replies are the same,
    so the work of the host is.
    """
    tasks, sensed = _sensed(source, model, url)
    _, asked = _through(tasks, sensed, in_flight)  # warms the host
    ours, bare = [], []
    for number in range(2 * rounds):
        if number % 4 in (0, 3):  # bare, ours, ours, bare: what drifts favours neither
            bare.append(_bare(url, asked, in_flight))
        else:
            ours.append(_through(tasks, sensed, in_flight)[0])
    return {
        "clips": len(tasks),
        "requests": len(asked),
        "ours_per_s": [round(v, 3) for v in ours],
        "bare_per_s": [round(v, 3) for v in bare],
        "share": round(sum(1 / v for v in bare) / sum(1 / v for v in ours), 3),
    }


class _Heard:
    """A host whose requests are kept as they come in."""

    def __init__(self, host: Any, asked: list[Any]) -> None:
        self._host, self._asked = host, asked
        self.name, self.lacks = host.name, host.lacks

    def complete(self, messages: Any, schema: Any) -> Any:
        self._asked.append((messages, schema))
        return self._host.complete(messages, schema)


class _Ahead:
    """Sensing that is done already."""

    def __init__(self, sensed: dict[str, Any]) -> None:
        self._sensed = sensed

    def run(self, _: str, task: Any) -> Any:
        return self._sensed[task.sample.id]

    def close(self) -> None:
        pass


def _sensed(source: Path, model: str, url: str) -> tuple[list[Any], dict[str, Any]]:
    """Tasks of a folder of clips, and what the senses made of each, by id."""
    from agent.captions import stages
    from agent.captions.plan import Plan, sensing_versions
    from agent.captions.sources import Source, samples

    plan = Plan(
        model=model, base_url=url, revision="bench", sensing=sensing_versions(), calls="one",
        look_closer=False,
    )  # fmt: skip
    tasks = [
        stages.Task(sample, sha256 := sample.sha256(), plan.key(sha256, {}), plan, Path())
        for sample in samples(Source(str(source)))
    ]
    return tasks, {task.sample.id: stages.sense(task) for task in tasks}


def _through(tasks: list[Any], sensed: dict[str, Any], in_flight: int) -> tuple[float, list[Any]]:
    """Requests a second from the first one to the last row, and their bodies."""
    from agent.captions.engine import Local
    from agent.captions.flow import Flow, Paced
    from agent.models.connect import Language, connect

    plan, asked = tasks[0].plan, list[Any]()
    thinker = connect(plan.model, plan.base_url)
    assert isinstance(thinker, Language)
    host: Any = thinker.host
    thinker.host = _Heard(Paced(host, Flow(in_flight)), asked)
    engine = Local(plan, lambda: thinker, 0, in_flight)
    engine._workers = _Ahead(sensed)  # type: ignore[assignment]  # the same two methods
    begun = time.monotonic()
    made = list(engine.run(iter(tasks)))
    gone = time.monotonic() - begun
    engine.close()
    print(Counter("row" if one.failure is None else one.failure.error for one in made),
          file=sys.stderr)  # fmt: skip
    return len(asked) / gone, [host.body(*one, host.lacks) for one in asked]


def _bare(url: str, asked: list[Any], in_flight: int) -> float:
    """The same requests as fast as the host takes them; returns requests a second."""
    from concurrent.futures import ThreadPoolExecutor

    import httpx

    with (
        httpx.Client(timeout=600, limits=httpx.Limits(max_connections=in_flight)) as client,
        ThreadPoolExecutor(in_flight) as threads,
    ):
        begun = time.monotonic()
        for reply in threads.map(lambda b: client.post(f"{url}/chat/completions", json=b), asked):
            reply.raise_for_status()
        return len(asked) / (time.monotonic() - begun)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds and print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench_load", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("clips", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args(argv)
    found = load(asked.clips, asked.model, asked.base_url, asked.in_flight, asked.rounds)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
