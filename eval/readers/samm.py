"""SAMM: an Excel table under some text, and folders of pictures at 200 a second (Davison 2018).

SAMM_Micro_FACS_Codes*.xlsx: Subject, Filename, Onset Frame, Offset Frame, Action Units, Estimated
Emotion; SAMM/006/006_1_2/006_05562.jpg, the last number being the frame's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, micro, need, sheets
from eval.samples import Sample

FPS: Final = 200.0
TABLE: Final = ("**/SAMM_Micro_FACS_Codes*.xlsx", "**/SAMM_Micro_FACS_Codes*.csv")
_FOLDERS: Final = "**/[0-9][0-9][0-9]/[0-9][0-9][0-9]_*"
NEEDS: Final = (
    need("the table", *TABLE),
    need("folders of pictures", *(f"{_FOLDERS}/*.{s}" for s in ("jpg", "png", "bmp"))),
)
_COLUMNS: Final = (
    "Subject", "Filename", "Onset Frame", "Offset Frame", "Action Units", "Estimated Emotion",
)  # fmt: skip


def read(root: Path) -> Iterator[Sample]:
    """One sample a movement. Raises LayoutError where a folder that the table names is missing."""
    above = sorted(root.glob(_FOLDERS))[0].parents[1]
    for table in micro.one(root, *TABLE):
        for row in sheets.rows(table, _COLUMNS):
            person = row["Subject"].zfill(3)
            folder = above / person / row["Filename"]
            if not folder.is_dir():
                raise LayoutError(f"{table} names {folder}, which is not there")
            labels = {
                "label": micro.emotion(row["Estimated Emotion"]),
                "aus": micro.units(row["Action Units"]),
            }
            frame = row["Onset Frame"], row["Offset Frame"]
            yield micro.sample("samm", folder, FPS, frame, person, labels)
