"""DFEW: five folds as CSV, clips by number (Jiang et al. 2020). Fold 1 is read.

EmoLabel_DataSplit/{train,test}(single-labeled)/set_1.csv has video_name and label 1…7; the
clips are Clip/…/00001.mp4, or folders of frames, which are not clips and are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need, tables
from eval.samples import Sample

CLASSES: Final = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
"""Labels 1 to 7."""
NEEDS: Final = (
    need("the folds", "EmoLabel_DataSplit/test(single-labeled)/set_1.csv"),
    need("the clips", "Clip/**/*.mp4", "Clip/**/*.avi"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a single-labelled clip. Raises LayoutError for a label that is none."""
    clips = {p.stem: p for p in sorted((root / "Clip").rglob("*")) if p.suffix in {".mp4", ".avi"}}
    for split in ("train", "test"):
        table = root / "EmoLabel_DataSplit" / f"{split}(single-labeled)" / "set_1.csv"
        if not table.exists():
            continue
        for row in tables.rows(table, ("video_name", "label")):
            name = row["video_name"].removesuffix(".mp4").zfill(5)
            if not row["label"].isdigit() or not 1 <= int(row["label"]) <= len(CLASSES):
                raise LayoutError(f"{table}: label {row['label']!r} of {name} is none of 1…7")
            path = clips.get(name) or clips.get(name.lstrip("0")) or root / "Clip" / f"{name}.mp4"
            yield Sample(
                id=name,
                path=path,
                labels={"label": CLASSES[int(row["label"]) - 1]},
                dataset="dfew",
                split=split,
            )
