"""CASME II: an Excel table and folders of pictures at 200 a second (Yan et al. 2014).

CASME2-coding*.xlsx: Subject, Filename, OnsetFrame, OffsetFrame, Action Units, Estimated Emotion;
CASME2_RAW_selected/sub01/EP02_01f/img46.jpg, the number being the frame's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, micro, need, sheets
from eval.samples import Sample

FPS: Final = 200.0
TABLE: Final = ("**/CASME2-coding*.xlsx", "**/CASME2-coding*.csv")
NEEDS: Final = (
    need("the table", *TABLE),
    need("folders of pictures", "**/sub[0-9][0-9]/EP*/*.jpg", "**/sub[0-9][0-9]/EP*/*.png"),
)
_COLUMNS: Final = (
    "Subject", "Filename", "OnsetFrame", "OffsetFrame", "Action Units", "Estimated Emotion",
)  # fmt: skip


def read(root: Path) -> Iterator[Sample]:
    """One sample a movement. Raises LayoutError where a folder that the table names is missing."""
    above = sorted(root.glob("**/sub[0-9][0-9]/EP*"))[0].parents[1]
    for table in micro.one(root, *TABLE):
        for row in sheets.rows(table, _COLUMNS):
            person = f"sub{row['Subject'].zfill(2)}"
            folder = above / person / row["Filename"]
            if not folder.is_dir():
                raise LayoutError(f"{table} names {folder}, which is not there")
            labels = {
                "label": micro.emotion(row["Estimated Emotion"]),
                "aus": micro.units(row["Action Units"]),
            }
            frame = row["OnsetFrame"], row["OffsetFrame"]
            yield micro.sample("casme2", folder, FPS, frame, person, labels)
