"""One family of errors: codes and exit statuses, and who is outside of it on purpose."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import pytest

from agent.captions.outcome import failed
from agent.cli.main import main
from agent.graph.conversation import ThreadBusyError
from agent.media import MediaError
from agent.models.clients import HostBusyError, HostRefusedError
from agent.schema.errors import DuchenneError, code_of, codes_of, exit_status_of
from agent.util.cache import FullError

ROOT = Path(__file__).parents[1]
INSIDE = {
    "ApiError", "GoneError", "FetchError", "TooMuchError", "FailedError",
}  # fmt: skip
"""Caught within the room that raises them, or told in a protocol's own shape."""


def test_every_error_of_ours_is_of_the_family_and_has_a_code_of_its_own() -> None:
    codes: dict[str, set[str]] = {}
    for room in ("agent", "eval", "finetune"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if not isinstance(node, ast.ClassDef) or not node.name.endswith("Error"):
                    continue
                if node.name in INSIDE or node.name == "DuchenneError":
                    continue
                said = ast.unparse(node)
                found = re.search(r"\n    code = '([a-z_]+)'", said)
                assert found, f"{file}: {node.name} has no code"
                codes.setdefault(found[1], set()).add(node.name)
    several = {code: names for code, names in codes.items() if len(names) > 1}
    assert several == {"bad_weights": {"ReadOutError", "WordsWeightsError"}}
    assert len(codes) > 30


def test_codes_and_statuses_go_from_the_narrowest_kind_to_the_widest() -> None:
    busy = HostBusyError("full", after=2.0)
    assert codes_of(busy) == ["model_busy", "model_refused", "model_failed", "failed"]
    assert exit_status_of(busy) == exit_status_of(HostRefusedError("no")) == 4
    assert exit_status_of(ThreadBusyError("in use")) == 1
    assert code_of(FullError("full")) == "disk_full" and exit_status_of(OSError()) == 1
    assert code_of(PermissionError()) == "system" and code_of(MemoryError()) == "out_of_memory"
    assert code_of(KeyError("x")) == "KeyError" and exit_status_of(KeyError("x")) is None


def test_an_error_keeps_its_words_and_its_hint_through_a_process() -> None:
    error = MediaError("notes.txt: text, not a clip.", hint="Give a video.")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "notes.txt: text, not a clip. Give a video."
    assert isinstance(again, ValueError) and isinstance(again, DuchenneError)
    assert failed("sensing", error).error == "unreadable_media"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["look", "nowhere.mp4"], 3),
        (["look", "{clip}", "--aus", "nonsense"], 2),
        (["ask", "{clip}", "Is he?", "--model", "nonsense"], 2),
        (["ask", "{clip}", "Is he?", "--model", "openai:x", "--base-url", "http://127.0.0.1:9"], 4),
        (["eval", "claims", "nowhere.jsonl", "--evidence", "nowhere.json"], 2),
        (["caption", "nowhere", "--out", "{tmp}"], 2),
    ],
)
def test_the_command_ends_with_the_status_of_the_error(
    words: list[str], status: int, media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = str(media / "ann_smile.jpg")
    assert main([word.format(clip=clip, tmp=tmp_path / "out") for word in words]) == status
    assert capsys.readouterr().err.count("duchenne: ") == 1
