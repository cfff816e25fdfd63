"""A query over the evidence: interval algebra over cues, no words in or out.

Answers what needs no reading of feelings; for the rest the outcome is "needs_reading", and the
caller asks the reasoner. Knows no language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from agent.qa.events import (
    PRESENCE,
    SOON,
    Span,
    clear,
    codes,
    events,
    lacking,
    quotes,
    spans,
    within,
    words_known,
)
from agent.qa.scope import Scope, done, felt, whom
from agent.schema.evidence import Evidence, Missing, Person
from agent.schema.finding import Event, Finding, Outcome
from agent.schema.query import Ask, Moment, Query

AGAINST: Final = ("AU14", "AU15", "AU17", "AU23", "AU24")
"""Units that hold a smile back (Ekman's dampened smile: pressed, tightened or lowered lips)."""
MOST: Final = 6
"""Events that an open question lists; the strongest."""
EDGE: Final = 0.1
"""Seconds before a moment at which what begins still comes after it."""
SAME: Final = 0.15
"""Two values that differ by less than this share of the larger are the same."""


def execute(query: Query, evidence: Evidence, person: str | None = None) -> Finding:
    """What the evidence says to a query. `person`: whom it is about unless the query names
    another; None means the main one."""
    run = _RUNS.get(query.ask)
    if run is None or felt(query.target) or felt(query.versus):
        return done(query, "needs_reading")
    if query.ask in ("clip", "missing"):
        return run(Scope(query, evidence, None))
    subject, known = whom(query, evidence, person)
    if not known:
        return done(query, "whom")
    if subject is None and query.ask not in ("words", "people", "voice") and not evidence.cues:
        return done(query, "nobody")
    scope = Scope(query, evidence, subject)
    if not scope.windows:
        return done(query, "nowhere", subject)
    return run(scope)


def _event(scope: Scope) -> Finding:
    query = scope.query
    if query.target is not None and query.target.startswith("word:"):
        return _words(scope)
    if query.target == "speech" or query.target == "pause":
        if blocked := scope.blocked():
            return blocked
        found = scope.found()
        return scope.done("yes" if found else "no", events=tuple(found))
    if blocked := scope.blocked():
        return blocked
    found = scope.found()
    if query.target is None or query.target in _LISTED:
        return _listed(scope, found)
    if query.relation == "suppressed":
        held = within(events(scope.evidence, scope.id, "+".join(AGAINST)), scope.windows)
        both = [e for e in found if within(held, [(e.start, e.end)])]
        counter = tuple(within(held, [(e.start, e.end) for e in both]))
        return scope.done("yes" if both else "no", events=tuple(both), before=counter)
    strong = [event for event in found if clear(event)]
    if not found:
        return scope.done("no")
    return scope.done("yes" if strong else "trace", events=tuple(strong or found))


_LISTED: Final = frozenset({"face", "brow", "eye", "nose", "cheek", "mouth", "jaw", "head", "gaze"})


def _listed(scope: Scope, found: Sequence[Event]) -> Finding:
    """What happens there: the strongest events, in order of time."""
    strong = [e for e in found if clear(e) and e.code != "AU45"] or list(found)
    said = quotes(scope.evidence, scope.span) if scope.open else []
    when = scope.query.when
    if when is not None and when.relation == "after" and scope.span is not None:
        # The phrase that holds the word itself is not what comes after it.
        said = [quote for quote in said if quote.start >= scope.span[0]]
        strong = [e for e in strong if e.start >= scope.span[0] - EDGE] or strong
    if not strong and not said:
        return scope.done("no")
    order = sorted(strong, key=lambda e: (e.start, -(e.intensity or 0)))
    if scope.query.relation in ("first", "last") and order:
        order = [order[0] if scope.query.relation == "first" else order[-1]]
    top = sorted(order, key=lambda e: -((e.intensity or 2.0) * e.confidence))[:MOST]
    return scope.done("events", events=tuple(e for e in order if e in top), quotes=tuple(said[:3]))


def _when(scope: Scope) -> Finding:
    target, relation = scope.query.target, scope.query.relation
    if target is None:
        return scope.done("needs_reading")
    if target.startswith("word:"):
        return _words(scope)
    if blocked := scope.blocked():
        return blocked
    found = [e for e in scope.found() if clear(e)] or scope.found()
    if not found:
        return scope.done("no")
    if relation in ("first", "begin"):
        chosen = found[:1]
    elif relation in ("last", "end"):
        chosen = found[-1:]
    elif relation in ("most", "least"):
        chosen = [_extreme(found, least=relation == "least")]
    else:
        chosen = found
    at = chosen[0].end if relation == "end" else chosen[0].start
    at = chosen[0].apex if relation in ("most", "least") else at
    return scope.done("events", events=tuple(chosen), value=at, unit="s")


def _extreme(found: Sequence[Event], least: bool = False) -> Event:
    def strength(event: Event) -> float:
        given = (event.intensity, event.relative, event.value, event.seconds)
        return next(value for value in given if value is not None)

    return min(found, key=strength) if least else max(found, key=strength)


def _duration(scope: Scope) -> Finding:
    if scope.query.target is None:
        start, end = scope.span or (0.0, 0.0)
        return scope.done("value", value=end - start, unit="s")
    if blocked := scope.blocked():
        return blocked
    found = [e for e in scope.found() if clear(e)]
    if not found:
        return scope.done("no", value=0.0, unit="s")
    relation = scope.query.relation
    if relation in ("longest", "shortest"):
        pick = max if relation == "longest" else min
        found = [pick(found, key=lambda e: e.seconds)]
    elif relation in ("first", "last"):
        found = [found[0] if relation == "first" else found[-1]]
    total = _seconds(found, scope.windows)
    return scope.done("value", value=total, unit="s", events=tuple(found))


def _seconds(found: Sequence[Event], windows: Sequence[Span]) -> float:
    """Time covered by the events within the windows, overlaps once."""
    parts = sorted(
        (max(e.start, a), min(e.end, b))
        for e in found for a, b in windows if e.start <= b and e.end >= a
    )  # fmt: skip
    total, reached = 0.0, float("-inf")
    for start, end in parts:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _count(scope: Scope) -> Finding:
    target = scope.query.target
    if target is not None and target.startswith("word:"):
        return _words(scope)
    if blocked := scope.blocked():
        return blocked
    found = [e for e in scope.found() if clear(e)]
    more = {"missing": _left_out(scope)} if found else {}
    return scope.done("value", value=float(len(found)), unit="times", events=tuple(found), **more)


def _left_out(scope: Scope) -> tuple[Missing, ...]:
    """Notes of events that the record leaves out and that would count: the weaker ones of many,
    where even the weakest that is told is clear."""
    notes = []
    for code in codes(scope.query.target):
        told = events(scope.evidence, scope.id, code)
        for gap in scope.evidence.missing:
            whose = gap.why.partition(":")[0].split(", ")
            if gap.what == f"events of {code}" and scope.id in whose and all(map(clear, told)):
                notes.append(gap)
    return tuple(notes)


def _rate(scope: Scope) -> Finding:
    if scope.query.target == "speech_rate":
        return _voice(scope)
    counted = _count(scope)
    person = scope.person
    if counted.outcome != "value" or person is None:
        return counted
    shown = [(max(a, person.start), min(b, person.end)) for a, b in scope.windows]
    seconds = sum(max(0.0, b - a) for a, b in shown)
    if seconds < 1.0:
        return scope.done("unseen")
    rate = 60.0 * (counted.value or 0.0) / seconds
    return counted.model_copy(update={"value": round(rate, 1), "unit": "per minute"})


def _sided(scope: Scope) -> Finding:
    if blocked := scope.blocked():
        return blocked
    if any(missing.what == "sides" for missing in scope.evidence.missing):
        return scope.done("unmeasured")
    found = [e for e in scope.found() if clear(e)] or scope.found()
    if not found:
        return scope.done("no")
    left, right = (
        sum((e.intensity or 1.0) * max(e.seconds, 0.1) for e in found if e.side in (side, "B"))
        for side in ("L", "R")
    )
    outcome: Outcome = "both"
    if abs(left - right) > SAME * max(left, right):
        outcome = "left" if left > right else "right"
    return scope.done(outcome, value=left, other=right, events=tuple(found))


def _intensity(scope: Scope) -> Finding:
    if scope.query.target in _VOICED:
        return _voice(scope)
    if blocked := scope.blocked():
        return blocked
    found = scope.found()
    top = _extreme(found) if found else None
    value = top.intensity if top is not None and top.intensity is not None else 0.0
    if top is not None and top.intensity is None:
        return scope.done("value", value=top.value, unit=top.unit, events=(top,))
    unit = "0-5"
    if scope.query.scale is not None:
        low, high = scope.query.scale
        value, unit = low + (high - low) * value / 5.0, f"{low:g}-{high:g}"
    return scope.done("value", value=value, unit=unit, events=(top,) if top else ())


_VOICED: Final = frozenset(
    {"pitch", "pitch_range", "loudness", "speech_rate", "effort", "roughness", "breathiness"}
)


def _compare(scope: Scope) -> Finding:
    """A target against another, at two moments, or of two people, by seconds times intensity."""
    query = scope.query
    if query.target is None or query.target in _LISTED:
        return scope.done("needs_reading")
    if blocked := scope.blocked():
        return blocked
    mine = _amount(scope.found(), scope.windows)
    if isinstance(query.versus, Moment):
        there = spans(query.versus, scope.evidence, scope.id)
        rival = _amount(scope.found(when=query.versus), there)
    elif isinstance(query.versus, str):
        rival = _amount(scope.found(query.versus), scope.windows)
    else:
        others = [p for p in scope.evidence.people if p.id != scope.id]
        if not others:
            return scope.done("whom")
        found = events(scope.evidence, others[0].id, query.target)
        rival = _amount(within(found, scope.windows), scope.windows)
    same = abs(mine - rival) <= SAME * max(mine, rival)
    outcome: Outcome = "same" if same else "more" if mine > rival else "less"
    return scope.done(outcome, value=mine, other=rival, events=tuple(scope.found()))


def _amount(found: Sequence[Event], windows: Sequence[Span]) -> float:
    """Mean of intensity over the windows."""
    length = sum(end - start for start, end in windows) or 1.0
    return sum((e.intensity or 1.0) * max(_seconds([e], windows), 0.1) for e in found) / length


def _presence(person: Person) -> Event:
    return Event(code=PRESENCE, person=person.id, start=person.start, apex=person.start,
                 end=person.end, cues=(), confidence=1.0)  # fmt: skip


def _people(scope: Scope) -> Finding:
    query, evidence = scope.query, scope.evidence
    living = [p for p in evidence.people if p.live]
    if query.target is None:
        ids = tuple(p.id for p in living)
        there = tuple(_presence(p) for p in living if p.seen and evidence.media.kind == "video")
        return scope.done("people", people=ids, value=float(len(ids)), unit="people", events=there)
    amounts: dict[str, float] = {}
    all_found: list[Event] = []
    for person in living:
        found = [e for e in within(events(evidence, person.id, query.target), scope.windows)
                 if clear(e)]  # fmt: skip
        all_found += found
        if query.target == "speech" and not found and person.speaking > 0 and query.when is None:
            amounts[person.id] = person.speaking
        elif found:
            first = -found[0].start
            amounts[person.id] = (
                first if query.relation == "first" else _seconds(found, scope.windows)
            )
    if not amounts:
        return scope.blocked() or scope.done("no")
    order = sorted(amounts, key=lambda id: -amounts[id])
    if query.relation in ("first", "most"):
        order = order[:1]
    kept = tuple(e for e in all_found if e.person in (*order, None))
    return scope.done("people", people=tuple(order), value=float(len(order)), unit="people",
                      events=kept)  # fmt: skip


def _words(scope: Scope) -> Finding:
    query = scope.query
    if query.target == "language":
        return scope.done("value" if scope.evidence.language else "unworded",
                          unit=scope.evidence.language)  # fmt: skip
    if not words_known(scope.evidence):
        return scope.done("unworded")
    word = query.target.removeprefix("word:") if query.target else None
    found = [q for w in scope.windows for q in quotes(scope.evidence, w, word)]
    if query.relation in ("first", "last") and found:
        found = [found[0] if query.relation == "first" else found[-1]]
    if not found:
        return scope.done("no")
    value = float(len(found)) if query.ask == "count" else found[0].start
    unit = "times" if query.ask == "count" else "s"
    unique = tuple(dict.fromkeys(found))
    return scope.done("quotes", quotes=unique, value=value, unit=unit)


def _voice(scope: Scope) -> Finding:
    target = scope.query.target or "voice"
    if blocked := scope.blocked(target):
        return blocked
    found = scope.found(target)
    if not found:
        return scope.done("unheard")
    whole = max(found, key=lambda e: (abs(e.relative or 0.0), e.seconds))
    if target == "voice":
        best: dict[str, Event] = {}
        for event in sorted(found, key=lambda e: -abs(e.relative or 0.0)):
            best.setdefault(event.code, event)
        return scope.done("events", events=tuple(best.values()))
    return scope.done("value", value=whole.value, unit=whole.unit, events=(whole,))


def _cause(scope: Scope) -> Finding:
    """What was done, heard or said in the seconds before the onset."""
    if scope.query.target is None:
        return scope.done("needs_reading")
    if blocked := scope.blocked():
        return blocked
    found = [e for e in scope.found() if clear(e)] or scope.found()
    if not found:
        return scope.done("no")
    onset = found[0].start
    window = (max(0.0, onset - SOON), onset)
    others = [p.id for p in scope.evidence.people if p.id != scope.id]
    before = [e for id in others for e in events(scope.evidence, id, None, window) if clear(e)]
    own = [e for e in events(scope.evidence, scope.id, None, window)
           if clear(e) and e.start < onset and e.code != "AU45" and e not in found]  # fmt: skip
    said = quotes(scope.evidence, window)
    return scope.done("events", events=(found[0],), before=tuple([*before, *own][:4]),
                      quotes=tuple(said[-2:]), value=onset, unit="s")  # fmt: skip


def _clip(scope: Scope) -> Finding:
    media = scope.evidence.media
    if scope.query.target == "sound":
        return scope.done("yes" if media.has_audio else "no")
    values = {"duration": (media.duration, "s"), "fps": (media.fps, "fps"),
              "size": (float(media.width), f"{media.width}x{media.height}")}  # fmt: skip
    value, unit = values[scope.query.target or "duration"]
    return scope.done("value", value=value, unit=unit)


def _missing(scope: Scope) -> Finding:
    found = lacking(scope.evidence)
    return scope.done("items" if found else "no", missing=found)


def _evidence(scope: Scope) -> Finding:
    found = scope.found(None)
    voice = within(events(scope.evidence, scope.id, "voice"), scope.windows)
    told = [e for e in voice if abs(e.relative or 0.0) >= 1.0]
    strong = sorted([e for e in found if clear(e) and e.code != "AU45"] + told,
                    key=lambda e: -e.confidence)[: 2 * MOST]  # fmt: skip
    if not strong:
        return scope.done("no")
    return scope.done("events", events=tuple(sorted(strong, key=lambda e: e.start)))


_RUNS: Final[dict[Ask, Callable[[Scope], Finding]]] = {
    "event": _event, "when": _when, "duration": _duration, "count": _count, "rate": _rate,
    "side": _sided, "intensity": _intensity, "compare": _compare, "people": _people,
    "words": _words, "voice": _voice, "cause": _cause, "clip": _clip, "missing": _missing,
    "evidence": _evidence,
}  # fmt: skip
