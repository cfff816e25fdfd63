"""Sounds made here in which nobody says a word: silence, noise, music, laughter, sobs, a murmur.

Every word that a recogniser finds in them is invented. Made from a seed, so that the sounds a
threshold was looked at with and those it is judged on can be different ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RATE: Final = 16_000
SECONDS: Final = 6.0


def made(kind: str, seed: int, seconds: float = SECONDS) -> NDArray[np.float32]:
    """One sound of a kind of `MADE`, mono at `RATE`, within ±1. KeyError for another kind."""
    rng = np.random.default_rng(seed)
    sound = MADE[kind](rng, int(seconds * RATE))
    return np.asarray(np.clip(sound, -1, 1), np.float32)


def _silence(rng: np.random.Generator, n: int) -> Floats:
    return rng.normal(0, 10 ** rng.uniform(-5, -3.5), n)


def _noise(rng: np.random.Generator, n: int) -> Floats:
    """White to brown, steady or swelling."""
    spectrum = np.fft.rfft(rng.normal(0, 1, n))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** rng.uniform(0, 1)
    sound = np.fft.irfft(spectrum, n)
    swell = 1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rng.uniform(0.1, 1) * _time(n))
    return _level(sound * swell, rng.uniform(0.02, 0.3))


def _hum(rng: np.random.Generator, n: int) -> Floats:
    """Mains or a motor, with clicks."""
    base = rng.uniform(45, 130)
    sound = sum(np.sin(2 * np.pi * base * k * _time(n)) / k for k in range(1, 8))
    clicks = (rng.random(n) < 2 / RATE) * rng.normal(0, 20, n)
    return _level(np.asarray(sound) + clicks, rng.uniform(0.05, 0.2))


def _music(rng: np.random.Generator, n: int) -> Floats:
    """A tune of plucked notes over chords, in a key and tempo of its own, with a beat."""
    sound, beat = np.zeros(n), int(RATE * rng.uniform(0.2, 0.5))
    scale = 220 * 2 ** ((rng.integers(0, 12) + np.array([0, 2, 4, 5, 7, 9, 11, 12])) / 12)
    for at in range(0, n, beat):
        notes = rng.choice(scale, 1 if (at // beat) % 4 else 3)
        t = _time(min(2 * beat, n - at))
        for note in notes:
            tones = sum(np.sin(2 * np.pi * note * k * t) / k**1.5 for k in range(1, 6))
            sound[at : at + len(t)] += np.asarray(tones) * np.exp(-3 * t)
        drum = _time(min(2000, n - at))
        sound[at : at + len(drum)] += rng.normal(0, 0.6, len(drum)) * np.exp(-60 * drum)
    return _level(sound, rng.uniform(0.05, 0.3))


def _voiced(pitch: Floats, tract: tuple[float, ...], rng: np.random.Generator) -> Floats:
    """A glottal buzz of `pitch` in Hz for each sample, through resonances at `tract` in Hz."""
    from scipy.signal import lfilter

    phase = np.cumsum(pitch) / RATE
    sound: Any = (phase % 1) ** 2 - 1 / 3 + rng.normal(0, 0.05, len(pitch))
    for peak in tract:
        r = np.exp(-np.pi * 100 / RATE)
        sound = lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * peak / RATE), r * r], sound)
    return np.asarray(sound, np.float64)


_TRACTS: Final = ((700.0, 1200.0, 2600.0), (500.0, 1700.0, 2500.0), (400.0, 900.0, 2400.0))
"""Resonances of an open, a middle and a rounded mouth."""


def _laughter(rng: np.random.Generator, n: int) -> Floats:
    """Bouts of four to five voiced bursts a second that fall in pitch, with breath between."""
    t, rate = _time(n), rng.uniform(4, 5.5)
    fall = 1 - 0.35 * ((t / 1.6) % 1)
    voice = _voiced(rng.uniform(180, 380) * fall, _TRACTS[rng.integers(3)], rng)
    bursts = np.maximum(np.sin(2 * np.pi * rate * t), 0) ** 0.7 * (((t / 1.6) % 1) < 0.75)
    breath = rng.normal(0, 0.02, n) * (1 - bursts)
    return _level(voice * bursts, rng.uniform(0.05, 0.2)) + breath


def _sobs(rng: np.random.Generator, n: int) -> Floats:
    """Long wavering falling cries with sharp breaths between."""
    t, length = _time(n), rng.uniform(1.2, 2.0)
    place = (t / length) % 1
    pitch = rng.uniform(250, 420) * (1.1 - 0.4 * place + 0.05 * np.sin(2 * np.pi * 7 * t))
    voice = _voiced(pitch, _TRACTS[rng.integers(3)], rng) * np.sin(np.pi * place) * (place < 0.7)
    return _level(voice, rng.uniform(0.05, 0.2)) + rng.normal(0, 0.02, n) * (place > 0.8)


def _murmur(rng: np.random.Generator, n: int) -> Floats:
    """A voice that moves from vowel to vowel in syllables and says nothing."""
    parts, left = [], n
    pitch = rng.uniform(90, 230)
    while left > 0:
        m = min(left, int(RATE * rng.uniform(0.12, 0.35)))
        curve = pitch * (1 + 0.15 * rng.normal() + np.linspace(0.05, -0.05, m))
        tract = _TRACTS[rng.integers(3)]
        parts.append(_voiced(curve, tract, rng) * np.sin(np.pi * np.linspace(0, 1, m)) ** 0.5)
        left -= m
    return _level(np.concatenate(parts), rng.uniform(0.03, 0.15))


def _time(n: int) -> Floats:
    return np.arange(n) / RATE


def _level(sound: Floats, rms: float) -> Floats:
    return sound / max(float(np.sqrt(np.mean(sound**2))), 1e-9) * rms


MADE: Final[dict[str, Callable[[np.random.Generator, int], Floats]]] = {
    "silence": _silence, "noise": _noise, "hum": _hum, "music": _music,
    "laughter": _laughter, "sobs": _sobs, "murmur": _murmur,
}  # fmt: skip
"""Kind of sound → its maker."""
