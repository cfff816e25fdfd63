"""OV-MERD, as MER2025 ships it: open labels (track 2) and descriptions (track 3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import mer, need
from eval.samples import Sample

TABLES: Final = ("track2_train_ovmerd.csv", "track3_train_ovmerd.csv")
NEEDS: Final = (need("the open labels", TABLES[0]), need("the clips", "video/*.mp4", "video/*.avi"))


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip."""
    yield from mer.labelled(root, "emer", dict.fromkeys(TABLES, ("train", "video")))
