"""CH-SIMS: a table of labels, lists of rows for each split, clips by video (Yu et al. 2020).

metadata/sentiment/label_M.csv: video_id, clip_id, label −1…1; metadata/{train,val,test}_index.csv:
index of the rows of that table; Raw/VIDEO/0001.mp4; metadata/Translation.csv: Chinese, English.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need, tables
from eval.samples import Sample

NEEDS: Final = (
    need("labels over all modalities", "metadata/sentiment/label_M.csv"),
    need("the rows of the test", "metadata/test_index.csv"),
    need("the clips", "Raw/*/*.mp4"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip. Raises LayoutError where a split names a row that is not there."""
    folder = root / "metadata"
    columns = ("video_id", "clip_id", "label")
    labels = list(tables.rows(folder / "sentiment" / "label_M.csv", columns))
    said = _said(folder / "Translation.csv")
    for split in ("train", "val", "test"):
        file = folder / f"{split}_index.csv"
        for row in tables.rows(file, ("index",)) if file.exists() else ():
            number = int(row["index"])
            if number >= len(labels):
                raise LayoutError(f"{file} names row {number} of {len(labels)}")
            video, clip = labels[number]["video_id"], int(labels[number]["clip_id"])
            yield Sample(
                id=f"{video}_{clip:04d}",
                path=root / "Raw" / video / f"{clip:04d}.mp4",
                labels={"sentiment": float(labels[number]["label"])},
                dataset="ch-sims",
                split=split,
                language="zh",
                text=said.get((video, clip)),
            )


def _said(file: Path) -> dict[tuple[str, int], str]:
    if not file.exists():
        return {}
    found = tables.rows(file, ("video_id", "clip_id", "Chinese"))
    return {(row["video_id"], int(row["clip_id"])): row["Chinese"] for row in found}
