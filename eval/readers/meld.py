"""MELD: three tables of utterances and a folder of clips for each (Poria et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need, tables
from eval.samples import Sample

SPLITS: Final = {
    "train": ("train/train_splits", "train_splits", "train"),
    "dev": ("dev/dev_splits_complete", "dev_splits_complete", "dev"),
    "test": ("test/output_repeated_splits_test", "output_repeated_splits_test", "test"),
}
"""Split → folders that its clips may lie in, as unpacked from MELD.Raw."""
NEEDS: Final = tuple(
    need(f"the {split} table", f"**/{split}_sent_emo.csv") for split in ("dev", "test")
)
_COLUMNS: Final = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")


def read(root: Path) -> Iterator[Sample]:
    """One sample an utterance; the clip is diaX_uttY.mp4. Raises LayoutError without clips."""
    for split, folders in SPLITS.items():
        table = next(iter(sorted(root.glob(f"**/{split}_sent_emo.csv"))), None)
        if table is None:
            continue
        folder = tables.first(root, *folders) or tables.first(table.parent, *folders)
        if folder is None:
            raise LayoutError(f"the clips of {split}: none of {', '.join(folders)} is there")
        for row in tables.rows(table, _COLUMNS):
            name = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
            yield Sample(
                id=f"{split}/{name}",
                path=folder / f"{name}.mp4",
                labels={"label": row["Emotion"], "sentiment": row["Sentiment"]},
                dataset="meld",
                person=row["Speaker"],
                split=split,
                language="en",
                text=row["Utterance"].replace("\x92", "’"),
            )
