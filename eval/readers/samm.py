"""SAMM: an Excel table under some text, and folders of pictures at 200 a second (Davison 2018).

SAMM_Micro_FACS_Codes*.xlsx; SAMM/006/006_1_2/006_05562.jpg, the last number being the frame's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import micro
from eval.samples import Sample

LAYOUT: Final = micro.Layout(
    "samm",
    200.0,
    ("**/SAMM_Micro_FACS_Codes*.xlsx", "**/SAMM_Micro_FACS_Codes*.csv"),
    ("Subject", "Filename", "Onset Frame", "Offset Frame", "Action Units", "Estimated Emotion"),
    films="**/[0-9][0-9][0-9]/[0-9][0-9][0-9]_*",
    up=2,
    person=lambda name: name.zfill(3),
)
NEEDS: Final = micro.needs(LAYOUT)


def read(root: Path) -> Iterator[Sample]:
    """One sample a movement. Raises LayoutError where a folder that the table names is missing."""
    return micro.read(LAYOUT, root)
