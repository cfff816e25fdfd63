"""The settings of one training, read from one YAML file; unknown keys are errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune import recipe
from finetune.recipe import RecipeError

__all__ = ["Recipe", "RecipeError", "read"]


@dataclass(frozen=True, slots=True)
class Leg:
    """One stretch of the skin network's training; each goes on from the one before."""

    steps: int
    """Batches of 64 pictures, both halves each."""
    people: int = 0
    """Of the recipe's people; 0 for all."""
    more: tuple[int, ...] = ()
    """Of the recipe's further people: first number and end."""
    smiling: int = 0
    """Of the recipe's smiling people."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the action unit estimator is trained."""

    faces: str = "data/faces"
    """Folder of rendered people with train/, validation/ and test/ in it."""
    people: int = 600
    """People to learn from, rendered where they are missing; three in four as stills, one in
    four as a clip."""
    more: tuple[int, ...] = ()
    """First number and end of further such people, for a set that was rendered in two goes."""
    smiling: int = 0
    """Further people whose stills are mostly smiles that bare teeth."""
    held_out: int = 24
    """People to render for validation, and as many for the test."""
    stills: int = 48
    """Pictures of each person who is rendered as stills."""
    seconds: float = 5.0
    """Length of training clips; held-out clips are 8 s."""
    size: int = 288
    """Pixels a side of the pictures."""
    skin: tuple[Leg, ...] = (Leg(3000),)
    """Training of the skin network."""
    fuse_steps: int = 2000
    """Batches of 512 pictures, both sides each."""
    members: int = 2
    """Networks from different seeds whose readings are averaged."""
    seed: int = 0
    threads: int = 1
    out: str = "agent/senses/weights"
    """Folder of the weights and their card."""


def read(path: str | Path, changes: Sequence[str] | None = None) -> Recipe:
    """A recipe from a YAML file, with `key=value` changes on top. Raises RecipeError."""
    return recipe.read(Recipe, path, changes)
