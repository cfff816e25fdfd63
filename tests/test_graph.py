"""The whole way from evidence and question to a cited answer, with the rules and with models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import by_hand
import loopback
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import GOOD, said, step_of, text_of
from rules_cases import clip, unit

import prompts
from agent.graph import build as graph
from agent.graph import nodes, wording
from agent.graph.conversation import Conversation, run
from agent.models.connect import NonsenseError, Rules
from agent.models.context import AskError, Context, Step
from agent.perception import match_people as alike
from agent.perception import refine as closer
from agent.perception import series
from agent.schema.answer import Answer, Claim
from agent.schema.evidence import Cue, Evidence, Missing, number
from agent.schema.picture import Picture

ASK = "What does she feel, and why?"


def asked(script: dict[str, loopback.Json], question: str = ASK, **settings: Any) -> Answer:
    """The answer of a scripted model about the smiling person."""
    evidence = settings.pop("evidence", by_hand.smiling())
    with loopback.host(loopback.scripted(script)) as talk:
        return run(question, evidence, model="openai:tiny", base_url=talk.url, **settings)


def test_the_rules_go_the_whole_way_and_cite_what_is_there() -> None:
    steps: list[Step] = []
    evidence = by_hand.smiling()
    answer = run(ASK, evidence, on_step=steps.append)
    assert [step.name for step in steps] == [
        "plan", "behaviour", "cognition", "emotion", "check", "answer",
    ]  # fmt: skip
    assert steps[-1].text == answer.answer
    assert answer.emotions[0].label == "happiness"
    assert answer.valence > 0.2
    assert answer.person == "P1"
    assert answer.model == "rules"
    assert answer.claims
    assert all(evidence.cue(id) for claim in answer.claims for id in claim.cites)
    assert answer.grounded == 1.0
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


@pytest.mark.parametrize("profile", prompts.profiles())
def test_every_profile_answers_in_its_own_labels(profile: str) -> None:
    answer = run(ASK, by_hand.smiling(), profile=profile)
    labels = set(prompts.profile(profile).emotion)
    if profile == "general":
        assert answer.emotions[0].label in labels
    else:
        assert {emotion.label for emotion in answer.emotions} <= labels
    assert abs(sum(emotion.share for emotion in answer.emotions) - 1) < 0.01
    assert answer.grounded == 1.0, [claim for claim in answer.claims if not claim.grounded]


def test_the_rules_are_shown_no_pictures() -> None:
    def refuse(*_: object) -> list[Picture]:
        raise AssertionError("decoding frames for nobody")

    assert run(ASK, by_hand.smiling(), pictures=refuse).answer


def test_several_people_are_read_side_by_side() -> None:
    steps: list[Step] = []
    answer = run("What do they both feel?", by_hand.two_people(), on_step=steps.append)
    assert sorted(step.person or "" for step in steps if step.name == "check") == ["P1", "P2"]
    assert answer.person == "P1"
    assert answer.emotions[0].label == "happiness"
    (other,) = answer.others
    assert (other.person, other.emotions[0].label) == ("P2", "anger")
    assert "P1:" in answer.answer
    assert "P2:" in answer.answer


def test_several_people_share_a_host_that_refuses_schemas() -> None:
    def answering(request: loopback.Json) -> tuple[int, Any]:
        if "response_format" in request:
            return loopback.error(400, "json_schema is not supported")
        return loopback.scripted()(request)

    with loopback.host(answering) as talk:
        answer = run(
            "What do they both feel?", by_hand.two_people(), model="openai:tiny", base_url=talk.url
        )
    assert answer.others
    assert sum("response_format" in request for request in talk.requests) <= 2


def test_a_named_person_is_the_one_read() -> None:
    assert run("What does P2 feel?", by_hand.two_people()).person == "P2"
    assert run(ASK, by_hand.two_people(), person="p2").person == "P2"
    assert len(run(ASK, by_hand.two_people(), person="all").others) == 1


def test_a_person_who_is_not_there_is_wrong_use() -> None:
    with pytest.raises(AskError, match="P7 is not in this clip; there is P1, P2"):
        run("What does P7 feel?", by_hand.two_people())


def test_an_unknown_profile_and_an_empty_question_are_wrong_use() -> None:
    with pytest.raises(AskError, match="no profile 'happy'; there are general"):
        run(ASK, by_hand.smiling(), profile="happy")
    with pytest.raises(AskError, match="empty"):
        run("  ", by_hand.smiling())


def test_nobody_in_the_clip_is_cannot_tell() -> None:
    gone = (Missing(what="face", why="no face in any frame"),)
    evidence = by_hand.smiling(people=(), cues=(), missing=gone)
    answer = run(ASK, evidence)
    assert answer.person is None
    assert answer.emotions == ()
    assert "no face in any frame" in answer.answer


def test_what_is_missing_is_said_where_it_matters() -> None:
    gone = (Missing(what="sound", why="the clip has no audio track"),)
    evidence = by_hand.smiling(missing=gone)
    answer = asked(GOOD, evidence=evidence)
    assert "Not available – sound: the clip has no audio track." in answer.answer
    assert answer.missing == gone
    script = {**GOOD, "answer": {"sentences": [], "lacking": "a view of the room"}}
    answer = asked(script, "Where is the lamp?", evidence=evidence)
    assert "no audio" not in answer.answer
    assert "a view of the room" in answer.answer


def test_a_model_answers_with_pictures_and_citations() -> None:
    with loopback.host(loopback.scripted()) as talk:
        answer = run(
            ASK,
            by_hand.smiling(),
            model="openai:tiny",
            base_url=talk.url,
            pictures=by_hand.four_pictures,
        )
    assert {loopback.pictures_of(request) for request in talk.requests} == {4}
    assert answer.answer == "She feels happy: her cheeks and lip corners rise [A1, A2]."
    assert answer.emotions[0].share == 0.8
    assert answer.words == ("delighted",)
    assert answer.span == (1.0, 4.0)
    assert answer.grounded == 1.0
    assert answer.model == "openai:tiny"


LIE = {"text": "The brows rise and the nose wrinkles.", "cites": ["A1"]}


def test_a_claim_that_falls_goes_back_with_its_reason_and_comes_back_mended() -> None:
    wrong = {**GOOD["behaviour"], "claims": [*GOOD["behaviour"]["claims"], LIE]}
    mend = {"claims": [{"number": 1, "text": "The brows are lowered later on.", "cites": ["A4"]}]}
    with loopback.host(loopback.scripted({**GOOD, "behaviour": wrong, "mend": mend})) as talk:
        answer = run(ASK, by_hand.smiling(), model="openai:tiny", base_url=talk.url)
    (mending,) = [request for request in talk.requests if step_of(request) == "mend"]
    assert "no cited cue shows it" in text_of(mending)
    assert "The brows are lowered later on." in [claim.text for claim in answer.claims]
    assert answer.grounded == 1.0


def test_a_model_that_insists_is_asked_twice_then_struck_out_and_told() -> None:
    wrong = {**GOOD["behaviour"], "claims": [*GOOD["behaviour"]["claims"], LIE]}
    stubborn = {**GOOD, "behaviour": wrong, "mend": {"claims": [{"number": 1, **LIE}]}}
    with loopback.host(loopback.scripted(stubborn)) as talk:
        answer = run(ASK, by_hand.smiling(), model="openai:tiny", base_url=talk.url)
    assert [step_of(request) for request in talk.requests].count("mend") == 2
    (struck,) = [claim for claim in answer.claims if not claim.grounded]
    assert struck.text == LIE["text"]
    assert struck.why
    assert LIE["text"] not in answer.answer
    assert "1 of 6 claims were struck out" in answer.answer
    assert answer.grounded == pytest.approx(5 / 6)
    assert answer.confidence < 0.7
    final = [request for request in talk.requests if step_of(request) == "answer"]
    assert LIE["text"] not in text_of(final[0])


def test_a_model_that_talks_nonsense_feels_nothing_for_us() -> None:
    babble = {"text": "wug flimmer gro", "cites": ["A1"]}
    script = {
        "behaviour": {"claims": [babble], "behavior": "gro"},
        "cognition": {"claims": [babble], "cognition": "gro"},
        "emotion": {**GOOD["emotion"], "claims": [babble]},
        "mend": {"claims": [{"number": n, **babble} for n in (1, 2, 3)]},
        "answer": {"sentences": [babble], "lacking": ""},
    }
    answer = asked(script)
    assert answer.grounded == 0.0
    assert answer.emotions == ()
    assert answer.confidence == 0.0
    assert answer.behavior is None
    assert answer.answer.startswith("Cannot tell")
    assert "were not checked, and left out" in answer.answer


def test_a_feeling_that_nothing_bears_on_is_not_kept() -> None:
    fear = {**GOOD["emotion"], "claims": [], "emotions": [{"label": "fear", "share": 100}]}
    mouth = {"claims": [{"text": "The lip corners rise.", "cites": ["A1"]}], "behavior": "smiles"}
    only = {**GOOD, "behaviour": mouth, "emotion": fear}
    only["cognition"] = {"claims": [], "cognition": "is calm"}
    answer = asked(only)
    assert answer.emotions == ()
    (fallen,) = [claim for claim in answer.claims if not claim.grounded]
    assert (fallen.text, fallen.why) == (
        "Most likely fear.",
        "no cue of a claim that stands tells of fear",
    )


def test_a_true_claim_lends_nothing_to_a_label_it_is_no_sign_of() -> None:
    """Parted lips and raised cheeks are seen in anger too, and yet a smile is no sign of it."""
    cues = (unit("AU12", 3), unit("AU06", 2.5), unit("AU25", 2.5))
    anger = {**GOOD["emotion"], "claims": [], "emotions": [{"label": "anger", "share": 100}]}
    seen = {"claims": [{"text": "The lips part.", "cites": ["A3"]}], "behavior": "smiles"}
    script = {**GOOD, "behaviour": seen, "emotion": anger}
    script["cognition"] = {"claims": [], "cognition": "is calm"}
    assert asked(script, evidence=clip(*cues)).emotions == ()
    script["behaviour"] = {
        "claims": [{"text": "The lids are tightened.", "cites": ["A4"]}], "behavior": "smiles"
    }  # fmt: skip
    tight = asked(script, evidence=clip(*cues, unit("AU07", 1.5)))
    assert tight.emotions == (), "a sign of anger in a broad smile"
    frown = (unit("AU04", 3), unit("AU07", 2.5))
    script["behaviour"] = {
        "claims": [{"text": "The brows are lowered.", "cites": ["A1"]}], "behavior": "smiles"
    }  # fmt: skip
    assert asked(script, evidence=clip(*frown)).emotions[0].label == "anger"


def test_free_words_that_name_what_nobody_saw_are_struck_out() -> None:
    fancy = {**GOOD["behaviour"], "behavior": "She smiles and wrinkles her nose."}
    answer = asked({**GOOD, "behaviour": fancy})
    assert answer.behavior is None
    (struck,) = [claim for claim in answer.claims if not claim.grounded]
    assert struck.text == "She smiles and wrinkles her nose."
    assert struck.why is not None
    assert "wrinkles her nose" in struck.why
    assert asked(GOOD).behavior == GOOD["behaviour"]["behavior"]


def test_free_words_that_nothing_could_carry_are_left_out() -> None:
    fancy = {**GOOD["cognition"], "cognition": "She is plotting revenge."}
    answer = asked({**GOOD, "cognition": fancy})
    assert answer.cognition is None
    (left,) = [claim for claim in answer.claims if not claim.grounded]
    assert (left.text, left.verdict) == ("She is plotting revenge.", "unverified")


def test_an_answer_in_a_language_that_is_not_read_says_so_once() -> None:
    said = [
        {"text": "Sie freut sich sehr.", "cites": ["A1"]},
        {"text": "Ihre Wangen heben sich deutlich.", "cites": ["A2"]},
    ]
    answer = asked({**GOOD, "answer": {"sentences": said, "lacking": ""}})
    assert "freut" not in answer.answer
    assert answer.answer.count("language that claims are not read in") == 1
    assert [c.verdict for c in answer.claims][-2:] == ["unverified", "unverified"]


def test_a_sentence_of_an_answer_is_a_conclusion_only_where_it_concludes() -> None:
    said = [
        {"text": "She smiles.", "cites": ["A1"]},
        {"text": "She is happy.", "cites": ["A1"]},
        {"text": "She is lying to hide a crime.", "cites": ["A1"]},
    ]
    answer = asked({**GOOD, "answer": {"sentences": said, "lacking": ""}})
    assert [c.part for c in answer.claims][-3:] == ["observation", "conclusion", "observation"]
    assert "lying" not in answer.answer


def test_a_model_that_gives_no_reasons_is_not_believed() -> None:
    bare = {step: {**reply, "claims": []} for step, reply in GOOD.items()}
    answer = asked({**bare, "answer": {"sentences": [], "lacking": "reasons"}})
    assert answer.emotions == ()
    assert answer.confidence == 0.0


def test_a_sentence_on_a_cue_that_is_not_there_is_not_said() -> None:
    sentences = [
        {"text": "She smiles.", "cites": ["A1"]},
        {"text": "She is furious.", "cites": ["A99"]},
        {"text": "She must be rich.", "cites": []},
    ]
    answer = asked({**GOOD, "answer": {"sentences": sentences, "lacking": ""}})
    assert answer.answer.startswith("She smiles [A1].")
    assert "furious" not in answer.answer
    assert "rich" not in answer.answer


def test_a_model_that_fails_is_reported_not_papered_over() -> None:
    with (
        loopback.host(lambda _: said("I would rather not.")) as talk,
        pytest.raises(NonsenseError, match="two tries"),
    ):
        run(ASK, by_hand.smiling(), model="openai:tiny", base_url=talk.url)


def sparse() -> Evidence:
    """A clip of 60 frames a second of which 10 were looked at, with little at 0:07."""
    return by_hand.smiling(media=by_hand.media(fps=60.0, sampled_fps=10.0))


def finer(_start: float, _end: float) -> Evidence:
    """What a closer look finds: the frown is stronger than it seemed, and a brief nose wrinkle."""
    cues = [
        by_hand.face("AU04", 7.05, 7.9, 2.7),
        by_hand.face("AU09", 7.2, 7.5, 2.2, brief=True),
    ]
    return by_hand.smiling(cues=number(cues))


def test_a_thin_moment_is_looked_at_again_in_finer_steps() -> None:
    windows: list[tuple[float, float]] = []
    kept: list[Evidence] = []

    def look_closer(start: float, end: float) -> Evidence:
        windows.append((start, end))
        return finer(start, end)

    def keep(evidence: Evidence) -> str:
        kept.append(evidence)
        return "finer.json"

    steps: list[Step] = []
    answer = run(
        "What does she feel at 0:07?",
        sparse(),
        look_closer=look_closer,
        keep=keep,
        evidence_path="first.json",
        on_step=steps.append,
    )
    ((start, end),) = windows
    assert start < 7 < end
    names = [step.name for step in steps]
    assert names.count("look") == 1
    assert names.count("behaviour") == 2
    assert answer.evidence == "finer.json"
    frown, wrinkle = kept[0].cue("A4"), kept[0].cue("A5")
    assert frown is not None
    assert (frown.code, frown.intensity, frown.relative) == ("AU04", 2.7, 1.6)
    assert wrinkle is not None
    assert wrinkle.code == "AU09"
    assert any("A5" in claim.cites for claim in answer.claims)


def placed(folder: Path, name: str, boxes: dict[str, float]) -> Evidence:
    """Evidence with a series in which each person's face stays at one x."""
    path = folder / f"{name}.parquet"
    times = np.arange(0, 10, 0.1)
    box = {"box_y": 50.0, "box_w": 80.0, "box_h": 100.0}
    rows = {
        person: {
            "time": times,
            "frame": np.arange(len(times)),
            "box_x": np.full(len(times), x, np.float32),
            **{key: np.full(len(times), value, np.float32) for key, value in box.items()},
        }
        for person, x in boxes.items()
    }
    series.write_people(rows, path)
    people = [by_hand.person(id, main=n == 0) for n, id in enumerate(boxes)]
    cues = [by_hand.face("AU12", 1, 2, 2.0, person=id) for id in boxes]
    return by_hand.smiling(people=tuple(people), cues=number(cues), series=str(path))


def test_people_of_a_closer_look_are_known_by_where_they_are(tmp_path: Path) -> None:
    whole = placed(tmp_path, "whole", {"P1": 100.0, "P2": 400.0})
    near = placed(tmp_path, "near", {"P1": 405.0, "P2": 95.0, "P3": 250.0})
    assert alike.same_people(whole, near) == {"P1": "P2", "P2": "P1"}
    assert [cue.person for cue in alike.cues_as(whole, near)] == ["P2", "P1"]


def test_people_who_cannot_be_told_apart_are_not_mixed_up() -> None:
    assert alike.cues_as(by_hand.two_people(), by_hand.two_people()) == ()


def test_looking_again_ends_after_two_windows() -> None:
    windows: list[tuple[float, float]] = []

    def look_closer(start: float, end: float) -> Evidence:
        windows.append((start, end))
        return by_hand.smiling(cues=())

    wrong = {"claims": [{"text": "The nose wrinkles.", "cites": ["A1"]}], "behavior": "smiles"}
    wrong_later = {
        "claims": [{"text": "The nose wrinkles.", "cites": ["A4"]}],
        "cognition": "is calm",
    }
    script = {**GOOD, "behaviour": wrong, "cognition": wrong_later}
    script["mend"] = {"claims": []}
    asked(script, "What is that at 0:09?", evidence=sparse(), look_closer=look_closer)
    assert 1 <= len(windows) <= closer.MOST_LOOKS


@pytest.mark.parametrize(
    ("evidence", "question"),
    [(by_hand.smiling(), "What does she feel at 0:07?"), (sparse(), ASK)],
    ids=["every frame was seen", "nothing points anywhere"],
)
def test_no_second_look_where_it_could_not_help(evidence: Evidence, question: str) -> None:
    def look_closer(_start: float, _end: float) -> Evidence:
        raise AssertionError("looked again for nothing")

    assert run(question, evidence, look_closer=look_closer).answer


def test_a_clip_that_cannot_be_read_again_keeps_what_it_has() -> None:
    answer = run("What is there at 0:07?", sparse(), look_closer=lambda *_: None)
    assert answer.claims


times = st.floats(0, 9.5).map(lambda t: round(t, 2))
cues = st.builds(
    lambda code, start, length: by_hand.face(code, start, min(start + length, 10.0), 2.0),
    st.sampled_from(["AU01", "AU04", "AU12"]),
    times,
    st.floats(0.05, 2).map(lambda t: round(t, 2)),
)


@settings(deadline=None)
@given(st.lists(cues, max_size=8), st.lists(cues, max_size=8), st.integers(1, 3))
def test_finer_cues_never_take_the_id_of_another(
    old: list[Cue], new: list[Cue], people: int
) -> None:
    base = by_hand.smiling(cues=number(old))
    found = by_hand.smiling(cues=number(new))
    sets = [
        closer.refined(base, found.cues, "P1", (0.0, 10.0), (place, people))
        for place in range(people)
    ]
    for mine in sets:
        merged = closer.overlay(base, [cue.model_dump(mode="json") for cue in mine])
        Evidence.model_validate(merged.model_dump())
        assert {cue.id for cue in base.cues} <= {cue.id for cue in merged.cues}
        assert [cue.start for cue in merged.cues] == sorted(cue.start for cue in merged.cues)
    added = [{cue.id for cue in mine} - {cue.id for cue in base.cues} for mine in sets]
    assert sum(map(len, added)) == len(set().union(*added))


def test_routing_reads_the_state_alone() -> None:
    def after(**more: Any) -> str:
        state: Any = {"failed": 1, "mends": True, "mended": 0, "window": None, **more}
        return nodes.after_check(state)

    assert after() == "revise"
    assert after(window=[1.0, 2.0]) == "look"
    assert after(mended=2) == "settle"
    assert after(mends=False) == "settle"
    assert after(failed=0) == "settle"


def test_the_state_is_plain_json_at_every_step() -> None:
    built = graph.build()
    context = Context(evidence=by_hand.two_people(), model=Rules())
    begun: Any = {"question": "What do they both feel?", "profile": "general", "clip": "a"}
    for state in built.stream(begun, context=context, stream_mode="values"):
        assert json.loads(json.dumps(state)) == state


def test_a_citation_stands_before_the_full_stop() -> None:
    assert wording.cited(Claim(text="She smiles.", cites=("A1", "A2"))) == "She smiles [A1, A2]."
    assert wording.cited(Claim(text="Nobody speaks.")) == "Nobody speaks."


def test_the_conversation_tells_its_steps() -> None:
    talk, steps = Conversation(by_hand.smiling()), list[Step]()
    talk.ask(ASK, on_step=steps.append)
    assert steps[-1].name == "answer"
    assert talk.last.emotions


def test_what_a_closer_look_found_can_be_read_after_the_answer() -> None:
    with Conversation(sparse(), look_closer=finer) as talk:
        answer = talk.ask("What does she feel at 0:07?")
        cited = {id for claim in answer.claims for id in claim.cites}
        assert "A5" in cited
        assert all(talk.evidence.cue(id) for id in cited)
        talk.ask(ASK)
        assert talk.evidence == sparse()
