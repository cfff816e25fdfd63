"""The name users import, and its arguments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import duchenne

ROOT = Path(__file__).resolve().parents[1]


def run(code: str, folder: Path) -> str:
    """What a fresh interpreter prints that starts in `folder`, as `python -c` does."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(ROOT)!r}); {code}"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_folder_with_an_agent_of_its_own_does_not_get_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "__init__.py").write_text("print('somebody else')")
    said = run("sys.path.insert(0, '.'); from duchenne import ask; print(ask.__module__)", tmp_path)
    assert said.strip() == "agent.api"


def test_another_agent_already_in_use_is_named(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "__init__.py").write_text("")
    said = run("sys.path.insert(0, '.'); import agent; import duchenne", tmp_path)
    assert "another package called 'agent' is in use" in said


def test_importing_it_loads_nothing_heavy(tmp_path: Path) -> None:
    said = run("import duchenne; print('numpy' in sys.modules, 'agent' in sys.modules)", tmp_path)
    assert said.strip() == "False False"


@pytest.mark.parametrize("name", duchenne.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(duchenne, name) is not None


def test_a_misspelt_argument_is_an_error() -> None:
    with pytest.raises(TypeError, match="modell"):
        duchenne.ask("clip.mp4", "What?", modell="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="subtitle"):
        duchenne.look("clip.mp4", subtitle="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="persom"):
        duchenne.Session("clip.mp4", persom="P1")  # type: ignore[call-arg]


def test_types_are_shipped() -> None:
    assert (ROOT / "duchenne" / "py.typed").exists()
