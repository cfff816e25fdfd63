"""Descriptors of the voice against sounds whose pitch, cycles, formants and harmonics are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter, resample_poly

from agent.schema.samples import Columns, Floats
from agent.senses.voice import descriptors, prosody, spectrum
from agent.senses.voice.functionals import functionals
from agent.senses.voice.prosody import RATE, WINDOW
from agent.senses.voice.utterances import LONGEST, spans_of, utterances

FORMANTS = ((600, 60), (1300, 90), (2600, 120), (3500, 200))
"""Frequency and bandwidth in Hz."""


def pulses(
    f0: float, jitter: float = 0.0, shimmer: float = 0.0, seconds: float = 1.5, seed: int = 0
) -> tuple[Floats, float, float]:
    """Glottal pulses at eight times the rate, their true local jitter and shimmer in dB."""
    rng = np.random.default_rng(seed)
    sound, at = np.zeros(int(seconds * RATE) * 8), 0.0
    lengths, sizes = [], []
    while at < seconds - 0.02:
        lengths.append((1 + jitter * rng.normal()) / f0)
        sizes.append(1 + shimmer * rng.normal())
        sound[int(at * RATE * 8)] += sizes[-1]
        at += lengths[-1]
    length, size = np.array(lengths), np.array(sizes)
    true_jitter = float(np.abs(np.diff(length)).mean() / length.mean())
    true_shimmer = float(np.abs(20 * np.log10(size[1:] / size[:-1])).mean())
    return np.asarray(resample_poly(sound, 1, 8), np.float32), true_jitter, true_shimmer


def vowel(source: Floats, scale: float = 1.0) -> Floats:
    """The source through a glottal slope of 12 dB an octave and resonances at FORMANTS × scale."""
    sound = lfilter([1.0], [1.0, -0.95], source)
    for hz, width in FORMANTS:
        r = np.exp(-np.pi * width * scale / RATE)
        sound = lfilter([1.0], [1.0, -2 * r * np.cos(2 * np.pi * hz * scale / RATE), r**2], sound)
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def described(samples: Floats) -> Columns:
    """Columns of a sound in which everything is speech."""
    padded = np.pad(samples, WINDOW // 2)
    power = prosody.spectra(padded)
    frames = prosody.measured(power)
    path = prosody.pitch(frames.f0, frames.r, frames.energy_db, float(frames.energy_db.max()))
    n = len(frames.energy_db)
    return {
        "time": np.arange(n) * 0.01,
        "vad": np.ones(n, np.float32),
        "f0_hz": path.f0_hz,
        "energy_db": frames.energy_db,
        "hnr_db": path.hnr_db,
        "cpp_db": frames.cpp_db,
        "tilt_db": frames.tilt_db,
        "syllable": np.zeros(n, np.float32),
    } | descriptors.agreeing(descriptors.describe(padded, power, frames), path.f0_hz)


def middle(columns: Columns, name: str) -> float:
    return float(np.nanmedian(columns[name].astype(np.float64)))


# --- formants -------------------------------------------------------------------------------


@pytest.mark.parametrize("f0", [90.0, 140.0, 210.0])
@pytest.mark.parametrize("scale", [0.9, 1.0, 1.2])
def test_formants_of_a_known_throat_are_found(f0: float, scale: float) -> None:
    columns = described(vowel(pulses(f0)[0], scale))
    for number, (hz, _) in enumerate(FORMANTS[:3], start=1):
        # Harmonics sample the resonance f0 apart: no method sees between them.
        assert middle(columns, f"f{number}_hz") == pytest.approx(hz * scale, abs=30 + 0.2 * f0)


def test_bandwidth_is_read_where_harmonics_are_close() -> None:
    columns = described(vowel(pulses(90.0)[0]))
    for number, (_, width) in enumerate(FORMANTS[:3], start=1):
        assert middle(columns, f"f{number}_width_hz") == pytest.approx(width, rel=0.4)


# --- cycles ---------------------------------------------------------------------------------


@pytest.mark.parametrize("f0", [90.0, 120.0, 200.0])
def test_jitter_grows_with_true_jitter_and_a_steady_voice_has_none(f0: float) -> None:
    steady, little, much = (
        middle(described(vowel(pulses(f0, jitter)[0])), "jitter") for jitter in (0, 0.01, 0.02)
    )
    assert steady < 0.001
    assert 0.003 < little < 0.013
    assert much == pytest.approx(2 * little, rel=0.35)


def test_jitter_of_a_low_voice_is_the_published_ratio() -> None:
    """Resonances ring from one cycle into the next, which hides part of it in higher voices."""
    source, true, _ = pulses(90.0, jitter=0.01)
    assert float(np.nanmean(described(vowel(source))["jitter"])) == pytest.approx(true, rel=0.3)


def test_shimmer_of_a_low_voice_is_read_in_decibels() -> None:
    source, _, true = pulses(90.0, shimmer=0.05)
    columns = described(vowel(source))
    assert float(np.nanmean(columns["shimmer_db"])) == pytest.approx(true, rel=0.3)
    assert middle(described(vowel(pulses(90.0)[0])), "shimmer_db") < 0.05


# --- harmonics and the spectrum -------------------------------------------------------------


@pytest.mark.parametrize("f0", [110.0, 200.0, 280.0])
@pytest.mark.parametrize("drop_db", [0.0, 6.0, 12.0])
def test_first_harmonic_against_the_second(f0: float, drop_db: float) -> None:
    at = np.arange(RATE) / RATE
    sound = np.sin(2 * np.pi * f0 * at) + 10 ** (-drop_db / 20) * np.sin(4 * np.pi * f0 * at + 1)
    for k in range(3, int(7000 / f0)):
        sound += 0.1 * np.sin(2 * np.pi * k * f0 * at + k)
    columns = described((0.2 * sound).astype(np.float32))
    assert middle(columns, "h1_h2_db") == pytest.approx(drop_db, abs=0.7)


def noise_of(slope_db_per_khz: float) -> Floats:
    """Noise whose spectrum falls by a straight line in dB."""
    n = 2 * RATE
    hz = np.fft.rfftfreq(n, 1 / RATE)
    phase = np.exp(2j * np.pi * np.random.default_rng(3).random(len(hz)))
    sound = np.fft.irfft(10 ** (slope_db_per_khz * hz / 1000 / 20) * phase, n)
    return np.asarray(0.3 * sound / np.abs(sound).max(), np.float32)


def shape_of(samples: Floats) -> Columns:
    return spectrum.shape(*spectrum.powers(samples))


@pytest.mark.parametrize("slope", [-12.0, -4.0, 0.0, 6.0])
def test_slopes_and_hammarberg_of_a_known_spectrum(slope: float) -> None:
    columns = shape_of(noise_of(slope))
    assert np.mean(columns["slope_mid"]) == pytest.approx(slope, abs=1.5)
    assert np.mean(columns["slope_low"]) == pytest.approx(slope, abs=4)
    flat = float(np.mean(shape_of(noise_of(0.0))["hammarberg_db"]))
    # A falling line peaks where either band begins (0 and 2 kHz), a rising one where it ends.
    expected = flat - slope * (2 if slope < 0 else 3)
    assert np.mean(columns["hammarberg_db"]) == pytest.approx(expected, abs=3)


def test_gain_moves_the_level_and_nothing_else() -> None:
    sound = vowel(pulses(120.0, 0.01, 0.05)[0])
    loud, quiet = (functionals(described(gain * sound), slice(None)) for gain in (1.0, 0.1))
    level = {"loudness_mean", "loudness_p20", "loudness_p50", "loudness_p80"}
    for name in loud:
        if name in level:
            # The loudness of 20 dB less is a tenth squared to the power of a third.
            assert loud[name] - quiet[name] == pytest.approx(0.33 * np.log2(100), abs=0.1)
        elif np.isfinite(loud[name]):
            assert quiet[name] == pytest.approx(loud[name], rel=0.05, abs=0.15), name


def test_a_still_spectrum_has_no_flux_and_noise_has_much() -> None:
    steady = described(vowel(pulses(200.0)[0]))["flux"][10:-10]
    hiss = shape_of(noise_of(0.0))["flux"]
    assert np.mean(steady) < 0.15
    assert np.mean(hiss) > 0.5


# --- functionals and utterances -------------------------------------------------------------


def test_pitch_functionals_of_a_known_glide() -> None:
    """Four semitones up over a second and a half from 100 Hz."""
    at = np.arange(int(1.5 * RATE)) / RATE
    f0 = 100 * 2 ** (4 * at / 1.5 / 12)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 30))
    found = functionals(described((0.1 * np.asarray(sound)).astype(np.float32)), slice(None))
    assert found["pitch_mean"] == pytest.approx(2, abs=0.15)
    assert found["pitch_p20"] == pytest.approx(0.8, abs=0.2)
    assert found["pitch_p80"] == pytest.approx(3.2, abs=0.2)
    assert found["pitch_rise"] == pytest.approx(4 / 1.5, abs=0.8)


def test_rates_and_lengths_of_bursts() -> None:
    """Five bursts of a fifth of a second with as much silence between them."""
    burst = vowel(pulses(150.0, seconds=0.2)[0])
    sound = np.tile(np.concatenate([burst, np.zeros(RATE // 5, np.float32)]), 5)
    found = functionals(described(sound), slice(None))
    assert found["voiced_pieces"] == pytest.approx(2.5, abs=0.1)
    assert found["loudness_peaks"] == pytest.approx(2.5, abs=0.6)
    assert found["voiced_length_mean"] == pytest.approx(0.2, abs=0.05)
    assert found["unvoiced_length_mean"] == pytest.approx(0.2, abs=0.06)


def test_silence_has_no_functionals() -> None:
    assert functionals(described(np.zeros(RATE, np.float32)), slice(None)) == {}


def test_long_talk_is_many_utterances_and_a_short_word_joins_its_neighbour() -> None:
    phrases = [(0.0, 3.8), (4.1, 5.6), (6.0, 6.5), (8.0, 11.9), (11.95, 15.9)]
    found = spans_of(phrases)
    assert all(end - start <= LONGEST for start, end in found)
    assert (8.0, 11.9) in found and (11.95, 15.9) in found
    assert (0.0, 5.6) in found
    assert not any(start < 7.0 < end for start, end in found), "over a long silence"


def test_an_utterance_ends_where_somebody_else_speaks() -> None:
    mine, theirs = [(0.0, 1.5), (1.85, 3.0)], [(1.5, 1.85)]
    assert spans_of(mine) == ((0.0, 3.0),)
    assert spans_of(mine, theirs) == ((0.0, 1.5), (1.85, 3.0))


def test_each_utterance_has_its_own_values() -> None:
    low, high = (vowel(pulses(hz, seconds=2.0)[0]) for hz in (110.0, 220.0))
    columns = described(np.concatenate([low, np.zeros(RATE, np.float32), high]))
    first, second = utterances(columns, [(0.05, 1.95), (3.05, 4.95)])
    assert first.values["pitch_mean"] == pytest.approx(12 * np.log2(1.1), abs=0.3)
    assert second.values["pitch_mean"] == pytest.approx(12 * np.log2(2.2), abs=0.3)
