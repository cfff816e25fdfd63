"""The same utterance as other throats, rooms, wires and codecs would give it.

Knows samples only. What a voice shows of a feeling stays; what a recording and a body add
changes: a read-out that learned from both keeps to the former.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
import numpy as np
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from agent.schema.samples import Floats
from agent.senses.voice.prosody import RATE

THROATS: Final = {"longer": 0.86, "shorter": 1.16}
"""Factors on all frequencies: about what lies between the throats of women and of men
(formants of women lie 1.15–1.2 times as high: Peterson & Barney 1952)."""
WIRES: Final = ("noise", "telephone", "room", "mp3")
"""One of them, by chance, for each utterance."""
PEAK: Final = 0.7


def variants(samples: Floats, seed: int) -> Iterator[tuple[str, Floats]]:
    """Names and sounds: "clean", those of THROATS, and one of WIRES. 16 kHz mono."""
    rng = np.random.default_rng(seed)
    clean = samples / max(float(np.abs(samples).max()), 1e-9) * PEAK
    yield "clean", clean.astype(np.float32)
    for name, factor in THROATS.items():
        yield name, scaled(clean, factor)
    wire = WIRES[int(rng.integers(len(WIRES)))]
    yield wire, wired(clean, wire, rng)


def wired(samples: Floats, wire: str, rng: np.random.Generator) -> Floats:
    """The sound after one of WIRES. Raises KeyError for another name."""
    if wire == "noise":
        return noisy(samples, rng.uniform(8, 20), rng)
    if wire == "telephone":
        band = butter(4, (300, 3400), "band", fs=RATE, output="sos")
        return noisy(np.asarray(sosfilt(band, samples), np.float32), 30, rng)
    if wire == "room":
        return noisy(reverberant(samples, rng), 25, rng)
    if wire == "mp3":
        return coded(samples)
    raise KeyError(wire)


def scaled(samples: Floats, factor: float) -> Floats:
    """All frequencies times `factor`; lasts as much shorter."""
    ratio = Fraction(factor).limit_denominator(50)
    sound = resample_poly(samples, ratio.denominator, ratio.numerator)
    return np.asarray(sound, np.float32)


def noisy(samples: Floats, ratio_db: float, rng: np.random.Generator) -> Floats:
    """With pink noise `ratio_db` below the level of the speech."""
    spectrum = np.fft.rfft(rng.normal(size=len(samples)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 20), len(samples))
    loud = np.abs(samples) > 0.02 * np.abs(samples).max()
    size = np.sqrt(np.mean(samples[loud] ** 2)) * 10 ** (-ratio_db / 20)
    return np.asarray(samples + noise / noise.std() * size, np.float32)


def reverberant(samples: Floats, rng: np.random.Generator, seconds: float = 0.35) -> Floats:
    """In a room whose echoes fade by 60 dB within `seconds`."""
    count = int(seconds * RATE)
    echo = 0.05 * rng.normal(size=count) * np.exp(-6.9 * np.arange(count) / count)
    echo[0] = 1
    return np.asarray(fftconvolve(samples, echo)[: len(samples)], np.float32)


def coded(samples: Floats, bits: int = 32_000) -> Floats:
    """Through MP3 at so many bits a second and back; begins some 60 ms later."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = bits
        whole = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        to_codec = av.AudioResampler(stream.codec_context.format.name, "mono", RATE)
        for part in to_codec.resample(frame) + to_codec.resample(None):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    buffer.seek(0)
    back = av.AudioResampler("flt", "mono", RATE)
    with av.open(buffer) as source:
        parts = [p.to_ndarray()[0] for f in source.decode(audio=0) for p in back.resample(f)]
    return np.concatenate(parts).astype(np.float32)
