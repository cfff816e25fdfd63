"""What people would say they see in a face: the network in use, its cues, its recipe."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from agent import media
from agent.assets.resolve import AssetError
from agent.perception.look import Request, look
from agent.perception.series import read_people
from agent.reading import rules
from agent.reading.levels import cues_of as counted
from agent.schema import evidence as records
from agent.schema.evidence import IMPRESSION, Cue, Evidence, Media, Person, number
from agent.schema.samples import FaceSample, Floats, Frame
from agent.senses.faces import face_in, load
from agent.senses.faces.impression import RATE, Impression, Impressions, region, seen, shares
from agent.senses.faces.impression_cues import LABELS, described, spans, sure
from agent.senses.faces.impression_cues import cues_of as worded
from agent.senses.faces.models import Models

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs" / "example" / "example.mp4"
SMILE = (2.6, 4.4)
"""When the example's person smiles, in seconds."""
KNOWN = {"slope": 1.0, "intercept": 0.0}


@pytest.fixture(scope="module")
def models() -> Models:
    try:
        return load()
    except AssetError as error:
        pytest.skip(f"no face mesh here: {error}")


@pytest.fixture(scope="module")
def net() -> Impression:
    return Impression()


@pytest.fixture(scope="module")
def samples(models: Models) -> list[FaceSample]:
    """Every face of the example."""
    found = []
    mesh: Floats | None = None
    for frame in media.stream(EXAMPLE, audio=False):
        assert isinstance(frame, Frame)
        face = face_in(frame.image, mesh, models)
        if face is not None:
            mesh = face.mesh
            found.append(replace(face, frame=frame))
    return found


def near(samples: list[FaceSample], at: float) -> FaceSample:
    return min(samples, key=lambda sample: abs(sample.frame.time - at))


def looks(**wanted: float) -> Floats:
    """One look with these shares, the rest evenly spread."""
    rest = (1 - sum(wanted.values())) / (len(LABELS) - len(wanted))
    return np.array([wanted.get(label, rest) for label in LABELS], np.float32)


def test_a_smile_looks_happy_and_rest_does_not(net: Impression, samples: list[FaceSample]) -> None:
    at = {t: near(samples, t) for t in (1.4, *np.linspace(*SMILE, 5).tolist())}
    happy = {t: net(s.frame.image, s.mesh)[LABELS.index("happiness")] for t, s in at.items()}
    assert np.mean([happy[t] for t in happy if t > 2]) > 2 * happy[1.4]
    assert happy[1.4] < 0.2


def test_real_faces_look_as_most_people_say(net: Impression, models: Models, shared: Path) -> None:
    """Four photographs nobody learned from; of anger only that it stands out."""
    found = {}
    for name in ("happy", "surprised", "neutral", "angry"):
        path = shared / "media" / "image" / f"faceapi_{name}.jpg"
        image = np.asarray(Image.open(path).convert("RGB"))
        face = face_in(image, None, models)
        assert face is not None
        found[name] = dict(zip(LABELS, net(image, face.mesh).tolist(), strict=True))
    leading = {name: max(shown, key=shown.__getitem__) for name, shown in found.items()}
    assert leading["happy"] == "happiness"
    assert leading["surprised"] == "surprise"
    assert leading["neutral"] == "neutral"
    others = max(shown["anger"] for name, shown in found.items() if name != "angry")
    assert found["angry"]["anger"] > 3 * others


def test_shares_sum_to_one_and_a_mirror_changes_nothing(
    net: Impression, samples: list[FaceSample]
) -> None:
    sample = near(samples, 3.5)
    face = seen(sample.frame.image, sample.mesh, net.side)
    found = shares(net.logits(face))
    assert found.shape == (len(LABELS),) and found.sum() == pytest.approx(1, abs=1e-5)
    assert net.logits(face[:, ::-1]) == pytest.approx(net.logits(face), abs=1e-4)


def test_light_and_size_change_little(net: Impression, samples: list[FaceSample]) -> None:
    sample = near(samples, 3.5)
    image, plain = sample.frame.image, net(sample.frame.image, sample.mesh)
    dim = (image * 0.5).astype(np.uint8)
    assert net(dim, sample.mesh) == pytest.approx(plain, abs=0.1)
    third = cv2.resize(image, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
    assert net(third, sample.mesh / 3) == pytest.approx(plain, abs=0.15)


def test_the_square_turns_with_the_face(samples: list[FaceSample], net: Impression) -> None:
    sample = near(samples, 3.5)
    image = sample.frame.image
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 20, 1)
    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    mesh = sample.mesh.copy()
    mesh[:, :2] = mesh[:, :2] @ turn[:, :2].T + turn[:, 2]
    assert np.degrees(region(sample.mesh).angle - region(mesh).angle) == pytest.approx(20, abs=1)
    assert net(turned, mesh) == pytest.approx(net(image, sample.mesh), abs=0.25)


def test_a_face_is_looked_at_a_few_times_a_second(
    net: Impression, samples: list[FaceSample]
) -> None:
    sense = Impressions(net)
    for sample in samples:
        sense.push(sample)
        sense.push(replace(sample, track=1))
        sense.push(replace(sample, track=2, quality=0.0))
    times = np.array([sample.frame.time for sample in samples])
    series, cues = sense.finish({"P1": (0,), "P2": (1,), "P3": (2,)}, {"P1": times, "P3": times})
    length = times[-1] - times[0]
    assert len(sense._meta) / 3 == pytest.approx(2 * RATE * length, rel=0.25)
    assert {cue.person for cue in cues} == {"P1", "P2"}
    total = sum(series["P1"][f"impression_{label}"].astype(np.float64) for label in LABELS)
    assert total == pytest.approx(np.ones(len(times)), abs=1e-4)
    assert all(np.isnan(values).all() for values in series["P3"].values())


def test_cues_follow_the_label_that_leads() -> None:
    times = np.arange(24) / 4
    happy, still = looks(happiness=0.8, neutral=0.1), looks(happiness=0.1, neutral=0.8)
    rows = np.stack([still] * 8 + [happy] * 8 + [still] * 8)
    rows[11] = still  # one flicker is no span of its own
    rows[10] = looks(happiness=0.9)
    cues = list(worded("P1", times, rows, np.ones(24), KNOWN))
    assert [cue.text for cue in cues] == [
        "looks neutral to most people (80%)",
        "looks happy to most people (90%)",
        "looks neutral to most people (80%)",
    ]
    middle = cues[1]
    assert (middle.start, middle.apex, middle.end) == (2.0, 2.5, 3.75)
    assert (middle.sense, middle.code, middle.unit) == ("face", "impression", "share")
    assert middle.value == 0.9
    assert middle.intensity is None and middle.grade is None
    assert middle.shares is not None
    assert sum(middle.shares.values()) == pytest.approx(1, abs=0.01)
    assert middle.confidence == pytest.approx(sure(middle.shares["happiness"], KNOWN), abs=0.01)


def test_spans_end_where_the_face_is_gone_and_nothing_is_said_of_no_expression() -> None:
    times = np.array([0.0, 0.25, 0.5, 3.0, 3.25])
    happy = looks(happiness=0.8)
    assert [s[:2] for s in spans(times, np.stack([happy] * 5))] == [(0, 3), (3, 5)]
    assert spans(np.empty(0), np.empty((0, len(LABELS)), np.float32)) == []
    statue = np.stack([looks(not_a_face=0.9)] * 5)
    assert list(worded("P1", times, statue, np.ones(5), KNOWN)) == []


def test_a_divided_impression_says_so_and_poor_pictures_are_less_sure() -> None:
    split = looks(sadness=0.4, neutral=0.35)
    assert described("sadness", split) == "looks sad to some people (40%), neutral to others (35%)"
    rows, times = np.stack([split] * 4), np.arange(4) / 4
    clear, poor = (list(worded("P1", times, rows, np.full(4, q), KNOWN)) for q in (1.0, 0.25))
    assert poor[0].confidence == pytest.approx(clear[0].confidence / 2, abs=0.01)


def test_confidence_grows_with_the_share_and_is_a_probability(net: Impression) -> None:
    found = [sure(share, net.about["confidence"]) for share in (0.0, 0.3, 0.5, 0.9, 1.0)]
    assert found == sorted(found) and found[0] >= 0 and found[-1] <= 1 and found[3] > 0.8


def test_a_look_holds_impressions_and_the_rules_leave_them_out(tmp_path: Path) -> None:
    found = look(Request(EXAMPLE, cache=tmp_path))
    cues = [cue for cue in found.evidence.cues if cue.code == IMPRESSION]
    assert any(cue.start < SMILE[1] and cue.end > SMILE[0] for cue in cues)
    assert "impression" in found.evidence.senses
    assert all(not cue.text.count("AU") for cue in cues)
    (person,) = read_people(found.folder / "series.parquet").values()
    assert {f"impression_{label}" for label in LABELS} <= set(person)
    bare = found.evidence.model_copy(
        update={"cues": tuple(cue for cue in found.evidence.cues if cue.code != IMPRESSION)}
    )
    main = found.evidence.main
    assert counted(found.evidence, main, (0.0, 9.0)) == counted(bare, main, (0.0, 9.0))
    assert rules.judge(found.evidence).shares == rules.judge(bare).shares


def test_records_without_shares_are_read_and_shares_are_checked() -> None:
    cue = Cue(sense="face", person="P1", code=IMPRESSION, start=0, apex=0, end=0,
              value=0.7, unit="share", shares={"happiness": 0.7}, text="looks happy",
              confidence=0.5)  # fmt: skip
    person = Person(id="P1", main=True, start=0, end=0, share=1)
    clip = Media(file="a.jpg", kind="image", duration=0, fps=0, width=9, height=9,
                 has_video=True, has_audio=False, sha256="0" * 64)  # fmt: skip
    record = Evidence(media=clip, people=(person,), cues=number([cue]))
    assert records.read(record.to_json()) == record
    old = json.loads(record.to_json())
    del old["cues"][0]["shares"]
    assert records.read(json.dumps(old)).cues[0].shares is None
    with pytest.raises(ValueError, match="less than or equal to 1"):
        Cue.model_validate(cue.model_dump() | {"shares": {"happiness": 1.2}})


def test_the_file_is_small_and_the_card_is_its_own(net: Impression) -> None:
    from hashlib import sha256

    from agent.senses.weights import WEIGHTS, impression

    content = (WEIGHTS / "impression.onnx").read_bytes()
    assert len(content) <= 1_500_000
    assert sha256(content).hexdigest() == net.about["sha256"]
    assert impression() == net.version
    card = (ROOT / "docs" / "model_cards" / "impression.md").read_text()
    assert net.version in card


def test_other_labels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "impression.json").write_text('{"labels": ["glad"], "side": 40}')
    with pytest.raises(ValueError, match="export the network anew"):
        Impression(tmp_path)


@pytest.mark.slow
def test_a_face_costs_at_most_three_milliseconds(
    net: Impression, samples: list[FaceSample]
) -> None:
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip("the machine is busy")
    sample = near(samples, 3.5)
    times = []
    for _ in range(50):
        began = time.perf_counter()
        net(sample.frame.image, sample.mesh)
        times.append(time.perf_counter() - began)
    assert np.median(times) <= 3e-3


def test_parts_of_the_voted_pictures_never_overlap(tmp_path: Path) -> None:
    from finetune.impression import data

    count = 400
    random = np.random.default_rng(0)
    names = np.array(["NF" if label == "not_a_face" else label for label in reversed(LABELS)])
    votes = random.multinomial(10, np.full(10, 0.1), count).astype(np.uint8)
    split = np.array(["Training"] * 300 + ["PublicTest"] * 100)
    images = random.integers(0, 256, (count, 48, 48), dtype=np.uint8)
    np.savez(tmp_path / "v.npz", images=images, votes=votes, columns=names, split=split)
    parts = data.load(tmp_path / "v.npz")
    train, fusion = set(parts.train.index.tolist()), set(parts.fusion.index.tolist())
    assert not train & fusion and len(train) + len(fusion) == 300
    assert set(parts.choose.index.tolist()) <= fusion
    assert set(parts.public.index.tolist()) == set(range(300, 400))
    first = int(parts.train.index[0])
    assert parts.train.shares[0] == pytest.approx(votes[first, ::-1] / 10)
    np.savez(tmp_path / "w.npz", images=images, votes=votes, columns=names + "?", split=split)
    with pytest.raises(ValueError, match="columns"):
        data.load(tmp_path / "w.npz")


@pytest.mark.slow
def test_training_goes_on_where_it_stopped_and_is_exported(tmp_path: Path) -> None:
    """Bright upper halves are happy, bright lower ones sad: two epochs tell them apart."""
    pytest.importorskip("torch")
    from finetune.impression import export, train

    random = np.random.default_rng(0)
    count = 900
    kind = random.integers(0, 2, count)
    images = random.integers(0, 60, (count, 48, 48), dtype=np.uint8)
    images[kind == 0, :24] += 150
    images[kind == 1, 24:] += 150
    votes = np.zeros((count, 10), np.uint8)
    votes[np.arange(count), np.where(kind == 0, 1, 3)] = 10
    columns = np.array(["NF" if label == "not_a_face" else label for label in LABELS])
    split = np.array(["Training"] * 800 + ["PublicTest"] * 100)
    np.savez(tmp_path / "v.npz", images=images, votes=votes, columns=columns, split=split)
    given = ["--data", str(tmp_path / "v.npz"), "--out", str(tmp_path), "--widths", "4,4,8,8"]
    assert train.main([*given, "--sides", "28x1"]) == 0
    assert train.main([*given, "--sides", "28x2,32x2"]) == 0
    history = json.loads((tmp_path / "history.json").read_text())
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    about = export.export(tmp_path, tmp_path / "v.npz", tmp_path)
    assert about["side"] == 32
    small = Impression(tmp_path)
    top = np.zeros((32, 32), np.float32)
    top[:16] = 200
    assert LABELS[int(small.logits(top).argmax())] == "happiness"
    assert LABELS[int(small.logits(top[::-1]).argmax())] == "sadness"
