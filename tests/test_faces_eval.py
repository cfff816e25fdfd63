"""Measures of agreement: known answers, and a gold answer that passes its own grader."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.schema.evidence import Cue
from eval import agreement, au_intervals, faces


def test_agreement_of_known_series() -> None:
    truth = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert agreement.pcc(truth, 2 * truth + 1) == pytest.approx(1)
    assert agreement.icc31(truth, truth + 1) == pytest.approx(1)
    assert agreement.icc31(truth, 2 * truth) == pytest.approx(0.8)
    assert agreement.icc31(truth, truth[::-1]) == pytest.approx(-1)
    assert agreement.pcc(truth, np.zeros(5)) == 0
    assert np.isnan(agreement.pcc(np.zeros(5), truth))
    assert agreement.presence_f1(truth, np.array([1.0, 1, 0, 1, 1])) == pytest.approx(0.75)


def test_icc_of_the_worked_example() -> None:
    """Shrout & Fleiss 1979, table 2, judges 1 and 4: BMS 7.35, EMS 1.15 by hand."""
    first, second = np.array([9.0, 6, 8, 7, 10, 6]), np.array([8.0, 2, 6, 6, 9, 7])
    rows = (first + second) / 2
    between = 2 * ((rows - rows.mean()) ** 2).sum() / 5
    difference = first - second
    residual = ((difference - difference.mean()) ** 2).sum() / 2 / 5
    expected = (between - residual) / (between + residual)
    assert agreement.icc31(first, second) == pytest.approx(expected)


def test_samples_that_are_missing_do_not_count() -> None:
    truth = np.array([0.0, 1.0, 2.0, 3.0])
    assert agreement.pcc(truth, np.array([0.0, np.nan, 2.0, 3.0])) == pytest.approx(1)
    with pytest.raises(ValueError, match="unlike length"):
        agreement.pcc(truth, truth[:2])


def test_events_are_matched_one_to_one_nearest_first() -> None:
    assert agreement.match([1.0, 1.2], [1.19, 5.0], 0.25) == [(1, 0)]
    score = agreement.onsets([1.0, 3.0], [1.1, 1.2, 7.0])
    assert (score.hits, score.found, score.wanted) == (1, 3, 2)
    assert score.f1 == pytest.approx(0.4)
    assert np.isnan(agreement.onsets([], []).f1)


@given(st.lists(st.floats(0, 60), max_size=20), st.lists(st.floats(0, 60), max_size=20))
def test_no_event_is_matched_twice_or_too_far(truth: list[float], guess: list[float]) -> None:
    pairs = agreement.match(truth, guess, 0.25)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(abs(truth[i] - guess[j]) <= 0.25 for i, j in pairs)


def written(folder: Path) -> Path:
    """The truth of a clip of 4 s at 20 frames a second: a left-sided AU12 and a brief AU4."""
    times = np.arange(80) / 20
    smile = np.interp(times, [1, 1.5, 2, 2.5], [0, 3, 3, 0])
    frown = np.interp(times, [3.0, 3.1, 3.2, 3.4], [0, 2.5, 2.5, 0])
    frames = {"AU12_L": smile, "AU04_L": frown, "AU04_R": frown}
    record = {
        "fps": 20, "seconds": 4, "speech": False, "skin_tone": 0.3,
        "frames": {name: list(values) for name, values in frames.items()},
        "pose": {"yaw": [0.3] * 40 + [0.0] * 40, "pitch": [0.0] * 80, "roll": [0.0] * 80},
        "events": [
            {"au": 12, "side": "L", "onset": 1.0, "offset": 2.5, "group": None},
            {"au": 4, "side": "B", "onset": 3.0, "offset": 3.4, "group": "brief"},
        ],
    }  # fmt: skip
    with gzip.open(folder / "face_1.json.gz", "wt") as file:
        json.dump(record, file)
    return folder / "face_1.mp4"


def cue(code: str, side: str, start: float, brief: bool = False) -> Cue:
    return Cue(
        sense="face", person="P1", code=code, side=side, start=start, apex=start + 0.1,
        end=start + 0.3, intensity=3, text="", confidence=1, brief=brief,
    )  # fmt: skip


def columns(path: Path, gain: float) -> dict[str, np.ndarray]:
    """The truth itself times `gain`, as a sense would give it."""
    clip = faces.read(path, ({"time": np.zeros(1)}, []))
    found = {f"AU{n:02d}{end}": gain * v for n, v in clip.truth.items() for end in ("", "_rel")}
    return {"time": clip.times, **found}


def test_the_truth_passes_its_own_grader(tmp_path: Path) -> None:
    path = written(tmp_path)
    cues = [cue("AU12", "L", 1.05), cue("AU04", "B", 3.0, brief=True)]
    result = faces.report([faces.read(path, (columns(path, 1.0), cues))])
    assert result["mean"]["raw"] == pytest.approx({"pcc": 1, "icc": 1, "f1": 1})
    assert result["events"]["f1"] == 1
    assert result["brief"] == {"exist": 1, "found": 1, "marked": 1}
    assert result["sides"]["one_sided_accuracy"] == 1
    assert "AU12" in faces.table(result)
    json.dumps(result)


def test_what_is_wrong_lowers_the_measure_that_is_about_it(tmp_path: Path) -> None:
    path = written(tmp_path)
    cues = [cue("AU12", "B", 1.4), cue("AU12", "B", 1.1), cue("AU09", "B", 1.0)]
    result = faces.report([faces.read(path, (columns(path, 0.3), cues))])
    assert result["mean"]["raw"]["pcc"] == pytest.approx(1)
    assert result["mean"]["raw"]["icc"] < 0.7
    assert result["mean"]["raw"]["f1"] < 0.5
    assert result["sides"]["one_sided_accuracy"] == 0
    assert result["events"]["recall"] == 0.5 and result["events"]["precision"] == pytest.approx(
        1 / 3
    )
    assert result["brief"]["found"] == 0


def test_an_empty_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        faces.main([str(tmp_path)])
    assert str(tmp_path) in capsys.readouterr().err


def test_the_units_of_a_rendered_smile_are_held_against_their_truth(media: Path) -> None:
    path = media / "smile.mp4"
    result = faces.report([faces.read(path, found) for found in faces.sensed(["learned"])(path)])
    for unit in ("AU06", "AU12"):
        assert result["units"][unit]["relative"]["pcc"] > 0.9, unit
        assert result["units"][unit]["events"]["f1"] == 1, unit


def test_the_shortcut_stays_above_what_blendshapes_alone_reach(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clip with a smile and sneers; blendshapes alone: PCC 0.33 over all eight."""
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    path = shared / "media" / "rendered" / "face_102.mp4"
    result = faces.report([faces.read(path, found) for found in faces.sensed(["shortcut"])(path)])
    assert result["mean"]["relative"]["pcc"] > 0.5
    assert result["units"]["AU45"]["events"]["f1"] > 0.7


def test_intervals_hold_the_figure_and_pairing_narrows_them() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(0, 5, (12, 60, 4))
    hard = rng.uniform(0.2, 3, (12, 1, 1))  # people differ in how well they are read
    close = truth + hard * rng.normal(0, 1, truth.shape)
    far = close + 0.5 * rng.normal(0, 1, truth.shape)
    better, worse = (
        np.stack([au_intervals.sums(t, g) for t, g in zip(truth, guess, strict=True)])
        for guess in (close, far)
    )
    whole = au_intervals.figures(better)
    flat = truth.reshape(-1, 4), close.reshape(-1, 4)
    known = [agreement.pcc(flat[0][:, i], flat[1][:, i]) for i in range(4)]
    assert whole["pcc"].value == pytest.approx(np.mean(known))
    known = [agreement.presence_f1(flat[0][:, i], flat[1][:, i]) for i in range(4)]
    assert whole["f1"].value == pytest.approx(np.mean(known))
    assert whole["pcc"].low < whole["pcc"].value < whole["pcc"].high
    pair, apart = (way(better, worse)["pcc"] for way in (au_intervals.paired, au_intervals.gap))
    assert pair.value == pytest.approx(apart.value)
    assert pair.low > 0
    assert pair.high - pair.low < apart.high - apart.low


def test_the_table_of_parts_holds_two_estimators_against_each_other(tmp_path: Path) -> None:
    path = written(tmp_path)
    read = {
        name: [
            faces.read(path, (columns(path, scale), [])),
            faces.read(path, (columns(path, 1), [])),
        ]
        for name, scale in (("one", 1.0), ("other", 0.3))
    }
    lines = list(au_intervals.table(read))
    assert "more PCC, F1" in lines[0]
    turned = next(line for line in lines if line.startswith("| head turned"))
    assert "| 2 |" in turned


def test_both_sides_of_one_action_are_one_true_event_and_traces_are_none() -> None:
    def event(au: int, side: str, onset: float, intensity: float) -> dict[str, object]:
        return {"au": au, "side": side, "onset": onset, "intensity": intensity}

    told = [
        event(12, "L", 1.0, 3.0), event(12, "R", 1.05, 2.9),
        event(12, "L", 4.0, 3.0), event(12, "R", 4.02, 1.1),
        event(4, "L", 1.0, 2.0), event(17, "B", 2.0, 0.8),
    ]  # fmt: skip
    merged = {(e["au"], e["onset"]): e["side"] for e in faces._merged(told)}
    assert merged == {(12, 1.0): "B", (12, 4.0): "L", (4, 1.0): "L"}
