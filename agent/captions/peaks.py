"""The moment at which somebody's action units are strongest, from the dense series.

The units are those that made an event in the clip; their intensities are summed sample by
sample, and the greatest sum is the peak (the rule of the MERR data set, Cheng et al. 2024).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.facs.units import AUS, MEASURED
from agent.perception.look import Look
from agent.perception.series import read_people
from agent.schema.evidence import IMPRESSION, Evidence
from agent.schema.samples import Columns

_UNTOLD = ("AU43", "AU45", IMPRESSION)


def peaks(found: Look) -> dict[str, Any]:
    """By person: time in s, frame, and each unit's intensity 0-5 on either side."""
    path = found.folder / "series.parquet"
    if not path.exists():
        return {}
    people = read_people(path)
    return {person: _peak(found.evidence, person, rows) for person, rows in people.items()}


def _peak(evidence: Evidence, person: str, rows: Columns) -> dict[str, Any]:
    codes = [AUS[n].code for n in MEASURED if AUS[n].code in rows]
    moved = {cue.code for cue in evidence.of(person, "face")} - set(_UNTOLD)
    summed = [rows[c] for c in codes if c in moved] or [rows[c] for c in codes if c not in _UNTOLD]
    total = np.nansum(np.stack(summed), axis=0) if summed else np.zeros(len(rows["time"]))
    at = int(np.argmax(total))
    return {
        "time": float(rows["time"][at]),
        "frame": int(rows["frame"][at]) if "frame" in rows else None,
        "box": _box(rows, at),
        "aus": [
            {
                "code": code,
                "intensity": _at(rows, code, at),
                "left": _at(rows, f"{code}_L", at),
                "right": _at(rows, f"{code}_R", at),
            }
            for code in codes
        ],
    }


def _box(rows: Columns, at: int) -> list[float] | None:
    """x, y, width, height of the face in pixels of the clip; None where a table gave the units."""
    found = [_at(rows, name, at) for name in ("box_x", "box_y", "box_w", "box_h")]
    return None if None in found else [side for side in found if side is not None]


def _at(rows: Columns, name: str, at: int) -> float | None:
    if name not in rows or not np.isfinite(rows[name][at]):
        return None
    return round(float(rows[name][at]), 3)
