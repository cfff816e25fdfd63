"""Feelings held against each other: over time, between moments, people and channels.

Knows what the reading says of one person (`agent.qa.felt`); words nothing (`agent.qa.say_felt`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from agent.facs.prototypes import BASIC, STATES
from agent.qa.events import Span, clear, events, quotes, spans
from agent.qa.feelings import (
    agreement,
    beside,
    cannot,
    clash,
    confidence,
    course,
    intensity,
    open,
    rivals,
    state,
    what,
    why,
    whynot,
)
from agent.qa.felt import MOST_PHASES, TELLABLE, Felt, Line
from agent.qa.templates import bare
from agent.reading.judge import Judged, Shares, judge
from agent.schema.answer import Claim
from agent.schema.assertion import Assertion
from agent.schema.query import Ask, Moment


def lines(felt: Felt) -> list[Line]:
    """What can be said to the query, the answer first."""
    query = felt.query
    if query.ask == "people":
        return _who(felt)
    if not felt.shares:
        only = {"by_voice": "no_voice", "by_face": "no_face"}.get(query.relation or "")
        return [Line(only)] if only and felt.reading.emotions else [cannot(felt)]
    if felt.asked in STATES and felt.asked not in felt.shares:
        return state(felt)
    return _RUNS.get(query.ask, open)(felt)


def _when(felt: Felt) -> list[Line]:
    """When a feeling shows most, begins, ends; of none, when most is shown."""
    label = felt.asked
    if not label:
        marked = [run for run in felt.phases if run[0] != "neutral"]
        if not marked:
            return [Line("never_any"), *beside(felt)]
        label = max(marked, key=lambda run: run[2])[0]
    own = [run for run in felt.phases if run[0] == label]
    relation = felt.query.relation
    if own and relation in ("end", "begin", "first", "last"):
        _, span, _ = own[-1] if relation in ("end", "last") else own[0]
        key = "ends" if relation == "end" else "begins" if relation == "begin" else "then"
        here = felt.signs(label, felt.within(span), most=2)
        says = (felt.says(label, "more", span),) if here else ()
        return [Line(key, label=label, at=span, signs=here, asserts=says)]
    best = felt.best(label) if label in BASIC else None
    if best is None:
        return [Line("never", label=label), *beside(felt)]
    at, share = best
    here = felt.signs(label, felt.within(at), most=2)
    says = (felt.says(label, "more", at),) if here else ()
    return [Line("most_at", label=label, at=at, share=share, signs=here, asserts=says)]


def _duration(felt: Felt) -> list[Line]:
    """How long, how often a feeling leads."""
    own = [run for run in felt.phases if run[0] == (felt.asked or _top(felt))]
    if not own:
        return [Line("never", label=felt.asked), *beside(felt)]
    seconds = sum(span[1] - span[0] for _, span, _ in own)
    phases = tuple((label, span) for label, span, _ in own[:MOST_PHASES])
    key = "often" if felt.query.ask in ("count", "rate") else "lasts"
    return [Line(key, label=own[0][0], value=seconds, share=len(own), phases=phases)]


def _top(felt: Felt) -> str:
    return max(felt.shares, key=lambda k: felt.shares[k])


def _compare(felt: Felt) -> list[Line]:
    """Two feelings, or two moments, against each other."""
    versus = felt.query.versus
    if isinstance(versus, Moment):
        return _moments(felt, versus)
    if isinstance(versus, str) and versus in {p.id for p in felt.evidence.people}:
        return _who(replace(felt, others=(versus,)))
    one, other = felt.asked, str(versus or "").removeprefix("emotion:")
    if not one or not other:
        return open(felt)
    a, b = felt.share(one), felt.share(other)
    if max(a, b) < TELLABLE:
        return [Line("neither", label=one, other=other), *beside(felt)]
    (first, most), (second, least) = ((one, a), (other, b)) if a >= b else ((other, b), (one, a))
    signs = felt.signs(first)
    says = (felt.says(first, "more"),) if signs and first in BASIC else ()
    key = "rather_than" if most - least >= 0.1 else "both_alike"
    return [Line(key, label=first, other=second, share=most, other_share=least, signs=signs,
                 asserts=says)]  # fmt: skip


def _moments(felt: Felt, versus: Moment) -> list[Line]:
    """A feeling (or how pleasant it is) now and at another moment."""
    there = spans(versus, felt.evidence, felt.reading.person)
    if not there:
        return [Line("cannot_then", at=felt.judged.span)]
    other = felt.within((there[0][0], there[-1][1]))
    if not other.shares:
        return [cannot(felt)]
    label = felt.asked
    if not label:
        a, b = _top(felt), max(other.shares, key=lambda k: other.shares[k])
        return [Line("here_there", label=a, other=b, phases=((a, felt.judged.span),
                                                             (b, other.span)))]  # fmt: skip
    now, then = felt.share(label), other.shares.get(label, 0.0)
    key = "alike_then" if abs(now - then) < 0.1 else "more_then" if now > then else "less_then"
    phases = ((label, felt.judged.span), (label, other.span))
    return [Line(key, label=label, share=now, other_share=then, phases=phases)]


def _change(felt: Felt) -> list[Line]:
    """What changes, the whole course, or which of two came first."""
    if felt.query.relation == "order" and felt.query.target and felt.query.versus:
        return _order(felt, felt.query.target, str(felt.query.versus))
    if told := course(felt):
        return told
    runs = felt.phases[:MOST_PHASES]
    if len(runs) < 2:
        return [Line("steady", label=runs[0][0] if runs else "neutral"), *beside(felt)]
    phases = tuple((label, span) for label, span, _ in runs)
    return [Line("turns", phases=phases), *beside(felt)]


MARKED: Final = 0.5
"""Share of the strongest event's intensity from which another is as plain."""


def _order(felt: Felt, target: str, versus: str) -> list[Line]:
    """Which of two came first: feelings by their phases, what is done by its first clear event."""
    names = [each.removeprefix("emotion:") for each in (target, versus)]
    seen = {name: _first(felt, name) for name in names}
    there = [name for name in names if seen[name] is not None]
    if len(there) < 2:
        key = "only_one" if there else "neither"
        other = next(name for name in reversed(names) if name not in there)
        return [Line(key, label=(there or names)[0], other=other), *beside(felt)]
    one, two = (seen[name] for name in names)
    assert one is not None and two is not None
    if one[0] == two[0]:
        return [Line("at_once", label=names[0], other=names[1]), *course(felt)]
    phases = sorted(((name, span) for name, span in seen.items() if span), key=lambda p: p[1][0])
    asserts = tuple(
        Assertion(subject=felt.person.id if felt.person else "clip", what=name, at=span)
        for name, span in phases
        if name not in BASIC
    )
    return [Line("order", phases=tuple(phases), asserts=asserts), *course(felt)]


def _first(felt: Felt, name: str) -> Span | None:
    """When something is first felt or done; None where it is not."""
    run = next((span for label, span, _ in felt.phases if label == name), None)
    if run is not None or name in BASIC:
        return run
    found = events(felt.evidence, felt.person.id if felt.person else None, name)
    plain = [event for event in found if clear(event)]
    most = max((event.intensity or 0.0 for event in plain), default=0.0)
    # Traces at the edge of a clip are not what anybody means beside a marked movement.
    marked = [event for event in plain if (event.intensity or 0.0) >= MARKED * most]
    return (marked[0].start, marked[0].end) if marked else None


def _agree(felt: Felt) -> list[Line]:
    """Whether face, voice and words go together."""
    told = clash(felt)
    if told:
        return [Line("do_not_agree", names=told[0].names), *told, Line("which_one")]
    there = _channels(felt)
    if len(there) < 2:
        return [Line("one_channel" if there else "cannot_nothing", names=tuple(there)),
                *beside(felt)]  # fmt: skip
    says = (agreement(felt, "present"),)
    return [Line("agree", names=tuple(there), asserts=says), *beside(felt)]


def _channels(felt: Felt) -> list[str]:
    judged = felt.judged
    there = {
        "face": any(piece.face for piece in judged.moments),
        "voice": any(piece.voice for piece in judged.moments),
        "words": bool(judged.words),
    }
    return [name for name, says in there.items() if says]


def _genuine(felt: Felt) -> list[Line]:
    """Nothing proves it; what is known of the eyes, and of whether the channels agree."""
    who, span = felt.reading.person, felt.judged.span
    out = [Line("no_proof")]
    smiles = [e for e in events(felt.evidence, who, "AU12", span) if clear(e)]
    cheeks = [e for e in events(felt.evidence, who, "AU06", span) if clear(e)]
    subject = felt.person.id if felt.person else "clip"
    if smiles:
        smile = max(smiles, key=lambda e: e.intensity or 0)
        at = (smile.start, smile.end)
        with_it = [e for e in cheeks if e.start <= smile.end and e.end >= smile.start]
        ids = (*smile.cues[:1], *(with_it[0].cues[:1] if with_it else ()))
        codes = ("AU12", "AU06") if with_it else ("AU12",)
        says = tuple(
            Assertion(subject=subject, what=code, relation="present", at=at) for code in codes
        )
        key = "eyes_smile" if with_it else "eyes_do_not"
        out.append(Line(key, at=at, cited=ids, asserts=says, part="interpretation"))
    told = clash(felt)
    return [*out, *told] if smiles or told else [*out, *beside(felt)]


def _summary(felt: Felt) -> list[Line]:
    said = quotes(felt.evidence, felt.judged.span)
    quote = [
        Line("says", text=said[0].text, cited=(said[0].cue,), part="observation",
             asserts=(Assertion(subject="clip", what="words", relation="quote",
                                value=said[0].text),))
    ] if said else []  # fmt: skip
    return [*what(felt), *rivals(felt), *clash(felt), *quote]


def _who(felt: Felt) -> list[Line]:
    """Who feels it most: every living person's share, the largest first."""
    people = [p for p in felt.evidence.people if p.live and (p.seen or p.main)]
    if felt.others and felt.reading.person:
        people = [p for p in people if p.id in (*felt.others, felt.reading.person)]
    each: dict[str, Judged] = {p.id: judge(felt.evidence, p.id) for p in people}
    read = {id: judged for id, judged in each.items() if judged.shares}
    label = felt.asked if felt.asked in BASIC else ""
    if not read:
        return [cannot(felt)]

    def much(shares: Shares) -> float:
        return shares.get(label, 0.0) if label else 1.0 - shares.get("neutral", 0.0)

    order = sorted(read, key=lambda id: -much(read[id].shares))
    first = order[0]
    top = label or max((k for k in read[first].shares if k != "neutral"),
                       key=lambda k: read[first].shares[k])  # fmt: skip
    share = much(read[first].shares)
    reading = felt.reading.model_copy(update={"person": first, "span": read[first].span})
    here = Felt(felt.evidence, felt.query.model_copy(update={"relation": None}), reading)
    signs = here.signs(top)
    if share < TELLABLE or not signs:
        return [Line("nobody_is", label=label or "neutral")]
    says = (here.says(top, "more"),)
    names = tuple(f"{id}:{much(read[id].shares):.2f}" for id in order[1:3])
    return [Line("who_most", label=top, share=share, names=(first, *names), signs=signs,
                 asserts=says)]  # fmt: skip


_RUNS: Final[dict[Ask, Callable[[Felt], list[Line]]]] = {
    "emotion": open,
    "why": why,
    "whynot": whynot,
    "evidence": why,
    "intensity": intensity,
    "when": _when,
    "duration": _duration,
    "count": _duration,
    "rate": _duration,
    "compare": _compare,
    "change": _change,
    "arc": _change,
    "agreement": _agree,
    "genuine": _genuine,
    "confidence": confidence,
    "summary": _summary,
}


def claims(told: Sequence[tuple[Line, str]]) -> tuple[Claim, ...]:
    """The claims of worded lines: those that say something of the person and cite or deny."""
    return tuple(
        Claim.model_validate(
            {"text": bare(text), "cites": line.cites, "part": line.part, "asserts": line.asserts}
        )
        for line, text in told
        if line.asserts
    )
