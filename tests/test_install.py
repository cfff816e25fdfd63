"""Every advice to install something is carried out as it stands, as far as that goes offline."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from packaging.requirements import Requirement

from agent.util import advice as install

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CODE = sorted(f for top in ("agent", "eval", "finetune") for f in (ROOT / top).rglob("*.py"))
PAPERS = [
    *sorted(ROOT.glob("*.md")), *sorted((ROOT / "data_cards").glob("*.md")),
    *sorted(f for f in (ROOT / "docs").rglob("*") if f.suffix in (".md", ".service", ".yaml")),
    ROOT / "docs" / "deploy" / "Dockerfile", ROOT / ".ci" / "run",
    *sorted((ROOT / "tests").glob("*.sh")),
]  # fmt: skip
PEERS = {"mediapipe", "praat-parselmouth", "schemathesis", "playwright"}
"""On the package index, for comparisons and tests alone: no extra brings them."""

ADVICE = re.compile(
    r"\bpip\"? install((?:[ \t]+(?:\\\n\s*)?(?:'[^'\n]+'|\"[^\"\n]+\"|[^\s`#&|;)\"']+))+)"
)


def advices(text: str) -> Iterator[list[str]]:
    """The words that follow each `pip install`."""
    for found in ADVICE.finditer(text.replace("\\\n", " ")):
        words = found[1].rstrip(".,:").strip() if not found[1].endswith(" .") else found[1]
        yield shlex.split(words)


def shapes(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Of one advice: each thing that is installed, as the place or name, and its extras."""
    for word in words:
        if word.startswith(("-", "$work")):  # an option, or a wheel that was built just before
            continue
        if local := re.fullmatch(r"(\.|/src|\$here)(?:\[([\w,]+)\])?", word):
            yield local[1], (local[2] or "").split(",") if local[2] else []
        else:
            asked = Requirement(word)
            yield asked.name, sorted(asked.extras)


def asked_of_install(path: Path) -> Iterator[list[str]]:
    """The extras of each call of `install.advice` in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "advice":
            yield [str(ast.literal_eval(argument)) for argument in node.args]


def test_what_is_said_to_install_is_there_to_be_installed() -> None:
    for path in (*PAPERS, *CODE):
        text, where = path.read_text(), str(path.relative_to(ROOT))
        for words in advices(text):
            for name, extras in shapes(words):
                assert name != "duchenne", f"{where}: no index has it: {words}"
                if name in (".", "/src", "$here"):
                    assert set(extras) <= set(EXTRAS), (where, words)
                elif path.suffix != ".sh":
                    assert name in PEERS, f"{where}: an extra should bring it: {words}"
        assert not re.search(r"(?<![\w.])duchenne\[[a-z,]+\]", text), f"{where}: no index has it"


def test_code_advises_in_one_place_with_extras_that_are_there() -> None:
    found = {str(path.relative_to(ROOT)): list(asked_of_install(path)) for path in CODE}
    calls = [extras for each in found.values() for extras in each]
    assert len(calls) >= 9
    assert all(set(extras) <= set(EXTRAS) for extras in calls), found
    assert set(get_args(install.Extra)) == set(EXTRAS)


@pytest.mark.parametrize(
    ("extra", "brings"),
    [
        ("words", {"faster-whisper"}),
        ("faces", {"moderngl"}),
        ("bench", {"inspect-ai"}),
        ("serve", {"fastapi", "uvicorn", "python-multipart", "prometheus-client", "h11"}),
        ("postgres", {"langgraph-checkpoint-postgres", "psycopg"}),
        ("scale", {"datasets", "ray"}),
        ("train", {"torch", "transformers", "peft", "trl", "bitsandbytes"}),
    ],
)
def test_an_extra_brings_what_its_advice_is_given_for(extra: str, brings: set[str]) -> None:
    assert brings <= {Requirement(one).name for one in EXTRAS[extra]}


def spoken() -> list[str]:
    """The ways in which code and documents say to install Duchenne itself, one for each form.

    Without a network the extras are not followed (that they are there is tested above), so lines
    that differ in nothing else are tried once.
    """
    said = [install.advice(), install.advice("words"), install.advice(python=sys.executable)]
    lines = [line.removesuffix(" " + install.WHERE) for line in said]
    for path in PAPERS:
        if path.suffix in (".md", ".service"):
            for words in advices(path.read_text()):
                if any(place == "." for place, _ in shapes(words)):
                    lines.append(shlex.join(["pip", "install", *words]))
    forms = {re.sub(r"^.* install|\[[\w,]+\]", lambda m: "[]" if m[0][0] == "[" else "", line): line
             for line in lines}  # fmt: skip
    return sorted(forms.values())


@pytest.mark.parametrize("line", spoken())
def test_an_advice_is_carried_out_in_the_clone(line: str, tmp_path: Path) -> None:
    words = shlex.split(line)
    words = words[words.index("install") + 1 :]
    offline = ["--dry-run", "--no-index", "--no-build-isolation", "--no-deps"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--isolated", "install", *offline, *words],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": "", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Would install duchenne" in done.stdout


def test_an_advice_follows_how_duchenne_was_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert install.advice("serve").startswith("pip install -e '.[serve]' in your clone")
    assert "/x/python -m pip install --no-deps -e ." in install.advice(python="/x/python")
    monkeypatch.setattr(install, "_from_clone", lambda: False)
    assert install.advice("serve").startswith("pip install '.[serve]' in your clone")


def test_these_tests_see_what_was_wrong_once() -> None:
    (wrong,) = advices("say `pip install 'duchenne[train]'`; then")
    assert list(shapes(wrong)) == [("duchenne", ["train"])]
    (wrong,) = advices("`pip install --no-deps duchenne`, which brings")
    assert list(shapes(wrong)) == [("duchenne", [])]
    (right,) = advices("`pip install -e '.[dev]' && pytest`")
    assert list(shapes(right)) == [(".", ["dev"])]
    (bare,) = advices("pip install . && duchenne ask")
    assert list(shapes(bare)) == [(".", [])]
