"""What was measured in an upload, over HTTP: evidence, series, feelings; for its owner alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import served

from agent.perception.series import thinned

CLIP = served.ROOT / "docs" / "example" / "example.mp4"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def pair() -> served.Pair:
    return served.pair()


@pytest.fixture(scope="module")
def upload(pair: served.Pair) -> Iterator[str]:
    """The example clip, sent and not looked at."""
    sent = pair.server.client().files.create(
        file=("a <b>.mp4", CLIP.read_bytes()), purpose="user_data"
    )
    yield sent.id
    pair.server.http.delete(
        f"{pair.server.url}/v1/files/{sent.id}", headers=pair.server.headers, timeout=60
    )


def _look(pair: served.Pair, upload: str, **body: Any) -> httpx.Response:
    return pair.server.post(f"/v1/files/{upload}/evidence", body)


def test_progress_then_evidence_in_a_stream_that_ends(pair: served.Pair, upload: str) -> None:
    before = pair.server.get(f"/v1/files/{upload}/evidence")
    assert (before.status_code, served.error(before)["code"]) == (404, "not_measured")
    response = _look(pair, upload, stream=True)
    events = served.events(response)
    assert events[-1] == "[DONE]"
    told: list[Json] = [json.loads(line) for line in events[:-1]]
    shares = [one["progress"] for one in told[:-1]]
    assert shares == sorted(shares) and shares[-1] == 1.0
    steps = {one["step"] for one in told[:-1]}
    assert {"watching faces and listening", "measuring the voice"} <= steps
    assert told[-1]["evidence"]["people"][0]["id"] == "P1"
    after = pair.server.get(f"/v1/files/{upload}/evidence").json()
    again = _look(pair, upload).json()
    assert after == again == told[-1]
    assert after["evidence"]["series"] is None and "/tmp" not in json.dumps(after)


def test_boxes_and_curves_are_where_the_senses_saw_them(pair: served.Pair, upload: str) -> None:
    _look(pair, upload)
    found = pair.server.get(f"/v1/files/{upload}/series").json()
    (person,) = found["people"]
    assert len(person["time"]) == len(person["boxes"]) == len(person["columns"]["AU12"]) == 224
    x, y, width, height = person["boxes"][100]
    assert 0.2 < x < 0.3 and 0.1 < y < 0.25 and 0.5 < width < 0.65 and 0.6 < height < 0.75
    at = dict(zip(person["time"], person["columns"]["AU12"], strict=True))
    assert max(v for t, v in at.items() if t < 1.5) < 1 < 3 < max(at.values())
    assert next(iter(found["names"])) == "AU01" and found["names"]["AU12"] == "lip corner puller"
    assert max(v for v in found["voice"]["columns"]["f0_hz"] if v) > 100


def test_a_span_in_few_points_keeps_its_peaks(pair: served.Pair, upload: str) -> None:
    _look(pair, upload)
    path = f"/v1/files/{upload}/series"
    whole = pair.server.get(path).json()["people"][0]
    few = pair.server.get(path, params={"start": 4, "end": 8, "points": 10}).json()
    (person,) = few["people"]
    assert len(person["time"]) <= 10 and min(person["time"]) >= 4 and max(person["time"]) <= 8
    inside = [
        v for t, v in zip(whole["time"], whole["columns"]["AU04"], strict=True) if 4 <= t <= 8
    ]
    assert max(person["columns"]["AU04"]) == max(inside)
    refused = pair.server.get(path, params={"start": 5, "end": 4})
    assert refused.status_code == 400 and served.error(refused)["param"] == "start"
    for wrong in ({"points": 1}, {"points": "x"}, {"start": -1}, {"start": "nan"}):
        assert pair.server.get(path, params=wrong).status_code == 400


def test_feelings_follow_the_face(pair: served.Pair, upload: str) -> None:
    _look(pair, upload)
    felt = pair.server.get(f"/v1/files/{upload}/feelings").json()
    labels = [one["label"] for one in felt["spans"]]
    # To the impression the rendered head at rest looks surprised at times (its model card).
    felt_most = [label for label in labels if label not in ("neutral", "surprise")]
    assert felt_most == ["happiness", "anger"] and "neutral" in labels
    for moment in felt["moments"]:
        assert abs(sum(moment["shares"].values()) - 1) < 0.01
        assert -1 <= moment["valence"] <= 1 and moment["valence_sd"] > 0 < moment["arousal_sd"]
    lengths = [round(one["end"] - one["start"], 3) for one in felt["moments"]]
    assert set(lengths[:-1]) == {0.5}
    smiling = [one for one in felt["moments"] if 2.5 <= one["start"] <= 4.0]
    assert all(one["valence"] > 0.3 and not one["unknown"] for one in smiling)
    assert felt["person"] == "P1"
    nobody = pair.server.get(f"/v1/files/{upload}/feelings", params={"person": "P9"})
    assert nobody.status_code == 404 and served.error(nobody)["code"] == "no_such_person"


@pytest.mark.parametrize("path", ["evidence", "series", "feelings"])
def test_nobody_else_sees_it(pair: served.Pair, upload: str, path: str) -> None:
    url = f"/v1/files/{upload}/{path}"
    other = {"Authorization": f"Bearer {pair.keys['bob']}"}
    assert pair.server.get(url, headers=other).status_code == 404
    assert pair.server.get(url, headers={"Authorization": "none"}).status_code == 401
    assert pair.server.get(url.replace("file-", "conv-")).status_code == 404


def test_nobody_else_has_it_looked_at(pair: served.Pair, upload: str) -> None:
    path = f"/v1/files/{upload}/evidence"
    other = {"Authorization": f"Bearer {pair.keys['bob']}"}
    assert pair.server.post(path, {}, headers=other).status_code == 404
    plain = pair.server.http.post(pair.server.url + path, headers=pair.server.headers, content="{}")
    assert plain.status_code == 415


def test_a_clip_that_is_none_is_told_so(pair: served.Pair) -> None:
    sent = pair.server.client().files.create(
        file=("clip.mp4", b"<script>" * 100), purpose="user_data"
    )
    for body in ({}, {"stream": True}):
        response = _look(pair, sent.id, **body)
        assert response.status_code == 400
        assert served.error(response)["code"] == "unreadable_media"
    pair.server.client().files.delete(sent.id)


def test_the_document_tells_of_the_paths_and_their_shapes(pair: served.Pair) -> None:
    document = pair.server.get("/openapi.json").json()
    shapes = document["components"]["schemas"]
    for path, shape in (("evidence", "Measured"), ("series", "Series"), ("feelings", "Feelings")):
        answer = document["paths"][f"/v1/files/{{file_id}}/{path}"]["get"]["responses"]["200"]
        assert answer["content"]["application/json"]["schema"]["$ref"].endswith(f"/{shape}")
        assert shape in shapes
    assert "LookRequest" in shapes and "Evidence" in shapes


def test_thinning_keeps_gaps_and_peaks() -> None:
    times = np.concatenate([np.arange(0, 10, 0.04), np.arange(60, 70, 0.04)])
    peak = np.zeros(len(times), np.float32)
    peak[137], peak[5] = 4.5, np.nan
    rows = thinned({"time": times, "AU12": peak, "pose_yaw": peak}, 0.0, 70.0, 70)
    assert len(rows["time"]) <= 22 and np.nanmax(rows["AU12"]) == 4.5
    assert np.diff(rows["time"]).max() > 49
    assert np.isfinite(rows["AU12"].astype(float)).all()
    few = thinned({"time": times, "AU12": peak, "pose_yaw": peak}, 0.0, 1.0, 70)
    assert len(few["time"]) == 26
    none = thinned({"time": times, "AU12": peak}, 20.0, 30.0, 5)
    assert len(none["time"]) == 0
