"""A folder of numbered pictures as one film: how many data sets ship their clips.

Knows files and containers. JPEG pictures go into the film as they are, byte for byte; others are
packed without loss. Films lie in the cache, named by what is in the folder, and the same pictures
always give the same film.
"""

from __future__ import annotations

import hashlib
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from agent.media import MediaError
from agent.util.cache import cache_dir
from agent.util.scratch import scratch_folder

KINDS: Final = {".jpg": "mjpeg", ".jpeg": "mjpeg", ".png": "ffv1", ".bmp": "ffv1"}
"""Suffix of a picture → codec of the film."""
_SAFE: Final = {
    "protocol_whitelist": "file",
    "format_whitelist": "image2,jpeg_pipe,png_pipe,bmp_pipe",
}
_DIGITS: Final = re.compile(r"\d+")


def number(picture: Path) -> int:
    """The last number in a picture's name, which data sets count frames by; -1 without one."""
    found = _DIGITS.findall(picture.stem)
    return int(found[-1]) if found else -1


def pictures(folder: Path) -> list[Path]:
    """The folder's pictures in order of their numbers. Raises MediaError where there are none."""
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in KINDS and p.is_file()]
    except OSError as error:
        raise MediaError(f"{folder}: {error.strerror}. Give a folder of pictures.") from error
    shown = [p for p in found if not p.name.startswith(".")]
    if not shown:
        raise MediaError(f"{folder}: no picture in it ({', '.join(KINDS)}). Give another folder.")
    return sorted(shown, key=lambda p: (number(p), p.name))


def film(folder: Path, fps: float) -> Path:
    """The folder's pictures as a film of `fps` pictures a second. Raises MediaError, OSError."""
    if not 0 < fps <= 1000:
        raise MediaError(f"{folder}: {fps:g} pictures a second is no rate. Give one up to 1000.")
    found = pictures(folder)
    stamps = [(p.name, (told := p.stat()).st_size, told.st_mtime_ns) for p in found]
    name = hashlib.sha256(json.dumps([str(folder.resolve()), fps, stamps]).encode()).hexdigest()
    target = cache_dir("frames") / f"{name[:32]}.mkv"
    if not target.exists():
        with scratch_folder(target.parent, ".part-") as scratch:
            _pack(found, fps, scratch / target.name)
            (scratch / target.name).replace(target)
    return target


def clip(path: Path, fps: float | None) -> Path:
    """The file to open: the path itself, or the film of a folder of pictures."""
    return film(path, fps) if fps is not None and path.is_dir() else path


def _pack(found: list[Path], fps: float, target: Path) -> None:
    """Pictures into a Matroska file. Raises MediaError."""
    import av

    codec = KINDS[found[0].suffix.lower()]
    if strange := [p for p in found if KINDS[p.suffix.lower()] != codec]:
        raise MediaError(
            f"{found[0].parent}: pictures of several kinds ({found[0].name}, {strange[0].name}). "
            "Keep one kind."
        )
    rate = Fraction(fps).limit_denominator(1001)
    first = _decoded(found[0])
    # Without this every file would carry a random number, and equal films other digests.
    with av.open(str(target), "w", format="matroska", options={"fflags": "+bitexact"}) as box:
        stream: Any = box.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.time_base = first.width, first.height, 1 / rate
        stream.pix_fmt = first.format.name if codec == "mjpeg" else "bgr0"
        for at, picture in enumerate(found):
            if codec == "mjpeg":
                box.mux(_packet(picture, at, stream, rate))
            else:
                box.mux(stream.encode(_frame(picture, at, first, rate)))
        if codec != "mjpeg":
            box.mux(stream.encode())


def _packet(picture: Path, at: int, stream: Any, rate: Fraction) -> Any:
    """A picture's bytes as they are."""
    import av

    packet = av.Packet(picture.read_bytes())
    packet.stream, packet.time_base = stream, 1 / rate
    packet.pts = packet.dts = at
    packet.duration, packet.is_keyframe = 1, True
    return packet


def _frame(picture: Path, at: int, first: Any, rate: Fraction) -> Any:
    """A picture to be packed without loss, as large as the first one."""
    frame = _decoded(picture).reformat(first.width, first.height, "bgr0")
    frame.pts, frame.time_base = at, 1 / rate
    return frame


def _decoded(picture: Path) -> Any:
    """One picture. Raises MediaError."""
    import av

    try:
        with av.open(f"file:{picture.absolute()}", options=_SAFE) as opened:
            return next(opened.decode(video=0))
    except (av.FFmpegError, StopIteration) as error:
        raise MediaError(f"{picture}: a picture that cannot be decoded. Copy it again.") from error
