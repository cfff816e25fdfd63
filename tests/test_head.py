from __future__ import annotations

import gzip
import json
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import HAS_SHARED, MEDIA, SHARED

from agent.schema.samples import Columns, FaceSample, Floats, Frame
from agent.senses.faces import Faces
from agent.senses.faces.landmarks import BLENDSHAPE_POINTS
from agent.senses.faces.shape import STEADY, TYPICAL, turn
from agent.senses.head.cues import cues
from agent.senses.head.pose import COLUMNS, Head, angles


def turned(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Floats:
    """A mesh of the typical face: nose to the picture's right, up, head clockwise."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    mesh = np.zeros((468, 3), np.float32)
    mesh[STEADY] = 300 * TYPICAL @ (about_y @ about_x @ about_z).T + (400, 300, 0)
    return mesh


@pytest.mark.parametrize("pose", [(0, 0, 0), (20, 0, 0), (-35, 10, 0), (0, -15, 12), (25, 12, -20)])
def test_known_turns_of_the_head_are_read_back(pose: tuple[float, float, float]) -> None:
    assert angles(turn(turned(*pose))) == pytest.approx(pose, abs=0.1)


def test_signs_are_the_persons_own() -> None:
    nose, left_eye = list(STEADY).index(1), list(STEADY).index(263)
    raw = turned(yaw=20)[STEADY] - turned()[STEADY]
    assert raw[nose, 0] > 0, "turned to the own left, the nose moves to the picture's right"
    assert (turned(pitch=20)[STEADY] - turned()[STEADY])[nose, 1] < 0, "raised, it moves up"
    raw = turned(roll=20)[STEADY] - turned()[STEADY]
    assert raw[left_eye, 1] > 0, "leaning to the own left, the left eye sinks"


def table(seconds: float, rate: float = 30.0, **moving: object) -> Columns:
    """Columns of a head at rest, with some columns as functions of time."""
    times = np.arange(0, seconds, 1 / rate)
    columns: Columns = {name: np.zeros(len(times), np.float32) for name in COLUMNS}
    columns["time"] = times
    columns["quality"] = np.ones(len(times), np.float32)
    noise = np.random.default_rng(0).normal(0, 0.3, len(times))
    for name, curve in moving.items():
        columns[name] = (curve(times) + noise).astype(np.float32)  # type: ignore[operator]
    return columns


def bump(at: float, wide: float, high: float):  # type: ignore[no-untyped-def]
    return lambda t: high * np.exp(-(((t - at) / wide) ** 2))


def codes(columns: Columns) -> list[str]:
    return [cue.code for cue in cues("P1", columns) if cue.code != "blink_rate"]


def test_a_head_at_rest_does_nothing() -> None:
    assert codes(table(8, pose_yaw=np.zeros_like, pose_pitch=np.zeros_like)) == []


def test_a_nod_is_found_when_it_happens() -> None:
    columns = table(6, pose_pitch=bump(3.0, 0.2, -9))
    (nod,) = [cue for cue in cues("P1", columns) if cue.code == "nod"]
    assert nod.text == "nods once"
    assert nod.start == pytest.approx(2.7, abs=0.25)
    assert nod.apex == pytest.approx(3.0, abs=0.1)
    assert nod.end == pytest.approx(3.3, abs=0.25)
    assert nod.value == pytest.approx(9, abs=1.5)


def test_three_nods_are_one_cue_that_counts_them() -> None:
    def three(t: Floats) -> Floats:
        return np.where((t > 2) & (t < 3.5), -4 * (1 - np.cos(4 * np.pi * (t - 2))), 0)

    (nod,) = [cue for cue in cues("P1", table(6, pose_pitch=three)) if cue.code == "nod"]
    assert nod.text == "nods 3 times"


def test_a_shake_is_no_nod_and_a_look_aside_is_no_shake() -> None:
    def shake(t: Floats) -> Floats:
        return np.where((t > 2) & (t < 3.5), 8 * np.sin(4 * np.pi * (t - 2)), 0)

    assert codes(table(6, pose_yaw=shake)) == ["shake"]
    assert "shake" not in codes(table(6, pose_yaw=bump(3, 0.3, 25)))


def test_slow_sway_is_neither() -> None:
    found = codes(table(12, pose_pitch=lambda t: 5 * np.sin(2 * np.pi * t / 6)))
    assert "nod" not in found


@pytest.mark.parametrize(
    ("column", "high", "code", "words"),
    [
        ("pose_yaw", 30, "turn", "their own left"),
        ("pose_yaw", -30, "turn", "their own right"),
        ("pose_pitch", -20, "head_down", "lowers"),
        ("pose_roll", 15, "tilt", "their own left"),
        ("gaze_yaw", -25, "gaze_away", "their own right"),
        ("gaze_pitch", -20, "gaze_down", "looks down"),
    ],
)
def test_holds_are_told_with_direction_and_time(
    column: str, high: float, code: str, words: str
) -> None:
    columns = table(10, **{column: lambda t: np.where((t > 6) & (t < 7.5), high, 0)})
    (cue,) = [cue for cue in cues("P1", columns) if cue.code == code]
    assert words in cue.text
    assert (cue.start, cue.end) == pytest.approx((6, 7.5), abs=0.2)
    assert cue.relative is not None
    assert np.sign(cue.relative) == np.sign(high)


def test_eyes_that_the_head_carries_are_told_once() -> None:
    def aside(t: Floats) -> Floats:
        return np.where((t > 6) & (t < 7.5), 30.0, 0)

    assert codes(table(10, pose_yaw=aside, gaze_yaw=aside)) == ["turn"]


def test_blinks_are_counted_per_minute() -> None:
    blinks = (2.0, 5.0, 9.0, 14.0, 17.0)
    (rate,) = [c for c in cues("P1", table(20), blinks) if c.code == "blink_rate"]
    assert rate.value == pytest.approx(15, abs=0.2)
    assert rate.text == "blinks 15 times a minute (5 in 20 s)"
    slow = [c for c in cues("P1", table(20, rate=8), blinks) if c.code == "blink_rate"]
    assert slow == [], "eight pictures a second cannot show blinks"
    assert "blink_rate" not in {c.code for c in cues("P1", table(20))}, "nobody looked for blinks"


def test_slower_sampling_lowers_confidence() -> None:
    fast, slow = (
        next(c for c in cues("P1", table(6, rate, pose_pitch=bump(3, 0.25, -9))) if c.code == "nod")
        for rate in (30, 10)
    )
    assert slow.confidence < fast.confidence


def test_a_gap_in_the_samples_is_no_movement() -> None:
    columns = table(10, pose_yaw=lambda t: np.where(t > 5, 12.0, 0.0))
    kept = (columns["time"] < 4) | (columns["time"] > 6)
    assert codes({name: values[kept] for name, values in columns.items()}) == []


def test_rows_of_all_tracks_of_a_person_come_in_order_of_time() -> None:
    head = Head()
    image = np.zeros((600, 800, 3), np.uint8)
    for track, index in ((0, 0), (0, 1), (7, 30), (7, 31)):
        frame = Frame(index, index / 30, image)
        head.push(FaceSample(frame, track, (1, 2, 3, 4), turned(yaw=index), None, 1.0, 0.5))
    columns, _ = head.finish({"P1": (7, 0), "P2": ()})
    assert columns["P1"]["frame"].tolist() == [0, 1, 30, 31]
    assert columns["P1"]["pose_yaw"] == pytest.approx([0, 1, 30, 31], abs=0.2)
    assert np.isnan(columns["P1"]["gaze_yaw"]).all(), "no irises, no gaze"
    assert len(columns["P2"]["time"]) == 0


@pytest.mark.parametrize(
    ("clip", "up"),
    [
        (MEDIA / "turns.mp4", 1),
        # made when the renderer counted pitch the other way
        *([(SHARED / "media/rendered/face_103.mp4", -1)] if HAS_SHARED else []),
    ],
)
def test_the_pose_of_a_rendered_head_is_measured(
    clip: Path, up: int, model_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCHENNE_ASSETS", str(model_files))
    truth = json.loads(gzip.decompress(clip.with_suffix(".json.gz").read_bytes()))["pose"]
    faces, head = Faces(), Head()
    with av.open(str(clip)) as opened:
        for index, picture in enumerate(opened.decode(video=0)):
            if index % 3 == 0:
                frame = Frame(index, float(picture.time), picture.to_ndarray(format="rgb24"))
                for sample in faces.push(frame):
                    head.push(sample)
    columns, _ = head.finish(faces.finish().tracks)
    rows = columns["P1"]
    # The renderer counts roll to the other side.
    for axis, sign, least in (("yaw", 1, 0.99), ("pitch", up, 0.85), ("roll", -1, 0.9)):
        true = sign * np.degrees(truth[axis])[rows["frame"]]
        measured = rows[f"pose_{axis}"]
        assert np.corrcoef(true, measured)[0, 1] > least, axis
        assert np.abs(true - measured).mean() < 5, axis
    if faces.models.without is None:  # irises come with the mesh of 478 points
        assert np.isfinite(rows["gaze_yaw"]).mean() > 0.9


def test_the_blendshape_network_gets_146_different_points() -> None:
    assert len(set(BLENDSHAPE_POINTS.tolist())) == 146
