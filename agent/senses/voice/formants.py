"""Resonances of the mouth and throat (formants F1–F3) and the harmonics around them.

Knows spectra only. Linear prediction of the band below 5.5 kHz, worked out from the power
spectrum (selective linear prediction: Makhoul 1975, Proc. IEEE 63), the angles and radii of its
poles giving frequencies and bandwidths (Atal & Hanauer 1971). Harmonic differences as in eGeMAPS
(Eyben et al. 2016): H1–H2, H1–A3 and the level of the harmonic at each formant against H1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Columns, Floats
from agent.senses.voice.prosody import RATE

TOP: Final = 5500.0
"""Hz; five formants of most adults lie below it (Praat's manual says so of women)."""
ORDER: Final = 11
"""Poles: two a formant and one for the tilt of the source."""
PRE_EMPHASIS: Final = 50.0
"""Hz from which the spectrum is lifted by 6 dB an octave before the poles are sought."""
_LOWEST: Final = 150.0
"""Hz; poles below belong to the tilt of the spectrum."""
_WIDEST: Final = 1000.0
"""Hz; wider poles are no resonance."""
COUNT: Final = 3

NAMES: Final = (
    *(f"f{n}_{what}" for n in (1, 2, 3) for what in ("hz", "width_hz", "db")),
    "h1_h2_db",
    "h1_a3_db",
)
"""Columns of `resonances`: frequency and −3 dB bandwidth of each formant, level of the strongest
harmonic there against the first harmonic; first harmonic against the second, and against the
strongest at F3. NaN where there is no such pole."""


def resonances(short: Floats, long: Floats, f0: Floats) -> Columns:
    """The columns in `NAMES` of rows with pitch f0 (Hz, > 0).

    `short`: power spectra of 25 ms windows, rows × 257; `long`: of 50 ms windows, rows × 1025,
    in which the harmonics stand apart.
    """
    hz, width = poles(short)
    h1 = _strongest(long, f0, 0.35 * f0)
    columns: Columns = {"h1_h2_db": h1 - _strongest(long, 2 * f0, 0.35 * f0)}
    for n in range(COUNT):
        there = _strongest(long, hz[:, n], 0.6 * f0) - h1
        columns |= {f"f{n + 1}_hz": hz[:, n], f"f{n + 1}_width_hz": width[:, n]}
        columns[f"f{n + 1}_db"] = there
    columns["h1_a3_db"] = -columns["f3_db"].astype(np.float32)
    return {name: np.asarray(columns[name], np.float32) for name in NAMES}


def poles(power: Floats) -> tuple[Floats, Floats]:
    """Frequencies and bandwidths in Hz of the three lowest resonances, both rows × 3.

    `power`: rows × bins from 0 to 8 kHz. NaN where fewer are found.
    """
    bins = round(TOP / (RATE / 2) * (power.shape[1] - 1))
    hz = np.arange(bins + 1) * TOP / bins
    lifted = power[:, : bins + 1] * (1 + (hz / PRE_EMPHASIS) ** 2)
    r = np.fft.irfft(lifted, 2 * bins)[:, : ORDER + 1]
    roots = _roots(_levinson(r))
    frequency = np.angle(roots) * TOP / np.pi
    width = -np.log(np.maximum(np.abs(roots), 1e-6)) * 2 * TOP / np.pi
    true = (frequency > _LOWEST) & (frequency < TOP - 100) & (width < _WIDEST)
    frequency = np.where(true, frequency, np.inf)
    first = np.argsort(frequency, axis=1)[:, :COUNT]
    frequency = np.take_along_axis(frequency, first, axis=1)
    width = np.take_along_axis(width, first, axis=1)
    found = np.isfinite(frequency)
    return (
        np.where(found, frequency, np.nan).astype(np.float32),
        np.where(found, width, np.nan).astype(np.float32),
    )


def _levinson(r: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Prediction polynomials, rows × (ORDER + 1), from autocorrelations of the same shape."""
    r = np.asarray(r, np.float64)
    # A floor of noise 60 dB down keeps the recursion stable.
    error = r[:, 0] * (1 + 1e-6) + 1e-12
    a = np.zeros_like(r)
    a[:, 0] = 1
    for n in range(1, r.shape[1]):
        k = -(a[:, :n] * r[:, n:0:-1]).sum(axis=1) / error
        a[:, 1 : n + 1] += k[:, None] * a[:, n - 1 :: -1][:, :n]
        error = error * (1 - k**2)
    return a


def _roots(a: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
    """Zeros of polynomials with leading coefficient 1, as eigenvalues of their companions."""
    order = a.shape[1] - 1
    companion = np.zeros((len(a), order, order))
    companion[:, np.arange(1, order), np.arange(order - 1)] = 1
    companion[:, 0] = -a[:, 1:]
    return np.asarray(np.linalg.eigvals(companion), np.complex128)


def _strongest(power: Floats, hz: Floats, around: Floats) -> Floats:
    """Level in dB of the strongest bin within hz ± around of each row; NaN where hz is."""
    bins = power.shape[1] - 1
    per_hz = bins / (RATE / 2)
    steps = np.linspace(-1, 1, 25)
    at = np.nan_to_num(hz)[:, None] + steps * around[:, None]
    index = np.clip(np.rint(at * per_hz), 1, bins).astype(np.intp)
    top = np.take_along_axis(power, index, axis=1).max(axis=1)
    return np.where(np.isfinite(hz), 10 * np.log10(np.maximum(top, 1e-12)), np.nan)
