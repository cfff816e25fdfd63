"""Captions by a model, in batches and live; exports; the review page. All against real files."""

from __future__ import annotations

import json
import shutil
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import error, host, said, text_of

from agent.captions import review
from agent.captions.cli import main
from agent.captions.exports import feafa
from agent.captions.outcome import RunError
from agent.captions.store import Store, read_rows

LABEL = "zorn-label"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, media: Path, crowd: Path) -> Iterator[Path]:
    """Two clips with a table of labels, sensed once."""
    folder = tmp_path_factory.mktemp("captions")
    (folder / "clips").mkdir()
    shutil.copy(media / "smile.mp4", folder / "clips" / "smile.mp4")
    shutil.copy(crowd, folder / "clips" / "three.png")
    table = [{"video": n, "emotion": LABEL} for n in ("smile.mp4", "three.png")]
    (folder / "clips" / "t.jsonl").write_text("\n".join(map(json.dumps, table)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCHENNE_CACHE", str(folder / "cache"))
        patch.delenv("DUCHENNE_MODEL", raising=False)
        yield folder


@pytest.fixture(scope="module")
def captions(place: Path) -> Path:
    """Captions of both clips by the rules."""
    out = place / "rules"
    assert main([str(place / "clips" / "t.jsonl"), "--out", str(out), "--workers", "1"]) == 0
    return out


def thinker(request: dict[str, Any]) -> Any:
    """A model that takes each step in its shape: it repeats one cue, and denies it at the end."""
    wanted = request["response_format"]["json_schema"]["schema"]["properties"]
    row = next(x for x in text_of(request).splitlines() if x.startswith("A") and "| AU" in x)
    id, what = row.split(" | ")[0], row.split(" | ")[-1]
    claim = [{"number": 1, "text": f"{what}.", "cites": [id]}]
    false = [{"number": 2, "text": "The tongue is shown (AU19).", "cites": [id]}]
    values: dict[str, Any] = {
        "claims": claim, "observations": claim, "interpretations": claim, "conclusions": claim,
        "behavior": "smiles", "cognition": "welcomes it", "words": ["glad"],
        "emotions": [{"label": "happiness", "share": 100}], "valence": 80, "arousal": 40,
        "confidence": 90, "sentences": [*claim, *false], "lacking": "",
    }  # fmt: skip
    return said(json.dumps({name: values[name] for name in wanted}))


@pytest.mark.parametrize("calls", [[], ["--one-call"]])
def test_a_model_captions_and_what_no_cue_carries_is_left_out(
    place: Path, tmp_path: Path, calls: list[str]
) -> None:
    with host(thinker) as talk:
        arguments = [
            str(place / "clips" / "t.jsonl"), "--out", str(tmp_path / "out"), "--workers", "1",
            "--model", "openai:tiny", "--base-url", talk.url, "--people", "main", *calls,
        ]  # fmt: skip
        assert main(arguments) == 0
        rows = {row["id"]: row for row in read_rows(tmp_path / "out")}
        for row in rows.values():
            (first, *_) = [cue for cue in row["cues"] if cue["code"].startswith("AU")]
            assert row["caption"] == f"{first['text']}."
            assert row["sentences"] == [{"text": f"{first['text']}.", "cites": [first["id"]]}]
            assert row["model_revision"] == "tiny"
        assert all(LABEL not in json.dumps(request) for request in talk.requests)
        assert len(talk.requests) == 2 if calls else 10 <= len(talk.requests) <= 14
        asked = len(talk.requests)
        assert main(arguments) == 0
        assert len(talk.requests) == asked


def test_told_labels_reach_the_caption_request(place: Path, tmp_path: Path) -> None:
    with host(thinker) as talk:
        arguments = [
            str(place / "clips" / "t.jsonl"), "--out", str(tmp_path / "out"), "--workers", "1",
            "--model", "openai:tiny", "--base-url", talk.url, "--people", "main",
            "--with-labels", "emotion",
        ]  # fmt: skip
        assert main(arguments) == 0
        told = [LABEL in json.dumps(request) for request in talk.requests]
    assert sum(told) == 2
    assert all(row["gold_conditioned"] for row in read_rows(tmp_path / "out"))


def test_a_host_that_is_gone_stops_the_run_and_fails_no_clip(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        str(place / "clips" / "t.jsonl"), "--out", str(tmp_path / "out"), "--workers", "1",
        "--model", "openai:tiny", "--model-revision", "1",
    ]  # fmt: skip
    with host(thinker) as talk:
        gone = talk.url
    assert main([*arguments, "--base-url", gone]) == 4
    assert "nobody answers at" in capsys.readouterr().err
    assert (tmp_path / "out" / "failures.jsonl").read_text() == ""
    with host(lambda _: error(400, "no such thing")) as talk:
        assert main([*arguments, "--base-url", talk.url]) == 4  # every clip failed
    failures = (tmp_path / "out" / "failures.jsonl").read_text().splitlines()
    assert [json.loads(line)["error"] for line in failures] == ["model_refused"] * 2
    with host(thinker) as talk:
        assert main([*arguments, "--base-url", talk.url, "--retry-failed"]) == 0
    assert len(list(read_rows(tmp_path / "out"))) == 4


def test_batches_give_the_rows_that_a_live_host_gives(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = str(place / "clips" / "t.jsonl"), tmp_path / "out"
    common = ["--workers", "1", "--model", "openai:tiny", "--no-closer-look", "--one-call"]
    with host(thinker) as talk:
        live = tmp_path / "live"
        assert main([table, "--out", str(live), *common, "--base-url", talk.url]) == 0
    rounds, replies = 0, tmp_path / "replies.jsonl"
    more = ["--to", "openai-batch"]
    while True:
        assert main([table, "--out", str(out), *common, *more]) == 0
        files = sorted((out / "batch").glob("requests-*.jsonl"))
        if not files:
            break
        rounds += 1
        lines = [json.loads(x) for f in files for x in f.read_text().splitlines()]
        assert len({line["custom_id"] for line in lines}) == len(lines)
        assert all(line["url"] == "/v1/chat/completions" for line in lines)
        told = [
            {
                "custom_id": x["custom_id"],
                "response": {"status_code": 200, "body": y},
                "error": None,
            }
            for x in lines
            for _, y in [thinker(x["body"])]
        ]
        replies.write_text("\n".join(map(json.dumps, told)))
        more = ["--from-batch", str(replies)]
    assert rounds == 1
    assert "run-batch" in capsys.readouterr().out
    assert list(read_rows(out)) == list(read_rows(live))


def test_a_reply_that_failed_in_the_batch_is_an_error_row(place: Path, tmp_path: Path) -> None:
    arguments = [
        str(place / "clips" / "t.jsonl"), "--out", str(tmp_path / "out"), "--workers", "1",
        "--model", "openai:tiny", "--one-call", "--people", "main",
    ]  # fmt: skip
    assert main([*arguments, "--to", "openai-batch"]) == 0
    (file,) = (tmp_path / "out" / "batch").glob("*.jsonl")
    ids = [json.loads(line)["custom_id"] for line in file.read_text().splitlines()]
    told = [{"custom_id": id, "response": None, "error": {"message": "too long"}} for id in ids]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, told)))
    assert main([*arguments, "--from-batch", str(tmp_path / "r.jsonl")]) == 4  # both failed
    failures = (tmp_path / "out" / "failures.jsonl").read_text().splitlines()
    assert len(failures) == 2
    assert all("too long" in json.loads(line)["reason"] for line in failures)


def exported(captions: Path, target: str) -> Path:
    assert main(["export", str(captions), "--to", target]) == 0
    return captions / "exports" / target


def test_exports_read_as_their_formats_say(captions: Path) -> None:
    rows = {(r["id"], r["person"]): r for r in read_rows(captions)}
    smile = rows["smile.mp4", "P1"]
    lines = (exported(captions, "jsonl") / "captions.jsonl").read_text().splitlines()
    assert [json.loads(line)["caption"] for line in lines] == [r["caption"] for r in rows.values()]

    share = json.loads((exported(captions, "sharegpt") / "captions.json").read_text())
    (one,) = [s for s in share if s.get("video") == "smile.mp4"]
    assert [c["from"] for c in one["conversations"]] == ["human", "gpt"]
    assert one["conversations"][0]["value"].startswith("<video>\n")
    assert one["conversations"][1]["value"] == smile["caption"]
    assert len({s["id"] for s in share}) == len(rows)

    merr = json.loads((exported(captions, "merr") / "captions.json").read_text())
    assert merr["smile.mp4"]["pseu_emotion"] == "happiness"
    assert {"AU06", "AU12"} <= set(merr["smile.mp4"]["AU_list"])
    assert "lip corner puller" in merr["smile.mp4"]["visual_prior_list"]
    assert int(merr["smile.mp4"]["peak_index"]) == smile["peak"]["frame"]

    from PIL import Image

    fea = exported(captions, "fea20k")
    told = [json.loads(x) for x in (fea / "captions.jsonl").read_text().splitlines()]
    (face,) = [x for x in told if x["id"] == "smile.mp4"]
    assert "AU12" in face["AUs"]
    assert face["labels"] == ["happiness"]
    with Image.open(fea / face["image"]) as picture:
        assert picture.width < 640  # the face, not the whole frame

    exp = json.loads((exported(captions, "expllm") / "captions.json").read_text())
    assert all(len(x["au"]) == 24 and 0 <= min(x["au"]) <= max(x["au"]) <= 1 for x in exp)
    assert "**Key Observations**" in exp[0]["description"]

    with tarfile.open(exported(captions, "webdataset") / "captions-00000.tar") as tar:
        names = tar.getnames()
    assert {Path(n).suffix for n in names} == {".mp4", ".png", ".txt", ".json"}
    assert len({n.partition(".")[0] for n in names}) == len(rows)


def test_feafa_puts_each_side_in_its_place() -> None:
    smile = {"code": "AU12", "intensity": 4.0, "left": 5.0, "right": 2.5}
    values = feafa([smile, {"code": "AU26", "intensity": 2.0, "left": None, "right": None}])
    assert (values[11], values[12], values[8]) == (1.0, 0.5, 0.4)
    assert sum(values) == pytest.approx(1.9)


@pytest.fixture
def page(captions: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The review page of a copy of the captions."""
    out = tmp_path / "reviewed"
    shutil.copytree(captions, out)
    with Store(out) as store:
        server, url = review.serve(review.Review(store, captions))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield url, out
        server.shutdown()
        server.server_close()


def fetch(url: str, **headers: str) -> tuple[int, bytes, Any]:
    asked = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=30) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read(), problem.headers


def post(url: str, told: Any) -> tuple[int, bytes]:
    data = told if isinstance(told, bytes) else json.dumps(told).encode()
    asked = urllib.request.Request(url, data=data, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=30) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read()


def test_the_page_is_only_for_those_who_know_its_address(page: tuple[str, Path]) -> None:
    url, _ = page
    base, token = url.rstrip("/").rsplit("/", 1)
    assert len(token) >= 24
    assert fetch(url)[0] == 200
    assert "default-src 'none'" in fetch(url)[2]["Content-Security-Policy"]
    for other in (base, f"{base}/", f"{base}/rows", f"{base}/{'x' * len(token)}/rows"):
        assert fetch(other)[0] == 404
    assert fetch(f"{url}rows", Host="evil.example:80")[0] == 404
    assert fetch(f"{url}../../etc/passwd")[0] == 404
    assert fetch(f"{url}clip?id=../../../etc/passwd&person=P1")[0] == 404
    assert all(b"//" not in fetch(url + name)[1].replace(b"// ", b"") for name in ("", "page.css"))


def test_decisions_are_written_into_the_rows(page: tuple[str, Path]) -> None:
    url, out = page
    listed = json.loads(fetch(f"{url}rows")[1])
    assert {row["id"] for row in listed} == {"smile.mp4", "three.png"}
    told = {
        "id": "smile.mp4", "person": "P1", "review": "accepted", "caption": "He smiles.",
        "note": "shorter",
    }  # fmt: skip
    assert post(f"{url}decision", told)[0] == 200
    other = {"id": "three.png", "person": "P2", "review": "rejected", "caption": None, "note": None}
    assert post(f"{url}decision", other)[0] == 200
    rows = {(r["id"], r["person"]): r for r in read_rows(out)}
    seen = rows["smile.mp4", "P1"]
    assert (seen["review"], seen["review_caption"]) == ("accepted", "He smiles.")
    assert rows["three.png", "P2"]["review"] == "rejected"
    assert rows["three.png", "P1"]["review"] is None
    shown = json.loads(fetch(f"{url}row?id=smile.mp4&person=P1")[1])
    assert shown["has_clip"]
    assert shown["beside"]["caption"] == shown["caption"] != "He smiles."
    share = json.loads((exported_apart(out) / "captions.json").read_text())
    assert {s["id"]: s["conversations"][1]["value"] for s in share}["smile.mp4"] == "He smiles."
    assert "three.png#P2" not in {s["id"] for s in share}
    for bad in (
        {**told, "review": "maybe"}, {**told, "caption": 3}, [], b"{", {**told, "person": "P9"},
    ):  # fmt: skip
        assert post(f"{url}decision", bad)[0] in (400, 404)


def exported_apart(out: Path) -> Path:
    from agent.captions.exports import export

    return export(out, "sharegpt").folder


def test_the_page_plays_parts_of_a_clip_and_draws_its_strip(page: tuple[str, Path]) -> None:
    url, _ = page
    whole = fetch(f"{url}clip?id=smile.mp4&person=P1")
    part = fetch(f"{url}clip?id=smile.mp4&person=P1", Range="bytes=100-199")
    assert (whole[0], part[0]) == (200, 206)
    assert part[1] == whole[1][100:200]
    assert part[2]["Content-Range"] == f"bytes 100-199/{len(whole[1])}"
    assert fetch(f"{url}clip?id=smile.mp4&person=P1", Range="bytes=-50")[1] == whole[1][-50:]
    assert fetch(f"{url}strip?id=smile.mp4&person=P1")[1].startswith(b"\x89PNG")


def test_review_of_no_captions_says_so(tmp_path: Path) -> None:
    assert main(["review", str(tmp_path)]) == 2
    assert main(["export", str(tmp_path), "--to", "jsonl"]) == 2
    assert not list(tmp_path.iterdir())
    with pytest.raises(RunError, match="holds no captions"):
        list(read_rows(tmp_path))
