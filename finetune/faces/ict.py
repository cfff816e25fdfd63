"""The head: a neutral mesh and linear shape vectors for people and for muscles.

Reads `ict_face.npz` or a checkout of ICT-FaceKit (ICT Face Model Light, MIT; Li et al.,
"Learning Formation of Physically-Based Face Attributes", CVPR 2020). Knows nothing about
action units, skin or cameras.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from agent.schema.errors import USAGE, DuchenneError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

DRAWN: Final = 24591
"""Vertices that are drawn: skin, mouth, teeth, eyeballs. The rest (tears, lashes) is left out."""
FACE, HEAD, MOUTH, SOCKETS, GUMS, TEETH, EYES = (
    slice(0, 9409),
    slice(9409, 11248),
    slice(11248, 13294),
    slice(13294, 14062),
    slice(14062, 17039),
    slice(17039, 21451),
    slice(21451, DRAWN),
)
MOVING: Final = 14062
"""Vertices below this bend with the skin and need fresh normals in every picture."""


class HeadModelError(DuchenneError, ValueError):
    """The head model cannot be read; the message says what was looked for and where."""

    code = "bad_head_model"
    exit_status = USAGE


@dataclass(frozen=True)
class Head:
    """The head model, cut down to what is drawn. Units: the head is about 34 high."""

    neutral: Floats
    """V × 3, face towards +z, y up, the person's left at +x."""
    quads: Ints
    """F × 4; a triangle repeats its last vertex."""
    names: tuple[str, ...]
    """Names of the muscle shapes."""
    shapes: Floats
    """len(names) × V × 3, added at weight 1."""
    identities: Floats
    """100 × V × 3; weights about N(0, 0.8)."""
    landmarks: Ints
    """68 vertices, iBUG order."""

    def person(self, weights: Floats) -> Floats:
        """Neutral mesh V × 3 of the person with these identity weights (up to 100)."""
        flat = self.identities[: len(weights)].reshape(len(weights), -1)
        return self.neutral + (weights @ flat).reshape(-1, 3)

    def bend(self, person: Floats, weights: dict[str, float]) -> Floats:
        """The person's mesh V × 3 with muscle shapes at these weights."""
        mesh = person.copy()
        for name, weight in weights.items():
            if weight:
                first, last = self.spans[self.row[name]]
                mesh[first:last] += np.float32(weight) * self.shapes[self.row[name], first:last]
        return mesh

    def normals(self, mesh: Floats, last: int = DRAWN) -> Floats:
        """Unit vertex normals of the first `last` vertices, last × 3."""
        faces, spread = self._fan(last)
        corner = mesh[faces[:, 0]]
        across = mesh[faces[:, 2]] - corner
        along = mesh[faces[:, 3]] - mesh[faces[:, 1]]
        summed: Floats = spread @ _cross(across, along)
        length = np.sqrt(np.einsum("ij,ij->i", summed, summed))
        return np.asarray(summed / np.maximum(length, 1e-9)[:, None], np.float32)

    @cached_property
    def row(self) -> dict[str, int]:
        """Row of each muscle shape by name."""
        return {name: row for row, name in enumerate(self.names)}

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """First and last moved vertex of each muscle shape: most move only the skin."""
        spans = []
        for shape in self.shapes:
            moved = np.flatnonzero(np.abs(shape).max(axis=1) > 1e-4)
            spans.append((int(moved[0]), int(moved[-1]) + 1) if len(moved) else (0, 0))
        return spans

    @cached_property
    def triangles(self) -> Ints:
        """2F × 3, both halves of each quad; degenerate halves left out."""
        both = np.concatenate([self.quads[:, [0, 1, 2]], self.quads[:, [0, 2, 3]]])
        whole = (both[:, 0] != both[:, 1]) & (both[:, 1] != both[:, 2])
        return np.asarray(both[whole], np.int32)

    @cached_property
    def _fans(self) -> dict[int, tuple[Ints, sparse.csr_matrix]]:
        return {}

    def _fan(self, last: int) -> tuple[Ints, sparse.csr_matrix]:
        if last not in self._fans:
            faces = self.quads[self.quads.max(axis=1) < last]
            columns = np.repeat(np.arange(len(faces)), 4)
            ones = np.ones(4 * len(faces), np.float32)
            spread = sparse.csr_matrix((ones, (faces.ravel(), columns)), (last, len(faces)))
            self._fans[last] = (faces, spread)
        return self._fans[last]


def _cross(a: Floats, b: Floats) -> Floats:
    out = np.empty_like(a)
    out[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    out[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    out[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return out


def load(path: str | Path | None = None) -> Head:
    """The head model from an .npz or from a checkout of ICT-FaceKit.

    Without a path: the environment variable DUCHENNE_ICT, then `ict_face.npz` in the
    folder DUCHENNE_ASSETS. Raises HeadModelError.
    """
    if path is None:
        folder = os.environ.get("DUCHENNE_ASSETS", "")
        path = os.environ.get("DUCHENNE_ICT") or Path(folder, "ict_face.npz")
    path = Path(path)
    if path.is_dir():
        return _from_checkout(path)
    if not path.is_file():
        raise HeadModelError(
            f"no head model at {path}: give a checkout of ICT-FaceKit or ict_face.npz "
            "(set DUCHENNE_ICT to it)"
        )
    try:
        arrays = np.load(path)
        return _cut(
            arrays["neutral"],
            arrays["quads"],
            tuple(str(name) for name in arrays["names"]),
            arrays["expressions"],
            arrays["identities"],
            arrays["landmarks68"],
        )
    except (KeyError, ValueError, OSError) as error:
        raise HeadModelError(f"{path} is not the head model: {error}") from error


def _from_checkout(folder: Path) -> Head:
    model = folder if (folder / "generic_neutral_mesh.obj").exists() else folder / "FaceXModel"
    base = model / "generic_neutral_mesh.obj"
    if not base.exists():
        raise HeadModelError(f"{folder} is no checkout of ICT-FaceKit: {base} is missing")
    neutral, quads = _obj(base)
    people = sorted(model.glob("identity*.obj"))
    others = {base, *people, *model.glob("generic*.obj"), *model.glob("random*.obj")}
    moves = sorted(file for file in model.glob("*.obj") if file not in others)
    marks = json.loads((model / "vertex_indices.json").read_text())
    return _cut(
        neutral,
        quads,
        tuple(file.stem for file in moves),
        np.stack([_obj(file)[0] - neutral for file in moves]),
        np.stack([_obj(file)[0] - neutral for file in people]),
        np.array(marks["idx_to_landmark_verts"], np.int32)[:68],
    )


def _obj(file: Path) -> tuple[Floats, Ints]:
    points, faces = [], []
    for line in file.read_text().splitlines():
        if line.startswith("v "):
            points.append([float(word) for word in line.split()[1:4]])
        elif line.startswith("f "):
            corners = [int(word.split("/")[0]) - 1 for word in line.split()[1:]]
            faces.append((corners + corners[-1:])[:4])
    return np.array(points, np.float32), np.array(faces, np.int32)


def _cut(
    neutral: Floats,
    quads: Ints,
    names: tuple[str, ...],
    shapes: Floats,
    identities: Floats,
    landmarks: Ints,
) -> Head:
    """Keep what is drawn, as float32."""
    if len(neutral) < DRAWN:
        raise HeadModelError(f"{len(neutral)} vertices, at least {DRAWN} expected")
    return Head(
        np.ascontiguousarray(neutral[:DRAWN], np.float32),
        quads[quads.max(axis=1) < DRAWN].astype(np.int32),
        names,
        shapes[:, :DRAWN].astype(np.float32),
        identities[:, :DRAWN].astype(np.float32),
        landmarks.astype(np.int32),
    )
