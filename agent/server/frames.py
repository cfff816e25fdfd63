"""Frames that came one by one, as one film: each goes in as it is, byte for byte.

Knows the headers of JPEG, PNG and AVI; decodes nothing, as the pictures are strangers'.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_AVI_HAS_INDEX = 0x10
_KEY = 0x10


def film(frames: Sequence[bytes], fps: float) -> bytes:
    """An AVI of these JPEG or PNG pictures, `fps` a second. Raises ValueError for anything else."""
    kinds = {_kind(frame, number) for number, frame in enumerate(frames)}
    if len(kinds) != 1:
        raise ValueError("the frames are partly JPEG and partly PNG; send one kind")
    (code,) = kinds
    width, height = _size(frames[0], code)
    rate, most = round(fps * 1000), max(map(len, frames))
    chunks, index, at = [], [], 4
    for frame in frames:
        chunks.append(_chunk(b"00dc", frame))
        index.append(struct.pack("<4sIII", b"00dc", _KEY, at, len(frame)))
        at += len(chunks[-1])
    main = struct.pack(
        "<14I", round(1e6 / fps), 0, 0, _AVI_HAS_INDEX, len(frames), 0, 1, most, width, height,
        0, 0, 0, 0,
    )  # fmt: skip
    stream = struct.pack(
        "<4s4sIHHIIIIIIIIHHHH", b"vids", code, 0, 0, 0, 0, 1000, rate, 0, len(frames), most, 0, 0,
        0, 0, min(width, 65535), min(height, 65535),
    )  # fmt: skip
    shape = struct.pack(
        "<IiiHH4sIiiII", 40, width, height, 1, 24, code, 3 * width * height & 0xFFFFFFFF, 0, 0, 0, 0
    )
    head = _list(
        b"hdrl",
        _chunk(b"avih", main),
        _list(b"strl", _chunk(b"strh", stream), _chunk(b"strf", shape)),
    )
    body = b"AVI " + head + _list(b"movi", *chunks) + _chunk(b"idx1", b"".join(index))
    return _chunk(b"RIFF", body)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", name + b"".join(chunks))


def _kind(frame: bytes, number: int) -> bytes:
    if frame.startswith(b"\xff\xd8\xff"):
        return b"MJPG"
    if frame.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"MPNG"
    raise ValueError(f"frame {number} is neither JPEG nor PNG")


def _size(frame: bytes, code: bytes) -> tuple[int, int]:
    """Width and height by the picture's own header. Raises ValueError."""
    if code == b"MPNG" and len(frame) >= 24:
        width, height = struct.unpack(">II", frame[16:24])
        return min(width, 0x7FFF), min(height, 0x7FFF)
    at = 2
    while code == b"MJPG" and at + 9 <= len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", frame[at + 5 : at + 9])
            return width, height
        at += 2 + length
    raise ValueError("frame 0 is damaged")
