"""Voices of the small world: a wordless vowel song whose pitch, loudness, pace and colour are set.

Knows signals; no emotion and no evidence. What is set is measured back by the real sense of the
voice (agent/senses/voice/track.py), and seen in the real voice picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.senses.voice.prosody import RATE
from agent.senses.voice.track import Detector

Floats = npt.NDArray[np.float32]

STEPS: Final[dict[str, float]] = {
    "pitch": 2.5,  # semitones
    "pitch_range": 0.8,  # semitones of the contour's swing
    "energy": 3.0,  # dB
    "brightness": 1.2,  # dB an octave less of fall
    "rate": 0.12,  # share more syllables a second
    "roughness": 4.0,  # dB more noise
}
"""Size of one level of each part of the voice."""

_VOWELS: Final = np.array(
    [(730, 1090), (270, 2290), (300, 870), (530, 1840), (570, 840)], np.float64
)
"""First two formants in Hz of five vowels (Peterson & Barney 1952, men)."""
_HIGHEST: Final = 5500.0
"""Hz of the highest harmonic."""
_LOUD: Final = 0.02
"""Root mean square from which a chunk counts as speech."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """How one voice usually sounds."""

    f0: float
    """Hz"""
    level: float
    """Root mean square, full scale 1."""
    rate: float
    """Syllables a second."""
    fall: float
    """dB an octave."""
    tract: float
    """Formants against those of the table."""


def speaker(rng: np.random.Generator) -> Speaker:
    """Somebody."""
    high = rng.random() < 0.5
    return Speaker(
        f0=float(rng.normal(200 if high else 115, 12)),
        level=float(rng.uniform(0.08, 0.14)),
        rate=float(rng.uniform(4.0, 5.5)),
        fall=float(rng.uniform(-11, -8)),
        tract=float(rng.normal(1.15 if high else 1.0, 0.04)),
    )


def speak(
    who: Speaker, levels: Mapping[str, float], seconds: float, rng: np.random.Generator
) -> Floats:
    """Mono sound at 16 kHz of one unbroken phrase; `levels` in steps from the speaker's usual."""
    said = {name: size * levels.get(name, 0.0) for name, size in STEPS.items()}
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    rate = max(1.5, who.rate * (1 + said["rate"]))
    syllable = time * rate
    number = syllable.astype(int)
    swing = max(0.3, 2.2 + said["pitch_range"])
    targets = rng.normal(0, 1, number[-1] + 2) * swing - np.linspace(0, 1.5, number[-1] + 2)
    tones = said["pitch"] + np.interp(syllable, np.arange(len(targets)), targets)
    f0 = who.f0 * 2 ** (tones / 12)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    # All vowels in turn, in random order: which ones are sung must not tell anything.
    rounds = [rng.permutation(len(_VOWELS)) for _ in range(number[-1] // len(_VOWELS) + 1)]
    vowels = (_VOWELS[np.concatenate(rounds)] * who.tract)[number[:: RATE // 100]]
    fall = who.fall + said["brightness"]
    frames, slow = np.arange(0, count, RATE // 100), f0[:: RATE // 100]
    sound = np.zeros(count)
    for k in range(1, int(_HIGHEST / f0.max()) + 1):
        gain = np.interp(np.arange(count), frames, _resonance(k * slow, vowels))
        sound += 10 ** (fall * np.log2(k) / 20) * gain * np.sin(k * phase)
    sound += rng.normal(0, sound.std() * 10 ** ((said["roughness"] - 32) / 20), count)
    envelope = 0.15 + np.sin(np.pi * (syllable % 1)) ** 0.8
    edge = np.minimum(1, np.minimum(time, seconds - time) / 0.03)
    sound *= envelope * edge
    level = who.level * 10 ** (said["energy"] / 20)
    return np.asarray(np.clip(sound / sound.std() * level, -1, 1), np.float32)


def _resonance(
    hertz: npt.NDArray[np.float64], formants: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Gain of the mouth at a frequency."""
    near = (hertz[:, None] - formants) / np.array([90.0, 140.0])
    return np.asarray(0.15 + (1 / (1 + near**2)).sum(axis=1))


class Ears(Detector):
    """Speech is whatever is loud: in this world nothing else makes a sound."""

    def __init__(self) -> None:
        """Needs no model file."""

    def probability(self, chunk: Floats) -> float:
        """As `Detector.probability`."""
        return float(np.sqrt(np.mean(np.square(chunk))) > _LOUD)
