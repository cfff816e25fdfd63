"""FER2013: pictures of 48 × 48 grey points in one CSV (Goodfellow et al. 2013).

emotion 0…6, pixels (2304 numbers), Usage. Pictures are written as PNG beside the table, into
`fer2013-pictures/`, once. A folder a class (train/angry/x.jpg), as it is often passed on, works
too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need, tables
from eval.samples import Sample

CLASSES: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Labels 0 to 6."""
SPLITS: Final = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
SIDE: Final = 48
NEEDS: Final = (need("the table or the folders", "fer2013.csv", "test/*/*.jpg", "test/*/*.png"),)


def read(root: Path) -> Iterator[Sample]:
    """One sample a picture. Raises LayoutError for a row of the wrong length, OSError."""
    table = root / "fer2013.csv"
    yield from _table(table) if table.exists() else _folders(root)


def _table(table: Path) -> Iterator[Sample]:
    folder = table.parent / "fer2013-pictures"
    folder.mkdir(exist_ok=True)
    for number, row in enumerate(tables.rows(table, ("emotion", "pixels", "Usage"))):
        path = folder / f"{number:05d}.png"
        if not path.exists():
            _write(row["pixels"], path, f"{table}, row {number + 2}")
        yield _sample(path.stem, path, CLASSES[int(row["emotion"])], SPLITS[row["Usage"]])


def _write(pixels: str, path: Path, where: str) -> None:
    from PIL import Image

    values = bytes(int(value) for value in pixels.split())
    if len(values) != SIDE * SIDE:
        raise LayoutError(f"{where}: {len(values)} points, not {SIDE * SIDE}")
    Image.frombytes("L", (SIDE, SIDE), values).save(path)


def _folders(root: Path) -> Iterator[Sample]:
    for split in ("train", "test"):
        for label in CLASSES:
            for path in sorted((root / split / label).glob("*")):
                yield _sample(f"{split}/{label}/{path.stem}", path, label, split)


def _sample(id: str, path: Path, label: str, split: str) -> Sample:
    return Sample(id=id, path=path, labels={"label": label}, dataset="fer2013", split=split)
