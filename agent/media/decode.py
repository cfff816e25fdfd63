"""Opens one file and decodes it; makes pictures upright and RGB.

Knows containers and codecs; does not know which frames are wanted, nor threads: that is
`agent.media`. Files are hostile: only listed containers are opened, only from this disk,
playlists and addresses are refused, and what they claim is bounded (`agent.media.bounds`).
"""

from __future__ import annotations

import re
import stat
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from agent.media import bounds
from agent.schema.errors import MEDIA, DuchenneError
from agent.schema.evidence import Missing
from agent.schema.samples import Image

CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,mxf,dv,ivf,"
    "wav,w64,aiff,mp3,aac,flac,caf,amr,au,ac3"
)
"""Demuxers that may be used. None of them opens a second file or an address."""


class MediaError(DuchenneError, ValueError):
    """A file that cannot be read as a clip; the message says what was given and what to do."""

    code = "unreadable_media"
    exit_status = MEDIA


def check(path: str | Path) -> Path:
    """The path of a regular file that is not empty. Raises MediaError."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", str(path)):
        raise MediaError(f"{path}: an address, not a file. Download it first and give its path.")
    given = Path(path).expanduser()
    try:
        info = given.stat()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise MediaError(
            f"{path}: {why}. Give the path of a video, sound or picture file."
        ) from error
    if stat.S_ISDIR(info.st_mode):
        raise MediaError(f"{path}: a folder. Give the path of one file in it.")
    if not stat.S_ISREG(info.st_mode):
        raise MediaError(f"{path}: not a regular file. Save it to disk and give that path.")
    if info.st_size == 0:
        raise MediaError(f"{path}: the file is empty. Copy or download it again.")
    return given


@dataclass(slots=True)
class Clip:
    """An open file with the streams that can be decoded. Close it after use."""

    path: Path
    container: InputContainer
    video: Any | None
    """av.VideoStream, and av.AudioStream below: kept loosely typed, stubs differ by version."""
    audio: Any | None
    origin: float
    """Time stamp of the clip's start in seconds: time 0 for everyone else."""
    notes: list[Missing] = field(default_factory=list)
    """What could not be read; complete when decoding has ended."""

    def close(self) -> None:
        self.container.close()

    def seek(self, start: float) -> bool:
        """Go to a key frame at or before `start` seconds; False where that is impossible."""
        try:
            self.container.seek(max(0, round((self.origin + start) * 1_000_000)))
        except av.FFmpegError:
            return False
        return True

    def decoded(self, *, video: bool, audio: bool) -> Iterator[Any]:
        """Frames of the chosen streams, av.VideoFrame and av.AudioFrame, as the file has them.

        Damaged packets and pictures are left out and counted in `notes`.
        """
        damaged = 0
        for packet in self.packets(video=video, audio=audio):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                damaged += 1
                continue
            for frame in frames:
                if frame.is_corrupt or not bounds.frame_fits(frame):
                    damaged += 1
                else:
                    yield frame
        if damaged:
            self.notes.append(Missing(what="frames", why=f"{damaged} damaged parts were left out"))

    def packets(self, *, video: bool, audio: bool) -> Iterator[Any]:
        """av.Packet of pictures and sound."""
        return self.packets_of(
            [s for s, on in ((self.video, video), (self.audio, audio)) if on and s]
        )

    def packets_of(self, streams: list[Any]) -> Iterator[Any]:
        """av.Packet of these streams; ends where the file can be read no further.

        Packets whose time is out of bounds are left out and said in `notes`.
        """
        far = False
        while streams:
            try:
                for packet in self.container.demux(streams):
                    if self._near(packet):
                        yield packet
                    elif not far:
                        far = True
                        hours = bounds.MAX_SECONDS / 3600
                        why = f"parts are dated more than {hours:.0f} hours from the start"
                        self.notes.append(Missing(what="rest", why=why))
                return
            except IndexError:
                # PyAV stumbles over a packet of a stream that begins later: read on behind it.
                continue
            except av.FFmpegError as error:
                why = f"the file cannot be read to its end: {error.strerror}"
                self.notes.append(Missing(what="rest", why=why))
                return

    def _near(self, packet: Any) -> bool:
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None or packet.time_base is None:
            return True
        return abs(float(stamp * packet.time_base) - self.origin) <= bounds.MAX_SECONDS

    def time(self, frame: Any) -> float | None:
        """Seconds from the clip's start, None where the file does not say."""
        return None if frame.time is None else frame.time - self.origin


def open_clip(path: str | Path) -> Clip:
    """Open a video or sound file. Raises MediaError."""
    given = check(path)
    try:
        container = av.open(
            f"file:{given.absolute()}",
            options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(_unreadable(given, error)) from error
    clip = Clip(given, container, None, None, (container.start_time or 0) / 1_000_000)
    clip.video, clip.audio = _best(clip, "video"), _best(clip, "audio")
    if clip.video is None and clip.audio is None:
        clip.close()
        why = "; ".join(note.why for note in clip.notes) or "it holds neither pictures nor sound"
        raise MediaError(f"{path}: {why}. Convert it to MP4 (H.264, AAC) or give another file.")
    return clip


def _best(clip: Clip, kind: Literal["video", "audio"]) -> Any | None:
    """The stream to decode; cover art is not a moving picture."""
    stream: Any = clip.container.streams.best(kind)
    if stream is None or stream.disposition & Disposition.attached_pic:
        return None
    what = "pictures" if kind == "video" else "sound"
    if stream.codec_context is None:
        clip.notes.append(Missing(what=what, why=f"no decoder here for its {kind} codec"))
        return None
    if kind == "video":
        why = bounds.picture_fault(stream.width, stream.height, aspect(stream))
    else:
        why = bounds.sound_fault(stream.sample_rate, stream.channels)
    if why is not None:
        clip.notes.append(Missing(what=what, why=why))
        return None
    if kind == "video":
        stream.codec_context.options = {"max_pixels": str(bounds.MAX_PIXELS)}
        stream.thread_type = "AUTO"
    return stream


def _unreadable(path: Path, error: Exception) -> str:
    head = path.open("rb").read(4096) if not isinstance(error, PermissionError) else b""
    if isinstance(error, PermissionError):
        return f"{path}: no permission to read it."
    if head.lstrip()[:8] in (b"#EXTM3U\n", b"#EXTM3U\r") or head.startswith(b"ffconcat"):
        return f"{path}: a playlist, not a clip. Give the path of one clip."
    if head[4:8] in (b"ftyp", b"moov", b"mdat"):
        return (
            f"{path}: an MP4 or MOV file without its index: cut off while it was recorded, "
            "copied or downloaded. Get it again in full."
        )
    if b"\0" not in head:
        return f"{path}: a text file, not a video, sound or picture. Give another file."
    return (
        f"{path}: not a video, sound or picture that can be read ({CONTAINERS.split(',')[1]}, "
        "mkv, webm, avi, wav, mp3, jpg, png and the like can). Convert it or give another file."
    )


class Pool:
    """Memory for pictures that is used again once nobody holds the last picture in it.

    Fresh memory for every frame costs the system more time than turning it into RGB.
    """

    def __init__(self) -> None:
        self._free: deque[npt.NDArray[np.uint8]] = deque(maxlen=8)

    def image(self, height: int, width: int) -> Image:
        """Height × width × 3, contents undefined; every view of it keeps it from reuse."""
        size = height * width * 3
        memory = self._free.popleft() if self._free else np.empty(size, np.uint8)
        if memory.size != size:
            memory = np.empty(size, np.uint8)
        # Through a memoryview, so that views of views refer to `image` and not to `memory`.
        image = np.frombuffer(memory.data, np.uint8).reshape(height, width, 3)
        owner = image.base
        assert owner is not None
        weakref.finalize(owner, self._free.append, memory).atexit = False
        return image


@dataclass(slots=True)
class Upright:
    """Turns decoded pictures into upright RGB with square pixels, `max_side` at most."""

    max_side: int | None = None
    aspect: float = 1.0
    """Width of one pixel over its height."""
    _reformat: VideoReformatter = field(default_factory=VideoReformatter)
    _pool: Pool = field(default_factory=Pool)
    _turn: int | None = None
    _matrix: npt.NDArray[np.int32] | None = None

    def __call__(self, frame: VideoFrame) -> Image:
        """Height × width × 3, RGB, contiguous."""
        # Same size and one thread: swscale's fast path, three times as quick as scaling in it.
        rgb = self._reformat.reformat(frame, format="rgb24", threads=1)
        stored = _seen(rgb)
        width, height = self._size(frame.width, frame.height)
        image = self._pool.image(height, width)
        if (width, height) == (frame.width, frame.height):
            image[:] = stored
        else:
            import cv2

            cv2.resize(stored, (width, height), dst=image, interpolation=cv2.INTER_AREA)
        return turned(image, self._display(frame))

    def _display(self, frame: VideoFrame) -> npt.NDArray[np.int32] | None:
        # Asking a frame for its side data ties it into a cycle and keeps its memory until
        # the next garbage collection; asking for its rotation does not.
        if frame.rotation != self._turn:
            self._turn, self._matrix = frame.rotation, matrix(frame)
        return self._matrix

    def _size(self, width: int, height: int) -> tuple[int, int]:
        wide = width * self.aspect
        scale = min(1.0, self.max_side / max(wide, height)) if self.max_side else 1.0
        return max(1, round(wide * scale)), max(1, round(height * scale))


def _seen(rgb: VideoFrame) -> Image:
    """Height × width × 3, a view into the frame's own memory: valid as long as the frame."""
    plane: Any = rgb.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : 3 * plane.width].reshape(plane.height, plane.width, 3)


def aspect(stream: Any) -> float:
    """Width of one pixel over its height, 1 where it hardly differs or the file does not say."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if 0.2 < ratio < 5 and abs(ratio - 1) > 0.02 else 1.0


def matrix(frame: VideoFrame) -> npt.NDArray[np.int32] | None:
    """3 × 3 display matrix of the picture, None where it is shown as it is stored."""
    sides: Any = frame.side_data
    try:
        data = sides["DISPLAYMATRIX"]
    except KeyError:
        return None
    found = np.frombuffer(bytes(data), np.int32)
    return found.reshape(3, 3) if found.size == 9 else None


def is_sideways(display: npt.NDArray[np.int32] | None) -> bool:
    """Whether width and height change places."""
    if display is None:
        return False
    rows = np.abs(display[:2, :2].astype(np.int64))
    return bool(rows[0, 1] + rows[1, 0] > rows[0, 0] + rows[1, 1])


def turned(image: Image, display: npt.NDArray[np.int32] | None) -> Image:
    """The image as its display matrix shows it: quarter turns and mirrorings."""
    if display is None:
        return image
    (a, b), (c, d) = (int(x) for x in display[0, :2]), (int(x) for x in display[1, :2])
    # A point (x, y) of the stored picture is shown at (a·x + c·y, b·x + d·y).
    across, down = a, d
    if is_sideways(display):
        image, across, down = image.transpose(1, 0, 2), c, b
    image = image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]
    return np.ascontiguousarray(image)
