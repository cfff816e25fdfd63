"""MER2026: tables by track, all clips in `video`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import mer, need
from eval.samples import Sample

NEEDS: Final = (
    need("a table of labels", "track1_train.csv", "track2_train_human.csv"),
    need("the clips", "video/*.mp4", "video/*.avi"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip of tracks 1 (one of six) and 2 (open labels by people)."""
    files = dict.fromkeys(("track1_train.csv", "track2_train_human.csv"), ("train", "video"))
    yield from mer.labelled(root, "mer2026", files)
