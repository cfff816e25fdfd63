"""Captioning on Ray: the rows of one machine, also when a worker is killed. Needs ray."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.captions.cli import main
from agent.captions.outcome import Outcome
from agent.captions.plan import Plan, sensing_versions
from agent.captions.runner import Run, run
from agent.captions.sources import Source, samples
from agent.captions.store import Store, read_rows

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]


@pytest.fixture(scope="module")
def clips(
    tmp_path_factory: pytest.TempPathFactory, voices: dict[str, Path], crowd: Path
) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("ray")
    (place / "clips").mkdir()
    for n, voice in enumerate([*voices.values()] * 3):
        shutil.copy(voice, place / "clips" / f"{n}.wav")
    shutil.copy(crowd, place / "clips")
    (place / "clips" / "broken.mp4").write_text("no film")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCHENNE_CACHE", str(place / "cache"))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield place


def rows(out: Path) -> list[Any]:
    return sorted(read_rows(out), key=lambda row: (row["id"], row["person"]))


class Killer:
    """Looks on, and kills both workers on the way."""

    def __init__(self) -> None:
        self.engine: Any = None
        self.seen = 0
        self.alive: list[int] = []

    def found(self, total: int | None) -> None: ...

    def skipped(self) -> None: ...

    def came(self, outcome: Outcome) -> None:  # noqa: ARG002
        self.seen += 1
        self.alive = self.alive or self.engine.pids
        if self.seen in (2, 5):
            os.kill(self.alive.pop(), signal.SIGKILL)


def test_ray_gives_the_rows_of_one_machine_and_loses_none_to_a_kill(clips: Path) -> None:
    source, here, there = str(clips / "clips"), clips / "here", clips / "there"
    assert main([source, "--out", str(here), "--workers", "1"]) == 0
    assert main([source, "--out", str(there), "--engine", "ray"]) == 0
    assert rows(there) == rows(here)
    assert (there / "failures.jsonl").read_text() == (here / "failures.jsonl").read_text()

    from agent.captions.ray_engine import Ray

    plan = Plan(revision="rules@0.1.0", sensing=sensing_versions())
    shaken, watcher = clips / "shaken", Killer()
    with Store(shaken) as store:
        engine = watcher.engine = Ray(plan, 2, 1, None)
        try:
            run(Run(plan, Source(source), store), samples(Source(source)), engine, watcher)
        finally:
            engine.close()
    assert watcher.seen == len(list((clips / "clips").iterdir()))
    assert [(r["id"], r["caption"]) for r in rows(shaken)] == [
        (r["id"], r["caption"]) for r in rows(here)
    ]
