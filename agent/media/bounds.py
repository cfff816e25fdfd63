"""What a file may claim of itself, whichever way it came in; more is damage or an attack.

Knows numbers only. A header of 60 kB can state a sound of half a day or a picture of a terabyte:
what follows from a claim is bounded here before anything is decoded or made ready for it.
"""

from __future__ import annotations

from typing import Any, Final

MAX_PIXELS: Final = 120_000_000
"""Of one picture as it is shown: 8K video has 33 million, a large camera 100 million."""
RATES: Final = (4_000, 768_000)
"""Samples of sound a second: telephones have 8,000, studios 384,000 at most."""
MAX_CHANNELS: Final = 64
MAX_SECONDS: Final = 24 * 3600.0
"""From the clip's start; what lies further off is not read."""


def sound_fault(rate: int | None, channels: int | None) -> str | None:
    """Why sound of `rate` samples a second in so many channels is not decoded; None if it is."""
    low, high = RATES
    if not low <= (rate or 0) <= high:
        return f"it states {rate or 0:,} samples a second; {low:,} to {high:,} can be read"
    if not 1 <= (channels or 0) <= MAX_CHANNELS:
        return f"it states {channels or 0} channels; 1 to {MAX_CHANNELS} can be read"
    return None


def picture_fault(width: int, height: int, aspect: float = 1.0) -> str | None:
    """Why pictures of this size are not decoded; `aspect` is the width of a pixel over its
    height."""
    if width * height * max(1.0, aspect) > MAX_PIXELS:
        return f"{width}×{height} pixels are too many"
    return None


def frame_fits(frame: Any) -> bool:
    """Whether a decoded av.VideoFrame or av.AudioFrame keeps to the bounds: it may be other than
    its header said."""
    if hasattr(frame, "sample_rate"):
        return sound_fault(frame.sample_rate, len(frame.layout.channels)) is None
    return frame.width > 0 and frame.height > 0 and picture_fault(frame.width, frame.height) is None
