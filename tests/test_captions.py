"""Whole data sets: sources, rows, resume, failures. Real clips through real processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.captions.cli import main
from agent.captions.outcome import Failure, Outcome, RunError
from agent.captions.plan import Plan
from agent.captions.samples import Sample, SourceError
from agent.captions.sources import Source, samples
from agent.captions.store import Store, read_rows

EXAMPLE = Path(__file__).parents[1] / "docs" / "example" / "example.mp4"


def ids(name: str | Path, **more: Any) -> list[str]:
    return [sample.id for sample in samples(Source(str(name), **more))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clips = tmp_path / "clips"
    for name in ("b.mp4", "a.wav", "deep/c.jpg", "notes.txt", ".hidden.mp4"):
        (clips / name).parent.mkdir(parents=True, exist_ok=True)
        (clips / name).write_bytes(name.encode())
    return clips


def test_a_folder_gives_its_clips_in_order_and_nothing_else(folder: Path) -> None:
    assert ids(folder) == ["a.wav", "b.mp4", "deep/c.jpg"]
    assert ids(f"{folder}/**/*.jpg") == ["deep/c.jpg"]
    with pytest.raises(SourceError, match="finds no clip"):
        ids(f"{folder}/*.mkv")
    with pytest.raises(SourceError, match="nothing is called"):
        ids(folder / "nowhere")


def test_tables_name_clips_and_carry_labels_apart(folder: Path) -> None:
    rows = [{"video": "b.mp4", "emotion": "happy"}, {"video": "a.wav", "emotion": "sad"}]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "t.csv").write_text("video,emotion\nb.mp4,happy\na.wav,sad\n")
    for table in ("t.jsonl", "t.csv"):
        found = list(samples(Source(str(folder / table))))
        assert [s.id for s in found] == ["b.mp4", "a.wav"]
        assert [s.labels for s in found] == [{"emotion": "happy"}, {"emotion": "sad"}]
        assert found[0].path == folder / "b.mp4"
    (folder / "t.jsonl").write_text('{"video": "b.mp4"}\n{"video": "b.mp4"}\n')
    with pytest.raises(SourceError, match="twice"):
        ids(folder / "t.jsonl")
    (folder / "t.jsonl").write_text('{"picture": "b.mp4"}\n')
    with pytest.raises(SourceError, match="--clip-column"):
        ids(folder / "t.jsonl")
    assert ids(folder / "t.jsonl", columns=("picture",)) == ["b.mp4"]
    (folder / "t.jsonl").write_text('{"video": "b.mp4"}\n{"video"\n')
    with pytest.raises(SourceError, match="line 2"):
        ids(folder / "t.jsonl")


def test_a_hugging_face_data_set_on_disk_gives_its_bytes(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    clip = {"path": "b.mp4", "bytes": b"clip"}
    rows = datasets.Dataset.from_dict({"id": ["x"], "video": [clip], "emotion": ["joy"]})
    rows = rows.cast_column("video", datasets.Video(decode=False))
    rows.save_to_disk(str(tmp_path / "disk"))
    rows.to_parquet(str(tmp_path / "hub" / "data.parquet"))
    for place in ("disk", "hub"):
        (found,) = samples(Source(str(tmp_path / place)))
        assert (found.id, found.data, found.suffix) == ("x", b"clip", ".mp4")
        assert found.labels == {"emotion": "joy"}
        assert found.on_disk(tmp_path / "spool").read_bytes() == b"clip"


def test_the_key_follows_content_wording_model_and_told_labels_only() -> None:
    plan = Plan()
    key = plan.key("a" * 64, {"emotion": "joy"})
    assert key == plan.key("a" * 64, {"emotion": "fear"})
    told = Plan(known=("emotion",))
    assert told.key("a" * 64, {"emotion": "joy"}) != told.key("a" * 64, {"emotion": "fear"})
    others = {
        plan.key("b" * 64, {}),
        Plan(style="short").key("a" * 64, {}),
        Plan(revision="rules@2").key("a" * 64, {}),
        Plan(sensing="faces=2").key("a" * 64, {}),
    }
    assert key not in others
    assert len(others) == 4
    assert Plan(base_url="http://elsewhere/v1").key("a" * 64, {}) == key


def row(id: str, person: str = "P1", key: str = "k", caption: str = "") -> dict[str, Any]:
    return {"id": id, "person": person, "key": key, "caption": caption or id}


def done(id: str, key: str = "k", caption: str = "") -> Outcome:
    return Outcome(id, key, (row(id, key=key, caption=caption),))


def stored(out: Path) -> list[tuple[str, str]]:
    return sorted((r["id"], r["caption"]) for r in read_rows(out))


def test_a_torn_line_is_cut_off_and_whole_ones_are_kept(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for id in "ab":
            store.add(done(id))
    journal = next((tmp_path / ".work").glob("journal-*.jsonl"))
    whole = journal.read_bytes()
    for tear in (b'{"id": "c", "key": "k", "ro', b'{"id": "c"\n', b"\0" * 40):
        journal.write_bytes(whole + tear)
        with Store(tmp_path) as store:
            assert store.done == {"a": "k", "b": "k"}
    with Store(tmp_path) as store:
        store.add(done("c"))
        store.seal()
    assert stored(tmp_path) == [("a", "a"), ("b", "b"), ("c", "c")]


def test_a_kill_between_shard_and_journal_gives_nothing_twice(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add(done("a"))
        store.add(Outcome("bad", "k", failure=Failure("sensing", "unreadable_media", "torn")))
        journal = next((tmp_path / ".work").glob("journal-*.jsonl"))
        kept = journal.read_bytes()
        store.seal()
    journal.write_bytes(kept)
    (tmp_path / ".work" / "train-00007.parquet.tmp").write_bytes(b"half a shard")
    with Store(tmp_path) as store:
        assert store.done == {"a": "k"}
        assert list(store.failed) == ["bad"]
        store.add(done("b"))
        store.seal()
    assert stored(tmp_path) == [("a", "a"), ("b", "b")]
    assert not list((tmp_path / ".work").glob("*.tmp"))


def test_a_clip_captioned_anew_replaces_its_older_row(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for id in "ab":
            store.add(done(id, caption="old"))
        store.seal()
        store.add(done("a", key="k2", caption="new"))
        assert store.rows == 3 - 1 or store.rows == 3
        store.seal()
        assert store.rows == 2
    assert stored(tmp_path) == [("a", "new"), ("b", "old")]
    with Store(tmp_path) as store:
        assert store.done == {"a": "k2", "b": "k"}
        store.add(Outcome("b", "k2", failure=Failure("sensing", "unreadable_media", "gone")))
        store.seal()
    assert stored(tmp_path) == [("a", "new")]


def test_two_runs_cannot_hold_one_folder(tmp_path: Path) -> None:
    with Store(tmp_path), pytest.raises(RunError, match="another run or review holds"):
        Store(tmp_path)
    Store(tmp_path).close()


@pytest.fixture(scope="module")
def real(
    tmp_path_factory: pytest.TempPathFactory, media: Path, crowd: Path, voices: dict[str, Path]
) -> Iterator[Path]:
    """Four clips: a film, a picture of three, a voice, and a file that is none."""
    place = tmp_path_factory.mktemp("real")
    (place / "clips").mkdir()
    for file in (crowd, voices["anger"], media / "smile.mp4"):
        shutil.copy(file, place / "clips")
    (place / "clips" / "broken.mp4").write_text("no film")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCHENNE_CACHE", str(place / "cache"))
        yield place


def test_a_folder_becomes_parquet_and_a_second_run_adds_nothing(
    real: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = real / "out"
    assert main([str(real / "clips"), "--out", str(out)]) == 0
    assert "3 clips captioned, 1 failed" in capsys.readouterr().out
    rows = {(r["id"], r["person"]): r for r in read_rows(out)}
    assert set(rows) == {
        ("three.png", "P1"), ("three.png", "P2"),
        ("three.png", "P3"), ("anger.wav", ""), ("smile.mp4", "P1"),
    }  # fmt: skip
    film = rows["smile.mp4", "P1"]
    assert film["emotion"] == "happiness"
    assert [s["emotion"] for s in film["spans"]] == ["neutral", "happiness"]
    assert 0.4 < film["spans"][0]["end"] == film["spans"][1]["start"] < 0.8
    cues = {cue["id"] for cue in film["cues"]}
    assert film["sentences"]
    assert {id for s in film["sentences"] for id in s["cites"]} <= cues
    smile = {au["code"]: au["intensity"] for au in film["peak"]["aus"]}["AU12"]
    assert smile > 1.5
    assert (film["gold_conditioned"], film["review"], film["labels"]) == (False, None, None)
    (failure,) = map(json.loads, (out / "failures.jsonl").read_text().splitlines())
    assert (failure["id"], failure["error"]) == ("broken.mp4", "unreadable_media")
    assert "not a video" in failure["reason"]

    stamps = {p: p.stat().st_mtime_ns for p in (out / "data").iterdir()}
    assert main([str(real / "clips"), "--out", str(out)]) == 0
    assert "0 clips captioned, 4 were there already" in capsys.readouterr().out
    assert {p: p.stat().st_mtime_ns for p in (out / "data").iterdir()} == stamps

    shutil.copy(real / "clips" / "anger.wav", real / "clips" / "broken.mp4")
    assert main([str(real / "clips"), "--out", str(out), "--retry-failed"]) == 0
    assert "1 clips captioned, 3 were there already" in capsys.readouterr().out
    assert (out / "failures.jsonl").read_text() == ""
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["counts"] == {"clips": 4, "rows": 6, "failed": 0}

    assert main([str(real / "clips"), "--out", str(out), "--style", "cot"]) == 2
    assert "style: rich → cot" in capsys.readouterr().err
    assert main([str(real / "clips"), "--out", str(out), "--style", "cot", "--redo"]) == 0
    captions = [r["caption"] for r in read_rows(out)]
    assert len(captions) == 6
    assert all(c.startswith("<think>") and c.endswith("</answer>") for c in captions)


def test_datasets_reads_what_was_written(real: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "out"
    assert main([str(real / "clips"), "--out", str(out), "--style", "short"]) == 0
    found = datasets.load_dataset(
        "parquet", data_files=str(out / "data" / "*.parquet"), split="train",
        cache_dir=str(tmp_path / "hf"),
    )  # fmt: skip
    assert len(found) == sum(1 for _ in read_rows(out))
    told = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "hf2"))
    assert told["caption"] == found["caption"]


def test_labels_reach_a_caption_only_where_that_is_asked_for(real: Path, tmp_path: Path) -> None:
    clip = real / "clips" / "smile.mp4"
    (tmp_path / "t.jsonl").write_text(json.dumps({"video": str(clip), "emotion": "zorn-label"}))
    for name, more in (("plain", []), ("told", ["--with-labels", "emotion"])):
        out = tmp_path / name
        assert main([str(tmp_path / "t.jsonl"), "--out", str(out), *more]) == 0
        (row,) = read_rows(out)
        told = bool(more)
        assert row["gold_conditioned"] is told
        assert json.loads(row["labels"]) == {"emotion": "zorn-label"}
        rest = {k: v for k, v in row.items() if k not in ("labels", "id", "path")}
        assert ("zorn-label" in json.dumps(rest)) is told
        assert row["emotion"] == "happiness"
    assert "were** shown" in (tmp_path / "told" / "README.md").read_text()


@pytest.mark.usefixtures("real")
def test_a_data_card_is_a_source_like_any_other(
    emodb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent.cli.main import main as duchenne

    out = tmp_path / "out"
    given = ["caption", "EMO-DB", "--root", str(emodb), "--out", str(out)]
    assert duchenne([*given, "--sample", "2", "--style", "short"]) == 0
    rows = list(read_rows(out))
    assert len(rows) == 2
    assert all(json.loads(row["labels"])["label"] for row in rows)
    assert all((emodb / row["path"]).exists() for row in rows)
    assert duchenne(["caption", "EMO-DB", "--out", str(tmp_path / "other")]) == 2
    assert "where is emodb? give --root" in capsys.readouterr().err


def test_a_choice_of_clips_is_the_same_each_time_and_grows() -> None:
    from agent.captions.runner import chosen

    everything = [Sample(f"{n:03d}") for n in range(100)]
    few, more = (
        [s.id for s in chosen(reversed(everything) if n == 5 else everything, n)] for n in (5, 20)
    )
    assert len(few) == 5
    assert set(few) < set(more)
    assert more == sorted(more)


def test_wrong_use_is_said_before_anything_is_made(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([str(tmp_path / "nowhere"), "--out", str(out)]) == 2
    assert "give a folder" in capsys.readouterr().err
    assert main([str(folder), "--out", str(out), "--budget", "ten"]) == 2
    assert "--budget 'ten' is none" in capsys.readouterr().err
    assert not out.exists()


def test_one_ctrl_c_finishes_what_is_under_way(real: Path, tmp_path: Path) -> None:
    import signal
    import time

    clips = tmp_path / "clips"
    clips.mkdir()
    for n in range(30):
        shutil.copy(real / "clips" / "anger.wav", clips / f"{n:02d}.wav")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "agent.cli.main", "caption", str(clips), "--out", str(out)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = out / ".work" / "journal-00000.jsonl"
    while run.poll() is None and not (journal.exists() and journal.stat().st_size):
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    told, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "finishing the clips under way" in said
    assert "stopped; the same command goes on from here" in told
    made = sum(1 for _ in read_rows(out))
    assert 0 < made < 30
    assert main([str(clips), "--out", str(out)]) == 0
    assert sum(1 for _ in read_rows(out)) == 30
