"""The voice's read-outs: what they take from the record, and what they say of known voices."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent.reading import voice
from agent.reading.additive import read_out, softmax, stored
from agent.reading.model import voice_moments
from agent.schema.evidence import Evidence, Media, Window
from agent.senses.voice.norms import Baseline
from agent.senses.voice.utterances import OWN, OWN_UTTERANCES, Utterance, windows, with_functionals
from finetune.reading.voice import How, knowledge, table
from finetune.reading.voice_data import LABELS, Voices, voices
from finetune.reading.voice_scores import auroc, ece, interval, recall


def said(**values: float) -> Utterance:
    return Utterance(0.0, 2.0, values, 0.9)


def test_an_enrolment_puts_the_difference_beside_each_value() -> None:
    before = with_functionals(
        Baseline({}, "enrolment"), [said(pitch_mean=2.0), said(pitch_mean=4.0, hnr_db_mean=9.0)]
    )
    (window,) = windows([said(pitch_mean=7.0, f1_hz_mean=9.0)], before)
    assert window.sense == "voice" and window.person is None
    assert window.values["pitch_mean" + OWN] == pytest.approx(4.0)
    assert "f1_hz_mean" + OWN not in window.values, "the enrolment had none"
    assert window.values[OWN_UTTERANCES] == 2
    usual, count = voice.enrolled(window) or ({}, 0)
    assert usual == {"pitch_mean": pytest.approx(3.0)} and count == 2


def test_an_utterance_without_values_makes_no_window() -> None:
    assert windows([Utterance(0.0, 1.0, {}, 0.5)]) == ()


def test_the_offset_of_a_speaker_is_believed_by_how_much_was_heard() -> None:
    own, everybody = {"pitch_mean": 12.0}, {"pitch_mean": 4.0}
    values = {"pitch_mean": 15.0}
    little = voice.settled(values, own, 1, everybody, believed=4.0)["pitch_mean"]
    much = voice.settled(values, own, 100, everybody, believed=4.0)["pitch_mean"]
    assert little == pytest.approx(15 - 8 / 5)
    assert much == pytest.approx(15 - 8 * 100 / 104)
    assert voice.settled(values, {}, 3, everybody, 4.0) == values


def test_rows_are_relative_only_with_an_enrolment() -> None:
    plain = Window(person="P1", sense="voice", start=0, end=2, values={"pitch_mean": 5.0})
    known = plain.model_copy(
        update={"values": {"pitch_mean": 5.0, "pitch_mean_own": 3.0, "own_utterances": 4.0}}
    )
    everybody = {"pitch_mean": 4.0}
    assert voice.rows([plain], everybody, 4.0) == ([{"pitch_mean": 5.0}], False)
    ((row,), relative) = voice.rows([known], everybody, 4.0)
    # This speaker's usual is 2, two below everybody's; half of that is believed.
    assert relative and row["pitch_mean"] == pytest.approx(6.0)


@pytest.mark.parametrize("reference", ["absolute", "relative"])
def test_the_weights_that_come_with_the_package_can_be_read(reference: str) -> None:
    kept = stored("voice")[reference]
    out = read_out(kept)
    assert out.features == voice.FEATURES
    assert set(LABELS) < set(out.labels)
    assert kept["reference"] == reference and kept["believed"] > 0
    assert out.prior is not None and out.prior.sum() == pytest.approx(1, abs=1e-3)
    # Neutral is one label among others: a voice without any value is not called neutral.
    nothing = np.full(len(out.features), np.nan)
    shares = dict(zip(out.labels, np.exp(out.logits(nothing)), strict=True))
    assert shares["neutral"] / sum(shares.values()) < 0.5


def test_a_wild_value_counts_no_more_than_the_limit() -> None:
    out = read_out(stored("voice")["absolute"])
    row = out.centre.copy()
    row[0] += 1000
    assert voice.limited(row, out)[0] == pytest.approx(out.centre[0] + voice.LIMIT * out.scale[0])


def test_weights_are_small() -> None:
    assert len(json.dumps(stored("voice"))) < 200_000


# --- scores ---------------------------------------------------------------------------------


def test_recall_counts_each_label_the_same() -> None:
    truth, found = np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 0, 0])
    assert recall(truth, found) == 0.5
    low, high = interval(truth, found, np.array(["a", "a", "b", "b", "b"]))
    assert low <= 0.5 <= high


def test_calibration_and_errors_found() -> None:
    sure = np.array([0.9] * 10 + [0.5] * 10)
    right = np.array([True] * 9 + [False] + [True] * 5 + [False] * 5)
    assert ece(sure, right, bins=2) == pytest.approx(0, abs=1e-9)
    assert auroc(sure, right) > 0.6
    assert ece(np.full(10, 1.0), np.zeros(10, bool), bins=2) == pytest.approx(1.0)


def some() -> Voices:
    values = {"pitch_mean": 3.0, "hnr_db_mean": 9.0}
    return voices(
        [
            {"clip": clip, "variant": "clean", "seconds": 2.0, "values": values | more}
            for clip, more in (
                ("08a01Fd.wav", {}),
                ("08a01Na.wav", {"pitch_mean": 12.0}),
                ("08a02Na.wav", {"pitch_mean": 14.0}),
                ("03a01Na.wav", {}),
            )
        ]
    )


def test_names_of_recordings_tell_speaker_and_feeling() -> None:
    found = some()
    assert found.speakers.tolist() == ["08", "08", "08", "03"]
    assert [LABELS[k] for k in found.labels] == ["happiness", "neutral", "neutral", "neutral"]
    mean, count = found.neutral("08", "clean")
    assert mean[voice.FEATURES.index("pitch_mean")] == 13 and count == 2


def test_arrays_settle_as_single_utterances_do() -> None:
    found, neutral = some(), np.full(len(voice.FEATURES), 5.0)
    rows = table(found, How(0.1, believed=4.0), "relative", neutral)
    usual, count = found.neutral("08", "clean")
    one = voice.settled(
        {"pitch_mean": 3.0, "hnr_db_mean": 9.0},
        dict(zip(voice.FEATURES, usual, strict=True)),
        count,
        dict(zip(voice.FEATURES, neutral, strict=True)),
        believed=4.0,
    )
    for name, value in one.items():
        assert rows[0, voice.FEATURES.index(name)] == pytest.approx(value)
    # A neutral recording is read against the speaker's others, never against itself.
    assert found.neutral("08", "clean", but="08a01Na.wav")[1] == 1
    pitch = voice.FEATURES.index("pitch_mean")
    assert rows[1, pitch] == pytest.approx(12 - (14 - 5) * 1 / 5)
    assert rows[3, pitch] == pytest.approx(3), "03 has no other neutral speech"


def test_knowledge_says_that_anger_is_brighter_than_sadness() -> None:
    known = knowledge(voice.FEATURES, LABELS, 1.0)
    anger, sad = LABELS.index("anger"), LABELS.index("sadness")
    at = {name: voice.FEATURES.index(name) for name in ("tilt_db_mean", "hammarberg_db_mean")}
    assert known[anger, at["tilt_db_mean"]] > 0 > known[sad, at["tilt_db_mean"]]
    assert known[anger, at["hammarberg_db_mean"]] < 0 < known[sad, at["hammarberg_db_mean"]]
    assert not known[LABELS.index("boredom")].any()


# --- from the record to the labels ----------------------------------------------------------


def heard(*windows_: Window) -> Evidence:
    media = Media(
        file="a.wav", kind="audio", duration=9, fps=0, width=0, height=0, has_video=False,
        has_audio=True, sha256="0",
    )  # fmt: skip
    return Evidence(media=media, windows=windows_)


@pytest.mark.parametrize("known", [False, True])
def test_each_utterance_of_the_record_is_read(known: bool) -> None:
    """An utterance of plain anger, with and without an enrolment, beside one of plain sadness."""
    kept = stored("voice")["relative" if known else "absolute"]
    out = read_out(kept)
    spans = {"anger": (0.0, 2.0), "sadness": (3.0, 5.0)}
    found = []
    for label, (start, end) in spans.items():
        row = out.centre.copy()
        for _ in range(30):  # uphill in the share of the label
            shares = softmax(out.logits(row))
            row += out.scale * (out.weights[out.labels.index(label)] - shares @ out.weights)
        values = dict(zip(out.features, row.tolist(), strict=True))
        if known:
            # This speaker's usual is everybody's: nothing is to be taken off.
            own = {f"{n}{OWN}": v - kept["neutral"][n] for n, v in values.items()}
            values |= own | {OWN_UTTERANCES: 3.0}
        found.append(Window(person=None, sense="voice", start=start, end=end, values=values))
    moments = voice_moments(heard(*found), None)
    assert [(m.start, m.end) for m in moments] == list(spans.values())
    assert [next(iter(m.shares)) for m in moments] == list(spans)


def test_nothing_heard_is_not_read() -> None:
    assert voice_moments(heard(), None) == ()
