"""DISFA: intensities by frame, one text file a unit and person (Mavadati et al. 2013).

ActionUnit_Labels/SN001/SN001_au1.txt: 1,0 a line (frame, intensity 0…5); the clip is
…LeftVideoSN001_comp.avi. What is read is coarse, and said so: a sample is one clip of WINDOW
seconds at 20 frames a second, and a unit is in it where it reaches 2 in at least LEAST of frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need
from eval.samples import Sample

UNITS: Final = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
FPS: Final = 20.0
WINDOW: Final = 10.0
PRESENT: Final = 2
LEAST: Final = 0.1
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
        tracks = {n: _track(file.with_name(f"{person}_au{n}.txt")) for n in UNITS}
        size = int(WINDOW * FPS)
        length = max(map(len, tracks.values()))
        for start in range(0, length - size // 2, size):
            cut = {n: track[start : start + size] for n, track in tracks.items()}
            there = [n for n, part in cut.items() if _often(part)]
            yield Sample(
                id=f"{person}@{start / FPS:.0f}",
                path=clips[person],
                labels={"aus": [f"AU{n}" for n in there]},
                dataset="disfa",
                person=person,
                span=(start / FPS, min(start + size, length) / FPS),
            )


def _often(part: list[int]) -> bool:
    return sum(value >= PRESENT for value in part) >= max(1.0, LEAST * len(part))


def _track(file: Path) -> list[int]:
    if not file.exists():
        return []
    try:
        return [int(line.split(",")[1]) for line in file.read_text().split()]
    except (ValueError, IndexError) as error:
        raise LayoutError(f"{file}: lines must be a frame, a comma and 0…5") from error
