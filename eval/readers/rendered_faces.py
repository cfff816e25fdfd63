"""Our own rendered people: clips with the exact course of every muscle that was set.

face_100.mp4 beside face_100.json.gz: `frames` has a course 0…5 for each unit and side, at `fps`.
Written by `python -m finetune.faces`. A unit is in a sample where it reaches 2 on either side.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need
from eval.samples import Sample

PRESENT: Final = 2.0
SKIN: Final = ((0.34, "light"), (0.67, "medium"), (1.01, "dark"))
"""`skin_tone` 0…1 of the renderer, in three parts."""
NEEDS: Final = (
    need("rendered clips", "*.mp4", "**/*.mp4"),
    need("their truth beside them", "*.json.gz", "**/*.json.gz"),
)
_UNIT: Final = re.compile(r"AU(\d\d)_[LRB]")


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip. Raises LayoutError for a truth that cannot be read."""
    for truth in sorted(root.rglob("*.json.gz")):
        clip = truth.with_name(truth.name.replace(".json.gz", ".mp4"))
        try:
            with gzip.open(truth, "rt", encoding="utf-8") as file:
                found = json.load(file)
            courses = found["frames"]
        except (OSError, ValueError, KeyError) as error:
            raise LayoutError(f"{truth} is no truth of a rendered clip: {error}") from error
        tone = next((name for top, name in SKIN if found.get("skin_tone", 0) < top), "dark")
        yield Sample(
            id=clip.stem,
            path=clip,
            labels={"aus": _units(courses)},
            dataset="rendered-faces",
            person=clip.stem,
            groups={"skin": tone, "speech": "talking" if found.get("speech") else "silent"},
        )


def _units(courses: Mapping[str, Sequence[float]]) -> list[str]:
    strong = {_UNIT.fullmatch(name) for name, course in courses.items() if max(course) >= PRESENT}
    return [f"AU{n:02d}" for n in sorted({int(m[1]) for m in strong if m})]
