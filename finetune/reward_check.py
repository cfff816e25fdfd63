"""Is the right answer the best paid? A recipe's whole reward, by family of the small world.

    python -m finetune.reward_check finetune/recipes/tiny-world-grpo.yaml --model CHECKPOINT

Compares, clip by clip: what SFT is taught; the same text with the smile's label; the best that can
be written for another label, with that label and with reasons from the same tables; and what a
model writes. A reward whose best is not the taught text teaches something else.

Knows rows, rewards and the world; trains nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Final

from finetune import compact, completion, data, world_rows
from finetune.rewards import REWARDS
from finetune.settings import Recipe, read
from finetune.world import FAMILIES
from finetune.world_shelf import Kept

_SMILE: Final = "happiness"
Whole = dict[str, list[float | None]]
"""Kind of text → weighted sum of rewards of each scene; None where there is no such text."""


def reward(recipe: Recipe, scene: Kept, texts: Sequence[str]) -> list[float]:
    """Weighted sum of a recipe's rewards of some texts to one scene."""
    columns = {
        "emotion": [scene.emotion] * len(texts),
        "units": [scene.units] * len(texts),
        "evidence": [scene.evidence.to_json()] * len(texts),
    }
    each = [
        [weight * (value or 0.0) for value in REWARDS[name](texts, **columns)]
        for name, weight in recipe.rewards.items()
    ]
    return [sum(values) for values in zip(*each, strict=True)]


def whole(recipe: Recipe, scenes: Sequence[Kept], written: Sequence[str] = ()) -> Whole:
    """The reward of each kind of text to each scene; `written` is a model's, one a scene."""
    found: Whole = {"taught": [], "the same, happiness": [], "best for another label": []}
    for scene in scenes:
        told = _for(scene, scene.emotion)
        others = [text for label in recipe.labels if (text := _other(scene, label))]
        swapped = told and told.replace(f"<answer>{scene.emotion}<", f"<answer>{_SMILE}<")
        found["taught"].append(reward(recipe, scene, [told])[0] if told else None)
        found["the same, happiness"].append(
            reward(recipe, scene, [swapped])[0] if swapped and scene.emotion != _SMILE else None
        )
        best = max(reward(recipe, scene, others), default=None) if others else None
        found["best for another label"].append(best)
    if written:
        pairs = zip(scenes, written, strict=True)
        found["the model"] = [reward(recipe, scene, [text])[0] for scene, text in pairs]
    return found


def _for(scene: Kept, label: str) -> str | None:
    claims = compact.claims(scene.evidence, label)
    return completion.write(claims, label) if claims else None


def _other(scene: Kept, label: str) -> str | None:
    return None if label == scene.emotion else _for(scene, label)


def table(scenes: Sequence[Kept], found: Mapping[str, Sequence[float | None]]) -> str:
    """Families down, kinds across; last the share of clips whose taught text is the best."""
    lines = [
        "| | " + " | ".join([*found, "taught is best"]) + " |",
        "| --- " * (len(found) + 2) + "|",
    ]
    for family in FAMILIES:
        mine = [n for n, scene in enumerate(scenes) if scene.family == family]
        cells = [_mean(values[n] for n in mine) for values in found.values()]
        pairs = [(found["taught"][n], found["best for another label"][n]) for n in mine]
        firm = [a > b for a, b in pairs if a is not None and b is not None]
        lines.append(f"| {family} | " + " | ".join([*cells, f"{mean(firm):.0%}"]) + " |")
    return "\n".join(lines)


def _mean(values: Iterable[float | None]) -> str:
    there = [value for value in values if value is not None]
    return f"{mean(there):.2f}" if there else "–"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table of a recipe."""
    parser = argparse.ArgumentParser(prog="python -m finetune.reward_check")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--model", help="a checkpoint whose answers are judged too")
    parser.add_argument("--clips", type=int, default=250, help="of those that are trained on")
    asked = parser.parse_args(argv)
    recipe = read(asked.recipe, asked.set)
    assert recipe.world is not None, "the check is of the small world"
    scenes = world_rows.scenes(recipe.world, "train")[: asked.clips]
    print(table(scenes, whole(recipe, scenes, _written(recipe, asked.model, scenes))))
    return 0


def _written(recipe: Recipe, model: str | None, scenes: Sequence[Kept]) -> list[str]:
    if model is None:
        return []
    from finetune import generate, load

    loaded, processor, _ = load.model(replace(recipe, model=model, tiny=None))
    rows = [data.world_row(recipe, scene) for scene in scenes]
    told = generate.completions(loaded, processor, rows, generate.How(50, 160))
    return [text for _, texts in told for text in texts]


if __name__ == "__main__":
    raise SystemExit(main())
