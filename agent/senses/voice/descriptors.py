"""What is measured of a voice every 10 ms, beyond pitch and energy: one row a frame.

Joins the shape of the spectrum, formants and cycles. The last two need a pitch before the path
through the whole phrase is known; they take each frame's strongest candidate (`lead_hz`), and a
row whose pitch turns out to be another has none: `agreeing` leaves it out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Columns, Floats
from agent.senses.voice import cycles, formants, spectrum
from agent.senses.voice.prosody import OCTAVE_COST, Frames

PITCHED: Final = (*formants.NAMES, *cycles.NAMES)
"""Columns that hang on the pitch."""
NAMES: Final = (*spectrum.NAMES, *PITCHED, "lead_hz")
"""All columns of `describe`, float32."""
_PERIODIC: Final = 0.5
"""Least autocorrelation of a frame whose formants and cycles are worth measuring."""
_AUDIBLE_DB: Final = -70.0
_SAME: Final = 0.06
"""Share by which two pitches may differ and be one: a semitone."""


def describe(samples: Floats, power: Floats, frames: Frames) -> Columns:
    """Descriptors of the frames that `prosody.measured(power)` gave for `samples`."""
    short, before = spectrum.powers(samples)
    columns = spectrum.shape(short, before)
    n = len(frames.energy_db)
    score = np.where(frames.f0 > 0, frames.r + OCTAVE_COST * np.log2(frames.f0.clip(1)), -1)
    best = score.argmax(axis=1)
    f0, r = frames.f0[np.arange(n), best], frames.r[np.arange(n), best]
    rows = np.flatnonzero((r > _PERIODIC) & (f0 > 0) & (frames.energy_db > _AUDIBLE_DB))
    columns |= {name: np.full(n, np.nan, np.float32) for name in (*PITCHED, "lead_hz")}
    if len(rows):
        lead = f0[rows]
        found = formants.resonances(short[rows], power[rows], lead)
        for name, values in (found | {"lead_hz": lead}).items():
            columns[name][rows] = values
        # Windows overlap by four fifths: the cycles of every other one are all of them, twice.
        half = rows[rows % 2 == 0]
        for name, values in cycles.perturbation(samples, half, f0[half]).items():
            columns[name][half] = values
    return columns


def agreeing(columns: Columns, f0_hz: Floats) -> Columns:
    """The columns with those in PITCHED set to NaN where the pitch path went elsewhere."""
    with np.errstate(invalid="ignore"):
        same: npt.NDArray[np.bool_] = (
            np.abs(columns["lead_hz"].astype(np.float32) / f0_hz - 1) < _SAME
        )
    kept = {name: np.where(same, columns[name], np.nan).astype(np.float32) for name in PITCHED}
    return {name: kept.get(name, columns[name]) for name in NAMES if name != "lead_hz"}
