"""What a person sees while captions are made: a bar at a terminal, a line a minute in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from agent.captions.outcome import Outcome
from agent.util import terminal

EVERY: Final = 30.0
"""Seconds between lines in a log."""


class Bar:
    """Counts outcomes and tells them."""

    def __init__(self, progress: Progress, shown: bool) -> None:
        self._progress, self._shown = progress, shown
        self._task = progress.add_task("captions", total=None, rate="", failures="")
        self._begun = self._told = time.monotonic()
        self._came = self._failed = self._skipped = 0
        self._total: int | None = None

    def found(self, total: int | None) -> None:
        self._total = total
        self._progress.update(self._task, total=total)

    def skipped(self) -> None:
        self._skipped += 1
        self._progress.advance(self._task)

    def came(self, outcome: Outcome) -> None:
        self._came += 1
        self._failed += outcome.failure is not None
        failures = f"{self._failed} failed" if self._failed else ""
        self._progress.update(self._task, advance=1, rate=self._rate(), failures=failures)
        if not self._shown and time.monotonic() - self._told >= EVERY:
            self._told = time.monotonic()
            print(self._line(), file=sys.stderr, flush=True)

    def _rate(self) -> str:
        a_second = self._came / max(time.monotonic() - self._begun, 1e-6)
        return f"{a_second:.2f} clips/s" if a_second >= 0.1 else f"{a_second * 60:.1f} clips/min"

    def _line(self) -> str:
        done = self._came + self._skipped
        whole = f" of {self._total}" if self._total is not None else ""
        left = ""
        if self._total is not None:
            per_clip = (time.monotonic() - self._begun) / self._came
            left = f", {(self._total - done) * per_clip / 60:.1f} min left"
        return f"{done}{whole} clips, {self._rate()}{left}, {self._failed} failed"


@contextmanager
def bar() -> Iterator[Bar]:
    """A bar on standard error while it is a terminal, else a line now and then."""
    console = Console(file=terminal.own())
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failures]}", style="red"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        yield Bar(progress, console.is_terminal)
