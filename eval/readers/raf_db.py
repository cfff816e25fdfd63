"""RAF-DB, basic emotions: one list of names and labels (Li et al. 2017).

EmoLabel/list_patition_label.txt: train_00001.jpg 5; Image/aligned/train_00001_aligned.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need, tables
from eval.samples import Sample

CLASSES: Final = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""Labels 1 to 7."""
NEEDS: Final = (
    need("the list of labels", "EmoLabel/list_patition_label.txt"),
    need("the pictures", "Image/aligned/*_aligned.jpg", "Image/original/*.jpg"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a picture: the original where it is there, else the aligned one."""
    file = root / "EmoLabel" / "list_patition_label.txt"
    for name, label in tables.pairs(file):
        if not label.isdigit() or not 1 <= int(label) <= len(CLASSES):
            raise LayoutError(f"{file}: label {label!r} of {name} is none of 1…7")
        stem = Path(name).stem
        whole = root / "Image" / "original" / name
        aligned = root / "Image" / "aligned" / f"{stem}_aligned.jpg"
        yield Sample(
            id=stem,
            path=whole if whole.exists() else aligned,
            labels={"label": CLASSES[int(label) - 1]},
            dataset="raf-db",
            split=stem.split("_")[0],
        )
