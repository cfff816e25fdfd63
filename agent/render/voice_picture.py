"""The voice as a lossless picture: a log-mel spectrogram that people, stock models and the
trained bridge all read.

Knows sound and pixels; nothing of faces, cues or models. The picture is 128 pixels high, grey
(R = G = B), at least 512 wide and a multiple of 32 wide, so that Qwen3-VL's image processor
(patches of 16, merged in pairs to 32 × 32) keeps every pixel. Byte layout, version 1:

columns 0–31, the marker, from the top:
    rows 0–31    magic: 4 × 4 cells of 8 × 8 pixels, black or white, `_MAGIC` row by row.
                 Coarse enough to be known again after a resize or a JPEG, which are refused.
    rows 32–63   header: 64 bytes, row by row, each a cell of 4 × 4 pixels of that grey.
                 Big-endian: 4s "DUVP" · B version · B mel bands (128) · H samples a column
                 (160) · I sample rate (16000) · I valid columns · I picture width ·
                 I start in the clip, ms · f top (the largest log10 energy, white) · f span
                 (log10 units from black to white, 8) · I CRC-32 of the payload · 24 zero
                 bytes · I CRC-32 of the 60 bytes before.
    rows 64–127  the word VOICE, for eyes; not read by machines.
columns 32–…, the payload: one column per 10 ms, one row per mel band, the highest band on top
    (row 0 = band 127). Grey g is log10 energy top − span · (255 − g) / 255. Columns after the
    valid ones are black. The CRC runs over all payload pixels, rows top to bottom.

The mel values are those of Whisper's large-v3 feature extractor (Radford et al. 2022; 128
Slaney mel bands, 25 ms Hann windows, log10, at most 8 below the loudest, (x + 4) / 4),
computed here for pieces of up to 30 s. Rounding to 256 greys moves them by at most 0.004.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from agent.schema.errors import USAGE, DuchenneError
from agent.schema.samples import Sound

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

VERSION: Final = 1
BANDS: Final = 128
HOP: Final = 160
RATE: Final = 16_000
LONGEST: Final = 3000
"""Columns of one picture at most: 30 s."""
MARKER: Final = 32
NARROWEST: Final = 512
SPAN: Final = 8.0

_FFT: Final = 400
_MAGIC: Final = np.array([[1, 0, 1, 1], [0, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 1]], np.uint8)
_HEADER: Final = struct.Struct(">4sBBHIIIIffI24x")
_SIZE: Final = 64


class VoicePictureError(DuchenneError, ValueError):
    """A picture that is not, or no longer, a voice picture; the message says which and why."""

    code = "bad_voice_picture"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class VoicePicture:
    """What a voice picture carries."""

    mel: Floats
    """128 × columns, as Whisper's extractor gives it; row 0 is the lowest band."""
    start: float
    """Seconds in the clip at which column 0 lies."""
    top: float
    """The largest log10 energy, which the mel values leave at (top + 4) / 4."""


# --- sound to mel ---------------------------------------------------------------------------


@cache
def filters() -> Floats:
    """128 × 201 triangular filters on Slaney's mel scale, 0–8 kHz, each of equal area."""
    mels = np.linspace(_mel(0.0), _mel(RATE / 2), BANDS + 2)
    edges = np.array([_hertz(float(m)) for m in mels])
    hz = np.linspace(0, RATE / 2, _FFT // 2 + 1)
    rise = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rise, fall)) * area[:, None], np.float32)


def _mel(hz: float) -> float:
    """Slaney's scale: linear below 1 kHz (200/3 Hz a mel), then 27 mels to a factor of 6.4."""
    return hz / (200 / 3) if hz < 1000 else float(15 + np.log(hz / 1000) * 27 / np.log(6.4))


def _hertz(mel: float) -> float:
    return mel * 200 / 3 if mel < 15 else float(1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def log_mel(samples: Floats) -> Floats:
    """Log-mel of at most 30 s of mono sound at 16 kHz: 128 × ⌈samples / 160⌉, float32.

    Equal to what Whisper's extractor gives for the same columns after padding to 30 s. Raises
    ValueError for more than 30 s.
    """
    full = LONGEST * HOP
    if len(samples) > full:
        raise ValueError(
            f"{len(samples) / RATE:.1f} s of sound in one piece; cut it into pieces of at most "
            f"{full // RATE} s, or use voice_pictures()"
        )
    columns = -(-len(samples) // HOP)
    padded = np.zeros(min(full, columns * HOP + _FFT), np.float64)
    padded[: len(samples)] = samples
    whole = np.pad(padded, _FFT // 2, mode="reflect")
    energy = np.empty((BANDS, columns), np.float64)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)
    for at in range(0, columns, 500):
        stop = min(at + 500, columns)
        part = whole[at * HOP : (stop - 1) * HOP + _FFT]
        cut = np.lib.stride_tricks.sliding_window_view(part, _FFT)[::HOP] * window
        energy[:, at:stop] = filters() @ (np.abs(np.fft.rfft(cut)) ** 2).T
    # Silence added to fill 30 s cannot raise the maximum, so it may be left out.
    log = np.log10(np.maximum(energy, 1e-10))
    log = np.maximum(log, log.max(initial=-10.0) - SPAN)
    return np.asarray((log + 4) / 4, np.float32)


# --- mel to picture -------------------------------------------------------------------------


def encode_voice(mel: Floats, start: float = 0.0) -> Pictures.Image:
    """The picture of a log-mel array (128 × 1…3000, as `log_mel` gives it).

    `start` is the time of its first column in the clip, in seconds. Save it as PNG. Raises
    ValueError for another shape or values that are not finite.
    """
    if mel.ndim != 2 or mel.shape[0] != BANDS or not 1 <= mel.shape[1] <= LONGEST:
        raise ValueError(f"mel must be {BANDS} × 1…{LONGEST}; got {mel.shape}")
    if not np.isfinite(mel).all():
        raise ValueError("mel holds values that are not finite")
    log = mel.astype(np.float64) * 4 - 4
    # The header keeps float32; the same rounding here keeps writer and reader together.
    top = float(np.float32(log.max()))
    grey = np.clip(np.round(255 * (1 - (top - log) / SPAN)), 0, 255).astype(np.uint8)
    columns = grey.shape[1]
    width = max(NARROWEST, -(-(MARKER + columns) // 32) * 32)
    pixels = np.zeros((BANDS, width), np.uint8)
    pixels[:, MARKER : MARKER + columns] = grey[::-1]
    crc = zlib.crc32(pixels[:, MARKER:].tobytes())
    head = _HEADER.pack(
        b"DUVP", VERSION, BANDS, HOP, RATE, columns, width, round(start * 1000), top, SPAN, crc
    )
    pixels[:, :MARKER] = _marker(head + struct.pack(">I", zlib.crc32(head)))
    return Pictures.fromarray(np.repeat(pixels[..., None], 3, axis=2))


def _marker(header: bytes) -> Pixels:
    block = np.zeros((BANDS, MARKER), np.uint8)
    block[:32] = np.kron(_MAGIC * 255, np.ones((8, 8), np.uint8))
    cells = np.frombuffer(header, np.uint8).reshape(8, 8)
    block[32:64] = np.kron(cells, np.ones((4, 4), np.uint8))
    word = Pictures.new("L", (64, MARKER), 0)
    ImageDraw.Draw(word).text((32, 16), "VOICE", 255, ImageFont.load_default(19), anchor="mm")
    block[64:] = np.asarray(word.rotate(90, expand=True))
    return block


def is_voice_picture(picture: Pictures.Image | Pixels) -> bool:
    """Whether a picture carries the marker, exact or damaged; cheap, for routing."""
    return _coarse(_rgb(picture))


def decode_voice(picture: Pictures.Image | Pixels) -> VoicePicture:
    """What a voice picture carries.

    Takes a PIL picture or uint8 pixels, height × width × 3. Raises VoicePictureError where it
    is not a voice picture, or was resized, compressed or otherwise changed.
    """
    rgb = _rgb(picture)
    height, width = rgb.shape[:2]
    if not _coarse(rgb):
        raise VoicePictureError(f"not a voice picture: a {width}×{height} picture has no marker")
    if height != BANDS or width < NARROWEST or width % 32:
        raise VoicePictureError(
            f"the voice picture was resized or cropped to {width}×{height}: it must stay "
            f"{BANDS} high and a multiple of 32 wide, at least {NARROWEST}"
        )
    grey = rgb[..., 0]
    if (rgb != grey[..., None]).any():
        raise VoicePictureError(f"the voice picture's colours were changed: {_HOW}")
    return _read(grey)


_HOW: Final = "send the PNG as it is, never as JPEG or WebP and never resized"


def _read(grey: Pixels) -> VoicePicture:
    """From the grey pixels of a picture of the right size."""
    cells = grey[32:64, :MARKER].reshape(8, 4, 8, 4)
    head = cells[:, 0, :, 0].tobytes()
    if (cells != cells[:, :1, :, :1]).any() or struct.pack(">I", zlib.crc32(head[:60])) != head[
        60:
    ]:
        raise VoicePictureError(
            f"the voice picture's header is damaged (JPEG or a filter?): {_HOW}"
        )
    magic, version, bands, hop, rate, columns, width, start, top, span, crc = _HEADER.unpack(
        head[:60]
    )
    if magic != b"DUVP" or version != VERSION:
        raise VoicePictureError(f"the voice picture has version {version}; this reads {VERSION}")
    if (bands, hop, rate) != (BANDS, HOP, RATE) or not 1 <= columns <= width - MARKER:
        raise VoicePictureError(
            f"the voice picture has {bands} bands, {hop} samples a column at {rate} Hz and "
            f"{columns} columns: not what version {VERSION} writes"
        )
    if width != grey.shape[1]:
        raise VoicePictureError(
            f"the voice picture was cut or padded from {width} to {grey.shape[1]} columns: {_HOW}"
        )
    payload = grey[:, MARKER:]
    if zlib.crc32(payload.tobytes()) != crc:
        raise VoicePictureError(f"the voice picture's pixels were changed: {_HOW}")
    log = top - span * (255.0 - payload[::-1, :columns]) / 255
    return VoicePicture(np.asarray((log + 4) / 4, np.float32), start / 1000, top)


def _rgb(picture: Pictures.Image | Pixels) -> Pixels:
    if isinstance(picture, Pictures.Image):
        return np.asarray(picture.convert("RGB"))
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise VoicePictureError(
            f"pixels must be uint8, height × width × 3; got {picture.dtype} {picture.shape}"
        )
    return picture


def _coarse(rgb: Pixels) -> bool:
    """Whether the top left shows the magic, at whatever size."""
    rows, columns = marker_points(*rgb.shape[:2])
    return shows_marker(rgb[rows[:, None], columns[:, None]])


@lru_cache(maxsize=1024)
def marker_points(height: int, width: int) -> tuple[Places, Places]:
    """Where the marker's cells have their middles in a picture of this size.

    Rows, 4, and columns, stretches × 4: as a voice picture may have been 512 … 3040 wide, a
    resize that kept no proportions leaves several places to look; none where cells would be
    smaller than 2 pixels.
    """
    cells = (np.arange(4) + 0.5) / 4
    high = height / BANDS * MARKER
    was = np.arange(NARROWEST, LONGEST + 2 * MARKER, MARKER)
    # A picture 128 high was most likely not resized: one place, and none to be mistaken.
    wide = [32.0] if height == BANDS and width in was else {*(width / was * MARKER), high}
    wide = [side for side in wide if 8 <= side <= width]
    columns = {tuple((cells * side).astype(int)) for side in wide} if high >= 8 else set()
    return (cells * high).astype(np.intp), np.array(sorted(columns), np.intp).reshape(-1, 4)


def shows_marker(middles: Pixels) -> bool:
    """Whether pixels at `marker_points`, stretches × 4 × 4 × channels, are the marker's."""
    bright, dark = middles[:, _MAGIC == 1], middles[:, _MAGIC == 0]
    return bool(((bright > 170).all((1, 2)) & (dark < 85).all((1, 2))).any())


def voice_pictures(sounds: Iterable[Sound]) -> Iterator[Pictures.Image]:
    """Pictures of a whole sound in pieces of 30 s, the last one shorter; streams.

    Blocks must follow on one another, as `agent.media` gives them; memory stays at one piece.
    """
    need = LONGEST * HOP
    held: list[Floats] = []
    count, start = 0, 0.0
    for sound in sounds:
        if not held:
            start = sound.time
        held.append(sound.samples)
        count += len(sound.samples)
        while count >= need:
            whole = np.concatenate(held)
            yield encode_voice(log_mel(whole[:need]), start)
            held, count, start = [whole[need:]], count - need, start + need / RATE
    if count:
        yield encode_voice(log_mel(np.concatenate(held)), start)
