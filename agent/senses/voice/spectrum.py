"""Shape of the short spectrum of sound, in rows of 10 ms: loudness, balance, slopes, cepstrum.

Knows signals only; pitch, speech and speakers are others' business. The descriptors are those of
the Geneva minimalistic acoustic parameter set (eGeMAPS: Eyben et al. 2016, IEEE Trans. Affective
Computing 7(2), table 1), worked out from their published definitions over windows of 25 ms.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy import fft

from agent.schema.samples import Columns, Floats
from agent.senses.voice.prosody import HOP, RATE, WINDOW

SHORT: Final = 400
"""Samples of a short window: 25 ms."""
FFT: Final = 512
_FIRST: Final = (WINDOW - SHORT) // 2
"""Where the short window starts within the long one that shares its centre."""
_BANDS: Final = 26
_HANN: Final = np.hanning(SHORT).astype(np.float32)
_HZ: Final = np.fft.rfftfreq(FFT, 1 / RATE)
_FLOOR: Final = 1e-13
_DEPTH: Final = 1e-7
"""Share of a row's strongest bin below which nothing is believed (70 dB): codecs and telephones
leave digital silence there, of which a logarithm would make the largest number of all."""

NAMES: Final = (
    "loudness",
    "hammarberg_db",
    "slope_low",
    "slope_mid",
    "flux",
    "mfcc1",
    "mfcc2",
    "mfcc3",
    "mfcc4",
)
"""Columns of `shape`. loudness: sum of the cube roots of 26 mel bands weighted by equal loudness
(Hermansky 1990), no unit. hammarberg_db: strongest peak below 2 kHz over the strongest of 2–5 kHz
(Hammarberg et al. 1980). slope_low, slope_mid: dB per kHz of the line through 50–500 Hz (below,
taking off the mean leaves nothing) and 500–1500 Hz. flux: change of the spectrum of unit length
from one row to the next, 0–√2. mfcc1–4: cosine transform of the log mel bands, liftered by 22."""


def powers(samples: Floats) -> tuple[Floats, Floats]:
    """Power spectra, rows × 257, of the short windows; and of the row before each.

    `samples` as for `prosody.frames`: row i is centred on sample 160·i + 400.
    """
    windows = np.lib.stride_tricks.sliding_window_view(samples, SHORT)
    # The row before the first lies within the first long window.
    cut = windows[_FIRST - HOP :: HOP][: (len(samples) - WINDOW) // HOP + 2]
    cut = (cut - cut.mean(axis=1, keepdims=True)) * _HANN
    power = np.abs(fft.rfft(cut, FFT)) ** 2 / float(np.sum(_HANN**2))
    small: Floats = power.astype(np.float32)
    return small[1:], small[:-1]


def shape(power: Floats, before: Floats) -> Columns:
    """The columns in `NAMES`, from `powers`."""
    power = np.maximum(power, np.maximum(_DEPTH * power.max(axis=1, keepdims=True), _FLOOR))
    level = 10 * np.log10(power)
    bands = power @ _mel_filters().T
    columns = {
        "loudness": (_equal_loudness() * bands) ** 0.33 @ np.ones(_BANDS),
        "hammarberg_db": _peak(level, 0, 2000) - _peak(level, 2000, 5000),
        "slope_low": _slope(level, 50, 500),
        "slope_mid": _slope(level, 500, 1500),
        "flux": _flux(power, before),
    }
    cepstrum = np.log(bands) @ _cosines().T
    columns |= {f"mfcc{n + 1}": cepstrum[:, n] for n in range(4)}
    return {name: np.asarray(columns[name], np.float32) for name in NAMES}


def _rows(low: float, high: float) -> npt.NDArray[np.intp]:
    return np.flatnonzero((low <= _HZ) & (high > _HZ))


def _peak(level: Floats, low: float, high: float) -> Floats:
    return np.asarray(level[:, _rows(low, high)].max(axis=1))


def _slope(level: Floats, low: float, high: float) -> Floats:
    """dB per kHz of the least-squares line."""
    rows = _rows(low, high)
    khz = _HZ[rows] / 1000 - _HZ[rows].mean() / 1000
    return np.asarray(level[:, rows] @ (khz / (khz @ khz)))


def _flux(power: Floats, before: Floats) -> Floats:
    def unit(spectrum: Floats) -> Floats:
        size = np.sqrt(spectrum)
        return np.asarray(size / np.sqrt(np.maximum(spectrum.sum(axis=1, keepdims=True), _FLOOR)))

    return np.asarray(np.sqrt(((unit(power) - unit(before)) ** 2).sum(axis=1)))


@cache
def _centres() -> npt.NDArray[np.float64]:
    """Edges and centres of the mel bands in Hz, 28, from 20 Hz to 8 kHz (O'Shaughnessy 1987)."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (20, RATE / 2))
    return np.asarray(700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1))


@cache
def _mel_filters() -> Floats:
    """Triangles over the mel scale, 26 × 257."""
    edges = _centres()
    rise = (_HZ - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - _HZ) / np.diff(edges)[1:, None]
    return np.asarray(np.maximum(0, np.minimum(rise, fall)), np.float32)


@cache
def _equal_loudness() -> Floats:
    """Weights of the bands at 40 phon (Hermansky 1990, eq. 3)."""
    squared = (2 * np.pi * _centres()[1:-1]) ** 2
    weight = (squared + 56.8e6) * squared**2 / ((squared + 6.3e6) ** 2 * (squared + 0.38e9))
    return np.asarray(weight / weight.max(), np.float32)


@cache
def _cosines() -> Floats:
    """First four rows of the cosine transform after the mean, liftered: 4 × 26."""
    order = np.arange(1, 5)[:, None]
    basis = np.cos(np.pi * order * (np.arange(_BANDS) + 0.5) / _BANDS) * np.sqrt(2 / _BANDS)
    return np.asarray(basis * (1 + 11 * np.sin(np.pi * order / 22)), np.float32)
