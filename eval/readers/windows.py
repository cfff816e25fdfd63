"""Labels by frame cut into windows: coarse, and said so in the cards that use it.

A unit is in a window where it occurs in at least LEAST of its frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

SECONDS: Final = 10.0
LEAST: Final = 0.1


def windows(
    there: Mapping[int, Sequence[bool]], fps: float
) -> Iterator[tuple[tuple[float, float], list[str]]]:
    """Span in seconds and units of each window; `there` holds one track of frames a unit."""
    size, length = int(SECONDS * fps), max(map(len, there.values()), default=0)
    for start in range(0, max(1, length - size // 2) if length else 0, size):
        cut = {unit: track[start : start + size] for unit, track in there.items()}
        found = [f"AU{u}" for u, part in cut.items() if sum(part) >= max(1.0, LEAST * len(part))]
        yield (start / fps, min(start + size, length) / fps), found
