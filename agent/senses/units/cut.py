"""Which parts of a face lie outside the picture: a mesh goes on where the picture ends.

Knows mesh vertices and the picture's size. What lies outside was guessed, not seen.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.units import AUS
from agent.schema.evidence import Missing
from agent.schema.samples import Columns, FaceSample
from agent.senses.faces.landmarks import (
    CHIN,
    FOREHEAD,
    LEFT_CHEEK_EDGE,
    NOSE_BRIDGE,
    NOSE_TIP,
    RIGHT_CHEEK_EDGE,
)

PARTS: Final = ("left", "right", "brow", "mouth")
"""Parts that are looked at; left and right are the person's own."""
OUTSIDE: Final = 0.25
"""Share of a part's vertices outside the picture from which the part is cut off."""
MOSTLY: Final = 0.5
"""Share of a person's pictures from which a part counts as cut off throughout."""
BROWS: Final = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
LIPS: Final = (61, 291, 0, 17, 13, 14, 40, 270, 91, 321, CHIN)
REGIONS: Final = {"brow": ("brow",), "mouth": ("mouth", "jaw")}
Flags = npt.NDArray[np.bool_]


def cut(sample: FaceSample) -> tuple[bool, bool, bool, bool]:
    """Which of PARTS are cut off by the edge of the picture."""
    points = sample.mesh[:468, :2]
    height, width = sample.frame.image.shape[:2]
    out: Flags = np.asarray(((points < 0) | (points > (width, height))).any(axis=1))
    if not out.any():
        return False, False, False, False
    across = points[LEFT_CHEEK_EDGE] - points[RIGHT_CHEEK_EDGE]
    middle = points[[FOREHEAD, NOSE_BRIDGE, NOSE_TIP, CHIN]].mean(axis=0)
    left: Flags = np.asarray((points - middle) @ across > 0)
    sides = [bool(out[part].mean() > OUTSIDE) if part.any() else False for part in (left, ~left)]
    if all(sides):  # from above or below
        sides = [False, False]
    seen: Flags = np.asarray(~((left & sides[0]) | (~left & sides[1])))
    rows = [[v for v in part if seen[v]] or list(part) for part in (BROWS, LIPS)]
    brow, mouth = (bool(out[part].mean() > OUTSIDE) for part in rows)
    return sides[0], sides[1], brow, mouth


def left_out(measured: Columns, flags: Flags) -> tuple[Columns, list[Missing]]:
    """The columns without what lies outside the picture (`flags`: samples × PARTS), and what is
    missing for it.

    Of a side that is cut off throughout the other one stands alone; single pictures are gaps.
    """
    missing: list[Missing] = []
    share = dict(zip(PARTS, flags.mean(axis=0).tolist(), strict=True)) if len(flags) else {}
    throughout = [part for part in PARTS if share.get(part, 0.0) > MOSTLY]
    others = [part not in throughout for part in PARTS]
    now_and_then: Flags = np.asarray(flags[:, others].any(axis=1))
    measured = {name: _gaps(values, now_and_then) for name, values in measured.items()}
    if now_and_then.any():
        why = (
            f"in {now_and_then.mean():.0%} of its pictures the picture's edge cuts the face; they "
            "are left out"
        )
        missing.append(Missing(what="cut face", why=why))
    for part in throughout:
        if part in REGIONS:
            gone = [u.code for u in AUS.values() if u.region in REGIONS[part]]
            measured = {n: v for n, v in measured.items() if n[:4] not in gone}
            why = f"the edge of the picture cuts it off; {part} movements are not measured"
            missing.append(Missing(what=part, why=why))
    sides = [part for part in throughout if part not in REGIONS]
    if sides:
        measured = _one_sided(measured, "R" if sides[0] == "left" else "L")
        why = f"its own {sides[0]} side lies outside the picture and is not measured"
        missing.append(Missing(what="sides", why=why))
    if throughout:
        names = ", ".join(f"its own {p} side" if p in sides else p for p in throughout)
        why = f"the edge of the picture cuts the face; not in view: {names}"
        missing.append(Missing(what="cut face", why=why))
    return measured, missing


def _gaps(values: npt.NDArray[np.generic], rows: Flags) -> npt.NDArray[np.generic]:
    return np.where(rows, np.float32(np.nan), values) if rows.any() else values


def _one_sided(measured: Columns, seen: str) -> Columns:
    """The side in view in place of the mean of both; no column of a side by itself."""
    out: Columns = {}
    for name, values in measured.items():
        unit, _, rest = name.partition("_")
        side, _, more = rest.partition("_")
        if side not in ("L", "R"):
            out.setdefault(name, values)
        elif side == seen:
            out[f"{unit}_{more}" if more else unit] = values
    return out
