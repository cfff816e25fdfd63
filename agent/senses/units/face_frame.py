"""A face's own frame: the mesh brought upright, and the skin seen from the front.

Takes turn, place and size off a mesh by fitting its steady points to a mean face. What is
left is who it is, what the muscles do, and the mesh's own errors; this module knows
nothing about telling those apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.schema.samples import Floats, Image

POINTS: Final = 468
PATCH: Final = 96
"""Pixels a side of the frontal patch."""
_REACH, _LIFT, _DEPTH = 1.05, -0.05, 0.05
"""The patch's half side, middle height and plane, in half face widths of the mean face."""


@dataclass(frozen=True, slots=True)
class Upright:
    """A mesh in the mean face's frame, and how the head was held."""

    points: Floats
    """468 × 3; x to the picture's right, y down, z away; half face widths."""
    turn: Floats
    """3 × 3 rotation from the mean face's frame to the camera's."""
    scale: float
    """Pixels in half a face width."""
    place: Floats
    """x, y, z in pixels of the mean face's origin."""

    @property
    def pose(self) -> Floats:
        """Yaw, pitch, roll in radians; + is the person's left, up, and the picture's left."""
        turn = self.turn
        yaw = math.asin(max(-1.0, min(1.0, -float(turn[0, 2]))))
        pitch = math.atan2(float(turn[1, 2]), float(turn[2, 2]))
        roll = -math.atan2(float(turn[1, 0]), float(turn[0, 0]))
        return np.array([yaw, pitch, roll], np.float32)


class MeanFace:
    """The mean face, and how steady each of its points is."""

    def __init__(self, points: Floats, weights: Floats) -> None:
        """`points` 468 × 3 in half face widths about the origin; `weights` 468, 0 unsteady."""
        self.points = points.astype(np.float32)
        self.weights = weights.astype(np.float32)
        self._steady = np.flatnonzero(weights > 0)
        self._weights = (weights[self._steady] / weights.sum()).astype(np.float64)
        self._target = points[self._steady].astype(np.float64)
        self._middle = self._weights @ self._target
        self._centred = (self._target - self._middle) * self._weights[:, None]
        self.mirror = _mirror(self.points)
        """Index of each point's mirror point."""

    def upright(self, mesh: Floats) -> Upright:
        """A mesh (at least 468 × 3, pixels) in this frame, by weighted Procrustes fit."""
        seen = mesh[self._steady].astype(np.float64)
        middle = self._weights @ seen
        cross = (seen - middle).T @ self._centred
        u, spread, vt = np.linalg.svd(cross)
        sign = 1.0 if np.linalg.det(u @ vt) > 0 else -1.0
        turn = (u * [1.0, 1.0, sign]) @ vt
        own = float((self._centred * (self._target - self._middle)).sum())
        scale = float(spread[0] + spread[1] + sign * spread[2]) / own
        place = middle - scale * turn @ self._middle
        points = (mesh[:POINTS] - place) @ turn / scale
        return Upright(
            points.astype(np.float32), turn.astype(np.float32), scale, place.astype(np.float32)
        )

    def patch(self, image: Image, upright: Upright) -> npt.NDArray[np.uint8]:
        """The face from the front as PATCH × PATCH grey; foreshortening is undone, not parallax."""
        step = 2 * _REACH / PATCH
        turn, scale = upright.turn, upright.scale
        linear = scale * turn[:2, :2] * step
        corner = np.array([-_REACH, _LIFT - _REACH, _DEPTH], np.float32)
        shift = scale * (turn @ corner)[:2] + upright.place[:2]
        source, linear, shift = _shrunk(image, linear, shift)
        matrix = np.hstack([linear, shift[:, None]])
        grey: npt.NDArray[np.uint8] = cv2.warpAffine(
            source,
            matrix,
            (PATCH, PATCH),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return grey


def _shrunk(image: Image, linear: Floats, shift: Floats) -> tuple[Image, Floats, Floats]:
    """Grey and, for large faces, smaller, so that the warp does not alias; cut to the face."""
    ends = shift[:, None] + linear @ np.array([[0, PATCH, 0, PATCH], [0, 0, PATCH, PATCH]])
    low = np.clip(np.floor(ends.min(axis=1)).astype(int) - 2, 0, None)
    high = np.ceil(ends.max(axis=1)).astype(int) + 2
    cut = image[low[1] : max(low[1] + 2, high[1]), low[0] : max(low[0] + 2, high[0])]
    if cut.size == 0:
        return np.zeros((2, 2), np.uint8), linear, shift - low
    grey = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY)
    factor = float(np.abs(np.linalg.det(linear))) ** 0.5
    if factor > 1.5:
        small = (max(2, round(grey.shape[1] / factor)), max(2, round(grey.shape[0] / factor)))
        ratio = np.array([small[0] / grey.shape[1], small[1] / grey.shape[0]], np.float32)
        grey = cv2.resize(grey, small, interpolation=cv2.INTER_AREA)
        return grey, linear * ratio[:, None], (shift - low + 0.5) * ratio - 0.5
    return grey, linear, shift - low


def _mirror(points: Floats) -> npt.NDArray[np.int64]:
    across = points * np.array([-1, 1, 1], np.float32)
    apart = ((points[:, None] - across[None]) ** 2).sum(axis=2)
    return np.asarray(apart.argmin(axis=0), np.int64)
