"""FACS as data, and action units in words and back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facs.prose import CONFLICTS, PHRASES, SYNERGIES, Action, describe, read_back
from agent.facs.prototypes import BASIC, C_EXPR, COMPOUND, PARTS, agreed, table
from agent.facs.units import AUS, GRADES, grade, parse

actions = st.lists(
    st.builds(
        Action,
        au=st.sampled_from(sorted(PHRASES)),
        grade=st.sampled_from(GRADES),
        side=st.sampled_from(["L", "R", "B", None]),
    ),
    max_size=12,
)


@given(actions)
def test_words_give_back_exactly_the_units_they_tell(shown: list[Action]) -> None:
    prose = describe(shown)
    told = {unit for unit, _, _ in prose.spans}
    clear = {a.au for a in shown if a.grade != "A"}
    assert told == (clear or {a.au for a in shown})
    assert read_back(prose.text) == told


@given(actions)
def test_every_told_unit_points_at_words_about_it(shown: list[Action]) -> None:
    prose = describe(shown)
    for unit, start, end in prose.spans:
        assert unit in read_back(prose.text[start:end])


@given(actions)
def test_the_order_of_the_units_does_not_change_the_words(shown: list[Action]) -> None:
    assert describe(shown) == describe(reversed(shown))


def test_opposed_muscles_of_like_strength_are_told_as_one_shape() -> None:
    text = describe([Action(12, "C"), Action(15, "C")]).text
    assert text == "lip corners held level, pulled both up and down markedly"


def test_a_clear_winner_is_told_with_what_counteracts_it() -> None:
    text = describe([Action(12, "D"), Action(15, "B")]).text
    assert text.startswith("lip corners pulled up severely, partly counteracted by")


def test_top_of_the_face_comes_first_and_traces_give_way() -> None:
    text = describe([Action(26, "C"), Action(17, "A"), Action(5, "B"), Action(1, "C")]).text
    assert re.search(r"inner brow.*upper lids.*jaw", text)
    assert "chin" not in text


def test_a_side_is_said_and_kept_apart() -> None:
    assert describe([Action(14, "C", "L")]).text == "lip corners dimpled markedly on the left"
    assert describe([Action(6, "C", "L"), Action(12, "C", "R")]).text.count(";") == 1


def test_units_without_words_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="AU99"):
        describe([Action(99, "B")])


def test_shapes_are_made_of_units_with_words_of_their_own() -> None:
    for units in (*SYNERGIES, *CONFLICTS):
        assert set(units) <= set(PHRASES)
    assert len({*PHRASES.values(), *SYNERGIES.values(), *CONFLICTS.values()}) == len(PHRASES) + len(
        SYNERGIES
    ) + len(CONFLICTS)
    assert set(PHRASES) == set(AUS)


def test_tables_hold_shares_for_every_label() -> None:
    for label in (*BASIC, *COMPOUND, "calm"):
        assert all(0 < share < 1 for share in table(label).values())
    assert set(C_EXPR) <= set(COMPOUND) == set(PARTS)
    # Du et al.: happiness is 12 and 25, sadness and "sadly angry" differ by variants only
    assert table("happiness")["AU12"] > 0.7 > table("happiness")["AU06"]
    assert table("sadness")["AU01"] > table("sadly angry")["AU01"]


def test_where_authors_differ_the_mean_says_how_many_agree() -> None:
    for label in (*BASIC, *COMPOUND, "calm"):
        assert all(0 < share < 1 for share in agreed(label).values())
        assert agreed(label).keys() == table(label).keys()
    # all six have 9 in disgust, four have 10, one has 15
    disgust = agreed("disgust")
    assert disgust["AU09"] > 0.8 > disgust["AU10"] > 0.5 > disgust["AU15"]
    # contentment smiles with lowered lids; calm is half way to it
    calm, neutral = agreed("calm"), agreed("neutral")
    assert calm["AU12"] == calm["AU43"] > 5 * neutral["AU12"]
    assert agreed("sadly angry") == table("sadly angry")


@pytest.mark.parametrize("text", ["AU6", "au06", "AU 6", "6", "AU06_r", "cheek raiser"])
def test_every_usual_spelling_of_a_unit_is_read(text: str) -> None:
    assert parse(text) == 6


def test_letters_begin_at_half_a_step() -> None:
    assert [grade(x) for x in (0.4, 0.5, 1.6, 5.0)] == [None, "A", "B", "E"]
