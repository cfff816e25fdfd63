"""What flows between the senses within one pass over a clip.

Frames and sound come from `agent.media`; faces turn frames into face samples; every
other face sense reads those. Nothing here is kept after the pass but columns of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""Height × width × 3, RGB."""
Floats = npt.NDArray[np.float32]

Columns = dict[str, npt.NDArray[np.generic]]
"""Equal-length columns, one row a sample, in order of time. NaN where a value is missing."""

People = Mapping[str, Sequence[int]]
"""Person id → the tracks that are this person, in order of time."""


class Rows(Protocol):
    """Rows of numbers (samples × width) that are read span by span; any array is such."""

    def __len__(self) -> int: ...

    def __getitem__(self, span: slice, /) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the clip."""

    index: int
    """Frame number in the file, from 0."""
    time: float
    """Presentation time in seconds from the start of the clip."""
    image: Image


@dataclass(frozen=True, slots=True)
class Sound:
    """A block of sound: mono, 16 kHz, float32 in −1…1."""

    time: float
    """Time of the first sample in seconds."""
    samples: Floats


@dataclass(frozen=True, slots=True)
class FaceSample:
    """One face in one frame, as the mesh sees it."""

    frame: Frame
    track: int
    """Number of the track within the clip; several tracks can turn out to be one person."""
    box: tuple[float, float, float, float]
    """x, y, width, height of the face in pixels."""
    mesh: Floats
    """468 × 3 or 478 × 3: x right, y down in pixels of the frame, z in the same scale,
    smaller nearer the camera; MediaPipe's vertex order."""
    blendshapes: Floats | None
    """52 scores 0-1 in MediaPipe's order, None where the model for them is missing."""
    score: float
    """The mesh model's own confidence that this is a face, 0-1."""
    quality: float
    """Sharpness, size and pose, 0-1."""
