"""From rendered people to the weights of `units.learned`: render, learn, calibrate, judge.

    duchenne train aus finetune/recipes/aus.yaml

Needs torch and onnx; rendering needs moderngl and the head model.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from agent.schema.samples import Floats
from agent.senses.units.net import COUNT, SHUT, TARGETS_SIDE, TARGETS_WHOLE, Net, activity, resting
from agent.senses.units.steady import steadied
from finetune.aus import data, fuse, patches
from finetune.aus.data import People
from finetune.aus.recipe import Leg, Recipe
from finetune.faces.plans import Plan, plans

log = logging.getLogger("duchenne")
NAMES = (*TARGETS_SIDE, *TARGETS_WHOLE)
VERSION = 1
HELD_OUT = ("validation", "test")
Wide = npt.NDArray[np.floating]


def train(recipe: Recipe) -> dict[str, Any]:
    """Train, calibrate on validation people, judge on test people, write the weights."""
    torch.set_num_threads(recipe.threads)
    began = time.perf_counter()
    out = Path(recipe.out)
    mean = data.mean_face()
    files = rendered(recipe)
    people = data.load(Path(recipe.faces), mean, files["train"])
    held = {name: data.load(Path(recipe.faces), mean, files[name]) for name in HELD_OUT}
    log.info("%d pictures of %d people", len(people), len(people.bounds) - 1)
    skin = _skin(recipe, people)
    seen = {name: patches.numbers(skin, part.patches) for name, part in held.items()}
    seen["train"] = patches.numbers(skin, people.patches)
    stored: dict[str, Any] = {}
    report: dict[str, Any] = {"recipe": asdict(recipe), "pictures": len(people)}
    for mesh in data.MESHES:
        axes, sign = fuse.basis(people, mesh, mean)
        table = fuse.rows(people, mesh, axes, seen["train"], fuse.Parts())
        seeds = range(recipe.seed, recipe.seed + recipe.members)
        steps = recipe.fuse_steps
        weights = fuse.join([fuse.train(people, table, axes, sign, steps, s) for s in seeds])
        tables = {
            name: fuse.rows(part, mesh, axes, seen[name], fuse.Parts())
            for name, part in held.items()
        }
        calibrate(weights, held["validation"], tables["validation"])
        known = judge(Net(weights), held["validation"], tables["validation"])
        stored["knowledge"] = knowledge(known)
        report[mesh] = judge(Net(weights), held["test"], tables["test"])
        report[mesh]["validation"] = known["mean"]
        log.info("%s mesh on test people: %s", mesh, report[mesh]["mean"])
        stored |= {f"{mesh}/{name}": value.astype(np.float16) for name, value in weights.items()}
    stored["mean_points"], stored["mean_weights"] = mean.points, mean.weights
    stored["version"] = np.array(f"learned-{VERSION}-{recipe.seed}-{len(people)}")
    report["minutes"] = round((time.perf_counter() - began) / 60, 1)
    write(out, stored, skin, report)
    return report


def rendered(recipe: Recipe) -> dict[str, list[Path]]:
    """Files of the recipe's people by folder; people who are not there yet are rendered."""
    every = {name: _plans(recipe, name, 0, recipe.held_out) for name in HELD_OUT}
    every["train"] = _learning(recipe, recipe)
    for name, todo in every.items():
        folder = Path(recipe.faces) / name
        if missing := [plan for plan in todo if not plan.file(folder).exists()]:
            log.info("%s: rendering %d of %d people", name, len(missing), len(todo))
            _render(missing, folder)
    return {name: _files(recipe, name, todo) for name, todo in every.items()}


def _learning(recipe: Recipe, part: Recipe | Leg) -> list[Plan]:
    """Those people of a recipe to learn from that a part of it names."""
    return [
        *_plans(recipe, "train", 0, part.people),
        *(_plans(recipe, "train", *part.more) if part.more else ()),
        *_plans(recipe, "smiles", 0, part.smiling),
    ]


def _plans(recipe: Recipe, split: str, first: int, last: int) -> list[Plan]:
    return list(plans(split, first, last, recipe.stills, recipe.seconds, recipe.size))


def _files(recipe: Recipe, name: str, todo: Sequence[Plan]) -> list[Path]:
    return [plan.file(Path(recipe.faces) / name) for plan in todo]


def _render(missing: Sequence[Plan], folder: Path) -> None:
    from finetune.faces import ict, shards  # only here: shards that are there need no renderer

    maker = shards.Maker(ict.load(), data.mean_face(), missing[0].size)
    for done, _ in enumerate(maker.run(missing, folder), 1):
        if done % 20 == 0:
            log.info("%d of %d", done, len(missing))


def _skin(recipe: Recipe, everybody: People) -> patches.Skin:
    """The skin network, leg by leg; a leg that was finished before is taken up again."""
    skin: patches.Skin | None = None
    everyone = (recipe.people, recipe.more, recipe.smiling, recipe.stills, recipe.seconds)
    done = ""
    for leg in recipe.skin:
        done = hashlib.sha256(f"{done}{leg}{everyone}".encode()).hexdigest()[:8]
        kept = Path(recipe.faces) / f"skin-{done}.pt"
        if kept.exists():
            log.info("skin network taken from %s", kept)
            skin = patches.restore(kept)
            continue
        people = everybody
        if leg.people:
            chosen = _files(recipe, "train", _learning(recipe, leg))
            people = data.load(Path(recipe.faces), data.mean_face(), chosen)
        skin = patches.train(people, leg.steps, leg.seed, recipe.threads, skin)
        torch.save(skin.state_dict(), kept)
    if skin is None:
        raise ValueError("skin: the recipe has no leg")
    return skin


def read_clips(
    net: Net, people: People, table: Floats, smooth: bool = True, relative: bool = True
) -> Floats:
    """What the estimator reads of each person's pictures as one clip, n × 2 × 3 × COUNT."""
    out = np.empty((len(table), 2, 3, COUNT), np.float32)
    for first, last in zip(people.bounds, people.bounds[1:], strict=False):
        mine = table[first:last]
        raw = net.raw(mine)
        if relative:
            rest, worth = resting(mine, activity(raw), people.quality[first:last])
            raw = net.raw(mine, rest, worth)
        (out[first:last],) = steadied(people.time[first:last], [raw]) if smooth else [raw]
    return out


def calibrate(weights: dict[str, Floats], people: People, table: Floats) -> None:
    """Scale intensities and deviations to fit held-out people, in place."""
    net = Net(weights)
    raw = read_clips(net, people, table)
    truth = people.sides() / 5
    level = np.clip(raw[:, :, 0], 0, 1)
    weights["bend"] = _fitting(level, truth)
    alone = _fitting(np.clip(net.raw(table)[:, :, 0], 0, 1), truth) / weights["bend"]
    weights["alone"] = np.clip(alone, 0.75, 1.1).astype(np.float32)
    off = np.abs(level * weights["bend"] - truth)
    sure = np.exp(np.clip(raw[:, :, 1], -5, 1))
    ratio = np.quantile((off / sure).reshape(-1, COUNT), 0.8, axis=0) / 1.28
    weights["spread"] = np.clip(ratio, 0.3, 3).astype(np.float32)


def _fitting(level: Wide, truth: Wide) -> Floats:
    """Factors that bring levels to the truth: half way between least squares and equal power."""
    power = np.maximum((level**2).sum(axis=(0, 1)), 1e-6)
    least = (level * truth).sum(axis=(0, 1)) / power
    alike = np.sqrt((truth**2).sum(axis=(0, 1)) / power)
    # Least squares shrinks what is unsure, equal power invents.
    factor = np.sqrt(np.clip(least, 0.5, 1.5) * np.clip(alike, 0.5, 2.0))
    return np.asarray(factor, np.float32)


def judge(
    net: Net, people: People, table: Floats, smooth: bool = True, relative: bool = True
) -> dict[str, Any]:
    """PCC, F1 of "at least 1" and sides over all pictures of held-out clips, pooled."""
    raw = read_clips(net, people, table, smooth, relative)
    level = 5 * np.clip(raw[:, :, 0] * net.bend, 0, 1)
    truth = people.sides()
    found = {}
    for place, name in enumerate(NAMES):
        both, true = level[:, :, place].mean(axis=1), truth[:, :, place].mean(axis=1)
        if true.std() == 0:
            continue
        found[name] = {
            "pcc": _pcc(both, true),
            "f1": _f1(both >= 1, true >= 1),
            "mae": float(np.abs(both - true).mean()),
            "rest": float(np.quantile(both[true < 0.1], 0.9)),
            "false": float(np.quantile(both[true < 0.1], 0.97)),
        }
    mean = {key: float(np.mean([row[key] for row in found.values()])) for key in ("pcc", "f1")}
    return {"mean": mean, "aus": found}


def knowledge(judged: dict[str, Any]) -> Floats:
    """AU number, trust, rest and floor of each, from how held-out people were read."""
    rows = []
    for name, row in judged["aus"].items():
        number = 45 if name == NAMES[SHUT] else int(name[2:])
        trust = float(np.clip(0.3 + 0.65 * row["pcc"], 0.3, 0.95))
        rows.append([number, trust, max(0.4, row["rest"]), max(1.0, row["false"] + 0.1)])
    return np.array(rows, np.float32)


def _pcc(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 else 0.0


def _f1(found: Any, true: Any) -> float:
    hits = float((found & true).sum())
    return 2 * hits / max(1.0, float(found.sum() + true.sum()))


def write(out: Path, stored: dict[str, Any], skin: patches.Skin, report: dict[str, Any]) -> None:
    """aus.npz, aus_skin.onnx and the figures beside them."""
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "aus.npz", **stored)
    example = torch.zeros(2, 1, 96, 56)
    torch.onnx.export(
        skin,
        (example,),
        str(out / "aus_skin.onnx"),
        input_names=["half"],
        output_names=["numbers"],
        dynamic_axes={"half": {0: "n"}, "numbers": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    (out / "aus.json").write_text(json.dumps(report, indent=1) + "\n")
