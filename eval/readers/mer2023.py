"""MER2023: train-label.csv and test1-label.csv to test3-label.csv, a folder of clips for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import mer, need
from eval.samples import Sample

SPLITS: Final = ("train", "test1", "test2", "test3")
NEEDS: Final = (
    need("a table of labels", *(f"{split}-label.csv" for split in SPLITS)),
    need("its clips", *(f"{split}/*.*" for split in SPLITS)),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a labelled clip; test1 is MULTI, test2 NOISE, test3 SEMI."""
    files = {f"{split}-label.csv": (split, split) for split in SPLITS}
    yield from mer.labelled(root, "mer2023", files)
