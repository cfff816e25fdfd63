"""Assertions against the evidence: interval logic over cues, free of language.

Knows the evidence record and the reading's contributions; no sentence. Three outcomes:
*supported* where cited cues (or, where none is cited, any of the record) carry it,
*contradicted* where the record says otherwise, *unverified* where no sense could tell. A
feeling is carried by cues that speak for it over its rivals, not by any cue that goes with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from agent.facs.units import MEASURED, parse
from agent.schema.assertion import Assertion, Verdict
from agent.schema.evidence import Cue, Evidence, Person

TRACE: Final = 1.0
"""Intensity (0-5) and steps from rest below which a movement is a trace: it neither shows that
something is done nor that it is not."""
USUAL: Final = 0.5
"""Standard deviations within which a voice is as usual."""
EDGE: Final = 0.4
"""Seconds by which a beginning or an end may be missed."""
LEADS: Final = 0.5
"""Share, over that of the leading label, from which a feeling is there too."""
HARDLY: Final = 0.25
"""The same, below which it is not."""
SAME_AS: Final = {
    "blink": "AU45", "loudness": "energy", "speech_rate": "rate", "AU43": "AU43", "smile": "AU12",
}  # fmt: skip
"""Codes of queries, and those of cues."""
_GRADES: Final = "ABCDE"
_WORD: Final = re.compile(r"\w+")


def verify(assertion: Assertion, evidence: Evidence, cites: Sequence[str] = ()) -> Verdict:
    """What the evidence says. `cites`: ids of the cues that the claim names for it."""
    found = [(id, evidence.cue(id.strip())) for id in cites]
    if unknown := [id for id, cue in found if cue is None]:
        return _no(f"{', '.join(unknown)} not in the evidence")
    cited = [cue for _, cue in found if cue is not None]
    person = _person(assertion, evidence)
    if person is None and assertion.subject not in ("clip", ""):
        return _no(f"{assertion.subject} is not in the evidence")
    strange = [c for c in cited if person and c.person not in (person.id, None)]
    if strange:
        return _no(f"{strange[0].id} is of {strange[0].person}, not of {assertion.subject}")
    if outside := _outside(assertion.at, evidence.media.duration):
        return _no(outside)
    if assertion.what.startswith("emotion:"):
        return _felt(assertion, evidence, person, cited)
    if assertion.what in ("valence", "arousal", "change", "agreement"):
        return _overall(assertion, evidence, person)
    if assertion.relation == "quote":
        if assertion.what != "words":
            return _unknown(f"{assertion.what} cannot be quoted")
        return _said(assertion, evidence, cited)
    return _measured(assertion, evidence, person, cited)


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Of several assertions of one claim: one that is contradicted sinks it, one that is
    unverified leaves it so; none at all asserts nothing."""
    each = list(verdicts)
    if not each:
        return _unknown("asserts nothing that could be checked")
    for outcome in ("contradicted", "unverified"):
        for verdict in each:
            if verdict.outcome == outcome:
                return verdict
    return Verdict(outcome="supported")


def code_of(what: str) -> str:
    """The code that cues have: "AU6" and "cheek raiser" are AU06."""
    number = parse(what) if what.upper().startswith("AU") else None
    return SAME_AS.get(what, f"AU{number:02d}" if number is not None else what)


def _yes() -> Verdict:
    return Verdict(outcome="supported")


def _no(why: str) -> Verdict:
    return Verdict(outcome="contradicted", why=why)


def _unknown(why: str) -> Verdict:
    return Verdict(outcome="unverified", why=why)


def _person(assertion: Assertion, evidence: Evidence) -> Person | None:
    if assertion.subject in ("clip", ""):
        return evidence.main
    return next((p for p in evidence.people if p.id == assertion.subject.upper()), None)


def _outside(at: tuple[float, float] | None, seconds: float) -> str:
    """Why a span is none of this clip; empty where it is."""
    if at is not None and at[0] > at[1]:
        return f"{at[0]:.1f}–{at[1]:.1f} s ends before it begins"
    if at is not None and at[1] > seconds + EDGE:
        return f"the clip ends at {seconds:.1f} s"
    return ""


def _is(cue: Cue, code: str) -> bool:
    return cue.sense == "words" if code == "words" else cue.code == code


def _overlaps(cue: Cue, at: tuple[float, float] | None) -> bool:
    return at is None or (cue.start <= at[1] + EDGE and cue.end >= at[0] - EDGE)


def _measured(
    assertion: Assertion, evidence: Evidence, person: Person | None, cited: Sequence[Cue]
) -> Verdict:
    code = code_of(assertion.what)
    own = [
        c for c in evidence.cues
        if _is(c, code) and (person is None or c.person in (person.id, None))
    ]  # fmt: skip
    there = [c for c in own if _overlaps(c, assertion.at)]
    if assertion.relation == "absent":
        return _absent(assertion, evidence, person, there)
    named = [c for c in cited if _is(c, code)]
    if cited and not named:
        others = ", ".join(dict.fromkeys(f"{c.id} ({c.code})" for c in cited))
        return _no(f"{others} is not about {assertion.what}")
    chosen = [c for c in named if _overlaps(c, assertion.at)] if cited else there
    if not chosen:
        if own and assertion.at is not None:
            return _no(f"{assertion.what} is measured, but not then")
        blind = _blind(code, evidence, person, assertion.at)
        return _unknown(blind) if blind else _no(f"no {assertion.what} was measured")
    return _graded(assertion, chosen)


def _graded(assertion: Assertion, cues: Sequence[Cue]) -> Verdict:
    relation = assertion.relation
    if relation in ("more", "less", "same"):
        levels = [c.relative for c in cues if c.relative is not None]
        if not levels:
            return _unknown(f"what is usual of {assertion.what} is not known for this person")
        level = sum(levels) / len(levels)
        right = {"more": level >= USUAL, "less": level <= -USUAL, "same": abs(level) < USUAL}
        return _yes() if right[relation] else _no(f"it is {level:+.1f} from this person's usual")
    if relation in ("begins", "ends"):
        edges = [c.start if relation == "begins" else c.end for c in cues]
        if assertion.at is None or any(
            assertion.at[0] - EDGE <= edge <= assertion.at[1] + EDGE for edge in edges
        ):
            return _yes()
        return _no(f"it {relation} at {edges[0]:.1f} s")
    if relation in ("rises", "falls"):
        return _unknown("no cue tells of its course")
    if relation in ("left", "right", "both"):
        side = {"left": "L", "right": "R", "both": "B"}[relation]
        sides = {c.side for c in cues}
        if side in sides or (relation == "both" and {"L", "R"} <= sides):
            return _yes()
        if sides == {None}:
            return _unknown("its sides were not measured apart")
        return _no(f"it is on side {', '.join(sorted(str(s) for s in sides))}")
    if isinstance(assertion.value, str) and assertion.value in _GRADES:
        grades = [_GRADES.index(c.grade) for c in cues if c.grade]
        if grades and _GRADES.index(assertion.value) > max(grades) + 1:
            return _no(f"its grade is {_GRADES[max(grades)]}")
    if isinstance(assertion.value, int | float) and not isinstance(assertion.value, bool):
        sizes = [c.intensity for c in cues if c.intensity is not None]
        if sizes and float(assertion.value) > max(sizes) + 1:
            return _no(f"its intensity is {max(sizes):.1f}")
    return _yes()


def _absent(
    assertion: Assertion, evidence: Evidence, person: Person | None, there: Sequence[Cue]
) -> Verdict:
    clear = [c for c in there if c.intensity is None or c.intensity >= TRACE]
    if clear:
        return _no(f"{clear[0].id} shows it")
    blind = _blind(code_of(assertion.what), evidence, person, assertion.at)
    return _unknown(blind) if blind else _yes()


def _blind(
    code: str, evidence: Evidence, person: Person | None, at: tuple[float, float] | None
) -> str:
    """Why this could not have been seen or heard; empty where it could."""
    missing = {m.what.lower(): m.why for m in evidence.missing}
    number = parse(code) if code.startswith("AU") else None
    if number is not None:
        if number not in MEASURED and number not in (43, 45):
            return f"AU{number} is not measured by any sense"
        if person is None or not evidence.media.has_video or "face" in missing:
            return "no face was seen"
        if at is not None and (at[1] < person.start - EDGE or at[0] > person.end + EDGE):
            return f"{person.id} is not in view then"
        return "" if person.live else "the face is doubted to be a living person's"
    if code in HEARD:
        return "there is no sound" if not evidence.media.has_audio else missing.get("voice", "")
    if code in HEAD:
        return "" if person is not None and evidence.media.has_video else "no head was seen"
    if code == "words":
        return "no words are known" if not evidence.media.has_audio else missing.get("words", "")
    known = {c.code for c in evidence.cues}
    return "" if code in known else f"no sense measures {code}"


HEARD: Final = frozenset({
    "speech", "pause", "pitch", "pitch_range", "pitch_slope", "energy", "energy_range", "rate",
    "effort", "roughness", "harmonics", "voice",
})  # fmt: skip
HEAD: Final = frozenset({
    "nod", "shake", "tilt", "turn", "head_up", "head_down", "gaze_away", "gaze_up", "gaze_down",
    "blink_rate",
})  # fmt: skip


def _said(assertion: Assertion, evidence: Evidence, cited: Sequence[Cue]) -> Verdict:
    wanted = " ".join(_WORD.findall(str(assertion.value or "").lower()))
    quotes = [c for c in (cited or evidence.cues) if c.sense == "words"]
    if not wanted:
        return _unknown("no words are given")
    if not quotes:
        return _no("no words are cited") if cited else _unknown("no words are known")
    said = " ".join(" ".join(_WORD.findall(c.text.lower())) for c in quotes)
    return _yes() if f" {wanted} " in f" {said} " else _no("these words are not said there")


def _felt(
    assertion: Assertion, evidence: Evidence, person: Person | None, cited: Sequence[Cue]
) -> Verdict:
    from agent.facs.prototypes import BASIC
    from agent.reading.judge import judge
    from agent.reading.reasons import support

    label = assertion.what.removeprefix("emotion:")
    if label not in BASIC:
        return _unknown(f"{label} is no label that the evidence is read for")
    judged = judge(evidence, person.id if person else None, assertion.at)
    if not judged.shares:
        return _unknown("neither face nor voice could be read then")
    share, most = judged.shares.get(label, 0.0), max(judged.shares.values())
    if assertion.relation == "more":
        spoken = {id for ids in support(judged, label).values() for id in ids}
        if spoken & {c.id for c in cited}:
            return _yes()
        return _no(f"no cited cue speaks for {label} over its rivals")
    if assertion.relation == "absent":
        return _yes() if share < HARDLY * most else _no(f"{label} has {share:.0%} of the reading")
    if share < HARDLY * most:
        return _no(f"the evidence is read as {next(iter(judged.shares))}, {label} has {share:.0%}")
    backing = {id for ids in support(judged, label).values() for id in ids}
    if cited and label != "neutral" and not backing & {c.id for c in cited}:
        return _no(f"no cited cue speaks for {label} over its rivals")
    return _yes() if share >= LEADS * most else _unknown(f"{label} is one of several readings")


def _overall(assertion: Assertion, evidence: Evidence, person: Person | None) -> Verdict:
    from agent.reading.judge import judge

    judged = judge(evidence, person.id if person else None, assertion.at)
    if not judged.shares:
        return _unknown("neither face nor voice could be read")
    if assertion.what == "agreement":
        agree = not judged.discords
        return _yes() if agree == (assertion.relation != "absent") else _no("the channels differ")
    if assertion.what == "change":
        tops = {max(each, key=lambda k: each[k]) for each in judged.each if each}
        changes = len(tops) > 1
        return _yes() if changes == (assertion.relation != "absent") else _no("it does not change")
    value = judged.valence if assertion.what == "valence" else judged.arousal
    if isinstance(assertion.value, int | float) and not isinstance(assertion.value, bool):
        near = abs(float(assertion.value) - value) <= 0.3
        return _yes() if near else _no(f"{assertion.what} is {value:+.1f}")
    right = {"more": value > 0.1, "less": value < -0.1, "same": abs(value) <= 0.2}
    if assertion.relation not in right:
        return _unknown(f"{assertion.what} is neither more nor less in it")
    return _yes() if right[assertion.relation] else _no(f"{assertion.what} is {value:+.1f}")
