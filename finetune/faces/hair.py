"""Hair that hangs and glasses: simple surfaces put around a person's head."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from finetune.faces.ict import Floats, Ints
from finetune.faces.people import Person

_HAIR, _FRAME = 4.0, 5.0
Wide = npt.NDArray[np.floating]
Whole = npt.NDArray[np.integer]
Surface = tuple[Floats, Floats, Floats, Ints]
"""Places n × 3, normals n × 3, (u, v, kind) n × 3, triangles m × 3."""


def extras(person: Person, marks: Floats) -> Surface:
    """Hair and glasses of a person whose 68 landmarks lie at `marks`."""
    rng = np.random.default_rng([person.seed, 5])
    parts: list[Surface] = []
    if person.hair_length:
        parts += [_curtain(person, rng, side) for side in (-1, 1)]
    if person.fringe:
        parts.append(_fringe(person, rng))
    if person.glasses:
        parts += _glasses(person, rng, marks)
    return _join(parts)


def _curtain(person: Person, rng: np.random.Generator, side: int) -> Surface:
    """Hair hanging beside the face, from the crown down."""
    start = float(rng.uniform(1.0, 1.4))
    angle = np.linspace(start, np.pi, 24)
    height = np.linspace(13.6, 5 - person.hair_length, 16)
    a, y = np.meshgrid(angle, height)
    dome = np.sqrt(np.clip(1 - (np.clip(y - 3, 0, None) / 11.2) ** 2, 0.001, 1))
    wave = 1 + 0.03 * np.sin(a * rng.uniform(8, 20) + y * rng.uniform(0, 0.8))
    wide = (8.3 + person.hair_volume) * dome * wave
    x = side * wide * np.sin(a)
    z = 0.3 + (9.0 + person.hair_volume) * dome * wave * np.cos(a)
    return _sheet(x, y, z, np.sin(a) * side, np.cos(a), a * 9)


def _fringe(person: Person, rng: np.random.Generator) -> Surface:
    """Hair hanging over the forehead."""
    a, s = np.meshgrid(np.linspace(-0.85, 0.85, 30), np.linspace(0, 1, 10))
    low = 10.0 - person.fringe + 0.35 * np.sin(a * rng.uniform(6, 30) + rng.uniform(0, 6))
    y = 13.4 + (low - 13.4) * s
    dome = np.sqrt(np.clip(1 - (np.clip(y - 5, 0, None) / 10.2) ** 2, 0.02, 1))
    thick = 0.9 + person.hair_volume
    x = (9.2 + thick) * dome * np.sin(a)
    z = 1.0 + (10.0 + thick) * dome * np.cos(a)
    return _sheet(x, y, z, np.sin(a), np.cos(a), a * 14)


def _sheet(x: Wide, y: Wide, z: Wide, nx: Wide, nz: Wide, strand: Wide) -> Surface:
    rows, columns = x.shape
    cell = np.arange(rows * columns).reshape(rows, columns)
    corners = [cell[:-1, :-1], cell[1:, :-1], cell[1:, 1:], cell[:-1, 1:]]
    a, b, c, d = (corner.ravel() for corner in corners)
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    places = np.stack([x, y, z], -1).reshape(-1, 3)
    normals = np.stack([nx, np.zeros_like(nx) + 0.2, nz], -1).reshape(-1, 3)
    rest = np.stack([strand, y, np.full_like(y, _HAIR)], -1).reshape(-1, 3)
    return _single(places, normals, rest, triangles)


def _glasses(person: Person, rng: np.random.Generator, marks: Floats) -> list[Surface]:
    thick = {1: 0.07, 2: 0.2, 3: 0.12}[person.glasses]
    wide, tall = float(rng.uniform(2.1, 2.6)), float(rng.uniform(1.4, 2.1))
    square = float(rng.uniform(0.55, 1.0))
    front = float(marks[27, 2]) + 0.45
    parts = []
    for side, corners in ((-1, marks[36:42]), (1, marks[42:48])):
        middle = corners.mean(axis=0)
        t = np.linspace(0, 2 * np.pi, 33)
        x = middle[0] + side * 0.15 + wide * np.sign(np.cos(t)) * np.abs(np.cos(t)) ** square
        y = middle[1] - 0.2 + tall * np.sign(np.sin(t)) * np.abs(np.sin(t)) ** square
        z = front - 0.10 * np.abs(x)
        rim = np.stack([x, y, z], 1)
        parts.append(_tube(rim, thick))
        outer = rim[np.argmax(side * rim[:, 0])]
        ear = np.array([side * 8.0, outer[1] + 0.3, 2.0])
        parts.append(_tube(np.linspace(outer, ear, 8), thick))
        if person.glasses == 3:
            parts.append(_disc(rim))
    bridge = np.array([[-0.9, marks[27, 1] + 0.1, front], [0.9, marks[27, 1] + 0.1, front]])
    return [*parts, _tube(bridge, thick)]


def _tube(path: Wide, radius: float) -> Surface:
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    aside = np.cross(along, [0.0, 0.1, 1.0])
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-6)
    upward = np.cross(aside, along)
    ring = np.linspace(0, 2 * np.pi, 6)
    normals = (
        aside[:, None] * np.cos(ring)[None, :, None] + upward[:, None] * np.sin(ring)[None, :, None]
    )
    places = path[:, None] + radius * normals
    rows, columns = len(path), len(ring)
    cell = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (
        corner.ravel() for corner in (cell[:-1, :-1], cell[1:, :-1], cell[1:, 1:], cell[:-1, 1:])
    )
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    rest = np.tile([0.0, 0.0, _FRAME], (rows * columns, 1))
    return _single(places.reshape(-1, 3), normals.reshape(-1, 3), rest, triangles)


def _disc(rim: Wide) -> Surface:
    places = np.concatenate([rim, rim.mean(axis=0, keepdims=True)])
    count = len(rim)
    ring = np.arange(count)
    triangles = np.stack([ring, (ring + 1) % count, np.full(count, count)], 1)
    normals = np.tile([0.0, 0.1, 1.0], (count + 1, 1))
    return _single(places, normals, np.tile([0.0, 0.0, _FRAME], (count + 1, 1)), triangles)


def _single(places: Wide, normals: Wide, rest: Wide, triangles: Whole) -> Surface:
    return (
        places.astype(np.float32),
        normals.astype(np.float32),
        rest.astype(np.float32),
        triangles.astype(np.int32),
    )


def _join(parts: list[Surface]) -> Surface:
    empty = np.zeros((0, 3), np.float32)
    if not parts:
        return empty, empty, empty, empty.astype(np.int32)
    starts = np.cumsum([0, *(len(part[0]) for part in parts[:-1])])
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] + start for part, start in zip(parts, starts, strict=True)]).astype(
            np.int32
        ),
    )
