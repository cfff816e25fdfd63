"""What the rows of one stretch of speech amount to: some ninety numbers, each with a name.

Knows columns of `voice` and `descriptors`, and statistics; not who speaks, and no emotion. After
the functionals of eGeMAPS (Eyben et al. 2016, section 4): mean and variation of each descriptor,
percentiles and slopes of pitch and loudness, rates and lengths of voiced pieces. Where the
published set takes a coefficient of variation of a number that has no natural zero (dB,
semitones), the standard deviation stands instead. Loudness enters as log2, so that the gain of a
recording moves only `loudness_mean` and the three percentiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Columns
from agent.senses.voice.peaks import find_peaks

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

STEP: Final = 0.01
"""Seconds between rows."""
LEAST: Final = 15
"""Voiced rows that a stretch needs."""

_VOICED: Final = (
    "tilt_db", "hammarberg_db", "slope_low", "slope_mid", "flux", "mfcc1", "mfcc2", "mfcc3",
    "mfcc4", "hnr_db", "cpp_db", "jitter", "shimmer_db", "h1_h2_db", "h1_a3_db", "f1_hz", "f2_hz",
    "f3_hz", "f1_width_hz", "f2_width_hz", "f3_width_hz", "f1_db", "f2_db", "f3_db",
)  # fmt: skip
"""Described over voiced rows by mean and standard deviation."""
_UNVOICED: Final = ("tilt_db", "hammarberg_db", "slope_low", "slope_mid", "flux")
"""Described over unvoiced rows by their mean."""
_LOGARITHMIC: Final = frozenset(
    ("f1_hz", "f2_hz", "f3_hz", "f1_width_hz", "f2_width_hz", "f3_width_hz", "jitter", "shimmer_db")
)
"""Taken as log2: a ratio means the same for large and small throats."""
_MEDIANS: Final = frozenset(("f1_hz", "f2_hz", "f3_hz"))
"""Given by their median as well: now and then a formant is taken for its neighbour."""
_SMALL: Final = 1e-4


def functionals(columns: Columns, rows: slice) -> dict[str, float]:
    """Functionals of one stretch; empty with less than 0.15 s of voiced speech.

    `columns` as in `Heard.series` and `descriptors.agreeing` together. Values that cannot be had
    are NaN. Names: descriptor, then `_mean`, `_sd`, `_p20`, `_p50`, `_p80`, `_rise`, `_fall`
    (means of the rising and falling slopes, per second); `pitch` is in semitones over 100 Hz,
    formants, bandwidths, jitter and shimmer in log2 of their unit.
    """
    cut = {name: values[rows].astype(np.float64) for name, values in columns.items()}
    voiced = np.isfinite(cut["f0_hz"])
    if voiced.sum() < LEAST:
        return {}
    found = _pitch(cut["f0_hz"], voiced) | _loudness(cut["loudness"])
    for name in _VOICED:
        values = cut[name][voiced]
        if name in _LOGARITHMIC:
            values = np.log2(np.maximum(values, _SMALL))
        found |= _mean_and_sd(name, values)
        if name in _MEDIANS:
            found[f"{name}_p50"] = _median(values)
    silent = ~voiced & (cut["loudness"] > 0.1 * np.percentile(cut["loudness"], 90))
    for name in _UNVOICED:
        found[f"{name}_unvoiced"] = _mean(cut[name][silent])
    return found | _timing(cut, voiced)


def _pitch(f0: Values, voiced: Flags) -> dict[str, float]:
    tones = 12 * np.log2(f0 / 100)
    found = _spread("pitch", tones[voiced])
    steps = [np.diff(_smooth(tones[a:b])) for a, b in runs(voiced, 5)]
    changes = np.concatenate(steps) if steps else np.empty(0)
    return found | _slopes("pitch", changes)


def _loudness(loudness: Values) -> dict[str, float]:
    level = np.log2(np.maximum(_smooth(loudness), _SMALL))
    return _spread("loudness", level) | _slopes("loudness", np.diff(level))


def _spread(name: str, values: Values) -> dict[str, float]:
    low, middle, high = np.percentile(values, (20, 50, 80))
    found = {f"{name}_p20": low, f"{name}_p50": middle, f"{name}_p80": high}
    return (
        _mean_and_sd(name, values)
        | {k: float(v) for k, v in found.items()}
        | {f"{name}_range": float(high - low)}
    )


def _slopes(name: str, changes: Values) -> dict[str, float]:
    """Mean rise and fall per second, from the change of each row to the next."""
    rising, falling = changes[changes > 0], changes[changes < 0]
    return {f"{name}_rise": _mean(rising) / STEP, f"{name}_fall": _mean(falling) / STEP}


def _mean_and_sd(name: str, values: Values) -> dict[str, float]:
    known = values[np.isfinite(values)]
    sd = float(known.std()) if len(known) > 1 else np.nan
    return {f"{name}_mean": _mean(known), f"{name}_sd": sd}


def _mean(values: Values) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _median(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _timing(cut: Mapping[str, Values], voiced: Flags) -> dict[str, float]:
    """Rates per second and lengths in seconds."""
    seconds = len(voiced) * STEP
    loudness = _smooth(cut["loudness"].astype(np.float64))
    floor = 0.1 * float(loudness.max())
    peaks = find_peaks(loudness, prominence=floor, height=3 * floor, distance=5)
    on = [(b - a) * STEP for a, b in runs(voiced, 3)]
    off = [(b - a) * STEP for a, b in runs(~voiced, 1)]
    return {
        "loudness_peaks": len(peaks) / seconds,
        "syllables": float(np.nansum(cut["syllable"].astype(np.float64))) / seconds,
        "voiced_pieces": len(on) / seconds,
        "voiced_length_mean": float(np.mean(on)) if on else np.nan,
        "voiced_length_sd": float(np.std(on)) if on else np.nan,
        "unvoiced_length_mean": float(np.mean(off)) if off else 0.0,
        "unvoiced_length_sd": float(np.std(off)) if off else 0.0,
        "voiced_share": float(voiced.mean()),
    }


def runs(flags: Flags, least: int) -> Iterator[tuple[int, int]]:
    """Stretches [a, b) of at least `least` true rows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    for a, b in edges.reshape(-1, 2).tolist():
        if b - a >= least:
            yield a, b


def _smooth(values: Values) -> Values:
    """Mean over three rows; ends over two."""
    if len(values) < 3:
        return values
    inner = (values[:-2] + values[1:-1] + values[2:]) / 3
    return np.concatenate([[values[:2].mean()], inner, [values[-2:].mean()]])
