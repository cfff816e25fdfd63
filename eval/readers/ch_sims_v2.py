"""CH-SIMS v2: one table and a folder of clips a video (Liu et al. 2022, Yu et al. 2020).

meta.csv: video_id, clip_id, text, label −1…1, mode train, valid or test; Raw/VIDEO/CLIP.mp4.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need, tables
from eval.samples import Sample

NEEDS: Final = (
    need("the table", "meta.csv", "label.csv"),
    need("the clips", "Raw/*/*.mp4"),
)
_COLUMNS: Final = ("video_id", "clip_id", "text", "label", "mode")


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip. Raises LayoutError for a label that is no number."""
    table = tables.first(root, "meta.csv", "label.csv")
    assert table is not None
    for row in tables.rows(table, _COLUMNS):
        try:
            value = float(row["label"])
        except ValueError as error:
            raise LayoutError(f"{table}: label {row['label']!r} is no number") from error
        yield Sample(
            id=f"{row['video_id']}_{row['clip_id']}",
            path=_clip(root / "Raw" / row["video_id"], row["clip_id"]),
            labels={"sentiment": value},
            dataset="ch-sims-v2",
            split=row["mode"],
            language="zh",
            text=row["text"],
        )


def _clip(folder: Path, clip: str) -> Path:
    """CLIP.mp4; some tables have lost the zeros in front."""
    path = folder / f"{clip}.mp4"
    return path if path.exists() or not clip.isdigit() else folder / f"{int(clip):04d}.mp4"
