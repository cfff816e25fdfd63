"""The rows a recipe asks for: from files of labelled clips and from the small world.

Knows recipes, rows and the product's own way of looking; no trainer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from agent.perception import look as perceive
from agent.render.showing import Showing
from agent.schema.evidence import Evidence
from agent.schema.evidence import read as read_evidence
from agent.schema.picture import Picture
from eval import leaks, samples
from finetune import steps, world_rows
from finetune.formats import Item
from finetune.formats import read as read_items
from finetune.recipe import RecipeError
from finetune.rows import Row, admit, build, split
from finetune.settings import Phase, Recipe, World
from finetune.world_shelf import Kept

KINDS = {"strip": "action units", "face": "face strip", "voice": "voice picture", "frame": "frame"}
"""What a recipe calls a picture, and how its name begins."""
log = logging.getLogger(__name__)


def rows(recipe: Recipe) -> list[Row]:
    """All rows to train on, in the order in which they are gone through.

    With a curriculum its stretches in turn, the rows of each shuffled; else all, in any order.
    """
    if not recipe.curriculum:
        return _shuffled(_told(recipe, Phase("emotion", 1)), recipe, 0)
    found: list[Row] = []
    for number, phase in enumerate(recipe.curriculum):
        shown = replace(recipe, pictures=(), world=_unveiled(recipe)) if phase.told else recipe
        mine = _told(shown, phase)
        mine = _shuffled(mine, recipe, number)
        found += islice(cycle(mine), phase.rows)
    return found


def _unveiled(recipe: Recipe) -> World:
    if recipe.world is None:
        raise RecipeError("curriculum: told is for the small world")
    return replace(recipe.world, veil=False)


def _shuffled(rows: list[Row], recipe: Recipe, number: int) -> list[Row]:
    rng = np.random.default_rng([int(recipe.trainer.get("seed", 42)), number])
    return [rows[n] for n in rng.permutation(len(rows))]


def _told(recipe: Recipe, phase: Phase) -> list[Row]:
    """Rows of one stretch; for SFT those that have a completion."""
    found: list[Row] = []
    if recipe.world is not None:
        scenes = world_rows.scenes(recipe.world, "train")[: phase.clips]
        found += [world_row(recipe, scene, phase) for scene in scenes]
    found += file_rows(recipe, "train")[: phase.clips]
    if recipe.kind == "sft":
        found = [row for row in found if row.completion is not None]
    if not found:
        raise RecipeError("no row is left to train on")
    return found


def world_row(recipe: Recipe, scene: Kept, phase: Phase | None = None) -> Row:
    """The row of one scene of the world, as the recipe has it shown."""
    assert recipe.world is not None
    phase = phase or Phase("emotion", 1)
    return world_rows.row(
        scene, recipe.style, recipe.labels, phase.stage, recipe.world.veil, recipe.pictures,
        phase.by, phase.named,
    )  # fmt: skip


def file_rows(recipe: Recipe, part: str) -> list[Row]:
    """Rows of the files, split by person; clips that a benchmark holds are refused."""
    items = [item for file in recipe.files for item in _items(file.path, file.format, file.root)]
    look = looker(recipe.pictures)
    if recipe.style == "steps":
        found = [row for item in items for row in steps.rows(item, look)]
    else:
        found = [build(item, look, recipe.labels) for item in items]
    held = leaks.held(s for path in recipe.refuse for s in samples.read(Path(path)))
    kept, refused = admit(found, held)
    if refused:
        log.warning("%d clips are held by benchmarks and refused: %s", len(refused), refused[:5])
    return split(kept, recipe.val)["train" if part == "train" else "val"]


def _items(path: str, kind: str, root: str | None) -> Iterable[Item]:
    return read_items(Path(path), kind, Path(root) if root else None)


def looker(kinds: Sequence[str]) -> Callable[[Item], tuple[Evidence, list[Picture]]]:
    """Evidence and pictures of an item, as the product has them; pictures of these kinds."""
    if wrong := sorted(set(kinds) - set(KINDS)):
        raise RecipeError(f"pictures: no kind {wrong[0]!r}; there are {', '.join(KINDS)}")
    begins = tuple(KINDS[kind] for kind in kinds)

    def look(item: Item) -> tuple[Evidence, list[Picture]]:
        given = [Picture(path.name, path.read_bytes()) for path in item.pictures]
        if item.evidence is not None:
            return read_evidence(item.evidence.read_text(encoding="utf-8")), given
        if item.media is None:
            raise RecipeError(f"{item.id} has pictures alone: evidence or media is needed")
        found = perceive.look(perceive.Request(clip=item.media))
        main = found.evidence.main
        span = (0.0, found.evidence.media.duration)
        drawn = Showing(item.media, found)(main.id if main else None, span)
        return found.evidence, given or [p for p in drawn if p.name.startswith(begins)]

    return look
