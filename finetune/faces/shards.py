"""Data sets of rendered people on disk: one file a person, with what the mesh saw and the truth.

Reproducible by seed, resumable: a file that is there is not made again, a file is either
whole or absent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.senses.units.face_frame import MeanFace
from finetune.faces import clips, muscles, people, scene
from finetune.faces.ict import Head
from finetune.faces.plans import Plan
from finetune.faces.render import Look, Renderer, look
from finetune.faces.seen import Eyes, Seen

FORMAT: Final = 1


class Maker:
    """Renders plans and writes what was seen."""

    def __init__(self, head: Head, mean: MeanFace, size: int = 288) -> None:
        self.renderer = Renderer(head, size)
        self.eyes = Eyes(mean)

    def run(self, todo: Iterable[Plan], folder: Path) -> Iterator[Path]:
        """Files of the plans, made where they are not there yet."""
        folder.mkdir(parents=True, exist_ok=True)
        for plan in todo:
            path = plan.file(folder)
            if not path.exists():
                _write(path, self.make(plan))
            yield path

    def make(self, plan: Plan) -> dict[str, npt.NDArray[np.generic]]:
        """Everything about one person's pictures, as arrays with one row a seen picture."""
        rng = np.random.default_rng([plan.seed, 6])
        who = people.person(plan.seed)
        shot = scene.shot(rng, plan.size, who.plain)
        self.eyes.forget()
        rows: list[dict[str, npt.NDArray[np.generic]]] = []
        for time, picture in self._pictures(plan, look(self.renderer.head, who), shot, rng):
            found = self.eyes.see(picture.image, rng)
            if found is not None:
                rows.append(_row(time, picture, found))
        table = {name: np.stack([row[name] for row in rows]) for name in rows[0]} if rows else {}
        return table | {
            "format": np.array(FORMAT),
            "seed": np.array(plan.seed),
            "kind": np.array(plan.kind),
            "fps": np.array(plan.fps),
            "tone": np.array(who.tone, np.float32),
            "plain": np.array(who.plain),
            "occluded": np.array(shot.occluder is not None),
            "glasses": np.array(who.glasses),
            "shrink": np.array(shot.faults.shrink, np.float32),
            "rendered": np.array(plan.count),
        }

    def _pictures(
        self, plan: Plan, seen: Look, shot: scene.Shot, rng: np.random.Generator
    ) -> Iterator[tuple[float, clips.Picture]]:
        if plan.kind == "clip":
            script = clips.script(rng, plan.count / plan.fps)
            film = clips.film(self.renderer, seen, shot, script, plan.fps, plan.seed)
            for index, picture in enumerate(film):
                yield index / plan.fps, picture
            return
        for index in range(plan.count):
            state = muscles.smile(rng) if plan.kind == "smiles" else muscles.still(rng)
            time = 0.9 * index + float(rng.uniform(0, 0.8))
            yield time, clips.snap(self.renderer, seen, shot, state, time, rng)


def _row(time: float, picture: clips.Picture, found: Seen) -> dict[str, npt.NDArray[np.generic]]:
    view = picture.view
    shapes = found.blendshapes
    return {
        "time": np.array(time, np.float32),
        "truth": picture.truth,
        "pose": np.array([view.yaw, view.pitch, view.roll], np.float32),
        "large": found.large.points.astype(np.float32),
        "small": found.small.points.astype(np.float32),
        "blendshapes": np.zeros(52, np.float32) if shapes is None else shapes,
        "patch": found.patch,
        "score": np.array([found.large.score, found.small.score], np.float32),
        "quality": np.array(found.quality, np.float32),
    }


def _write(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as out:
        np.savez(out, **arrays)  # type: ignore[arg-type]  # numpy's stub takes no ** of arrays
    part.replace(path)
