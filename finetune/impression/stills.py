"""Labelled stills: the largest face of each, found as in use.

The file name's first word is the label (`anger_001.jpg`). Stills are looked at to judge the
network; it never learns from them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from agent.schema.samples import Image
from agent.senses.faces import face_in, load

log = logging.getLogger("duchenne")


@dataclass(frozen=True, slots=True)
class Stills:
    """Names, labels and meshes; pictures are read when they are wanted."""

    folder: Path
    names: list[str]
    labels: npt.NDArray[np.str_]
    meshes: npt.NDArray[np.float32]
    """n × points × 3 in pixels; NaN where no face was found."""

    def image(self, place: int) -> Image:
        """RGB."""
        return picture(self.folder / self.names[place])


def picture(path: Path) -> Image:
    """RGB of a picture file. Raises ValueError where it is none."""
    read: Any = cv2.imread(str(path))
    if read is None:
        raise ValueError(f"{path} cannot be read as a picture")
    return np.ascontiguousarray(read[..., ::-1])


def find(folder: Path, cache: Path | None = None) -> Stills:
    """The stills of a folder; meshes are kept in `cache` (.npz) and taken from it."""
    names = sorted(path.name for path in folder.glob("*.jpg"))
    if not names:
        raise ValueError(f"no *.jpg in {folder}")
    labels = np.array([name.split("_")[0] for name in names])
    if cache is not None and cache.exists():
        with np.load(cache) as kept:
            if kept["names"].tolist() == names:
                return Stills(folder, names, labels, kept["meshes"])
    models = load()
    found = []
    for count, name in enumerate(names):
        face = face_in(picture(folder / name), None, models)
        found.append(None if face is None else face.mesh)
        if count % 50 == 0:
            log.info("looking for faces: %d of %d", count, len(names))
    points = next((len(mesh) for mesh in found if mesh is not None), 478)
    empty = np.full((points, 3), np.nan, np.float32)
    meshes = np.stack([empty if mesh is None else mesh for mesh in found]).astype(np.float32)
    if cache is not None:
        np.savez_compressed(cache, names=np.array(names), meshes=meshes)
    return Stills(folder, names, labels, meshes)
