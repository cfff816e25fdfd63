"""Gives the example clip its voice and its subtitles.

The voice is espeak-ng's (Debian package `espeak-ng`), told to speak higher and livelier, then
louder and harder, at the moments when the rendered mouth moves.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

RATE: Final = 22050
"""Of espeak-ng's sound, in Hz."""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the example."""

    start: float
    """Seconds."""
    text: str
    pitch: int
    """0-99, as espeak-ng takes it."""
    speed: int
    """Words a minute."""
    volume: int
    """0-200."""


LINES: Final = (
    Line(2.75, "We really got the flat!", pitch=72, speed=160, volume=110),
    Line(6.88, "At double the rent?!", pitch=58, speed=175, volume=190),
)


def narrate(silent: Path, out: Path) -> Path:
    """`silent` with the voice as AAC, and its subtitles beside it; returns their path.

    Raises FileNotFoundError where espeak-ng is not installed.
    """
    spoken = [(line, _say(line)) for line in LINES]
    _mux(silent, out, _track(spoken))
    subtitles = out.with_suffix(".en.srt")
    subtitles.write_text(
        "\n".join(
            f"{i}\n{_stamp(line.start)} --> {_stamp(line.start + len(sound) / RATE)}\n{line.text}\n"
            for i, (line, sound) in enumerate(spoken, 1)
        ),
        encoding="utf-8",
    )
    return subtitles


def _say(line: Line) -> npt.NDArray[np.int16]:
    """Samples of one sentence without the silence around it."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise FileNotFoundError("espeak-ng speaks the example's lines: apt-get install espeak-ng")
    manner = ["-p", str(line.pitch), "-s", str(line.speed), "-a", str(line.volume)]
    said = subprocess.run(
        [program, "-v", "en-us+f4", *manner, "--stdout", line.text],
        check=True,
        capture_output=True,
    )
    with wave.open(io.BytesIO(said.stdout)) as file:
        sound = np.frombuffer(file.readframes(RATE * 60), np.int16)
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > 160)
    return sound[loud[0] : loud[-1]]


def _track(spoken: list[tuple[Line, npt.NDArray[np.int16]]]) -> npt.NDArray[np.int16]:
    end = max(round(line.start * RATE) + len(sound) for line, sound in spoken)
    # A room is never quite silent; a fixed seed keeps the clip the same each time.
    track = np.random.default_rng(0).normal(0, 6, end + RATE)
    for line, sound in spoken:
        at = round(line.start * RATE)
        track[at : at + len(sound)] += sound
    return np.clip(track, -32768, 32767).astype(np.int16)


def _mux(silent: Path, out: Path, track: npt.NDArray[np.int16]) -> None:
    """Copy the pictures as they are, encode the sound beside them."""
    import av

    with av.open(str(silent)) as source, av.open(str(out), "w") as target:
        pictures = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", rate=RATE, layout="mono")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                target.mux(packet)
        block = av.AudioFrame.from_ndarray(track[None], format="s16", layout="mono")
        block.rate = RATE
        target.mux(sound.encode(block))
        target.mux(sound.encode())


def _stamp(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"00:00:{whole:02d},{milliseconds:03d}"
