"""Questions about feelings: right, cited, in the asker's language, with the answer first."""

from __future__ import annotations

import re
from itertools import product

import pytest
from rules_cases import ANGRY_VOICE, SHOWN, clip, move, tone, unit, words

from agent.facs.prototypes import STATES
from agent.grounding import ground_all
from agent.qa.answer import moment, reply
from agent.qa.comparisons import lines
from agent.qa.felt import Felt
from agent.qa.say_felt import say_felt
from agent.reading.rules import appraise
from agent.schema.answer import Claim
from agent.schema.evidence import Evidence, Missing, Person
from agent.schema.query import ASKS, LANGUAGES, Query

TALK = clip(
    unit("AU12", 3, 0.5, 2.5),
    unit("AU06", 2.5, 0.6, 2.4),
    unit("AU12", 2, 4.0, 5.5, side="R"),
    unit("AU04", 2.5, 6.0, 8.0),
    unit("AU07", 2.5, 6.0, 8.0),
    unit("AU24", 2.5, 6.0, 8.0),
    tone("speech", None, 0.0, 3.0),
    words("We won, we really won!", 0.2, 2.8),
    move("nod", "head nods", 3.0, 4.0),
    move("gaze_away", "gaze turned away", 4.0, 5.0),
    seconds=10.0,
)
CLASH = clip(*SHOWN["happiness"], *ANGRY_VOICE)
TWO = (
    Person(id="P1", main=True, start=0, end=6, share=1, size=0.4, quality=0.9),
    Person(id="P2", main=False, start=0, end=6, share=1, size=0.4, quality=0.9),
)


def told(
    question: str, evidence: Evidence = TALK, history: tuple[str, ...] = (), expert: bool = False
) -> tuple[str, tuple[Claim, ...]]:
    reading = appraise(evidence, span=moment(question, evidence, None, history))
    text, claims, span, _ = reply(evidence, question, reading, history, expert)
    assert 0 <= span[0] <= span[1] <= evidence.media.duration
    return text, claims


@pytest.mark.parametrize(
    ("question", "span"),
    [
        ("What does she feel at 0:05?", (5, 6.25)),
        ("What happens between 3 and 5 s?", (3, 5)),
        ("from 0:03 to 0:05.5, what does he feel?", (3, 5.5)),
        ("What is felt in the first 2 seconds?", (0, 2)),
        ("and in the last 4 seconds?", (6, 10)),
        ("What does she feel after 0:06?", (6, 10)),
        ("What does she feel before 0:06?", (0, 6)),
        ("How does she feel while she looks away?", (3.75, 5.25)),
        ("When does she smile?", None),
        ("What does she feel?", None),
        ("What does she feel at 3:00?", None),
    ],
)
def test_moments_are_understood(question: str, span: tuple[float, float] | None) -> None:
    found = moment(question, TALK)
    assert found is None if span is None else found == pytest.approx(span, abs=0.3)


@pytest.mark.parametrize(("code", "ask"), list(product(LANGUAGES, ASKS)))
def test_every_kind_is_worded_and_every_claim_carried(code: str, ask: str) -> None:
    targets = ("emotion", "emotion:sadness", "emotion:happiness", "emotion:upset", "valence", None)
    for evidence, target in product((TALK, CLASH, clip(), clip(*SHOWN["sadness"])), targets):
        query = Query.model_validate({"ask": ask, "target": target, "language": code})
        felt = Felt(evidence, query, appraise(evidence))
        text, found = say_felt(felt, lines(felt))
        assert text and "{" not in text and "AU" not in text, text
        claims = [Claim.model_validate({"text": t, "cites": line.cites, "asserts": line.asserts})
                  for line, t in found if line.asserts]  # fmt: skip
        fallen = [c for c in ground_all(claims, evidence, "P1", worded=True) if not c.grounded]
        assert not fallen, (ask, target, fallen)


@pytest.mark.parametrize("state", STATES)
def test_states_without_a_label_are_answered_by_their_signs(state: str) -> None:
    query = Query(ask="emotion", target=f"emotion:{state}")
    for evidence in (TALK, clip(), clip(unit("AU24", 3), unit("AU04", 3))):
        felt = Felt(evidence, query, appraise(evidence))
        text, found = say_felt(felt, lines(felt))
        assert found[0][0].key in ("state", "state_none") and found[0][0].label == state
        assert ("prove nothing" in text) == (found[0][0].key == "state")
    assert STATES["tension"][0][0] == "AU24"


def test_the_answer_comes_first_with_its_reasons() -> None:
    text, claims = told("What does she feel, and why?", clip(*SHOWN["sadness"]))
    first = text.split(".")[0]
    assert "sadness" in first.lower() and re.search(r"\[A\d", first) and "brows" in first
    assert any(c.part == "conclusion" and c.asserts for c in claims)
    assert told("Is she happy?", clip(*SHOWN["happiness"]))[0].startswith("Yes")
    assert told("Is she angry?", clip(*SHOWN["happiness"]))[0].startswith("Rather not")
    assert "reaches the eyes" in told("How is she?", clip(*SHOWN["happiness"]))[0]


def test_moments_change_the_answer() -> None:
    assert "happiness" in told("What does she feel at 0:01?")[0]
    assert "anger" in told("What does she feel at 0:07?")[0]
    assert "anger" in told("and at 0:07?", TALK, ("What does she feel at 0:01?",))[0]
    assert "not in the clip" in told("What does she feel at 3:00?")[0]


def test_changes_are_told_in_order_and_orders_are_answered() -> None:
    text = told("How do the feelings change?")[0]
    assert 0 <= text.find("happiness") < text.find("anger")
    text = told("Is she angry and then happy, or happy and then angry?")[0]
    assert 0 <= text.find("happiness") < text.find("anger") and not text.startswith("Yes")


def test_a_feeling_of_one_moment_is_found_where_it_hardly_counts_on_the_whole() -> None:
    evidence = clip(unit("AU12", 4, 0.5, 1.0), unit("AU06", 3, 0.5, 1.0),
                    unit("AU04", 4, 2, 9), unit("AU07", 3, 2, 9), unit("AU24", 4, 2, 9),
                    seconds=10.0)  # fmt: skip
    text, claims = told("Is she happy?", evidence)
    assert text.startswith("On the whole hardly, but briefly happiness at 0:00.5")
    assert {"A1", "A2"} & {i for claim in claims for i in claim.cites}


def test_channels_that_disagree_are_told_with_both_sides() -> None:
    text, claims = told("Do the face and the voice agree?", CLASH)
    assert text.startswith("They do not go together") and "happiness" in text and "anger" in text
    assert told("Do face and voice disagree?", CLASH)[0].startswith("They do not")
    assert all(claim.grounded for claim in ground_all(claims, CLASH, "P1", worded=True))
    assert "nothing to compare" in told("Do face and voice match?", clip(*SHOWN["sadness"]))[0]


def test_whether_a_smile_is_felt_is_not_guessed() -> None:
    text, claims = told("Is the smile genuine?", clip(*SHOWN["happiness"]))
    assert text.startswith("Whether it is felt or put on") and "reaches the eyes" in text
    assert {i for c in claims for i in c.cites} == {"A1", "A2"}
    polite = told("Is that smile real?", clip(unit("AU12", 3)))[0]
    assert "hardly take part" in polite


def test_who_is_happiest_is_found_among_the_people() -> None:
    mine = [cue.model_copy(update={"id": ""}) for cue in SHOWN["sadness"]]
    theirs = [cue.model_copy(update={"person": "P2"}) for cue in SHOWN["happiness"]]
    text, _ = told("Who is happiest?", clip(*mine, *theirs, people=TWO))
    assert text.startswith("P2 most: happiness")


def test_what_speaks_against_a_reading_is_told() -> None:
    text, _ = told("What speaks against this?", clip(*SHOWN["sadness"]))
    assert "sadness" in text and ("missing" in text or "Against" in text or "Nothing" in text)
    text, _ = told("Why not anger?", clip(*SHOWN["sadness"]))
    assert "anger" in text and "sadness" in text


def test_who_is_not_there_is_not_read_and_not_called_neutral() -> None:
    nobody = clip(people=(), missing=(Missing(what="face", why="no face was found"),))
    assert "cannot tell" in told("What does she feel?", nobody)[0]
    statue = TWO[0].model_copy(update={"live": False, "doubt": "does not move"})
    text = told("What does she feel?", clip(*SHOWN["happiness"], people=(statue,)))[0]
    assert text.startswith("I cannot tell") and "does not move" in text


def test_forms_and_experts() -> None:
    happy = clip(*SHOWN["happiness"])
    assert told("In one word: how does she feel?", happy)[0] == "happiness"
    assert told("Is she sad? One word.", happy)[0] == "no"
    assert re.match(r"Happiness \d+ %, \w+", told("Give me the top two emotions", happy)[0])
    assert told("Sum it up in one sentence", happy)[0].count(". ") == 0
    assert "on a scale of 1–9" in told("Rate her valence from 1 to 9", happy)[0]
    plain, expert = told("How is she?", happy)[0], told("How is she?", happy, expert=True)[0]
    assert "AU12" not in plain and re.search(r"AU06C? AU12C?: A", expert)


def test_a_conversation_knows_what_was_asked() -> None:
    before = ("Is she happy?", "When does she frown?")
    assert "“Is she happy?”" in told("What did I ask before?", history=before)[0]
    assert "first question" in told("What did I ask before?")[0]


def test_what_faces_cannot_tell_is_declined_with_a_reason() -> None:
    for question in ("Is she lying?", "How old is he?", "Is she depressed?", "Who is she?"):
        text, claims = told(question)
        assert claims == () and len(text) < 200, text


def test_a_feeling_is_answered_in_the_language_of_the_question() -> None:
    happy = clip(*SHOWN["happiness"])
    for question, first in (
        ("Ist sie glücklich?", "Ja"), ("Est-elle heureuse ?", "Oui"), ("¿Está feliz?", "Sí"),
        ("她高兴吗？", "是的"), ("彼女は嬉しそうですか？", "はい"),
    ):  # fmt: skip
        assert told(question, happy)[0].startswith(first), question


@pytest.mark.parametrize(
    "question",
    [
        "Was she frowning before or after she smiled?",
        "Did the smile come before or after the frown?",
        "Hat sie vor oder nach dem Lächeln die Stirn gerunzelt?",
        "¿Sonrió antes o después de fruncir el ceño?",
    ],
)
def test_before_or_after_tells_which_came_first(question: str) -> None:
    text = told(question, TALK)[0]
    first, second = text.find("0:00.5"), text.find("0:06")
    assert 0 <= first < second, text


def test_what_contradicts_a_feeling_is_what_speaks_against_it() -> None:
    against = told("Is there anything that contradicts happiness?", TALK)[0]
    assert against == told("What speaks against happiness?", TALK)[0]
    assert "do not go together" in told("Does her voice contradict her face?", CLASH)[0]


@pytest.mark.parametrize(
    ("question", "not_measured"),
    [
        ("When does she laugh?", "laugh"),
        ("Wann lacht sie?", "Lachen"),
        ("Does she giggle?", "laugh"),
    ],
)
def test_beside_what_no_sense_can_tell_stands_the_nearest(question: str, not_measured: str) -> None:
    text = told(question, TALK)[0]
    assert not_measured in text and "0:00.5" in text
