"""DISFA: intensities by frame, one text file a unit and person (Mavadati et al. 2013).

ActionUnit_Labels/SN001/SN001_au1.txt: 1,0 a line (frame, intensity 0…5); the clip is
…LeftVideoSN001_comp.avi. A sample is a window of it at 20 frames a second (`windows`); a unit
occurs in a frame where it reaches 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need, windows
from eval.samples import Sample

UNITS: Final = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
FPS: Final = 20.0
PRESENT: Final = 2
NEEDS: Final = (
    need("intensities", "**/SN[0-9][0-9][0-9]_au1.txt"),
    need("the clips", "**/LeftVideoSN[0-9][0-9][0-9]*.avi", "**/LeftVideoSN*.mp4"),
)
_PERSON: Final = re.compile(r"SN\d{3}")


def read(root: Path) -> Iterator[Sample]:
    """One sample a window of a person's clip. Raises LayoutError for a line that is none."""
    clips = {m[0]: p for p in sorted(root.glob("**/LeftVideoSN*")) if (m := _PERSON.search(p.name))}
    for file in sorted(root.glob("**/SN[0-9][0-9][0-9]_au1.txt")):
        person = file.stem.split("_")[0]
        if person not in clips:
            raise LayoutError(f"no clip of {person}: nothing is called LeftVideo{person}*")
        there = {n: _track(file.with_name(f"{person}_au{n}.txt")) for n in UNITS}
        for span, units in windows.windows(there, FPS):
            yield Sample(
                id=f"{person}@{span[0]:.0f}",
                path=clips[person],
                labels={"aus": units},
                dataset="disfa",
                person=person,
                span=span,
            )


def _track(file: Path) -> list[bool]:
    if not file.exists():
        return []
    try:
        return [int(line.split(",")[1]) >= PRESENT for line in file.read_text().split()]
    except (ValueError, IndexError) as error:
        raise LayoutError(f"{file}: lines must be a frame, a comma and 0…5") from error
