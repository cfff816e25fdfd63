"""Scenes of the small world on disk, so that several trainings share one world.

Knows scenes and parquet, no model. A shelf holds what rows are made from: both records and the
voice picture. Strips are drawn from series, which are not kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet

from agent.schema.evidence import Evidence
from agent.schema.evidence import read as read_evidence
from agent.schema.picture import Picture
from finetune import world
from finetune.world import Family, Scene

_TEXTS = ("id", "family", "person", "emotion", "evidence", "shown")
_SCHEMA = arrow.schema(
    [arrow.field(name, arrow.string()) for name in _TEXTS]
    + [
        arrow.field("units", arrow.list_(arrow.int64())),
        arrow.field("name", arrow.string()),
        arrow.field("voice", arrow.binary()),
    ]
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One scene as it comes from a shelf."""

    id: str
    family: Family
    person: str
    emotion: str
    units: tuple[int, ...]
    evidence: Evidence
    shown: Evidence
    """As the prompt shows it: the voice's values are left to the picture."""
    pictures: tuple[Picture, ...]


def keep(scene: Scene) -> Kept:
    """A scene with its voice picture, without sound and series."""
    return Kept(
        scene.id, scene.family, scene.person, scene.emotion, scene.units, scene.evidence,
        scene.shown, tuple(world.pictures(scene, ("voice",))),
    )  # fmt: skip


def write(path: Path, scenes: Iterable[Kept]) -> None:
    """One parquet file; it is there whole or not at all."""
    rows = [
        {
            "id": s.id,
            "family": s.family,
            "person": s.person,
            "emotion": s.emotion,
            "evidence": s.evidence.to_json(),
            "shown": s.shown.to_json(),
            "units": list(s.units),
            "name": s.pictures[0].name,
            "voice": s.pictures[0].png,
        }
        for s in scenes
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    parquet.write_table(arrow.Table.from_pylist(rows, schema=_SCHEMA), part)
    part.replace(path)


def read(path: Path) -> Iterator[Kept]:
    """The scenes of a shelf, in the order in which they were written."""
    for row in parquet.read_table(path).to_pylist():
        yield Kept(
            row["id"], row["family"], row["person"], row["emotion"], tuple(row["units"]),
            read_evidence(row["evidence"]), read_evidence(row["shown"]),
            (Picture(row["name"], row["voice"]),),
        )  # fmt: skip
