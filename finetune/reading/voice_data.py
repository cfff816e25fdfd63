"""Recorded utterances of EMO-DB, measured by our own senses, as they are and in variants.

Knows the names of its files and what a variant changes besides the sound; nothing of weights.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent import media
from agent.reading.voice import FEATURES, absolute
from agent.schema.samples import Sound
from agent.senses.voice.track import Detector, Voice
from finetune.reading.voice_variants import THROATS, variants

Matrix = npt.NDArray[np.float64]

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


@dataclass(frozen=True, eq=False)
class Voices:
    """Utterances as arrays: one row each."""

    clips: npt.NDArray[np.str_]
    """Names of the files."""
    variants: npt.NDArray[np.str_]
    seconds: Matrix
    values: Matrix
    """Utterances × FEATURES, NaN where a value is missing."""

    @property
    def speakers(self) -> npt.NDArray[np.str_]:
        return np.array([clip[:2] for clip in self.clips])

    @property
    def labels(self) -> npt.NDArray[np.intp]:
        """Indices into LABELS."""
        return np.array([LABELS.index(LETTERS[clip[5]]) for clip in self.clips], np.intp)

    def only(self, rows: npt.NDArray[np.bool_]) -> Voices:
        """Those where `rows` is true."""
        return Voices(self.clips[rows], self.variants[rows], self.seconds[rows], self.values[rows])

    def neutral(self, speaker: str, variant: str, but: str | None = None) -> tuple[Matrix, int]:
        """Mean of each feature over a speaker's neutral speech; over how many recordings.

        `but`: a recording that is left out.
        """
        calm = (self.labels == LABELS.index("neutral")) & (self.clips != (but or ""))
        mine = (self.speakers == speaker) & (self.variants == variant) & calm
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a feature that nobody has
            mean = np.nanmean(self.values[mine], axis=0) if mine.any() else _nothing()
        return mean, len(set(self.clips[mine].tolist()))


def _nothing() -> Matrix:
    return np.full(len(FEATURES), np.nan)


def voices(said: Sequence[Mapping[str, Any]]) -> Voices:
    """Arrays of utterances, each with `clip`, `variant`, `seconds` and `values`."""
    known = [absolute(each["values"]) for each in said]
    return Voices(
        np.array([each["clip"] for each in said]),
        np.array([each["variant"] for each in said]),
        np.array([each["seconds"] for each in said], np.float64),
        np.array([[row.get(name, np.nan) for name in FEATURES] for row in known], np.float64),
    )


def measure(folder: Path, kept: Path) -> Voices:
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
    return voices([each | {"clip": name} for name in names for each in found[name]])


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
