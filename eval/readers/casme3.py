"""CAS(ME)³, part A: an Excel table and long films as folders of pictures (Li et al. 2023).

…part_A_ME_label_JpgIndex*.xlsx: Subject, Filename, Onset, Offset, AU, emotion; below the root
spNO.1/a/color/123.jpg, the number being the frame's. Some frames were dropped by the camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, micro, need, sheets
from eval.samples import Sample

FPS: Final = 30.0
TABLE: Final = ("**/*part_A*ME*label*.xlsx", "**/*part_A*ME*label*.csv")
NEEDS: Final = (
    need("the table of part A", *TABLE),
    need("folders of pictures", "**/spNO.*/*/color/*.jpg", "**/spNO.*/*/color/*.png"),
)
_COLUMNS: Final = ("Subject", "Filename", "Onset", "Offset", "AU", "emotion")


def read(root: Path) -> Iterator[Sample]:
    """One sample a movement. Raises LayoutError where a folder that the table names is missing."""
    above = sorted(root.glob("**/spNO.*/*/color"))[0].parents[2]
    for table in micro.one(root, *TABLE):
        for row in sheets.rows(table, _COLUMNS):
            folder = above / row["Subject"] / row["Filename"] / "color"
            if not folder.is_dir():
                raise LayoutError(f"{table} names {folder}, which is not there")
            labels = {"label": micro.emotion(row["emotion"]), "aus": micro.units(row["AU"])}
            frame = row["Onset"], row["Offset"]
            yield micro.sample("casme3", folder, FPS, frame, row["Subject"], labels)
