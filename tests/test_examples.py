"""The examples run as they stand, on the example clip and on rendered pictures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
CLIP = ROOT / "docs" / "example" / "example.mp4"


def run(name: str, *arguments: object) -> str:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        capture_output=True, text=True, timeout=240, check=False, env=os.environ | {"PATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_one_clip_is_asked() -> None:
    told = run("ask_one_clip.py", CLIP)
    assert "happiness" in told and "supported: " in told and "The smile lasts from" in told


def test_a_folder_is_captioned(media: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(media / "ann_smile.jpg", clips / "one.jpg")
    told = run("caption_folder.py", clips, tmp_path / "captions")
    assert "\none.jpg [" in told and "happiness" in told


def test_a_server_is_asked_with_the_openai_client() -> None:
    assert "happiness" in run("serve_and_ask.py", CLIP)


def test_the_notebook_runs() -> None:
    pytest.importorskip("pandas")
    cells = json.loads((EXAMPLES / "look_at_a_clip.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 4
    try:
        import matplotlib as _plots  # noqa: F401
    except ImportError:
        code = [one for one in code if "plt." not in one]
    names: dict[str, object] = {}
    for one in code:
        exec(compile(one, "look_at_a_clip.ipynb", "exec"), names)
    assert names["answer"]
