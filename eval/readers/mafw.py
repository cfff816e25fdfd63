"""MAFW: five folds as text files, clips by number (Liu et al. 2022). Fold 1 is read.

…/set_1/{train,test}.txt has lines of a clip's name and its single emotion.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import need, tables
from eval.samples import Sample

NEEDS: Final = (
    need("the folds", "**/single/**/set_1/test.txt", "**/set_1/test.txt"),
    need("the clips", "**/clips/*.mp4", "data/**/*.mp4"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip with a single label."""
    clips = {path.stem: path for path in sorted(root.rglob("*.mp4"))}
    files = sorted(root.glob("**/single/**/set_1")) or sorted(root.glob("**/set_1"))
    for split in ("train", "test"):
        for name, label in _lines(files[0] / f"{split}.txt"):
            stem = name.removesuffix(".mp4")
            yield Sample(
                id=stem,
                path=clips.get(stem, root / f"{stem}.mp4"),
                labels={"label": label},
                dataset="mafw",
                split=split,
            )


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    if file.exists():
        yield from tables.pairs(file)
