"""The command line as people use it: real processes, real files, exit codes, clean output."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from commands import duchenne


def test_help_names_every_command_and_is_quick() -> None:
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        found = duchenne("--help")
        took.append(time.perf_counter() - begun)
    assert found.returncode == 0
    for command in ("ask", "look", "chat", "models", "doctor", "eval", "train"):
        assert f"    {command} " in found.stdout
    assert min(took) < 0.6, took  # 0.3 s on a machine to itself; tests share theirs


def test_light_modules_stay_light() -> None:
    heavy = "{'torch', 'transformers', 'cv2', 'av', 'langgraph', 'openai', 'pyarrow', 'numpy'}"
    code = f"import sys, agent, agent.cli.main; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [(), ("ask",), ("ask", "clip.mp4"), ("look", "--nonsense", "x")])
def test_wrong_use_is_2_with_the_usage(words: tuple[str, ...]) -> None:
    found = duchenne(*words)
    assert found.returncode == 2
    assert "usage: duchenne" in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _path: None, "no such file"),
        (lambda path: path.mkdir(), "folder"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("not a video at all, just words\n" * 50), "clip.mp4"),
    ],
    ids=["missing", "directory", "empty", "text"],
)
def test_unreadable_media_is_3_and_says_what_was_given(
    make: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    make(clip)
    found = duchenne("ask", str(clip), "What does she feel?", DUCHENNE_CACHE=str(tmp_path / "c"))
    assert found.returncode == 3, found.stderr
    assert says in found.stderr.lower()
    assert str(clip) in found.stderr
    assert "Traceback" not in found.stderr
    assert found.stdout == ""


def test_doctor_tells_what_each_missing_part_would_add(tmp_path: Path) -> None:
    found = duchenne("doctor", "--json", DUCHENNE_CACHE=str(tmp_path))
    assert found.returncode == 0, found.stderr
    rows = json.loads(found.stdout)
    assert all(row["part"] and row["state"] for row in rows)
    assert any("whisper" in str(row).lower() for row in rows)


def test_the_version_is_that_of_the_package() -> None:
    found = duchenne("--version")
    assert found.returncode == 0
    assert found.stdout == f"duchenne {version('duchenne')}\n"
