"""The fitted reading: additive, exact, and right about what is plain."""

from __future__ import annotations

import numpy as np
import pytest

from agent.facs.prototypes import BASIC
from agent.reading.additive import ReadOut, ReadOutError, read_out, softmax
from agent.reading.features import face_features
from agent.reading.held_out import is_held_out
from agent.reading.judge import judge
from agent.reading.knowledge import RARE, of_levels, tables
from agent.reading.model import face_moments, face_read_out, favours
from agent.reading.reasons import support
from agent.reading.version import KNOWLEDGE, SETTING
from agent.schema.evidence import Cue, Evidence, Media, Person, Window, number
from finetune.reading.fit import fit
from finetune.reading.tables import drawn

CALM = {"AU12": 0.0, "AU06": 0.0, "AU04": 0.1, "AU25": 0.1, "eyes_open": 0.3, "pitch_deg": 0.0}


def record(*values: dict[str, float], seconds: float = 0.5, cues: tuple[Cue, ...] = ()) -> Evidence:
    """A clip of one face, window by window."""
    length = seconds * len(values)
    media = Media(
        file="c.mp4", kind="video", duration=length, fps=30, width=640, height=360,
        has_video=True, has_audio=False, sha256="0" * 64,
    )  # fmt: skip
    person = Person(id="P1", main=True, start=0.0, end=length, share=1.0, size=0.3)
    windows = tuple(
        Window(
            person="P1", sense="face", start=i * seconds, end=(i + 1) * seconds,
            values=CALM | each, quality=0.9,
        )
        for i, each in enumerate(values)
    )  # fmt: skip
    return Evidence(media=media, people=(person,), windows=windows, cues=number(cues))


def smile(start: float, end: float) -> Cue:
    return Cue(
        sense="face", person="P1", code="AU12", side="B", start=start, apex=(start + end) / 2,
        end=end, intensity=3.0, grade="C", relative=3.0, text="lip corners pulled up",
        confidence=0.8,
    )  # fmt: skip


SMILING = {"AU12": 3.5, "AU06": 2.5, "AU25": 2.5}


def test_contributions_and_bias_sum_to_the_logits() -> None:
    out = face_read_out(impression=False)
    row = out.row(face_features(CALM | SMILING))
    parts = out.contributions(row).sum(-1) + out.bias / out.temperature
    assert np.allclose(parts, out.logits(row))


def test_what_was_not_measured_adds_nothing() -> None:
    out = face_read_out(impression=False)
    empty = out.logits(np.full(len(out.features), np.nan))
    assert np.allclose(empty, out.bias / out.temperature)


def test_a_broad_smile_is_read_as_happiness() -> None:
    found = judge(record(*[SMILING] * 4, cues=(smile(0.0, 2.0),)))
    assert max(found.shares, key=lambda k: found.shares[k]) == "happiness"
    assert found.shares["happiness"] > 0.6


def test_its_reason_is_the_smile_and_has_a_cue() -> None:
    found = judge(record(*[SMILING] * 4, cues=(smile(0.0, 2.0),)))
    assert support(found, "happiness")["AU12"] == ("A1",)


def test_a_still_face_is_not_read_as_a_feeling() -> None:
    found = judge(record({}, {}, {}, {}))
    assert max(found.shares, key=lambda k: found.shares[k]) == "neutral"


def test_looping_a_clip_does_not_change_the_shares() -> None:
    once = [{}, SMILING, {}, {"AU04": 2.0}]
    one, many = judge(record(*once)), judge(record(*once * 5))
    for label in BASIC:
        assert one.shares[label] == pytest.approx(many.shares[label], abs=0.05)


def test_who_smiles_throughout_is_not_taken_for_resting() -> None:
    moments = face_moments(record(*[SMILING] * 12), "P1")
    assert all(m.shares["happiness"] > 0.5 for m in moments)


def test_knowledge_stays_selectable(monkeypatch: pytest.MonkeyPatch) -> None:
    same = record(SMILING, SMILING)
    fitted = judge(same)
    monkeypatch.setenv(SETTING, KNOWLEDGE)
    known = judge(same)
    assert fitted.reasons
    assert not known.reasons


def test_a_rival_counts_as_it_is_likely() -> None:
    logits = np.full(len(BASIC), -9.0)
    logits[BASIC.index("fear")] = logits[BASIC.index("surprise")] = 1.0
    part = np.zeros(len(BASIC))
    part[BASIC.index("fear")] = part[BASIC.index("surprise")] = 2.0
    assert favours({"AU05": part}, logits, "fear")["AU05"] == pytest.approx(0.0, abs=1e-3)


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ReadOutError, match="not a read-out"):
        read_out({"labels": ["a"], "features": ["x"]})
    with pytest.raises(ReadOutError, match="shape"):
        ReadOut(("a",), ("x",), np.zeros(1), np.ones(1), np.zeros((2, 1)), np.zeros(1))


def test_softmax_sums_to_one_for_large_numbers() -> None:
    assert softmax(np.array([1000.0, 999.0])).sum() == pytest.approx(1.0)


def test_a_fifth_is_held_out_for_ever() -> None:
    names = [f"picture_{n}.jpg" for n in range(2000)]
    share = sum(map(is_held_out, names)) / len(names)
    assert 0.17 < share < 0.23
    assert is_held_out(names[0]) == is_held_out(names[0])


@pytest.mark.parametrize(
    ("units", "label"),
    [
        ((4, 7, 23, 24), "anger"), ((1, 4, 15, 17), "sadness"), ((9, 10, 17), "disgust"),
        ((1, 2, 4, 5, 20, 25), "fear"), ((1, 2, 5, 26), "surprise"), ((6, 12, 25), "happiness"),
        ((14,), "contempt"), ((), "neutral"),
    ],
)  # fmt: skip
def test_units_coded_by_an_expert_are_read_by_the_tables(
    units: tuple[int, ...], label: str
) -> None:
    levels = dict.fromkeys(tables().features, 0.0) | {f"AU{unit:02d}": 2.5 for unit in units}
    logits, parts = of_levels(levels)
    assert BASIC[int(logits.argmax())] == label
    before = np.array([RARE if name == "contempt" else 0.0 for name in BASIC])
    assert np.allclose(logits, before + tables().bias + sum(parts.values()), atol=1e-6)


def test_the_tables_as_shipped_are_those_that_are_drawn() -> None:
    """Fewer expressions give nearly the same weights: nothing in the file was set by hand."""
    codes = tables().features
    rows, targets = drawn(codes, 2_000, seed=1)
    anew = fit(
        rows * 2.0, targets, np.ones(len(rows)), labels=BASIC, features=codes, penalty=1e-3,
        scale=np.full(len(codes), 2.0),
    )  # fmt: skip
    assert np.corrcoef(anew.weights.ravel(), tables().weights.ravel())[0, 1] > 0.97


def test_strong_units_are_read_though_the_picture_looks_calm() -> None:
    """A measured unit that pictures on the web hardly ever show counts as the tables say."""
    for units, label in (((4, 7, 23, 24), "anger"), ((1, 4, 15, 17), "sadness")):
        shown = CALM | {f"AU{unit:02d}": 3.0 for unit in units}
        (moment,) = face_moments(record(shown, seconds=0.0), "P1")
        assert next(iter(moment.shares)) == label
