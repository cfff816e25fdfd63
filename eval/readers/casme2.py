"""CASME II: an Excel table and folders of pictures at 200 a second (Yan et al. 2014).

CASME2-coding*.xlsx; CASME2_RAW_selected/sub01/EP02_01f/img46.jpg, the number being the frame's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import micro
from eval.samples import Sample

LAYOUT: Final = micro.Layout(
    "casme2",
    200.0,
    ("**/CASME2-coding*.xlsx", "**/CASME2-coding*.csv"),
    ("Subject", "Filename", "OnsetFrame", "OffsetFrame", "Action Units", "Estimated Emotion"),
    films="**/sub[0-9][0-9]/EP*",
    up=2,
    person=lambda name: f"sub{name.zfill(2)}",
)
NEEDS: Final = micro.needs(LAYOUT)


def read(root: Path) -> Iterator[Sample]:
    """One sample a movement. Raises LayoutError where a folder that the table names is missing."""
    return micro.read(LAYOUT, root)
