"""What a person at a terminal reads: progress, answers, a summary of the evidence, tables.

Progress and prompts go to standard error, results are returned as text for standard output.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from agent.util import terminal

if TYPE_CHECKING:
    from agent.api import Session
    from agent.schema.answer import Answer
    from agent.schema.counterfactual import Counterfactual, DeletionCurve, Effect
    from agent.schema.evidence import Cue, Evidence, Person

Report = Callable[[float, str], None]
_CITES: Final = re.compile(r"\[([AHVW]\d+(?:, [AHVW]\d+)*)\]")


@contextmanager
def progress() -> Iterator[Report]:
    """A bar on standard error while it is a terminal; silent otherwise."""
    console = Console(file=terminal.own())
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    hidden = not console.is_terminal
    bar = Progress(*columns, console=console, transient=True, disable=hidden)
    with bar:
        task = bar.add_task("opening", total=1.0)

        def report(done: float, step: str) -> None:
            bar.update(task, completed=done, description=step)

        yield report


def clock(seconds: float) -> str:
    """0:07.3 for 7.3 seconds."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


def answer(found: Answer, cues: Iterable[Cue]) -> str:
    """The answer, under it each cue that it cites, and what it hangs on where that was asked."""
    cited = {id for group in _CITES.findall(found.answer) for id in group.split(", ")}
    lines = [f"  {cue.id:>4}  {_when(cue)}{cue.text}" for cue in cues if cue.id in cited]
    parts = [found.answer, "", *lines] if lines else [found.answer]
    if found.counterfactual is not None:
        parts += ["", why(found.counterfactual)]
    return "\n".join(parts)


SHOWN: Final = 8
"""Cues whose effects are shown; all of them are in the JSON."""


def why(found: Counterfactual) -> str:
    """What the label of an answer hangs on: effects of cues and channels, the deletion curve."""
    if found.label is None:
        return "Why: the answer states no feeling, so there is nothing to take its reasons from."
    lines = [
        f"Why {found.label} ({found.share:.0%})? Read {found.readings} times, each time without "
        "something; what is taken away counts as not measured."
    ]
    moved = [e for e in found.cues if abs(e.change) >= LEAST_SHOWN][:SHOWN]
    counted = any(e.contribution is not None for e in found.cues)
    rows = [_effect(e, counted) for e in (*moved, *found.channels)]
    lines += [_table(rows)] if rows else []
    if counted:
        lines.append("counted: log-odds that its measurements add in the full reading")
    if odd := [e.taken for e in found.cues if _disagrees(e)][:SHOWN]:
        lines.append(
            f"Counted one way, but the share does not move that way without it: {', '.join(odd)}"
        )
    if rest := len(found.cues) - len(moved):
        lines.append(f"{rest} more {'cue moves' if rest == 1 else 'cues move'} it less (--json).")
    if found.left_out:
        lines.append(f"{found.left_out} further cues were not tried.")
    if found.wobble:
        lines.append(
            f"Asked twice the same, the model's {found.label} differs by {found.wobble:.0%}: "
            "changes up to that are its own noise."
        )
    if found.failed:
        lines.append(f"The model gave no usable reply without {', '.join(found.failed)}.")
    if found.curve is not None:
        lines.append(_curve(found.curve, found.label))
    return "\n".join(lines)


LEAST_SHOWN: Final = 0.005
"""Change of a share from which a cue gets a row: less would read as nought."""


COUNTED: Final = 0.1
"""Log-odds from which a contribution is held against the change."""


def _disagrees(effect: Effect) -> bool:
    """Does what was counted point the other way than what changes, or at no change at all?"""
    counted = effect.contribution or 0.0
    moved = effect.change if abs(effect.change) >= LEAST_SHOWN else 0.0
    return abs(counted) >= COUNTED and counted * moved >= 0


def _effect(effect: Effect, counted: bool) -> dict[str, str]:
    added = "" if effect.contribution is None else f"{effect.contribution:+.2f}"
    return {
        "without": effect.taken,
        "share": f"{effect.share:.0%}",
        "change": f"{100 * effect.change:+.0f}",
        **({"counted": added} if counted else {}),
        "leads then": effect.leads or "nothing",
        "what it is": effect.text,
    }


def _curve(curve: DeletionCurve, label: str) -> str:
    """The deletion curve as one line a kind."""

    def along(shares: Sequence[float]) -> str:
        return "  ".join(f"{n}: {share:.0%}" for n, share in zip(curve.taken, shares, strict=True))

    orders = "a random order" if curve.orders == 1 else f"the mean of {curve.orders} random orders"
    return (
        f"Share of {label} by the number of cues taken away\n"
        f"  in this order    {along(curve.ranked)}\n"
        f"  at random        {along(curve.random)}   ({orders})"
    )


def _when(cue: Cue) -> str:
    """From and to; nothing in a still picture."""
    return f"{clock(cue.start)}–{clock(cue.end)}  " if cue.end > 0 else ""


def evidence(found: Evidence) -> str:
    """A summary of a look: the clip, the people, every cue, what is missing."""
    media = found.media
    size = f"{media.width}×{media.height}, {media.fps:.4g} frames/s, " if media.has_video else ""
    sound = "with sound" if media.has_audio else "no sound"
    parts = [f"{media.file}: {media.kind}, {clock(media.duration)}, {size}{sound}"]
    parts += [_person(person) for person in found.people]
    if found.cues:
        parts.append(_table([_cue(cue) for cue in found.cues]))
    parts += [f"missing: {m.what}: {m.why}" for m in found.missing]
    return "\n".join(parts)


def _person(person: Person) -> str:
    star = ", main" if person.main else ""
    doubt = f"; {person.doubt}" if person.doubt else ""
    return (
        f"{person.id}{star}: {clock(person.start)}–{clock(person.end)}, "
        f"visible {person.share:.0%}, speaking {person.speaking:.0%}, "
        f"quality {person.quality:.2f}{doubt}"
    )


def _cue(cue: Cue) -> dict[str, str]:
    return {
        "id": cue.id,
        "who": cue.person or "–",
        "from": clock(cue.start),
        "apex": clock(cue.apex),
        "to": clock(cue.end),
        "what": cue.text,
        "sure": f"{cue.confidence:.2f}",
    }


def rows(found: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Print rows of equal keys, as a table or as JSON."""
    if as_json:
        print(json.dumps([dict(row) for row in found], indent=2, default=str))
    else:
        print(_table([{key: str(value) for key, value in row.items()} for row in found]))


def _table(found: Sequence[Mapping[str, str]]) -> str:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for key in found[0]:
        table.add_column(key, overflow="fold")
    for row in found:
        table.add_row(*row.values())
    text = StringIO()
    console = Console()
    width = console.width if console.is_terminal else 140
    Console(file=text, width=width, color_system=None, markup=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def converse(talk: Session) -> int:
    """Read questions until the end of input; print answers. Returns the exit code."""
    print(f"{talk.evidence.media.file}: ask; an empty line or Ctrl-D ends.", file=sys.stderr)
    while question := _prompt():
        with progress() as report:
            found = talk.ask(question, report)
        print(answer(found, talk.refined.cues), flush=True)
    return 0


def _prompt() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    try:
        return input("> ").strip()
    except EOFError:
        return ""
