from __future__ import annotations

import itertools
import re
import wave
from collections.abc import Iterator
from fractions import Fraction
from math import gcd
from pathlib import Path

import numpy as np
import pytest
import spoken
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from agent.schema.samples import Columns, Sound
from agent.senses.voice import delivery, prosody
from agent.senses.voice.prosody import HOP, RATE, WINDOW, Floats
from agent.senses.voice.track import COLUMNS, Heard, Voice, phrases_of
from eval import pitch as against_praat
from finetune import world_voice

# --- sounds made here -----------------------------------------------------------------------


def vowel(f0: Floats, noise: float = 0.0, seed: int = 0) -> Floats:
    """A buzz with a vowel's overtones; f0 in Hz per sample, noise as a share of its power."""
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    sound = np.zeros(len(f0))
    for k in range(1, 40):
        gain = sum(np.exp(-(((k * f0 - f) / 150) ** 2)) for f in (600, 1200, 2500)) + 0.02
        sound += np.where(k * f0 < 7000, gain, 0) * np.sin(k * phase)
    sound *= 0.1 / np.sqrt(np.mean(sound**2))
    hiss = np.random.default_rng(seed).normal(0, 0.1, len(f0)) * np.sqrt(noise)
    return np.asarray(sound + hiss, np.float32)


def measured(samples: Floats) -> tuple[prosody.Frames, prosody.Pitch]:
    """Frames centred every 10 ms, and the pitch path through them."""
    frames = prosody.frames(np.pad(samples, WINDOW // 2))
    return frames, prosody.pitch(
        frames.f0, frames.r, frames.energy_db, float(frames.energy_db.max())
    )


@settings(max_examples=30, deadline=None)
@example(308.0, 0.5, 1)
@given(st.floats(90, 340), st.floats(-6, 6), st.integers(0, 9))
def test_pitch_follows_a_gliding_voice_within_one_percent(
    start: float, slope: float, seed: int
) -> None:
    """Slope in semitones a second; a tenth of the power is noise."""
    true = start * 2 ** (slope * np.arange(RATE) / RATE / 12)
    _, path = measured(vowel(true.astype(np.float32), 0.1, seed))
    inner = slice(5, 95)
    want = true[::HOP][: len(path.f0_hz)]
    apart = np.abs(path.f0_hz[inner] / want[inner] - 1)
    assert np.isfinite(apart).mean() > 0.95
    assert np.nanmedian(apart) < 0.01
    assert np.nanmax(apart) < 0.12, "an octave error"


def test_noise_and_silence_have_no_pitch() -> None:
    hiss = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    frames, path = measured(hiss)
    assert np.isfinite(path.f0_hz).mean() < 0.05
    silent, _ = measured(np.zeros(RATE, np.float32))
    assert np.allclose(silent.energy_db, prosody.SILENT_DB)
    assert frames.energy_db[50] == pytest.approx(-20, abs=1)


@pytest.mark.parametrize("ratio_db", [5, 10, 20])
def test_harmonics_to_noise_is_read_in_decibels(ratio_db: float) -> None:
    f0 = np.full(RATE, 150, np.float32)
    _, path = measured(vowel(f0, noise=10 ** (-ratio_db / 10)))
    assert np.nanmedian(path.hnr_db) == pytest.approx(ratio_db, abs=2)


def test_a_pressed_spectrum_reads_higher_than_a_dull_one() -> None:
    bright = vowel(np.full(RATE, 150, np.float32))
    dull = np.convolve(bright, np.ones(12) / 12, "same").astype(np.float32)
    assert np.median(measured(bright)[0].tilt_db) > np.median(measured(dull)[0].tilt_db) + 5


def test_syllables_are_counted() -> None:
    """Six bursts of voice a fifth of a second apart."""
    f0 = np.full(RATE * 6 // 5, 120, np.float32)
    at = np.arange(len(f0)) / RATE
    sound = vowel(f0) * (0.03 + np.abs(np.sin(np.pi * at / 0.2)) ** 3)
    frames, path = measured(sound.astype(np.float32))
    found = prosody.nuclei(frames.band_db, path.f0_hz, float(np.percentile(frames.band_db, 97)))
    assert len(found) == 6


# --- how a voice is used, from columns made here --------------------------------------------


def columns(phrases: list[tuple[float, float, float, float]]) -> Columns:
    """Phrases as (start, end, pitch in Hz, energy in dB); silence between."""
    end = phrases[-1][1] + 0.5
    time = np.arange(0, end, 0.01)
    table = {name: np.full(len(time), np.nan, np.float32) for name in COLUMNS}
    table["time"], table["vad"] = time, np.zeros(len(time), np.float32)
    table["energy_db"] = np.full(len(time), -90, np.float32)
    table["tilt_db"] = np.full(len(time), -13, np.float32)
    table["syllable"] = np.zeros(len(time), np.float32)
    wobble = np.random.default_rng(0).normal(0, 0.02, len(time))
    for a, b, hz, level in phrases:
        rows = (time >= a) & (time < b)
        table["vad"][rows] = 0.95
        table["f0_hz"][rows] = hz * (1 + wobble[rows])
        table["energy_db"][rows] = level
        table["hnr_db"][rows] = 10
        table["syllable"][np.flatnonzero(rows)[::20]] = 1
    return table


def test_the_phrase_that_departs_from_the_speakers_own_gets_a_cue_with_its_size() -> None:
    phrases = [(i * 2.0, i * 2.0 + 1.5, 120.0, -25.0) for i in range(6)]
    phrases[4] = (8.0, 9.5, 180.0, -15.0)
    table = columns(phrases)
    told = delivery.describe(table, phrases_of(table))
    high = [cue for cue in told.cues if cue.relative is not None and cue.code == "pitch"]
    loud = [cue for cue in told.cues if cue.relative is not None and cue.code == "energy"]
    for found in (high, loud):
        assert len(found) == 1
        assert found[0].start == pytest.approx(8.0, abs=0.05)
        assert found[0].relative is not None and found[0].relative > 2
    assert "high for this speaker (180 Hz" in high[0].text
    assert "+" in high[0].text and "sd" in high[0].text
    assert not any(missing.what == "voice baseline" for missing in told.missing)


def test_a_single_utterance_has_no_baseline_and_says_so() -> None:
    table = columns([(0.2, 1.8, 230.0, -20.0)])
    told = delivery.describe(table, phrases_of(table))
    assert all(cue.relative is None for cue in told.cues)
    assert any(missing.what == "voice baseline" for missing in told.missing)
    pitch = next(cue for cue in told.cues if cue.code == "pitch")
    assert "usual for a woman, high for a man" in pitch.text
    assert pitch.confidence <= 0.5


def test_an_enrolment_makes_a_single_utterance_relative() -> None:
    calm = columns([(i * 2.0, i * 2.0 + 1.5, 110.0, -25.0) for i in range(5)])
    usual = delivery.describe(calm, phrases_of(calm)).baseline
    assert usual is not None
    table = columns([(0.2, 1.8, 150.0, -25.0)])
    told = delivery.describe(table, phrases_of(table), usual)
    pitch = next(cue for cue in told.cues if cue.code == "pitch")
    assert pitch.relative is not None and pitch.relative > 2
    assert told.missing == ()


def test_two_very_different_voices_are_mentioned() -> None:
    alternate = itertools.cycle([110.0, 220.0])
    table = columns([(i * 2.0, i * 2.0 + 1.5, next(alternate), -25.0) for i in range(6)])
    told = delivery.describe(table, phrases_of(table))
    why = next(missing.why for missing in told.missing if missing.what == "speakers")
    assert "110" in why and "220" in why


def test_long_silences_between_phrases_are_pauses_short_ones_are_not() -> None:
    table = columns([(0.0, 1.0, 120, -25), (1.3, 2.3, 120, -25), (3.3, 4.3, 120, -25)])
    pauses = [c for c in delivery.describe(table, phrases_of(table)).cues if c.code == "pause"]
    assert [round(pause.value or 0, 1) for pause in pauses] == [1.0]


# --- real voices ----------------------------------------------------------------------------


@pytest.fixture
def audio(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    return shared / "media/audio"


def samples(path: Path) -> Floats:
    """A WAV file of 16 bits as mono at 16 kHz."""
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        raw = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    sound = raw.reshape(-1, channels).mean(axis=1) / 32768
    ratio = Fraction(RATE, rate)
    assert gcd(ratio.numerator, ratio.denominator) == 1
    return np.asarray(resample_poly(sound, ratio.numerator, ratio.denominator), np.float32)


def blocks(sound: Floats, size: int, start: float = 0.0) -> Iterator[Sound]:
    for at in range(0, len(sound), size):
        yield Sound(start + at / RATE, sound[at : at + size])


def heard(sound: Floats, size: int = 1024, start: float = 0.0) -> Heard:
    voice = Voice()
    for block in blocks(sound, size, start):
        voice.push(block)
    return voice.finish()


def overall(found: Heard) -> dict[str, float]:
    """Values of the cues over the whole clip, by code."""
    whole = max(cue.end - cue.start for cue in found.cues)
    return {c.code: c.value for c in found.cues if c.value and c.end - c.start >= whole - 0.01}


def test_blocks_of_any_size_give_the_same_rows(voices: dict[str, Path]) -> None:
    sound = samples(voices["anger"])
    one, many = heard(sound, len(sound)), heard(sound, 777)
    assert len(one.series["time"]) == len(sound) // HOP + 1
    for name in COLUMNS:
        np.testing.assert_allclose(one.series[name], many.series[name], atol=1e-3, err_msg=name)
    assert one.cues == many.cues


def test_times_are_those_of_the_clip_and_gaps_stay_silent(voices: dict[str, Path]) -> None:
    sound = samples(voices["anger"])
    voice = Voice()
    for block in (*blocks(sound, 1000, 5.0), *blocks(sound, 1000, 10.0)):
        voice.push(block)
    found = voice.finish()
    assert found.series["time"][0] == 5.0
    assert len(found.phrases) == 2
    assert found.phrases[0][0] == pytest.approx(5 + spoken.QUIET, abs=0.1)
    assert found.phrases[1][0] == pytest.approx(10 + spoken.QUIET, abs=0.1)


def test_a_voice_that_is_raised_reads_higher_wider_and_brighter(voices: dict[str, Path]) -> None:
    said = {name: overall(heard(samples(path))) for name, path in voices.items()}
    for code in ("pitch", "pitch_range", "effort"):
        assert said["anger"][code] > said["neutral"][code] > said["sadness"][code], code


def test_syllables_that_were_sung_are_counted() -> None:
    for seconds in (1.5, 3.0):
        sound = spoken.phrase({}, seconds)
        who = world_voice.speaker(np.random.default_rng(1))
        counted = heard(sound).series["syllable"].sum()
        assert counted == pytest.approx(who.rate * seconds, abs=1 + 0.1 * who.rate * seconds)


def test_pauses_between_phrases_are_where_they_were_made() -> None:
    one, rest = spoken.phrase({}), np.zeros(RATE // 2, np.float32)
    found = heard(np.concatenate([one, rest, one, one]))
    spans = [(spoken.QUIET + at, spoken.QUIET + at + spoken.SECONDS) for at in (0, 2.6, 4.7)]
    assert np.allclose(found.phrases, spans, atol=0.12)
    pauses = [cue for cue in found.cues if cue.code == "pause"]
    assert [round(pause.start, 1) for pause in pauses][:1] == [pytest.approx(1.8, abs=0.15)]


def test_one_actor_sounds_more_aroused_in_anger_and_fear_than_in_boredom_and_sadness(
    audio: Path,
) -> None:
    clips = {"W": "01Wa", "A": "04Ad", "N": "01Nc", "L": "04Lc", "T": "02Ta", "F": "01Fa"}
    said = {key: overall(heard(samples(audio / f"emodb_03a{n}.wav"))) for key, n in clips.items()}
    pitch = {key: values["pitch"] for key, values in said.items()}
    assert min(pitch["W"], pitch["A"]) > pitch["F"] > pitch["N"] > max(pitch["L"], pitch["T"])
    effort = {key: values["effort"] for key, values in said.items()}
    assert effort["W"] > effort["A"] > effort["N"] > effort["T"]
    assert said["F"]["pitch_range"] > said["N"]["pitch_range"] > said["T"]["pitch_range"]


def test_syllables_of_known_sentences_are_counted_within_a_fifth(audio: Path) -> None:
    """Counted by hand from the transcripts in the manifest."""
    known = {
        "jfk.wav": 28, "librivox_austen_0870.wav": 30, "deepspeech_newhome.wav": 9,
        "emodb_03a01Nc.wav": 8, "emodb_03a01Wa.wav": 8, "emodb_03a04Ad.wav": 11,
        "emodb_03b10Ec.wav": 14,
    }  # fmt: skip
    counts = {name: heard(samples(audio / name)).series["syllable"].sum() for name in known}
    for name, count in counts.items():
        assert abs(count - known[name]) <= max(2, 0.2 * known[name]), (name, count)
    assert sum(counts.values()) == pytest.approx(sum(known.values()), rel=0.1)


def test_speech_in_a_telephone_talk_is_found_where_it_was_marked(audio: Path) -> None:
    found = heard(samples(audio / "pyannote_sample.wav"))
    lines = (audio / "pyannote_sample.rttm").read_text().splitlines()
    time = found.series["time"]
    marked = np.zeros(len(time), bool)
    for line in lines:
        start, length = (float(field) for field in line.split()[3:5])
        marked |= (time >= start) & (time < start + length)
    said = np.zeros(len(time), bool)
    for start, end in found.phrases:
        said |= (time >= start) & (time <= end)
    assert (said & marked).sum() / marked.sum() > 0.95
    assert (said & ~marked).sum() / (~marked).sum() < 0.1


def test_a_raised_speech_with_pauses_reads_as_such(audio: Path) -> None:
    found = heard(samples(audio / "jfk.wav"))
    pauses = [cue for cue in found.cues if cue.code == "pause"]
    assert [round(pause.start) for pause in pauses] == [2, 4, 8]
    assert len(found.phrases) == 4
    assert all(b - a <= 4.0 for a, b in found.phrases)


def test_silence_and_no_sound_are_declared_missing() -> None:
    none = Voice().finish()
    assert [missing.what for missing in none.missing] == ["sound"]
    assert none.cues == () and set(none.series) == set(COLUMNS)
    silent = heard(np.zeros(3 * RATE, np.float32))
    assert [missing.what for missing in silent.missing] == ["speech"]
    assert "silent" in silent.missing[0].why
    assert len(silent.series["time"]) == 301


def test_a_chord_is_sound_without_speech() -> None:
    at = np.arange(4 * RATE) / RATE
    chord = 0.1 * sum(np.sin(2 * np.pi * f * at) for f in (220, 277.2, 329.6))
    found = heard(np.asarray(chord, np.float32))
    assert [missing.what for missing in found.missing] == ["speech"]
    assert "nobody" in found.missing[0].why


def test_stereo_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match="average the channels"):
        Voice().push(Sound(0.0, np.zeros((2, 800), np.float32)))


def test_pitch_is_that_of_praat(audio: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("parselmouth")
    assert against_praat.main([str(path) for path in sorted(audio.glob("emodb_*.wav"))]) == 0
    told = re.search(
        r"median error ([\d.]+) cents, gross errors ([\d.]+)%", capsys.readouterr().out
    )
    assert told is not None
    assert float(told[1]) < 5
    assert float(told[2]) < 2
