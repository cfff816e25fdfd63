"""Our pitch against Praat's autocorrelation method, on sound files.

    python -m eval.pitch SOUND [SOUND …]

Needs `pip install praat-parselmouth` (Jadoul, Thompson & de Boer 2018), which nothing else here
does. Both look for 60–500 Hz every 10 ms; ours is read between its frames at Praat's times.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from agent import media
from agent.schema.samples import Floats
from agent.senses.voice import prosody

GROSS = 1200 * np.log2(1.2)
"""Cents from which an error counts as gross: a fifth of the pitch."""
LOUDEST = 97
"""Percentile of energy taken for the level of the loudest vowels, as the voice sense does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line of figures over all files."""
    paths = list(sys.argv[1:] if argv is None else argv)
    if not paths:
        print("give one sound file or more: python -m eval.pitch a.wav b.wav", file=sys.stderr)
        return 2
    try:
        parselmouth: Any = import_module("parselmouth")
    except ImportError:
        print("Praat is missing: pip install praat-parselmouth", file=sys.stderr)
        return 2
    cents, differs = [], []
    for path in paths:
        samples = media.sound(path).samples
        times, theirs = _praat(parselmouth, samples)
        mine = ours(samples, times)
        both = (theirs > 0) & (mine > 0)
        cents.append(1200 * np.abs(np.log2(mine[both] / theirs[both])))
        differs.append((theirs > 0) != (mine > 0))
    every = np.concatenate(cents)
    print(
        f"{len(paths)} files, {len(every)} frames voiced for both: median error "
        f"{np.median(every):.1f} cents, gross errors {(every > GROSS).mean():.2%}, "
        f"voicing differs in {np.concatenate(differs).mean():.1%}"
    )
    return 0


def ours(samples: Floats, times: Floats) -> Floats:
    """Our pitch in Hz at these times in seconds, 0 where unvoiced."""
    frames = prosody.frames(np.pad(samples, prosody.WINDOW // 2))
    loud = float(np.percentile(frames.energy_db, LOUDEST))
    f0 = np.nan_to_num(prosody.pitch(frames.f0, frames.r, frames.energy_db, loud).f0_hz)
    at = np.clip(times * prosody.RATE / prosody.HOP, 0, len(f0) - 1)
    left = np.floor(at).astype(int)
    right = np.minimum(left + 1, len(f0) - 1)
    near = f0[np.round(at).astype(int)]
    voiced = (f0[left] > 0) & (f0[right] > 0)
    return np.asarray(np.where(voiced, f0[left] + (at - left) * (f0[right] - f0[left]), near))


def _praat(parselmouth: Any, samples: Floats) -> tuple[Floats, Floats]:
    """Times in seconds and pitch in Hz, 0 where unvoiced."""
    sound = parselmouth.Sound(samples.astype(np.float64), prosody.RATE)
    found = sound.to_pitch_ac(
        time_step=prosody.HOP / prosody.RATE,
        pitch_floor=prosody.F0_MIN,
        pitch_ceiling=prosody.F0_MAX,
    )
    return np.asarray(found.xs()), np.asarray(found.selected_array["frequency"])


if __name__ == "__main__":
    sys.exit(main())
