"""Clips made from other clips and stills: the same one several times on end, a still held."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image


def looped(clip: Path, times: int, out: Path) -> Path:
    """The same pictures and sound so many times on end, without loss (`out` ends in .mkv)."""
    with av.open(str(clip)) as first:
        frames = list(first.decode(video=0))
        rate = first.streams.video[0].average_rate
    sound = _sound(clip)
    with av.open(str(out), "w") as made:
        video = made.add_stream("ffv1", rate=rate)
        video.height, video.width, video.pix_fmt = frames[0].height, frames[0].width, "yuv420p"
        audio = sound and made.add_stream("pcm_f32le", rate=sound.rate, layout=sound.layout)
        # As much sound as there are pictures, so that both stay in step from turn to turn.
        wanted = round(len(frames) / float(rate) * sound.rate) if sound else 0
        for turn in range(times):
            for number, frame in enumerate(frames):
                copy = frame.reformat(format="yuv420p")
                copy.pts, copy.time_base = turn * len(frames) + number, 1 / rate
                made.mux(video.encode(copy))
            if sound:
                made.mux(audio.encode(_played(sound, turn, wanted)))
        made.mux(video.encode(None))
        if sound:
            made.mux(audio.encode(None))
    return out


@dataclass(frozen=True)
class Sound:
    """The sound track of a clip as it is decoded."""

    blocks: list[np.ndarray]
    rate: int
    layout: str
    channels: int
    format: str


def _sound(clip: Path) -> Sound | None:
    with av.open(str(clip)) as opened:
        if not opened.streams.audio:
            return None
        kind = opened.streams.audio[0]
        blocks = [frame.to_ndarray() for frame in opened.decode(kind)]
        return Sound(blocks, kind.rate, kind.layout.name, kind.channels, kind.format.name)


def _played(sound: Sound, turn: int, wanted: int) -> av.AudioFrame:
    """One turn's sound: `wanted` samples a channel, silence where there are fewer."""
    whole = np.concatenate(sound.blocks, axis=1)
    width = wanted if sound.format.endswith("p") else wanted * sound.channels
    cut = whole[:, :width]
    cut = np.ascontiguousarray(np.pad(cut, ((0, 0), (0, width - cut.shape[1]))))
    frame = av.AudioFrame.from_ndarray(cut, format=sound.format, layout=sound.layout)
    frame.sample_rate, frame.pts = sound.rate, turn * wanted
    return av.AudioResampler("flt", sound.layout, sound.rate).resample(frame)[0]


def held(still: Path, seconds: float, out: Path, rate: int = 25) -> Path:
    """A still as a clip, without loss (`out` ends in .mkv)."""
    pixels = np.asarray(Image.open(still).convert("RGB"))
    with av.open(str(out), "w") as made:
        stream = made.add_stream("ffv1", rate=rate)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = "bgr0"
        for number in range(round(seconds * rate)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="bgr0")
            frame.pts = number
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return out


def padded(sound: Path, before: float, after: float, out: Path) -> Path:
    """A mono WAV file with so many seconds of a silent room around it (`out` ends in .wav)."""
    with wave.open(str(sound)) as opened:
        rate, kind = opened.getframerate(), opened.getparams()
        samples = np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
    hiss = np.random.default_rng(0).normal(0, 2, round((before + after) * rate)).astype(np.int16)
    cut = round(before * rate)
    with wave.open(str(out), "wb") as made:
        made.setparams(kind)
        made.writeframes(np.concatenate([hiss[:cut], samples, hiss[cut:]]).tobytes())
    return out


def cut(clip: Path, start: float, end: float, out: Path) -> Path:
    """The pictures between two moments, without sound and loss (`out` ends in .mkv)."""
    with av.open(str(clip)) as first:
        rate = first.streams.video[0].average_rate
        frames = [f for f in first.decode(video=0) if start <= f.time < end]
    with av.open(str(out), "w") as made:
        video = made.add_stream("ffv1", rate=rate)
        video.height, video.width, video.pix_fmt = frames[0].height, frames[0].width, "yuv420p"
        for number, frame in enumerate(frames):
            copy = frame.reformat(format="yuv420p")
            copy.pts, copy.time_base = number, 1 / rate
            made.mux(video.encode(copy))
        made.mux(video.encode(None))
    return out
