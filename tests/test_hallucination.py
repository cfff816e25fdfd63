"""The bench of hallucinations: pairs made from clips, published formats, strict scores."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import by_hand
import loopback
import numpy as np
import pytest
from loopback import said as reply
from loopback import text_of

from agent.perception import look as perceive
from eval import cli, grounding, hallucination, pairs
from eval.hallucination import PairsError, Question, guessed, read, said, score, write

FPS = 20


def truth(folder: Path, frames: dict[str, Any]) -> Path:
    """A clip's truth beside where the clip would be."""
    record = {"fps": FPS, "frames": {k: list(v) for k, v in frames.items()}}
    (folder / "face.json.gz").write_bytes(gzip.compress(json.dumps(record).encode()))
    return folder / "face.mp4"


def bump(start: float, end: float, power: float, seconds: float = 10) -> np.ndarray:
    times = np.arange(int(seconds * FPS)) / FPS
    return np.interp(times, [start, start + 0.3, end - 0.3, end], [0, power, power, 0])


def by_kind(questions: list[Question]) -> dict[str, list[Question]]:
    found: dict[str, list[Question]] = {}
    for question in questions:
        found.setdefault(question.kind, []).append(question)
    return found


# --- pairs from truth -----------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> dict[str, list[Question]]:
    """A left-sided smile from 1 to 4 s, two frowns."""
    frown = bump(1, 2.5, 3) + bump(6, 8, 4)
    clip = truth(tmp_path, {"AU12_L": bump(1, 4, 4), "AU12_R": np.zeros(200),
                            "AU04_L": frown, "AU04_R": frown})  # fmt: skip
    return by_kind(pairs.made(clip))


def test_a_unit_that_moves_is_paired_with_one_that_rests(
    made: dict[str, list[Question]],
) -> None:
    golds = {q.text: q.gold for q in made["unit"]}
    assert golds["Does the person pull up the lip corners?"] == "yes"
    assert golds["Does the person lower the brows?"] == "yes"
    moved = {"Does the person pull up the lip corners?", "Does the person lower the brows?"}
    hallucinated = {text for text, gold in golds.items() if gold == "no"}
    assert hallucinated and not hallucinated & moved
    # Its look-alikes are too hard a question to be fair.
    assert not any("cheeks" in text or "dimple" in text for text in hallucinated)


def test_times_and_sides_are_the_truths(made: dict[str, list[Question]]) -> None:
    (side,) = made["side"]
    assert "pull up the lip corners, left, right or both" in side.text and side.gold == "left"
    for question in made["time"]:
        start, end = (float(word) for word in question.text.split() if word[:1].isdigit())
        moves = bump(1, 4, 4) if "lip corners" in question.text else bump(1, 2.5, 3) + bump(6, 8, 4)
        inside = moves[round(start * FPS) : round(end * FPS)]
        assert (inside.min() >= 1.9) if question.gold == "yes" else (inside.max() <= 0.05)


def test_counts_are_the_truths_and_stand_among_others(made: dict[str, list[Question]]) -> None:
    golds = {q.text: q for q in made["count"]}
    assert golds["How many times does the person lower the brows?"].gold == "twice"
    assert golds["How many times does the person pull up the lip corners?"].gold == "once"
    assert all(q.gold in q.choices and len(set(q.choices)) == 4 for q in golds.values())


def test_what_cannot_be_counted_for_certain_is_not_asked(tmp_path: Path) -> None:
    weak = bump(1, 3, 4) + bump(5, 6, 0.8)
    close = bump(1, 2, 4) + bump(2.3, 4, 4)
    clip = truth(tmp_path, {"AU12_L": weak, "AU12_R": weak, "AU04_L": close, "AU04_R": close})
    assert "count" not in by_kind(pairs.made(clip))


def test_the_same_clip_gives_the_same_pairs(tmp_path: Path) -> None:
    clip = truth(tmp_path, {"AU12_L": bump(1, 4, 4), "AU12_R": bump(1, 4, 4)})
    assert pairs.made(clip) == pairs.made(clip)


def test_pairs_of_what_was_measured(media: Path) -> None:
    clip = media / "talks.mp4"
    found = perceive.look(perceive.Request(clip)).evidence
    spoken = found.model_copy(
        update={"cues": by_hand.number([*found.cues, by_hand.words("We finally won", 1, 2)])}
    )
    kinds = by_kind([q for q in pairs.made(clip, spoken) if q.source == "measured"])
    assert {q.gold for q in kinds["words"]} == {"yes", "no"}
    assert any('"finally"' in q.text for q in kinds["words"] if q.gold == "yes")


def test_the_voice_is_asked_of_as_it_was_measured() -> None:
    lower = by_hand.voice("pitch", 2.0, 4.0, -1.8, "pitch below her usual")
    faint = by_hand.voice("energy", 2.0, 4.0, 0.4, "as loud as usual")
    evidence = by_hand.smiling(cues=by_hand.number([lower, faint]))
    (one,) = by_kind(pairs.made(Path("a.mp4"), evidence))["voice"]
    assert one.text == "How is the pitch of the voice between 2.0 and 4.0 seconds?"
    assert one.gold == "lower than usual" and set(one.choices) == {one.gold, "higher than usual"}


def test_words_beside_a_clip_reach_whoever_answers(tmp_path: Path) -> None:
    """The clip is given under a name that tells nothing, beside which no subtitles lie."""
    example = Path(__file__).parents[1] / "docs" / "example" / "example.mp4"
    evidence = perceive.look(perceive.Request(example)).evidence
    questions = [q for q in pairs.made(example, evidence) if q.kind == "words"]
    assert len(questions) >= 2
    found = grounding.run(questions, grounding.answerer("rules"), tmp_path / "a", name="rules")
    assert {k: a.said for k, a in found.items()} == {q.id: q.gold for q in questions}


def test_the_owners_label_is_asked_instead_of_the_readings(media: Path) -> None:
    questions = pairs.made(media / "smile.mp4", label="anger")
    labelled = [q for q in questions if q.source == "labelled"]
    assert labelled[0].text == "Does the person look angry?" and labelled[0].gold == "yes"
    assert labelled[1].gold == "no" and labelled[1].pair == labelled[0].pair


# --- published formats ----------------------------------------------------------------------


def test_both_ways_of_shipping_pairs_are_read(tmp_path: Path) -> None:
    rows = [
        {"basic": {"video": "a.mp4", "question": "Smiles?", "answer": "Yes."},
         "hallucination": {"video": "a.mp4", "question": "Frowns?", "answer": "No"},
         "type": "action"},
        {"video_id": "b.mp4", "positive": {"question": "Laughs?"},
         "negative": {"question": "Cries?", "video_id": "c.mp4"}},
    ]  # fmt: skip
    (tmp_path / "pairs.json").write_text(json.dumps({"perception": rows}))
    found = read(tmp_path / "pairs.json", tmp_path / "clips")
    assert [q.gold for q in found] == ["yes", "no", "yes", "no"]
    assert found[0].pair == found[1].pair != found[2].pair
    assert found[0].kind == "action"
    assert [q.clip.name for q in found if q.clip] == ["a.mp4", "a.mp4", "b.mp4", "c.mp4"]
    assert found[0].clip == tmp_path / "clips" / "a.mp4"


@pytest.mark.parametrize("answer", ["B", "(B)", "B. a raised voice", "a raised voice", 1])
def test_choices_are_read_however_the_answer_is_told(tmp_path: Path, answer: Any) -> None:
    row = {"video": "a.mp4", "question": "Which cue?", "answer": answer,
           "options": ["(A) a smile", "(B) a raised voice", "(C) tears"],
           "task": "Emotion Reasoning - Stress Test, Hallucination"}  # fmt: skip
    (tmp_path / "q.json").write_text(json.dumps([row]))
    (one,) = read(tmp_path / "q.json")
    assert one.gold == "a raised voice"
    assert one.choices == ("a smile", "a raised voice", "tears")
    assert one.task == "hallucination"


def test_options_by_letter_are_read(tmp_path: Path) -> None:
    row = {
        "video": "a.mp4", "question": "Do they agree?", "category": "Modality Agreement",
        "options": {"A": "yes, both", "B": "the voice alone"}, "correct_answer": "B",
    }  # fmt: skip
    (tmp_path / "q.json").write_text(json.dumps([row]))
    (one,) = read(tmp_path / "q.json")
    assert (one.gold, one.task) == ("the voice alone", "agreement")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "holds no question"),
        ('[{"question": "x"}]', "neither a pair"),
        ('[{"basic": {"question": "x"}}]', "'hallucination' needs"),
        ('[{"basic": {"question": "x", "answer": "maybe"}, "hallucination": {}}]', "wanted yes"),
        ('[{"question": "x", "options": ["a", "b"], "answer": "c"}]', "which of them"),
        ('{"a": 1}\n{"b"', "line 2: not JSON"),
        ("[3]", "an object was expected"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "q.json").write_text(text)
    with pytest.raises(PairsError, match=named):
        read(tmp_path / "q.json")


def test_what_is_written_is_read_again(tmp_path: Path, made: dict[str, list[Question]]) -> None:
    every = [question for group in made.values() for question in group]
    write(every, tmp_path / "own.jsonl")
    assert read(tmp_path / "own.jsonl") == every


# --- answers and scores ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Yes.", "yes"), ("No, she looks sad.", "no"), ("Rather not: little speaks for it.", "no"),
        ("<think>yes or no?</think> No", "no"), ("That is correct", "yes"),
        ("I cannot tell.", None), ("", None), ("Perhaps yes, perhaps no.", None),
    ],
)  # fmt: skip
def test_yes_and_no_are_found_in_answers(text: str, named: str | None) -> None:
    assert said(text, hallucination.YES_NO) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Once: a frown, 0:05.8–0:08.2 [A15].", "once"), ("3 blinks: 0:00.9 [A2]", "3 times"),
        ("Three times.", "3 times"), ("(B)", "twice"), ("None: no frown was seen.", None),
        ("5 blinks", None),
    ],
)  # fmt: skip
def test_numbers_are_found_in_answers(text: str, named: str | None) -> None:
    assert said(text, ("once", "twice", "3 times", "4 times")) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("More on their left. A smile, on their left.", "left"), ("Both sides.", "both"),
        ("About the same on both sides.", "both"), ("left or right", None),
    ],
)  # fmt: skip
def test_sides_are_found_in_answers(text: str, named: str | None) -> None:
    assert said(text, ("left", "right", "both")) == named


def pair(name: str, clip: str = "a.mp4") -> list[Question]:
    return [
        Question(f"{name}-{gold}", name, f"{name} {gold}?", gold, Path(clip), kind="unit")
        for gold in ("yes", "no")
    ]


def test_a_pair_counts_only_when_both_are_right() -> None:
    questions = [*pair("p"), *pair("q", "b.mp4")]
    gold = {q.id: q.gold for q in questions}
    assert score(questions, gold)["pairs_right"] == 1.0
    for always in ("yes", "no", None):
        result = score(questions, {q.id: always for q in questions})
        assert result["pairs_right"] == 0.0
        assert result["questions_right"] == (0.5 if always else 0.0)
    half = score(questions, gold | {"q-no": "yes"})
    assert half["pairs_right"] == 0.5 and half["hallucinated"] == 0.5
    assert half["interval"] == (0.0, 1.0)
    assert half["by_kind"]["unit"]["pairs"] == 2


def test_a_random_model_is_at_chance() -> None:
    polar = [q for n in range(1500) for q in pair(f"p{n}", f"{n}.mp4")]
    counts = [
        Question(f"c{n}", f"c{n}", "?", "once", Path(f"{n}.mp4"), ("once", "twice", "3", "4"))
        for n in range(1500)
    ]
    for questions in (polar, counts):
        result = score(questions, {q.id: guessed(q, 3) for q in questions})
        assert result["chance"] == 0.25
        assert result["interval"][0] - 0.02 < 0.25 < result["interval"][1] + 0.02


# --- the bench ------------------------------------------------------------------------------


def test_the_command_makes_pairs_asks_and_goes_on(
    media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["grounding", "--clips", str(media / "smile.mp4"), "--out", str(tmp_path), "--json"]
    assert cli.main([*words, "--model", "rules"]) == 0
    rules = json.loads(capsys.readouterr().out)
    assert rules["pairs"] >= 3 and rules["failed"] == 0
    assert rules["by_source"]["rendered"]["pairs_right"] == 1.0
    kept = Path(rules["answers"]).read_bytes()
    assert cli.main([*words, "--model", "rules"]) == 0
    assert Path(rules["answers"]).read_bytes() == kept
    capsys.readouterr()
    own = ["grounding", "--pairs", str(tmp_path / "pairs.jsonl"), "--out", str(tmp_path / "b")]
    assert cli.main([*own, "--model", "random"]) == 0
    assert "made up" in capsys.readouterr().out


def test_wrong_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["grounding", "--model", "random"]) == 2
    assert "--clips FOLDER" in capsys.readouterr().err
    assert cli.main(["grounding", "--clips", str(tmp_path), "--model", "random"]) == 2
    assert cli.main(["grounding", "--clips", str(tmp_path), "--alone"]) == 2
    write(pair("p", str(tmp_path / "gone.mp4")), tmp_path / "q.jsonl")
    assert cli.main(["grounding", "--pairs", str(tmp_path / "q.jsonl"), "--model", "random"]) == 2
    assert "gone.mp4" in capsys.readouterr().err


def test_a_host_alone_sees_the_clip_and_not_the_cues(media: Path, tmp_path: Path) -> None:
    """It says yes to everything: no pair is right, and all that is made up is believed."""
    with loopback.host(lambda _: reply('{"answer": "yes"}')) as host:
        answer = grounding.answerer("openai:tiny", host.url, alone=True)
        questions = [q for q in pairs.made(media / "smile.mp4") if q.choices == ("yes", "no")]
        found = grounding.run(questions, answer, tmp_path / "a.jsonl", name="tiny")
    result = score(questions, {k: a.said for k, a in found.items()})
    assert result["pairs_right"] == 0 and result["hallucinated"] == 1.0
    asked = text_of(host.requests[0])
    assert "frame at" in asked and "AU12" not in asked and "A1" not in asked
    assert loopback.pictures_of(host.requests[0]) >= 3
    schema = host.requests[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"]["enum"] == ["yes", "no"]


def test_one_fault_is_kept_and_asked_again(media: Path, tmp_path: Path) -> None:
    questions = pair("p", str(media / "smile.mp4"))

    def faulty(question: Question) -> str:
        if question.gold == "no":
            raise ValueError("broken")
        return "yes"

    file = tmp_path / "a.jsonl"
    first = grounding.run(questions, faulty, file, name="m")
    assert first["p-no"].error == "ValueError: broken" and first["p-yes"].said == "yes"
    asked: list[str] = []

    def mended(question: Question) -> str:
        asked.append(question.id)
        return question.gold

    second = grounding.run(questions, mended, file, name="m")
    assert asked == ["p-no"] and second["p-no"].said == "no"


def test_the_inspect_task_scores_pairs(media: Path, tmp_path: Path) -> None:
    """Its samples and its scorer; a whole run of theirs counts tokens with a file off the net."""
    pytest.importorskip("inspect_ai")
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import SampleScore, Target
    from inspect_ai.solver import TaskState

    from eval import inspect_tasks

    write(pair("p", str(media / "smile.mp4")), tmp_path / "q.jsonl")
    task = inspect_tasks.grounding(str(tmp_path / "q.jsonl"))
    scorer = inspect_tasks.told_apart()
    scores = []
    for sample in task.dataset:
        text, clip = sample.input[0].content
        assert text.text.endswith("Answer with one of: yes, no.") and clip.type == "video"
        assert "smile" not in clip.video
        state = TaskState(
            model="mockllm/model", sample_id=sample.id, epoch=1, input=sample.input,
            messages=[], output=ModelOutput.from_content("mockllm/model", "Yes."),
            metadata=sample.metadata,
        )  # fmt: skip
        found = asyncio.run(scorer(state, Target(sample.target)))
        scores.append(SampleScore(score=found, sample_id=sample.id))
    assert [one.score.as_float() for one in scores] == [1.0, 0.0]
    assert inspect_tasks.pairs_right()(scores) == 0.0
    assert inspect_tasks.pairs_right()(scores[:1]) == 1.0
