"""What the read-outs of the face take from a window of the evidence.

Knows names and units of measurements; nothing of weights or labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

UNITS: Final[tuple[str, ...]] = (
    "AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14", "AU15", "AU16",
    "AU17", "AU18", "AU20", "AU22", "AU23", "AU24", "AU25", "AU26", "AU27", "AU28", "AU34", "AU45",
)  # fmt: skip
"""Action units that the face's read-outs use: absolute intensities, 0-5. AU45 is how far the
eyes are shut, for however long."""
ONE_SIDED: Final[tuple[str, ...]] = ("AU12", "AU14")
"""Units of which the difference of the two sides counts as well."""
HEAD: Final[tuple[str, ...]] = ("pitch_deg", "eyes_open")
IMPRESSION: Final = "impression_"
"""Start of the names of what the face looks like to most people, shares by label."""
MOST: Final = 3.0
"""Intensity towards which larger ones are drawn in: one wild measurement must not decide."""
LEAST: Final = 0.005
"""Shares below are all the same to the read-out."""


def face_names(labels: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the features; with the impression's where its labels are given."""
    sides = tuple(f"{code}_uni" for code in ONE_SIDED)
    return (*UNITS, *sides, *HEAD, *(f"{IMPRESSION}{label}" for label in labels))


def face_features(values: Mapping[str, float]) -> dict[str, float]:
    """Features of one window (or picture) by name; what was not measured is absent.

    Units are drawn in towards MOST, `AU12_uni` is the difference of the sides, the impression's
    shares become natural logarithms.
    """
    found = {name: values[name] for name in (*UNITS, *HEAD) if name in values}
    if "AU43" in values:  # series part long closures from blinks; here they are one
        found["AU45"] = max(values["AU43"], values.get("AU45", 0.0))
    for code in ONE_SIDED:
        left, right = values.get(f"{code}_L"), values.get(f"{code}_R")
        if left is not None and right is not None:
            found[f"{code}_uni"] = abs(left - right)
    found |= {name: drawn_in(value) for name, value in found.items() if name not in HEAD}
    for name, share in values.items():
        if name.startswith(IMPRESSION) and math.isfinite(share):
            found[name] = math.log(max(share, LEAST))
    return found


def drawn_in(intensity: float) -> float:
    """An intensity in steps with its extremes drawn in."""
    return MOST * math.tanh(intensity / MOST)


def table(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> np.ndarray:
    """Rows of features as an array rows × names, NaN where one is absent."""
    return np.array([[row.get(name, np.nan) for name in names] for row in rows], np.float64)
