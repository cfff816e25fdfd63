"""Names of files and words of clips never command the terminal that shows them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import duchenne

from agent.util import terminal

EXAMPLE = Path(__file__).parents[1] / "docs" / "example" / "example.mp4"
EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202egpj.mp4"


def commands(text: str) -> list[str]:
    """Characters in a text that a terminal would obey."""
    return [
        c for c in text if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" or c in "\u202e"
    ]


@pytest.mark.parametrize(
    "words",
    [("look",), ("ask", "What?"), ("look", "--nonsense"), ("caption", "--out", "out"),
     ("data", "check", "affectnet"), ("eval", "run")],
    ids=" ".join,
)  # fmt: skip
def test_no_message_about_a_file_commands_the_terminal(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / EVIL).write_text("no clip at all")
    done = duchenne(words[0], EVIL, *words[1:], DUCHENNE_CACHE=str(tmp_path / "cache"))
    assert done.returncode != 0 or words[0] == "caption"
    assert commands(done.stdout + done.stderr) == []
    assert "Traceback" not in done.stderr


def test_a_look_at_a_clip_of_such_a_name_shows_it_written_out(tmp_path: Path) -> None:
    own = {"DUCHENNE_CACHE": str(tmp_path / "cache")}
    (tmp_path / EVIL).symlink_to(EXAMPLE)
    shown = duchenne("look", str(tmp_path / EVIL), **own)
    assert shown.returncode == 0, shown.stderr
    assert commands(shown.stdout) == []
    assert "\\u001b[31m" in shown.stdout
    told = duchenne("look", str(tmp_path / EVIL), "--json", **own)
    assert commands(told.stdout) == []
    assert json.loads(told.stdout)["media"]["file"] == EVIL


def test_a_name_that_is_no_utf8_is_shown_too(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\x1b.mp4"
    Path(os.fsdecode(name)).write_text("no clip")
    command = [sys.executable, "-P", "-m", "agent.cli.main", "look", name]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 3
    assert b"\x1b" not in done.stderr and b"Traceback" not in done.stderr


def test_plain_text_stays_as_it_is() -> None:
    text = "Zoë\t“smiles”\n笑顔 👩‍👩‍👧 مرحبا"
    assert terminal.plain(text) == text
