"""Faces over time: what moves when, and the pictures of it with their truth.

Events have onset, apex and offset; prototypes come as groups; brief events, blinks,
speech and gaze run through. Knows the renderer and the muscles, no estimator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

from finetune.faces import muscles, scene
from finetune.faces.muscles import SIDED, TRUTH, WHOLE, State
from finetune.faces.render import Look, Renderer, View

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Event:
    """One action of one muscle. Times in seconds, intensity 0–5."""

    au: int
    side: str
    onset: float
    apex: float
    apex_end: float
    offset: float
    intensity: float
    group: str | None = None

    def at(self, time: float) -> float:
        """Intensity at this time: smooth rise, plateau, smooth fall."""
        if time <= self.onset or time >= self.offset:
            return 0.0
        if time < self.apex:
            share = (time - self.onset) / (self.apex - self.onset)
        elif time > self.apex_end:
            share = (self.offset - time) / (self.offset - self.apex_end)
        else:
            return self.intensity
        return self.intensity * (3 * share**2 - 2 * share**3)


@dataclass(frozen=True)
class Script:
    """What a face does during one clip."""

    seconds: float
    events: tuple[Event, ...]
    speech: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4, 3), np.float32))
    """Speech movements: spells × 4 (jaw, funnel, pucker, lower lip) × (start, end, phase)."""
    gaze: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((1, 3), np.float32))
    """Fixations: start in s, yaw and pitch in radians."""

    def state(self, time: float) -> State:
        """The muscles at this time."""
        state: State = {}
        for event in self.events:
            if (value := event.at(time)) > 0:
                muscles.both(state, 43 if event.au == 45 else event.au, value, event.side)
        for spell in self.speech:
            start, end = spell[0, 0], spell[0, 1]
            if start < time < end:
                swell = min(1.0, 5 * (time - start), 5 * (end - time))
                pace = spell[:, 2]
                wave = np.sin(2 * np.pi * (3.1 + 0.9 * np.sin(pace)) * time + pace * 7)
                slow = np.sin(2 * np.pi * 0.9 * time + pace * 3)
                muscles.speak(state, swell * np.clip(0.45 + 0.35 * wave + 0.25 * slow, 0, 1))
        row = self.gaze[max(0, int(np.searchsorted(self.gaze[:, 0], time)) - 1)]
        state["gaze_yaw"], state["gaze_pitch"] = float(row[1]), float(row[2])
        for side in "LR":
            state[f"cheekSquint_{side}"] = 0.06 * state.get(f"AU12_{side}", 0.0)
        return state


def script(rng: np.random.Generator, seconds: float) -> Script:
    """A random script: every 1.5–3 s something happens, some of it brief, half with speech."""
    events: list[Event] = []
    time = float(rng.uniform(0.5, 2.0))
    while time < seconds - 1.2:
        rise, hold, fall = rng.uniform(0.15, 0.8), rng.uniform(0.15, 1.8), rng.uniform(0.25, 1.0)
        state: State = {}
        group: str | None = None
        kind = rng.random()
        if kind < 0.45:
            group = str(rng.choice(list(muscles.PROTOTYPES)))
            muscles.mix(state, rng, group, float(rng.uniform(1.2, 5)))
        else:
            for au in rng.choice([*SIDED, *WHOLE], int(rng.integers(1, 4)), replace=False):
                power = float(rng.uniform(1.0, 5))
                muscles.both(state, int(au), power, *muscles.lopsided(rng, 0.25))
        if rng.random() < 0.25:
            group, rise, hold, fall = "brief", *rng.uniform([0.07, 0.02, 0.1], [0.15, 0.12, 0.2])
            state = {key: min(value, 3.0) for key, value in state.items()}
        for side in "LR":
            state.pop(f"AU43_{side}", None)
        for key, value in state.items():
            start = time + float(rng.uniform(0, 0.06))
            spans = start + np.cumsum([rise, hold, fall]) * float(rng.uniform(0.95, 1.05))
            apex, apex_end, offset = (float(moment) for moment in spans)
            side, au = key[5:] or "B", int(key[2:4])
            events.append(Event(au, side, start, apex, apex_end, offset, value, group))
        time += rise + hold + fall + float(rng.uniform(0.2, 2.0))
    events += _blinks(rng, seconds)
    return Script(seconds, tuple(events), _speech(rng, seconds), _gaze(rng, seconds))


def posed(rng: np.random.Generator, prototype: str, power: float) -> Script:
    """One expression of a prototype after a second of rest, held for 1.4 s, then let go."""
    state: State = {}
    muscles.mix(state, rng, prototype, power)
    events = [
        Event(int(key[2:4]), key[5:] or "B", 1.0, 1.4, 2.8, 3.4, value, prototype)
        for key, value in state.items()
        if not key.startswith("AU43")
    ]
    return Script(4.0, (*events, *_blinks(rng, 4.0)))


def _blinks(rng: np.random.Generator, seconds: float) -> Iterator[Event]:
    time = float(rng.uniform(0.3, 4))
    while time < seconds - 0.5:
        long = rng.random() < 0.06
        hold = float(rng.uniform(0.5, 1.2)) if long else float(rng.uniform(0.01, 0.07))
        shut = time + 0.08
        yield Event(
            45, "B", time, shut, shut + hold, shut + hold + 0.12, 5.0, None if long else "blink"
        )
        time += float(rng.uniform(1.2, 6))


def _speech(rng: np.random.Generator, seconds: float) -> npt.NDArray[np.float32]:
    spells = []
    if rng.random() < 0.5:
        time = float(rng.uniform(0, 2))
        while time < seconds:
            end = time + float(rng.uniform(0.8, 4))
            phase = rng.uniform(0, 6.28, 4)
            spells.append([[time, end, value] for value in phase])
            time = end + float(rng.uniform(0.3, 2))
    return np.array(spells, np.float32).reshape(-1, 4, 3)


def _gaze(rng: np.random.Generator, seconds: float) -> npt.NDArray[np.float32]:
    starts = np.cumsum(rng.exponential(1.2, int(seconds * 3) + 3)) - 1.0
    away = (rng.random(len(starts)) < 0.3) * 1.0 + 0.15
    return np.stack(
        [starts, rng.normal(0, 0.25, len(starts)) * away, rng.normal(0, 0.13, len(starts)) * away],
        1,
    ).astype(np.float32)


def truth(renderer: Renderer, look: Look, state: State) -> npt.NDArray[np.float32]:
    """Intensities 0–5 of one state in the order of `muscles.TRUTH`."""
    known = state | {"AU25": renderer.opening(look, state)}
    return np.array([known.get(name, 0.0) for name in TRUTH], np.float32)


@dataclass(frozen=True, slots=True)
class Picture:
    """One rendered picture and what is true of it."""

    image: Image
    state: State
    view: View
    truth: npt.NDArray[np.float32]


def film(
    renderer: Renderer, look: Look, shot: scene.Shot, plan: Script, fps: float, seed: int
) -> Iterator[Picture]:
    """The pictures of a script at `fps` frames a second."""
    rng = np.random.default_rng([seed, 9])
    for index in range(round(plan.seconds * fps)):
        time = index / fps
        yield snap(renderer, look, shot, plan.state(time), time, rng)


def snap(
    renderer: Renderer,
    look: Look,
    shot: scene.Shot,
    state: State,
    time: float,
    rng: np.random.Generator,
) -> Picture:
    """One picture of one state."""
    view = shot.at(time)
    rgba = renderer.picture(look, state, view, shot.light)
    image = scene.compose(rgba, shot, view, time, rng)
    return Picture(image, state, view, truth(renderer, look, state))


def as_record(plan: Script, pictures: list[Picture], fps: float) -> dict[str, object]:
    """Truth of a clip as JSON: events, intensities a frame, head pose in radians."""
    table = np.stack([picture.truth for picture in pictures])
    return {
        "fps": fps,
        "seconds": plan.seconds,
        "speech": bool(len(plan.speech)),
        "events": [asdict(event) for event in plan.events],
        "frames": {
            name: [round(float(value), 3) for value in table[:, column]]
            for column, name in enumerate(TRUTH)
            if table[:, column].any()
        },
        "pose": {
            axis: [round(float(getattr(p.view, axis)), 4) for p in pictures]
            for axis in ("yaw", "pitch", "roll")
        },
    }
