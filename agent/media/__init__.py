"""Reads a clip once: frames and sound, interleaved, in seconds from the clip's start.

Knows no faces and no speech. Memory is bounded whatever the length: decoding runs in its
own thread, at most `AHEAD` items ahead of whoever reads, so that both use a core. Frames
are always real ones: sampling chooses, it never blends.
"""

from __future__ import annotations

import math
import queue
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import numpy as np
from av.video.frame import VideoFrame

from agent.media import decode, stills
from agent.media.decode import Clip, MediaError, Upright, check, open_clip
from agent.media.mono import Mono
from agent.media.probe import probe, stamps
from agent.schema.evidence import Missing
from agent.schema.samples import Frame, Sound

__all__ = ["MediaError", "Stream", "frames_at", "probe", "sound", "stamps", "stream"]

AHEAD: Final = 4
"""Frames or blocks of sound decoded ahead of the reader."""
CLOSE: Final = 1e-4
"""Seconds by which two times may differ and be the same: time stamps are rounded."""

_Item: TypeAlias = Frame | Sound | Exception | None
_Picture: TypeAlias = tuple[int, float, VideoFrame]
"""Number in the file, time in seconds, the picture."""


class Stream(Iterator[Frame | Sound]):
    """Frames and sound in the order of the file; close it when stopping early.

    `missing` tells what could not be read. It is complete when the stream has ended.
    """

    def __init__(self, source: Iterator[Frame | Sound], notes: list[Missing]) -> None:
        self._notes = notes
        self._items: queue.Queue[_Item] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._over = False
        # The thread must not hold this object, or an abandoned stream would never be freed.
        arguments = (source, self._items, self._stop)
        self._thread = threading.Thread(target=_work, args=arguments, daemon=True)
        self._thread.start()
        weakref.finalize(self, self._stop.set)

    @property
    def missing(self) -> tuple[Missing, ...]:
        return tuple(self._notes)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame | Sound:
        if self._over:
            raise StopIteration
        item = self._items.get()
        if isinstance(item, Frame | Sound):
            return item
        self.close()
        if item is None:
            raise StopIteration
        raise item

    def close(self) -> None:
        """Stop decoding and free the file; reading on ends at once."""
        self._over = True
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def stream(
    path: str | Path,
    *,
    fps: float | None = None,
    start: float = 0.0,
    end: float | None = None,
    max_side: int | None = None,
    video: bool = True,
    audio: bool = True,
) -> Stream:
    """One pass over a clip from `start` to `end` in seconds.

    `fps`: at most so many frames a second, the real ones nearest to a regular grid that
    begins at `start`; None for all. `max_side`: pixels of a frame's longer side at most.
    Raises MediaError at once for a file that cannot be read; later trouble ends the
    stream early and is said in `missing`.
    """
    if (fps is not None and not fps > 0) or (max_side is not None and max_side < 1):
        raise ValueError(f"fps and max_side must be positive, got {fps} and {max_side}")
    given = check(path)
    if stills.is_still(given):
        image = stills.read(given, max_side)
        wanted = video and start <= 0
        return Stream(iter([Frame(0, 0.0, image)] if wanted else []), [])
    clip = open_clip(given)
    return Stream(_items(clip, fps, start, end, max_side, video, audio), clip.notes)


def frames_at(path: str | Path, times: Sequence[float], max_side: int | None = None) -> list[Frame]:
    """For each time in seconds the frame nearest to it, in the order of `times`.

    Seeks, so that few frames of a long clip are quick. Raises MediaError, also where the
    clip has no pictures.
    """
    given = check(path)
    if stills.is_still(given):
        return [Frame(0, 0.0, stills.read(given, max_side)) for _ in times]
    clip = open_clip(given)
    try:
        if clip.video is None:
            raise MediaError(f"{path}: it has no pictures, only sound. Ask about what is heard.")
        upright = Upright(max_side, decode.aspect(clip.video))
        found: dict[float, Frame] = {}
        for group in _groups(sorted(set(times))):
            found |= _nearest(clip, group, upright)
    finally:
        clip.close()
    if len(found) < len(set(times)):
        raise MediaError(f"{path}: no picture in it can be decoded. Give another file.")
    return [found[time] for time in times]


def sound(path: str | Path, start: float = 0.0, end: float | None = None) -> Sound:
    """The sound between `start` and `end` in seconds in one piece; empty where there is none."""
    with stream(path, start=start, end=end, video=False) as blocks:
        pieces = [block for block in blocks if isinstance(block, Sound)]
    if not pieces:
        return Sound(start, np.empty(0, np.float32))
    return Sound(pieces[0].time, np.concatenate([piece.samples for piece in pieces]))


def _work(
    source: Iterator[Frame | Sound],
    items: queue.Queue[_Item],
    stop: threading.Event,
) -> None:
    """Fill the queue until the source or the reader has ended."""
    last: Exception | None = None
    try:
        for item in source:
            if not _put(items, item, stop):
                break
    except Exception as error:  # carried over to the reading thread and raised there
        last = error
    finally:
        getattr(source, "close", lambda: None)()
    _put(items, last, stop)


def _put(items: queue.Queue[_Item], item: _Item, stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            items.put(item, timeout=0.05)
            return True
        except queue.Full:
            continue
    return False


def _items(
    clip: Clip,
    fps: float | None,
    start: float,
    end: float | None,
    max_side: int | None,
    video: bool,
    audio: bool,
) -> Iterator[Frame | Sound]:
    video, audio = video and clip.video is not None, audio and clip.audio is not None
    upright = Upright(max_side, decode.aspect(clip.video) if video else 1.0)
    mono, choice, count = Mono(start, end), _Choice(fps, start, end), _Counter(clip)
    read_to = 0.0
    try:
        for frame in _from(clip, start, video, audio):
            if isinstance(frame, VideoFrame):
                index, time = count(frame)
                for chosen in choice.push(index, time, frame):
                    yield Frame(chosen[0], chosen[1], upright(chosen[2]))
            else:
                time = clip.time(frame) or 0.0
                if not mono.done:
                    yield from mono.push(frame, clip.time(frame))
            read_to = max(read_to, time)
            if (choice.done or not video) and (mono.done or not audio):
                break
        else:
            clip.notes += _cut_off(clip, video, audio, read_to)
        yield from mono.finish()
        clip.notes += mono.notes
    finally:
        clip.close()


def _from(clip: Clip, start: float, video: bool, audio: bool) -> Iterator[Any]:
    """Decoded frames from a point at or before `start`, where the file has one.

    A file without an index can land behind `start`, or beyond its last key frame: then
    earlier points are tried.
    """
    for back in (0.0, 2.0, 10.0, 60.0, start):
        if start > 0:
            clip.seek(max(0.0, start - back))
        source = clip.decoded(video=video, audio=audio)
        first: list[Any] = []
        while len(first) < 200 and (frame := next(source, None)) is not None:
            first.append(frame)
            if isinstance(frame, VideoFrame) or not video:
                break
        early = bool(first) and (clip.time(first[-1]) or 0.0) <= start + CLOSE
        if early or back >= start:
            break
    yield from first
    yield from source


class _Counter:
    """Gives each picture its number in the file and its time.

    After a jump into the middle the number is reckoned from the mean frame rate.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        stream = clip.video
        self._rate = float(stream.average_rate or stream.guessed_rate or 25) if stream else 25.0
        began = stream.start_time * stream.time_base if stream and stream.start_time else 0
        self._began = max(0.0, float(began) - clip.origin)
        self._index = -1
        self._time = 0.0

    def __call__(self, frame: VideoFrame) -> tuple[int, float]:
        time = self._clip.time(frame)
        first = self._index < 0
        if time is None:
            time = self._began if first else self._time + 1 / self._rate
        behind = round((time - self._began) * self._rate)
        self._index = max(0, behind) if first else self._index + 1
        self._time = max(0.0, time)
        return self._index, self._time


class _Choice:
    """Chooses pictures: all within the span, or the nearest to each point of a grid."""

    def __init__(self, fps: float | None, start: float, end: float | None) -> None:
        self._fps, self._start = fps, start
        self._end = math.inf if end is None else end
        self._next = 0
        """Number of the first grid point that has no picture yet."""
        self._last: _Picture | None = None
        self._given = True
        """Whether the last picture was given out."""
        self.done = False

    def push(self, index: int, time: float, frame: VideoFrame) -> Iterator[_Picture]:
        """The pictures that are certain now, in order of time."""
        if time > self._end + CLOSE:
            self.done = True
        if self.done or time < self._start - CLOSE:
            return
        picture = (index, time, frame)
        if self._fps is None:
            yield picture
            return
        if self._last is not None:
            if self._claim((self._last[1] + time) / 2) and not self._given:
                yield self._last
            self._last = None
        self._given = self._claim(time)
        if self._given:
            yield picture
        self._last = picture

    def _claim(self, until: float) -> bool:
        """Whether a free grid point lies at or before `until`; takes all of them."""
        assert self._fps is not None
        behind = math.floor((until - self._start + CLOSE) * self._fps) + 1
        free, self._next = behind > self._next, max(behind, self._next)
        return free


def _groups(times: Iterable[float], gap: float = 2.0) -> list[list[float]]:
    """Times in order, split where two are more than `gap` seconds apart."""
    groups: list[list[float]] = []
    for time in times:
        if not groups or time - groups[-1][-1] > gap:
            groups.append([])
        groups[-1].append(time)
    return groups


def _nearest(clip: Clip, times: list[float], upright: Upright) -> dict[float, Frame]:
    """For each time the nearest picture; `times` in order and close together."""
    waiting, chosen = list(times), dict[float, _Picture]()
    last: _Picture | None = None
    count = _Counter(clip)
    for frame in _from(clip, max(0.0, times[0]), True, False):
        picture = (*count(frame), frame)
        while waiting and waiting[0] <= picture[1] + CLOSE:
            time = waiting.pop(0)
            before = last is not None and time - last[1] <= picture[1] - time
            chosen[time] = last if before and last is not None else picture
        last = picture
        if not waiting:
            break
    if last is not None:
        chosen |= dict.fromkeys(waiting, last)
    made = {
        picture[0]: Frame(picture[0], picture[1], upright(picture[2]))
        for picture in chosen.values()
    }
    return {time: made[picture[0]] for time, picture in chosen.items()}


def _cut_off(clip: Clip, video: bool, audio: bool, read_to: float) -> list[Missing]:
    """A note where the file ends well before the length it states."""
    streams = [s for s, on in ((clip.video, video), (clip.audio, audio)) if on and s]
    stated = [float(s.duration * s.time_base) for s in streams if s.duration and s.time_base]
    if not stated and len(streams) == len([s for s in (clip.video, clip.audio) if s]):
        stated = [(clip.container.duration or 0) / 1_000_000]
    length = max(stated, default=0.0)
    if length - read_to <= max(0.5, 0.02 * length):
        return []
    why = f"the file states {length:.1f} s but can be read for {read_to:.1f} s: it may be cut off"
    return [Missing(what="rest", why=why)]
