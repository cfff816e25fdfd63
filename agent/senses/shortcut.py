"""Action units without training on pictures: blendshapes corrected by mesh geometry.

Two sources, weighted by what each is known to see. MediaPipe's blendshapes, mapped as the
usual cheat sheets map them, read AU10, 12, 26 and 45 well and are nearly blind to AU4, 6, 7,
9, 14, 17, 24 and 34. Mesh geometry, with head pose taken out, read by a linear map made
from a head with known muscles (`finetune/mesh_readout.py`), sees brows, nose and jaw well
but only as movement away from the person's own rest. Neither tells AU23 from AU24.
Without blendshapes (468 points) geometry does it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from agent.facs import AUS, MEASURED
from agent.senses import baseline
from agent.senses.au_reading import Knowledge
from agent.senses.faces.landmarks import BLENDSHAPES
from agent.senses.samples import Columns, FaceSample, Floats

VERSION: Final = "shortcut-1"

# fmt: off
POINTS: Final = (
    55, 65, 52, 53, 46, 107, 66, 105, 63, 70, 285, 295, 282, 283, 276, 336, 296, 334, 293, 300,
    9, 8, 33, 160, 159, 158, 133, 153, 145, 144, 362, 385, 386, 387, 263, 373, 374, 380,
    168, 6, 197, 195, 5, 4, 1, 2, 98, 97, 326, 327, 48, 278, 64, 294, 193, 417, 188, 412,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
    18, 200, 199, 152, 148, 377, 175, 50, 280, 205, 425, 118, 347, 101, 330, 187, 411, 207, 427,
    57, 287, 43, 273, 202, 422, 172, 397, 136, 365, 234, 454, 10, 151, 109, 338, 127, 356, 103,
    332,
)
"""Mesh vertices that the read-out looks at."""
STABLE: Final = (
    33, 133, 362, 263, 168, 6, 197, 195, 10, 151, 109, 338, 127, 356, 234, 454, 103, 332,
)
"""Vertices that move with the skull and hardly with muscles; they take the head pose out."""
LIP_GAP: Final = ((82, 87), (13, 14), (312, 317))
SHAPES: Final[Mapping[int, str]] = {
    1: "browInnerUp", 2: "browOuterUp", 4: "browDown", 5: "eyeWide", 6: "cheekSquint",
    7: "eyeSquint", 9: "noseSneer", 10: "mouthUpperUp", 12: "mouthSmile", 14: "mouthDimple",
    15: "mouthFrown", 16: "mouthLowerDown", 17: "mouthShrugLower", 18: "mouthPucker",
    20: "mouthStretch", 22: "mouthFunnel", 24: "mouthPress", 26: "jawOpen", 28: "mouthRoll",
    34: "cheekPuff", 45: "eyeBlink",
}
"""Blendshape (start of its name) of each action unit."""
BLEND: Final[Mapping[int, float]] = {
    1: 0.4, 2: 0.4, 4: 0.3, 5: 0.6, 6: 0.2, 7: 0.3, 9: 0.2, 10: 0.6, 12: 0.8, 14: 0.3, 15: 0.3,
    16: 0.3, 17: 0.3, 18: 0.9, 20: 0.4, 22: 0.5, 24: 0.7, 26: 0.5, 28: 0.7, 34: 0.3, 45: 0.5,
}
"""Share of the blendshape in the reading; the rest is geometry's."""
KNOWLEDGE: Final[Mapping[int, Knowledge]] = {
    1: Knowledge(0.7, 2.0, 1.2), 2: Knowledge(0.75, 1.6, 1.2), 4: Knowledge(0.45, 1.2, 1.3),
    5: Knowledge(0.6, 0.8), 6: Knowledge(0.3, 0.5, 1.5), 7: Knowledge(0.35, 1.0, 1.5),
    9: Knowledge(0.65, 0.5), 10: Knowledge(0.75, 0.6), 12: Knowledge(0.85, 0.6),
    14: Knowledge(0.3, 0.6, 1.5), 15: Knowledge(0.35, 0.6, 1.5), 16: Knowledge(0.3, 0.8, 1.8),
    17: Knowledge(0.3, 0.8, 1.8), 18: Knowledge(0.5, 3.0), 20: Knowledge(0.55, 0.6, 1.2),
    22: Knowledge(0.3, 0.8, 1.5), 23: Knowledge(0.2, 1.0, 9.0), 24: Knowledge(0.35, 1.0, 1.5),
    25: Knowledge(0.7, 0.6, 1.5), 26: Knowledge(0.85, 0.5), 27: Knowledge(0.6, 0.2),
    28: Knowledge(0.5, 0.6, 1.2), 34: Knowledge(0.2, 0.6, 2.0), 45: Knowledge(0.9, 1.0, 1.2),
}
# fmt: on
"""Trust after the measures on rendered faces (`python -m eval.faces`); AU23 gives no events."""
WIDE: Final = 3.5
"""AU26 reading from which the mouth counts as stretched (AU27)."""


class Shortcut:
    """The estimator of today; see `agent.senses.action_units.Estimator`."""

    version: str = VERSION
    knowledge: Mapping[int, Knowledge] = KNOWLEDGE

    def observe(self, sample: FaceSample) -> Floats:
        """52 blendshapes (NaN without them), the geometric readings, and the lip gap."""
        shapes = sample.blendshapes
        if shapes is None:
            shapes = np.full(len(BLENDSHAPES), np.nan, dtype=np.float32)
        points = sample.mesh[None, :468] * np.array([1, -1, -1], dtype=np.float32)
        face = aligned(points[:, POINTS])[0]
        return np.concatenate([shapes, face.reshape(-1) @ _readout().weights, [_gap(face)]])

    def intensities(self, times: Floats, rows: Floats) -> Columns:
        """See `Estimator`. Geometry is read against the calm moments of these rows."""
        shapes, geometry, gap = _split(rows)
        rest = _rest(times, shapes, geometry, gap)
        moved = geometry - rest[:-1]
        columns: Columns = {}
        for number in SHAPES:
            unit = AUS[number]
            for end, side in (("_L", "Left"), ("_R", "Right")) if unit.sided else (("", ""),):
                seen = _shape(shapes, SHAPES[number], side)
                columns[unit.code + end] = _mixed(seen, _read(moved, number, end), number)
        return _derived(columns, gap - rest[-1])


class _Readout:
    """The linear map from aligned points to muscles."""

    def __init__(self, path: Path) -> None:
        stored = np.load(path)
        self.weights: Floats = stored["weights"].astype(np.float32)
        self.names = tuple(str(name) for name in stored["names"])
        self.reference: Floats = stored["reference"].astype(np.float32)[list(POINTS)]
        self.rest: Floats = np.append(
            self.reference.reshape(-1) @ self.weights, _gap(self.reference)
        ).astype(np.float32)


@cache
def _readout() -> _Readout:
    return _Readout(Path(__file__).with_name("shortcut.npz"))


def aligned(points: Floats) -> Floats:
    """Faces (n × POINTS × 3; y up, z towards the camera) without head pose, place and size.

    The similarity transform that brings the STABLE vertices onto the mean face's, least
    squares (Umeyama 1991). The unit afterwards is the mean face's outer-eye distance.
    """
    target = _readout().reference
    index = [POINTS.index(vertex) for vertex in STABLE]
    goal = target[index].mean(axis=0)
    middle = points[:, index].mean(axis=1, keepdims=True)
    around = points[:, index] - middle
    u, s, vt = np.linalg.svd(np.einsum("nij,ik->njk", around, target[index] - goal))
    flip = np.ones_like(s)
    flip[:, 2] = np.sign(np.linalg.det(u @ vt))
    turn = (u * flip[:, None, :]) @ vt
    size = (s * flip).sum(axis=1) / (around**2).sum(axis=(1, 2))
    return np.asarray(size[:, None, None] * ((points - middle) @ turn) + goal, dtype=np.float32)


def _gap(face: Floats) -> np.float32:
    """Mean height of the opening between the lips, in outer-eye distances."""
    pairs = [(POINTS.index(a), POINTS.index(b)) for a, b in LIP_GAP]
    return np.float32(np.mean([np.linalg.norm(face[a] - face[b]) for a, b in pairs]))


def _split(rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Blendshapes, geometric readings, lip gap."""
    count = len(BLENDSHAPES)
    return rows[:, :count], rows[:, count:-1], rows[:, -1]


def _rest(times: Floats, shapes: Floats, geometry: Floats, gap: Floats) -> Floats:
    """Geometry and lip gap of this face at rest; the mean face's where the clip is too short."""
    activity = shapes * 5
    if not np.isfinite(activity).any():
        activity = np.abs(geometry - np.median(geometry, axis=0))
    values = np.column_stack([geometry, gap])
    good = np.asarray(np.isfinite(activity).all(axis=1))
    found = baseline.rest(times, values, baseline.calm(times, activity, good))
    return _readout().rest if found.kind == "none" else found.levels


def _shape(shapes: Floats, start: str, side: str) -> Floats:
    """Mean of the blendshapes of this name and side, as 0-5."""
    mine = [
        i
        for i, name in enumerate(BLENDSHAPES)
        if name.startswith(start) and (name.endswith(side) or not name.endswith(("Left", "Right")))
    ]
    return np.asarray(5 * shapes[:, mine].mean(axis=1))


def _read(moved: Floats, number: int, end: str) -> Floats:
    """The geometric reading of one muscle, 0-5; mean of the sides where there is no side."""
    names = _readout().names
    code = AUS[number].code
    wanted = (f"{code}{end}",) if end else (code, f"{code}_L", f"{code}_R")
    mine = [i for i, name in enumerate(names) if name in wanted]
    return np.asarray(np.clip(moved[:, mine].mean(axis=1), 0, 5))


def _mixed(seen: Floats, read: Floats, number: int) -> Floats:
    """Blendshape and geometry together; geometry alone where there is no blendshape."""
    share = np.where(np.isfinite(seen), BLEND[number], 0.0)
    mixed = share * np.nan_to_num(seen) + (1 - share) * read
    return np.clip(mixed, 0, 5).astype(np.float32)


def _derived(columns: Columns, opened: Floats) -> Columns:
    """The action units that follow from others, and the columns in order."""
    jaw = columns["AU26"].astype(np.float32)
    columns["AU25"] = np.clip(5 * (np.maximum(opened, 0) / 0.25) ** 0.6, 0, 5).astype(np.float32)
    columns["AU27"] = np.clip((jaw - WIDE) * 5 / (5 - WIDE), 0, 5).astype(np.float32)
    columns["AU23"] = columns["AU24"]
    for number in (43, 45):
        for end in ("_L", "_R"):
            columns[f"AU{number}{end}"] = columns[f"AU45{end}"]
    ends = {number: ("_L", "_R") if AUS[number].sided else ("",) for number in MEASURED}
    return {f"AU{n:02d}{end}": columns[f"AU{n:02d}{end}"] for n in MEASURED for end in ends[n]}
