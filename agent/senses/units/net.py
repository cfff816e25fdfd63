"""The networks of `units.learned`: rows of one face in, action units out, as matrices.

Knows what a row holds and what the person's own rest in it is; nothing of pictures, time or
calibration by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Floats
from agent.senses.faces.landmarks import BLENDSHAPES

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


def blendshape_mirror() -> npt.NDArray[np.int64]:
    """Index of each blendshape's mirror image."""
    swap = {"Left": "Right", "Right": "Left"}
    names = [re.sub("Left|Right", lambda side: swap[side[0]], name) for name in BLENDSHAPES]
    return np.array([BLENDSHAPES.index(name) for name in names])


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

    def __init__(
        self,
        arrays: Mapping[str, npt.NDArray[np.generic]],
        begins: Mapping[str, float] | None = None,
    ) -> None:
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
        self.begins = np.ones(COUNT, np.float32)
        """Intensity (0–5) that counts as 1 in a single picture of a real face."""
        for code, reading in (begins or {}).items():
            self.begins[(*TARGETS_SIDE, *TARGETS_WHOLE).index(code)] = reading
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
BLOCK: Final = 512
"""Rows that go through the network at a time."""
SHUT: Final = TARGETS_SIDE.index("AU43")


def activity(raw: Floats) -> Floats:
    """How much a face does in all, n: intensities summed over targets, lids left out."""
    level = np.clip(raw[:, :, 0], 0, 1).copy()
    level[:, :, SHUT] = 0
    total: Floats = level.sum(axis=(1, 2)) * 2.5
    return total


def lids(net: Net, raw: Floats) -> Floats:
    """How far the lids are down as read of single pictures, n, 0–5; `raw` without a rest."""
    level = raw[:, :, 0, SHUT].mean(axis=1) * net.bend[SHUT] * net.alone[SHUT]
    return np.asarray(5 * np.clip(level, 0, 1), np.float32)


def resting(rows: Floats, amount: Floats, quality: Floats) -> tuple[Floats, float]:
    """The row of this person at rest, and what it is worth; see `at_rest`."""
    weight, worth = at_rest(amount, quality)
    return np.asarray(weight @ rows, np.float32), worth


def at_rest(amount: Floats, quality: Floats, lids: Floats | None = None) -> tuple[Floats, float]:
    """How much each row counts for this person's rest (sum 1), and what that is worth (0–1).

    A row weighs less the more activity (`amount`, n) it shows above the quietest ones, and next
    to nothing with the lids down (`lids`, n, 0–5 as of single pictures) as long as they are open
    at any time: nobody's face rests with shut eyes, however quiet it is. Worth falls where even
    the quietest moments are active, or few.
    """
    low = float(np.quantile(amount, 0.1))
    weight = np.exp(-np.clip(amount - low, 0, None) / CALM) * (quality + 0.05)
    if lids is not None:
        weight *= np.clip((LIDS_DOWN - lids) / (LIDS_DOWN - LIDS_UP), LEAST, 1)
    weight /= weight.sum()
    count = 1 / float((weight**2).sum())
    level = float(weight @ amount)
    return np.asarray(weight, np.float32), min(1.0, count / 8) * float(np.exp(-level / 6))


LIDS_UP, LIDS_DOWN = 1.0, 2.2
"""Lids as read of single pictures: lower is open, higher is down. Rendered lids that are shut read
2.2 to 3.4, open ones 0 to 0.2; nine in ten real stills read less than 2."""
LEAST: Final = 0.005
"""Weight of a row with the lids down beside one with open eyes."""
CALM: Final = 2.0
"""Activity (intensity steps in all) above the quietest at which a row counts a third."""
