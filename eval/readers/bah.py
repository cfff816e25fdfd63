"""BAH: split files by video, with the label and the transcript on each line (2025).

dataset-splits/video-level/BAH_DB/split-0/{train,val,test}.txt: a path under Videos/, 0 or 1, and
what is said, with commas of its own. The person is the folder under Videos/.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need
from eval.samples import Sample

NEEDS: Final = (
    need("the splits by video", "**/video-level/BAH_DB/split-0/test.txt"),
    need("the clips", "**/Videos/*/*/*.mp4"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a video."""
    folder = sorted(root.glob("**/video-level/BAH_DB/split-0"))[0]
    above = sorted(root.glob("**/Videos"))[0].parent
    for split in ("train", "val", "test"):
        file = folder / f"{split}.txt"
        for number, line in enumerate(_lines(file), 1):
            parts = line.split(",", 2)
            if len(parts) < 2 or parts[1] not in {"0", "1"}:
                raise LayoutError(f"{file}, line {number}: needs a path, 0 or 1, a transcript")
            path = Path(parts[0])
            yield Sample(
                id=path.stem,
                path=above / path,
                labels={"label": "ambivalence" if parts[1] == "1" else "no ambivalence"},
                dataset="bah",
                person=path.parts[1],
                split=split,
                text=parts[2] if len(parts) > 2 else None,
            )


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
