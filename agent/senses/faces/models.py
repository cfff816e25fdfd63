"""The networks that the face sense runs, from the model files that are there.

Knows which file serves what; nothing about fetching them (`agent.assets.resolve` does).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agent.assets.resolve import Found, asset, find
from agent.senses.faces.detect import Detector
from agent.senses.faces.mesh import Mesh

BUNDLE = "face_landmarker.task"
SHORT = "face_detection_short_range.tflite"
FULL = "face_detection_full_range_sparse.tflite"
SMALL_MESH = "face_landmark.tflite"
THREADS = 1
"""Of the mesh network. On two cores a second one changes little, up or down (docs/log.md), and the
other core decodes and reads."""


@dataclass(frozen=True, slots=True)
class Models:
    """One detector and one mesh. Not safe to share between threads."""

    detector: Detector
    mesh: Mesh
    name: str
    """Which files these are; part of the sense's version."""
    without: str | None = None
    """Why there are no blendshapes and irises; None where there are."""


def load(bundle: bool = True) -> Models:
    """The best models at hand; `bundle=False` does without face_landmarker.task.

    Raises AssetError where neither the bundle nor the small mesh can be had.
    """
    found = find(BUNDLE) if bundle else Found(BUNDLE, None, "not asked for")
    full = find(FULL).path
    if found.path is not None:
        inside = unpack(found.path)
        mesh = Mesh(inside["face_landmarks_detector"], inside["face_blendshapes"], THREADS)
        return Models(Detector(inside["face_detector"], full), mesh, "mesh478")
    why = f"{BUNDLE} is not there ({found.why}); 468 mesh points, no irises"
    return Models(
        Detector(asset(SHORT), full), Mesh(asset(SMALL_MESH), threads=THREADS), "mesh468", why
    )


@cache
def shared() -> Models:
    """One set of models for simple use from one thread."""
    return load()


def unpack(bundle: Path) -> dict[str, bytes]:
    """The networks inside a .task file, by name without suffix."""
    with zipfile.ZipFile(bundle) as inside:
        names = [n for n in inside.namelist() if n.endswith(".tflite")]
        return {Path(name).stem: inside.read(name) for name in names}
