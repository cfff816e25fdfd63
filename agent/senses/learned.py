"""Action units read by networks that learned them from rendered faces with known muscles.

Reads geometry (the mesh in the face's own frame), blendshapes where there are any, and
the skin of a frontal patch; relative to the person's own resting face, which it finds in
the rows themselves. Trained by `finetune.aus`; how well it does, on rendered and on real
faces, stands in docs/action_units.md. Knows nothing about tracks, cues or emotions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.facs import AUS
from agent.senses.face_frame import PATCH, MeanFace
from agent.senses.faces.landmarks import BLENDSHAPES
from agent.senses.samples import Columns, FaceSample, Floats, Image
from agent.senses.weights import WEIGHTS, version

if TYPE_CHECKING:
    from agent.senses.au_reading import Knowledge

TARGETS_SIDE: Final = (
    "AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10",
    "AU12", "AU14", "AU15", "AU16", "AU20", "AU24", "AU34", "AU43",
)  # fmt: skip
"""Read for each side. AU43 is how far the lids are closed, for however long."""
TARGETS_WHOLE: Final = ("AU17", "AU18", "AU22", "AU26", "AU28", "AU25")
"""Read for the whole face."""
COUNT: Final = len(TARGETS_SIDE) + len(TARGETS_WHOLE)
SKIN: Final = 40
"""Numbers that the patch network gives for each half of the face."""
HALF: Final = 56
"""Columns of the patch that one half sees."""


def blendshape_mirror() -> npt.NDArray[np.int64]:
    """Index of each blendshape's mirror image."""
    swap = {"Left": "Right", "Right": "Left"}
    names = [re.sub("Left|Right", lambda side: swap[side[0]], name) for name in BLENDSHAPES]
    return np.array([BLENDSHAPES.index(name) for name in names])


def contrast(patch: npt.NDArray[np.uint8]) -> Floats:
    """A patch with light and skin tone taken out: local mean 0, local contrast about 1."""
    grey = patch.astype(np.float32)
    level = cv2.GaussianBlur(grey, (0, 0), 7)
    off = grey - level
    spread = np.sqrt(cv2.GaussianBlur(off * off, (0, 0), 12)) + 4.0
    return np.asarray(off / spread, np.float32)


def halves(patch: Floats) -> Floats:
    """The person's left half and the mirrored right half of a patch: 2 × PATCH × HALF."""
    return np.stack([patch[:, PATCH - HALF :], patch[:, ::-1][:, PATCH - HALF :]])


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a row."""

    shape: int
    """Numbers of the mesh's shape."""

    @property
    def spans(self) -> dict[str, slice]:
        ends = np.cumsum([0, self.shape, 52, SKIN, SKIN, 3, 1])
        names = ("shape", "blendshapes", "left", "right", "pose", "quality")
        return {name: slice(a, b) for name, a, b in zip(names, ends, ends[1:], strict=False)}

    @property
    def width(self) -> int:
        return self.shape + 52 + 2 * SKIN + 4


class Net:
    """The network over rows of one kind of mesh, as plain matrices.

    It reads the left side; the right side is the left side of the mirrored row. Its entry:
    what differs from the resting row, the resting row less the mean one, head pose,
    quality, and how much the resting row is worth.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        own = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
        self.basis = own["basis"]
        """Shape numbers × (468·3): points less the mean face → shape."""
        self.layout = Layout(len(self.basis))
        self.mean, self.scale = own["mean"], own["scale"]
        """Of the row's features (shape, blendshapes, skin), for both sides alike."""
        self.sign = own["sign"]
        """1 for shape numbers that a mirror leaves, −1 for those it turns round."""
        self.layers = [
            (np.atleast_3d(own[f"w{i}"].T).T, own[f"b{i}"].reshape(-1, 1, own[f"b{i}"].shape[-1]))
            for i in range(sum(k.startswith("w") for k in own))
        ]
        """Weights (members × in × out) and biases (members × 1 × out)."""
        self.alone = own.get("alone", np.ones(COUNT, np.float32))
        """What intensities are worth where no rest is known."""
        self.bend, self.spread = own["bend"], own["spread"]
        """Calibration on held-out people: intensity = bend · raw, deviation = spread · raw."""

    def mirrored(self, rows: Floats) -> Floats:
        """The rows of the mirrored faces."""
        spans = self.layout.spans
        out = rows.copy()
        out[:, spans["shape"]] *= self.sign
        out[:, spans["blendshapes"]] = rows[:, spans["blendshapes"]][:, _MIRROR]
        out[:, spans["left"]], out[:, spans["right"]] = (
            rows[:, spans["right"]],
            rows[:, spans["left"]],
        )
        out[:, spans["pose"]] *= np.array([-1, 1, -1], np.float32)
        return out

    def entry(self, rows: Floats, rest: Floats | None, worth: float) -> Floats:
        """Rows against a resting row (None: unknown) as the first layer takes them."""
        count = self.layout.spans["pose"].start
        features = np.where(np.isfinite(rows), rows, 0)
        middle = self.mean if rest is None else rest[:count]
        ahead = (features[:, :count] - middle) / self.scale
        behind = np.broadcast_to((middle - self.mean) / self.scale, ahead.shape)
        known = np.full((len(rows), 1), worth, np.float32)
        tail = features[:, count:]
        return np.concatenate([ahead, behind, tail, known], axis=1, dtype=np.float32)

    def raw(self, rows: Floats, rest: Floats | None = None, worth: float = 0.0) -> Floats:
        """n × 2 (left, right) × 3 (intensity / 5, log deviation, presence logit) × COUNT."""
        # In blocks: half an hour of rows at once would take half a gigabyte.
        blocks = [rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK)]
        return np.concatenate([self._block(block, rest, worth) for block in blocks])

    def _block(self, rows: Floats, rest: Floats | None, worth: float) -> Floats:
        other = None if rest is None else self.mirrored(rest[None])[0]
        sides = ((rows, rest), (self.mirrored(rows), other))
        value = np.concatenate([self.entry(part, base, worth) for part, base in sides])[None]
        for weight, bias in self.layers[:-1]:
            value = np.maximum(value @ weight + bias, 0)
        weight, bias = self.layers[-1]
        said = (value @ weight + bias).reshape(len(weight), 2, len(rows), 3, COUNT)
        return _agreed(said).transpose(1, 0, 2, 3)


def _agreed(said: Floats) -> Floats:
    """What several networks say (members first) as one: where they differ, it is less sure."""
    out: Floats = said.mean(axis=0)
    own = np.exp(2 * np.clip(said[..., 1, :], -5, 1)).mean(axis=0)
    out[..., 1, :] = 0.5 * np.log(own + said[..., 0, :].var(axis=0))
    return out


_MIRROR: Final = blendshape_mirror()
BLOCK: Final = 2048
"""Rows that go through the network at a time."""
SHUT: Final = TARGETS_SIDE.index("AU43")


def activity(raw: Floats) -> Floats:
    """How much a face does in all, n: intensities summed over targets, lids left out."""
    level = np.clip(raw[:, :, 0], 0, 1).copy()
    level[:, :, SHUT] = 0
    total: Floats = level.sum(axis=(1, 2)) * 2.5
    return total


def resting(rows: Floats, amount: Floats, quality: Floats) -> tuple[Floats, float]:
    """The row of this person at rest, and what it is worth (0–1), from their quiet moments.

    A mean of rows, each weighing less the more activity (`amount`, n) it shows above the
    quietest ones. Worth falls where even the quietest moments are active, or few.
    """
    low = float(np.quantile(amount, 0.1))
    weight = np.exp(-np.clip(amount - low, 0, None) / CALM) * (quality + 0.05)
    weight /= weight.sum()
    count = 1 / float((weight**2).sum())
    level = float(weight @ amount)
    worth = min(1.0, count / 8) * float(np.exp(-level / 6))
    return np.asarray(weight @ rows, np.float32), worth


CALM: Final = 2.0
"""Activity (intensity steps in all) above the quietest at which a row counts a third."""


class Learned:
    """The learned estimator; see `agent.senses.action_units.Estimator`.

    Works with 468 points alone, and better with 478 points and blendshapes; one network
    for each. A row says which of them it is for in its first number.
    """

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """`weights` is a folder with aus.npz and aus_skin.onnx."""
        stored = dict(np.load(weights / "aus.npz"))
        self.version = version(weights)
        self.knowledge: Mapping[int, Knowledge] = _knowledge(stored)
        self._mean = MeanFace(
            stored["mean_points"].astype(np.float32), stored["mean_weights"].astype(np.float32)
        )
        self._nets = {mesh: Net(_part(stored, mesh)) for mesh in ("large", "small")}
        self._skin_file = weights / "aus_skin.onnx"

    def observe(self, sample: FaceSample) -> Floats:
        """One sample as a row: which mesh, shape, blendshapes, skin, head pose, quality."""
        patch = self._mean.patch(sample.frame.image, self._mean.upright(sample.mesh))
        return self.row(sample.mesh, sample.blendshapes, patch, sample.quality)

    def row(self, mesh: Floats, blendshapes: Floats | None, patch: Image, quality: float) -> Floats:
        """`observe` for a mesh in pixels and the frontal grey patch (PATCH × PATCH) under it."""
        large = blendshapes is not None
        net = self._nets["large" if large else "small"]
        upright = self._mean.upright(mesh)
        shapes = np.zeros(52, np.float32) if blendshapes is None else blendshapes
        offset = (upright.points - self._mean.points).reshape(-1)
        return np.concatenate(
            [[large], net.basis @ offset, shapes, *self._skin(patch), upright.pose, [quality]],
            dtype=np.float32,
        )

    def intensities(self, times: Floats, rows: Floats) -> Columns:
        """See `Estimator`; besides, `AU12_p` (presence, 0–1) and `AU12_sd` (steps)."""
        return columns(steadied(np.asarray(times, np.float32), self._raw(rows)))

    def _raw(self, rows: Floats) -> Floats:
        large = rows[:, 0] == 1.0
        if large.all() or not large.any():
            mesh = "large" if large.all() else "small"
            return self._against_rest(self._nets[mesh], rows[:, 1:])
        raw = np.empty((len(rows), 2, 3, COUNT), np.float32)
        for mesh, mine in (("large", large), ("small", ~large)):
            raw[mine] = self._against_rest(self._nets[mesh], rows[mine, 1:])
        return raw

    def _against_rest(self, net: Net, rows: Floats) -> Floats:
        """Calibrated output of the network, against these rows' own rest where they show one."""
        raw = net.raw(rows)
        amount = activity(raw)
        raw[:, :, 0] *= net.bend * net.alone
        if len(rows) < FEW:
            raise_brows(raw, rows[:, net.layout.spans["blendshapes"]])
        else:
            quality = rows[:, net.layout.spans["quality"]][:, 0]
            rest, worth = resting(rows, amount, quality)
            against = net.raw(rows, rest, worth)
            against[:, :, 0] *= net.bend
            share = believed(net.raw(rest_row(net, rest)), worth)
            against *= share
            raw *= 1 - share
            raw += against
        raw[:, :, 1] += np.log(net.spread)
        return raw

    def _skin(self, patch: Image) -> Floats:
        batch = np.ascontiguousarray(halves(contrast(patch))[:, None])
        (seen,) = self._session.run(None, {"half": batch})
        return np.asarray(seen, np.float32)

    @cached_property
    def _session(self) -> Any:  # onnxruntime has no types
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            self._skin_file, options, providers=["CPUExecutionProvider"]
        )


def raise_brows(raw: Floats, shapes: Floats) -> None:
    """In stills brows and upper lids are at least as high as blendshapes see them.

    In place; `shapes` is n × 52, zeros where there are none. Without a rest to hold a face
    against, what counts is how real brows and eyes lie at rest: blendshapes were learned from
    real faces, and rendered ones tell too little of it.
    """
    for row, side in enumerate(("Left", "Right")):
        for code, start in HIGH.items():
            names = [i for i, name in enumerate(BLENDSHAPES) if name in (start, start + side)]
            level = raw[:, row, 0, TARGETS_SIDE.index(code)]
            np.maximum(level, shapes[:, names].mean(axis=1), out=level)


HIGH: Final[Mapping[str, str]] = {
    "AU01": "browInnerUp", "AU02": "browOuterUp", "AU05": "eyeWide",
}  # fmt: skip


def rest_row(net: Net, rest: Floats) -> Floats:
    """A resting row as a row of its own, seen from the front; 1 × width."""
    row = np.zeros((1, net.layout.width), np.float32)
    row[0, : net.layout.spans["pose"].start] = rest[: net.layout.spans["pose"].start]
    row[0, net.layout.spans["quality"]] = 1
    return row


def believed(read: Floats, worth: float) -> Floats:
    """How far each target is read against the resting row, COUNT shares of 0–1.

    `read` is what the network makes of the resting row alone. Where the quietest moments
    still smile, the face never rests in this clip, and cheeks and mouth are read as they are.
    """
    smile = 5 * float(read[0, :, 0, TARGETS_SIDE.index("AU12")].mean())
    share = np.full(COUNT, np.clip((worth - NO_REST) / (SOME_REST - NO_REST), 0, 1), np.float32)
    share[_BELOW] *= 1 - np.clip(smile - SMILING, 0, 1)
    return share


SMILING: Final = 1.3
"""AU12 of a resting row up to which it may be how this face is; a step more, and it is a smile."""
_BELOW: Final = [
    i for i, code in enumerate((*TARGETS_SIDE, *TARGETS_WHOLE))
    if code not in ("AU01", "AU02", "AU04", "AU05", "AU43")
]  # fmt: skip
NO_REST: Final = 0.08
"""Worth of a resting row up to which it is not used: the face never rests in this clip."""
SOME_REST: Final = 0.2
"""Worth from which it is used in full."""
FEW: Final = 8
"""Rows from which a person's rest is looked for."""
SMOOTH: Final[Mapping[str, float]] = {
    "AU43": 0.0, "AU16": 0.025, "AU18": 0.025, "AU22": 0.025, "AU25": 0.025, "AU26": 0.025,
}  # fmt: skip
"""Seconds, standard deviation of the smoothing over time: lids and speech move fastest."""
SLOW: Final = 0.035
"""Seconds of smoothing for all the others."""


REACH: Final = 4
"""Neighbours on each side that smoothing looks at."""


def steadied(times: Floats, raw: Floats) -> Floats:
    """Output smoothed over neighbours in time that are surer; n × 2 × 3 × COUNT.

    A narrow Gaussian, each neighbour weighing by its own certainty, so that one bad picture
    does not show. It is far narrower than 0.2 s: brief events keep their height.
    """
    if len(raw) < 3:
        return raw
    out = np.empty_like(raw)
    for start in range(0, len(raw), BLOCK):
        low, end = max(0, start - REACH), min(len(raw), start + BLOCK)
        block = slice(low, min(len(raw), end + REACH))
        out[start:end] = _steady_block(times[block], raw[block])[start - low : end - low]
    return out


def _steady_block(times: Floats, raw: Floats) -> Floats:
    width = np.array([max(SMOOTH.get(c, SLOW), 1e-4) for c in (*TARGETS_SIDE, *TARGETS_WHOLE)])
    trust = np.exp(-np.clip(raw[:, :, 1], -5, 1))
    total, weight = np.zeros_like(raw[:, :, [0, 2]]), np.zeros_like(trust)
    for step in range(-REACH, REACH + 1):
        here = np.arange(max(0, -step), len(raw) - max(0, step))
        there = here + step
        apart = np.abs(times[there] - times[here])[:, None]
        near = np.exp(-0.5 * (apart / width) ** 2)
        share = near[:, None] * trust[there]
        weight[here] += share
        total[here] += share[:, :, None] * raw[there][:, :, [0, 2]]
    out = raw.copy()
    out[:, :, [0, 2]] = total / weight[:, :, None]
    return out


def columns(raw: Floats) -> Columns:
    """Network output as AU columns: intensity 0–5, `_p` presence 0–1, `_sd` deviation in steps."""
    level = np.clip(5 * raw[:, :, 0], 0, 5)
    chance = 1 / (1 + np.exp(-np.clip(raw[:, :, 2], -30, 30)))
    spread = 5 * np.exp(np.clip(raw[:, :, 1], -5, 1))
    left = unbared(level)
    level[:, :, LOWER_LIP] *= left
    chance[:, :, LOWER_LIP] *= left
    out: Columns = {}
    for place, code in enumerate((*TARGETS_SIDE, *TARGETS_WHOLE)):
        name = "AU45" if code == "AU43" else code
        sided = AUS[int(name[2:])].sided
        for row, side in enumerate("LR" if sided else ""):
            out[f"{name}_{side}"] = level[:, row, place]
        out[name] = level[:, :, place].mean(axis=1)
        out[f"{name}_p"] = chance[:, :, place].max(axis=1)
        out[f"{name}_sd"] = spread[:, :, place].mean(axis=1)
    jaw, press = (TARGETS_WHOLE.index("AU26"), TARGETS_SIDE.index("AU24"))
    out["AU23"] = 0.9 * level[:, :, press].mean(axis=1)
    open_wide = level[:, :, len(TARGETS_SIDE) + jaw].mean(axis=1) - WIDE
    out["AU27"] = np.clip(open_wide * 5 / (5 - WIDE), 0, 5)
    return {name: value.astype(np.float32) for name, value in out.items()}


def unbared(level: Floats) -> Floats:
    """What is left of AU16 beside a smile, a share for each side: n × 2, from n × 2 × COUNT, 0–5.

    Pulled lip corners bare the lower teeth as well. In rendered smiles they do not, so the
    networks take every real broad smile for a lowered lip.
    """
    smile = np.clip((level[:, :, TARGETS_SIDE.index("AU12")] - SLIGHT) / SLIGHT, 0, 1)
    return np.asarray(1 - BARED * smile, np.float32)


LOWER_LIP: Final = TARGETS_SIDE.index("AU16")
SLIGHT: Final = 1.5
"""AU12 up to which lips cover the lower teeth; at twice as much they are bared."""
BARED: Final = 0.7
"""Share of AU16 that a marked smile explains. On held-out rendered people any share from 0 to
0.7 reads AU16 as well (PCC 0.405 to 0.409)."""
WIDE: Final = 3.5
"""AU26 from which the mouth counts as stretched (AU27)."""


def _part(stored: Mapping[str, npt.NDArray[np.generic]], mesh: str) -> dict[str, Floats]:
    start = f"{mesh}/"
    return {
        name.removeprefix(start): np.asarray(value, np.float32)
        for name, value in stored.items()
        if name.startswith(start)
    }


def _knowledge(stored: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[int, Knowledge]:
    from agent.senses.au_reading import Knowledge

    return {
        int(number): Knowledge(float(trust), float(rest), float(floor))
        for number, trust, rest, floor in np.asarray(stored["knowledge"], np.float64)
    }
