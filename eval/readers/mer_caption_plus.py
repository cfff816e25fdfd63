"""MER-Caption+, as MER2025 and MER2026 ship it: open labels and descriptions, made by machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import mer, need
from eval.samples import Sample

TABLES: Final = ("track2_train_mercaptionplus.csv", "track3_train_mercaptionplus.csv")
NEEDS: Final = (need("the open labels", TABLES[0]), need("the clips", "video/*.mp4", "video/*.avi"))


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip."""
    yield from mer.labelled(root, "mer-caption-plus", dict.fromkeys(TABLES, ("train", "video")))
