"""Action units read by networks that learned them from rendered faces with known muscles.

Reads geometry (the mesh in the face's own frame), blendshapes where there are any, and
the skin of a frontal patch; relative to the person's own resting face, which it finds in
the rows themselves. Trained by `finetune.aus`; how well it does, on rendered and on real
faces, stands in docs/action_units.md. Knows nothing about tracks, cues or emotions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.facs.units import AUS
from agent.schema.samples import Columns, FaceSample, Floats, Image, Rows
from agent.senses.faces.landmarks import BLENDSHAPES
from agent.senses.units.face_frame import PATCH, MeanFace, Upright
from agent.senses.units.net import (
    BLOCK,
    COUNT,
    TARGETS_SIDE,
    TARGETS_WHOLE,
    Net,
    activity,
    at_rest,
    lids,
)
from agent.senses.units.steady import steadied
from agent.senses.weights import WEIGHTS, version

if TYPE_CHECKING:
    from agent.senses.units.series import Knowledge

Flags = npt.NDArray[np.bool_]
HALF: Final = 56
"""Columns of the patch that one half sees."""


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


class Learned:
    """The learned estimator; see `agent.senses.units.action_units.Estimator`.

    Works with 468 points alone, and better with 478 points and blendshapes; one network
    for each. A row says which of them it is for in its first number.
    """

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """`weights` is a folder with aus.npz and aus_skin.onnx, and pictures.json if fitted."""
        stored = dict(np.load(weights / "aus.npz"))
        self.version = version(weights)
        self.knowledge: Mapping[int, Knowledge] = _knowledge(stored)
        self._mean = MeanFace(
            stored["mean_points"].astype(np.float32), stored["mean_weights"].astype(np.float32)
        )
        fitted = weights / "pictures.json"
        begins = json.loads(fitted.read_text(encoding="utf-8")) if fitted.exists() else {}
        self._nets = {
            mesh: Net(_part(stored, mesh), begins.get(mesh)) for mesh in ("large", "small")
        }
        self._skin_file = weights / "aus_skin.onnx"

    def observe(self, sample: FaceSample) -> Floats:
        """One sample as a row: which mesh, shape, blendshapes, skin, head pose, quality."""
        upright = self.upright(sample.mesh)
        patch = self._mean.patch(sample.frame.image, upright)
        return self.row(upright, sample.blendshapes, patch, sample.quality)

    def upright(self, mesh: Floats) -> Upright:
        """A mesh (pixels) laid over the mean face."""
        return self._mean.upright(mesh)

    def row(
        self, upright: Upright, blendshapes: Floats | None, patch: Image, quality: float
    ) -> Floats:
        """`observe` for an upright mesh and the frontal grey patch (PATCH × PATCH) under it."""
        large = blendshapes is not None
        net = self._nets["large" if large else "small"]
        shapes = np.zeros(52, np.float32) if blendshapes is None else blendshapes
        offset = (upright.points - self._mean.points).reshape(-1)
        return np.concatenate(
            [[large], net.basis @ offset, shapes, *self._skin(patch), upright.pose, [quality]],
            dtype=np.float32,
        )

    def intensities(self, times: Floats, rows: Rows) -> Columns:
        """See `Estimator`; besides, `AU12_p` (presence, 0–1) and `AU12_sd` (steps).

        Goes through the rows three times, block by block: at once, half an hour of them and
        what the networks say would take a quarter of a gigabyte.
        """
        out: Columns = {}
        begin = 0
        for block in steadied(np.asarray(times, np.float32), self._raw(rows)):
            for name, values in columns(block).items():
                if name not in out:
                    out[name] = np.empty(len(rows), np.float32)
                out[name][begin : begin + len(block)] = values
            begin += len(block)
        return out

    def absolute(self, rows: Rows) -> Columns:
        """`AU12`, `AU12_L` … as a single picture would be read, without the person's rest; 0–5.

        A clip that opens in tears takes tears for rest; these readings do not.
        """
        out: Columns = {}
        for begin in range(0, len(rows), BLOCK):
            block = rows[begin : begin + BLOCK]
            raw = np.empty((len(block), 2, 3, COUNT), np.float32)
            large = block[:, 0] == 1.0
            for mesh, mine in (("large", large), ("small", ~large)):
                if mine.any():
                    raw[mine] = _against(self._nets[mesh], block[mine, 1:], None)
            for name, values in columns(raw).items():
                if not name.endswith(("_p", "_sd")):
                    out.setdefault(name, np.empty(len(rows), np.float32))
                    out[name][begin : begin + len(block)] = values
        return out

    def _raw(self, rows: Rows) -> Iterator[Floats]:
        """Calibrated output of the networks, block by block."""
        spans = [slice(i, i + BLOCK) for i in range(0, len(rows), BLOCK)]
        large = np.concatenate([rows[span][:, 0] == 1.0 for span in spans])
        meshes = (("large", large), ("small", ~large))
        rests = {
            mesh: _rest(self._nets[mesh], [(span, mine[span]) for span in spans], rows)
            for mesh, mine in meshes
        }
        for span in spans:
            block = rows[span]
            out = np.empty((len(block), 2, 3, COUNT), np.float32)
            for mesh, mine in meshes:
                if mine[span].any():
                    own = block[mine[span], 1:]
                    out[mine[span]] = _against(self._nets[mesh], own, rests[mesh])
            yield out

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


@dataclass(frozen=True, slots=True)
class _Rest:
    """A person's resting row, seen through one mesh."""

    row: Floats
    worth: float
    share: Floats
    """How far each target is read against it, COUNT shares of 0–1."""


def _rest(net: Net, parts: list[tuple[slice, Flags]], rows: Rows) -> _Rest | None:
    """The rest that those rows show that `parts` mark; None where they are too few."""

    def own() -> Iterator[Floats]:
        for span, mine in parts:
            if mine.any():
                yield rows[span][mine, 1:]

    if sum(int(mine.sum()) for _, mine in parts) < FEW:
        return None
    plain = [net.raw(part) for part in own()]
    amount = np.concatenate([activity(part) for part in plain])
    closed = np.concatenate([lids(net, part) for part in plain])
    del plain
    # Copies: views would keep all rows in memory.
    quality = np.concatenate([part[:, net.layout.spans["quality"]][:, 0].copy() for part in own()])
    weight, worth = at_rest(amount, quality, closed)
    row, done = np.zeros(net.layout.width, np.float32), 0
    for part in own():
        row += weight[done : done + len(part)] @ part
        done += len(part)
    read = net.raw(rest_row(net, row))
    share = believed(read, worth)
    if always_shut(float(lids(net, read)[0]), closed):
        share[_LIDS] = 0
    return _Rest(row, worth, share)


def _against(net: Net, rows: Floats, rest: _Rest | None) -> Floats:
    """What the network reads in rows, calibrated: against rest as far as that is believed."""
    plain = np.zeros((len(rows), 2, 3, COUNT), np.float32)
    if rest is None or (rest.share < 1).any():
        plain = net.raw(rows)
        plain[:, :, 0] *= net.bend * net.alone
        if rest is not None and rest.share[_LIDS[-1]] == 0:
            plain[:, :, 0, _LIDS[-1]] /= net.alone[_LIDS[-1]]
    if rest is None:
        raise_brows(plain, rows[:, net.layout.spans["blendshapes"]])
        plain[:, :, 0] = stretched(plain[:, :, 0], net.begins)
    else:
        read = net.raw(rows, rest.row, rest.worth)
        read[:, :, 0] *= net.bend
        plain = rest.share * read + (1 - rest.share) * plain
    plain[:, :, 1] += np.log(net.spread)
    return plain


def stretched(level: Floats, begins: Floats) -> Floats:
    """Intensities (… × COUNT, shares of 5) so that `begins` becomes 1 of 5, and 5 stays 5.

    In single pictures of real faces some units read several times weaker than in the rendered
    ones that the networks learned from (`finetune.aus.in_pictures`).
    """
    steps = 5 * level
    above = 1 + (steps - begins) * 4 / (5 - begins)
    return np.asarray(np.where(steps <= begins, steps / begins, above) / 5, np.float32)


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


def always_shut(rest: float, closed: Floats) -> bool:
    """Whether the eyes are never open in this clip: `rest` and `closed` (n) as `net.lids`.

    Narrow or deep-set eyes may read as much while they are open, but they blink: then there are
    moments at which the lids are clearly lower still.
    """
    return rest >= DOWN and float(np.quantile(closed, 0.98)) < rest + LOWER


DOWN: Final = 2.4
"""Lids of the resting row from which the eyes are shut even then."""
LOWER: Final = 0.6
"""How much lower lids sink in a blink than narrowed ones are, at least."""
_LIDS: Final = [TARGETS_SIDE.index(code) for code in ("AU05", "AU07", "AU43")]
"""What cannot be held against a rest with shut eyes."""
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


def columns(raw: Floats) -> Columns:
    """Network output as AU columns: intensity 0–5, `_p` presence 0–1, `_sd` deviation in steps."""
    level = np.clip(5 * raw[:, :, 0], 0, 5)
    chance = 1 / (1 + np.exp(-np.clip(raw[:, :, 2], -30, 30)))
    spread = 5 * np.exp(np.clip(raw[:, :, 1], -5, 1))
    left = unbared(level)
    for place in LIPS:
        level[:, :, place] *= left
        chance[:, :, place] *= left
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
    """What is left of LIPS beside a smile, a share for each side: n × 2, from n × 2 × COUNT, 0–5.

    Pulled lip corners stretch the lips and bare the lower teeth as well. In rendered smiles they
    hardly do, so the networks take real broad smiles for lips that are lowered, stretched or
    funnelled.
    """
    smile = np.clip((level[:, :, TARGETS_SIDE.index("AU12")] - SLIGHT) / SLIGHT, 0, 1)
    return np.asarray(1 - BARED * smile, np.float32)


LIPS: Final = [
    i for i, code in enumerate((*TARGETS_SIDE, *TARGETS_WHOLE)) if code in ("AU16", "AU20", "AU22")
]  # fmt: skip
SLIGHT: Final = 1.5
"""AU12 up to which lips cover the lower teeth; at twice as much they are bared."""
BARED: Final = 0.7
"""Share of LIPS that a marked smile explains. A judgement: what was rejected on real faces were
mostly these units in toothy smiles (docs/action_units.md)."""
WIDE: Final = 3.5
"""AU26 from which the mouth counts as stretched (AU27)."""


LATE: Final = 0.4
"""What of a rise the networks take for rest. On rendered people (seeds 5,000 to 5,095) 79 instead
of 72 of 100 onsets are within 0.25 s with it; lids are read at once."""


def _part(stored: Mapping[str, npt.NDArray[np.generic]], mesh: str) -> dict[str, Floats]:
    start = f"{mesh}/"
    return {
        name.removeprefix(start): np.asarray(value, np.float32)
        for name, value in stored.items()
        if name.startswith(start)
    }


def _knowledge(stored: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[int, Knowledge]:
    from agent.senses.units.series import Knowledge

    return {
        int(number): Knowledge(
            float(trust), float(rest), float(floor), LATE if int(number) != 45 else 0.0
        )
        for number, trust, rest, floor in np.asarray(stored["knowledge"], np.float64)
    }
