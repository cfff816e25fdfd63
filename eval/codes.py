"""From units to labels, where experts coded the units: is the step itself right?

    python -m eval.codes --data FOLDER [--json]

FOLDER holds `facs_codes.csv` (posed peak expressions with certified FACS codes and their emotion;
no pictures). Nothing was learned from it. Scored are the tables of FACS as hand-set likelihoods
(`knowledge`), the same tables as weights (`tables`: what departures from face and other programs'
tables are read by), and the read-outs that were learned from measured faces, given true units
instead (`units`). A present unit counts as clear (C to D).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from agent.facs.prototypes import BASIC
from agent.facs.units import AUS
from agent.reading.additive import read_out, shares, stored
from agent.reading.features import UNITS, face_features
from agent.reading.knowledge import of_levels
from agent.reading.scores import scores

CLEAR: Final = 2.5
"""Intensity of a unit that is coded as present, between C and D of A to E."""
SYNONYMS: Final = {"happy": "happiness", "angry": "anger", "sad": "sadness", "afraid": "fear"}
RESAMPLES: Final = 1000


def coded(path: Path) -> list[tuple[str, str, dict[str, float]]]:
    """Person, label and levels by unit of each row; units that nobody coded are absent."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (
                row["subject"],
                SYNONYMS.get(row["emotion"], row["emotion"]),
                {
                    AUS[int(column)].code: CLEAR * float(value)
                    for column, value in row.items()
                    if column.isdigit() and int(column) in AUS
                },
            )
            for row in csv.DictReader(file)
        ]


def systems(levels: Mapping[str, float]) -> dict[str, str]:
    """The label that each way of reading gives."""
    face = face_features(dict.fromkeys(UNITS, 0.0) | dict(levels))
    units = read_out(stored("face")["units"])
    ways = {
        "knowledge": scores(levels),
        "tables": dict(zip(BASIC, of_levels(levels)[0].tolist(), strict=True)),
        "units": shares(units.logits(units.row(face)), BASIC),
    }
    return {name: max(found, key=lambda k: found[k]) for name, found in ways.items()}


def recall(rows: list[tuple[str, str, str]]) -> float:
    """Mean recall of rows (person, true label, said label)."""
    labels = {true for _, true, _ in rows}
    return float(
        np.mean(
            [np.mean([said == true for _, true, said in rows if true == k]) for k in sorted(labels)]
        )
    )


def measure(path: Path) -> dict[str, Any]:
    """Mean recall with a 95 % interval over persons, and recall by label, of each way."""
    rows = coded(path)
    said = [systems(levels) for _, _, levels in rows]
    people = sorted({person for person, _, _ in rows})
    rng = np.random.default_rng(0)
    draws = [rng.choice(people, len(people)) for _ in range(RESAMPLES)]
    found: dict[str, Any] = {"expressions": len(rows), "people": len(people)}
    for name in said[0]:
        mine = [(p, true, each[name]) for (p, true, _), each in zip(rows, said, strict=True)]
        by = {p: [row for row in mine if row[0] == p] for p in people}
        spread = [recall([row for p in draw for row in by[p]]) for draw in draws]
        low, high = np.percentile(spread, [2.5, 97.5])
        labels = sorted({true for _, true, _ in mine})
        found[name] = {
            "uar": round(recall(mine), 4),
            "uar_95": [round(float(low), 4), round(float(high), 4)],
            "recall": {k: round(recall([r for r in mine if r[1] == k]), 3) for k in labels},
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.data / "facs_codes.csv")
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{found['expressions']} expressions of {found['people']} people, units coded by experts")
    for name in ("knowledge", "tables", "units"):
        each = found[name]
        low, high = each["uar_95"]
        by_label = "  ".join(f"{k} {v:.2f}" for k, v in each["recall"].items())
        print(f"  {name:<10} UAR {each['uar']:.3f} ({low:.3f}–{high:.3f})   {by_label}")


if __name__ == "__main__":
    main()
