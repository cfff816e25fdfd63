"""Headers that claim the absurd: refused in words and at once, whichever way they come in."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from commands import duchenne

from agent import media
from agent.media import MediaError, bounds


def wav(rate: int, channels: int = 1, seconds_of_16k: float = 2.0) -> bytes:
    """A WAV of 16-bit samples whose header says what it is told."""
    noise = np.random.default_rng(0).normal(0, 3000, int(16_000 * seconds_of_16k))
    body = noise.astype("<i2").tobytes()
    head = struct.pack(
        "<HHIIHH", 1, channels, rate, rate * 2 * channels & 0xFFFFFFFF, 2 * channels & 0xFFFF, 16
    )
    parts = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(body))
    return b"RIFF" + struct.pack("<I", len(parts) + len(body)) + parts + body


def au(rate: int, channels: int = 1) -> bytes:
    body = np.zeros(30_000, ">i2").tobytes()
    return b".snd" + struct.pack(">IIIII", 24, len(body), 3, rate, channels) + body


def gif(width: int, height: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00"
    return head + b"," + struct.pack("<HHHH", 0, 0, width, height) + b"\x00\x02\x02\x4c\x01\x00;"


ABSURD = {
    "1 Hz.wav": wav(1),
    "100 Hz.wav": wav(100),
    "2^31-1 Hz.wav": wav(2**31 - 1),
    "2^32-1 Hz.wav": wav(2**32 - 1),
    "9 MHz.wav": wav(9_000_000),
    "1 Hz.au": au(1),
    "2^31-1 Hz.au": au(2**31 - 1),
    "65535 channels.wav": wav(16_000, 65_535),
    "200 channels.wav": wav(16_000, 200),
    "65535 x 65535.gif": gif(65_535, 65_535),
}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_claims_are_refused_at_once(name: str, tmp_path: Path) -> None:
    clip = tmp_path / name
    clip.write_bytes(ABSURD[name])
    begun = time.monotonic()
    with pytest.raises(MediaError, match=r"can be|too many|neither"):
        media.probe(clip)
    if clip.suffix != ".gif":  # its size is known only once it is decoded: no picture comes of it
        with pytest.raises(MediaError):
            media.stream(clip)
    else:
        assert list(media.stream(clip)) == []
    assert time.monotonic() - begun < 5


def test_a_look_at_one_ends_with_3_and_a_captioning_run_goes_on(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "a.wav").write_bytes(wav(1))
    (clips / "b.wav").write_bytes(wav(16_000))
    own = {"DUCHENNE_CACHE": str(tmp_path / "cache")}
    looked = duchenne("look", str(clips / "a.wav"), **own)
    assert looked.returncode == 3
    assert "1 samples a second" in looked.stderr
    duchenne("caption", str(clips), "--out", str(tmp_path / "out"), "--workers", "1", **own)
    assert "samples a second" in (tmp_path / "out" / "failures.jsonl").read_text()
    assert list((tmp_path / "out").rglob("*.parquet"))


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 44_100, 384_000])
def test_real_rates_are_read(rate: int, tmp_path: Path) -> None:
    clip = tmp_path / "real.wav"
    clip.write_bytes(wav(rate))
    heard = media.sound(clip)
    assert len(heard.samples) == pytest.approx(32_000 / rate * 16_000, abs=200)


def test_a_frame_that_is_other_than_its_header_is_left_out() -> None:
    import av

    small, absurd = av.AudioFrame("s16", "mono", 160), av.AudioFrame("s16", "mono", 160)
    small.sample_rate, absurd.sample_rate = 16_000, 1
    assert bounds.frame_fits(small)
    assert not bounds.frame_fits(absurd)
    assert bounds.frame_fits(av.VideoFrame(64, 48, "yuv420p"))
