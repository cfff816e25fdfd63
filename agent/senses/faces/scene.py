"""Shot changes, from tiny copies of the pictures. Knows nothing about faces.

A cut is a picture that differs from the one before far more than its neighbours do, in
place and in its colours. Slow dissolves are not found; the tracks then end by themselves.
"""

from __future__ import annotations

import cv2
import numpy as np

from agent.schema.samples import Floats, Image

WIDTH, HEIGHT = 48, 27
LEAST = 14.0
"""Mean absolute difference (8-bit levels) below which nothing is a cut."""
TIMES = 4.0
"""How many times the usual difference of neighbouring pictures a cut has."""
COLOURS = 0.25
"""Share of the picture whose colour is gone after a cut ..."""
SURE = 30.0
"""... unless the pictures differ by so much in place."""
PACE = 0.15
"""Weight of the newest picture in the usual difference."""


class Cuts:
    """Tells for each picture in turn whether a new shot begins with it."""

    def __init__(self) -> None:
        self._before: Image | None = None
        self._usual = 0.0

    def step(self, image: Image) -> bool:
        """True where `image` opens a new shot; False for the first picture of all."""
        before, small = self._before, thumbnail(image)
        self._before = small
        if before is None:
            return False
        change = cv2.norm(small, before, cv2.NORM_L1) / small.size
        sudden = change > max(LEAST, TIMES * self._usual)
        if sudden and (change > SURE or _gone(before, small) > COLOURS):
            return True
        self._usual += PACE * (change - self._usual)
        return False

    def light(self) -> float:
        """Mean level of the latest picture, 0-255."""
        return 0.0 if self._before is None else float(self._before.mean())

    def saturation(self) -> float:
        """Mean saturation of the latest picture, 0-1; about 0 in black and white."""
        return 0.0 if self._before is None else float(np.ptp(self._before, axis=2).mean()) / 255


def thumbnail(image: Image) -> Image:
    """27 × 48 × 3, whatever the picture's size."""
    step = max(1, min(image.shape[0] // (2 * HEIGHT), image.shape[1] // (2 * WIDTH)))
    thin = np.ascontiguousarray(image[::step, ::step])
    small: Image = cv2.resize(thin, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return small


def _gone(before: Image, after: Image) -> float:
    """Share of the picture whose colour is not there any more, 0-1."""
    return float(np.abs(_histogram(after) - _histogram(before)).sum()) / 2


def _histogram(small: Image) -> Floats:
    """Shares of 64 colours (4 levels a channel), on two grids half a level apart."""
    bins: Floats = np.zeros(64, np.float32)
    for shift in (0, 32):
        level = np.minimum((small.astype(np.int64) + shift) // 64, 3)
        index = level[..., 0] * 16 + level[..., 1] * 4 + level[..., 2]
        bins += np.bincount(index.ravel(), minlength=64).astype(np.float32)
    return np.asarray(bins / bins.sum(), np.float32)
