"""From face samples to cues: baselines, sides, words, real faces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from agent.facs import units as facs
from agent.schema.evidence import Cue
from agent.schema.samples import Columns, FaceSample, Floats, Frame, Rows
from agent.senses.units import baseline
from agent.senses.units import cues as au_words
from agent.senses.units.action_units import ActionUnits, Knowledge, estimator
from agent.senses.units.events import Event

BLANK = np.zeros((1, 1, 3), np.uint8)
FPS = 30.0


class Plain:
    """Reads AU04, AU12_L and AU12_R straight from the first three blendshapes."""

    version = "plain"
    knowledge = {12: Knowledge(0.9, 0.5), 4: Knowledge(0.5, 2.0)}  # noqa: RUF012

    def observe(self, sample: FaceSample) -> Floats:
        assert sample.blendshapes is not None
        return sample.blendshapes[:3]

    def absolute(self, rows: Rows) -> Columns:  # noqa: ARG002
        return {}

    def intensities(self, times: Floats, rows: Rows) -> Columns:
        assert len(times) == len(rows)
        return dict(zip(("AU04", "AU12_L", "AU12_R"), rows[:].T, strict=True))


def samples(
    values: np.ndarray, quality: np.ndarray | None = None, start: float = 0.0, track: int = 0
) -> Iterator[FaceSample]:
    """Rows of (brow, left corner, right corner) as samples at FPS."""
    for i, row in enumerate(values):
        yield FaceSample(
            Frame(i, start + i / FPS, BLANK),
            track,
            (0, 0, 1, 1),
            np.zeros((468, 3), np.float32),
            row.astype(np.float32),
            1.0,
            1.0 if quality is None else float(quality[i]),
        )


def smile(seconds: float, onset: float = 2.0, rest: float = 0.0, peak: float = 3.0) -> np.ndarray:
    times = np.arange(int(seconds * FPS)) / FPS
    mouth = rest + np.interp(times, [onset, onset + 0.5, onset + 1.5, onset + 2], [0, 1, 1, 0]) * (
        peak - rest
    )
    return np.stack([np.zeros_like(times), mouth, mouth], axis=1)


def finished(unit: ActionUnits, *parts: Iterator[FaceSample]):
    for part in parts:
        for sample in part:
            unit.push(sample)
    return unit.finish({"P1": [0, 1]})


def only(cues: Sequence[Cue], code: str) -> Cue:
    (cue,) = [cue for cue in cues if cue.code == code]
    return cue


def test_a_smile_becomes_one_cue_in_plain_words() -> None:
    series, cues, missing = finished(ActionUnits(Plain()), samples(smile(6)))
    cue = only(cues, "AU12")
    assert cue.text == "lip corners pulled up on both sides, marked (AU12C)"
    assert (cue.sense, cue.side, cue.grade, cue.brief) == ("face", "B", "C", False)
    assert cue.start == pytest.approx(2.0, abs=0.15) and cue.end == pytest.approx(4.0, abs=0.15)
    assert cue.relative == pytest.approx(3.0, abs=0.1)
    assert missing == []
    assert {"time", "frame", "quality", "AU12", "AU12_L", "AU12_rel"} <= set(series["P1"])
    assert {len(column) for column in series["P1"].values()} == {180}


def test_a_face_that_rests_with_low_brows_is_not_frowning() -> None:
    values = smile(6)
    values[:, 0] = 1.8
    unit = ActionUnits(Plain())
    series, cues, _ = finished(unit, samples(values))
    assert [cue.code for cue in cues] == ["AU12"]
    assert abs(np.median(series["P1"]["AU04_rel"])) < 0.05
    assert unit.baselines == {"P1": "clip"}


def test_someone_who_smiles_all_the_time_is_not_taken_for_neutral() -> None:
    values = np.tile([0.0, 3.0, 3.0], (150, 1)) + np.random.default_rng(0).normal(0, 0.05, (150, 3))
    _, cues, _ = finished(ActionUnits(Plain()), samples(values))
    cue = only(cues, "AU12")
    assert cue.relative == pytest.approx(2.5, abs=0.2)
    assert "all the time" in cue.text


def test_enrolment_tells_what_the_clip_cannot() -> None:
    held = np.tile([1.8, 2.0, 2.0], (90, 1))
    enrolment = ActionUnits(Plain())
    for sample in samples(np.tile([0.2, 0.1, 0.1], (60, 1))):
        enrolment.push(sample)
    unit = ActionUnits(Plain(), {"*": enrolment.enrol()})
    _, cues, _ = finished(unit, samples(held))
    assert unit.baselines == {"P1": "enrolment"}
    assert only(cues, "AU04").relative == pytest.approx(1.6, abs=0.1)
    assert only(cues, "AU12").relative == pytest.approx(1.9, abs=0.1)
    _, cues, _ = finished(ActionUnits(Plain()), samples(held))
    assert "AU04" not in {cue.code for cue in cues}


def test_the_same_rows_in_two_tracks_give_the_same_evidence() -> None:
    values = smile(6)
    whole = finished(ActionUnits(Plain()), samples(values))
    parts = finished(
        ActionUnits(Plain()), samples(values[75:], start=75 / FPS, track=1), samples(values[:75])
    )
    assert parts[1] == whole[1]
    assert np.allclose(parts[0]["P1"]["AU12_rel"], whole[0]["P1"]["AU12_rel"])


def test_samples_of_poor_quality_are_neither_rest_nor_event() -> None:
    values, quality = smile(6), np.ones(180)
    values[20:30], quality[20:30] = 5.0, 0.05
    series, cues, _ = finished(ActionUnits(Plain()), samples(values, quality))
    assert np.isnan(series["P1"]["AU12"][20:30]).all()
    assert [cue.code for cue in cues] == ["AU12"]


def test_poor_pictures_and_few_samples_lower_the_confidence() -> None:
    good = only(finished(ActionUnits(Plain()), samples(smile(6)))[1], "AU12")
    poor = only(finished(ActionUnits(Plain()), samples(smile(6), np.full(180, 0.4)))[1], "AU12")
    sparse = ActionUnits(Plain())
    for sample in list(samples(smile(6)))[::20]:
        sparse.push(sample)
    rare = only(sparse.finish({"P1": [0]})[1], "AU12")
    assert poor.confidence < 0.8 * good.confidence
    assert rare.confidence < 0.95 * good.confidence


def test_eyes_kept_shut_are_in_cue_and_series() -> None:
    class Lids(Plain):
        def intensities(self, times: Floats, rows: Rows) -> Columns:
            assert len(times) == len(rows)
            return {"AU45_L": rows[:][:, 1], "AU45_R": rows[:][:, 2]}

    series, cues, _ = finished(ActionUnits(Lids()), samples(smile(6, peak=4.5)))
    (cue,) = cues
    assert cue.code == "AU43" and cue.text == "eyes closed (AU43), for 1.5 s"
    assert series["P1"]["AU43"].max() > 4 and series["P1"]["AU45"].max() < 1


def test_an_estimator_that_doubts_itself_is_believed_less() -> None:
    class Doubting(Plain):
        def intensities(self, times: Floats, rows: Rows) -> Columns:
            spread = {"AU12_sd": np.full(len(rows), 1.5, np.float32)}
            return super().intensities(times, rows) | spread

    sure = only(finished(ActionUnits(Plain()), samples(smile(6)))[1], "AU12")
    doubting = only(finished(ActionUnits(Doubting()), samples(smile(6)))[1], "AU12")
    assert doubting.confidence < 0.9 * sure.confidence
    assert doubting.intensity == sure.intensity


def test_a_brief_one_sided_event_says_what_the_frame_rate_allows() -> None:
    values = smile(6)
    values[:, 1:] = 0
    values[60:66, 2] = [0.8, 2.2, 3.0, 3.0, 2.0, 0.8]
    cue = only(finished(ActionUnits(Plain()), samples(values))[1], "AU12")
    assert cue.brief and cue.side == "R"
    assert "person's right only" in cue.text
    assert "possible micro-expression" in cue.text and "samples at 30 a second" in cue.text


def test_a_picture_is_read_without_a_baseline() -> None:
    unit = ActionUnits(Plain())
    series, cues, missing = finished(unit, samples(smile(6)[80:81]))
    cue = only(cues, "AU12")
    assert (cue.start, cue.apex, cue.end) == (0, 0, 0)
    assert cue.relative is None and "without a baseline" in cue.text
    assert np.isnan(series["P1"]["AU12_rel"]).all()
    assert unit.baselines == {"P1": "none"}
    assert [gap.what for gap in missing] == ["baseline"]


def test_calm_moments_are_the_same_however_long_the_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    times = np.arange(400) / 30
    rows = np.abs(rng.normal(0, 1, (400, 5))).astype(np.float32)
    rows[100:160] *= 0.1
    good = rng.random(400) > 0.1
    whole = baseline.calm(times, rows, good)
    assert whole[110:150][good[110:150]].all(), "the quiet stretch is the calm one"
    for size in (7, 64, 359, 361):
        monkeypatch.setattr(baseline, "BLOCK", size)
        assert np.array_equal(baseline.calm(times, rows, good), whole), size


def test_what_is_missing_of_several_people_is_said_once() -> None:
    unit = ActionUnits(Plain())
    for track in range(3):
        for sample in samples(smile(6)[80:81], track=track):
            unit.push(sample)
    (gap,) = unit.finish({"P1": [0], "P2": [1], "P3": [2]})[2]
    assert gap.why.startswith("P1, P2, P3: a single picture")


def test_flicker_is_no_cue_and_a_storm_of_cues_is_cut_and_said() -> None:
    noise = np.random.default_rng(3)
    calm = np.clip(noise.normal(0.2, 0.2, (900, 3)), 0, None)
    assert finished(ActionUnits(Plain()), samples(calm))[1] == []
    storm = np.tile(smile(2, onset=0.2, peak=2.0)[:30], (60, 1))
    _, cues, missing = finished(ActionUnits(Plain()), samples(storm))
    assert len(cues) < 30
    assert any("AU12" in gap.what and "left out" in gap.why for gap in missing)


class Lids(Plain):
    """As `Plain`, its mouth taken for eyelids."""

    def intensities(self, times: Floats, rows: Rows) -> Columns:
        mouth = super().intensities(times, rows)
        return {"AU45_L": mouth["AU12_L"], "AU45_R": mouth["AU12_R"]}


def test_every_blink_is_counted_and_has_a_cue() -> None:
    times = np.arange(int(64 * FPS)) / FPS
    shut = 4.0 * (times % 1.0 < 0.15)
    unit = ActionUnits(Lids())
    _, cues, missing = finished(unit, samples(np.stack([0 * shut, shut, shut], axis=1)))
    assert sum(cue.code == "AU45" for cue in cues) == len(unit.blinks["P1"])
    assert not any(gap.what == "events of AU45" for gap in missing)
    assert len(unit.blinks["P1"]) == pytest.approx(64, abs=2)


def test_nobody_is_nobody() -> None:
    assert ActionUnits(Plain()).finish({"P1": []}) == ({}, [], [])


def test_unknown_estimators_are_named() -> None:
    with pytest.raises(ValueError, match="'openface'"):
        estimator("openface")


# Real faces


def seen(picture: Path) -> FaceSample:
    import cv2

    from agent.senses.faces import face_in

    found = face_in(cv2.imread(str(picture))[:, :, ::-1].copy())
    assert found is not None
    return found


def face(shared: Path, monkeypatch: pytest.MonkeyPatch, picture: str) -> FaceSample:
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    return seen(shared / "media" / "image" / picture)


def turned(sample: FaceSample, yaw: float, roll: float, zoom: float) -> FaceSample:
    """The same face held otherwise, its mesh turned in depth, scaled and moved."""
    c, s, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    turn = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ np.array(
        [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    )
    mesh = (sample.mesh @ turn.T * zoom + [40, -30, 5]).astype(np.float32)
    return dataclasses.replace(sample, mesh=mesh)


def test_head_pose_is_out_of_the_geometry(media: Path) -> None:
    sample = seen(media / "ann_smile.jpg")
    reader = estimator("shortcut")
    straight = reader.observe(sample)  # no number where there are no blendshapes
    assert np.isfinite(straight).any()
    for yaw, roll, zoom in ((0.4, 0.0, 1.0), (-0.3, 0.5, 0.5), (0.0, -0.7, 3.0)):
        assert np.allclose(
            straight, reader.observe(turned(sample, yaw, roll, zoom)), atol=0.02, equal_nan=True
        )


def test_every_measured_unit_has_its_columns(media: Path) -> None:
    sample = seen(media / "ann_smile.jpg")
    reader = estimator("shortcut")
    bare = dataclasses.replace(sample, mesh=sample.mesh[:468], blendshapes=None)
    for one in (sample, bare):
        rows = np.stack([reader.observe(one)] * 3)
        columns = reader.intensities(np.arange(3, dtype=np.float32) / 30, rows)
        for number in facs.MEASURED:
            unit = facs.AUS[number]
            for name in [f"{unit.code}_L", f"{unit.code}_R"] if unit.sided else [unit.code]:
                assert np.isfinite(columns[name]).all()
                assert (columns[name] >= 0).all() and (columns[name] <= 5).all()


def test_geometry_reads_known_muscles_on_the_right_side(shared: Path) -> None:
    """A head moved one muscle at a time, in a person the read-out was not made from."""
    from agent.senses.units import geometric as shortcut
    from finetune import mesh_readout

    head = np.load(shared / "models" / "ict_face.npz")
    readout = shortcut._readout()
    mean = np.load(Path(shortcut.__file__).with_name("geometric.npz"))["reference"]
    points = mesh_readout.correspondence(
        mean.astype(np.float64), head["neutral"], head["landmarks68"]
    )[list(shortcut.POINTS)]
    names, shapes, _ = mesh_readout.muscles(head, points)
    identity = np.random.default_rng(99).normal(0, 0.8, 100)
    rest = (head["neutral"] + np.tensordot(identity, head["identities"], 1))[points]
    rest = (rest / mesh_readout._scale(head, points)).astype(np.float32)

    def read(face: Floats) -> Floats:
        return shortcut.aligned(face[None]).reshape(-1) @ readout.weights

    for name in ("AU01_L", "AU02_R", "AU04_L", "AU09_R", "AU12_L", "AU12_R", "AU26", "AU34_L"):
        moved = rest + shapes[names.index(name)].astype(np.float32)
        found = dict(zip(readout.names, read(moved) - read(rest), strict=True))
        assert found[name] > 1.5, (name, found)
        if name[-2] == "_":
            other = name[:-1] + ("R" if name[-1] == "L" else "L")
            assert found[name] > found[other] + 0.5


def test_a_smiling_picture_has_its_smile_at_time_zero(media: Path) -> None:
    unit = ActionUnits(estimator("learned"))
    unit.push(seen(media / "ann_smile.jpg"))
    _, cues, _ = unit.finish({"P1": [0]})
    cue = only(cues, "AU12")
    assert cue.start == cue.end == 0 and cue.grade in ("C", "D", "E")


@pytest.mark.parametrize("picture", ["faceapi_happy.jpg", "pyfeat_single_face.jpg"])
def test_a_laughing_picture_has_its_smile_at_time_zero(
    shared: Path, monkeypatch: pytest.MonkeyPatch, picture: str
) -> None:
    unit = ActionUnits(estimator("shortcut"))
    unit.push(face(shared, monkeypatch, picture))
    _, cues, _ = unit.finish({"P1": [0]})
    cue = only(cues, "AU12")
    assert cue.start == cue.end == 0 and cue.grade in ("C", "D", "E")


@pytest.mark.parametrize("points", [478, 468])
def test_the_smile_of_the_clip_begins_when_it_is_seen_to_begin(
    shared: Path, monkeypatch: pytest.MonkeyPatch, points: int
) -> None:
    """Looked at frame by frame: corners start to move at 0.57-0.60 s, lids shut 0.87-0.93 s."""
    _, cues = watched(shared, monkeypatch, "pyfeat_single_face.mp4", points)
    smiling, blink = only(cues, "AU12"), only(cues, "AU45")
    assert abs(smiling.start - 0.58) < 0.3 and smiling.end > 2.2
    assert smiling.side == "B" and smiling.intensity is not None and smiling.intensity > 3
    assert 0.8 < blink.apex < 1.0
    assert only(cues, "AU06").start == pytest.approx(0.6, abs=0.2)
    assert (smiling.confidence > 0.7) == (points == 478)


@pytest.mark.parametrize("points", [478, 468])
def test_a_smile_from_the_first_frame_to_the_last_is_seen(
    shared: Path, monkeypatch: pytest.MonkeyPatch, points: int
) -> None:
    _, cues = watched(shared, monkeypatch, "liveportrait_s29_smile.mp4", points)
    cue = only(cues, "AU12")
    assert cue.start < 0.1 and cue.end > 5 and cue.grade in ("C", "D")


def test_a_neutral_face_under_a_moving_camera_only_blinks(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cues = watched(shared, monkeypatch, "liveportrait_s18_neutral.mp4", 478)
    assert {cue.code for cue in cues} == {"AU45"}


def watched(
    shared: Path, monkeypatch: pytest.MonkeyPatch, clip: str, points: int
) -> tuple[Columns, list[Cue]]:
    """A clip's main face, with blendshapes (478) or without (468)."""
    from agent import media
    from agent.senses.faces import face_in, models

    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    bundle = models.load()
    unit, before = ActionUnits(estimator("shortcut")), None
    for frame in media.stream(shared / "media" / "video" / clip, audio=False, max_side=640):
        assert isinstance(frame, Frame)
        found = face_in(frame.image, before, bundle)
        assert found is not None
        before = found.mesh
        shapes = found.blendshapes if points == 478 else None
        mesh = found.mesh[:points]
        unit.push(dataclasses.replace(found, frame=frame, mesh=mesh, blendshapes=shapes))
    series, cues, _ = unit.finish({"P1": [0]})
    return series["P1"], cues


@pytest.mark.parametrize(("pace", "spoken"), [(0.0, False), (4.0, True)])
def test_a_brief_smile_or_brow_raise_amid_speech_is_not_called_a_micro_expression(
    pace: float, spoken: bool
) -> None:
    times = np.arange(180) / 30
    mouth = (1.2 * np.sin(2 * np.pi * pace * times) ** 2).astype(np.float32)
    columns: Columns = {"time": times, "AU25": mouth, "AU26": mouth}
    for au, told in ((12, not spoken), (1, not spoken), (9, True)):
        event = Event(au, "B", 3.0, 3.1, 3.3, 2.0, 0.1, 0.0, 0.3, 9, True, True)
        text = au_words.describe(event, 30.0, au_words.talking(event, columns))
        assert ("micro-expression" in text) == told
        assert ("as in speech" in text) == (not told)
