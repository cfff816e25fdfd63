"""Fit how likely an event is a real movement, on rendered people that no network learned from.

    python -m finetune.aus.events FIT [--test TEST …] [--keep]

FIT and TEST are folders of clips with their truth, as `python -m finetune.faces clip
FOLDER/face_N.mp4 --seed N` makes them (N from 1,700 up to 99,999 belongs to no training).
A logistic regression over `likely.FEATURES`, the same for all action units; five groups of people
of FIT choose the least likelihood of an event, namely the lowest that gives AIM of precision on
people left out. TEST is only reported. `--keep` writes `agent/senses/weights/events.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from agent.schema.samples import Columns
from agent.senses.units import likely, series
from agent.senses.units.action_units import estimator
from agent.senses.weights import WEIGHTS
from eval import agreement, faces

Array = npt.NDArray[np.float64]
AIM: Final = 0.82
"""Precision asked for on the people left out: a little above what is to be reached on others."""
PENALTY: Final = 0.5
"""On the squared weights; the bias is free."""
GROUPS: Final = 5
SHORT: Final = 0.25
"""Likelihood from which a short event counts. Lower than for others, so that brief movements are
found: of 200 in the fitted clips 116 instead of 103 at 0.36 (people left out)."""
STEPS: Final = np.arange(0.2, 0.7, 0.01)


@dataclass(frozen=True, slots=True)
class Events:
    """All that may be events in some clips."""

    features: Array
    """n × FEATURES."""
    real: npt.NDArray[np.bool_]
    """Whether a true event of this action unit begins within `faces.WITHIN` of it."""
    clip: npt.NDArray[np.int64]
    true: int
    """How many true events there are."""


def gather(folder: Path, measure: Any) -> Events:
    """Read every clip of a folder. Raises FileNotFoundError where there is none."""
    rows: list[Array] = []
    real: list[bool] = []
    owner: list[int] = []
    true = 0
    for number, path in enumerate(faces.rendered(folder)):
        try:
            (found,) = measure(path)
        except StopIteration:
            print(f"{path.name}: nobody was found in it", file=sys.stderr)
            continue
        clip = faces.read(path, found)
        known = [e for e in clip.events if e["au"] in faces.CUES]
        true += len(known)
        for row, hit in _of_clip(clip.columns, known):
            rows.append(row)
            real.append(hit)
            owner.append(number)
        print(f"\r{path.name}: {len(rows)} candidates", end="", file=sys.stderr)
    print(file=sys.stderr)
    return Events(np.array(rows), np.array(real), np.array(owner), true)


def _of_clip(columns: Columns, known: Sequence[dict[str, Any]]) -> list[tuple[Array, bool]]:
    trust = estimator(None).knowledge
    base = series.resting(columns, trust)
    none = base.kind == "none"
    readings = columns if none else series.against(columns, base)
    found = series.candidates(columns, readings, trust, base)
    out: list[tuple[Array, bool]] = []
    for number in faces.CUES:
        mine = [e for e in found if faces.CLOSE.get(e.au, e.au) == number]
        onsets = [float(e["onset"]) for e in known if e["au"] == number]
        pairs = agreement.match(onsets, [e.onset for e in mine], faces.WITHIN)
        hits = {j for _, j in pairs}
        out += [(likely.features(e, columns, readings), j in hits) for j, e in enumerate(mine)]
    return out


def fit(features: Array, real: npt.NDArray[np.bool_]) -> tuple[float, Array]:
    """Bias and weights of a logistic regression with a quadratic penalty."""
    sign = np.where(real, 1.0, -1.0)

    def loss(x: Array) -> tuple[float, Array]:
        score = sign * (x[0] + features @ x[1:])
        slope = -sign / (1 + np.exp(np.clip(score, -50, 50)))
        gradient = np.concatenate([[slope.sum()], features.T @ slope + 2 * PENALTY * x[1:]])
        return float(np.logaddexp(0, -score).sum() + PENALTY * (x[1:] ** 2).sum()), gradient

    found = minimize(loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return float(found[0]), np.asarray(found[1:], np.float64)


def chances(features: Array, bias: float, weights: Array) -> Array:
    """Likelihood of each row."""
    return np.asarray(1 / (1 + np.exp(-np.clip(bias + features @ weights, -30, 30))), np.float64)


def left_out(events: Events) -> Array:
    """Likelihood of each candidate by weights fitted without its group of people."""
    people = np.unique(events.clip)
    group = dict(
        zip(people, np.random.default_rng(0).permutation(len(people)) % GROUPS, strict=True)
    )
    mine = np.array([group[clip] for clip in events.clip])
    chance = np.empty(len(mine))
    for number in range(GROUPS):
        held = mine == number
        chance[held] = chances(
            events.features[held], *fit(events.features[~held], events.real[~held])
        )
    return chance


def figures(events: Events, chance: Array, least: float) -> dict[str, float]:
    """Precision, recall, and the chance to rank a real one above a false one (AUROC)."""
    short = events.features[:, likely.FEATURES.index("short")] == 1
    kept = chance >= np.where(short, min(SHORT, least), least)
    hits = float((events.real & kept).sum())
    order = np.argsort(np.argsort(chance)) + 1.0
    good, bad = int(events.real.sum()), int((~events.real).sum())
    area = (order[events.real].sum() - good * (good + 1) / 2) / max(good * bad, 1)
    return {
        "precision": round(hits / max(int(kept.sum()), 1), 3),
        "recall": round(hits / max(events.true, 1), 3),
        "auroc": round(float(area), 3),
        "found": int(kept.sum()),
        "true": events.true,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m finetune.aus.events", description=__doc__)
    parser.add_argument("fit", type=Path)
    parser.add_argument("--test", type=Path, action="append", default=[])
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args(arguments)
    measure = faces.sensed([None])
    events = gather(options.fit, measure)
    inside = left_out(events)
    good = [t for t in STEPS if figures(events, inside, t)["precision"] >= AIM]
    least = round(float(min(good, default=STEPS[-1])), 2)
    bias, weights = fit(events.features, events.real)
    report = {f"{options.fit.name}, people left out": figures(events, inside, least)}
    report[f"{options.fit.name}, everything kept"] = figures(events, np.ones(len(inside)), 0.0)
    for folder in options.test:
        other = gather(folder, measure)
        chance = chances(other.features, bias, weights)
        report[folder.name] = figures(other, chance, least)
        report[f"{folder.name}, everything kept"] = figures(other, np.ones(len(chance)), 0.0)
    each = dict(zip(likely.FEATURES, (round(float(w), 4) for w in weights), strict=True))
    stored = {
        "about": "how likely an event of an action unit is real: finetune/aus/events.py",
        "bias": round(bias, 4),
        "weights": each,
        "least": least,
        "least_short": SHORT,
        "people": len(np.unique(events.clip)),
        "candidates": len(events.real),
        "figures": report,
    }
    print(json.dumps(stored, indent=2))
    if options.keep:
        (WEIGHTS / "events.json").write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
