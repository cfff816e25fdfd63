"""Data that the model makes itself: write, keep what holds, reflect on the rest, train again.

    duchenne train loop finetune/recipes/tiny-world-loop.yaml

After stage 3 of Facial-R1 (arXiv 2511.10254). In each round the current model writes to rows it
has not written to; what has the right form, label and action units and is grounded goes into the
pool. What fails is written again with its faults and the truth given, and is then marked
`gold_conditioned`: such a text explains a label, it did not find it. Then SFT on the whole pool,
from the first model again, so that no round builds on the faults of another.

Knows rewards, rows and the trainer of `finetune.train`. Everything is on disk as soon as it is
made: a loop that was killed goes on where it was, with the same texts.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import prompts
from agent.captions.store import write_bytes
from agent.facs.units import AUS
from eval.records import Log
from finetune import data, generate, load, train, world_rows
from finetune.rewards import REWARDS
from finetune.rows import Row
from finetune.settings import Loop, Recipe

log = logging.getLogger(__name__)

MEASURES: Final = ("form", "emotion", "units", "alignment", "grounding")
"""Rewards that are told of held-out rows and of what is kept."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One text that the model wrote to one row."""

    id: str
    attempt: int
    """From 0; all but the first know the gold."""
    text: str
    faults: tuple[str, ...]
    """What is wrong, a name each; none where it is kept."""


# --- judging --------------------------------------------------------------------------------


def score(row: Row, text: str, names: Iterable[str] = MEASURES) -> dict[str, float | None]:
    """Rewards of one text; None where the row has no gold for one."""
    columns = {key: [value] for key, value in row.grpo().items()}
    return {name: REWARDS[name]([text], **columns)[0] for name in names}


def faults(row: Row, text: str, how: Loop) -> tuple[str, ...]:
    """What keeps a text out of the pool: form, label, units, grounding; what has no gold passes."""
    found = score(row, text, ("form", "emotion", "units", "grounding"))
    least = {"form": 1.0, "emotion": 1.0, "units": how.units, "grounding": how.grounding}
    names = {"emotion": "label"}
    return tuple(
        names.get(name, name)
        for name, value in found.items()
        if value is not None and value < least[name]
    )


_TOLD: Final = {
    "form": "it is not one <think> and one short <answer>",
    "label": "the answer is another feeling",
    "units": "the action units are not those that are shown",
    "grounding": "claims cite cues that do not carry them, or none",
}


def again(row: Row, draft: Draft, style: str) -> Row:
    """The row with a prompt that tells the faults of a draft, and the truth.

    For models too small for such a text the truth is told by leaving no other label.
    """
    if style == "compact":
        *shown, task = row.prompt.split("\n")
        return replace(row, prompt="\n".join([*shown, f"{task.split(':')[0]}: {row.emotion}"]))
    told = prompts.fill(
        "reflect",
        draft="\n".join(f"> {line}" for line in draft.text.splitlines()),
        faults="; ".join(_TOLD[name] for name in draft.faults),
        emotion=str(row.emotion),
        units=", ".join(AUS[unit].code for unit in row.units or ()) or "none",
    )
    return replace(row, prompt=f"{row.prompt}\n\n{told}")


# --- one round ------------------------------------------------------------------------------


def write(recipe: Recipe, rows: Sequence[Row], place: Path, start: Path) -> dict[str, Draft]:
    """The last draft of each row, by its id; those that are on disk are not written again.

    `start` is the model that writes, loaded only where something is left to write.
    """
    file = place / "drafts.jsonl"
    found: dict[tuple[str, int], Draft] = {}
    last: dict[str, Draft] = {}
    loaded: tuple[Any, Any] | None = None
    todo = list(rows)
    with Log(file) as kept:
        found |= {(draft.id, draft.attempt): draft for draft in _read(file)}
        for attempt in range(1 + recipe.loop.reflections):
            asked = todo
            if attempt:
                asked = [again(row, last[row.id], recipe.style) for row in todo]
            for n in range(0, len(asked), recipe.loop.batch):
                batch = asked[n : n + recipe.loop.batch]
                if any((row.id, attempt) not in found for row in batch):
                    loaded = loaded or load.model(replace(recipe, model=str(start)))[:2]
                    how = _how(recipe, attempt)
                    ((_, texts),) = generate.completions(*loaded, batch, how)
                    for row, text in zip(batch, texts, strict=True):
                        wrong = faults(row, text, recipe.loop)
                        draft = Draft(row.id, attempt, text, wrong)
                        kept.add(draft)
                        found[row.id, attempt] = draft
            last |= {row.id: found[row.id, attempt] for row in todo}
            todo = [row for row in todo if last[row.id].faults]
    return last


def _how(recipe: Recipe, attempt: int) -> generate.How:
    loop, seed = recipe.loop, int(recipe.trainer.get("seed", 0))
    return generate.How(loop.batch, loop.tokens, loop.temperature, 1000 * seed + attempt)


def _read(file: Path) -> list[Draft]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    rows = [json.loads(line) for line in lines]
    return [Draft(**row | {"faults": tuple(row["faults"])}) for row in rows]


def pooled(rows: Iterable[Row], drafts: Mapping[str, Draft]) -> list[Row]:
    """Rows with what was kept as their completion, marked where the gold was known."""
    found = ((row, drafts[row.id]) for row in rows)
    return [
        replace(row, completion=draft.text, gold_conditioned=draft.attempt > 0)
        for row, draft in found
        if not draft.faults
    ]


def quality(recipe: Recipe, model: Path, rows: Sequence[Row]) -> dict[str, float]:
    """Mean of each measure over held-out rows, each answered once with the likeliest tokens."""
    loaded = load.model(replace(recipe, model=str(model)))[:2]
    how = generate.How(recipe.loop.batch, recipe.loop.tokens)
    told = [
        score(row, text)
        for batch, texts in generate.completions(*loaded, rows, how)
        for row, text in zip(batch, texts, strict=True)
    ]
    return _means(told)


def _means(told: Sequence[Mapping[str, float | None]]) -> dict[str, float]:
    """Of each measure over the texts that could be scored; none where there are none."""
    found = {name: [one[name] for one in told if one[name] is not None] for name in MEASURES}
    return {
        name: round(sum(values) / len(values), 4)  # type: ignore[arg-type]  # None is left out
        for name, values in found.items()
        if values
    }


# --- the loop -------------------------------------------------------------------------------


def run(recipe: Recipe) -> Path:
    """All rounds that are not done yet; the folder of the last model. Raises RecipeError."""
    out = Path(recipe.out)
    rows = [row for row in data.rows(recipe) if row.emotion is not None]
    held = _held(recipe)
    start = Path(recipe.model)
    done: list[dict[str, Any]] = [_kept(out / "start.json", lambda: _start(recipe, held))]
    pool: list[Row] = []
    for number in range(1, recipe.loop.rounds + 1):
        place = out / f"round-{number}"
        mine = _drawn(rows, number, recipe.loop.rows)
        drafts = write(recipe, mine, place, start)
        new = pooled(mine, drafts)
        pool += new
        if not pool:
            raise ValueError(f"{place}: nothing the model wrote holds; see {place}/drafts.jsonl")
        report = _kept(
            place / "report.json",
            lambda: _round(recipe, number, place, mine, drafts, new, pool, held),  # noqa: B023
        )
        start = Path(report["model"])
        done.append(report)
        write_bytes(table(done).encode(), out / "rounds.md", out)
        log.info("round %d: %s", number, json.dumps(report))
    return start


def _round(
    recipe: Recipe,
    number: int,
    place: Path,
    rows: Sequence[Row],
    drafts: Mapping[str, Draft],
    new: Sequence[Row],
    pool: Sequence[Row],
    held: Sequence[Row],
) -> dict[str, Any]:
    """Train on the pool, and what came of the round."""
    began = time.monotonic()
    model = retrain(recipe, pool, place / "sft")
    first = [draft for draft in _read(place / "drafts.jsonl") if draft.attempt == 0]
    kept = sum(not draft.faults for draft in {draft.id: draft for draft in first}.values())
    by_id = {row.id: row for row in rows}
    return {
        "round": number,
        "rows": len(rows),
        "kept_at_once": kept,
        "kept_after_reflection": len(new) - kept,
        "yield": round(len(new) / len(rows), 4),
        "faults_at_first": dict(Counter(f for draft in first for f in draft.faults)),
        "faults_left": dict(Counter(f for draft in drafts.values() for f in draft.faults)),
        "pool": len(pool),
        "gold_conditioned": round(sum(row.gold_conditioned for row in pool) / len(pool), 4),
        "kept": _means([score(by_id[row.id], str(row.completion)) for row in new]),
        "held_out": quality(recipe, model, held),
        "model": str(model),
        "seconds": round(time.monotonic() - began, 1),
    }


def _start(recipe: Recipe, held: Sequence[Row]) -> dict[str, Any]:
    found = quality(recipe, Path(recipe.model), held)
    return {"round": 0, "held_out": found, "model": recipe.model}


def retrain(recipe: Recipe, pool: Sequence[Row], out: Path) -> Path:
    """SFT on the pool from the recipe's own model; goes on where it was."""
    taught = replace(recipe, kind="sft", out=str(out), curriculum=())
    return train.train(train.build(taught, pool))


def _drawn(rows: Sequence[Row], number: int, count: int) -> list[Row]:
    """Rows of a round: the next ones, round again where there are no more; none twice."""
    count = min(count, len(rows))
    first = (number - 1) * count
    return [rows[(first + n) % len(rows)] for n in range(count)]


def _held(recipe: Recipe) -> list[Row]:
    """Rows of people who are not trained on."""
    found: list[Row] = []
    if recipe.world is not None:
        scenes = world_rows.scenes(recipe.world, "test")
        found += [data.world_row(recipe, scene) for scene in scenes]
    found += data.file_rows(recipe, "val")
    return [row for row in found if row.emotion is not None][: recipe.loop.held]


def _kept(path: Path, make: Any) -> dict[str, Any]:
    """What the file says, or what is made and then put there."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(make(), indent=1)
        write_bytes(text.encode(), path, path.parent)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """The rounds as a Markdown table."""
    heads = ["round", "written", "kept at once", "after reflection", "yield", "pool",
             "gold conditioned", *(f"held out: {name}" for name in MEASURES)]  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for one in reports:
        names = ("round", "rows", "kept_at_once", "kept_after_reflection", "yield", "pool",
                 "gold_conditioned")  # fmt: skip
        cells = [*map(one.get, names), *map(one["held_out"].get, MEASURES)]
        lines.append("| " + " | ".join("–" if c is None else str(c) for c in cells) + " |")
    return "\n".join(lines) + "\n"


def asked(recipe: Recipe) -> dict[str, Any]:
    """What a dry run tells: settings of the loop and how much there is to write to."""
    rows = [row for row in data.rows(recipe) if row.emotion is not None]
    return {"loop": asdict(recipe.loop), "rows": len(rows), "held_out": len(_held(recipe))}
