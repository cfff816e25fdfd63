"""A picture for a model, and how pictures of a person and a span are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture for a model, lossless as it was made."""

    name: str
    """What it shows, in plain words: "frame at 1.20 s", "voice picture of P1", …"""
    png: bytes

    def __post_init__(self) -> None:
        if not self.png.startswith(PNG):
            raise ValueError(
                f"picture {self.name!r} is no PNG: pictures for a model stay lossless, because "
                "the voice picture is read back from its pixels"
            )


Span = tuple[float, float]
Pictures = Callable[[str | None, Span], Sequence[Picture]]
"""Person and span in seconds → the pictures a model is shown, in this order."""
