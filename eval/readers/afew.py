"""AFEW, as the EmotiW challenges ship it: a folder a split, a folder an emotion in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import need
from eval.samples import Sample

CLASSES: Final = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
SPLITS: Final = {"Train_AFEW": "train", "Val_AFEW": "val"}
"""The test labels were never given out."""
NEEDS: Final = (need("clips", "Val_AFEW/*/*.avi", "Val_AFEW/*/*.mp4", "Train_AFEW/*/*.avi"),)


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip."""
    for folder, split in SPLITS.items():
        for label in CLASSES:
            for path in sorted((root / folder / label).glob("*")):
                if path.suffix in {".avi", ".mp4"}:
                    yield Sample(
                        id=f"{split}/{path.stem}",
                        path=path,
                        labels={"label": label.lower()},
                        dataset="afew",
                        split=split,
                    )
