"""The learned estimator on rendered and on real faces: what it reads, and what it must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agent import media as clips
from agent.assets.resolve import AssetError
from agent.schema.samples import Columns, FaceSample, Floats, Frame
from agent.senses.faces import face_in
from agent.senses.faces.models import Models, load
from agent.senses.units import learned, series
from agent.senses.units import steady as au_steady
from agent.senses.units.action_units import ActionUnits, estimator
from agent.senses.units.face_frame import MeanFace
from agent.senses.units.learned import WEIGHTS, Learned

EXAMPLE = Path(__file__).parents[1] / "docs" / "example" / "example.mp4"


@pytest.fixture(scope="module")
def models() -> Models:
    try:
        return load(bundle=False)
    except AssetError as error:
        pytest.skip(f"no face mesh here: {error}")


@pytest.fixture(scope="module")
def reader() -> Learned:
    return Learned()


def samples(path: Path, models: Models, every: int = 1) -> list[FaceSample]:
    """The face of each picture, followed through the clip."""
    seen: list[FaceSample] = []
    mesh: Floats | None = None
    for frame in clips.stream(path, audio=False):
        if isinstance(frame, Frame) and frame.index % every == 0:
            face = face_in(frame.image, previous=mesh, models=models)
            if face is not None:
                mesh = face.mesh
                seen.append(replace(face, frame=frame))
    return seen


def read(reader: Learned, faces: list[FaceSample]) -> Columns:
    rows = np.stack([reader.observe(face) for face in faces])
    times = np.array([face.frame.time for face in faces], np.float32)
    return {"time": times} | reader.intensities(times, rows)


def between(columns: Columns, code: str, start: float, end: float) -> float:
    inside = (columns["time"] >= start) & (columns["time"] <= end)
    return float(columns[code][inside].astype(np.float64).mean())


@pytest.fixture(scope="module")
def example(reader: Learned, models: Models) -> Columns:
    return read(reader, samples(EXAMPLE, models))


def test_the_example_smiles_and_then_frowns(example: Columns) -> None:
    assert between(example, "AU12", 2.5, 4.3) > 2
    assert between(example, "AU06", 2.5, 4.3) > 0.7
    assert between(example, "AU04", 6.3, 7.5) > 1.5
    for code in ("AU12", "AU04", "AU06", "AU09"):
        assert between(example, code, 0.1, 1.5) < 0.7, code
    assert between(example, "AU12", 6.3, 7.5) < 1


def test_all_columns_are_there_and_within_bounds(example: Columns) -> None:
    from agent.facs.units import AUS, MEASURED

    for number in MEASURED:
        code = AUS[number].code
        if number == 43:  # told from blinks by its length, later
            continue
        values = example[code].astype(np.float64)
        assert np.isfinite(values).all(), code
        assert values.min() >= 0, code
        assert values.max() <= 5, code
        if AUS[number].sided:
            sides = (example[f"{code}_L"], example[f"{code}_R"])
            assert np.allclose(np.mean(sides, axis=0), values, atol=1e-4)


def test_a_mirrored_face_swaps_its_sides(reader: Learned) -> None:
    rng = np.random.default_rng(1)
    net = reader._nets["small"]
    rows = rng.normal(0, 1, (5, net.layout.width)).astype(np.float32)
    straight, swapped = net.raw(rows), net.raw(net.mirrored(rows))
    assert np.allclose(straight[:, 0], swapped[:, 1], atol=1e-4)
    assert not np.allclose(straight[:, 0], straight[:, 1], atol=1e-2)


def test_pushing_one_by_one_equals_reading_at_once(reader: Learned, models: Models) -> None:
    faces = samples(EXAMPLE, models, every=5)
    units = ActionUnits(reader)
    for face in faces:
        units.push(replace(face, track=0))
    series, _, _ = units.finish({"P1": [0]})
    at_once = read(reader, faces)
    assert np.allclose(series["P1"]["AU12"], at_once["AU12"], atol=1e-4, equal_nan=True)


def test_a_steady_smile_is_not_taken_for_a_resting_face(reader: Learned, models: Models) -> None:
    smiling = [f for f in samples(EXAMPLE, models) if 2.5 <= f.frame.time <= 4.4]
    assert float(np.median(read(reader, smiling)["AU12"])) > 1.5


def test_smoothing_keeps_a_brief_event_and_its_moment() -> None:
    times = np.arange(40, dtype=np.float32) / 20
    raw = np.zeros((40, 2, 3, learned.COUNT), np.float32)
    raw[20:24, :, 0] = 0.5
    (smooth,) = au_steady.steadied(times, [raw])
    out = smooth[:, 0, 0, 0]
    assert 20 <= out.argmax() < 24
    assert out.max() > 0.4
    assert out[[17, 26]].max() < 0.1


def test_uncertain_pictures_weigh_little_in_the_smoothing() -> None:
    times = np.arange(20, dtype=np.float32) / 30
    raw = np.zeros((20, 2, 3, learned.COUNT), np.float32)
    raw[:, :, 1] = -3
    raw[10, :, 0], raw[10, :, 1] = 1.0, 1.0
    (smooth,) = au_steady.steadied(times, [raw])
    assert smooth[10, 0, 0, 0] < 0.2


def test_blocks_are_read_as_the_whole_is(monkeypatch: pytest.MonkeyPatch, reader: Learned) -> None:
    rng = np.random.default_rng(4)
    net = reader._nets["large"]
    known = len(net.mean)
    faces = np.zeros((70, 1 + net.layout.width), np.float32)
    faces[:, 0] = rng.random(70) < 0.7  # both meshes in one clip
    faces[:, 1 : 1 + known] = net.mean + net.scale * rng.normal(0, 0.8, (70, known))
    faces[:, -1] = 0.9
    times = np.arange(70, dtype=np.float32) / 30
    whole = reader.intensities(times, faces)
    monkeypatch.setattr(learned, "BLOCK", 16)
    parts = reader.intensities(times, faces)
    assert np.std(whole["AU12"].astype(np.float64)) > 0.05
    for name, values in whole.items():
        assert np.allclose(values, parts[name], atol=1e-4), name


def test_a_mesh_is_brought_upright_whatever_the_pose() -> None:
    stored = np.load(WEIGHTS / "aus.npz")
    mean = MeanFace(stored["mean_points"], stored["mean_weights"])
    angle = 0.5
    turn = np.array(
        [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]]
    )
    mesh = (mean.points @ turn.T * 80 + np.array([300, 200, 0])).astype(np.float32)
    upright = mean.upright(mesh)
    assert np.allclose(upright.points, mean.points, atol=1e-3)
    assert np.isclose(upright.scale, 80, rtol=1e-3)
    assert np.isclose(upright.pose[0], angle, atol=1e-3)
    assert (mean.mirror[mean.mirror] == np.arange(468)).all()


@pytest.mark.parametrize("shift", [(-400, 0), (0, 300), (5000, 5000)])
def test_a_face_cut_by_the_pictures_edge_is_still_read(
    reader: Learned, models: Models, shift: tuple[int, int]
) -> None:
    face = samples(EXAMPLE, models, every=1000)[0]
    moved = replace(face, mesh=face.mesh + np.array([*shift, 0], np.float32))
    columns = reader.intensities(np.zeros(1, np.float32), reader.observe(moved)[None])
    assert np.isfinite(columns["AU12"]).all()


def test_the_weights_are_small_and_say_where_they_come_from(reader: Learned) -> None:
    files = list(WEIGHTS.iterdir())
    assert sum(file.stat().st_size for file in files) <= 3_500_000
    assert reader.version.startswith("learned-")
    assert (WEIGHTS / "aus.json").is_file()


def test_the_factory_knows_it() -> None:
    assert isinstance(estimator("learned"), Learned)
    with pytest.raises(ValueError, match="learned"):
        estimator("nonsense")


def test_a_rendered_smile_begins_when_it_begins(
    reader: Learned, media: Path, models: Models
) -> None:
    columns = read(reader, samples(media / "smile.mp4", models))
    for code in ("AU06", "AU12"):
        assert between(columns, code, 0.0, 0.45) < 0.7, code
        assert between(columns, code, 1.0, 2.2) > 2, code
    for code in ("AU16", "AU20"):
        assert between(columns, code, 1.0, 2.2) < 2, f"{code}: lips are not lowered or stretched"


def test_a_head_that_only_turns_stays_quiet(reader: Learned, media: Path, models: Models) -> None:
    columns = read(reader, samples(media / "turns.mp4", models, every=3))
    for code in ("AU01", "AU02", "AU04", "AU06", "AU09", "AU10", "AU12", "AU15", "AU20"):
        assert float(np.quantile(columns[code].astype(np.float64), 0.9)) < 2, code


@pytest.fixture(scope="module")
def shut(reader: Learned, media: Path, models: Models) -> tuple[Floats, Floats]:
    """Times and rows of the clip in which the eyes are shut from 0.9 to 4.35 s."""
    faces = samples(media / "shut.mp4", models)
    times = np.array([face.frame.time for face in faces], np.float32)
    return times, np.stack([reader.observe(face) for face in faces])


@pytest.mark.parametrize(
    ("start", "end", "blinks"), [(0.0, 5.0, 2), (0.75, 5.0, 1), (0.0, 4.5, 1), (1.1, 4.2, 0)]
)
def test_shut_eyes_are_one_long_closure_beside_the_blinks_however_little_else_is_seen(
    reader: Learned, shut: tuple[Floats, Floats], start: float, end: float, blinks: int
) -> None:
    times, rows = shut
    part = (times >= start) & (times < end)
    columns = {"time": times[part]} | reader.intensities(times[part], rows[part])
    found, cues, _ = series.read(columns, "P1", reader.knowledge)
    closed = [cue for cue in cues if cue.code == "AU43"]
    assert len(closed) == 1
    assert closed[0].start == pytest.approx(max(start, 0.9), abs=0.15)
    assert closed[0].end == pytest.approx(min(end, 4.35), abs=0.15)
    assert f"for {closed[0].end - closed[0].start:.0f}." in closed[0].text
    assert sum(cue.code == "AU45" for cue in cues) == blinks
    assert between(found, "AU43", 1.2, 4.1) > 3
    assert between(found, "AU45", 1.2, 4.1) == 0
    assert "AU05" not in {cue.code for cue in cues}, "eyes that open again are not raised lids"


def test_narrow_eyes_that_blink_are_not_shut() -> None:
    narrow = np.full(200, 2.6, np.float32)
    assert learned.always_shut(2.6, narrow)
    narrow[50:56] = narrow[120:126] = 3.6
    assert not learned.always_shut(2.6, narrow)
    assert not learned.always_shut(0.2, np.full(200, 0.2, np.float32))


def test_a_rendered_surprise_shows_its_raised_brows(
    reader: Learned, media: Path, models: Models
) -> None:
    face = face_in(np.asarray(Image.open(media / "ann_surprise.jpg")), models=models)
    assert face is not None
    columns = reader.intensities(np.zeros(1, np.float32), reader.observe(face)[None])
    assert min(columns["AU01"][0], columns["AU02"][0]) > 1


def test_a_real_smile_begins_when_it_begins(reader: Learned, shared: Path, models: Models) -> None:
    columns = read(reader, samples(shared / "media/video/pyfeat_single_face.mp4", models))
    assert between(columns, "AU12", 0.0, 0.4) < 0.7
    assert between(columns, "AU12", 1.0, 2.2) > 2
    assert between(columns, "AU06", 1.0, 2.2) > 1


def test_a_real_neutral_clip_stays_quiet(reader: Learned, shared: Path, models: Models) -> None:
    faces = samples(shared / "media/video/liveportrait_s18_neutral.mp4", models, every=3)
    columns = read(reader, faces)
    for code in ("AU01", "AU02", "AU04", "AU06", "AU09", "AU10", "AU12", "AU15", "AU20"):
        assert float(np.quantile(columns[code].astype(np.float64), 0.9)) < 2, code


def test_raised_brows_of_a_still_are_read_as_high_as_blendshapes_see_them() -> None:
    raw = np.zeros((1, 2, 3, learned.COUNT), np.float32)
    raw[:, :, 0, learned.TARGETS_SIDE.index("AU02")] = 0.5
    shapes = np.zeros((1, 52), np.float32)
    for name, value in (("browInnerUp", 0.4), ("browOuterUpLeft", 0.2), ("browOuterUpRight", 0.7)):
        shapes[0, learned.BLENDSHAPES.index(name)] = value
    learned.raise_brows(raw, shapes)
    inner, outer = (raw[0, :, 0, learned.TARGETS_SIDE.index(code)] for code in ("AU01", "AU02"))
    assert np.allclose(inner, 0.4)
    assert np.allclose(outer, [0.5, 0.7])


def test_a_surprised_still_shows_its_raised_brows(
    reader: Learned, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    with_shapes = load()
    if with_shapes.without:
        pytest.skip(f"no blendshapes here: {with_shapes.without}")
    picture = np.asarray(Image.open(shared / "media/image/pyfeat_0-f1-su-ph.jpg").convert("RGB"))
    face = face_in(picture, models=with_shapes)
    assert face is not None
    columns = reader.intensities(np.zeros(1, np.float32), reader.observe(face)[None])
    assert columns["AU01"][0] > 1
    assert columns["AU02"][0] > 0.8


def test_lips_of_a_smile_are_not_lowered_or_stretched_but_without_one_they_are() -> None:
    raw = np.zeros((2, 2, 3, learned.COUNT), np.float32)
    raw[:, :, 0, learned.LIPS] = 0.8
    raw[0, :, 0, learned.TARGETS_SIDE.index("AU12")] = 0.8
    read = learned.columns(raw)
    for code in ("AU16", "AU20", "AU22"):
        assert read[code][0] < 1.5
        assert read[code][1] == pytest.approx(4)
    assert read["AU12"][0] == pytest.approx(4)


def test_a_real_grin_is_not_read_as_a_lowered_or_stretched_lip(
    reader: Learned, shared: Path, models: Models
) -> None:
    columns = read(reader, samples(shared / "media/video/pyfeat_single_face.mp4", models))
    assert between(columns, "AU16", 1.0, 2.2) < 2
    assert between(columns, "AU20", 1.0, 2.2) < 2
