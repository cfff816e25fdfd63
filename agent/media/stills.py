"""Reads a still picture upright: JPEG, PNG, WebP, BMP, TIFF, AVIF, a GIF of one frame.

Knows nothing of moving pictures; `agent.media` asks here first whether a file is a still.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from agent.media import bounds
from agent.media.decode import MediaError
from agent.schema.samples import Image

_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*")
_DAMAGED = (
    OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError, TypeError,
    struct.error,
)  # fmt: skip
"""What Pillow raises over damaged files, by format."""
_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1")


def is_still(path: Path) -> bool:
    """Whether the first bytes are those of a still picture."""
    with path.open("rb") as opened:
        head = opened.read(32)
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    if head.startswith(b"GIF8"):
        return _frames(path) == 1
    return head.startswith(_HEADS) or (head[4:8] == b"ftyp" and head[8:12] in _BRANDS)


def read(path: Path, max_side: int | None = None) -> Image:
    """The picture, height × width × 3, RGB, turned as its EXIF says, on white where it is clear.

    Of an animated picture the first frame. Raises MediaError.
    """
    from PIL import Image as Pillow
    from PIL import ImageOps, UnidentifiedImageError

    try:
        with Pillow.open(path) as opened:
            if why := bounds.picture_fault(opened.width, opened.height):
                raise MediaError(f"{path}: {why}. Scale it down.")
            if max_side:
                opened.draft("RGB", (max_side, max_side))
            upright = ImageOps.exif_transpose(opened)
            if max_side:
                upright.thumbnail((max_side, max_side), Pillow.Resampling.BOX)
            return np.ascontiguousarray(_rgb(upright))
    except UnidentifiedImageError as error:
        raise MediaError(
            f"{path}: a picture of a kind that cannot be read. Save it as JPEG or PNG."
        ) from error
    except Pillow.DecompressionBombError as error:
        raise MediaError(f"{path}: too many pixels for a picture. Scale it down.") from error
    except MediaError:
        raise
    except _DAMAGED as error:
        raise MediaError(
            f"{path}: a damaged picture ({error}). Save or download it again."
        ) from error


def _rgb(picture: object) -> Image:
    from PIL import Image as Pillow

    assert isinstance(picture, Pillow.Image)
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):  # 16 bits a pixel
        grey = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        white = Pillow.new("RGBA", clear.size, "white")
        picture = Pillow.alpha_composite(white, clear)
    return np.asarray(picture.convert("RGB"))


def _frames(path: Path) -> int:
    from PIL import Image as Pillow

    try:
        with Pillow.open(path) as opened:
            return int(getattr(opened, "n_frames", 1))
    except (*_DAMAGED, Pillow.DecompressionBombError):
        return 0
