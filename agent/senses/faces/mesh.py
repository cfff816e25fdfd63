"""The face mesh: 468 or 478 points and, with the larger model, 52 blendshape scores.

Knows one face in one picture, nothing about time beyond "here is where it was". The
networks are MediaPipe's (Kartynnik et al. 2019, arXiv 1907.06724); the region they look
at is made as MediaPipe makes it: turned so that the eyes are level, square, 1.5 times
the longer side of the box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
import numpy.typing as npt

from agent.schema.samples import Floats, Image
from agent.senses.faces.detect import Detection
from agent.senses.faces.landmarks import BLENDSHAPE_POINTS, LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from agent.senses.faces.lite import Net

MARGIN = 1.5
"""Side of the region over the longer side of the face's box."""


@dataclass(frozen=True, slots=True)
class Roi:
    """A turned square in the picture."""

    x: float
    """Centre, in pixels."""
    y: float
    side: float
    """In pixels."""
    angle: float
    """Radians, clockwise in the picture."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One mesh."""

    points: Floats
    """468 × 3 or 478 × 3 in pixels of the picture, as in FaceSample.mesh."""
    score: float
    """0-1: is this a face?"""
    patch: Image
    """The upright square that the network saw; not to be kept."""


def roi_of_detection(found: Detection) -> Roi:
    """Where the mesh network should look for a detected face."""
    x, y, w, h = found.box
    right, left = found.points[0], found.points[1]
    angle = math.atan2(float(left[1] - right[1]), float(left[0] - right[0]))
    return Roi(x + w / 2, y + h / 2, MARGIN * max(w, h), angle)


def roi_of_mesh(points: Floats) -> Roi:
    """Where to look in the next picture, given the mesh (N × 3, pixels) of this one."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    across = points[LEFT_EYE_OUTER, :2] - points[RIGHT_EYE_OUTER, :2]
    centre = (low + high) / 2
    return Roi(
        float(centre[0]),
        float(centre[1]),
        MARGIN * float((high - low).max()),
        math.atan2(float(across[1]), float(across[0])),
    )


def crop(image: Image, roi: Roi, side: int) -> Image:
    """The region as an upright `side` × `side` picture, edges repeated."""
    turned: Image = cv2.warpAffine(
        image,
        _matrix(roi, side),
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return turned


def _matrix(roi: Roi, side: int) -> npt.NDArray[np.float64]:
    """2 × 3: from pixels of the crop to pixels of the picture."""
    step = roi.side / side
    c, s = math.cos(roi.angle) * step, math.sin(roi.angle) * step
    half = side / 2
    return np.array(
        [[c, -s, roi.x - half * (c - s)], [s, c, roi.y - half * (s + c)]], dtype=np.float64
    )


class Mesh:
    """The mesh network, with blendshapes where their network is given."""

    def __init__(
        self, model: Path | bytes, blendshapes: Path | bytes | None = None, threads: int = 1
    ) -> None:
        self._net = Net(model, threads)
        self._shapes = Net(blendshapes, threads) if blendshapes is not None else None
        self.side = self._net.shape[1]
        """Pixels of the square that the network sees."""
        self._batch = np.empty((1, self.side, self.side, 3), np.float32)
        self._one = Lock()

    def fit(self, image: Image, roi: Roi) -> Fit:
        """The mesh of the face in this region of an RGB picture; one at a time."""
        patch = crop(image, roi, self.side)
        with self._one:
            np.multiply(patch, np.float32(1 / 255), out=self._batch[0])
            raw, presence, *_ = self._net(self._batch)
        matrix = _matrix(roi, self.side)
        local = raw.reshape(-1, 3)
        points = np.empty_like(local)
        points[:, :2] = local[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        points[:, 2] = local[:, 2] * (roi.side / self.side)
        score = 1 / (1 + math.exp(-float(np.clip(presence.item(), -60, 60))))
        return Fit(points, score, patch)

    def blendshapes(self, points: Floats) -> Floats | None:
        """52 scores of a mesh (478 × 3, pixels), None without the model for them.

        May run in another thread than `fit`, beside it.
        """
        if self._shapes is None or len(points) < 478:
            return None
        (scores,) = self._shapes(points[None, BLENDSHAPE_POINTS, :2])
        return scores.reshape(-1)
