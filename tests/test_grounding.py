"""Claims stand on cues: what is read in text, and when a cue carries it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facs import units as facs
from agent.facs.prose import Action
from agent.facs.prose import describe as prose
from agent.grounding import ground, grounded_share
from agent.grounding.mentions import Mention, action_units, mentions
from agent.schema.answer import Claim
from agent.schema.evidence import Cue, Evidence, Media, Missing, Person, Sense, Side
from agent.schema.evidence import number as numbered
from agent.senses.units.cues import describe
from agent.senses.units.events import Event


def face(code: str, start: float, end: float, intensity: float, **more: Any) -> Cue:
    grades: Any = "-ABCDE"[int(intensity + 0.5)]
    cue = Cue(
        sense="face", person="P1", code=code, side="B", start=start, apex=(start + end) / 2,
        end=end, intensity=intensity, grade=grades, text=code, confidence=0.9,
    )  # fmt: skip
    return cue.model_copy(update=more)


def other(sense: Sense, code: str, start: float, end: float, text: str, **more: Any) -> Cue:
    cue = Cue(
        sense=sense, person="P1", code=code, start=start, apex=start, end=end, text=text,
        confidence=0.9,
    )  # fmt: skip
    return cue.model_copy(update=more)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """P1 smiles (A1, A2), frowns later (A4), speaks; P2 only smiles (A5)."""
    cues = numbered(
        [
            face("AU12", 1.0, 3.0, 3.2),
            face("AU06", 1.1, 2.9, 2.0),
            face("AU14", 4.0, 4.5, 2.2, side="L"),
            face("AU04", 6.0, 8.0, 4.1),
            face("AU12", 9.0, 9.5, 1.0, person="P2"),
            face("AU25", 9.2, 9.4, 0.8),
            other("head", "nod", 2.0, 3.0, "nods twice"),
            other("voice", "pitch", 1.0, 3.0, "pitch above her own level", relative=2.1),
            other("voice", "energy", 6.0, 8.0, "quieter than usual", relative=-1.4, person=None),
            other("voice", "speech", 1.0, 3.0, "speaks for 2.0 s"),
            other("words", "phrase", 1.0, 3.0, "I can't believe we won"),
            other("words", "phrase", 6.0, 8.0, "but it is late now"),
        ]
    )
    return record(cues)


def record(cues: tuple[Cue, ...]) -> Evidence:
    return Evidence(
        media=Media(
            file="a.mp4", kind="video", duration=10, fps=25, width=640, height=480,
            has_video=True, has_audio=True, sha256="0",
        ),
        people=(
            Person(id="P1", main=True, start=0, end=10, share=1),
            Person(id="P2", main=False, start=5, end=10, share=0.5),
        ),
        cues=cues,
    )  # fmt: skip


def check(evidence: Evidence, text: str, *cites: str, part: str = "observation") -> Claim:
    return ground(Claim(text=text, cites=cites, part=part), evidence)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["AU6", "AU06", "au 6", "AU06_r", "action unit 6", "cheek raiser", "Cheeks are raised",
             "she lifts her cheeks", "AU6B", "06B"],
)  # fmt: skip
def test_every_spelling_of_a_unit_is_the_same_unit(text: str) -> None:
    assert action_units(text) == {6}


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("She smiles", {12}),
        ("lip corners pulled up on both sides, marked (AU12C)", {12}),
        ("a genuine smile", {6, 12}),
        ("AU6+12 and AU 25", {6, 12, 25}),
        ("AUs 1, 2 and 4 are seen for 3 s", {1, 2, 4}),
        ("AU6 and 12 seconds later AU4", {4, 6}),
        ("brows raised and drawn together", {1, 2, 4}),
        ("she raises her brows and draws them together", {1, 4}),
        ("lowers her brows and raises her cheeks", {4, 6}),
        ("wide eyes, jaw dropped", {5, 26}),
        ("lips pressed together", {24}),
        ("corners of the mouth turned down", {15}),
        ("wrinkled nose and furrowed brow", {9, 4}),
        ("brows and upper lids raised", {1, 5}),
        ("the room is red", set()),
        ("", set()),
    ],
)
def test_plain_words_name_units(text: str, units: set[int]) -> None:
    assert action_units(text) == units


@pytest.mark.parametrize(
    ("text", "asserted"),
    [
        ("no AU4", set()),
        ("without a smile", set()),
        ("neither smiles nor frowns", set()),
        ("she doesn't raise her brows", set()),
        ("lack of AU12 and absence of a frown", set()),
        ("AU4, AU5 and AU7 are absent", set()),
        ("AU4=0", set()),
        ("no AU4, AU5 or AU7, AU12 is strong", {12}),
        ("AU12 is strong and AU4 is absent", {12}),
        ("no frown but a smile", {12}),
        ("smiles without frowning", {12}),
        ("She smiles, not frowns", {12}),
        ("a smile that does not reach the eyes", {12}),
        ("not only a smile but raised cheeks", {6, 12}),
        ("she can't help smiling", {12}),
        ("The smile is not strong", {12}),
        ("No smile. Brows lowered.", {4}),
        ("Without moving, she smiles", {12}),
        ("AU12: not detected", set()),
        ("Her smile isn't accompanied by AU6", {12}),
        ("The brows stay still while she smiles", {12}),
        ("AU6 and AU12 fire together; AU4 does not.", {6, 12}),
        ("He smiles without raising his cheeks or narrowing his eyes", {12}),
        ("Seat “12C” is taken [A7]", set()),
    ],
)
def test_denied_units_are_not_asserted(text: str, asserted: set[int]) -> None:
    assert action_units(text) == asserted


def one(text: str) -> Mention:
    (mention,) = mentions(text)
    return mention


def test_side_intensity_and_time_are_read() -> None:
    assert one("AU12L").side == "L"
    assert one("R14B").side == "R"
    assert one("raises her left eyebrow").side == "L"
    assert one("a one-sided smile").side == "one"
    assert one("a smile right now").side is None
    assert one("the man on the left smiles").side is None
    assert one("raises only her right eyebrow").side == "R only"
    assert one("a smile that is neither wide nor symmetric").side is None
    assert one("a strong smile").grade == 4
    assert one("AU12 (2.8)").grade == 3
    assert one("a trace of AU4").grade == 1
    assert one("smiles at 1:02:03.5").time == (3723.0, 3724.0)
    assert one("smiles from 3.1 to 4.0 s").time == (2.85, 4.25)
    assert one("smiles for 3 s").time is None
    first, second = mentions("She smiles at 0:12, and at 0:15 she frowns")
    assert (first.time, second.time) == ((11.5, 13.0), (14.5, 16.0))


@pytest.mark.parametrize(
    ("text", "cites"),
    [
        ("She smiles", ("A1",)),
        ("She smiles", ("a1",)),
        ("AU12 at 0:02", ("A1",)),
        ("A marked smile with raised cheeks", ("A1", "A2")),
        ("A strong smile", ("A1",)),
        ("The left cheek dimples", ("A3",)),
        ("She smiles and nods", ("A1", "H1")),
        ("Her pitch rises", ("V1",)),
        ("The voice is quiet", ("V3",)),
        ('She says "I can’t believe we won!"', ("W1",)),
        ('She says "we won but it is late"', ("W1", "W2")),
        ("She smiles without frowning, from 1 to 3 s", ("A1",)),
        ("No upper lid raiser", ()),
        ("P2 smiles slightly", ("A5",)),
        ("Both smile", ("A1", "A5")),
        ("No parted lips", ()),
    ],
)
def test_carried_claims_stand(evidence: Evidence, text: str, cites: tuple[str, ...]) -> None:
    claim = check(evidence, text, *cites)
    assert claim.grounded, claim.why
    assert claim.why is None


@pytest.mark.parametrize(
    ("text", "cites", "why"),
    [
        ("She smiles", (), "no cited cue shows it"),
        ("She smiles", ("A99",), "A99 not in the evidence"),
        ("She smiles", ("A1", "A99"), "A99 not in the evidence"),
        ("She smiles", ("A4",), "no cited cue shows it"),
        ("She smiles", ("A1", "A5"), "A5 is of P2, not of P1"),
        ("She smiles at 0:07", ("A1",), "A1 is at 1.0–3.0 s"),
        ("Maximum smile", ("A1",), "A1 is C, not E"),
        ("The right cheek dimples", ("A3",), "A3 is left side"),
        ("Both cheeks dimple", ("A3",), "only the left side is shown"),
        ("A one-sided smile", ("A1",), "A1 is on both sides"),
        ("Her pitch falls", ("V1",), "V1 goes the other way"),
        ("There is no smile", (), "A1 shows"),
        ("She smiles without frowning", ("A1",), "A4 shows"),
        ('She says "we lost"', ("W1",), "not in the cited words"),
        ("I can't believe we won", ("W1",), "without quoting"),
        ("The light is warm", ("A1",), "no cue can carry “light”, “warm”"),
        ("", ("A1",), "says nothing"),
        ("AU11 is absent", (), "AU11 is not measured"),
    ],
)
def test_uncarried_claims_fall_and_say_why(
    evidence: Evidence, text: str, cites: tuple[str, ...], why: str
) -> None:
    claim = check(evidence, text, *cites)
    assert not claim.grounded
    assert why in str(claim.why)


def test_citing_everything_is_not_free(evidence: Evidence) -> None:
    everything = tuple(cue.id for cue in evidence.cues if cue.person != "P2")
    assert not check(evidence, "She smiles", *everything).grounded
    half = check(evidence, "She smiles", "A1", "A4")
    assert half.grounded
    assert "A4 (AU04) carries nothing" in str(half.why)


def test_listing_every_unit_does_not_pass(evidence: Evidence) -> None:
    text = " ".join(f"AU{n}" for n in range(1, 29))
    assert not check(evidence, text, *(cue.id for cue in evidence.cues)).grounded


def test_interpretations_need_a_cue_that_bears(evidence: Evidence) -> None:
    assert check(evidence, "She is happy", "A1", part="conclusion").grounded
    assert not check(evidence, "She is happy", part="conclusion").grounded
    assert not check(evidence, "She is happy", "A4", part="interpretation").grounded
    assert not check(evidence, "She is happy", "A99", part="interpretation").grounded
    assert not check(evidence, "The effort eases after the win", "A1", part="conclusion").grounded
    many = "She is happy, sad, angry, afraid, disgusted and surprised"
    assert not check(evidence, many, "A1", "A4", "V1", part="conclusion").grounded


def test_denial_needs_eyes_and_ears(evidence: Evidence) -> None:
    blind = evidence.model_copy(
        update={
            "people": (),
            "cues": (),
            "media": evidence.media.model_copy(update={"has_audio": False}),
            "missing": (Missing(what="face", why="no face was found"),),
        }
    )
    assert "no face was found" in str(check(blind, "No smile").why)
    assert not check(blind, "There is no laughter").grounded
    assert check(blind, "No face is visible.").grounded
    assert check(blind, "It cannot be told what anybody feels.", part="conclusion").grounded
    assert not check(evidence, "No face is visible.").grounded
    assert not check(blind, "No sound is there, and she frowns", part="conclusion").grounded
    unsaid = evidence.model_copy(update={"missing": (Missing(what="words", why="no subtitles"),)})
    assert check(unsaid, "The words are unknown.").grounded
    assert not check(unsaid, "There is no speech.").grounded


@pytest.mark.parametrize("number", facs.AUS)
def test_words_of_a_face_cue_parse_back_to_its_own_code(number: int) -> None:
    sides: tuple[Side | None, ...] = (None, "L", "R", "B")
    for side, peak, length in product(sides, (0.6, 1.2, 2.0, 3.3, 4.0, 5.0), (0.3, 2.0)):
        event = Event(
            au=number, side=side, onset=1.0, apex=1.1, offset=1.0 + length, peak=peak,
            held=length / 2, seen=length, noise=0.1, samples=9, seen_onset=True, seen_offset=True,
        )  # fmt: skip
        words = describe(event, 25.0)
        told = [m for m in mentions(words) if m.sense == "face"]
        assert {code for m in told for code in m.codes} == {facs.AUS[number].code}
        assert not any(m.negated for m in told)
        code = facs.AUS[number].code
        made = numbered([face(code, 1.0, 1.0 + length, peak, side=side, text=words)])
        carried = ground(Claim(text=words, cites=(made[0].id,)), record(made))
        assert carried.grounded, carried.why


units = st.builds(
    Action,
    au=st.sampled_from(sorted(facs.AUS)),
    grade=st.sampled_from("BCDE"),
    side=st.sampled_from(["L", "R", "B", None]),
)


@given(st.lists(units, max_size=8))
def test_prose_of_many_units_parses_back_to_all_of_them(actions: list[Action]) -> None:
    assert action_units(prose(actions).text) == {action.au for action in actions}


@pytest.mark.parametrize(
    ("words", "code", "relative"),
    [
        ("loud for this speaker (-26.1 dB, +1.2 sd)", "energy", 1.2),
        ("quiet for this speaker (-40.0 dB, -1.5 sd)", "energy", -1.5),
        ("voice pitch 196 Hz, usual for a woman, high for a man", "pitch", None),
        ("voice pitched low for this speaker (119 Hz, -2.0 sd)", "pitch", -2.0),
        ("voice loud or pressed (5.0 dB above 1 kHz against below; adults -13 ± 4)", "effort", 2),
        ("pitch is flat (1.0 semitones; adults 7.2 ± 2.6)", "pitch_range", -2.0),
        ("speaks slowly (1.0 syllables a second; adults 4.9 ± 1.2)", "rate", None),
        ("voice breathier than usual for this speaker (3.0 dB, -2.0 sd)", "breathiness", -2.0),
        ("silent for 1.2 s", "pause", None),
        ("speaks for 1.7 s", "speech", None),
    ],
)
def test_words_of_a_voice_cue_carry_themselves(
    words: str, code: str, relative: float | None
) -> None:
    (cue,) = numbered([other("voice", code, 1, 2, words, relative=relative)])
    carried = ground(Claim(text=f"{words.capitalize()}.", cites=(cue.id,)), record((cue,)))
    assert carried.grounded, carried.why
    assert any(m.sense == "voice" for m in mentions(words))


def test_share_cannot_be_raised_by_copies_or_denials() -> None:
    good = Claim(text="She smiles", cites=("A1",))
    bad = Claim(text="She frowns", grounded=False)
    assert grounded_share([]) == 0
    assert grounded_share([good, bad]) == 0.5
    assert grounded_share([good] * 9 + [bad]) == 0.5
    vague = [Claim(text=f"Something stirs {i} times", part="interpretation") for i in range(9)]
    assert grounded_share([*vague, bad]) == 0.5
    assert grounded_share([Claim(text="It cannot be told.", part="conclusion")]) == 1
    denials = [Claim(text=f"No AU{n}") for n in range(1, 20)]
    assert grounded_share([bad, *denials]) == 0.5


INVENTED = (
    "She is plotting revenge",
    "She is lying to cover up a crime",
    "She has been drinking",
    "She wants to leave her husband",
    "She was bullied at school",
    "He has just been fired from his job",
    "She suffers from a personality disorder",
    "She is attracted to the person behind the camera",
    "She is smarter than the others",
    "She smiles because she has won the lottery",
    "Her smile hides a guilty secret",
    "She is happy, since her vote went to the other party",
    "Sie plant Rache",
    "她在策划复仇",
    "Elle prépare sa vengeance",
    "彼女は復讐を企んでいる",
    "Sie lächelt",
    "Is she happy?",
    "How does she feel, and why?",
    "What is her mood",
    "[A1]",
    "She is here",
)


@pytest.mark.parametrize("part", ["observation", "interpretation", "conclusion"])
@pytest.mark.parametrize("text", INVENTED)
def test_what_cannot_be_read_is_unverified_whatever_it_cites(
    evidence: Evidence, text: str, part: str
) -> None:
    claim = check(evidence, text, "A1", part=part)
    assert (claim.grounded, claim.verdict) == (False, "unverified")
    assert claim.why


@pytest.mark.parametrize(
    ("text", "cites"),
    [
        ("She smiles", ("A1",)),
        ("She is smiling with her eyes", ("A1", "A2")),
        ("Her brows come together", ("A4",)),
        ("She looks happy", ("A1", "A2")),
        ("Her voice is higher than usual", ("V1",)),
        ("She says “we won”", ("W1",)),
        ("The corners of her mouth go up", ("A1",)),
        ("The smile fades before she frowns", ("A1", "A4")),
        ("Happiness is the most likely feeling", ("A1", "A2")),
        ("Her cheeks are raised, which suggests that the smile is felt", ("A2", "A1")),
        ("It cannot be told what she feels", ()),
    ],
)
def test_plain_true_conclusions_stand(
    evidence: Evidence, text: str, cites: tuple[str, ...]
) -> None:
    claim = check(evidence, text, *cites, part="conclusion")
    assert (claim.grounded, claim.verdict) == (True, "supported"), claim.why


def test_thin_lips_and_gritted_teeth_are_read() -> None:
    pressed = record(numbered([face("AU24", 1.0, 3.0, 3.0)]))
    assert check(pressed, "Her lips thin", "A1").grounded
    assert check(pressed, "She grits her teeth", "A1").grounded
    assert not check(pressed, "The smile is posed", "A1").grounded


def test_padding_with_what_cannot_be_checked_lowers_the_share(evidence: Evidence) -> None:
    good = check(evidence, "She smiles", "A1")
    padding = [check(evidence, f"She owns {n} houses", "A1") for n in (2, 3, 4)]
    assert grounded_share([good, *padding]) == 0.25
