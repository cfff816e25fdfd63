"""The tables of FACS as an additive read-out: units of a face → labels, learned from no face.

    python -m finetune.reading.tables --out agent/reading/weights/tables.json

Each published form of an emotion (`agent.facs.prototypes.forms`) says how many people show each
unit in it. Expressions drawn from these shares are told apart by a multinomial logistic
regression: its weights say what a unit speaks for *once the others are known*, which a list of
units per emotion does not. The 182 expert-coded expressions that check it
(`python -m eval.codes`) were not looked at.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC, forms
from agent.reading.knowledge import APEX
from finetune.reading.fit import fit

Matrix = npt.NDArray[np.float64]

DRAWN: Final = 8_000
"""Expressions of each label."""
PENALTY: Final = 1e-3
SEED: Final = 0


def drawn(codes: tuple[str, ...], count: int, seed: int) -> tuple[Matrix, Matrix]:
    """Expressions (count per label × codes, 0 or 1) and their labels (× BASIC, 0 or 1)."""
    rng = np.random.default_rng(seed)
    rows = []
    for label in BASIC:
        shares = np.array([[form[code] for code in codes] for form in forms(label)])
        each = shares[rng.integers(len(shares), size=count)]
        rows.append((rng.random(each.shape) < each).astype(np.float64))
    return np.concatenate(rows), np.repeat(np.eye(len(BASIC)), count, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    codes = tuple(forms("neutral")[0])
    rows, targets = drawn(codes, DRAWN, SEED)
    out = fit(
        rows * APEX, targets, np.ones(len(rows)), labels=BASIC, features=codes, penalty=PENALTY,
        scale=np.full(len(codes), APEX),
    )  # fmt: skip
    asked.out.write_text(json.dumps(out.as_json(), indent=1) + "\n", encoding="utf-8")
    print(f"{asked.out}: {len(BASIC)} labels, {len(codes)} units, {len(rows):,} expressions drawn")


if __name__ == "__main__":
    main()
