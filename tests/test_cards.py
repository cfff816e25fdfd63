"""Data cards: the form is strict, every card keeps to it, and what is not known says so."""

from __future__ import annotations

import json

import pytest

from eval import cards, data_cli, measures, readers
from eval.cards import CardError

WANTED = [
    "mer2023", "mer2024", "mer2025", "mer2026", "mer-caption-plus", "emer",
    "merr", "dfew", "mafw", "ferv39k", "afew", "aff-wild2",
    "c-expr-db", "raf-db", "affectnet", "fer2013", "bp4d", "disfa",
    "fea-20k", "emo-cfg", "meld", "iemocap", "cmu-mosi", "cmu-mosei",
    "ch-sims", "ch-sims-v2", "ravdess", "crema-d", "emodb", "bah",
    "raer", "medic", "motor", "imigue-3k", "emobench-m", "fda",
    "casme2", "samm", "casme3", "mustard",
]  # fmt: skip


@pytest.mark.parametrize("name", cards.names())
def test_every_card_keeps_to_the_form(name: str) -> None:
    card = cards.load(name)
    assert len(card.prose) > 80
    if card.reader is not None:
        assert readers.needs(card.reader)
        assert card.benchmark is not None
    else:
        assert "Needed" in card.layout
    if card.benchmark is not None:
        assert set(card.benchmark.measures) <= set(measures.NAMES)


def test_every_data_set_that_was_asked_for_has_a_card() -> None:
    assert set(WANTED) <= set(cards.names())


def test_aliases_find_the_card() -> None:
    for alias in ("CAS(ME)³", "EMO-DB", "OV-MERD", "CH-SIMS v2", "FEC-Bench"):
        assert cards.load(alias).name in cards.names()


def test_no_two_cards_answer_to_one_name() -> None:
    found = [cards.load(name) for name in cards.names()]
    called = [
        cards.plain(a) for card in found for a in {card.name, *map(cards.plain, card.aliases)}
    ]
    assert len(called) == len(set(called))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(CardError, match="did you mean ravdess"):
        cards.load("ravdes")


GOOD = (cards.FOLDER / "emodb.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("licence:", "license:", "license"),
        ("people: 10", "people: ten", "size.people"),
        ("kind: open", "kind: free", "access.kind"),
        ("unit: person", "unit: folk", "splits.unit"),
        ("modalities: [audio]", "modalities: []", "modalities"),
        ("task: label", "task: guess", "benchmark.task"),
        ("---\n", "", "front matter"),
    ],
)
def test_a_card_off_the_form_is_refused_by_field(old: str, new: str, said: str) -> None:
    with pytest.raises(CardError, match=said):
        cards.parse(GOOD.replace(old, new, 1), "emodb")


def test_what_is_not_known_is_listed() -> None:
    unknown = cards.load("imigue-3k").unknowns
    assert {"licence", "access.how", "annotators.agreement"} <= set(unknown)
    assert "size.hours" in cards.load("emodb").unknowns


def test_list_and_show_speak_of_every_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert data_cli.main(["list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(cards.names())
    assert data_cli.main(["show", "C-EXPR-DB"]) == 0
    assert "no reader yet" in capsys.readouterr().out
    assert data_cli.main(["show", "meld", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "meld"
    assert data_cli.main(["show", "nothing-like-it"]) == 2
