"""Claims of a model with what they assert: asked for by schema, verified, held to their words."""

from __future__ import annotations

import json
import re
from typing import Any

import by_hand
import loopback
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import GOOD, Json, host, said, scripted
from test_graph import asked

from agent.graph.conversation import run
from agent.grounding import ground, grounded_share
from agent.models import asserting, replies
from agent.models.asserting import Asserted, Vocabulary
from agent.schema.answer import Answer, Claim
from agent.schema.assertion import RELATIONS, Assertion
from agent.schema.evidence import Evidence
from eval import grounded

SMILING = by_hand.smiling()


def one(what: str, relation: str = "present", subject: str = "P1", at: str = "", value: str = ""
        ) -> Json:  # fmt: skip
    return {"subject": subject, "what": what, "relation": relation, "at": at, "value": value}


def sentence(text: str, cites: list[str], *asserts: Json) -> Json:
    return {"text": text, "cites": cites, "asserts": list(asserts)}


def answering(*sentences: Json) -> Answer:
    """What the graph makes of a model that answers so."""
    reply = {"sentences": list(sentences), "lacking": ""}
    return asked({**GOOD, "answer": reply, "repair": reply})


def told(*sentences: Json, evidence: Evidence = SMILING) -> list[Claim]:
    """Claims as a model's reply makes them, each with its verdict."""
    reply = replies.AnswerReply.model_validate({"sentences": sentences, "lacking": ""})
    made = [
        Claim(text=s.text, cites=s.cites, asserts=asserting.read(s.asserts))
        for s in reply.sentences
    ]
    return [ground(claim, evidence, "P1") for claim in made]


# --- what is asked for ----------------------------------------------------------------------


def test_the_schema_offers_codes_persons_and_cues_of_this_clip_alone() -> None:
    with host(scripted(GOOD)) as talk:
        run("What does she feel?", SMILING, model="openai:tiny", base_url=talk.url)
    first = talk.requests[0]
    claims = first["response_format"]["json_schema"]["schema"]["properties"]["claims"]
    fields = claims["items"]["properties"]
    assert fields["cites"]["items"]["enum"] == [cue.id for cue in SMILING.cues]
    offered = fields["asserts"]["items"]["properties"]
    assert offered["subject"]["enum"] == ["clip", "P1"]
    assert {"AU12", "pitch", "words", "emotion:happiness", "agreement"} <= set(
        offered["what"]["enum"]
    )
    assert "AU99" not in offered["what"]["enum"]
    assert offered["relation"]["enum"] == list(RELATIONS)
    assert re.fullmatch(offered["at"]["pattern"], "1.2-3.4")
    assert "# What each sentence asserts" in loopback.text_of(first)


def test_what_no_sense_looked_for_is_not_offered() -> None:
    silent = by_hand.smiling(
        cues=(), media=by_hand.media(has_audio=False), people=(by_hand.person(share=0.0),)
    )
    offered = Vocabulary.of(silent).whats
    assert not [what for what in offered if what.startswith("AU") or what in ("pitch", "words")]


def test_a_host_without_schemas_is_told_the_shape_and_read_leniently() -> None:
    loose = {
        "text": "She smiles.",
        "cites": ["A1"],
        "asserts": {"subject": "p1", "what": "au12 Lip Corner Puller", "at": [1.0, 4]},
    }
    script = scripted({**GOOD, "answer": {"sentences": [loose], "lacking": ""}})

    def refusing(request: Json) -> tuple[int, Json]:
        if "response_format" in request:
            return loopback.error(400, "response_format is not supported")
        return script(request)

    with host(refusing) as talk:
        answer = run("What does she do?", SMILING, model="openai:tiny", base_url=talk.url)
    assert '"emotion:happiness"' in loopback.text_of(talk.requests[-1])
    (claim,) = [c for c in answer.claims if c.text == "She smiles."]
    assert claim.asserts == (Assertion(subject="P1", what="AU12", at=(1.0, 4.0)),)
    assert claim.verdict == "supported"


# --- what comes back ------------------------------------------------------------------------


def test_assertions_reach_the_answer_with_their_verdict() -> None:
    answer = answering(
        sentence("She smiles with a raised cheek.", ["A1", "A2"], one("AU12"), one("AU06"))
    )
    claim = answer.claims[-1]
    assert [a.what for a in claim.asserts] == ["AU12", "AU06"]
    assert (claim.verdict, claim.grounded) == ("supported", True)
    assert answer.answer.startswith("She smiles")
    again = Answer.model_validate_json(answer.model_dump_json())
    assert again.claims[-1].asserts == claim.asserts


def test_without_assertions_the_sentence_is_read_as_before() -> None:
    (claim,) = told({"text": "She smiles.", "cites": ["A1"]})
    assert claim.verdict == "supported"
    (claim,) = told({"text": "She is plotting revenge.", "cites": ["A1"], "asserts": None})
    assert claim.verdict == "unverified"


@pytest.mark.parametrize(
    ("text", "cites", "asserts"),
    [
        ("She smiles.", ["A1"], [one("AU12")]),
        ("She smiles markedly.", ["A1"], [one("AU12", value="C")]),
        ("She smiles from 1.0 to 4.0 s.", ["A1"], [one("AU12", at="1-4")]),
        ("She smiles on both sides.", ["A1"], [one("AU12", "both")]),
        ("P1 smiles.", ["A1"], [one("AU12", subject="clip")]),
        ("No wrinkled nose.", [], [one("AU09", "absent")]),
        ("Her voice is higher than usual.", ["V1"], [one("pitch", "more")]),
        ("She says “we won”.", ["W1"], [one("words", "quote", value="we won, we really won")]),
        ("She is happy.", ["A1", "A2"], [one("emotion:happiness")]),
        ("The smile fits happiness.", ["A1"], [one("emotion:happiness", "more"), one("AU12")]),
        ("Sie lächelt.", ["A1"], [one("AU12")]),
        ("Elle sourit.", ["A1"], [one("AU12")]),
        ("她在微笑。", ["A1"], [one("AU12")]),
    ],
)
def test_a_true_sentence_with_what_it_says_is_supported(
    text: str, cites: list[str], asserts: list[Json]
) -> None:
    (claim,) = told(sentence(text, cites, *asserts))
    assert claim.verdict == "supported", claim.why


@pytest.mark.parametrize(
    ("text", "cites", "asserts", "verdict"),
    [
        # the assertion is about no such clip
        ("She smiles.", ["A99"], [one("AU12")], "contradicted"),
        ("She smiles.", ["A1"], [one("AU12", subject="P7")], "contradicted"),
        ("She smiles.", ["A1"], [one("AU12", at="20-30")], "contradicted"),
        ("She does not frown.", [], [one("AU04", "absent", at="500-900")], "contradicted"),
        ("She smiles.", ["A1"], [one("AU12", at="4-1")], "contradicted"),
        ("She smiles.", ["A1"], [one("AU99")], "contradicted"),
        ("She smiles.", [], [one("AU77", "absent")], "unverified"),
        ("Her tail wags.", ["A1"], [one("tail")], "contradicted"),
        ("She smiles.", ["A1"], [one("AU12", "plots")], "contradicted"),
        # the assertion is about the clip and wrong
        ("She smiles.", ["A4"], [one("AU12")], "contradicted"),
        ("She smiles on the left.", ["A1"], [one("AU12", "left")], "contradicted"),
        ("She smiles extremely.", ["A1"], [one("AU12", value="E")], "contradicted"),
        ("She is sad.", ["A1"], [one("emotion:sadness")], "contradicted"),
        ("She does not smile.", ["A1"], [one("AU12", "absent")], "contradicted"),
        ("She smiles.", ["A1", "A3", "A4", "V1"], [one("AU12")], "contradicted"),
        ("She smiles.", [], [one("AU12")], "contradicted"),
        # the sentence says more than the assertion
        ("She is plotting revenge.", ["A1"], [one("AU12")], "unverified"),
        ("She smiles because she is drunk.", ["A1"], [one("AU12")], "unverified"),
        ("She smiles and frowns.", ["A1"], [one("AU12")], "unverified"),
        ("She smiles on the left.", ["A1"], [one("AU12")], "unverified"),
        ("She smiles extremely.", ["A1"], [one("AU12")], "unverified"),
        ("She smiles at 9.0 s.", ["A1"], [one("AU12")], "unverified"),
        ("She does not smile.", ["A1"], [one("AU12")], "unverified"),
        ("P2 smiles.", ["A1"], [one("AU12")], "unverified"),
        ("She is happy.", ["A1"], [one("AU12")], "unverified"),
        ("She is happy.", ["A1", "A2"], [one("emotion:happiness", "more")], "unverified"),
        ("She says “I did it”.", ["W1"], [one("words", "quote", value="we won")], "unverified"),
        ("Her voice is higher.", ["A1"], [one("AU12")], "unverified"),
        ("Face and voice disagree.", ["A1"], [one("AU12")], "unverified"),
        ("Does she smile?", ["A1"], [one("AU12")], "unverified"),
        ("It is so.", ["A1"], [one("AU12")], "unverified"),
        ("Sie lächelt und plant Rache.", ["A1"], [one("AU12")], "unverified"),
        ("Sie lächelt nicht.", ["A1"], [one("AU12")], "unverified"),
        ("Elle est triste.", ["A1"], [one("AU12")], "unverified"),
        ("她很悲伤。", ["A1"], [one("AU12")], "unverified"),
        ("Она улыбается.", ["A1"], [one("AU12")], "unverified"),
    ],
)
def test_a_false_or_larger_sentence_never_stands(
    text: str, cites: list[str], asserts: list[Json], verdict: str
) -> None:
    (claim,) = told(sentence(text, cites, *asserts))
    assert claim.verdict == verdict, claim.why
    assert not claim.grounded
    assert claim.why
    shown = answering(sentence(text, cites, *asserts))
    assert text.rstrip(".") not in shown.answer


def test_absence_is_not_told_of_somebody_who_was_out_of_view() -> None:
    early = by_hand.smiling(people=(by_hand.person(end=5.0),))
    absent = one("AU09", "absent", at="6-9")
    (claim,) = told(sentence("No wrinkled nose from 6 to 9 s.", [], absent), evidence=early)
    assert claim.verdict == "unverified"


def test_another_persons_cue_carries_nothing() -> None:
    both = by_hand.two_people()
    frown = next(cue.id for cue in both.cues if cue.person == "P2" and cue.code == "AU04")
    (claim,) = told(sentence("P1 frowns.", [frown], one("AU04")), evidence=both)
    assert claim.verdict == "contradicted"
    (claim,) = told(sentence("P2 frowns.", [frown], one("AU04", subject="P2")), evidence=both)
    assert claim.verdict == "supported"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (one("AU99"), "asserts.what 'AU99'"),
        (one("AU12", subject="P7"), "asserts.subject 'P7'"),
        (one("AU12", at="90-95"), "asserts.at '90-95'"),
        (one("AU12", "plots"), "asserts.relation 'plots'"),
        ("AU12 is absent", "asserts.what 'AU12 is absent'"),
    ],
)
def test_an_assertion_about_no_such_clip_goes_back_once(wrong: Any, named: str) -> None:
    bad = {"text": "She smiles.", "cites": ["A1"], "asserts": [wrong]}
    good = sentence("She smiles.", ["A1"], one("AU12"))

    def answers(mended: Json) -> tuple[Answer, list[Json]]:
        script = scripted({**GOOD, "answer": {"sentences": [bad], "lacking": ""}})

        def twice(request: Json) -> tuple[int, Json]:
            if loopback.step_of(request) == "repair":
                return said(json.dumps({"sentences": [mended], "lacking": ""}))
            return script(request)

        with host(twice) as talk:
            answer = run("What does she do?", SMILING, model="openai:tiny", base_url=talk.url)
        return answer, [r for r in talk.requests if loopback.step_of(r) == "repair"]

    answer, sent_back = answers(good)
    assert len(sent_back) == 1
    assert named in loopback.text_of(sent_back[0])
    assert answer.answer.startswith("She smiles")
    answer, sent_back = answers(bad)
    assert len(sent_back) == 1
    assert not answer.claims[-1].grounded


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["subject", "what", "relation", "at", "value", "x"]), inner, max_size=5),
    max_leaves=8,
)  # fmt: skip


@given(_JSON)
def test_whatever_a_model_sends_is_read_or_sent_back(value: Any) -> None:
    reply = replies.Said.model_validate({"text": "She smiles.", "cites": ["A1"], "asserts": value})
    Vocabulary.of(SMILING).wrong(reply.asserts)
    claim = Claim(text=reply.text, cites=reply.cites, asserts=asserting.read(reply.asserts))
    verdict = ground(claim, SMILING, "P1").verdict
    assert verdict is not None
    if any(a.what != "AU12" for a in claim.asserts):
        assert verdict != "supported"


# --- one judgement for run time, reward and measure -----------------------------------------


def test_the_measure_reads_sentences_beside_true_assertions() -> None:
    smile = {"subject": "P1", "what": "AU12"}
    rows = [
        {"text": "She smiles.", "cites": ["A1"], "asserts": [smile]},
        {"text": "She is plotting revenge.", "cites": ["A1"], "asserts": [smile]},
    ]
    for row, share in zip(rows, (1.0, 0.0), strict=True):
        table, score = grounded.rows([SMILING], [grounded.pred({"claims": [row]})])
        assert score(table.sum(axis=0))["grounded"] == share


def test_saying_the_same_in_other_words_counts_once() -> None:
    smile, wrong = (Assertion(subject="P1", what=what) for what in ("AU12", "AU09"))
    texts = ("She smiles.", "She is smiling.", "A smile is seen.", "A smile is shown.")
    claims = [Claim(text=text, cites=("A1",), asserts=(smile,)) for text in texts]
    claims.append(Claim(text="Her nose wrinkles.", cites=("A1",), asserts=(wrong,)))
    judged = [ground(claim, SMILING, "P1") for claim in claims]
    assert [claim.grounded for claim in judged] == [True] * 4 + [False]
    assert grounded_share(judged) == 0.5


def test_codes_are_read_in_any_spelling_and_never_out_of_a_sentence() -> None:
    def read(what: str) -> str:
        return asserting.read([Asserted(what=what)])[0].what

    assert [read(what) for what in ("AU6", "au 06", "AU06 cheek raiser")] == ["AU06"] * 3
    assert read("Emotion:Fear") == "emotion:fear"
    assert read("AU6 absent") == "AU6 absent"
