"""Rendered people as arrays for training: features in the face's own frame, patches, truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Floats
from agent.senses.units.face_frame import PATCH, POINTS, MeanFace
from agent.senses.units.net import TARGETS_SIDE, TARGETS_WHOLE
from finetune.faces.muscles import TRUTH

MESHES: Final = ("large", "small")
Mesh = Literal["large", "small"]
Ints = npt.NDArray[np.int64]


@dataclass
class People:
    """Pictures of many people, one row a picture, people one after the other."""

    points: dict[str, Floats]
    """By mesh, n × 468 × 3 in the face's own frame, less the mean face."""
    pose: dict[str, Floats]
    """By mesh, n × 3 radians."""
    blendshapes: Floats
    """n × 52."""
    patches: npt.NDArray[np.uint8]
    """n × PATCH × PATCH."""
    truth: Floats
    """n × len(TRUTH), 0–5."""
    person: Ints
    """Index of the person, rising."""
    time: Floats
    quality: Floats
    fps: Floats
    """Of each person; clips only."""
    clip: npt.NDArray[np.bool_]
    """Of each person: a clip (else stills)."""
    tone: Floats
    """Of each person."""
    bounds: Ints
    """First row of each person, and the number of rows."""

    def __len__(self) -> int:
        return len(self.truth)

    def first(self, count: int) -> People:
        """The first so many people."""
        count = min(count, len(self.bounds) - 1)
        rows = slice(0, int(self.bounds[count]))
        return People(
            {mesh: points[rows] for mesh, points in self.points.items()},
            {mesh: pose[rows] for mesh, pose in self.pose.items()},
            self.blendshapes[rows],
            self.patches[rows],
            self.truth[rows],
            self.person[rows],
            self.time[rows],
            self.quality[rows],
            self.fps[:count],
            self.clip[:count],
            self.tone[:count],
            self.bounds[: count + 1],
        )

    def sides(self) -> Floats:
        """Truth as n × 2 (left, right) × (sided, then whole) targets."""
        row = {name: column for column, name in enumerate(TRUTH)}
        return np.stack(
            [
                self.truth[
                    :,
                    [row[f"{code}_{side}"] for code in TARGETS_SIDE]
                    + [row[code] for code in TARGETS_WHOLE],
                ]
                for side in "LR"
            ],
            axis=1,
        )


def mean_face() -> MeanFace:
    """The mean face: both meshes on 40 rendered people, and their steadiest points."""
    stored = np.load(Path(__file__).with_name("mean_face.npz"))
    return MeanFace(stored["points"].astype(np.float32), stored["weights"].astype(np.float32))


def load(folder: Path, mean: MeanFace, chosen: Sequence[Path] | None = None) -> People:
    """People of a folder of shards in order of their seeds, or just those `chosen`."""
    files = sorted(folder.glob("*.npz")) if chosen is None else chosen
    if not files:
        raise FileNotFoundError(f"no rendered people in {folder}; `faces shards` makes them")
    tables = [dict(np.load(file)) for file in files]
    tables = [table for table in tables if "truth" in table and len(table["truth"]) >= 8]
    counts = [len(table["truth"]) for table in tables]
    points: dict[str, list[Floats]] = {mesh: [] for mesh in MESHES}
    poses: dict[str, list[Floats]] = {mesh: [] for mesh in MESHES}
    for table in tables:
        for mesh in MESHES:
            upright = [mean.upright(row) for row in table[mesh]]
            points[mesh].append(np.stack([u.points - mean.points for u in upright]))
            poses[mesh].append(np.stack([u.pose for u in upright]))
    return People(
        {mesh: np.concatenate(rows) for mesh, rows in points.items()},
        {mesh: np.concatenate(rows) for mesh, rows in poses.items()},
        np.concatenate([table["blendshapes"] for table in tables]),
        np.concatenate([table["patch"] for table in tables]).reshape(-1, PATCH, PATCH),
        np.concatenate([table["truth"] for table in tables]),
        np.repeat(np.arange(len(tables)), counts),
        np.concatenate([table["time"] for table in tables]),
        np.concatenate([table["quality"] for table in tables]),
        np.array([table["fps"] for table in tables], np.float32),
        np.array([str(table["kind"]) == "clip" for table in tables]),
        np.array([table["tone"] for table in tables], np.float32),
        np.concatenate([[0], np.cumsum(counts)]),
    )


def flipped(points: Floats, mean: MeanFace) -> Floats:
    """Points n × 468 × 3 of the mirrored faces."""
    assert points.shape[1] == POINTS
    return points[:, mean.mirror] * np.array([-1, 1, 1], np.float32)
