"""Tables of clips as other systems and people write them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agent.captions.cli import main
from agent.captions.samples import Sample, SourceError
from agent.captions.sources import Source, samples


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4", "c.wav", "c.mp4"):
        path = tmp_path / "clips" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def listed(
    folder: Path, content: str | bytes, name: str = "t.csv"
) -> tuple[list[Sample], list[str]]:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    notes: list[str] = []
    return list(samples(Source(str(folder / name)), say=notes.append)), notes


def places(found: list[Sample]) -> list[str | None]:
    return [sample.place for sample in found]


TEXT = "path,text\nclips/a.mp4,我太高兴了\nclips/b.mp4,你好\n"


@pytest.mark.parametrize("coding", ["gbk", "gb18030", "utf-16", "utf-16-le", "utf-8-sig"])
def test_encodings(folder: Path, coding: str) -> None:
    found, notes = listed(folder, TEXT.encode(coding))
    assert places(found) == ["clips/a.mp4", "clips/b.mp4"]
    assert [sample.labels["text"] for sample in found] == ["我太高兴了", "你好"]
    assert bool(notes) == (coding not in ("utf-16", "utf-8-sig"))
    assert all("t.csv" in note for note in notes)


def test_json_lines_and_lists_in_utf_16(folder: Path) -> None:
    row = {"path": "clips/a.mp4", "emotion": "größer"}
    for name, text in (("t.jsonl", json.dumps(row)), ("t.json", json.dumps([row]))):
        found, _ = listed(folder, text.encode("utf-16"), name)
        assert places(found) == ["clips/a.mp4"] and found[0].labels == {"emotion": "größer"}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(folder: Path, separator: str) -> None:
    text = "Path,Emotion\nclips/a.mp4,Angry\nclips/b.mp4,HAPPY\n".replace(",", separator)
    found, _ = listed(folder, text)
    assert places(found) == ["clips/a.mp4", "clips/b.mp4"]
    assert [sample.labels for sample in found] == [{"Emotion": "Angry"}, {"Emotion": "HAPPY"}]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("clips\\a.mp4", "clips/a.mp4"),
        (" clips/a.mp4 ", "clips/a.mp4"),
        ("clips/a", "clips/a.mp4"),
        ("clips\\A.MP4", "clips/a.mp4"),
        (".\\clips\\b", "clips/b.mp4"),
    ],
)
def test_names_as_other_systems_write_them(folder: Path, written: str, meant: str) -> None:
    found, notes = listed(folder, f"path,emotion\n{written},x\n")
    assert places(found) == [meant] and found[0].problem is None and found[0].id == meant
    assert bool(notes) == (written.strip() != meant)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "no clip named: column path is empty in line 3"),
        ("clips/c", "names 2 files (c.mp4, c.wav)"),
        ("clips\\z.mp4", "no file"),
        ("elsewhere/z.mp4", "--root"),
    ],
)
def test_a_clip_that_is_not_there_is_named_and_the_others_are_read(
    folder: Path, written: str, said: str
) -> None:
    found, _ = listed(folder, f"path,emotion\nclips/a.mp4,Angry\n{written},\n\nclips/b.mp4,HAPPY\n")
    assert len(found) == 3 and [sample.problem is None for sample in found] == [True, False, True]
    with pytest.raises(SourceError) as caught:
        found[1].sha256()
    assert said in str(caught.value)


def test_empty_rows_at_the_end_are_none(folder: Path) -> None:
    found, _ = listed(folder, "path,emotion\nclips/a.mp4,Angry\n,\n,\n\n")
    assert places(found) == ["clips/a.mp4"]


def test_a_separator_inside_a_text_and_a_file_that_is_no_text_are_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match="line 3: 3 cells and 2 columns"):
        listed(folder, "path,text\nclips/a.mp4,hi\nclips/b.mp4,oh, well\n")
    with pytest.raises(SourceError, match=r"t\.csv"):
        listed(folder, b"\x00\x01\x02\x00\x00\xff\x00\x00")


def test_a_run_in_which_every_clip_failed_does_not_exit_with_0(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUCHENNE_MODEL", raising=False)
    (folder / "t.csv").write_text("path,emotion\nclips\\y.mp4,x\n,y\n")
    out = folder / "out"
    assert main([str(folder / "t.csv"), "--out", str(out), "--workers", "1"]) != 0
    told = (out / "failures.jsonl").read_text()
    assert "no clip named" in told and "y.mp4" in told and "2 failed" in capsys.readouterr().out


def test_a_legacy_table_with_backslashes_is_captioned(
    folder: Path, media: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUCHENNE_MODEL", raising=False)
    shutil.copy(media / "smile.mp4", folder / "clips" / "a.mp4")
    (folder / "t.csv").write_bytes("path,text\nclips\\a.mp4,我太高兴了\n".encode("gbk"))
    assert main([str(folder / "t.csv"), "--out", str(folder / "out"), "--workers", "1"]) == 0
    said = capsys.readouterr()
    assert "1 clips captioned" in said.out
    assert "GB18030" in said.err and "backslashes" in said.err
