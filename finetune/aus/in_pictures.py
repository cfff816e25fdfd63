"""How strongly a unit must read in one picture of a real face to be there.

    python -m finetune.aus.in_pictures --data FOLDER --small M468 --large M478 [--keep]

The networks learned from rendered faces, and some movements of real skin read several times too
weak in a single picture. Nobody coded the units of pictures that may be learned from, but votes of
what is felt are a weak label: the tables of FACS say in how many faces of each feeling a unit is
shown (`agent.facs.prototypes.forms`), so how many faces of a collection show it at all. The reading
that as many faces exceed is where the unit begins (intensity 1). Only units that fewer faces reach
are stretched, none is pressed down. M468 and M478 are folders of `finetune.reading.measure`, of
each Training.npz is used: nobody's in PublicTest. `--keep` writes
`agent/senses/weights/pictures.json`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC, RARE, forms
from agent.senses.weights import WEIGHTS
from finetune.reading.face import voted

Array = npt.NDArray[np.float64]

UNITS: Final = ("AU04", "AU05", "AU07", "AU15", "AU17", "AU24")
"""Units that real faces show often enough for their number to tell anything."""
BESIDE: Final = 0.02
"""Share of faces that show a unit which the tables do not list for what is felt."""
MOST: Final = 0.8
"""Readings from here on are near enough to 1."""


def shown(code: str, targets: Array) -> float:
    """Share of faces that show a unit, by shares of labels (faces × BASIC)."""
    by_label = [
        BESIDE + max(0.0, float(np.mean([form.get(code, 0.0) for form in forms(label)])) - RARE)
        for label in BASIC
    ]
    return float((targets @ np.array(by_label)).mean())


def begins(measured: Path, data: Path) -> dict[str, float]:
    """Unit → reading at which it begins in one picture, where that is below MOST."""
    faces = voted(measured / "Training.npz", data)
    stored = np.load(measured / "Training.npz")
    names = [str(name) for name in stored["names"]]
    seen = np.array([bool(row) and total > 0 for row, total in
                     zip(faces.rows, faces.targets.sum(axis=1), strict=True)])  # fmt: skip
    found = {}
    for code in UNITS:
        share = shown(code, faces.targets[seen])
        reading = float(np.nanquantile(stored["rows"][seen, names.index(code)], 1 - share))
        print(
            f"  {code}  shown by {share:.1%} of {seen.sum()} faces, who read {reading:.2f} or more"
        )
        if reading < MOST:
            found[code] = round(reading, 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--small", type=Path, required=True, help="measured with 468 points")
    parser.add_argument("--large", type=Path, required=True, help="measured with 478 points")
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    found = {}
    for mesh in ("small", "large"):
        print(mesh)
        found[mesh] = begins(getattr(asked, mesh), asked.data)
    if asked.keep:
        path = WEIGHTS / "pictures.json"
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"written: {path}")


if __name__ == "__main__":
    main()
