"""Raw AU columns of one person → complete series, events as cues, what is missing.

The one way from numbers to evidence, whether they were measured here or read from another
program's table. Knows nothing about faces or files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from agent.facs.units import AUS
from agent.schema.evidence import Cue, Missing
from agent.schema.samples import Columns, Floats
from agent.senses.units import baseline, events, likely
from agent.senses.units import cues as au_words
from agent.senses.units.baseline import Baseline, Flags
from agent.senses.units.events import Event

MOST: Final = 12
"""Cues of one action unit that a clip may have before the weak ones are left out, plus
PER_MINUTE for every minute. Too many small cues hide the large ones; the series has all."""
PER_MINUTE: Final = 4
COUNTED: Final = frozenset({45})
"""Action units of which every event is kept: of blinks their number is what they tell."""

MOUTH: Final = likely.MOUTH | {23}
"""Action units that speech sets off all the time."""
TWICE: Final = 0.1
"""Seconds between the apexes of what is one reading under two numbers, at most."""
TALK, BEAT = 1.0, 0.15
"""Three quick mouth movements, each BEAT seconds after the last, within TALK seconds to both
sides look like talking."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known about an estimator's reading of one action unit."""

    trust: float = 0.7
    """How far an event of it is believed under good conditions, 0-1."""
    rest: float = 0.5
    """Largest reading, 0-5, that a relaxed face may give; more is taken for expression."""
    floor: float = events.FLOOR
    """Intensity above rest that an event must reach."""
    late: float = 0.0
    """Share of a rise that passes before it shows; see `events.find`."""


Known = Mapping[int, Knowledge]
_UNKNOWN: Final = Knowledge()


def read(
    columns: Columns, person: str, knowledge: Known, base: Baseline | None = None
) -> tuple[Columns, list[Cue], list[Missing]]:
    """Complete one person's columns and find the cues in them.

    `columns` holds `time` (s) and `AU12` or `AU12_L` and `AU12_R` … (0-5, NaN for gaps), and
    `quality` (0-1) where known. Without `base` the baseline comes from the clip's own quiet
    moments; `levels` of a given one are in the order of `names(columns)`. What is missing is
    said without the person's name; `together` adds it.
    """
    columns = complete(columns)
    if base is None:
        base = resting(columns, knowledge)
    relative = against(columns, base)
    readings = columns if base.kind == "none" else relative
    made = _made(candidates(columns, readings, knowledge, base), columns, readings)
    kept, missing = sift(list(made), _seconds(columns))
    if base.kind == "none":
        missing.insert(0, _no_baseline(columns))
    trust = {number: knowledge.get(number, _UNKNOWN).trust for number in AUS}
    scene = au_words.Scene(person, columns, base.kind, _rate(columns), trust)
    cues = [au_words.cue(event, scene, made[event]) for event in kept]
    rel = {f"{n}_rel": v for n, v in relative.items() if n in _middles(columns)}
    return {**columns, **rel}, cues, missing


def complete(columns: Columns) -> Columns:
    """Add what follows: the mean of both sides, blinks and long closures apart. Idempotent."""
    columns = dict(columns)
    for unit in AUS.values():
        left, right = columns.get(f"{unit.code}_L"), columns.get(f"{unit.code}_R")
        if unit.code not in columns and left is not None and right is not None:
            middle = (left.astype(np.float32) + right.astype(np.float32)) / 2
            columns[unit.code] = middle.astype(np.float32)
    for end in ("", "_L", "_R"):
        lids = [columns[name] for name in (f"AU43{end}", f"AU45{end}") if name in columns]
        if lids:
            closed = np.fmax.reduce([column.astype(np.float64) for column in lids])
            long, short = events.closures(columns["time"].astype(np.float64), closed)
            columns[f"AU43{end}"] = long.astype(np.float32)
            columns[f"AU45{end}"] = short.astype(np.float32)
    return columns


def names(columns: Columns) -> tuple[str, ...]:
    """The AU columns, sides included, in the order of FACS."""
    wanted = (f"{unit.code}{end}" for unit in AUS.values() for end in ("", "_L", "_R"))
    return tuple(name for name in wanted if name in columns)


def values(columns: Columns) -> Floats:
    """The AU columns as samples × `names(columns)`."""
    return np.stack([columns[name].astype(np.float32) for name in names(columns)], axis=1)


def resting(
    columns: Columns, knowledge: Known, kind: Literal["clip", "enrolment"] = "clip"
) -> Baseline:
    """Baseline of the AU columns from the quiet moments of these rows."""
    times = columns["time"].astype(np.float64)
    limit = np.array([_of(knowledge, n).rest for n in names(columns)], dtype=np.float32)
    limit[[n.startswith(("AU43", "AU45")) for n in names(columns)]] = 0
    chosen = baseline.calm(times, values(_only_middles(columns)), _good(columns))
    rows = values({name: column[chosen] for name, column in columns.items()})
    return baseline.rest(rows, baseline.seconds(times, chosen), limit, kind=kind)


def candidates(
    columns: Columns, readings: Columns, knowledge: Known, base: Baseline
) -> list[Event]:
    """All that may be events in `readings` (relative ones where there is a baseline), in order.

    Lips tightened and lips pressed (AU23, AU24) that begin together are the one reading told
    twice where an estimator does not tell them apart: it stays as AU24.
    """
    times = columns["time"].astype(np.float64)
    late = {number: mine.late for number, mine in knowledge.items()}
    share = likely.FAINT if likely.known(columns) else 1.0
    floors = {number: share * floor for number, floor in _floors(knowledge, base).items()}
    found = events.find(times, readings, floors, late)
    pressed = [event for event in found if event.au == 24]
    return [
        event
        for event in found
        if event.au != 23 or not any(abs(event.apex - other.apex) <= TWICE for other in pressed)
    ]


def _made(found: list[Event], columns: Columns, readings: Columns) -> dict[Event, float | None]:
    """The events that were likely made, with how likely; None where nothing tells."""
    if not likely.known(columns):
        return dict.fromkeys(found)
    chances = likely.likelihoods(found, columns, readings)
    return {e: c for e, c in zip(found, chances, strict=True) if likely.enough(e, c)}


def blinks(columns: Columns, knowledge: Known, base: Baseline) -> list[float]:
    """Times in seconds of every blink in one person's complete columns, before any is left out."""
    readings = columns if base.kind == "none" else against(columns, base)
    lids = {name: v for name, v in readings.items() if name[:4] in ("AU43", "AU45")}
    found = candidates(columns, {"time": columns["time"]} | lids, knowledge, base)
    return [event.apex for event in _made(found, columns, readings) if event.au == 45]


def sift(found: list[Event], seconds: float) -> tuple[list[Event], list[Missing]]:
    """Leave out talk and the weakest of very many events; say what was left out."""
    most = MOST + int(PER_MINUTE * seconds / 60)
    kept, missing = [], []
    if talk := _talk(found):
        why = f"{len(talk)} quick ones that look like talking are left out; the series has them"
        missing.append(Missing(what="mouth movements", why=why))
    for number in AUS:
        mine = sorted((e for e in found if e.au == number and e not in talk), key=_weakest_last)
        room = len(mine) if number in COUNTED else most
        kept += mine[:room]
        if dropped := mine[room:]:
            why = f"{len(dropped)} weaker of {len(mine)} are left out; the series has them all"
            missing.append(Missing(what=f"events of AU{number}", why=why))
    return sorted(kept, key=lambda e: (e.onset, e.au)), missing


def _weakest_last(event: Event) -> float:
    return -event.peak


def together(missing: Iterable[tuple[str, Missing]]) -> list[Missing]:
    """What is missing of each person; said once where it is the same of several."""
    people: dict[tuple[str, str], list[str]] = {}
    for person, gap in missing:
        people.setdefault((gap.what, gap.why), []).append(person)
    return [
        Missing(what=what, why=f"{', '.join(names)}: {why}")
        for (what, why), names in people.items()
    ]


def _talk(found: list[Event]) -> set[Event]:
    """Brief mouth movements that follow each other as in speech."""
    quick = [event for event in found if event.au in MOUTH and 0 < event.seconds <= events.BRIEF]
    beats: list[float] = []
    for event in quick:
        if not beats or event.onset - beats[-1] > BEAT:
            beats.append(event.onset)
    at = np.array(beats)
    return {e for e in quick if np.count_nonzero(np.abs(at - e.onset) <= TALK) >= 3}


def against(columns: Columns, base: Baseline) -> Columns:
    """AU columns against rest, −5…5; an estimator's own `_rel` columns take precedence."""
    out: Columns = {}
    for number, name in enumerate(names(columns)):
        given = columns.get(f"{name}_rel")
        if given is None:
            own = base.relative(number, columns[name].astype(np.float32, copy=False))
            given = np.clip(own, -5, 5, out=own)
        out[name] = given.astype(np.float32, copy=False)
    return out


def _floors(knowledge: Known, base: Baseline) -> dict[int, float]:
    """What an event must reach; without a baseline, more than most relaxed faces read."""
    none = base.kind == "none"
    every = {number: knowledge.get(number, _UNKNOWN) for number in AUS}
    return {n: max(k.floor, 0.7 * k.rest + 0.5) if none else k.floor for n, k in every.items()}


def _good(columns: Columns) -> Flags:
    good = np.ones(len(columns["time"]), np.bool_)
    for name in names(columns):
        good &= np.isfinite(columns[name].astype(np.float32, copy=False))
    if "quality" in columns:
        quality = columns["quality"].astype(np.float32)
        good &= quality >= np.nanquantile(quality, 0.2) * 0.8
    return np.asarray(good)


def _middles(columns: Columns) -> tuple[str, ...]:
    return tuple(name for name in names(columns) if not name.endswith(("_L", "_R")))


def _only_middles(columns: Columns) -> Columns:
    return {name: columns[name] for name in _middles(columns)}


def _of(knowledge: Known, name: str) -> Knowledge:
    return knowledge.get(int(name[2:4]), _UNKNOWN)


def _seconds(columns: Columns) -> float:
    times = columns["time"].astype(np.float64)
    return float(times[-1] - times[0]) if len(times) > 1 else 0.0


def _rate(columns: Columns) -> float:
    """Samples a second; 0 for a still."""
    times = columns["time"].astype(np.float64)
    return float(1 / np.median(np.diff(times))) if len(times) > 1 else 0.0


def _no_baseline(columns: Columns) -> Missing:
    shown = _seconds(columns)
    why = (
        "a single picture cannot show how this face looks at rest"
        if shown == 0
        else f"{shown:.1f} s of this face are too short to tell how it looks at rest"
    )
    return Missing(what="baseline", why=f"{why}; intensities are absolute")
