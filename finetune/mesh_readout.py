"""The linear read-out of muscles from mesh geometry that `agent.senses.units.geometric` uses.

    python -m finetune.mesh_readout ../shared/models/ict_face.npz agent/senses/units/geometric.npz

A head whose muscles can be set (ICT Face Model Light, MIT) is moved at random in many
identities; a ridge regression learns to read the muscles back from how its landmarks moved
against the same head at rest. No picture is rendered and no recorded face is used, so the
read-out knows nothing of how the mesh network follows or misses a movement. `reference`
(468 × 3, the mean face in MediaPipe's vertex order, eyes level, distance of the outer eye
corners 1, y up, z towards the camera) is carried over from the file that is replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from agent.senses.units.geometric import POINTS, STABLE, aligned

Array = npt.NDArray[np.float64]

MUSCLES: Final = {
    "browInnerUp": 1, "browOuterUp": 2, "browDown": 4, "eyeWide": 5, "cheekRaiser": 6,
    "eyeSquint": 7, "noseSneer": 9, "mouthUpperUp": 10, "mouthSmile": 12, "mouthDimple": 14,
    "mouthFrown": 15, "mouthLowerDown": 16, "mouthShrugLower": 17, "mouthPucker": 18,
    "mouthStretch": 20, "mouthFunnel": 22, "mouthPress": 24, "jawOpen": 26, "mouthRoll": 28,
    "cheekPuff": 34, "eyeBlink": 45,
}  # fmt: skip
"""Shape vectors of the model, by the start of their names, and the action unit they make."""
NUISANCE: Final = ("jawForward", "jawLeft", "jawRight", "mouthLeft", "mouthRight")
IBUG: Final = (
    127, 234, 93, 132, 172, 136, 150, 148, 152, 377, 379, 365, 397, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61, 39, 37, 0, 267, 269, 291,
    405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""MediaPipe vertex of each of the 68 iBUG landmarks."""
SAMPLES: Final = 6000
RIDGE: Final = 1e-3
"""Squared outer-eye distances; large against what the landmarks really wander, and best so."""
DEPTH: Final = 0.25
"""Weight of depth against the picture plane: the mesh network guesses depth."""


def main(model: Path, out: Path) -> None:
    """Fit and write `weights` (points·3 × muscles), `names` and `reference`."""
    reference = np.load(out)["reference"].astype(np.float64)
    head = np.load(model)
    vertices = correspondence(reference, head["neutral"], head["landmarks68"])[list(POINTS)]
    names, shapes, nuisance = muscles(head, vertices)
    moved, weights = simulate(head, vertices, shapes, nuisance, names)
    readout = ridge(moved, 5 * weights)
    np.savez_compressed(
        out,
        weights=readout.astype(np.float16),
        names=np.array(names),
        reference=reference.astype(np.float16),
    )


def correspondence(reference: Array, neutral: Array, ibug: npt.NDArray[np.int64]) -> Array:
    """Vertex of the head for each of MediaPipe's 468, by a warp through 68 known pairs."""
    warp = RBFInterpolator(reference[list(IBUG)], neutral[ibug], smoothing=0.01)
    vertices = cKDTree(neutral[:9409]).query(warp(reference))[1]
    vertices[list(IBUG)] = ibug
    return np.asarray(vertices)


def muscles(head: dict[str, Array], vertices: Array) -> tuple[list[str], Array, Array]:
    """Names such as AU12_L or AU26, and how each moves the points at full weight."""
    every = [str(name) for name in head["names"]]
    scale = _scale(head, vertices)
    names, shapes = [], []
    for start, number in MUSCLES.items():
        for end, side in (("_L", "_L"), ("_R", "_R"), ("", "")):
            mine = [
                i
                for i, name in enumerate(every)
                if name.startswith(start) and (name.endswith(end) if end else name[-2] != "_")
            ]
            if mine:
                names.append(f"AU{number:02d}{side}")
                shapes.append(head["expressions"][mine][:, vertices].sum(axis=0) / scale)
    others = [i for i, name in enumerate(every) if name in NUISANCE]
    return names, np.array(shapes), head["expressions"][others][:, vertices] / scale


def simulate(
    head: dict[str, Array], vertices: Array, shapes: Array, nuisance: Array, names: list[str]
) -> tuple[Array, Array]:
    """Movement of the aligned points against rest (samples × points·3), and the weights."""
    chance = np.random.default_rng(0)
    weights = _sparse(chance, len(shapes), 0.18, 1.0)
    for i, name in enumerate(names):
        if name.endswith("_R"):
            both = chance.random(SAMPLES) < 0.8
            weights[both, i] = weights[both, names.index(f"{name[:-2]}_L")]
    others = _sparse(chance, len(nuisance), 0.1, 0.6)
    identity = chance.normal(0, 0.8, (SAMPLES, len(head["identities"])))
    scale = _scale(head, vertices)
    rest = head["neutral"][vertices] / scale + np.einsum(
        "nk,kij->nij", identity, head["identities"][:, vertices] / scale
    )
    acting = (
        rest
        + np.einsum("nk,kij->nij", weights, shapes)
        + np.einsum("nk,kij->nij", others, nuisance)
    )
    moved = aligned(acting.astype(np.float32)) - aligned(rest.astype(np.float32))
    return moved.reshape(SAMPLES, -1).astype(np.float64), weights


def ridge(moved: Array, wanted: Array) -> Array:
    """Weights that read `wanted` off `moved`, each scaled so that it is right on average."""
    depth = np.tile([1, 1, DEPTH], moved.shape[1] // 3)
    x = moved * depth
    gram = x.T @ x / len(x) + RIDGE * np.eye(x.shape[1])
    readout = np.linalg.solve(gram, x.T @ wanted / len(x))
    shrunk = ((x @ readout) * wanted).sum(axis=0) / (wanted**2).sum(axis=0)
    return np.asarray(depth[:, None] * readout / np.maximum(shrunk, 0.4))


def _sparse(chance: np.random.Generator, count: int, share: float, top: float) -> Array:
    on = chance.random((SAMPLES, count)) < share
    return np.where(on, chance.uniform(0, top, (SAMPLES, count)), 0.0)


def _scale(head: dict[str, Array], vertices: Array) -> float:
    """Distance of the outer eye corners in the model's units."""
    right, left = vertices[POINTS.index(33)], vertices[POINTS.index(263)]
    return float(np.linalg.norm(head["neutral"][right] - head["neutral"][left]))


if __name__ == "__main__":
    assert set(STABLE) <= set(POINTS)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
