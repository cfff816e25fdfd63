"""Decoded sound becomes one steady voice: mono, 16 kHz, block after block without holes.

Knows sample formats and clocks; does not know what is heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import av
import numpy as np

from agent.schema.evidence import Missing
from agent.schema.samples import Floats, Sound

RATE: Final = 16_000
"""Samples per second of every Sound."""
BLOCK: Final = RATE // 2
"""Samples in one block of sound."""
MAX_GAP: Final = 600.0
"""Seconds without sound that are filled with silence; a longer jump is a broken clock."""
MAX_SILENCE: Final = 3600.0
"""Seconds filled with silence in all, however often a file jumps."""
CANCELLED: Final = 0.05
"""Share of the channels' power that is left of their sum when they cancel each other out."""
QUIET: Final = 1e-8
"""Power (of a full scale of 1) below which nothing can be said of that."""
PIECE: Final = RATE // 50
"""Samples over which that is judged."""
FORGET: Final = 0.8
"""Weight of what was heard before against one more piece of sound, in judging that."""


class Mono:
    """Turns decoded sound into contiguous blocks of mono, 16 kHz, float32 in −1…1.

    Gaps in the file become silence, so that block follows on block; a clock that jumps
    back, or ahead by more than `MAX_GAP`, is not believed. Of two channels that cancel each other
    out (one of them turned over) the first is taken, and `notes` says so.
    """

    def __init__(self, start: float, end: float | None) -> None:
        self._start, self._end = start, np.inf if end is None else end
        self._resampler: av.AudioResampler | None = None
        self._shape: object = None
        self._pair = False
        """Whether two channels come in."""
        self._power = [0.0, 0.0]
        """Of the channels, and of their sum; the past counts for less and less."""
        self.notes: list[Missing] = []
        self._clock: float | None = None
        """Time of the next sample that comes in."""
        self._spare = MAX_SILENCE
        self._held: list[Floats] = []
        self._count = 0
        self._time = 0.0
        """Time of the first sample held."""

    @property
    def done(self) -> bool:
        """True once everything up to `end` came in."""
        return self._clock is not None and self._clock >= self._end

    def push(self, frame: Any, time: float | None) -> Iterator[Sound]:
        """Blocks that became full. `time` of the frame in seconds."""
        if self._clock is None:
            self._clock = time or 0.0
        gap = 0.0 if time is None else time - self._clock
        if 0.1 < gap < min(MAX_GAP, self._spare):
            self._spare -= gap
            yield from self._drain()
            yield from self._silence(round(gap * RATE))
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self._drain()
            # 32-bit integers between: swresample then keeps the mix of channels below 1.
            self._pair = frame.layout.nb_channels == 2
            layout = "stereo" if self._pair else "mono"
            self._resampler = av.AudioResampler(format="s32", layout=layout, rate=RATE)
            self._shape = shape
        frame.pts = None
        yield from self._resampled(frame)

    def finish(self) -> Iterator[Sound]:
        """The last, shorter block."""
        yield from self._drain()
        if self._count:
            yield self._take(self._count)

    def _drain(self) -> Iterator[Sound]:
        if self._resampler is not None:
            yield from self._resampled(None)
            self._resampler = self._shape = None

    def _resampled(self, frame: Any | None) -> Iterator[Sound]:
        assert self._resampler is not None
        for out in self._resampler.resample(frame):
            samples = out.to_ndarray()[0].astype(np.float32) / np.float32(2**31)
            yield from self._add(self._mixed(samples.reshape(-1, 2)) if self._pair else samples)

    def _mixed(self, both: Floats) -> Floats:
        """The mean of two channels (samples × 2), or the first where they cancel out."""
        mean = np.asarray(both.mean(axis=1), np.float32)
        for begin in range(0, len(both), PIECE):
            here = slice(begin, begin + PIECE)
            power = (float(np.square(both[here]).mean()), float(np.square(mean[here]).mean()))
            self._power = [FORGET * old + new for old, new in zip(self._power, power, strict=True)]
            channels, together = self._power
            if channels > QUIET and together < CANCELLED * channels:
                mean[here] = both[here, 0]
                self._cancelled()
        return mean

    def _cancelled(self) -> None:
        if not self.notes:
            why = "the two channels of the sound cancel each other out; the first one was heard"
            self.notes.append(Missing(what="channels", why=why))

    def _silence(self, count: int) -> Iterator[Sound]:
        while count > 0 and not self.done:
            yield from self._add(np.zeros(min(count, BLOCK), np.float32))
            count -= BLOCK

    def _add(self, samples: Floats) -> Iterator[Sound]:
        assert self._clock is not None
        time = self._clock
        self._clock += len(samples) / RATE
        first = max(0, round((self._start - time) * RATE))
        last = len(samples) if self._clock <= self._end else round((self._end - time) * RATE)
        if last <= first:
            return
        if not self._count:
            self._time = time + first / RATE
        self._held.append(samples[first:last])
        self._count += last - first
        while self._count >= BLOCK:
            yield self._take(BLOCK)

    def _take(self, count: int) -> Sound:
        joined = np.concatenate(self._held)
        block = Sound(self._time, joined[:count])
        self._held, self._count = [joined[count:]], self._count - count
        self._time += count / RATE
        return block
