"""MER2024: label-disdim.csv names the clips of video-labeled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import mer, need
from eval.samples import Sample

NEEDS: Final = (
    need("the table of labels", "label-disdim.csv"),
    need("its clips", "video-labeled/*.*"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a labelled clip: the training set; the test labels stay with the owners."""
    yield from mer.labelled(root, "mer2024", {"label-disdim.csv": ("train", "video-labeled")})
