"""FERV39k: lists of "folder label" for all scenes, folders of face pictures (Wang et al. 2022).

4_setups/All_scenes/{train,test}_All.csv; 2_ClipsforFaceCrop/FOLDER/0001.jpg, without sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need, tables
from eval.samples import Sample

FPS: Final = 25.0
CLASSES: Final = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
NEEDS: Final = (
    need("the lists over all scenes", "4_setups/All_scenes/test_All.csv"),
    need("folders of pictures", *(f"2_ClipsforFaceCrop/**/*.{s}" for s in ("jpg", "png"))),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip. Raises LayoutError for a label that is none."""
    for split in ("train", "test"):
        file = root / "4_setups" / "All_scenes" / f"{split}_All.csv"
        for name, label in tables.pairs(file) if file.exists() else ():
            if label.lower() not in CLASSES:
                raise LayoutError(f"{file}: label {label!r} of {name} is none of {CLASSES}")
            yield Sample(
                id=name,
                path=root / "2_ClipsforFaceCrop" / name,
                labels={"label": label.lower()},
                dataset="ferv39k",
                split=split,
                groups={"scene": Path(name).parts[0]},
                fps=FPS,
            )
