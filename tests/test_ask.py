"""From the example clip to a cited answer, with the real senses: what a newcomer does first."""

from __future__ import annotations

import gzip
import json
import re
import time
from pathlib import Path

import pytest
from commands import duchenne

from agent import api
from agent.graph import remembered
from agent.perception import look as perceive
from agent.perception.series import read_people, read_voice
from agent.schema.answer import Answer
from agent.schema.evidence import load
from agent.util.cache import cache_dir

EXAMPLE = Path(__file__).parents[1] / "docs" / "example" / "example.mp4"
ANSWER = {
    "answer", "person", "span", "emotions", "valence", "arousal", "behavior", "cognition", "claims",
    "grounded", "confidence", "missing", "model", "evidence",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for this file, so that the clip is sensed once; model files stay shared."""
    cache = tmp_path_factory.mktemp("cache")
    models = cache_dir("models")
    models.mkdir(parents=True, exist_ok=True)
    (cache / "models").symlink_to(models)
    return cache


@pytest.fixture(scope="module")
def looked(home: Path) -> Path:
    """The folder that `look --out` filled."""
    out = home / "out"
    found = duchenne("look", str(EXAMPLE), "--out", str(out), DUCHENNE_CACHE=str(home))
    assert found.returncode == 0, found.stderr
    return out


def test_look_writes_evidence_series_and_pictures(looked: Path) -> None:
    evidence = load(looked / "evidence.json")
    series = read_people(looked / "series.parquet")["P1"]
    assert evidence.series == str(looked / "series.parquet")
    assert len(series["time"]) == pytest.approx(225, abs=3)  # 9 s at 25 frames a second
    assert {"AU12", "AU12_L", "AU12_R", "AU12_rel", "pose_yaw", "quality"} <= set(series)
    assert len(read_voice(looked / "voice.parquet")["time"]) == pytest.approx(905, abs=10)
    for picture in ("strip.png", "face.png", "voice.png"):
        assert (looked / picture).stat().st_size > 5000


def test_the_smile_is_found_when_it_was_made(looked: Path) -> None:
    truth = json.loads(gzip.decompress(EXAMPLE.with_suffix(".json.gz").read_bytes()))
    made = next(event for event in truth["events"] if event["au"] == 12)
    found = [cue for cue in load(looked / "evidence.json").cues if cue.code == "AU12"]
    assert min(abs(cue.start - made["onset"]) for cue in found) < 0.3


def test_the_words_are_hers_while_her_mouth_moves(looked: Path) -> None:
    words = [cue for cue in load(looked / "evidence.json").cues if cue.sense == "words"]
    assert [cue.text for cue in words] == ["We really got the flat!", "At double the rent?!"]
    assert {cue.person for cue in words} == {"P1"}


def test_ask_prints_one_object_and_every_citation_exists(home: Path, looked: Path) -> None:
    question = "What does she feel, and why?"
    found = duchenne("ask", str(EXAMPLE), question, "--json", DUCHENNE_CACHE=str(home))
    assert found.returncode == 0, found.stderr
    answer = json.loads(found.stdout)
    assert set(answer) >= ANSWER
    assert answer["emotions"][0]["label"] in ("happiness", "neutral")
    known = {cue.id for cue in load(looked / "evidence.json").cues}
    assert answer["claims"]
    assert all(set(claim["cites"]) <= known for claim in answer["claims"])
    assert answer["grounded"] == 1.0
    assert found.stderr == ""


def test_a_thread_goes_on_and_knows_its_clip(home: Path, looked: Path, tmp_path: Path) -> None:
    def ask(clip: Path, question: str) -> tuple[int, str]:
        found = duchenne("ask", str(clip), question, "--thread", "t", DUCHENNE_CACHE=str(home))
        return found.returncode, found.stdout + found.stderr

    code, first = ask(EXAMPLE, "When does she smile?")
    assert code == 0, first
    assert "0:0" in first and "[A" in first
    code, then = ask(EXAMPLE, "And what happens after that?")
    assert code == 0, then
    other = tmp_path / "other.png"
    other.write_bytes((looked / "voice.png").read_bytes())
    code, refused = ask(other, "And here?")
    assert code == 2
    assert "another clip (example.mp4)" in refused


@pytest.mark.usefixtures("looked")
def test_a_second_look_does_no_sensing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCHENNE_CACHE", str(home))
    assert not perceive.look(perceive.Request(EXAMPLE)).fresh


def test_an_address_is_refused_with_what_to_do() -> None:
    with pytest.raises(Exception, match="Download the clip"):
        api.look("https://example.org/clip.mp4")


@pytest.mark.usefixtures("looked")
def test_what_the_rules_answered_is_read_back_without_the_graph(home: Path) -> None:
    def asked(question: str, *more: str) -> tuple[float, str, str]:
        begin = time.perf_counter()
        found = duchenne("ask", str(EXAMPLE), question, *more, DUCHENNE_CACHE=str(home))
        assert found.returncode == 0, found.stderr
        return time.perf_counter() - begin, found.stdout, found.stderr

    question = "When does she raise her brows?"
    first, told, _ = asked(question)
    again, same, _ = asked(question)
    assert same == told
    assert again < 0.7 * first
    loaded = duchenne(
        "ask", str(EXAMPLE), question, DUCHENNE_CACHE=str(home), PYTHONPROFILEIMPORTTIME="1"
    ).stderr
    assert re.search(r"\| +agent\.graph\.remembered$", loaded, re.MULTILINE)
    assert not re.search(r"\| +(?:numpy|av|cv2|pyarrow|langgraph)$", loaded, re.MULTILINE)
    assert asked("When does she smile?")[1] != told
    felt = "What does she feel?"
    assert asked(felt, "--profile", "learning")[1] != asked(felt)[1]


def test_a_kept_answer_is_that_of_this_code_and_question_alone(tmp_path: Path) -> None:
    told = remembered.Answered(Answer(answer="Yes.", person=None, span=(0, 1), model="rules"), ())
    remembered.write(tmp_path, ("Is she?", "general", None), told)
    assert remembered.read(tmp_path, ("Is she?", "general", None)) == told
    assert remembered.read(tmp_path, ("Is she?", "general", "P2")) is None
    (kept,) = (tmp_path / remembered.FOLDER).iterdir()
    kept.write_text(kept.read_text()[:20])
    assert remembered.read(tmp_path, ("Is she?", "general", None)) is None, "torn, so not there"
