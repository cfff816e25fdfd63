"""Action units without training on pictures: blendshapes corrected by mesh geometry.

Two sources, weighted by what each is known to see. MediaPipe's blendshapes, mapped as the
usual cheat sheets map them, read AU10, 12, 26 and 45 well and are nearly blind to AU4, 6, 7,
9, 14, 17, 24 and 34. Mesh geometry, with head pose taken out, read by a linear map made
from a head with known muscles (`finetune/mesh_readout.py`), sees brows, nose and jaw well
but only as movement away from the person's own rest. AU6 and AU7 both narrow the eyes: with
a smile it is put down to AU6, without one mostly to AU7. Neither source tells AU23 from AU24.
Without blendshapes (468 points) geometry does it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from agent.facs.units import AUS, MEASURED
from agent.schema.samples import Columns, FaceSample, Floats, Rows
from agent.senses.faces.landmarks import BLENDSHAPES
from agent.senses.units import baseline
from agent.senses.units.series import Knowledge

VERSION: Final = "shortcut-2"

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
LIDS: Final = {"_R": (159, 145, 33, 133), "_L": (386, 374, 362, 263)}
"""Middle of upper and lower lid, and the corners, of each eye."""
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
UNKNOWN: Final = 0.85
"""The same where the person's rest is unknown and geometry can only be held against a mean."""
ANATOMY: Final[Mapping[int, float]] = {10: 1.7, 12: 1.0, 16: 1.5, 20: 2.0, 26: 1.0}
"""How far geometry at rest differs between people, in intensity steps, where it differs little:
more than this in a clip's calmest moments is a held smile or an open mouth, not anatomy."""
KNOWLEDGE: Final[Mapping[int, Knowledge]] = {
    1: Knowledge(0.7, 2.0, 1.2), 2: Knowledge(0.75, 1.6, 1.2), 4: Knowledge(0.45, 1.2, 1.3),
    5: Knowledge(0.6, 0.8), 6: Knowledge(0.5, 0.5, 1.2), 7: Knowledge(0.3, 1.0, 2.0),
    9: Knowledge(0.65, 0.5), 10: Knowledge(0.75, 0.6, 1.3), 12: Knowledge(0.85, 0.6),
    14: Knowledge(0.3, 0.6, 1.5), 15: Knowledge(0.35, 0.6, 1.5), 16: Knowledge(0.3, 0.8, 1.8),
    17: Knowledge(0.3, 0.8, 1.8), 18: Knowledge(0.5, 3.0), 20: Knowledge(0.55, 0.6, 1.2),
    22: Knowledge(0.3, 0.8, 1.5), 23: Knowledge(0.2, 1.0, 9.0), 24: Knowledge(0.35, 1.0, 1.5),
    25: Knowledge(0.7, 0.6, 1.5), 26: Knowledge(0.85, 0.5), 27: Knowledge(0.6, 0.2),
    28: Knowledge(0.5, 0.6, 1.2), 34: Knowledge(0.2, 0.6, 2.0), 45: Knowledge(0.9, 1.0, 1.2),
}
# fmt: on
"""Trust after the measures on rendered faces (`python -m eval.faces`); AU23 gives no events."""
NARROW: Final = 0.45
"""Share of its height at rest that an eye loses when cheek raiser or lid tightener is at 5."""
MASKS: Final[Mapping[int, Mapping[int, float]]] = {
    12: {4: 0.6, 9: 0.6, 10: 0.75, 14: 0.6, 16: 0.5, 17: 0.7, 20: 0.6},
    25: {24: 0.9, 28: 0.4},
    26: {14: 0.7, 15: 0.5, 16: 0.6, 17: 0.8, 20: 0.5, 22: 0.4, 24: 0.9},
}
"""A smile, parted lips and a dropped jaw move the skin that these other muscles move: share of
their reading that is put down to the smile, the lips or the jaw once it is marked."""
BLINK: Final = 0.2
"""Seconds to both sides of closed eyes in which their narrowing belongs to the blink."""
WIDE: Final = 3.5
"""AU26 reading from which the mouth counts as stretched (AU27)."""


_BARE: Final[Mapping[int, Knowledge]] = {
    number: Knowledge(0.75 * known.trust, known.rest, max(known.floor, 1.5))
    for number, known in KNOWLEDGE.items()
}


def _pairs(pairs: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Places in POINTS of pairs of vertices."""
    first, second = zip(*pairs, strict=True)
    return [POINTS.index(v) for v in first], [POINTS.index(v) for v in second]


_POINTS: Final = np.array(POINTS)
_STABLE: Final = [POINTS.index(vertex) for vertex in STABLE]
_LIPS: Final = _pairs(LIP_GAP)
_HEIGHTS: Final = _pairs((up, low) for up, low, _, _ in LIDS.values())
_WIDTHS: Final = _pairs((outer, inner) for _, _, outer, inner in LIDS.values())
_UPWARD: Final = np.array([1, -1, -1], dtype=np.float32)


class Shortcut:
    """The estimator of today; see `agent.senses.units.action_units.Estimator`."""

    version: str = VERSION

    def __init__(self) -> None:
        self._bare = False

    @property
    def knowledge(self) -> Mapping[int, Knowledge]:
        """Less trust and higher floors once a sample came without blendshapes."""
        return _BARE if self._bare else KNOWLEDGE

    def observe(self, sample: FaceSample) -> Floats:
        """52 blendshapes (NaN without them), geometric readings, lip gap, eye openings R, L."""
        shapes = sample.blendshapes
        if shapes is None:
            self._bare = True
            shapes = np.full(len(BLENDSHAPES), np.nan, dtype=np.float32)
        face = aligned(sample.mesh[None, _POINTS] * _UPWARD)[0]
        return np.concatenate([shapes, face.reshape(-1) @ _readout().weights, _openings(face)])

    def absolute(self, rows: Rows) -> Columns:  # noqa: ARG002
        """Nothing: `intensities` holds what there is."""
        return {}

    def intensities(self, times: Floats, rows: Rows) -> Columns:
        """See `Estimator`. Geometry is read against the calm moments of these rows."""
        shapes, shape = np.split(rows[:], [len(BLENDSHAPES)], axis=1)
        rest = _rest(times, shapes, shape)
        known = rest is not _readout().rest
        moved = shape - rest
        columns: Columns = {}
        for number, start in SHAPES.items():
            unit = AUS[number]
            for end, side in (("_L", "Left"), ("_R", "Right")) if unit.sided else (("", ""),):
                seen = _shape(shapes, start, side)
                share = BLEND[number] if known else UNKNOWN
                columns[unit.code + end] = _mixed(seen, _read(moved, number, end), share)
        columns["AU25"] = _parted(moved[:, -3])
        _unmask(columns)
        lost = -moved[:, -2:] / rest[-2:] if known else np.full_like(moved[:, -2:], np.nan)
        _share_lids(columns, times, lost, shapes)
        return _derived(columns)


class _Readout:
    """The linear map from aligned points to muscles."""

    def __init__(self, path: Path) -> None:
        stored = np.load(path)
        self.weights: Floats = stored["weights"].astype(np.float32)
        self.names = tuple(str(name) for name in stored["names"])
        self.reference: Floats = stored["reference"].astype(np.float32)[list(POINTS)]
        self.rest: Floats = np.append(
            self.reference.reshape(-1) @ self.weights, _openings(self.reference)
        ).astype(np.float32)

        far = [ANATOMY.get(int(name[2:4]), 6.0) for name in self.names]
        self.limit: Floats = np.array([*far, 1, 1, 1], dtype=np.float32)


@cache
def _readout() -> _Readout:
    return _Readout(Path(__file__).with_name("geometric.npz"))


def aligned(points: Floats) -> Floats:
    """Faces (n × POINTS × 3; y up, z towards the camera) without head pose, place and size.

    The similarity transform that brings the STABLE vertices onto the mean face's, least
    squares (Umeyama 1991). The unit afterwards is the mean face's outer-eye distance.
    """
    target = _readout().reference[_STABLE]
    goal = target.mean(axis=0)
    middle = points[:, _STABLE].mean(axis=1, keepdims=True)
    around = points[:, _STABLE] - middle
    u, s, vt = np.linalg.svd(np.swapaxes(around, 1, 2) @ (target - goal))
    flip = np.ones_like(s)
    flip[:, 2] = np.sign(np.linalg.det(u @ vt))
    turn = (u * flip[:, None, :]) @ vt
    size = (s * flip).sum(axis=1) / (around**2).sum(axis=(1, 2))
    return np.asarray(size[:, None, None] * ((points - middle) @ turn) + goal, dtype=np.float32)


def _openings(face: Floats) -> Floats:
    """Height between the lips in outer-eye distances; eye heights over widths, right, left."""
    lips, heights, widths = (_lengths(face, pairs) for pairs in (_LIPS, _HEIGHTS, _WIDTHS))
    return np.append(lips.mean(), heights / widths).astype(np.float32)


def _lengths(face: Floats, pairs: tuple[list[int], list[int]]) -> Floats:
    return np.asarray(np.sqrt(((face[pairs[0]] - face[pairs[1]]) ** 2).sum(axis=1)))


def _rest(times: Floats, shapes: Floats, shape: Floats) -> Floats:
    """Geometry of this face at rest; the mean face's where the clip is too short."""
    activity = shapes * 5
    if not np.isfinite(activity).any():
        activity = np.clip(shape[:, :-3] - _readout().rest[:-3], 0, 5)
    good = np.asarray(np.isfinite(activity).all(axis=1))
    chosen = baseline.calm(times, activity, good)
    found = baseline.rest(shape[chosen], baseline.seconds(times, chosen))
    mean = _readout().rest
    if found.kind == "none":
        return mean
    return np.clip(found.levels, mean - _readout().limit, mean + _readout().limit)


def _marked(columns: Columns, number: int, end: str) -> Floats:
    """0-1: how far this action unit is there, from intensity 1 to 2.5."""
    code = AUS[number].code
    own = [name for name in (f"{code}{end}", code) if name in columns][:1]
    names = own or [f"{code}_L", f"{code}_R"]
    values = np.mean([columns[name].astype(np.float32) for name in names], axis=0)
    return np.asarray(np.clip((values - 1) / 1.5, 0, 1))


def _unmask(columns: Columns) -> None:
    """Take off readings what a smile, parted lips or a dropped jaw explain."""
    for strong, shares in MASKS.items():
        for name in [n for n in columns if int(n[2:4]) in shares]:
            there = _marked(columns, strong, name[4:])
            left = 1 - shares[int(name[2:4])] * there
            columns[name] = columns[name].astype(np.float32) * left


def _share_lids(columns: Columns, times: Floats, lost: Floats, shapes: Floats) -> None:
    """Put narrowed eyes down to AU6 and AU7; blinks and looks down are bridged.

    `lost` is the share of its resting height that the right and the left eye lost, NaN where
    rest is unknown: eyes differ too much between people to be held against a mean face's.
    """
    for i, end in enumerate(LIDS):
        side = "Left" if end == "_L" else "Right"
        down = np.nan_to_num(_shape(shapes, "eyeLookDown", side))
        smiles = _marked(columns, 12, end)
        wrinkled = columns[f"AU09{end}"].astype(np.float32)
        narrow = 5 * lost[:, i] / NARROW - 0.5 * wrinkled * (1 - smiles)
        narrow -= 0.8 * np.maximum(down - np.quantile(down, 0.3), 0)
        closed = columns[f"AU45{end}"].astype(np.float32)
        squint = 0.6 * np.nan_to_num(_shape(shapes, "eyeSquint", side))
        narrow = np.where(np.isfinite(narrow), narrow, squint)
        narrow = np.clip(_without_blinks(times, narrow, closed), 0, 5)
        columns[f"AU06{end}"] = (narrow * (0.3 + 0.7 * smiles)).astype(np.float32)
        columns[f"AU07{end}"] = (narrow * (1 - 0.7 * smiles)).astype(np.float32)


def _without_blinks(times: Floats, values: Floats, closed: Floats) -> Floats:
    """Straight lines across blinks and their flanks, then a median over half a second."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    if step <= 0 or step > BLINK / 2:
        return values
    reach = round(BLINK / step)
    shut = np.convolve(closed > 1.3, np.ones(2 * reach + 1), mode="same") > 0
    if shut.any() and not shut.all():
        index = np.arange(len(values))
        values = values.copy()
        values[shut] = np.interp(index[shut], index[~shut], values[~shut])
    padded = np.pad(values, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(np.median(windows, axis=1))


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


def _mixed(seen: Floats, read: Floats, share: float) -> Floats:
    """Blendshape (its share) and geometry; geometry alone where there is no blendshape."""
    shares = np.where(np.isfinite(seen), share, 0.0)
    mixed = shares * np.nan_to_num(seen) + (1 - shares) * read
    return np.clip(mixed, 0, 5).astype(np.float32)


def _parted(opened: Floats) -> Floats:
    """AU25 from how far the lips are apart, in outer-eye distances more than at rest."""
    return np.clip(5 * (np.maximum(opened, 0) / 0.25) ** 0.6, 0, 5).astype(np.float32)


def _derived(columns: Columns) -> Columns:
    """The action units that follow from others, and the columns in order."""
    jaw = columns["AU26"].astype(np.float32)
    columns["AU27"] = np.clip((jaw - WIDE) * 5 / (5 - WIDE), 0, 5).astype(np.float32)
    columns["AU23"] = columns["AU24"]
    for number in (43, 45):
        for end in ("_L", "_R"):
            columns[f"AU{number}{end}"] = columns[f"AU45{end}"]
    ends = {number: ("_L", "_R") if AUS[number].sided else ("",) for number in MEASURED}
    return {f"AU{n:02d}{end}": columns[f"AU{n:02d}{end}"] for n in MEASURED for end in ends[n]}
