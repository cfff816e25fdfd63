"""How well brief events are spotted: rendered ones at three frame rates, false ones on real clips.

    python -m finetune.aus.spot [--people N] [--aus NAME] [CLIP …]

Renders people no training ever saw at 60 pictures a second with an event of 0.2–0.45 s
every second or so, and reads every picture, every second and every third one. For each
CLIP given it counts what is marked as brief: on neutral and talking faces that is mostly
false. Needs moderngl and the head model.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from agent.facs.units import parse
from agent.schema.evidence import Cue
from agent.schema.samples import Frame
from agent.senses.faces import face_in
from agent.senses.units.action_units import ActionUnits, estimator
from finetune.faces import clips, ict, people, scene
from finetune.faces.clips import Event
from finetune.faces.muscles import SIDED
from finetune.faces.render import Renderer, look

FIRST: Final = 400_000
"""Seed of the first person; no training, validation or test has people from here on."""
FPS: Final = 60
STEPS: Final = {60: 1, 30: 2, 20: 3}
SECONDS: Final = 8.0
WITHIN: Final = 0.2
"""Seconds between true and found apex of one event."""
MOVED: Final = tuple(au for au in SIDED if au != 43)


@dataclass(frozen=True, slots=True)
class Score:
    """Brief events: how many there were, how many cues, how many of them fit."""

    true: int
    found: int
    hits: int

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(1, self.true + self.found)

    def __add__(self, other: Score) -> Score:
        return Score(self.true + other.true, self.found + other.found, self.hits + other.hits)


def script(rng: np.random.Generator) -> clips.Script:
    """Single brief actions, a blink now and then, speech in half of the clips."""
    plan = clips.script(rng, SECONDS)
    events = [event for event in plan.events if event.au == 45]
    time = 0.8
    while time < SECONDS - 0.6:
        rise, hold, fall = rng.uniform([0.07, 0.02, 0.1], [0.15, 0.12, 0.2])
        apex, power = time + float(rise), float(rng.uniform(1.8, 3.5))
        end = apex + float(hold)
        au = int(rng.choice(MOVED))
        events.append(Event(au, "B", time, apex, end, end + float(fall), power, "brief"))
        time = end + float(fall) + float(rng.uniform(0.5, 1.1))
    return replace(plan, events=tuple(events))


def rendered(count: int, name: str | None, head: ict.Head) -> dict[int, Score]:
    """Spotting on this many rendered people, by frame rate."""
    renderer = Renderer(head, 288)
    total = dict.fromkeys(STEPS, Score(0, 0, 0))
    for seed in range(FIRST, FIRST + count):
        rng = np.random.default_rng([seed, 6])
        who = people.person(seed)
        plan = script(rng)
        shot = scene.shot(rng, renderer.size, who.plain)
        units = {fps: ActionUnits(estimator(name)) for fps in STEPS}
        last = None
        for index, shown in enumerate(clips.film(renderer, look(head, who), shot, plan, FPS, seed)):
            face = face_in(shown.image, last)
            if face is None:
                continue
            last = face.mesh
            sample = replace(face, frame=Frame(index, index / FPS, shown.image))
            for fps, step in STEPS.items():
                if index % step == 0:
                    units[fps].push(sample)
        for fps, unit in units.items():
            _, cues, _ = unit.finish({"P1": [0]})
            total[fps] = total[fps] + compare(plan.events, cues)
    return total


def compare(events: Sequence[Event], cues: Sequence[Cue]) -> Score:
    """Brief cues against brief events of the same action unit, apex by apex."""
    true = [event for event in events if event.group == "brief"]
    found = [cue for cue in cues if cue.brief]
    hits = 0
    for event in true:
        apex = (event.apex + event.apex_end) / 2
        same = [c for c in found if parse(c.code) == event.au and abs(c.apex - apex) <= WITHIN]
        if same:
            hits += 1
    return Score(len(true), len([c for c in found if parse(c.code) in MOVED]), hits)


def real(path: Path, name: str | None) -> tuple[int, float]:
    """Cues marked brief in a real clip's main face, and its minutes."""
    from agent import media
    from agent.senses.faces import Faces

    units, faces = ActionUnits(estimator(name)), Faces()
    last = 0.0
    for frame in _frames(media.stream(path, audio=False)):
        last = frame.time
        for sample in faces.push(frame):
            units.push(sample)
    found = faces.finish()
    main = next((person.id for person in found.people if person.main), None)
    _, cues, _ = units.finish(found.tracks)
    return sum(cue.brief and cue.person == main for cue in cues), last / 60


def _frames(items: Iterator[object]) -> Iterator[Frame]:
    return (item for item in items if isinstance(item, Frame))


def main(argv: Sequence[str] | None = None) -> int:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m finetune.aus.spot", description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--aus", default=None)
    options = parser.parse_args(argv)
    report: dict[str, object] = {}
    for fps, score in rendered(options.people, options.aus, ict.load()).items():
        report[f"{fps} fps"] = {
            "f1": round(score.f1, 3),
            "true": score.true,
            "found": score.found,
            "hits": score.hits,
        }
    for path in options.clips:
        count, minutes = real(path, options.aus)
        report[path.name] = {"brief": count, "a minute": round(count / max(minutes, 1e-3), 1)}
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
