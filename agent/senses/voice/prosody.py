"""Pitch, loudness and voice quality from samples, in frames of 10 ms.

Knows signals only: not what is speech, who speaks, or what any number means.

Pitch is the lag of the normalised autocorrelation, several candidates a frame, and the
cheapest path through them (Boersma 1993, "Accurate short-term analysis of the fundamental
frequency…", Proc. Inst. Phonetic Sciences 17). Quality: harmonics-to-noise ratio from the
same peak; cepstral peak prominence (Hillenbrand & Houde 1996); spectral tilt as the
alpha ratio of eGeMAPS (Eyben et al. 2016); syllable nuclei as voiced peaks of energy with
a dip before them (de Jong & Wempe 2009). Jitter and shimmer are left out: they need single
glottal cycles, which compressed sound in a room does not carry reliably.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy import fft

from agent.senses.voice.peaks import find_peaks, smooth

Floats = npt.NDArray[np.float32]

RATE: Final = 16_000
HOP: Final = 160
"""Samples between frames: 10 ms."""
WINDOW: Final = 800
"""Samples of a frame: 50 ms, three periods of the lowest pitch."""
F0_MIN: Final = 60.0
F0_MAX: Final = 500.0
SILENT_DB: Final = -120.0
"""Energy given to digital silence."""

_FFT: Final = 2048
_UP: Final = 2
"""The autocorrelation is read at twice the sample rate."""
_KEEP: Final = 8
"""Pitch candidates kept of each frame. A high voice has as many whose lag is a multiple of its
own; with five, the true one was now and then not among them."""
_HANN: Final = np.hanning(WINDOW).astype(np.float32)
_POWER: Final = float(np.sum(_HANN**2))
_LAG_MIN: Final = int(_UP * RATE / F0_MAX)
_LAG_MAX: Final = int(np.ceil(_UP * RATE / F0_MIN))

OCTAVE_COST: Final = 0.01
OCTAVE_JUMP: Final = 0.35
VOICING_JUMP: Final = 0.14
VOICING: Final = 0.45
"""Costs of the path as in Boersma 1993, for frames of 10 ms."""


def _autocorrelation_of_window() -> Floats:
    spectrum = np.abs(fft.rfft(_HANN, _FFT)) ** 2
    r = fft.irfft(spectrum, _UP * _FFT)[: _LAG_MAX + 2]
    return np.asarray(r / r[0], dtype=np.float32)


_WINDOW_R: Final = _autocorrelation_of_window()
_HZ: Final = np.fft.rfftfreq(_FFT, 1 / RATE)
_LOW: Final = (_HZ >= 50) & (_HZ < 1000)
_HIGH: Final = (_HZ >= 1000) & (_HZ < 5000)
_BAND: Final = (_HZ >= 300) & (_HZ < 3300)
_LINE: Final = slice(RATE // 1000, int(RATE / F0_MIN) + 1)
"""Quefrencies of the cepstrum's trend line: 1 ms to the longest period."""
_PEAK: Final = slice(int(RATE / F0_MAX), int(RATE / F0_MIN) + 1)


class Frames(NamedTuple):
    """Measurements of n frames; every array is (n,) but the candidates (n, 8)."""

    energy_db: Floats
    """dB re full scale, over the 50 ms window."""
    band_db: Floats
    """The same within 300–3300 Hz, where vowels carry."""
    tilt_db: Floats
    """Alpha ratio: energy 1–5 kHz over 50–1000 Hz; higher is a more pressed, louder voice."""
    cpp_db: Floats
    """Cepstral peak prominence; low is breathy, rough or noise."""
    f0: Floats
    """Candidate pitches in Hz, 0 where there are fewer."""
    r: Floats
    """Their normalised autocorrelation, 0–1."""


def frames(samples: Floats) -> Frames:
    """Measure every whole frame in `samples` (16 kHz mono): frame i starts at sample 160·i."""
    return measured(spectra(samples))


def spectra(samples: Floats) -> Floats:
    """Power spectra of every whole frame in `samples`, (n, 1025) from 0 to 8 kHz."""
    if len(samples) < WINDOW:
        return np.zeros((0, _FFT // 2 + 1), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    cut = (windows - windows.mean(axis=1, keepdims=True)) * _HANN
    return np.asarray(np.abs(fft.rfft(cut, _FFT)) ** 2, np.float32)


def measured(power: Floats) -> Frames:
    """Measurements of frames from their `spectra`."""
    if not len(power):
        none, no_candidates = np.zeros(0, np.float32), np.zeros((0, _KEEP), np.float32)
        return Frames(none, none, none, none, no_candidates, no_candidates)
    # Parseval: the ends of the half spectrum count once, all else twice.
    total = (2 * power.sum(axis=1) - power[:, 0] - power[:, -1]) / _FFT
    scale = 2.0 / (_FFT * _POWER)
    return Frames(
        _db(total / _POWER),
        _db(power[:, _BAND].sum(axis=1) * scale),
        _db(power[:, _HIGH].sum(axis=1)) - _db(power[:, _LOW].sum(axis=1)),
        _prominence(power),
        *_candidates(power),
    )


def _db(power: npt.NDArray[np.floating]) -> Floats:
    floor = 10 ** (SILENT_DB / 10)
    return np.asarray(10 * np.log10(np.maximum(power, floor)), dtype=np.float32)


def _candidates(power: Floats) -> tuple[Floats, Floats]:
    """The strongest peaks of the normalised autocorrelation: pitches in Hz and heights."""
    r = fft.irfft(power, _UP * _FFT)[:, : _LAG_MAX + 2]
    r = r / np.maximum(r[:, :1], 1e-12) / _WINDOW_R
    lags = np.arange(_LAG_MIN, _LAG_MAX + 1)
    here, left, right = r[:, lags], r[:, lags - 1], r[:, lags + 1]
    peak = (here > left) & (here >= right) & (here > 0.15)
    strength = np.where(peak, here + OCTAVE_COST * np.log2(1 / lags), -np.inf)
    best = np.argpartition(-strength, _KEEP, axis=1)[:, :_KEEP]
    row = np.arange(len(r))[:, None]
    a, b, c = left[row, best], here[row, best], right[row, best]
    bend = np.minimum(a - 2 * b + c, -1e-9)
    shift = np.clip(0.5 * (a - c) / bend, -0.5, 0.5)
    height = np.clip(b - 0.25 * (a - c) * shift, 0, 1)
    found = peak[row, best]
    f0 = np.where(found, _UP * RATE / (lags[best] + shift), 0)
    return f0.astype(np.float32), np.where(found, height, 0).astype(np.float32)


def _prominence(power: Floats) -> Floats:
    """Height of the cepstrum's peak over the straight line through it, in dB, (n,)."""
    spectrum = 10 * np.log10(np.maximum(power, 1e-12))
    cepstrum = np.abs(fft.irfft(spectrum, _FFT)[:, : _LINE.stop])
    level = 20 * np.log10(np.maximum(cepstrum, 1e-6))
    x = np.arange(_LINE.start, _LINE.stop) - (_LINE.start + _LINE.stop - 1) / 2
    y = level[:, _LINE]
    slope = (y @ x) / (x @ x)
    line = y.mean(axis=1, keepdims=True) + slope[:, None] * x
    above = y - line
    return np.asarray(above[:, _PEAK.start - _LINE.start :].max(axis=1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Pitch:
    """One path through the candidates, both (n,), NaN where unvoiced."""

    f0_hz: Floats
    hnr_db: Floats
    """Harmonics-to-noise ratio, 10·log10(r / (1 − r))."""


def pitch(f0: Floats, r: Floats, energy_db: Floats, loud_db: float) -> Pitch:
    """The cheapest path through candidates (n, k) of one stretch of speech.

    `loud_db` is the level of the speaker's loudest vowels: frames 30 dB below it count as
    unvoiced. A second pass holds the path near the stretch's own middle pitch, which
    removes what octave errors are left.
    """
    if not len(f0):
        return Pitch(np.zeros(0, np.float32), np.zeros(0, np.float32))
    quiet = np.clip(2 - 10 ** ((energy_db - loud_db + 30) / 20) * (1 + VOICING), 0, 2)
    unvoiced = VOICING + quiet
    with np.errstate(divide="ignore"):
        octave = np.where(f0 > 0, np.log2(f0 / F0_MIN), 0.0)
    score = np.where(f0 > 0, r + OCTAVE_COST * octave, -1e3)
    path = _viterbi(octave, score, unvoiced)
    voiced = path >= 0
    if voiced.sum() >= 10:
        middle = np.median(octave[voiced, path[voiced]])
        score = score - 0.3 * np.maximum(np.abs(octave - middle) - 0.6, 0)
        path = _viterbi(octave, score, unvoiced)
        voiced = path >= 0
    row = np.flatnonzero(_lasting(voiced))
    out = np.full(len(f0), np.nan, np.float32)
    hnr = out.copy()
    out[row] = f0[row, path[row]]
    height = np.clip(r[row, path[row]], 1e-3, 1 - 1e-4)
    hnr[row] = 10 * np.log10(height / (1 - height))
    return Pitch(out, hnr)


def _lasting(voiced: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Without runs of under 30 ms: no glottis does that, noise does."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voiced.astype(np.int8), [0]])))
    kept = voiced.copy()
    for start, end in edges.reshape(-1, 2):
        if end - start < 3:
            kept[start:end] = False
    return kept


def _viterbi(
    octave: npt.NDArray[np.floating],
    score: npt.NDArray[np.floating],
    unvoiced: npt.NDArray[np.floating],
) -> npt.NDArray[np.intp]:
    """Index of the candidate of each frame on the best path, −1 for unvoiced."""
    n, k = score.shape
    gain = np.concatenate([score, unvoiced[:, None]], axis=1)
    back = np.empty((n, k + 1), np.intp)
    cost = np.full((k + 1, k + 1), VOICING_JUMP)
    cost[k, k] = 0.0
    total = gain[0].copy()
    for i in range(1, n):
        cost[:k, :k] = OCTAVE_JUMP * np.abs(octave[i][:, None] - octave[i - 1])
        ways = total - cost
        back[i] = ways.argmax(axis=1)
        total = gain[i] + ways.max(axis=1)
    path = np.empty(n, np.intp)
    path[-1] = total.argmax()
    for i in range(n - 1, 0, -1):
        path[i - 1] = back[i, path[i]]
    return np.where(path == k, -1, path)


def nuclei(band_db: Floats, f0_hz: Floats, loud_db: float) -> npt.NDArray[np.intp]:
    """Rows that are syllable nuclei: voiced energy peaks, 2 dB over the dip before them."""
    if len(band_db) < 5:
        return np.zeros(0, np.intp)
    level = smooth(np.maximum(band_db, loud_db - 40))
    peaks = find_peaks(level, height=loud_db - 25, prominence=2.0, distance=8)
    near = np.isfinite(f0_hz)
    near = near | np.roll(near, 1) | np.roll(near, -1)
    return np.asarray(peaks[near[peaks]], dtype=np.intp)
