"""Who is rendered how, for a data set: a plan a person, told by seeds.

Knows no pictures; needs neither the renderer nor the head model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

SPLITS: Final = {
    "train": 0, "smiles": 100_000, "validation": 200_000, "test": 300_000, "expressions": 400_000,
}  # fmt: skip
"""First seed of each split; people of different splits never meet."""
HELD_OUT_SECONDS: Final = 8.0

Kind = Literal["stills", "smiles", "clip"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rendered of one person."""

    seed: int
    kind: Kind
    count: int
    """Pictures."""
    fps: float = 20.0
    """Of clips."""
    size: int = 288
    """Pixels a side."""

    def file(self, folder: Path) -> Path:
        """Where the person is kept in the folder of a split."""
        return folder / f"{self.seed:06d}.npz"


def plans(
    split: str, first: int, last: int, stills: int = 48, seconds: float = 5.0, size: int = 288
) -> Iterator[Plan]:
    """One plan a person: three in four stills, one in four a clip (held-out people: clips).

    The split "smiles" is more people to learn from, whose stills are mostly smiles. `seconds`
    is for clips to learn from; held-out ones take HELD_OUT_SECONDS.
    """
    for number in range(first, last):
        seed = SPLITS[split] + number
        if split == "smiles":
            yield Plan(seed, "smiles", stills, size=size)
        elif split == "train" and number % 4:
            yield Plan(seed, "stills", stills, size=size)
        elif split == "train":
            fps = (12.0, 20.0, 30.0)[number // 4 % 3]
            yield Plan(seed, "clip", round(seconds * fps), fps, size)
        else:
            yield Plan(seed, "clip", round(HELD_OUT_SECONDS * 20.0), 20.0, size)
