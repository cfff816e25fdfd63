"""Findings in words: answer first, every language, every form, nothing left unfilled."""

from __future__ import annotations

import re
from itertools import product

import pytest
from test_qa_execute import scene

from agent.facs.units import MEASURED
from agent.qa import execute, parse, say
from agent.qa.templates import clock, wording
from agent.schema.query import ASKS, LANGUAGES, Language, Query


def answer(question: str, language: Language | None = None) -> str:
    query = parse(question, language=language)
    return say(query, execute(query, scene()))


@pytest.mark.parametrize("code", LANGUAGES)
def test_wordings_have_the_same_keys_and_places(code: Language) -> None:
    english, other = wording("en"), wording(code)
    for section in (
        "lines",
        "nouns",
        "levels",
        "sides",
        "refuse",
        "outside",
        "labels",
        "felt",
        "signs",
        "felt_names",
    ):
        assert set(other[section]) == set(english[section]), section
    for section in ("lines", "felt"):
        for key, line in other[section].items():
            places = set(re.findall(r"{(\w+)}", line)) - {"none"}
            assert places <= set(re.findall(r"{(\w+)}", english[section][key])), key
    for number in MEASURED:
        assert number == 45 or f"AU{number:02d}" in other["nouns"]
    for one, several, gender in other["nouns"].values():
        assert one and several and gender in {**other["none"], "x": ""}


@pytest.mark.parametrize(("code", "ask"), list(product(LANGUAGES, ASKS)))
def test_every_kind_is_answered_in_every_language(code: Language, ask: str) -> None:
    for target in ("AU12", "AU24", "AU11", "blink", "speech", "pitch", "laugh", "face", None):
        query = Query.model_validate({"ask": ask, "target": target, "language": code})
        if ask == "clip":
            query = query.model_copy(update={"target": "duration"})
        said = say(query, execute(query, scene()))
        assert said.strip() and "{" not in said, (ask, target)
        assert len(re.findall(r"[.。!?](?:\s|$)", said)) <= 3, said


def test_the_answer_comes_first_and_cites() -> None:
    assert answer("Did she smile?").startswith("Yes: a smile, clear, on their left, 0:01–0:03 [A1]")
    assert answer("Does she press her lips together?") == "No, no pressing of the lips was seen."
    assert answer("How many times does she blink?").startswith("3 blinks: ")
    assert answer("When does she stop smiling?").startswith("It ends at 0:07.")
    assert answer("Does she laugh?").startswith("That is not measured")


def test_gender_and_number_agree() -> None:
    assert "kein Nicken" in answer("Nickt sie bei 0:01?", "de")
    assert "keine Pause" in answer("Macht sie eine Pause?", "de")
    assert "aucun serrement" in answer("Serre-t-elle les lèvres ?", "fr")
    assert "ninguna presión" in answer("¿Aprieta los labios?", "es")
    assert "3 parpadeos" in answer("¿Cuántas veces parpadea?", "es")
    assert "眨眼3次" in answer("她眨了几次眼？", "zh")
    assert "まばたきは3回" in answer("何回まばたきしますか？", "ja")


def test_forms_are_obeyed() -> None:
    assert answer("Did she smile? In one word") == "yes"
    assert answer("How many times does she blink, in one word?") == "3"
    assert answer("List everything you measured as a table.").startswith("| what | from | to |")
    query = parse("When does she stop smiling? Answer in one sentence")
    assert say(query, execute(query, scene())).count(".") == 1


def test_codes_are_for_experts() -> None:
    query = parse("Did she smile?")
    finding = execute(query, scene())
    assert "AU12" not in say(query, finding)
    assert "AU12C" in say(query, finding, expert=True)


def test_clocks() -> None:
    assert [clock(s) for s in (0, 6, 6.04, 62.5, 59.96)] == [
        "0:00", "0:06", "0:06", "1:02.5", "1:00",
    ]  # fmt: skip
