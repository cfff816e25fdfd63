"""Queries over evidence: numbers, spans and cues, without a word of any language."""

from __future__ import annotations

from typing import Any

import pytest
from rules_cases import clip, move, tone, unit, words

from agent.qa.execute import execute
from agent.schema.evidence import Cue, Evidence, Missing, Person
from agent.schema.finding import Finding
from agent.schema.query import Moment, Query

PEOPLE = (
    Person(id="P1", main=True, start=0, end=10, share=1, size=0.4, speaking=0.8),
    Person(id="P2", main=False, start=4, end=10, share=0.6, size=0.3, speaking=0.1),
)


def cue(code: str, start: float, end: float, **more: Any) -> Cue:
    made = tone("energy", more.pop("relative", None), start, end, **more)
    return made.model_copy(update={"code": code, "text": code})


def scene(*more: Cue, missing: tuple[Missing, ...] = ()) -> Evidence:
    """Ten seconds: smiles at 1-3 (left only) and 6-7, a frown at 4-5, blinks, a nod, speech."""
    return clip(
        unit("AU12", 3, 1, 3, side="L"),
        unit("AU12", 2, 6, 7),
        unit("AU04", 3, 4, 5),
        unit("AU45", 2, 2, 2.2),
        unit("AU45", 2, 5.3, 5.5),
        unit("AU45", 2, 8, 8.2),
        unit("AU09", 1, 8, 9),
        unit("AU12", 4, 8, 9.5, person="P2"),
        move("nod", "nods once", 5.5, 6),
        cue("speech", 3, 4, value=1.0, unit="s"),
        cue("speech", 5, 6, value=1.0, unit="s"),
        cue("pitch", 5, 6, relative=2.0, value=220.0, unit="Hz"),
        words("the rent is nine hundred", 3, 4),
        words("that is a lot", 5, 6),
        *more,
        seconds=10,
        people=PEOPLE,
        missing=missing,
    )


def run(
    ask: str, target: str | None = None, evidence: Evidence | None = None, **more: Any
) -> Finding:
    return execute(Query.model_validate({"ask": ask, "target": target} | more), evidence or scene())


def test_events_are_found_absent_or_a_trace() -> None:
    assert run("event", "AU12").outcome == "yes"
    assert run("event", "AU24").outcome == "no"
    assert run("event", "AU09").outcome == "trace"
    assert run("event", "AU12", when=Moment(part="beginning")).outcome == "yes"
    assert run("event", "AU12", when=Moment(start=4, end=5)).outcome == "no"


def test_what_could_not_be_seen_is_not_called_absent() -> None:
    assert run("event", "AU11").outcome == "unmeasured"
    assert run("event", "laugh").outcome == "unmeasured"
    early = Moment(start=1, end=2)
    assert run("event", "AU12", who="P2", when=early).outcome == "unseen"
    gone = Missing(what="action units", why="the table has no AU24")
    assert run("event", "AU24", scene(missing=(gone,))).outcome == "unmeasured"
    weak = Missing(what="events of AU24", why="2 weaker of 9 are left out")
    assert run("event", "AU24", scene(missing=(weak,))).outcome == "no"
    deaf = Missing(what="speech", why="no voice was heard")
    assert run("voice", "loudness", scene(missing=(deaf,))).outcome == "unheard"


@pytest.mark.parametrize(
    ("relation", "at"), [("first", 1.0), ("begin", 1.0), ("end", 7.0), ("most", 2.0)]
)
def test_when_gives_the_edge_asked_for(relation: str, at: float) -> None:
    assert run("when", "AU12", relation=relation).value == at


def test_durations_counts_and_rates() -> None:
    assert run("duration", "AU12").value == pytest.approx(3.0)
    assert run("duration", "AU12", relation="longest").value == pytest.approx(2.0)
    half = Moment(part="first_half")
    assert run("duration", "AU04", when=half).value == pytest.approx(1.0)
    assert run("count", "blink").value == 3
    assert run("count", "blink", when=half).value == 1
    assert run("rate", "blink").value == pytest.approx(18.0)
    assert run("count", "word:rent").value == 1


def test_two_sides_of_one_event_are_one_event() -> None:
    both = scene(unit("AU01", 2, 1, 2, side="L"), unit("AU01", 2, 1.1, 2, side="R"))
    assert run("count", "AU01", both).value == 1
    assert run("count", "AU01+AU02", both).value == 1
    assert run("side", "AU01", both).outcome == "both"
    assert run("side", "AU12", when=Moment(start=0, end=3)).outcome == "left"


def test_moments_given_by_something_in_the_clip() -> None:
    during = Moment(anchor="speech", relation="during")
    assert run("event", "AU12", when=during).events[0].start in (1.0, 6.0)
    assert run("event", "AU04", when=Moment(anchor="nod", relation="after")).outcome == "no"
    assert run("event", "AU04", when=Moment(anchor="nod", relation="before")).outcome == "yes"
    after = run("event", None, when=Moment(anchor="word:rent", relation="after"))
    assert "AU04" in [event.code for event in after.events]
    lost = Moment(anchor="word:moon", relation="after")
    assert run("event", None, when=lost).outcome == "nowhere"
    assert run("words", None, when=Moment(start=5, end=5)).quotes[0].text == "that is a lot"
    assert run("event", "face", when=Moment(start=40, end=40)).outcome == "nowhere"


def test_intensities_follow_the_scale_asked_for() -> None:
    assert run("intensity", "AU12").value == 3
    assert run("intensity", "AU12", scale=(1, 9)).value == pytest.approx(1 + 8 * 3 / 5)
    assert run("intensity", "AU24").value == 0
    assert run("voice", "pitch").events[0].relative == 2.0


def test_comparisons_of_targets_moments_and_people() -> None:
    assert run("compare", "AU12", versus="AU24").outcome == "more"
    first, second = Moment(part="first_half"), Moment(part="second_half")
    assert run("compare", "AU04", when=second, versus=first).outcome == "less"
    assert run("compare", "AU12").other is not None


def test_people_who_do_something() -> None:
    assert run("people").people == ("P1", "P2")
    assert run("people", "AU12", relation="first").people == ("P1",)
    assert run("people", "AU04").people == ("P1",)
    assert run("people", "speech", relation="most").people == ("P1",)
    assert run("event", "AU12", who="P2").events[0].person == "P2"
    assert run("event", "AU12", who="left").outcome == "whom"


def test_a_cause_is_what_came_before() -> None:
    found = run("cause", "AU04")
    assert found.value == 4.0
    assert [quote.text for quote in found.quotes] == ["the rent is nine hundred"]
    assert all(event.start < 4.0 for event in found.before)


def test_a_smile_held_back_needs_a_counter_movement() -> None:
    assert run("event", "AU12", relation="suppressed").outcome == "no"
    held = scene(unit("AU24", 2.5, 6.2, 7))
    assert run("event", "AU12", held, relation="suppressed").outcome == "yes"


def test_the_file_and_what_is_missing() -> None:
    assert run("clip", "duration").value == 10
    assert run("clip", "sound").outcome == "yes"
    assert run("missing").outcome == "no"
    assert run("missing", None, scene(missing=(Missing(what="sound", why="none"),))).missing


def test_feelings_are_left_to_the_reading() -> None:
    for ask, target in (("emotion", None), ("intensity", "valence"), ("when", "emotion:anger")):
        assert run(ask, target).outcome == "needs_reading"


def test_every_cue_named_is_in_the_evidence() -> None:
    evidence = scene()
    for ask in ("event", "when", "duration", "count", "side", "intensity", "cause", "evidence"):
        for target in ("AU12", "AU04", "blink", "nod", "face", "speech", None):
            found = execute(Query.model_validate({"ask": ask, "target": target}), evidence)
            assert all(evidence.cue(id) for id in found.cues), (ask, target)
