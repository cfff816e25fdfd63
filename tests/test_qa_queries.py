"""Questions of strangers are read as what they ask, in six languages."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent.facs.prose import PHRASES
from agent.facs.units import AUS, MEASURED
from agent.qa import parse
from agent.qa.text import language_of
from agent.qa.vocabulary import stops, vocabulary
from agent.schema.query import LANGUAGES, Moment, Query
from eval.queries import QuestionsError, read, score

QUESTIONS = Path("eval/questions")
LEXICON = Path("agent/qa/lexicon")


def share(*names: str) -> float:
    found = [each for name in names for each in read(QUESTIONS / f"{name}.jsonl")]
    return score(found)["ask_and_target"]


def test_held_back_questions_are_read_rightly() -> None:
    """Scored once, when the grammar was done: English 114 of 120, the others 89 of 94; the third
    set written afterwards, in all languages: 55 of 59."""
    assert share("held_en") >= 0.93
    assert share(*(f"held_{code}" for code in LANGUAGES if code != "en")) >= 0.90
    assert share("fresh_3") >= 0.90


@pytest.mark.parametrize("code", LANGUAGES)
def test_questions_it_was_written_against_are_read_rightly(code: str) -> None:
    assert share(f"seen_{code}") >= 0.97


def test_there_are_enough_questions() -> None:
    lines = [p.read_text(encoding="utf-8").splitlines() for p in QUESTIONS.glob("*.jsonl")]
    rows = [json.loads(line) for each in lines for line in each]
    keys = {(row["question"], row.get("previous")) for row in rows}
    assert len(keys) == len(rows) >= 400


def test_the_language_is_found() -> None:
    rows = [r.row for code in LANGUAGES for r in read(QUESTIONS / f"seen_{code}.jsonl")]
    right = [language_of(row["question"], stops()) == row["language"] for row in rows]
    assert sum(right) / len(right) >= 0.97


@pytest.mark.parametrize("number", MEASURED)
def test_every_action_unit_by_number_name_and_plain_words(number: int) -> None:
    wanted = "blink" if number == 45 else AUS[number].code
    for question in (
        f"Is there a {AUS[number].name}?",
        f"Is AU{number} active?",
        f"Are the {PHRASES[number]} at 0:05?",
        f"How strong is the {AUS[number].name}?",
    ):
        assert parse(question).target == wanted, question


@pytest.mark.parametrize(
    ("question", "ask", "target"),
    [
        ("Is she pretty happy?", "emotion", "emotion:happiness"),
        ("Is she pretty?", "refuse", "attractiveness"),
        ("Why did her brows go down?", "cause", "AU04"),
        ("Is she sick of it?", "emotion", "emotion:anger"),
        ("Does she look tired?", "emotion", "emotion:tiredness"),
        ("Is she telling the truth?", "refuse", "lie"),
        ("What does she do with her hands?", "outside", "hands"),
        ("What will she do tomorrow?", "outside", "future"),
        ("the purple number of tuesday", "unknown", None),
        ("", "unknown", None),
        ("?!…", "unknown", None),
    ],
)
def test_traps(question: str, ask: str, target: str | None) -> None:
    query = parse(question)
    assert (query.ask, query.target) == (ask, target)


def test_a_scale_is_no_moment_and_a_moment_no_scale() -> None:
    rated = parse("Rate her valence from 1 to 9")
    assert (rated.scale, rated.when) == ((1, 9), None)
    timed = parse("Is she angry from 1 to 9 seconds?")
    assert (timed.scale, str(timed.when)) == (None, "1-9")


def test_order_of_two_feelings() -> None:
    query = parse("Is she sad and then happy, or happy and then sad?")
    assert (query.ask, query.relation) == ("change", "order")
    assert (query.target, query.versus) == ("emotion:sadness", "emotion:happiness")


def test_follow_ups_lean_on_the_last_question() -> None:
    smile = parse("When does she smile?")
    said = parse("And what does she say then?", last=smile)
    assert said.ask == "words" and str(said.when) == "during AU12"
    assert parse("how long?", last=smile).target == "AU12"
    assert parse("why?", last=smile).ask == "cause"
    assert parse("why?", last=parse("Is she sad?")).target == "emotion:sadness"
    assert str(parse("and after that?", last=parse("What does she do at 0:03?")).when) == "after 3"
    assert parse("why?", last=parse("Who is she?")).target is None
    long = parse("How long is the clip?")
    for last in (smile, long):
        assert parse("How many people are there?", last=last).when is None
        assert parse("Was there a frown?", last=last).when is None
    assert str(parse("Is she frowning there?", last=smile).when) == "during AU12"
    assert parse("What happens then?", last=long).when is None
    half = parse("When does she stop smiling, and what happens then?")
    assert half.relation == "end" and half.second is not None
    assert half.second.ask == "event" and str(half.second.when) == "after AU12"


@pytest.mark.parametrize("code", LANGUAGES)
def test_lexicons_name_the_same_things(code: str) -> None:
    """Refusals, what is outside, basic feelings and channels exist in every language."""
    english = tomllib.loads((LEXICON / "en.toml").read_text(encoding="utf-8"))
    other = tomllib.loads((LEXICON / f"{code}.toml").read_text(encoding="utf-8"))
    for section in ("topic", "form"):
        assert set(other[section]) == set(english[section])
    assert set(other["emotion"]) == set(english["emotion"])
    cues = {key for key in english["cue"] if key not in ("alone", "hear", "mention")}
    assert cues <= set(other["cue"]), cues - set(other["cue"])
    assert vocabulary(code).patterns  # type: ignore[arg-type]


def test_the_record_is_json_both_ways_and_says_what_is_wrong() -> None:
    query = parse("Is she more tense at the end than at the beginning?")
    assert Query.model_validate_json(query.model_dump_json()) == query
    with pytest.raises(ValueError, match="one of these"):
        Moment()


def test_the_command_prints_a_query_a_line(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(
        '{"question": "Does she smile?"}\n{"question": "why?", "previous": "Is she sad?"}\n'
    )
    words = [sys.executable, "-m", "eval.cli", "queries", str(file), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["query"]["ask"] for row in rows] == ["event", "why"]
    file.write_text('{"text": "no question"}\n')
    with pytest.raises(QuestionsError, match="line 1"):
        read(file)


@pytest.mark.parametrize(
    ("question", "target"),
    [
        ("Does she smile more than twice?", "AU12"), ("Did he nod three times?", "nod"),
        ("Lächelt sie mehr als zweimal?", "AU12"), ("Sourit-elle au moins deux fois ?", "AU12"),
        ("¿Parpadea más de tres veces?", "blink"), ("她笑了两次以上吗？", "AU12"),
        ("彼女は2回以上笑いましたか？", "AU12"),
    ],
)  # fmt: skip
def test_a_number_of_times_is_counted(question: str, target: str) -> None:
    query = parse(question)
    assert (query.ask, query.target) == ("count", target)


def test_whether_anybody_says_a_word_is_about_words_and_who_does_about_people() -> None:
    assert parse('Does anybody say "double"?').ask == "words"
    assert parse('Who says "double"?').ask == "people"
    assert parse("Does someone mention the word rent?").target == "word:rent"
