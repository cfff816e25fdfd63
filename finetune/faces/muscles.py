"""What moves: action units as weights of the head's muscle shapes, and what is true of them.

A state of the face is a dictionary `AU12_L` → intensity 0–5 (5 × shape weight), plus
movements that are no action unit of ours (gaze, jaw sideways). Knows nothing about time.
Prototypes: FACS prototypes of basic and compound emotions (Du, Tao & Martinez, PNAS 2014).
"""

from __future__ import annotations

from typing import Final

import numpy as np

SIDED: Final[dict[int, str]] = {
    1: "browInnerUp",
    2: "browOuterUp",
    4: "browDown",
    5: "eyeWide",
    6: "cheekRaiser",
    7: "eyeSquint",
    9: "noseSneer",
    10: "mouthUpperUp",
    12: "mouthSmile",
    14: "mouthDimple",
    15: "mouthFrown",
    16: "mouthLowerDown",
    20: "mouthStretch",
    24: "mouthPress",
    34: "cheekPuff",
    43: "eyeBlink",
}
"""Action unit → muscle shape, one each side."""
WHOLE: Final[dict[int, tuple[str, ...]]] = {
    17: ("mouthShrugLower",),
    18: ("mouthPucker",),
    22: ("mouthFunnel",),
    26: ("jawOpen",),
    28: ("mouthRollLower", "mouthRollUpper"),
}
"""Action unit → muscle shapes without a side."""
EXTRA: Final = (
    "jawForward",
    "jawLeft",
    "jawRight",
    "mouthLeft",
    "mouthRight",
    "mouthClose",
    "mouthShrugUpper",
    "cheekSquint_L",
    "cheekSquint_R",
)
"""Muscle shapes that move as a disturbance or a companion and are in no truth."""

TRUTH: Final[tuple[str, ...]] = (
    *(f"AU{au:02d}_{side}" for au in SIDED for side in "LR"),
    *(f"AU{au:02d}" for au in WHOLE),
    "AU25",
)
"""Columns of the truth, 0–5. AU43 is how far the lids are closed; AU25 how far lips part."""

COMPANIONS: Final[dict[str, str]] = {
    "bared": "mouthUpperUp",
    "dropped": "mouthLowerDown",
    "puffed": "eyeSquint",
}
"""Each side's companions of a broad smile, in no truth → shape they add to (weight 0–1).

Pulled lip corners bare both rows of teeth and push the cheeks under the eyes without the
muscles of AU10, AU16 and AU7; the head's smile shape alone keeps the lips together."""

PROTOTYPES: Final[dict[str, tuple[dict[int, float], dict[int, float]]]] = {
    # name: ({AU: how strong}, {AU that may come along: how often})
    "happiness": ({6: 0.8, 12: 1.0}, {10: 0.2, 16: 0.3, 7: 0.2, 26: 0.3}),
    "polite": ({12: 0.8}, {14: 0.2}),
    "sadness": ({1: 1.0, 4: 0.7, 15: 0.9}, {17: 0.6, 6: 0.3, 7: 0.2, 24: 0.2}),
    "surprise": ({1: 1.0, 2: 1.0, 5: 0.9, 26: 0.8}, {22: 0.2}),
    "fear": ({1: 1.0, 2: 0.8, 4: 0.8, 5: 1.0, 20: 0.8}, {26: 0.5, 7: 0.4, 16: 0.3}),
    "anger": ({4: 1.0, 5: 0.5, 7: 0.9, 24: 0.8}, {17: 0.4, 9: 0.2, 10: 0.2}),
    "disgust": ({9: 1.0, 10: 0.9, 17: 0.6}, {4: 0.4, 7: 0.4, 15: 0.3, 16: 0.2}),
    "contempt": ({14: 1.0}, {12: 0.4, 2: 0.2}),
    "pain": ({4: 0.9, 6: 0.9, 7: 1.0, 9: 0.7, 10: 0.7}, {43: 0.4, 26: 0.4, 20: 0.3}),
    "effort": ({24: 1.0, 17: 0.7, 4: 0.4}, {14: 0.4, 28: 0.2}),
    "concentration": ({4: 0.9, 7: 0.6}, {24: 0.3, 18: 0.2}),
    "doubt": ({1: 0.8, 2: 0.9}, {17: 0.5, 15: 0.4, 14: 0.3}),
    "kiss": ({18: 1.0}, {22: 0.3, 43: 0.2}),
    "crying": ({1: 0.7, 4: 0.9, 6: 0.7, 7: 0.8, 15: 0.7, 20: 0.7}, {26: 0.5, 10: 0.4, 17: 0.4}),
    "laughter": ({6: 1.0, 12: 1.1, 26: 0.6}, {16: 0.5, 10: 0.4, 7: 0.4, 43: 0.2}),
    "happily_surprised": ({1: 0.8, 2: 0.8, 12: 1.0, 26: 0.5}, {5: 0.6, 6: 0.3}),
}

State = dict[str, float]
"""Truth columns and extra shapes → intensity 0–5 (extra shapes: weight 0–1)."""


def both(state: State, au: int, intensity: float, side: str = "B", factor: float = 0.0) -> None:
    """Raise an action unit to at least this intensity, on one side or both.

    With side L or R the other side gets `factor` of it.
    """
    if au in WHOLE:
        key = f"AU{au:02d}"
        state[key] = min(5.0, max(state.get(key, 0.0), intensity))
        return
    for name in "LR":
        share = 1.0 if side in ("B", name) else factor
        key = f"AU{au:02d}_{name}"
        state[key] = min(5.0, max(state.get(key, 0.0), intensity * share))


def weights(state: State) -> dict[str, float]:
    """Weights of the head's muscle shapes for a state."""
    out: dict[str, float] = {}
    for au, shape in SIDED.items():
        for side in "LR":
            if value := state.get(f"AU{au:02d}_{side}", 0.0):
                out[f"{shape}_{side}"] = value / 5
    for au, shapes in WHOLE.items():
        if value := state.get(f"AU{au:02d}", 0.0):
            out |= dict.fromkeys(shapes, value / 5)
    for name in EXTRA:
        if value := state.get(name, 0.0):
            out[name] = value
    for name, shape in COMPANIONS.items():
        for side in "LR":
            if value := state.get(f"{name}_{side}", 0.0):
                shape_side = f"{shape}_{side}"
                out[shape_side] = min(1.0, out.get(shape_side, 0.0) + value)
    for side in "LR":  # wide and closed lids cancel on a real eye
        if (shut := out.get(f"eyeBlink_{side}", 0.0)) and f"eyeWide_{side}" in out:
            out[f"eyeWide_{side}"] *= 1 - shut
        if shut and f"eyeSquint_{side}" in out:
            out[f"eyeSquint_{side}"] *= 1 - 0.6 * shut
    return out | _gaze(state)


def _gaze(state: State) -> dict[str, float]:
    """Lids and the skin around the eye follow the gaze (radians, + is left and up)."""
    yaw, pitch = state.get("gaze_yaw", 0.0), state.get("gaze_pitch", 0.0)
    out = {}
    for side, inward in (("L", -yaw), ("R", yaw)):
        out[f"eyeLookIn_{side}"] = max(0.0, inward) / 0.6
        out[f"eyeLookOut_{side}"] = max(0.0, -inward) / 0.6
        out[f"eyeLookUp_{side}"] = max(0.0, pitch) / 0.5
        out[f"eyeLookDown_{side}"] = max(0.0, -pitch) / 0.5
    return out


def still(rng: np.random.Generator) -> State:
    """A random held expression: neutral, prototype, single action unit, or any combination."""
    state: State = {}
    kind = rng.choice(4, p=[0.16, 0.34, 0.2, 0.3])
    if kind == 1:
        mix(state, rng, str(rng.choice(list(PROTOTYPES))), _strength(rng))
        if rng.random() < 0.15:
            mix(state, rng, str(rng.choice(list(PROTOTYPES))), _strength(rng) * 0.7)
    elif kind:
        count = 1 if kind == 2 else int(rng.integers(2, 6))
        for au in rng.choice([*SIDED, *WHOLE], count, replace=False):
            both(state, int(au), _strength(rng), *lopsided(rng, 0.3))
    if rng.random() < 0.12:
        both(state, 43, float(rng.uniform(0.5, 5)), *lopsided(rng, 0.05))
    if rng.random() < 0.25:
        speak(state, rng.random(4))
    disturb(state, rng)
    return state


def smile(rng: np.random.Generator) -> State:
    """A random held smile that bares teeth, or what looks like part of one.

    Half are smiles alone, a quarter come with another mouth muscle, a quarter are other
    mouths: speech, parted lips, a lip that really is pulled.
    """
    state: State = {}
    kind = rng.choice(3, p=[0.5, 0.25, 0.25])
    if kind < 2:
        power = float(1.0 + 4.0 * rng.beta(1.6, 1.3))
        both(state, 12, power, *lopsided(rng, 0.1))
        if rng.random() < 0.55:
            both(state, 6, min(5.0, power * float(rng.uniform(0.4, 1.3))))
        if rng.random() < 0.5:
            both(state, 26, float(rng.uniform(0, 3.5)))
    if kind:
        for au in rng.choice(MOUTHS, int(rng.integers(1, 3)), replace=False):
            both(state, int(au), _strength(rng), *lopsided(rng, 0.3))
    if rng.random() < (0.6 if kind == 2 else 0.2):
        speak(state, rng.random(4))
    disturb(state, rng)
    teeth, lids = rng.random(2)
    upper, lower = rng.uniform(0.3, 1.0, 2)
    cheeks = float(rng.uniform(0, 0.45))
    for side in "LR":
        share = state.get(f"AU12_{side}", 0.0) / 5
        state[f"bared_{side}"] = 0.3 * share * float(teeth * upper)
        state[f"dropped_{side}"] = 0.4 * share * float(teeth * lower)
        state[f"puffed_{side}"] = 0.2 * share * float(lids)
        state[f"cheekSquint_{side}"] = cheeks * share
    return state


MOUTHS: Final = (10, 14, 15, 16, 17, 18, 20, 22, 24, 26, 28)


def mix(state: State, rng: np.random.Generator, name: str, strength: float) -> None:
    """Lay a prototype of this strength (0–5) over a state, with variants and asymmetry."""
    core, variants = PROTOTYPES[name]
    side, factor = lopsided(rng, 0.75 if name == "contempt" else 0.12)
    for au, share in core.items():
        if rng.random() < 0.9:
            both(state, au, strength * share * float(rng.uniform(0.7, 1.2)), side, factor)
    for au, often in variants.items():
        if rng.random() < often:
            both(state, au, strength * float(rng.uniform(0.3, 0.9)), side, factor)


def speak(state: State, mouth: np.ndarray) -> None:
    """Speech-like mouth movement from four numbers 0–1: jaw, funnel, pucker, lower lip."""
    jaw, funnel, pucker, lower = (float(value) for value in mouth)
    both(state, 26, 2.0 * jaw)
    both(state, 22, 2.0 * max(0.0, funnel - 0.4))
    both(state, 18, 1.6 * max(0.0, pucker - 0.5))
    both(state, 16, 2.0 * max(0.0, lower - 0.3))


def disturb(state: State, rng: np.random.Generator) -> None:
    """Movements that are in no truth: gaze, jaw and mouth sideways, companions of a smile."""
    state["gaze_yaw"] = float(rng.normal(0, 0.2))
    state["gaze_pitch"] = float(rng.normal(-0.03, 0.12))
    if rng.random() < 0.12:
        state[str(rng.choice(EXTRA[:5]))] = float(rng.uniform(0, 0.5))
    for side in "LR":
        smile, cheek = state.get(f"AU12_{side}", 0.0), state.get(f"AU06_{side}", 0.0)
        state[f"cheekSquint_{side}"] = 0.1 * smile * 0.7 + 0.1 * cheek * float(rng.random() < 0.5)
    if (jaw := state.get("AU26", 0.0)) and rng.random() < 0.1:
        state["mouthClose"] = jaw / 5 * float(rng.uniform(0.2, 0.8))


def lopsided(rng: np.random.Generator, often: float) -> tuple[str, float]:
    """Side and the other side's share; both sides alike unless chance says otherwise."""
    if rng.random() >= often:
        return "B", 1.0
    return str(rng.choice(["L", "R"])), float(rng.choice([0.0, rng.uniform(0, 0.7)]))


def _strength(rng: np.random.Generator) -> float:
    return float(0.4 + 4.6 * rng.beta(1.5, 1.4))
