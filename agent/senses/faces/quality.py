"""How well one face can be read: size, sharpness, pose and light, each 0-1.

Knows one face in one picture. Whether it is a living person's is judged in `doubt`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from agent.senses.faces.landmarks import CHIN, FOREHEAD, LEFT_CHEEK_EDGE, RIGHT_CHEEK_EDGE
from agent.senses.faces.mesh import Fit

SMALL, LARGE = 24.0, 110.0
"""Face heights in pixels between which size starts and stops to matter."""
BLURRED, SHARP = 1.0, 5.0
"""Standard deviations of the Laplacian (8-bit grey) between which sharpness matters."""
DARK, LIT, GLARE, BURNT = 20.0, 60.0, 215.0, 250.0
"""Mean grey levels: too dark, dark no more, bright, too bright."""
FRONTAL, PROFILE = 25.0, 75.0
"""Degrees that the face is turned away from the camera."""


def judge(fit: Fit) -> float:
    """0-1: the product of the four parts; 1 is as good as the senses need."""
    return round(size(fit) * turned(fit) * light_and_sharpness(fit), 3)


def size(fit: Fit) -> float:
    """0-1, from the height of the face in pixels."""
    return _ramp(float(np.ptp(fit.points[:, 1])), SMALL, LARGE)


def turned(fit: Fit) -> float:
    """0-1, from how far the face is turned away."""
    return _ramp(_away(fit), PROFILE, FRONTAL)


def light_and_sharpness(fit: Fit) -> float:
    """0-1, from the middle of the picture that the mesh network saw."""
    side = fit.patch.shape[0]
    low, high = side // 5, side - side // 5
    grey = cv2.cvtColor(fit.patch[low:high, low:high], cv2.COLOR_RGB2GRAY)
    edges = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1]
    level = cv2.mean(grey)[0]
    lit = min(_ramp(level, DARK, LIT), _ramp(level, BURNT, GLARE))
    return lit * _ramp(float(edges[0, 0]), BLURRED, SHARP)


def _away(fit: Fit) -> float:
    """Degrees between the face's own direction and the camera's axis."""
    across = fit.points[LEFT_CHEEK_EDGE] - fit.points[RIGHT_CHEEK_EDGE]
    down = fit.points[CHIN] - fit.points[FOREHEAD]
    out = np.cross(across, down)
    length = float(np.linalg.norm(out))
    return math.degrees(math.acos(min(1.0, abs(float(out[2])) / length))) if length else 90.0


def _ramp(value: float, zero: float, one: float) -> float:
    """0 at `zero`, 1 at `one`, a straight line between."""
    return min(1.0, max(0.0, (value - zero) / (one - zero)))
