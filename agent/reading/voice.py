"""What the read-out of the voice takes from the record: the functionals of each utterance.

Knows names of measurements and how a speaker's own usual is taken off them; no weights and no
labels. A value against the usual stays in its unit and near the common neutral: the speaker's
offset is taken off as far as it is believed, so that one utterance of neutral speech moves it
little and ten move it nearly all the way (the mean of a normal prior).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.reading.additive import ReadOut
from agent.schema.evidence import Window
from agent.senses.voice.utterances import OWN, OWN_UTTERANCES

Matrix = npt.NDArray[np.float64]

LIMIT: Final = 4.0
"""Spreads from the centre beyond which a value counts no more: one wild measurement must not
decide."""
FEATURES: Final[tuple[str, ...]] = (
    "pitch_mean", "pitch_sd", "pitch_p20", "pitch_p50", "pitch_p80", "pitch_range", "pitch_rise",
    "pitch_fall", "loudness_sd", "loudness_range", "loudness_rise", "loudness_fall",
    "tilt_db_mean", "tilt_db_sd", "tilt_db_unvoiced", "hammarberg_db_mean", "hammarberg_db_sd",
    "hammarberg_db_unvoiced", "slope_low_mean", "slope_low_sd", "slope_low_unvoiced",
    "slope_mid_mean", "slope_mid_sd", "slope_mid_unvoiced", "flux_mean", "flux_sd",
    "flux_unvoiced", "mfcc1_mean", "mfcc1_sd", "mfcc2_mean", "mfcc2_sd", "mfcc3_mean", "mfcc3_sd",
    "mfcc4_mean", "mfcc4_sd", "hnr_db_mean", "hnr_db_sd", "cpp_db_mean", "cpp_db_sd",
    "jitter_mean", "jitter_sd", "shimmer_db_mean", "shimmer_db_sd", "h1_h2_db_mean",
    "h1_h2_db_sd", "h1_a3_db_mean", "h1_a3_db_sd", "f1_hz_mean", "f1_hz_sd", "f1_hz_p50",
    "f2_hz_mean", "f2_hz_sd", "f2_hz_p50", "f3_hz_mean", "f3_hz_sd", "f3_hz_p50",
    "f1_width_hz_mean", "f1_width_hz_sd", "f2_width_hz_mean", "f2_width_hz_sd",
    "f3_width_hz_mean", "f3_width_hz_sd", "f1_db_mean", "f1_db_sd", "f2_db_mean", "f2_db_sd",
    "loudness_peaks", "syllables", "voiced_pieces", "voiced_length_mean", "voiced_length_sd",
    "unvoiced_length_mean", "unvoiced_length_sd", "voiced_share",
)  # fmt: skip
"""Functionals that the read-outs use. The level itself is not among them: it is the distance of
the microphone before it is anything else."""


def absolute(values: Mapping[str, float]) -> dict[str, float]:
    """The features of one utterance as they are; what was not measured is absent."""
    return {n: values[n] for n in FEATURES if math.isfinite(values.get(n, math.nan))}


def settled(
    values: Mapping[str, float],
    usual: Mapping[str, float],
    utterances: float,
    neutral: Mapping[str, float],
    believed: float,
) -> dict[str, float]:
    """The features with this speaker's own offset from the common neutral taken off.

    `usual`: the speaker's mean over so many `utterances` of neutral speech; `neutral`: everybody's;
    `believed`: number of utterances at which half of the offset is believed.
    """
    share = utterances / (utterances + believed)
    return {
        name: value - share * (usual[name] - neutral[name])
        if name in usual and name in neutral
        else value
        for name, value in absolute(values).items()
    }


def enrolled(window: Window) -> tuple[dict[str, float], float] | None:
    """The speaker's usual and the number of utterances it stands on; None without enrolment."""
    count = window.values.get(OWN_UTTERANCES, 0.0)
    if count <= 0:
        return None
    usual = {
        name: window.values[name] - window.values[f"{name}{OWN}"]
        for name in FEATURES
        if name in window.values and f"{name}{OWN}" in window.values
    }
    return usual, count


def limited(row: Matrix, out: ReadOut) -> Matrix:
    """Values (… × features) drawn in to within LIMIT spreads, as they were in learning."""
    reach = LIMIT * out.scale
    return np.asarray(np.clip(row, out.centre - reach, out.centre + reach))


def rows(
    windows: Sequence[Window], neutral: Mapping[str, float], believed: float
) -> tuple[list[dict[str, float]], bool]:
    """Features of each window of one voice, and whether they are against the speaker's usual.

    Only an enrolment of neutral speech makes them so: the mean of the clip itself is no rest, as
    somebody who shouts throughout shows.
    """
    usual = [enrolled(window) for window in windows]
    if not windows or any(own is None for own in usual):
        return [absolute(window.values) for window in windows], False
    return [
        settled(window.values, own[0], own[1], neutral, believed)
        for window, own in zip(windows, usual, strict=True)
        if own is not None
    ], True
