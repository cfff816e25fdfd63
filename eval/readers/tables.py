"""Tables that data sets ship: CSV with a header, or rows separated by blanks.

Knows files, no data set. A column that is not there is told with the columns that are.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.readers import LayoutError


def rows(file: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file as {column: text}. Raises LayoutError where a column is missing."""
    with file.open(encoding="utf-8-sig", newline="", errors="replace") as opened:
        reader = csv.DictReader(opened)
        there = [name.strip() for name in reader.fieldnames or ()]
        if lacking := [name for name in columns if name not in there]:
            raise LayoutError(
                f"{file} lacks the column {', '.join(lacking)}; it has {', '.join(there)}"
            )
        reader.fieldnames = there
        for row in reader:
            yield {name: (row.get(name) or "").strip() for name in there}


def pairs(file: Path) -> Iterator[tuple[str, str]]:
    """(first, last) word of each line. Raises LayoutError for a line of one word."""
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        if words := line.split():
            if len(words) < 2:
                raise LayoutError(f"{file}, line {number}: needs a file name and a label")
            yield words[0], words[-1]


def first(root: Path, *names: str) -> Path | None:
    """The first of these paths under the root that is there."""
    return next((root / name for name in names if (root / name).exists()), None)


def one_of(folder: Path, stem: str, suffixes: Sequence[str] = (".mp4", ".avi", ".wav")) -> Path:
    """A clip by its stem, whatever its suffix; the first suffix where there is none."""
    found = (folder / f"{stem}{suffix}" for suffix in suffixes)
    return next((path for path in found if path.exists()), folder / f"{stem}{suffixes[0]}")
