"""BP4D: occurrence by frame as CSV, sequences as folders of pictures (Zhang et al. 2014).

AUCoding/AU_OCC/F001_T1.csv: frame number, then a column a unit, 1 where it occurs and 9 where
nobody can tell; Sequences/F001/T1/2440.jpg, or F001/T1.mp4 and the like, at 25 a second.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, micro, need, sheets, windows
from eval.samples import Sample

UNITS: Final = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
FPS: Final = 25.0
FOLDS: Final = {
    "fold1": "F007 F015 F006 F019 M006 M009 F012 M003 F004 F021 F017 M015 F014",
    "fold2": "M011 F003 M010 M002 F005 F022 M018 M017 F013 M016 F020 F011 M013 M005",
    "fold3": "F001 M007 F018 F008 F002 M004 F010 F009 M012 M001 F016 M014 F023 M008",
}
"""Who is tested in which of the usual three folds."""
NEEDS: Final = (
    need("occurrence by frame", "**/AU_OCC/[FM][0-9][0-9][0-9]_T*.csv"),
    need("the sequences", *(f"**/[FM][0-9][0-9][0-9]/T*{end}"
                            for end in ("/*.jpg", "/*.png", ".mp4", ".avi", ".mkv"))),
)  # fmt: skip
_FOLD: Final = {person: fold for fold, people in FOLDS.items() for person in people.split()}


def read(root: Path) -> Iterator[Sample]:
    """One sample a window of a task's sequence. Raises LayoutError without its sequence."""
    found = (p for p in root.glob("**/[FM][0-9][0-9][0-9]/T*") if "AU" not in p.parts)
    sequences = {(p.parent.name, p.stem): p for p in sorted(found)}
    for table in sorted(root.glob("**/AU_OCC/[FM][0-9][0-9][0-9]_T*.csv")):
        person, task = table.stem.split("_", 1)
        path = sequences.get((person, task))
        if path is None:
            raise LayoutError(f"no sequence of {table.stem}: nothing is called {person}/{task}")
        first, tracks = _tracks(table)
        skipped = bisect_left(micro.numbers(path), first) / FPS if path.is_dir() else 0.0
        for (start, end), units in windows.windows(tracks, FPS):
            yield Sample(
                id=f"{person}_{task}@{start:.0f}",
                path=path,
                labels={"aus": units},
                dataset="bp4d",
                person=person,
                split=_FOLD.get(person),
                span=(start + skipped, end + skipped),
                groups={"sex": "female" if person.startswith("F") else "male"},
                fps=FPS if path.is_dir() else None,
            )


def _tracks(table: Path) -> tuple[int, dict[int, list[bool]]]:
    """Number of the first coded frame, and occurrence of each unit by frame from there."""
    columns = [str(unit) for unit in UNITS]
    rows = list(sheets.rows(table, columns))
    if rows and not re.fullmatch(r"\d+", rows[0].get("0", "0")):
        raise LayoutError(f"{table}: the first column must hold frame numbers")
    first = int(rows[0].get("0", "0")) if rows else 0
    return first, {unit: [row[str(unit)] == "1" for row in rows] for unit in UNITS}
