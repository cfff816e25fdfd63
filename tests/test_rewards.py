"""Rewards: what is right is rewarded, what only looks like it is not."""

from __future__ import annotations

import math
import time
from typing import Any

import by_hand
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facs import units as facs
from agent.facs.prototypes import BASIC
from agent.reading.rules import appraise
from agent.schema.answer import Claim
from agent.schema.evidence import Evidence, number
from eval.published import facial_r1_au_reward
from finetune import completion
from finetune.rewards import REWARDS, above_all, alignment, emotion, emotion_wheel, grounding

EVIDENCE = Evidence(
    media=by_hand.media(),
    people=(by_hand.person(),),
    cues=number(
        [
            by_hand.face("AU06", 2.0, 4.0, 2.6, text="cheeks raised, marked"),
            by_hand.face("AU12", 1.8, 4.2, 3.4, text="lip corners pulled up, marked"),
            by_hand.voice("pitch", 1.0, 5.0, 1.6, "voice higher than usual"),
            by_hand.voice("energy", 1.0, 5.0, 1.4, "voice louder than usual"),
            by_hand.words("I am not sad at all, everything is fine", 1.0, 4.0),
        ]
    ),
)
COLUMNS: dict[str, Any] = {
    "emotion": "happiness",
    "units": [6, 12],
    "evidence": EVIDENCE.to_json(),
    "tree": {"expression": {"AU06": "shown", "AU12": "shown"}, "emotion": ["happiness"]},
}


def gold() -> str:
    """What the rules would write of this evidence."""
    reading = appraise(EVIDENCE)
    claims = [c for c in reading.claims if not c.text.startswith("The words")]
    return completion.write(claims, "happiness")


def score(name: str, *texts: str, **columns: Any) -> list[float | None]:
    """One reward of several completions of one row."""
    row = COLUMNS | columns
    return REWARDS[name](list(texts), **{key: [value] * len(texts) for key, value in row.items()})


THOUGHT = "Lip corners pulled up (AU12). [A1]\nCheeks raised (AU6). [A2]"


def made(think: str = THOUGHT, answer: str = "happiness") -> str:
    return f"<think>\n{think}\n</think>\n<answer>{answer}</answer>"


ALL_UNITS = " ".join(f"AU{n}." for n in facs.AUS)
ALL_IDS = "[" + ", ".join(cue.id for cue in EVIDENCE.cues) + "]"
DEGENERATE = {
    "all units": made(ALL_UNITS, "unclear"),
    "all units, every cue cited": made(f"{ALL_UNITS[:-1]} {ALL_IDS}", "unclear"),
    "all units, one a line": made("\n".join(f"- AU{n}. {ALL_IDS}" for n in facs.AUS), "unclear"),
    "all emotions": made("Something is felt.", ", ".join(BASIC)),
    "all emotions in a sentence": made("x", " and ".join(BASIC)),
    "everything": made(f"{ALL_UNITS} {' '.join(BASIC)} {ALL_IDS}", " ".join(BASIC)),
    "empty tags": "<think></think><answer></answer>",
    "blank tags": "<think> \n </think>\n<answer>  </answer>",
    "nothing": "",
    "tags only, twice": "<think></think><answer></answer>" * 2,
    "unclosed": "<think>AU12 <answer>happiness",
    "copied words": made("I am not sad at all, everything is fine", "unclear"),
    "copied words, cited": made("I am not sad at all, everything is fine [W1]", "unclear"),
    "headings only": made("Observations:\nInterpretation:\nConclusion:", "unclear"),
    "denials": made("No AU4 [A1]. No AU9 [A1]. No AU15 [A1].", "unclear"),
}


@pytest.mark.parametrize("name", sorted(REWARDS))
def test_the_gold_passes_its_own_grader(name: str) -> None:
    (value,) = score(name, gold())
    assert value is not None
    assert value > 0.95


@pytest.mark.parametrize("name", sorted(REWARDS))
@pytest.mark.parametrize("kind", sorted(DEGENERATE))
def test_degenerate_completions_earn_no_more_than_silence(name: str, kind: str) -> None:
    """`form` and `length` judge the outside alone: a filled text may pass them."""
    (value,) = score(name, DEGENERATE[kind])
    (silence,) = score(name, made("Cannot tell.", "unclear"))
    assert value is not None and silence is not None
    assert value <= silence + 1e-9


@pytest.mark.parametrize(
    "name", ["units", "units_signed", "alignment", "alignment_told", "grounding", "parts"]
)
def test_a_label_alone_earns_nothing_for_reasons(name: str) -> None:
    bare, tagged = score(name, "happiness", "<think></think><answer>happiness</answer>")
    floor = -1.0 if name == "units_signed" else 0.0
    assert bare == tagged == floor


@pytest.mark.parametrize("name", sorted(REWARDS))
def test_repeating_never_pays(name: str) -> None:
    once = made()
    thrice = made("\n".join([THOUGHT] * 3))
    twice = once * 2
    first, *rest = score(name, once, thrice, twice)
    assert first is not None
    assert all(value is not None and value <= first for value in rest)


@pytest.mark.parametrize("name", sorted(REWARDS))
def test_more_units_than_are_shown_never_pay(name: str) -> None:
    """Adding what is not there, one after the other, never raises a reward."""
    extra = [n for n in facs.MEASURED if n not in (6, 12)]
    think = THOUGHT
    before = score(name, made())[0]
    for n in extra:
        think += f"\n{facs.AUS[n].name.capitalize()} (AU{n}). [A1]"
        value = score(name, made(think))[0]
        assert value is not None and before is not None
        assert value <= before + 1e-9
        before = value
    if name in ("units", "alignment", "alignment_told"):
        assert before == 0.0


# --- the faults of others -------------------------------------------------------------------


def test_faults_known_from_peers_are_not_repeated() -> None:
    assert score("form", made() + "\n", "\n" + made()) == [1.0, 1.0]
    assert score("form", "<think></think><answer>a</answer>") == [0.0]
    assert score("units", made("AU06 and AU012", "x"), made("AU6, AU12", "x")) == [1.0, 1.0]
    four = score("units", made("AU6, AU12, no AU4"), made("AU6, AU12, AU4"))
    assert four[0] == 1.0 and four[1] is not None and four[1] < 0.8
    assert score("units", made("No smile.", "x")) == [0.0]
    sad = ["Sad", "sad", " SADNESS. ", "not sad", "sad, happy", "maybe sad or angry"]
    found = score("emotion", *(made(answer=word) for word in sad), emotion="sadness")
    assert found == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    assert score("emotion", made(answer="gibberish"), emotion="neutral") == [0.0]


def test_rows_that_lack_a_column_are_not_scored() -> None:
    for name, column in (("emotion", "emotion"), ("units", "units"), ("grounding", "evidence")):
        assert score(name, gold(), **{column: None}) == [None]
    assert alignment([gold()]) == [None]
    assert score("affect_tree", gold(), tree=None, units=None) == [None]
    assert score("affect_tree", gold(), tree=None)[0] == pytest.approx(1.0)


def test_conversations_are_read_like_texts() -> None:
    turn = [{"role": "assistant", "content": gold()}]
    parts = [{"role": "assistant", "content": [{"type": "text", "text": gold()}]}]
    assert emotion([turn, parts], ["happiness"] * 2, prompts=["?"] * 2) == [1.0, 1.0]


# --- one by one -----------------------------------------------------------------------------


def test_the_wheel_knows_near_from_far() -> None:
    words = ["happiness", "joyful", "content", "surprise", "sadness", "blah"]
    found = emotion_wheel([made(answer=word) for word in words], ["happiness"] * len(words))
    exact, synonym, near, *far = [value or 0.0 for value in found]
    assert exact == 1.0
    assert synonym == 1.0
    assert 0 < near <= 1
    assert max(far) < near
    assert emotion_wheel([made(answer="neutral")], ["neutral"]) == [1.0]


def test_naming_every_unit_is_the_zero_of_the_scale() -> None:
    wanted = frozenset({6, 12})
    assert above_all(1.0, wanted) == 1.0
    assert above_all(2 * 2 / (2 + len(facs.MEASURED)), wanted) == 0.0
    # As released, naming every unit beats naming none.
    every, none = (facial_r1_au_reward(made(t), ["AU6", "AU12"]) for t in (ALL_UNITS, "x"))
    assert every > none
    assert score("units_signed", made(ALL_UNITS), made("x")) == [-1.0, -1.0]


ALIGNED = pytest.mark.parametrize("name", ["alignment", "alignment_told"])


@ALIGNED
def test_alignment_follows_the_cited_signs_not_the_gold_label(name: str) -> None:
    right, wrong = score(name, made(), made(answer="anger"))
    assert right == 1.0
    assert wrong is not None and wrong < 0.05
    # The gold label plays no part.
    assert score(name, made(), emotion="anger") == [1.0]
    # What follows from inventions is worth nothing.
    invented = made("Brows lowered (AU4). [A1]\nLips pressed together (AU24). [A1]", "anger")
    assert score(name, invented) == [0.0]
    assert score(name, invented, evidence=None, units=[4, 24])[0] == 1.0


SLOW_LOW_SOFT = (
    by_hand.voice("pitch", 1.0, 5.0, -1.5, "voice lower than usual"),
    by_hand.voice("energy", 1.0, 5.0, -1.8, "voice softer than usual"),
    by_hand.voice("rate", 1.0, 5.0, -1.8, "speech slower than usual"),
)
SOMEWHAT = (
    by_hand.voice("pitch", 1.0, 5.0, -1.0, "voice lower than usual"),
    by_hand.voice("energy", 1.0, 5.0, -1.2, "voice softer than usual"),
    by_hand.voice("rate", 1.0, 5.0, -1.5, "speech slower than usual"),
)
"""The same, less so."""
SAD_VOICE = "The voice is lower than usual. [V1]\nThe speech is slower than usual. [V3]"


def record(*cues: Any) -> str:
    return EVIDENCE.model_copy(update={"cues": number(list(cues))}).to_json()


@pytest.mark.parametrize(
    ("name", "voice", "least", "most"),
    [
        ("alignment_told", SLOW_LOW_SOFT, 0.99, 0.3),
        ("alignment_told", SOMEWHAT, 0.8, 0.4),
        # The face at rest counts too, as a weak sign of neutral, which is then the likeliest.
        ("alignment", SLOW_LOW_SOFT, 0.8, 0.3),
        ("alignment", SOMEWHAT, 0.65, 0.35),
    ],
)
def test_alignment_hears_the_voice(name: str, voice: Any, least: float, most: float) -> None:
    """With a face at rest the voice decides, the more so the further it is from usual."""
    answers = (made(SAD_VOICE, label) for label in ("sadness", "happiness", "anger"))
    sad, *others = score(name, *answers, evidence=record(*voice))
    assert sad is not None and sad > least
    assert all(value is not None and value < most for value in others)


SMILE = by_hand.face("AU12", 1.0, 5.0, 2.2, text="lip corners pulled up, marked")
CHEEKS = by_hand.face("AU06", 1.0, 5.0, 2.4, text="cheeks raised, marked")


def test_a_posed_smile_does_not_outweigh_the_voice() -> None:
    """A smile without raised cheeks is a weak sign; with them it is a strong one."""
    think = f"Lip corners pulled up (AU12). [A1]\n{SAD_VOICE}"
    posed = record(SMILE, *SLOW_LOW_SOFT)
    sad, happy = score(
        "alignment", made(think, "sadness"), made(think, "happiness"), evidence=posed
    )
    assert sad == 1.0
    assert happy is not None and happy < 0.8
    # By the tables alone it was the other way round.
    sad, happy = score(
        "alignment_told", made(think, "sadness"), made(think, "happiness"), evidence=posed
    )
    assert sad is not None and sad < 0.1 and happy == 1.0
    felt, think = record(SMILE, CHEEKS, *SLOW_LOW_SOFT), f"Cheeks raised (AU6). [A2]\n{think}"
    sad, happy = score("alignment", made(think, "sadness"), made(think, "happiness"), evidence=felt)
    assert happy == 1.0
    assert sad is not None and sad < 0.3


def test_leaving_out_what_speaks_against_the_answer_does_not_pay() -> None:
    """To tell of the smile alone makes happiness follow from what is told, not from what is."""
    smile = "Lip corners pulled up (AU12). [A1]"
    evidence = record(SMILE, *SLOW_LOW_SOFT)
    alone, whole = score(
        "alignment", made(smile, "happiness"), made(f"{smile}\n{SAD_VOICE}", "sadness"),
        evidence=evidence,
    )  # fmt: skip
    assert alone is not None and whole is not None
    assert alone < 0.8 < whole
    assert score("alignment_told", made(smile, "happiness"), evidence=evidence) == [1.0]


def test_a_smile_that_is_called_posed_is_no_sign_of_happiness() -> None:
    """Nor does it pay to call a smile posed whose cheeks are raised."""
    called = f"The smile (AU12) is posed. [A1]\n{SAD_VOICE}"
    plain = f"Lip corners pulled up (AU12). [A1]\n{SAD_VOICE}"
    mild = [cue.model_copy(update={"relative": (cue.relative or 0) / 2}) for cue in SLOW_LOW_SOFT]
    for name in ("alignment", "alignment_told"):
        posed, not_called = score(
            name, made(called, "sadness"), made(plain, "sadness"), evidence=record(SMILE, *mild)
        )
        assert posed is not None and not_called is not None and posed >= not_called
        same, felt = score(
            name, made(called, "sadness"), made(plain, "sadness"),
            evidence=record(SMILE, CHEEKS, *SLOW_LOW_SOFT),
        )  # fmt: skip
        assert same == felt


def test_neutral_follows_only_from_nothing() -> None:
    rest = EVIDENCE.model_copy(update={"cues": ()}).to_json()
    silent = made("Nothing departs from rest.", "neutral")
    for name in ("alignment", "alignment_told"):
        assert score(name, silent) == [0.0]
        assert score(name, silent, evidence=rest) == [1.0]
        assert score(name, made("x", "anger"), evidence=rest) == [0.0]


def test_grounding_is_the_agents_own_check() -> None:
    cited = made("Lip corners pulled up (AU12). [A1]\nBrows lowered (AU4). [A2]")
    assert score("grounding", cited) == [0.5]
    assert score("grounding", made("Lip corners pulled up (AU12). [A9]")) == [0.0]
    assert score("grounding", made("“everything is fine” is said. [W1]")) == [1.0]
    assert grounding([made("A smile.")], [EVIDENCE.to_json()]) == [0.0]


@pytest.mark.parametrize("name", ["grounding", "alignment", "alignment_told"])
def test_inventions_are_not_paid(name: str) -> None:
    """A sentence that no cue could carry earns nothing by itself and costs beside true ones."""
    invented = "She is plotting revenge. [A1]"
    alone, beside, true = score(
        name, made(f"Conclusion:\n{invented}"), made(f"{THOUGHT}\n{invented}"), made()
    )
    assert alone == 0.0
    assert beside is not None and true is not None and beside < true


def test_a_compound_answer_follows_from_both_its_parts() -> None:
    think = "AU1. AU2. AU12. AU25. AU26."
    shown = [1, 2, 12, 25, 26]
    # Where a face may hide or mask what is felt, no other label is as unlikely as by the tables.
    for name, most in (("alignment", 0.3), ("alignment_told", 0.1)):
        both, other = score(
            name, made(think, "happily surprised"), made(think, "sadly angry"),
            evidence=None, units=shown,
        )  # fmt: skip
        assert both is not None and other is not None
        assert both > 0.99
        assert other < most


# --- the text -------------------------------------------------------------------------------


def test_what_is_written_is_read_back() -> None:
    claims = (
        Claim(text="Lip corners pulled up (AU12), at 0:01", cites=("A1",)),
        Claim(text="Happiness rests on two signs", cites=("A1", "A2"), part="interpretation"),
        Claim(text="This fits happiness best (70 %)", cites=("A1",), part="conclusion"),
    )
    done = completion.read(completion.write(claims, "happiness"))
    assert done.claims == claims
    assert done.answer == "happiness"
    assert done.parts == ("observation", "interpretation", "conclusion")
    with pytest.raises(ValueError, match="cannot stand in a completion"):
        completion.write(claims, "a</answer>")
    with pytest.raises(ValueError, match="cannot stand in a completion"):
        completion.write([Claim(text="two\nlines")], "happiness")


@given(st.text(alphabet="<>/thinkaswerAU12 [],.\n-V", max_size=80) | st.text(max_size=60))
def test_any_text_gets_a_finite_score(text: str) -> None:
    for name in REWARDS:
        (value,) = score(name, text)
        assert value is not None and math.isfinite(value)
        assert -1 <= value <= 1


def test_a_thousand_completions_take_seconds() -> None:
    """All rewards of completions that differ, on one core; a generous bound."""
    texts = [made(f"{THOUGHT}\nThe voice is higher than usual at {n} s. [V1]") for n in range(200)]
    start = time.perf_counter()
    for name in REWARDS:
        score(name, *texts)
    assert time.perf_counter() - start < 10
