"""CAS(ME)³, part A: an Excel table and long films as folders of pictures (Li et al. 2023).

…part_A_ME_label_JpgIndex*.xlsx; spNO.1/a/color/123.jpg, the number being the frame's. Some frames
were dropped by the camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import micro
from eval.samples import Sample

LAYOUT: Final = micro.Layout(
    "casme3",
    30.0,
    ("**/*part_A*ME*label*.xlsx", "**/*part_A*ME*label*.csv"),
    ("Subject", "Filename", "Onset", "Offset", "AU", "emotion"),
    films="**/spNO.*/*/color",
    up=3,
    person=str,
    inside="color",
)
NEEDS: Final = micro.needs(LAYOUT)


def read(root: Path) -> Iterator[Sample]:
    """One sample a movement. Raises LayoutError where a folder that the table names is missing."""
    return micro.read(LAYOUT, root)
