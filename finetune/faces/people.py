"""Who it is: a rendered person drawn from one seed.

Identity weights, skin tone, age-like wrinkles, brows, beard, hair, make-up, glasses.
Knows nothing about muscles in motion or about pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Color = tuple[float, float, float]
"""Linear red, green, blue, 0–1."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person's looks."""

    seed: int
    identity: Floats
    """Weights of the identity shapes."""
    tone: float
    """Skin tone 0 (darkest) … 1 (lightest)."""
    skin: Color
    plain: bool
    """Smooth skin, no hair, flat scene: the look of simple renders."""
    age: float
    """0–1: how much wrinkles show at rest and when muscles pull."""
    freckles: float
    shine: float
    lips: Color
    lip_strength: float
    brow: Color
    brow_strength: float
    brow_width: float
    iris: Color
    iris_size: float
    beard: float
    """0–1 density of beard; 0 for most."""
    moustache: float
    hair: Color
    hair_volume: float
    """0 bald; else thickness in head units."""
    hairline: float
    """Height of the front hairline in head units."""
    hair_length: float
    """How far hair hangs beside the face, in head units; 0 for short hair."""
    fringe: float
    """How far hair hangs over the forehead, in head units; 0 for none."""
    makeup: float
    blush: float
    glasses: int
    """0 none, 1 thin frame, 2 thick frame, 3 sun glasses."""
    glasses_color: Color


def person(seed: int) -> Person:
    """The person of this seed; a third look plain, the rest as varied as can be drawn."""
    rng = np.random.default_rng([seed, 1])
    tone = float(rng.random())
    plain = bool(rng.random() < 0.3)
    full = not plain
    old = float(rng.random() ** 1.5) if full else 0.0
    bald = plain or rng.random() < 0.12
    skin = _skin_color(rng, tone)
    dark = _hair_color(rng, tone)
    beard = float(rng.random()) if full and rng.random() < 0.25 else 0.0
    painted = float(rng.random()) if full and rng.random() < 0.3 and not beard else 0.0
    return Person(
        seed=seed,
        identity=rng.normal(0, 0.8, 100).astype(np.float32),
        tone=tone,
        skin=skin,
        plain=plain,
        age=old,
        freckles=float(rng.random() ** 3) if full else 0.0,
        shine=float(rng.uniform(0.02, 0.35)),
        lips=_shift(rng, (0.40, 0.04, 0.06), 0.5) if painted else _lips(rng, skin),
        lip_strength=float(rng.uniform(0.3, 0.9)),
        brow=_brow(rng, dark, skin),
        brow_strength=float(rng.uniform(0.15, 1.0)) if full else float(rng.uniform(0.5, 1.0)),
        brow_width=float(rng.uniform(0.2, 0.5)),
        iris=_iris(rng, plain),
        iris_size=float(rng.uniform(0.36, 0.46)),
        beard=beard,
        moustache=beard * float(rng.random() < 0.8) + 0.7 * float(full and rng.random() < 0.05),
        hair=dark,
        hair_volume=0.0 if bald else float(rng.uniform(0.15, 1.6)),
        hairline=float(rng.uniform(8.3, 11.5)),
        hair_length=float(rng.uniform(4, 18)) if not bald and rng.random() < 0.4 else 0.0,
        fringe=float(rng.uniform(1, 4.5)) if not bald and rng.random() < 0.15 else 0.0,
        makeup=painted,
        blush=float(rng.uniform(0, 0.4)),
        glasses=int(rng.choice(4, p=[0.8, 0.1, 0.08, 0.02])) if full else 0,
        glasses_color=_shift(rng, (0.04, 0.035, 0.03), 0.6),
    )


def toned(who: Person, tone: float) -> Person:
    """The same person with another skin tone; brows and lips keep their contrast to it."""
    skin = _skin_color(np.random.default_rng([who.seed, 5]), tone)
    ratio = np.array(skin) / np.array(who.skin)

    def along(color: Color) -> Color:
        red, green, blue = np.clip(np.array(color) * ratio, 0.003, 1)
        return float(red), float(green), float(blue)

    return replace(who, tone=tone, skin=skin, lips=along(who.lips), brow=along(who.brow))


def _skin_color(rng: np.random.Generator, tone: float) -> Color:
    """Linear albedo between very dark and very light skin, with its own hue."""
    ramp = np.array([[0.045, 0.022, 0.014], [0.20, 0.095, 0.055], [0.42, 0.24, 0.16],
                     [0.70, 0.47, 0.37]])  # fmt: skip
    base = np.array([np.interp(tone * 3, range(4), ramp[:, channel]) for channel in range(3)])
    red, green, blue = np.clip(base * np.exp(rng.normal(0, [0.07, 0.07, 0.12])), 0.005, 0.95)
    return float(red), float(green), float(blue)


def _hair_color(rng: np.random.Generator, tone: float) -> Color:
    table = [(0.008, 0.006, 0.005), (0.03, 0.018, 0.010), (0.09, 0.05, 0.022),
             (0.32, 0.20, 0.08), (0.20, 0.05, 0.02), (0.42, 0.41, 0.40)]  # fmt: skip
    light = max(0.0, tone - 0.4)
    odds = np.array([1.0, 1.0, 0.2 + light, light, 0.5 * light, 0.3])
    return _shift(rng, table[int(rng.choice(6, p=odds / odds.sum()))], 0.15)


def _lips(rng: np.random.Generator, skin: Color) -> Color:
    bare = np.array(skin) * np.array([0.95, 0.55, 0.6]) * rng.uniform(0.6, 1.1)
    return _shift(rng, (float(bare[0]), float(bare[1]), float(bare[2])), 0.1)


def _brow(rng: np.random.Generator, hair: Color, skin: Color) -> Color:
    """Brows are as dark as the hair or darker, and nearly always darker than the skin."""
    limit = np.array(skin) * (1.5 if rng.random() < 0.05 else 0.35)
    red, green, blue = np.minimum(np.array(hair) * rng.uniform(0.4, 1.0), limit)
    return float(red), float(green), float(blue)


def _iris(rng: np.random.Generator, plain: bool) -> Color:
    if plain and rng.random() < 0.5:
        red, green, blue = rng.uniform(0.02, 0.35, 3)
        return float(red), float(green), float(blue)
    table = [(0.05, 0.025, 0.012), (0.12, 0.06, 0.02), (0.10, 0.12, 0.05), (0.10, 0.18, 0.28)]
    return _shift(rng, table[int(rng.choice(4, p=[0.5, 0.2, 0.12, 0.18]))], 0.2)


def _shift(rng: np.random.Generator, color: Color, amount: float) -> Color:
    red, green, blue = np.clip(np.array(color) * np.exp(rng.normal(0, amount, 3)), 0.003, 1)
    return float(red), float(green), float(blue)
