"""MER2025, with OV-MERD and MER-Caption+: tables by track, all clips in `video`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import mer, need
from eval.samples import Sample

NEEDS: Final = (
    need("a table of labels", "track1_train_disdim.csv", "track2_train_*.csv"),
    need("the clips", "video/*.mp4", "video/*.avi"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip of track 1, which has one of six labels."""
    yield from mer.labelled(root, "mer2025", {"track1_train_disdim.csv": ("train", "video")})
