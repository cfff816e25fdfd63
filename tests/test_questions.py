"""Plain questions get short, cited, honest answers."""

from __future__ import annotations

import re

import pytest
from rules_cases import ANGRY_VOICE, SHOWN, clip, move, tone, unit, words

from agent.grounding import ground_all
from agent.questions import moment, reply
from agent.reading.rules import appraise
from agent.schema.answer import Claim
from agent.schema.evidence import Evidence, Missing, Person

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


def ask(
    question: str, evidence: Evidence = TALK, history: tuple[str, ...] = ()
) -> tuple[str, tuple[Claim, ...], tuple[float, float]]:
    reading = appraise(evidence, span=moment(question, evidence, None, history))
    return reply(evidence, question, reading, history)


@pytest.mark.parametrize(
    ("question", "span"),
    [
        ("What does she feel at 0:05?", (4.25, 5.75)),
        ("What happens at 5 s?", (4.25, 5.75)),
        ("What happens between 3 and 5 s?", (3, 5)),
        ("from 0:03 to 0:05.5, what does he feel?", (3, 5.5)),
        ("What is felt in the first 2 seconds?", (0, 2)),
        ("and in the last 4 seconds?", (6, 10)),
        ("How is she at the end?", (8, 10)),
        ("How is she at the beginning?", (0, 2)),
        ("What does she feel after 0:06?", (6, 10)),
        ("What does she feel before 0:06?", (0, 6)),
        ("How does she feel before she nods?", (1, 3)),
        ("How does she feel after she nods?", (4, 6)),
        ("How does she feel while she looks away?", (4, 5)),
        ("When does she smile?", None),
        ("What does she feel?", None),
        ("Why does P1 frown?", None),
        ("What does she feel at 3:00?", None),
        ("How does she feel before she sneers?", None),
    ],
)
def test_moments_are_understood(question: str, span: tuple[float, float] | None) -> None:
    assert moment(question, TALK) == (None if span is None else pytest.approx(span))


def test_a_follow_up_takes_its_moment_from_the_question_before() -> None:
    before = ("What does she feel between 1 and 2 s?",)
    assert moment("and after that?", TALK, None, before) == pytest.approx((2, 4))
    assert moment("and before that?", TALK, None, before) == pytest.approx((0, 1))
    assert moment("why?", TALK, None, ()) is None


def test_when_questions_give_times_and_cues() -> None:
    text, claims, span = ask("When does she smile?")
    assert "from 0:00.5 to 0:02.5" in text and "again" in text and "right side" in text
    assert span == pytest.approx((0.5, 5.5))
    assert all(TALK.cue(i).code == "AU12" for c in claims for i in c.cites)  # type: ignore[union-attr]
    assert "looks away from 0:04.0" in ask("When does he look away?")[0]


def test_a_still_picture_has_no_times() -> None:
    still = clip(unit("AU12", 4, 0, 0, apex=0.0), seconds=0.0)
    assert ask("When does she smile?", still)[0] == "She smiles [A1]."
    assert ":" not in ask("Is the smile genuine?", still)[0].replace("proof:", "")


def test_what_did_not_happen_is_said_and_not_cited() -> None:
    text, claims, _ = ask("Does she wrinkle her nose?")
    assert text == "There is no sign of a wrinkled nose."
    assert all(not c.cites for c in claims)


@pytest.mark.parametrize(
    "question",
    [
        "What does she feel, and why?", "Is she angry?", "Is she happy?", "Is the smile genuine?",
        "How sure are you?", "What changes?", "What does she say?", "Why does she smile?",
        "How does her voice sound?", "Describe her face", "When is she happiest?",
        "Do face and voice match?", "How often does she smile?", "What do the eyes do?",
        "What does she feel at the end?", "Does she laugh?", "When is the emotion strongest?",
        "What does she do between 3 and 5 s?", "Did she say won?", "How intense is it?",
    ],
)  # fmt: skip
def test_every_claim_of_an_answer_is_carried_by_its_cues(question: str) -> None:
    for evidence in (TALK, clip(), clip(*SHOWN["sadness"]), clip(*SHOWN["anger"], *ANGRY_VOICE)):
        text, claims, (start, end) = ask(question, evidence)
        assert text and 0 <= start <= end <= evidence.media.duration
        fallen = [c for c in ground_all(claims, evidence, "P1") if not c.grounded]
        assert not fallen


def test_the_feeling_comes_with_reasons_and_confidence() -> None:
    text, claims, _ = ask("What does she feel, and why?", clip(*SHOWN["sadness"]))
    assert "sadness" in text and "(AU1)" in text and "[A" in text and "Confidence is" in text
    assert any(c.part == "conclusion" for c in claims)


def test_discord_is_told_with_both_sides() -> None:
    text, _, _ = ask("What does he feel?", clip(*SHOWN["happiness"], *ANGRY_VOICE))
    assert "Discord" in text and "disagree" in text
    both = ask("Do face and voice disagree?", clip(*SHOWN["happiness"], *ANGRY_VOICE))[0]
    assert both.startswith("Yes. Discord") and "[A1" in both and "V" in both


def test_genuine_smiles_are_told_with_the_limits_of_the_sign() -> None:
    felt, polite = (
        ask("Is the smile genuine?")[0],
        ask("Is it a real smile?", clip(unit("AU12", 3)))[0],
    )
    assert "raised cheeks (AU6)" in felt and "no proof" in felt
    assert "not raised" in polite and "no proof" in polite


def test_moments_change_the_answer() -> None:
    assert "happiness" in ask("What does she feel at 0:01?")[0]
    assert "anger" in ask("What does she feel at 0:07?")[0]
    assert ask("and at 0:07?", TALK, ("What does she feel at 0:01?",))[0].count("anger") >= 1


def test_changes_are_told_in_order() -> None:
    text = ask("What changes over time?")[0]
    assert 0 <= text.find("happiness") < text.find("anger")


def test_the_words_are_quoted_or_said_to_be_missing() -> None:
    assert "“We won, we really won!” [W1]" in ask("What does she say?")[0]
    assert "does not occur" in ask("Did she say hello?")[0]
    mute = clip(missing=(Missing(what="words", why="no subtitles"),))
    assert "no subtitles" in ask("What does she say?", mute)[0]


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("Who is she?", "identify"), ("What is his name?", "identify"), ("How old is he?", "Age"),
        ("Is she lying?", "lies"), ("Is he telling the truth?", "lies"),
        ("Is she depressed?", "diagnosis"), ("Does he have ADHD?", "diagnosis"),
        ("Should we hire him?", "judge people"), ("What is she thinking?", "Thoughts"),
        ("What is she wearing?", "--model"),
    ],
)  # fmt: skip
def test_what_faces_cannot_tell_is_declined_with_a_reason(question: str, why: str) -> None:
    text, claims, _ = ask(question)
    assert why in text and claims == ()


@pytest.mark.parametrize("question", ["Who is speaking?", "Is the smile sincere?", "Is she sad?"])
def test_questions_near_the_limits_are_answered(question: str) -> None:
    assert ask(question)[1]


def test_nobody_in_view_is_said() -> None:
    empty = clip(people=(), missing=(Missing(what="face", why="no face was found"),))
    assert "Cannot tell" in ask("What does she feel?", empty)[0]
    assert "no face was found" in ask("When does she smile?", empty)[0]
    assert "Nobody" in ask("How many people are there?", empty)[0]


def test_people_are_counted_and_doubtful_ones_named() -> None:
    one = Person(id="P1", main=True, start=0, end=6, share=1, size=0.4)
    statue = Person(
        id="P2", main=False, start=0, end=6, share=1, size=0.2, live=False, doubt="does not move"
    )
    text = ask("How many people are there?", clip(people=(one, statue)))[0]
    assert "Two faces" in text and "P2: does not move" in text


def test_other_languages_are_answered_in_english_and_say_so() -> None:
    for question in ("Was fühlt sie und warum?", "Que ressent-elle et pourquoi la dame est là ?",
                     "彼女は何を感じていますか"):  # fmt: skip
        assert "English" in ask(question)[0]
    assert "English" not in ask("What does she feel?")[0]


def test_answers_use_the_pronoun_of_the_question() -> None:
    assert ask("When does he smile?")[0].startswith("He smiles")
    assert ask("When do they smile?")[0].startswith("They smile ")
    assert ask("When does the woman smile?")[0].startswith("The woman smiles")


@pytest.mark.parametrize(
    "question", ["", "?", "x" * 5000, "1" * 9000, "at 99:99:99", "between 5 and 3 s", "😀"]
)
def test_odd_questions_get_an_answer(question: str) -> None:
    assert ask(question)[0]


def test_looking_at_the_camera_is_answered_from_looks_away() -> None:
    away = move("gaze_away", "looks away to the own left", 2.0, 3.0)
    question = "Does she look at the camera?"
    text, claims, _ = ask(question, clip(unit("AU12", 3), away))
    assert "looks away to the own left, from 0:02.0 to 0:03.0" in text
    assert claims[0].cites == ("H1",)
    assert "no look or turn away" in ask(question, clip(unit("AU12", 3)))[0]


def gone_after(seconds: float) -> Evidence:
    """The clip of TALK's smile alone, whose person leaves the picture."""
    evidence = clip(unit("AU12", 3, 0.5, 2.5), unit("AU06", 2.5, 0.6, 2.4), seconds=10.0)
    people = tuple(p.model_copy(update={"end": seconds}) for p in evidence.people)
    return evidence.model_copy(update={"people": people})


def test_who_is_not_in_view_is_not_read_and_not_called_neutral() -> None:
    evidence = gone_after(3.0)
    text, claims, _ = ask("What does she feel at 0:06?", evidence)
    assert text.startswith("Cannot tell: P1 is in view only from 0:00.0 to 0:03.0")
    assert all(claim.grounded for claim in ground_all(claims, evidence))
    share = appraise(evidence).emotions[0].share
    assert share > appraise(gone_after(10.0)).emotions[0].share  # an empty picture is not rest


def test_leaving_and_appearing_are_told_beside_whatever_else_is_asked() -> None:
    left = gone_after(3.0)
    alone = ask("When does she leave?", left)[0]
    assert alone == "She is seen from 0:00.0 to 0:03.0; the clip goes on to 0:10.0."
    both = ask("What does he feel, and when does he leave the picture?", left)[0]
    assert "happiness" in both and both.endswith(
        "from 0:00.0 to 0:03.0; the clip goes on to 0:10.0."
    )
    assert ask("When does she disappear?")[0].endswith("to 0:10.0, where the clip ends.")
    assert "seen from" in ask("When does she first appear?")[0]
    assert "seen from" not in ask("When does she appear happy?")[0]
    nobody = left.model_copy(update={"people": (), "cues": ()})
    assert "No face is seen" in ask("When do they come into view?", nobody)[0]


def test_several_feelings_in_one_question_are_all_answered() -> None:
    smiling = clip(unit("AU12", 3, 0.5, 9.0), unit("AU06", 2.5, 0.6, 8.9), seconds=10.0)
    text, _, _ = ask("Does he look surprised or afraid at any moment?", smiling)
    assert re.match(r"Hardly: nothing clear speaks for surprise \(\d+%\) or fear \(\d+%\)\.", text)
    assert ask("Is she angry or happy?", smiling)[0].startswith(
        "Most likely, yes. What shows fits happ"
    )


def test_a_feeling_of_one_moment_is_found_where_it_hardly_counts_on_the_whole() -> None:
    cues = [unit("AU04", 3, t, t + 2) for t in (2.0, 4.0, 6.0, 8.0)]
    cues += [unit("AU15", 3, t, t + 2) for t in (2.0, 4.0, 6.0, 8.0)]
    evidence = clip(unit("AU12", 2.5, 0.5, 1.0), unit("AU06", 2, 0.5, 1.0), *cues, seconds=10.0)
    text, claims, _ = ask("Is she happy?", evidence)
    assert text.startswith("On the whole hardly") and "between 0:00.5 and 0:01.0" in text
    assert {"A1", "A2"} <= {i for claim in claims for i in claim.cites}


def test_a_conversation_knows_what_was_asked() -> None:
    before = ("Is she happy?", "When does she frown?")
    assert ask("What did I ask first?", history=before)[0] == "First you asked: “Is she happy?”"
    assert "When does she frown?" in ask("What was my last question?", history=before)[0]
    assert ask("What did I ask you?")[0] == "This is the first question of this conversation."


def test_how_a_speaker_sounds_is_about_the_voice_not_about_speaking() -> None:
    loud = clip(*ANGRY_VOICE)
    assert ask("How does the speaker sound?", loud)[0] == ask("What is her voice like?", loud)[0]


def test_the_strongest_moment_is_where_most_is_going_on_at_once() -> None:
    text, claims, _ = ask("At which moment is she most intense?")
    assert text.startswith("Most is going on at 0:0")
    first = [cue for i in claims[0].cites if (cue := TALK.cue(i))]
    assert {cue.code for cue in first} == {"AU04", "AU07", "AU24"}
    assert ask("What happens at the strongest moment?")[0] == text
    assert ask("When is the strongest expression?")[0] == text
    smile = ask("When is her smile strongest?")[0]
    assert "smiles" in smile and "going on" not in smile


def test_both_questions_of_one_sentence_are_answered() -> None:
    loud = clip(unit("AU12", 3, 0.5, 2.5), unit("AU04", 3, 6.0, 8.0), *ANGRY_VOICE)
    text, claims, _ = ask("When does she smile, and what does her voice do?", loud)
    codes = [cue.code for claim in claims for i in claim.cites if (cue := loud.cue(i))]
    assert codes[0] == "AU12" and "energy" in codes
    assert ask("When does she smile?", loud)[0] in text
    one = ask("When does she smile and why?", loud)[0]
    assert one == ask("Why does she smile?", loud)[0], "a bare why is no question of its own"
    assert ask("When does she smile? How does she feel?", loud)[0].startswith("She smiles")
    assert "fits" in ask("When does she smile? How does she feel?", loud)[0]


def test_there_is_the_moment_that_the_first_half_of_a_question_found() -> None:
    low, high = tone("pitch", -1.5, 0.5, 2.5), tone("pitch", 1.2, 6.0, 8.0)
    two = clip(unit("AU12", 4, 0.5, 2.5), unit("AU04", 2, 6.0, 8.0), low, high, seconds=9.0)
    for where, expected in (("there", [-1.5]), ("all the time", [-1.5, 1.2])):
        _, claims, _ = ask(f"When is she most expressive, and how does she sound {where}?", two)
        cues = [cue for claim in claims[1:] for i in claim.cites if (cue := two.cue(i))]
        heard = {cue.relative for cue in cues if cue.sense == "voice"}
        assert sorted(heard) == expected


def test_whether_a_feeling_is_genuine_is_not_guessed() -> None:
    text, claims, _ = ask("Would you say the feeling is genuine?")
    assert text.startswith("Whether a feeling is felt or put on, neither face nor voice can prove.")
    assert claims and "fits" in text
    clash = clip(*SHOWN["happiness"], *ANGRY_VOICE)
    assert "One of the two may be put on" in ask("Is she genuinely happy?", clash)[0]


@pytest.mark.parametrize(
    "question",
    ["Do face and voice agree?", "Does her voice match her face?", "Does the voice fit the face?"],
)
def test_a_question_for_agreement_gets_a_yes_or_no_that_fits_it(question: str) -> None:
    clash = clip(*SHOWN["happiness"], *ANGRY_VOICE)
    assert ask(question, clash)[0].startswith("No. Discord")
    assert ask("Do face and voice disagree?", clash)[0].startswith("Yes. Discord")
    one = clip(*SHOWN["anger"], *ANGRY_VOICE)
    assert ask(question, one)[0].startswith("Yes: face and voice do not point different ways.")
    assert ask("Is there a mismatch?", one)[0].startswith("No: face and voice do not")


def test_what_happens_after_an_end_is_told_from_that_end_on() -> None:
    evidence = clip(
        unit("AU12", 3.0, 1.0, 3.0), unit("AU06", 3.0, 1.0, 3.0),
        unit("AU04", 4.0, 4.0, 6.0), unit("AU24", 3.0, 4.1, 6.0),
        words("and then the rent", 4.5, 5.5),
    )  # fmt: skip
    for question in (
        "When does she stop smiling, and what happens then?",
        "When does her smile end, and what comes next?",
        "When does she stop smiling, and what happens after that?",
    ):
        text, claims, _ = ask(question, evidence)
        assert text.startswith("She smiles until 0:03.0"), text
        codes = {c.code for claim in claims[1:] for i in claim.cites if (c := evidence.cue(i))}
        assert "AU04" in codes and "AU12" not in codes, text
        assert "anger" in text
        assert "happiness throughout" not in text
        assert all(claim.grounded for claim in ground_all(claims, evidence))
    text, *_ = ask("When does she stop smiling, and what does she say then?", evidence)
    assert "“and then the rent”" in text


def test_a_smile_that_lasts_to_the_end_has_not_stopped() -> None:
    evidence = clip(unit("AU12", 3.0, 1.0, 6.0))
    text, *_ = ask("When does she stop smiling, and what happens then?", evidence)
    assert "to the end of the clip" in text
    assert "until" not in text


@pytest.mark.parametrize(
    "question",
    [
        "Do the face, the voice and the words agree?",
        "Do face, voice and words match?",
        "Do face and voice agree?",
        "Is her face in line with her voice?",
    ],
)
def test_one_discord_among_the_channels_asked_about_is_a_no(question: str) -> None:
    text, claims, _ = ask(question, clip(*SHOWN["happiness"], *ANGRY_VOICE))
    assert text.startswith("No. Discord")
    assert claims[0].text.startswith("Discord")


def test_voices_without_a_face_are_counted_as_far_as_they_can_be() -> None:
    said = tone("speech", 0.0, 1.0, 3.0, person=None)
    heard = clip(said, people=())
    text, *_ = ask("How many people speak?", heard)
    assert "Nobody" not in text
    assert "At least one person speaks" in text
    assert "cannot be told" in text
    two = Missing(what="speakers", why="phrases fall into two groups of pitch, around 110 and 210 "
                  "Hz: perhaps more than one speaker")  # fmt: skip
    text, *_ = ask("How many people speak?", heard.model_copy(update={"missing": (two,)}))
    assert "points to more than one voice" in text


def test_a_capped_list_of_events_is_at_least_so_many() -> None:
    evidence = clip(*(unit("AU12", 3.0, 1.5 * n, 1.5 * n + 1) for n in range(4)))
    text, *_ = ask("How often does she smile?", evidence)
    assert text.startswith("She smiles 4 times")
    gone = Missing(what="events of AU12", why="P1: 5 weaker of 9 are left out")
    text, *_ = ask("How often does she smile?", evidence.model_copy(update={"missing": (gone,)}))
    assert text.startswith("She smiles at least 4 times")


def test_a_voice_at_its_usual_is_no_reason_in_a_direction() -> None:
    usual = tone("rate", -0.9, 1.0, 5.0).model_copy(
        update={"text": "speaks at a usual pace (3.5 syllables a second; adults 4.9 ± 1.2)"}
    )
    lower = tone("pitch", -2.0, 1.0, 5.0)
    _, claims, _ = ask("How does she feel, and why?", clip(usual, lower))
    assert not any("slower speech" in claim.text for claim in claims)
