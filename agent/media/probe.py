"""Says what a clip is: one pass over its packets, one picture decoded, its bytes hashed.

Knows containers; senses nothing. `agent.media` offers `probe` to everybody else.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent.media import decode, stills
from agent.media.decode import Clip, MediaError, check, open_clip
from agent.schema.evidence import Media


def probe(path: str | Path, sha256: str | None = None) -> Media:
    """What the clip is: one pass over its packets, one picture decoded. Raises MediaError.

    `sha256` of its bytes, in hexadecimal, where it is known already.
    """
    given = check(path)
    digest = sha256 or _sha256(given)
    if stills.is_still(given):
        image = stills.read(given)
        return Media(
            file=given.name, kind="image", duration=0, fps=0, width=image.shape[1],
            height=image.shape[0], has_video=True, has_audio=False, sha256=digest,
        )  # fmt: skip
    clip = open_clip(given)
    try:
        times, read_to = _packet_times(clip)
        duration = _duration(clip, read_to)
        clip.seek(0.0)
        width, height = _shown_size(clip)
    finally:
        clip.close()
    has_video, has_audio = bool(width), clip.audio is not None
    if not has_video and not has_audio:
        raise MediaError(f"{path}: no picture in it can be decoded. Give another file.")
    shown = np.unique(np.asarray(times)) if has_video else np.empty(0)
    return Media(
        file=given.name,
        kind="video" if has_video else "audio",
        duration=duration,
        fps=_mean_rate(shown, duration),
        width=width,
        height=height,
        has_video=has_video,
        has_audio=has_audio,
        sha256=digest,
        variable_rate=_is_variable(shown),
    )


def stamps(path: str | Path) -> list[float]:
    """Seconds at which each picture is shown, in order; [0] for a still. Raises MediaError."""
    given = check(path)
    if stills.is_still(given):
        return [0.0]
    clip = open_clip(given)
    try:
        times, _ = _packet_times(clip)
    finally:
        clip.close()
    return sorted(max(0.0, time) for time in times)


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _shown_size(clip: Clip) -> tuple[int, int]:
    """Width and height of the first picture as it is shown; 0, 0 where none can be decoded."""
    for _, frame in zip(range(1), clip.decoded(video=True, audio=False), strict=False):
        width, height = round(frame.width * decode.aspect(clip.video)), frame.height
        return (height, width) if decode.is_sideways(decode.matrix(frame)) else (width, height)
    return 0, 0


def _packet_times(clip: Clip) -> tuple[list[float], float]:
    """Times of the pictures, in the file's order, and how far the file can be read."""
    times, read_to = [], 0.0
    for packet in clip.packets(video=True, audio=True):
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None or packet.is_discard:
            continue
        time = float(stamp * packet.time_base) - clip.origin
        read_to = max(read_to, time + float((packet.duration or 0) * packet.time_base))
        if packet.stream is clip.video:
            times.append(time)
    return times, read_to


def _duration(clip: Clip, read_to: float) -> float:
    """The stated length, unless none is stated or the file ends well before it."""
    stated = (clip.container.duration or 0) / 1_000_000
    return stated if 0 < stated <= read_to + 0.5 else max(0.0, read_to)


def _mean_rate(times: npt.NDArray[np.float64], duration: float) -> float:
    if len(times) > 1 and times[-1] > times[0]:
        return round(float((len(times) - 1) / (times[-1] - times[0])), 3)
    return round(len(times) / duration, 3) if duration else 0.0


def _is_variable(times: npt.NDArray[np.float64]) -> bool:
    """Whether more than one step in a hundred is a fifth longer or shorter than most."""
    steps = np.diff(times)
    if len(steps) < 3:
        return False
    usual = np.median(steps)
    odd = np.abs(steps - usual) > 0.2 * usual
    return bool(odd.sum() >= 2 and odd.mean() > 0.01)
