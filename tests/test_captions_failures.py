"""Clips that fail of this machine and not of themselves; folders of captions by somebody else."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import served

from agent.captions import confined
from agent.captions.cli import main
from agent.captions.engine import Local
from agent.captions.outcome import Failure, failed
from agent.captions.plan import Plan
from agent.captions.runner import Run, run
from agent.captions.samples import Sample
from agent.captions.sources import Source, samples
from agent.captions.store import Store
from agent.captions.workers import JobError, KilledError, Workers


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Silent:
    """Nobody looks on."""

    def found(self, total: int | None) -> None: ...
    def skipped(self) -> None: ...
    def came(self, outcome: object) -> None: ...


def clips(folder: Path, good: int = 0, broken: int = 0) -> Path:
    folder.mkdir()
    for n in range(good):
        (folder / f"good{n}.wav").write_bytes(served.tone(0.3 + n / 10))
    for n in range(broken):
        (folder / f"broken{n}.mp4").write_text(f"no film {n}")
    return folder


def test_when_every_clip_failed_the_exit_code_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = clips(tmp_path / "clips", broken=2), tmp_path / "out"
    for _ in range(2):  # and again when they are known to have failed
        assert main([str(source), "--out", str(out), "--workers", "1"]) == 3
    (source / "a.wav").write_bytes(served.tone())
    assert main([str(source), "--out", str(out), "--workers", "1"]) == 0
    assert "1 clips captioned" in capsys.readouterr().out


def test_a_full_disk_is_no_fault_of_the_clips(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = clips(tmp_path / "clips", good=1, broken=1), tmp_path / "out"
    cache.mkdir()
    (cache / "looks").write_text("a file where the looks are to be")
    assert main([str(source), "--out", str(out), "--workers", "1"]) == 1
    assert "failed of this machine" in capsys.readouterr().out
    (cache / "looks").unlink()
    # Tried again without being told to; the broken one is left alone.
    assert main([str(source), "--out", str(out), "--workers", "1"]) == 0
    assert "1 clips captioned, 1 were there already" in capsys.readouterr().out


class Killed:
    """The processes of this machine, killed as soon as they run, so many times."""

    def __init__(self, plan: Plan, times: int) -> None:
        self._inner = Local(plan, lambda: None, 1, 1)
        self._left = times
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._kill, daemon=True)
        self._thread.start()

    def _kill(self) -> None:
        seen: set[int] = set()
        while self._left and not self._over.wait(0.01):
            for pid in set(self._inner.pids) - seen:
                seen.add(pid)
                self._left -= 1
                os.kill(pid, signal.SIGKILL)

    def run(self, tasks: Iterator[object]) -> Iterator[object]:
        return self._inner.run(tasks)  # type: ignore[arg-type]

    def close(self) -> None:
        self._over.set()
        self._inner.close()


@pytest.mark.parametrize(("kills", "lost"), [(3, 0), (4, 1)])
def test_a_worker_that_is_killed_costs_no_clip(tmp_path: Path, kills: int, lost: int) -> None:
    """Two tries in the run, two more at its end; then it is told as this machine's failure."""
    source = Source(str(clips(tmp_path / "clips", good=1)))
    plan = Plan(style="short")
    with Store(tmp_path / "out", 100) as store:
        work = Run(plan, source, store)
        engine = Killed(plan, kills)
        try:
            run(work, list(samples(source, None)), engine, Silent())  # type: ignore[arg-type]
        finally:
            engine.close()
        assert (work.new, work.failed, work.ours) == (1 - lost, lost, lost)


def test_a_signal_from_outside_is_told_from_a_crash() -> None:
    workers = Workers(1)

    def kill(how: int) -> None:
        until = time.monotonic() + 60
        seen: set[int] = set()
        while len(seen) < 2 and time.monotonic() < until:
            for pid in set(workers.pids) - seen:
                seen.add(pid)
                os.kill(pid, how)
            time.sleep(0.01)

    for how, ours in ((signal.SIGKILL, True), (signal.SIGSEGV, False)):
        killer = threading.Thread(target=kill, args=(how,))
        killer.start()
        with pytest.raises(JobError) as told:
            workers.run("sense", None)
        killer.join()
        assert told.value.failure.ours is ours
    workers.close()
    assert failed("sensing", KilledError("x")).ours
    assert not Failure("reading", "system", "x").ours


def test_only_clips_of_the_sources_folder_are_opened(tmp_path: Path) -> None:
    """A row of somebody else's captions names any path; it opens clips in the folder only."""
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    for name in ("a.mp4", "deep/b.WAV", "notes.txt", "key"):
        (root / name).write_bytes(b"x")
    shutil.copy(root / "a.mp4", tmp_path / "other.mp4")
    (root / "link.mp4").symlink_to(secret)
    (root / "bare.mp4").symlink_to(root / "key")
    (root / "fine.mp4").symlink_to(tmp_path / "other.mp4")
    (root / "out").symlink_to(tmp_path)
    for place in ("a.mp4", "deep/b.WAV", "fine.mp4"):
        assert confined.clip(root, place) == root / place
    for place in (
        *("notes.txt", "key", "link.mp4", "bare.mp4", "../other.mp4", "../secret.txt", "out"),
        *("deep/../../other.mp4", str(tmp_path / "other.mp4"), "/etc/passwd", "", "a\0.mp4", None),
        *(3, "nowhere.mp4"),
    ):
        assert confined.clip(root, place) is None, place
    assert confined.clip("/", "etc/passwd") is None
    assert confined.clip(None, "a.mp4") is None


def test_a_row_opens_nothing_outside_through_the_page(tmp_path: Path) -> None:
    from agent.captions.review import Review

    sample = Sample(id="a", path=tmp_path / "a.mp4", place="a.mp4")
    (tmp_path / "a.mp4").write_bytes(b"x")
    with Store(tmp_path / "out", 100) as store:
        run(Run(Plan(), Source(str(tmp_path)), store), [], _Nothing(), Silent())  # type: ignore[arg-type]
        page = Review(store)
        row = {"path": sample.place, "sha256": sample.sha256(), "main": True, "person": ""}
        assert page.clip(row) == tmp_path / "a.mp4"
        assert page.clip(row | {"path": "../../etc/passwd"}) is None
        assert page.strip(row | {"sha256": "../../../x"}) is None
        assert page.strip(row | {"main": False, "person": "/../../x"}) is None


class _Nothing:
    def run(self, tasks: Iterator[object]) -> Iterator[object]:
        return iter(list(tasks)[:0])
