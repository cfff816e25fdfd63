"""The settings of one training, read from one YAML file; unknown keys are errors."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml


class RecipeError(ValueError):
    """A recipe that cannot be used; the message says which key and why."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the action unit estimator is trained."""

    faces: str = "data/faces"
    """Folder of rendered people with train/, validation/ and test/ in it."""
    people: int = 600
    """People to render for training; three in four as stills, one in four as a clip."""
    held_out: int = 24
    """People to render for validation, and as many for the test."""
    stills: int = 48
    """Pictures of each person who is rendered as stills."""
    seconds: float = 5.0
    """Length of training clips; held-out clips are 8 s."""
    size: int = 288
    """Pixels a side of the pictures."""
    skin_steps: int = 3000
    """Batches of 64 pictures, both halves each."""
    fuse_steps: int = 2000
    """Batches of 512 pictures, both sides each."""
    members: int = 2
    """Networks from different seeds whose readings are averaged."""
    seed: int = 0
    threads: int = 1
    out: str = "agent/senses/weights"
    """Folder of the weights and their card."""


def read(path: str | Path, changes: list[str] | None = None) -> Recipe:
    """A recipe from a YAML file, with `key=value` changes on top. Raises RecipeError."""
    path = Path(path)
    if not path.is_file():
        raise RecipeError(f"no recipe at {path}")
    found = yaml.safe_load(path.read_text()) or {}
    if not isinstance(found, dict):
        raise RecipeError(f"{path} is not a table of settings")
    for change in changes or []:
        key, equals, value = change.partition("=")
        if not equals:
            raise RecipeError(f"--set {change}: give it as key=value")
        found[key] = yaml.safe_load(value)
    return _checked(found)


def _checked(found: dict[str, object]) -> Recipe:
    kinds = {field.name: field.type for field in fields(Recipe)}
    default = Recipe()
    changed: dict[str, Any] = {}
    for key, value in found.items():
        if key not in kinds:
            raise RecipeError(f"unknown key {key!r}; known: {', '.join(kinds)}")
        wanted = type(getattr(default, key))
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            raise RecipeError(f"{key}: {value!r} is no {wanted.__name__}")
        changed[key] = value
    return replace(default, **changed)
