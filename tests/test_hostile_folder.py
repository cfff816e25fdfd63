"""Clips lie in folders of strangers: code beside them is never run, by us or by a child of ours."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from agent.assets import download as fetch
from agent.server.worker_pool import Child, LostError
from agent.util import process
from agent.vllm import command
from agent.vllm.checkpoint import Model
from agent.vllm.command import Hosting

EXAMPLE = Path(__file__).parents[1] / "docs" / "example" / "example.mp4"
MODULES = (
    "pip", "pickle", "numpy", "json", "sitecustomize", "usercustomize", "socket", "av", "cv2",
    "vllm", "ray", "onnxruntime", "argparse", "typing", "ctypes", "select", "queue",
)  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a clip, in which we are, full of modules that leave a mark when they run."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number, name in enumerate(MODULES):
        mark = f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r} + chr(10))\n"
        if number % 2:
            (folder / f"{name}.py").write_text(mark)
        else:
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(mark)
            (folder / name / "__main__.py").write_text(mark)
    shutil.copyfile(EXAMPLE, folder / "clip.mp4")
    monkeypatch.chdir(folder)
    return folder


def ran(folder: Path) -> str:
    mark = folder.parent / "ran"
    return mark.read_text() if mark.exists() else ""


def test_the_folder_is_hostile(hostile: Path) -> None:
    """The trap works: a Python begun in the usual way runs what lies there."""
    subprocess.run([sys.executable, "-c", "import json"], check=False, env=_bare())
    assert ran(hostile) == "json\n"


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}


SCRIPT = [sys.executable, str(Path(sys.executable).with_name("duchenne"))]
MODULE = [sys.executable, "-m", "agent.cli.main"]


@pytest.mark.parametrize("start", [SCRIPT, MODULE], ids=["duchenne", "python -m"])
@pytest.mark.parametrize(
    "words",
    [
        ("look", "clip.mp4"),
        ("ask", "clip.mp4", "What does she feel?"),
        ("caption", "clip.mp4", "--out", "out", "--workers", "1"),
    ],
    ids=["look", "ask", "caption"],
)
def test_no_command_runs_code_beside_the_clips(
    start: list[str], words: tuple[str, ...], hostile: Path
) -> None:
    done = subprocess.run(
        [*start, *words], env=_bare(), capture_output=True, text=True, check=False
    )
    assert ran(hostile) == ""
    assert done.returncode == 0, done.stderr


def test_fetching_a_package_runs_the_installed_pip(hostile: Path, tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(fetch.FetchError):
        fetch.wheel("this-is-no-package==0.0.1", "3.11", "any", into, 10)
    assert ran(hostile) == ""
    assert "this-is-no-package" in (into / "pip.log").read_text()


@pytest.mark.parametrize("path", ["", ".", ":", "data:."])
def test_children_of_the_server_search_installed_code_only(
    path: str, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", path)

    async def begun() -> None:
        child = await Child.begun(
            "agent.server.reasoning_worker", [], process.restricted(secrets=False)
        )
        await child.end()

    with suppress(LostError):  # it may want settings; that it came so far is enough
        asyncio.run(begun())
    assert ran(hostile) == ""


def test_the_command_line_of_vllm_runs_the_installed_one(hostile: Path) -> None:
    words = command.command(Hosting(Model("nowhere", None, None)))
    done = subprocess.run(words, env=command.environment(None, _bare()), capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert ran(hostile) == ""
    assert "vllm" in done.stderr  # it is not here, or does not find the model
    assert "PYTHONSAFEPATH=1" in command.printed(Hosting(Model("nowhere", None, None)))


def test_a_variable_of_the_operator_reaches_every_child() -> None:
    made = process.environment(ours={"HF_HOME": "/models", "MINE": "1"})
    assert made["HF_HOME"] == "/models" and made["MINE"] == "1"
    assert made["ORT_DISABLE_TELEMETRY"] == "1"
