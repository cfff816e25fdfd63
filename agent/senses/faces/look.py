"""What one track looked like, summed up: colours, shape, movement.

Knows one face over time; keeps sums, no pictures. `people` compares looks to tell who is
who, `doubt` to tell the living from the rest.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from agent.schema.samples import Floats, Image
from agent.senses.faces.mesh import Fit
from agent.senses.faces.shape import STEADY, lengths, upright

SIDE = 16
"""Cells a side of the colour picture."""
STRIDE = 5
"""Of how many samples one goes into colours and shape."""
UNLIKE, STRANGE = 11.0, 16.0
"""Differences (`relative`, levels) from the mean so far: from which a sample is left out of it,
and which no living face reached by itself; 12.6 was the most."""
PERSISTS = 3
"""How many such samples in a row make it another face (a dissolve)."""


class Look:
    """Running sums over the samples of one track."""

    def __init__(self) -> None:
        self._strange = 0
        self._latest: Floats | None = None
        self._compared: tuple[Fit, Floats] | None = None
        self._count = 0
        self._weight = 0.0
        self._colours = np.zeros((SIDE, SIDE, 3))
        self._shape = np.zeros((len(STEADY), 3))
        self._scene = 0.0
        self._flat = 0.0
        self._mean = np.zeros(6)
        self._squares = np.zeros(6)

    def changed(self, fit: Fit) -> float:
        """Mean colour difference (Lab, 8-bit levels) of the face since the latest sample."""
        if self._latest is None:
            return 0.0
        now = colours(fit)
        self._compared = fit, now
        middle = slice(SIDE // 4, -SIDE // 4)
        return float(np.abs(now[middle, middle] - self._latest[middle, middle]).mean())

    def add(self, fit: Fit, quality: float, saturation: Callable[[], float]) -> None:
        """Take in one sample; `saturation` gives the whole picture's, 0-1."""
        before, self._compared = self._compared, None
        seen = before[1] if before is not None and before[0] is fit else colours(fit)
        self._latest = seen
        self._count += 1
        now = lengths(fit.points)
        step = now - self._mean
        self._mean += step / self._count
        self._squares += step * (now - self._mean)
        if self._count % STRIDE == 1 and not self._unlike(seen):
            weight = 0.05 + quality
            self._weight += weight
            self._colours += weight * seen
            self._shape += weight * upright(fit.points)
            self._scene += weight * saturation()

    def _unlike(self, seen: Floats) -> bool:
        """Is this hardly the face of before? If even less than that, `_strange` counts it."""
        apart = np.abs(relative(seen) - relative(self.colours)).mean() if self._weight else 0.0
        self._strange = self._strange + 1 if apart > STRANGE else 0
        return bool(apart > UNLIKE)

    @property
    def other(self) -> bool:
        """Has another face taken this one's place, without a cut?"""
        return self._strange >= PERSISTS

    @property
    def colours(self) -> Floats:
        """16 × 16 × 3, mean Lab (8-bit levels) of the upright face and a margin around it."""
        return np.asarray(self._colours / max(self._weight, 1e-6), np.float32)

    @property
    def shape(self) -> Floats:
        """Mean place of the steady vertices, as `shape.upright` gives them."""
        return np.asarray(self._shape / max(self._weight, 1e-6), np.float32)

    @property
    def scene(self) -> float:
        """Mean saturation of the whole pictures, 0-1."""
        return self._scene / max(self._weight, 1e-6)

    @property
    def movement(self) -> Floats:
        """Standard deviations of `shape.lengths` over the track."""
        return np.asarray(np.sqrt(self._squares / max(self._count, 1)), np.float32)


def relative(colours: Floats) -> Floats:
    """N × 3: the cells in the oval of face and hair, freed of the overall light."""
    y, x = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) / (SIDE / 2)
    inside = colours[(x / 0.81) ** 2 + (y / 0.94) ** 2 < 1]
    return np.asarray(inside - inside.mean(axis=0), np.float32)


def colours(fit: Fit) -> Floats:
    """16 × 16 × 3 Lab (8-bit levels) of the patch that the mesh network saw."""
    return lab(cv2.resize(fit.patch, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def lab(image: Image) -> Floats:
    """CIE L*a*b* (D65) of an sRGB picture, in 8-bit levels: L · 2.55, a + 128, b + 128."""
    # OpenCV's own conversion spends a tenth of a second on tables at its first use.
    light = _LINEAR[image] @ _XYZ
    f = np.where(light > 0.008856, np.cbrt(light), 7.787 * light + 16 / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    parts = (2.55 * (116 * y - 16), 500 * (x - y) + 128, 200 * (y - z) + 128)
    return np.stack(parts, axis=-1).astype(np.float32)


_LEVELS = np.arange(256) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
_XYZ = (
    np.array([[0.412453, 0.212671, 0.019334], [0.357580, 0.715160, 0.119193],
              [0.180423, 0.072169, 0.950227]], np.float32)
    / np.array([0.950456, 1.0, 1.088754], np.float32)
)  # fmt: skip
