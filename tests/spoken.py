"""Voices made here, whose pitch, loudness, effort and syllables are set."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np

from finetune import world_voice
from finetune.world_voice import Floats

RATE: Final = 16_000
QUIET: Final = 0.3
"""Seconds of near silence before and after a phrase."""
SECONDS: Final = 1.5
LEVELS: Final[dict[str, dict[str, float]]] = {
    "anger": {"pitch": 1.5, "energy": 1.5, "brightness": 1.5, "pitch_range": 1.0},
    "neutral": {},
    "sadness": {"pitch": -1.0, "energy": -1.5, "brightness": -1.5, "pitch_range": -1.0},
}
"""Steps of `world_voice.STEPS` from how the speaker usually sounds."""


def phrase(levels: dict[str, float], seconds: float = SECONDS, seed: int = 1) -> Floats:
    """One phrase of one speaker at 16 kHz, with a little silence around it."""
    rng = np.random.default_rng(seed)
    said = world_voice.speak(world_voice.speaker(rng), levels, seconds, rng)
    still = int(QUIET * RATE)
    sound = np.concatenate([np.zeros(still), said, np.zeros(still)])
    return np.asarray(sound + rng.normal(0, 1e-4, len(sound)), np.float32)


def write(path: Path, sound: Floats) -> Path:
    """A WAV file of 16 bits, mono."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def voices(folder: Path) -> dict[str, Path]:
    """One file for each of LEVELS, by its name."""
    return {name: write(folder / f"{name}.wav", phrase(how)) for name, how in LEVELS.items()}
