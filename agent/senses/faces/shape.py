"""A mesh freed of place, size and turn, and a few lengths that muscles change.

Knows geometry only. Points are numbered as in MediaPipe's mesh.
"""

from __future__ import annotations

import numpy as np

from agent.schema.samples import Floats
from agent.senses.faces import landmarks as at

STEADY = np.array(
    [
        33, 133, 362, 263,  # corners of the eyes
        168, 6, 197, 195, 5, 4, 1,  # ridge of the nose
        98, 327, 129, 358, 2,  # wings and base of the nose
        10, 109, 338, 54, 284,  # forehead
        127, 356, 234, 454, 93, 323,  # sides of the face
    ]
)  # fmt: skip
"""Vertices that the bones carry and expressions hardly move."""

TYPICAL = np.array(
    [
        [-0.1436, -0.0241, 0.0102], [-0.0558, -0.0206, -0.0074], [0.0558, -0.0206, -0.0074],
        [0.1436, -0.0241, 0.0102], [0.0000, -0.0433, -0.0610], [0.0000, -0.0199, -0.0777],
        [0.0000, 0.0015, -0.0960], [0.0000, 0.0208, -0.1159], [0.0000, 0.0416, -0.1365],
        [0.0000, 0.0681, -0.1468], [0.0000, 0.0897, -0.1417], [-0.0569, 0.1055, -0.0661],
        [0.0569, 0.1055, -0.0661], [-0.0690, 0.0849, -0.0520], [0.0690, 0.0849, -0.0520],
        [0.0000, 0.1131, -0.0931], [0.0000, -0.2000, -0.0317], [-0.0608, -0.1977, -0.0264],
        [0.0608, -0.1977, -0.0264], [-0.1918, -0.1321, 0.0672], [0.1918, -0.1321, 0.0672],
        [-0.2258, 0.0019, 0.1690], [0.2258, 0.0019, 0.1690], [-0.2237, 0.0494, 0.1794],
        [0.2237, 0.0494, 0.1794], [-0.2205, 0.0972, 0.1763], [0.2205, 0.0972, 0.1763],
    ],
    np.float32,
)  # fmt: skip
"""27 × 3: the steady vertices of the mean of 25 adults' meshes, both sides alike, facing the
camera; centred, unit size; x right, y down, z away from the camera."""


def openness(points: Floats) -> tuple[float, float]:
    """Height over width of the person's right and left eye, about 0.05 closed, 0.3 open."""
    right = _gap(points, at.RIGHT_EYE_TOP, at.RIGHT_EYE_BOTTOM)
    left = _gap(points, at.LEFT_EYE_TOP, at.LEFT_EYE_BOTTOM)
    wide_right = float(np.linalg.norm(points[at.RIGHT_EYE_OUTER] - points[at.RIGHT_EYE_INNER]))
    wide_left = float(np.linalg.norm(points[at.LEFT_EYE_OUTER] - points[at.LEFT_EYE_INNER]))
    return right / max(wide_right, 1e-6), left / max(wide_left, 1e-6)


def lengths(points: Floats) -> Floats:
    """Six lengths that living faces change, over the distance of the eyes' outer corners.

    Right and left eye opening, mouth opening, mouth width, right and left brow height.
    """
    eyes = points[at.LEFT_EYE_OUTER] - points[at.RIGHT_EYE_OUTER]
    pairs = points[np.array([[159, 145], [386, 374], [13, 14], [61, 291], [105, 159], [334, 386]])]
    each = np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1)
    return np.asarray(each / max(float(np.linalg.norm(eyes)), 1e-6), np.float32)


def upright(points: Floats) -> Floats:
    """The steady vertices, centred, scaled to unit size and turned to face the camera."""
    across = points[at.LEFT_EYE_OUTER] - points[at.RIGHT_EYE_OUTER]
    down = points[at.CHIN] - points[at.FOREHEAD]
    x = across / max(float(np.linalg.norm(across)), 1e-6)
    z = np.cross(x, down)
    z /= max(float(np.linalg.norm(z)), 1e-6)
    axes = np.stack([x, np.cross(z, x), z])
    steady = points[STEADY] @ axes.T
    steady -= steady.mean(axis=0)
    return np.asarray(steady / max(float(np.linalg.norm(steady)), 1e-6), np.float32)


def _gap(points: Floats, top: tuple[int, ...], bottom: tuple[int, ...]) -> float:
    return float(np.linalg.norm(points[list(top)] - points[list(bottom)], axis=1).mean())


def turn(points: Floats) -> Floats:
    """3 × 3 rotation that takes the typical face to this mesh, by least squares (Kabsch)."""
    steady = points[STEADY] - points[STEADY].mean(axis=0)
    u, _, vt = np.linalg.svd(TYPICAL.T @ steady)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return np.asarray((u @ flip @ vt).T, np.float32)
