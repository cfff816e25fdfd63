"""Recorded utterances of EMO-DB, measured by our own senses, as they are and in variants.

Knows the names of its files and what a variant changes besides the sound; nothing of weights.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from agent import media
from agent.senses.samples import Sound
from agent.senses.voice import Detector, Voice
from finetune.reading.voice_variants import THROATS, variants

LETTERS: Final = {
    "N": "neutral", "F": "happiness", "T": "sadness", "W": "anger", "A": "fear", "E": "disgust",
    "L": "boredom",
}  # fmt: skip
"""Sixth character of a file's name in EMO-DB."""
LABELS: Final = tuple(LETTERS.values())
WOMEN: Final = frozenset(("08", "09", "13", "14", "16"))
PITCHES: Final = ("pitch_mean", "pitch_p20", "pitch_p50", "pitch_p80")
PER_SECOND: Final = (
    "loudness_peaks", "syllables", "voiced_pieces", "pitch_rise", "pitch_fall", "loudness_rise",
    "loudness_fall",
)  # fmt: skip
LENGTHS: Final = (
    "voiced_length_mean", "voiced_length_sd", "unvoiced_length_mean", "unvoiced_length_sd",
)  # fmt: skip
FOLDS_SHIFT: Final = 6.0
"""Semitones by which vocal folds differ between women and men beyond what the throat explains:
110 against 200 Hz are 10, of which the scaling of all frequencies makes 2.6; two thirds of the
rest, as high men and low women are there too."""


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance of one recording in one variant."""

    clip: str
    variant: str
    seconds: float
    values: dict[str, float]

    @property
    def speaker(self) -> str:
        return self.clip[:2]

    @property
    def label(self) -> str:
        return LETTERS[self.clip[5]]


def measure(folder: Path, kept: Path) -> list[Said]:
    """All utterances in all variants, measured now or read from `kept`; goes on where it stopped.

    Raises FileNotFoundError where the folder has no recording.
    """
    names = sorted(path.name for path in folder.glob("*.wav"))
    if not names:
        raise FileNotFoundError(f"{folder} has no .wav files; give the folder of EMO-DB")
    detector = None
    found: dict[str, list[dict[str, Any]]] = {}
    if kept.exists():
        found = json.loads(kept.read_text(encoding="utf-8"))
    for number, name in enumerate(names):
        if name not in found:
            detector = detector or Detector()
            found[name] = list(_measured(folder / name, detector))
            if number % 20 == 19 or number == len(names) - 1:
                kept.write_text(json.dumps(found), encoding="utf-8")
    return [Said(clip=name, **each) for name in names for each in found[name]]


def _measured(path: Path, detector: Detector) -> Iterable[dict[str, Any]]:
    blocks = [b.samples for b in media.stream(path, video=False) if isinstance(b, Sound)]
    seed = zlib.crc32(path.name.encode())
    for variant, samples in variants(np.concatenate(blocks), seed):
        detector.reset()
        voice = Voice(detector)
        voice.push(Sound(0.0, samples))
        for window in voice.finish().windows:
            values = _restored(window.values, THROATS.get(variant, 1.0))
            yield {"variant": variant, "seconds": window.end - window.start, "values": values}


def _restored(values: dict[str, float], factor: float) -> dict[str, float]:
    """Time as it was before all frequencies were scaled; pitch as other vocal folds have it."""
    if factor == 1.0:
        return values
    shift = FOLDS_SHIFT if factor > 1 else -FOLDS_SHIFT
    out = dict(values)
    out |= {name: values[name] + shift for name in PITCHES if name in values}
    out |= {name: values[name] / factor for name in PER_SECOND if name in values}
    return out | {name: values[name] * factor for name in LENGTHS if name in values}
