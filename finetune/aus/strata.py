"""What a reading suffers from: the same people and muscles again with one thing changed.

    python -m finetune.aus.strata [--people N] [--seconds S]

Renders people no training ever saw, and each of them again with darker or lighter skin, a
turned head, a small face, something before the mouth, speech or none. Both estimators read
every picture in one pass; differences are paired, with intervals over people. Needs moderngl
and the head model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from agent.schema.samples import Columns, Frame
from agent.senses.faces import face_in
from agent.senses.units.action_units import ActionUnits, estimator
from eval.au_intervals import Array, cell, figures, paired, sums
from finetune.faces import clips, ict, people, scene
from finetune.faces.clips import Script
from finetune.faces.muscles import TRUTH
from finetune.faces.people import Person
from finetune.faces.render import Renderer, look
from finetune.faces.scene import Occluder, Shot

FIRST: Final = 410_000
"""Seed of the first person; no training, validation or test has people from here on."""
SIZE: Final = 288
FPS: Final = 15.0
NAMES: Final = ("learned", "shortcut")
CODES: Final = tuple(sorted({name[:4] for name in TRUTH} - {"AU25"}))
TURN: Final = 0.55
"""Radians of yaw of a turned head."""
SMALL: Final = 44
"""Pixels a head is high in a small picture, hair and neck left out."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who does what before which camera."""

    who: Person
    shot: Shot
    plan: Script


def usual(seed: int, seconds: float) -> Scenario:
    """A person as drawn, with nothing in front of the face, stored at full size."""
    rng = np.random.default_rng([seed, 6])
    who = people.person(seed)
    shot = scene.shot(rng, SIZE, who.plain)
    shot = replace(shot, occluder=None, faults=replace(shot.faults, shrink=1.0))
    # A clip of this length shows one or two expressions by chance: twice the pace.
    plan = clips.script(rng, 2 * seconds)
    events = tuple(_faster(event) for event in plan.events)
    return Scenario(
        who, shot, replace(plan, seconds=seconds, events=events, speech=plan.speech[:0])
    )


def _faster(event: clips.Event) -> clips.Event:
    if event.au == 45:
        return event
    start = event.onset / 2
    return replace(
        event,
        onset=start,
        apex=start + event.apex - event.onset,
        apex_end=start + event.apex_end - event.onset,
        offset=start + event.offset - event.onset,
    )


def _toned(tone: float) -> Callable[[Scenario], Scenario]:
    return lambda usual: replace(usual, who=people.toned(usual.who, tone))


def _turned(yaw: float) -> Callable[[Scenario], Scenario]:
    def change(usual: Scenario) -> Scenario:
        side = -1 if usual.who.seed % 2 else 1
        view = replace(usual.shot.view, yaw=side * yaw)
        return replace(usual, shot=replace(usual.shot, view=view))

    return change


def _small(usual: Scenario) -> Scenario:
    tall = usual.shot.view.share * SIZE
    faults = replace(usual.shot.faults, shrink=max(1.0, tall / SMALL))
    return replace(usual, shot=replace(usual.shot, faults=faults))


def _covered(usual: Scenario) -> Scenario:
    spots = np.array([[0.02 * i, -0.2 - 0.05 * i, 0.07] for i in range(5)], np.float32)
    thing = Occluder((40, 40, 45), spots, (0.02, 0.0))
    return replace(usual, shot=replace(usual.shot, occluder=thing))


def _talking(usual: Scenario) -> Scenario:
    phases = np.random.default_rng([usual.who.seed, 8]).uniform(0, 6.28, 4)
    speech = [[[0.2, usual.plan.seconds, phase] for phase in phases]]
    return replace(usual, plan=replace(usual.plan, speech=np.array(speech, np.float32)))


CHANGES: Final[Mapping[str, Callable[[Scenario], Scenario]]] = {
    "as drawn": lambda usual: usual,
    "very dark skin": _toned(0.03),
    "very light skin": _toned(0.97),
    "head frontal": _turned(0.0),
    f"head turned by {np.degrees(TURN):.0f}°": _turned(TURN),
    f"head {SMALL} pixels high": _small,
    "mouth half covered": _covered,
    "talking": _talking,
}


def read(scenario: Scenario, renderer: Renderer) -> dict[str, Array] | None:
    """Both estimators' `sums` of one person's pictures; None where the face is never found."""
    units = {name: ActionUnits(estimator(name)) for name in NAMES}
    truth, last = [], None
    face = look(renderer.head, scenario.who)
    film = clips.film(renderer, face, scenario.shot, scenario.plan, FPS, scenario.who.seed)
    for index, shown in enumerate(film):
        truth.append(shown.truth)
        found = face_in(shown.image, last)
        if found is None:
            last = None
            continue
        last = found.mesh
        for unit in units.values():
            unit.push(replace(found, frame=Frame(index, index / FPS, shown.image)))
    known = mean_truth(np.array(truth, np.float64))
    out = {}
    for name, unit in units.items():
        series, _, _ = unit.finish({"P1": [0]})
        if not series:
            return None
        guess = np.full_like(known, np.nan)
        guess[series["P1"]["frame"].astype(int)] = readings(series["P1"])
        out[name] = sums(known, guess)
    return out


def mean_truth(rows: Array) -> Array:
    """Frames × CODES: mean of both sides."""
    return np.stack(
        [rows[:, [i for i, n in enumerate(TRUTH) if n[:4] == code]].mean(axis=1) for code in CODES],
        axis=1,
    )


def readings(columns: Columns) -> Array:
    """Frames × CODES of an estimator's columns; lids as far as they are closed."""
    shut = [columns[name].astype(np.float64) for name in ("AU43", "AU45") if name in columns]
    lids = np.fmax.reduce(shut)
    every = [lids if code == "AU43" else columns[code].astype(np.float64) for code in CODES]
    return np.stack(every, axis=1)


def table(count: int, seconds: float, head: ict.Head) -> Iterator[str]:
    """Lines of the table, and how many people of each row had a face that was found."""
    renderer = Renderer(head, SIZE)
    seen: dict[str, list[dict[str, Array] | None]] = {}
    for name, change in CHANGES.items():
        seen[name] = []
        for seed in range(FIRST, FIRST + count):
            seen[name].append(read(change(usual(seed, seconds)), renderer))
        print(f"{name} done", file=sys.stderr, flush=True)
    yield "| people as drawn, but | found | learned PCC; F1 | less than as drawn | shortcut |"
    yield "| --- | --- | --- | --- | --- |"
    for name, rows in seen.items():
        both = [(a, b) for a, b in zip(rows, seen["as drawn"], strict=True) if a and b]
        now, drawn = (np.stack([pair[i]["learned"] for pair in both]) for i in (0, 1))
        short = np.stack([pair[0]["shortcut"] for pair in both])
        less = cell(paired(now, drawn), "+") if name != "as drawn" else ""
        yield f"| {name} | {len(both)} | {cell(figures(now))} | {less} | {cell(figures(short))} |"
    light, dark = seen["very light skin"], seen["very dark skin"]
    pairs = [(a["learned"], b["learned"]) for a, b in zip(light, dark, strict=True) if a and b]
    tones = [np.stack([pair[i] for pair in pairs]) for i in (0, 1)]
    yield f"| light less dark | | {cell(paired(tones[0], tones[1]), '+')} | | |"


def main(argv: Sequence[str] | None = None) -> int:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m finetune.aus.strata", description=__doc__)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=6.0)
    options = parser.parse_args(argv)
    for line in table(options.people, options.seconds, ict.load()):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
