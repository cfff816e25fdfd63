"""What most people would say they see in a face: shares of votes, not muscles.

A small network learned from pictures on which ten people each voted (`finetune.impression`;
docs/model_cards/impression.md). It tells what a face looks like to others, which is not what
its owner feels, and it claims no action unit. A face is looked at `RATE` times a second at most.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.schema.evidence import Cue
from agent.schema.samples import Columns, FaceSample, Floats, Image, People
from agent.senses.faces.impression_cues import LABELS, cues_of
from agent.senses.faces.landmarks import LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from agent.senses.faces.mesh import Roi, crop
from agent.senses.weights import WEIGHTS

__all__ = ["LABELS", "Impression", "Impressions", "region", "seen"]

RATE: Final = 4.0
"""Looks a second at one face at most."""
QUALITY: Final = 0.15
"""Samples of lower quality are not looked at; the same as for action units."""
SPAN: Final = 1.07
"""Side of the square that is looked at, over the longer side of the box around the mesh."""
RISE: Final = 0.045
"""How far above the middle of that box the square's middle lies, over the box's longer side.
Both are medians over voted pictures, so that a face in use fills the square as those do."""
FINER: Final = 6
"""A face is cut out in at most so many times the network's points, then averaged down."""
APART: Final = 0.6
"""Seconds between two looks up to which the samples between them are filled in."""


def region(mesh: Floats) -> Roi:
    """The upright square to look at, from a mesh (N × 2 or more, pixels of the picture)."""
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    longer = float((high - low).max())
    x, y = ((low + high) / 2).tolist()
    across = mesh[LEFT_EYE_OUTER, :2] - mesh[RIGHT_EYE_OUTER, :2]
    angle = math.atan2(float(across[1]), float(across[0]))
    up = RISE * longer
    return Roi(x + up * math.sin(angle), y - up * math.cos(angle), SPAN * longer, angle)


def seen(image: Image, mesh: Floats, side: int) -> Floats:
    """side × side grey levels 0-255 of the face, every point the mean of what it covers."""
    roi = region(mesh)
    finer = int(np.clip(round(roi.side / side), 1, FINER))
    grey = cv2.cvtColor(crop(image, roi, side * finer), cv2.COLOR_RGB2GRAY)
    if finer > 1:
        grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.float32)


class Impression:
    """The network: one face to the shares of people who would say each label."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """`weights` is a folder with impression.onnx and impression.json."""
        self._file = weights / "impression.onnx"
        told = (weights / "impression.json").read_text(encoding="utf-8")
        self.about: Mapping[str, Any] = json.loads(told)
        """What the file beside the weights says of them."""
        if tuple(self.about["labels"]) != LABELS:
            raise ValueError(
                f"{weights / 'impression.json'} has labels {self.about['labels']}, "
                f"wanted {list(LABELS)}; export the network anew (finetune.impression.export)"
            )
        self.side = int(self.about["side"])
        """Points a side that the network sees."""

    @property
    def version(self) -> str:
        """Changes with the weights."""
        return f"impression-{self.about['sha256'][:16]}"

    @cached_property
    def _session(self) -> Any:  # onnxruntime has no types
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(self._file, options, providers=["CPUExecutionProvider"])

    def logits(self, face: Floats) -> Floats:
        """Calibrated log-shares up to a constant, one per label, of one face as `seen` gives it.

        The mean over the face and its mirror image.
        """
        both = np.stack([face, face[:, ::-1]])[:, None]
        (logits,) = self._session.run(None, {"face": np.ascontiguousarray(both, np.float32)})
        return np.asarray(logits.mean(axis=0), np.float32)

    def __call__(self, image: Image, mesh: Floats) -> Floats:
        """Shares of 0-1 that sum to 1, one per label, of the face in an RGB picture."""
        return shares(self.logits(seen(image, mesh, self.side)))


def shares(logits: Floats) -> Floats:
    """Softmax over the last axis."""
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True), np.float32)


class Impressions:
    """Face samples in; columns and cues out. Keeps numbers, never pictures."""

    def __init__(self, net: Impression | None = None) -> None:
        self._net = net or Impression()
        self._meta = array("d")
        self._shares = array("f")
        self._next: dict[int, float] = {}

    def push(self, sample: FaceSample) -> None:
        """Look at this sample where its track is due."""
        time = sample.frame.time
        if sample.quality < QUALITY or time < self._next.get(sample.track, -math.inf):
            return
        # A little early counts: pictures do not come at exact times.
        self._next[sample.track] = time + 1 / RATE - 1e-3
        self._meta.extend((time, sample.track, sample.quality))
        self._shares.extend(self._net(sample.frame.image, sample.mesh).tolist())

    def finish(
        self, tracks: People, times: Mapping[str, npt.NDArray[np.float64]]
    ) -> tuple[dict[str, Columns], list[Cue]]:
        """Columns `impression_<label>` (shares of 0-1) at each person's sample `times` in s, NaN
        where the face was not looked at, and cues; call once everything was pushed."""
        meta = np.frombuffer(self._meta).reshape(-1, 3)
        looks = np.frombuffer(self._shares, np.float32).reshape(-1, len(LABELS))
        series: dict[str, Columns] = {}
        cues: list[Cue] = []
        for person, numbers in tracks.items():
            mine = np.flatnonzero(np.isin(meta[:, 1], list(numbers)))
            mine = mine[np.lexsort((-meta[mine, 2], meta[mine, 0]))]
            mine = mine[np.diff(meta[mine, 0], prepend=-np.inf) > 0]
            at, quality = meta[mine, 0], meta[mine, 2]
            if person in times:
                series[person] = _columns(times[person], at, looks[mine])
            cues += cues_of(person, at, looks[mine], quality, self._net.about["confidence"])
        return series, cues


def _columns(times: npt.NDArray[np.float64], at: npt.NDArray[np.float64], looks: Floats) -> Columns:
    """The looks on a straight line between each two that are near, the same half way beyond."""
    columns: Columns = {}
    if not len(at):
        return {f"impression_{label}": np.full(len(times), np.nan, np.float32) for label in LABELS}
    when = np.asarray(times, np.float64)
    after = np.clip(np.searchsorted(at, when), 0, len(at) - 1)
    before = np.clip(after - 1, 0, len(at) - 1)
    near = np.minimum(np.abs(at[after] - when), np.abs(at[before] - when)) <= APART / 2
    for place, label in enumerate(LABELS):
        filled = np.interp(when, at, looks[:, place]).astype(np.float32)
        columns[f"impression_{label}"] = np.where(near, filled, np.float32(np.nan))
    return columns
