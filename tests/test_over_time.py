"""The series of emotions, and the rule by which a change of it is told."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_reading import CALM, SMILING, record, smile

from agent import emotions as api_emotions
from agent.facs.prototypes import BASIC
from agent.perception import look as perceive
from agent.perception.series import read_emotions, write_emotions
from agent.reading.over_time import (
    MOST,
    NOISE,
    SURE,
    EmotionSeries,
    changes,
    emotions,
    phases,
)
from agent.reading.spans import spans
from agent.reading.version import KNOWLEDGE, SETTING
from agent.render.showing import Showing
from agent.schema.evidence import Evidence

MEDIA = Path(__file__).parent / "media"


def even(rng: np.random.Generator, moments: int, noise: float) -> EmotionSeries:
    """A face at rest whose reading varies by chance alone."""
    start = np.arange(moments) * 0.5
    shares = np.full((moments, len(BASIC)), 0.04)
    shares[:, 0], shares[:, 1] = 0.46, 0.30
    shifts = rng.normal(0, noise, moments)
    shares[:, 0] += shifts
    shares[:, 1] -= shifts
    zero = np.zeros(moments)
    return EmotionSeries(
        "P1", start, start + 0.5, shares, np.full(len(BASIC), max(noise, NOISE)), zero, zero,
        zero, zero, zero > 1,
    )  # fmt: skip


def test_it_follows_the_face_and_gives_its_change() -> None:
    series = emotions(record(*[{}] * 8, *[SMILING] * 8, cues=(smile(4.0, 8.0),)))
    assert len(series) == 16 and series.person == "P1"
    assert np.allclose(series.shares.sum(axis=1), 1)
    leads = [BASIC[i] for i in series.shares.argmax(axis=1)]
    assert leads == ["neutral"] * 8 + ["happiness"] * 8
    assert series.valence[:8].max() < 0.2 < 0.5 < series.valence[8:].min()
    (change,) = changes(series)
    assert (change.before, change.after, change.rises) == ("neutral", "happiness", "happiness")
    assert change.time == pytest.approx(4.0, abs=0.5)
    assert change.valence > 0.4 and change.errors > 3


def test_chance_alone_is_no_change() -> None:
    rng = np.random.default_rng(0)
    false = sum(bool(changes(even(rng, 60, 0.05))) for _ in range(200))
    assert false <= 10


def test_a_shift_is_told_by_what_it_varies_by() -> None:
    """The same shift is a change in a steady reading and none in one that jumps about."""
    told = []
    for noise in (0.05, 0.3):
        series = even(np.random.default_rng(3), 40, noise)
        series.shares[20:, 0] -= 0.3
        series.shares[20:, 1] += 0.3
        told.append(len(changes(series)))
    assert told == [1, 0]


def test_a_small_shift_does_not_matter_however_certain() -> None:
    series = even(np.random.default_rng(1), 200, 0.0)
    series.shares[100:, 0] -= 0.1
    series.shares[100:, 1] += 0.1
    assert not changes(replace(series, shares_sd=np.full(len(BASIC), 0.001)))


def test_where_nobody_is_seen_nothing_is_known() -> None:
    whole = record(*[SMILING] * 12)
    gone = whole.model_copy(update={"windows": (*whole.windows[:4], *whole.windows[8:])})
    person = gone.people[0].model_copy(update={"start": 0.0, "end": 2.0})
    gone = gone.model_copy(update={"people": (person,), "windows": gone.windows[:4]})
    series = emotions(gone)
    assert series.measured.tolist() == [True] * 4 + [False] * 8
    assert series.unknown[4:].all() and np.isnan(series.valence[4:]).all()
    assert phases(series)[-1].end == 2.0


def test_doubt_between_labels_widens_valence() -> None:
    clear = emotions(record(*[SMILING] * 4))
    doubtful = emotions(record(*[SMILING | {"AU04": 3.0, "AU09": 2.0, "AU15": 2.0}] * 4))
    assert doubtful.valence_sd.min() > clear.valence_sd.max()


def test_long_clips_have_longer_moments() -> None:
    series = emotions(record(*[CALM] * 600))
    assert len(series) == MOST
    assert series.end[-1] == pytest.approx(300.0)
    assert len(phases(series)) == 1


def test_a_still_has_one_moment_and_knowledge_reads_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    still = record(SMILING, seconds=0.0, cues=(smile(0.0, 0.0),))
    still = _still(still)
    series = emotions(still)
    assert len(series) == 1 and series.end[0] == 0
    monkeypatch.setenv(SETTING, KNOWLEDGE)
    assert not np.allclose(emotions(still).shares, series.shares)


def _still(found: Evidence) -> Evidence:
    picture = found.media.model_copy(update={"kind": "image", "duration": 0.0, "fps": 0.0})
    return found.model_copy(update={"media": picture})


def test_columns_are_named_and_of_one_length() -> None:
    columns = emotions(record(*[SMILING] * 3)).columns()
    assert {"time", "happiness", "happiness_sd", "valence_sd", "arousal", "unknown"} <= set(columns)
    assert {len(values) for values in columns.values()} == {3}


def test_spans_begin_where_the_cue_does() -> None:
    found = spans(record(*[{}] * 8, *[SMILING] * 8, cues=(smile(3.9, 8.0),)), None)
    assert [(s.label, s.start, s.end) for s in found] == [
        ("neutral", 0.0, 3.9), ("happiness", 3.9, 8.0),
    ]  # fmt: skip


def test_a_stranger_is_refused() -> None:
    with pytest.raises(ValueError, match="P9 is not in this clip; there is P1"):
        emotions(record({}), "P9")


def test_it_is_written_beside_the_other_series_and_read_back(tmp_path: Path) -> None:
    evidence = record(*[{}] * 6, *[SMILING] * 6, cues=(smile(3.0, 6.0),))
    assert write_emotions(evidence, tmp_path / "emotion.parquet")
    found = read_emotions(tmp_path / "emotion.parquet")["P1"]
    wanted = emotions(evidence).columns()
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        assert np.allclose(found[name], values, equal_nan=True), name


def test_where_nothing_is_read_nothing_is_written(tmp_path: Path) -> None:
    empty = record({}).model_copy(update={"windows": (), "people": (), "cues": ()})
    assert not write_emotions(empty, tmp_path / "emotion.parquet")
    assert not (tmp_path / "emotion.parquet").exists()


def test_a_look_keeps_and_exports_it(tmp_path: Path) -> None:
    found = perceive.look(perceive.Request(MEDIA / "smile.mp4", cache=tmp_path / "cache"))
    perceive.export(found, tmp_path / "out")
    rows = read_emotions(tmp_path / "out" / "emotion.parquet")
    series = api_emotions(found.evidence)
    assert np.allclose(rows["P1"]["happiness"], series.shares[:, BASIC.index("happiness")])
    assert (
        perceive.look(perceive.Request(MEDIA / "smile.mp4", cache=tmp_path / "cache")).fresh
        is False
    )


def test_people_are_shown_it_and_models_are_not(tmp_path: Path) -> None:
    """A model that is shown our reading would only repeat it."""
    clip = MEDIA / "smile.mp4"
    showing = Showing(clip, perceive.look(perceive.Request(clip, cache=tmp_path / "cache")))
    showing.save(tmp_path)
    orange = np.array([230, 159, 0])
    kept = np.asarray(Image.open(tmp_path / "strip.png").convert("RGB")).astype(int)
    shown = [one for one in showing("P1", (0.0, 0.0)) if "over time" in one.name]
    model = np.asarray(Image.open(io.BytesIO(shown[0].png)).convert("RGB")).astype(int)
    assert kept.shape[0] > model.shape[0] + 100
    count = [(np.abs(picture - orange).sum(axis=-1) < 30).sum() for picture in (kept, model)]
    assert count[0] > count[1] + 2000


def test_a_moment_without_a_sure_label_is_unknown() -> None:
    series = emotions(record(*[{}] * 4, *[SMILING] * 4))
    lead = series.shares.max(axis=1)
    assert (series.unknown == (lead < SURE)).all() and not series.unknown[4:].any()
    torn = CALM | {"AU12": 1.5, "AU04": 1.5, "AU05": 1.0, "AU09": 2.0}
    mixed = emotions(record(*[torn] * 4))
    assert mixed.shares.max() < SURE and mixed.unknown.all()
