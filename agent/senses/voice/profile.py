"""How one utterance sounds beside neutral speech of adults, in plain words: one cue a measure.

Knows functionals and norms, nothing of emotion. Only what stands out gets a cue; the numbers
themselves are in the windows of the record. Pitch, its range, effort and pace are told by
`agent.senses.voice.delivery`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from agent.schema.evidence import Cue
from agent.senses.voice.utterances import Utterance

NOTABLE: Final = 1.2
"""Standard deviations from neutral speech from which a measure gets a cue."""
MOST: Final = 4
"""Cues of one utterance at most: what stands out furthest."""


class Measure(NamedTuple):
    """One functional that people can make sense of."""

    code: str
    mean: float
    """Of neutral speech."""
    sd: float
    low: str
    high: str
    """Plain words for little and much of it."""
    unit: str


MEASURES: Final[Mapping[str, Measure]] = {
    "loudness_sd": Measure(
        "dynamics", 1.21, 0.2, "even in loudness", "loudness swings widely", "log2 of loudness"
    ),
    "hammarberg_db_mean": Measure(
        "balance", 26.1, 4.2, "sharp, pressed sound", "soft, dull sound",
        "dB below 2 kHz over above",
    ),
    "mfcc1_mean": Measure(
        "spectrum", 32.1, 3.4, "bright, open sound", "dark, covered sound", "MFCC 1"
    ),
    "hnr_db_mean": Measure(
        "harmonicity", 9.2, 1.9, "noisy, hoarse voice", "clear voice", "dB of harmonics over noise"
    ),
    "h1_h2_db_mean": Measure(
        "phonation", 3.3, 3.4, "tight, creaking voice", "breathy, lax voice",
        "dB of first over second harmonic",
    ),
    "shimmer_db_mean": Measure(
        "steadiness", -0.1, 0.38, "steady voice", "shaky loudness from cycle to cycle",
        "log2 of shimmer in dB",
    ),
    "f1_hz_mean": Measure(
        "openness", 8.75, 0.14, "narrow vowels", "wide-open vowels", "log2 of F1 in Hz"
    ),
    "voiced_length_mean": Measure(
        "drawl", 0.189, 0.057, "clipped, short vowels", "drawn-out vowels", "s voiced at a stretch"
    ),
}  # fmt: skip
"""By functional: norms of neutral speech, from the recordings of docs/model_cards/voice.md."""


def away(name: str, value: float) -> float:
    """Standard deviations from neutral speech. Raises KeyError for a functional without norm."""
    measure = MEASURES[name]
    return (value - measure.mean) / measure.sd


def profile_cues(said: Iterable[Utterance]) -> Iterator[Cue]:
    """What stands out in each utterance, the furthest first; people are not set yet."""
    for utterance in said:
        found = {n: away(n, v) for n, v in utterance.values.items() if n in MEASURES}
        order = sorted(found, key=lambda name: -abs(found[name]))
        for name in order[:MOST]:
            if abs(found[name]) >= NOTABLE:
                yield _cue(utterance, name, found[name])


def _cue(utterance: Utterance, name: str, z: float) -> Cue:
    measure, value = MEASURES[name], utterance.values[name]
    words = measure.high if z > 0 else measure.low
    return Cue(
        sense="voice",
        person=None,
        code=measure.code,
        start=round(utterance.start, 3),
        apex=round((utterance.start + utterance.end) / 2, 3),
        end=round(utterance.end, 3),
        value=round(value, 2),
        unit=measure.unit,
        text=f"{words} ({value:.1f} {measure.unit}; neutral speech {measure.mean:.1f} ± "
        f"{measure.sd:.1f})",
        confidence=round(min(0.3 + 0.1 * abs(z), 0.6) * utterance.sure, 2),
    )
