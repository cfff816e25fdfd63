"""Which candidates for events are kept: presence, talk, doubles, shut eyes; how that is fitted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agent.schema.evidence import Cue
from agent.schema.samples import Columns
from agent.senses.units import events, likely, series
from agent.senses.units.cues import REAL
from agent.senses.weights import WEIGHTS
from finetune.aus import events as fitting

TIMES = np.arange(0, 8, 0.05)


def hump(start: float, end: float, height: float = 3.0, fast: float = 0.2) -> np.ndarray:
    """Rises from `start` for `fast` seconds, holds, falls until `end`."""
    return height * np.interp(TIMES, [start, start + fast, end - fast, end], [0, 1, 1, 0])


def face(present: float = 0.97, **moved: np.ndarray) -> Columns:
    """Columns as the learned estimator gives them; a unit that moves is present by `present`."""
    out: Columns = {"time": TIMES, "quality": np.ones(len(TIMES), np.float32)}
    for code in ("AU05", "AU12", "AU18", "AU23", "AU24", "AU25", "AU26", "AU45"):
        values = moved.get(code, np.zeros(len(TIMES)))
        out[code] = values.astype(np.float32)
        out[f"{code}_p"] = np.where(values > 0.5, present, 0.02).astype(np.float32)
        out[f"{code}_sd"] = np.full(len(TIMES), 0.4, np.float32)
    return out


def cues(columns: Columns) -> list[Cue]:
    return series.read(columns, "P1", {})[1]


def test_a_movement_is_kept_where_presence_backs_it_and_dropped_where_it_does_not() -> None:
    sure = cues(face(0.97, AU12=hump(2, 4)))
    assert [cue.code for cue in sure] == ["AU12"]
    assert cues(face(0.03, AU12=hump(2, 4))) == []
    (less,) = cues(face(0.6, AU12=hump(2, 4)))
    assert 0 < less.confidence < sure[0].confidence <= REAL


def test_columns_that_tell_no_presence_keep_all_their_events() -> None:
    bare = {k: v for k, v in face(0.03, AU12=hump(2, 4)).items() if not k.endswith(("_p", "_sd"))}
    assert [cue.code for cue in cues(bare)] == ["AU12"]


def test_a_jaw_that_drops_in_speech_is_no_event_and_one_that_drops_in_silence_is() -> None:
    silent = face(0.8, AU26=hump(2, 4, 2.5), AU25=hump(2, 4, 2.5))
    assert "AU26" in {cue.code for cue in cues(silent)}
    speech = sum(hump(t, t + 0.3, 2.5, 0.1) for t in np.arange(1, 7, 0.45))
    talking = face(0.8, AU26=speech, AU25=speech)
    assert "AU26" not in {cue.code for cue in cues(talking)}


def test_one_reading_under_two_numbers_is_one_cue() -> None:
    pressed = hump(2, 4)
    assert [cue.code for cue in cues(face(AU24=pressed, AU23=0.9 * pressed))] == ["AU24"]
    apart = cues(face(AU24=hump(1, 2.5), AU23=hump(5, 6.5)))
    assert [cue.code for cue in apart] == ["AU24", "AU23"]


def test_an_upper_lid_cannot_be_raised_over_shut_eyes() -> None:
    lids = hump(2, 6, 4.5)
    assert "AU05" in {cue.code for cue in cues(face(AU05=hump(2, 6, 1.6)))}
    assert "AU05" not in {cue.code for cue in cues(face(AU05=hump(2, 6, 1.6), AU45=lids))}


def test_short_events_need_less() -> None:
    weights = likely.load()
    assert weights.least_short < weights.least
    (short,) = events.find(TIMES, {"AU12": hump(2, 2.4, 2.0, 0.15)})
    (long,) = events.find(TIMES, {"AU12": hump(2, 4, 2.0)})
    between = (weights.least_short + weights.least) / 2
    assert likely.enough(short, between)
    assert not likely.enough(long, between)


@pytest.mark.parametrize("fast", [0.15, 0.4, 0.8])
def test_an_onset_lies_before_what_shows_of_it_and_not_by_much(fast: float) -> None:
    curve = hump(2, 5, 3.0, fast)
    (plain,) = events.find(TIMES, {"AU12": curve})
    (early,) = events.find(TIMES, {"AU12": curve}, late={12: 0.4})
    assert plain.onset - events.LATEST - 1e-9 <= early.onset < plain.onset
    assert (early.apex, early.offset, early.seen) == (plain.apex, plain.offset, plain.seen)
    (first,) = events.find(TIMES, {"AU12": hump(-0.3, 2, 3.0, fast)}, late={12: 0.4})
    assert first.onset == 0, "nothing begins before the first picture"


def test_every_feature_has_a_weight_and_the_figures_say_on_whom() -> None:
    stored = json.loads((Path(WEIGHTS) / "events.json").read_text(encoding="utf-8"))
    assert set(stored["weights"]) == set(likely.FEATURES)
    assert any("people left out" in name for name in stored["figures"])


def test_the_fit_finds_the_weights_that_made_the_data_and_judges_on_people_left_out() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(4000, 3))
    true = np.array([2.0, -1.0, 0.0])
    real = rng.random(4000) < fitting.chances(features, 0.5, true)
    bias, weights = fitting.fit(features, real)
    assert np.allclose([bias, *weights], [0.5, *true], atol=0.2)
    padded = np.hstack([features, np.zeros((4000, len(likely.FEATURES) - 3))])
    found = fitting.Events(padded, real, rng.integers(0, 40, 4000), int(real.sum()))
    honest = fitting.figures(found, fitting.left_out(found), 0.5)
    assert 0.75 < honest["auroc"] < 0.95
    useless = fitting.figures(found, np.full(4000, 0.9), 0.5)
    assert useless["recall"] == 1
    assert useless["precision"] == pytest.approx(real.mean(), abs=1e-3)
