"""One question about one person, answered without a model: parsed, executed, put into words.

Knows the order of these steps. What is measured is answered from cues by interval algebra
(`execute`, `say`), what takes a reading of feelings from the reading (`feelings`, `say_felt`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.qa.comparisons import claims, lines
from agent.qa.events import Span, codes, spans
from agent.qa.execute import execute
from agent.qa.felt import Felt
from agent.qa.parse import parse
from agent.qa.say import say
from agent.qa.say_felt import say_felt
from agent.qa.templates import Wording, bare
from agent.schema.answer import Claim, Reading
from agent.schema.assertion import Assertion
from agent.schema.evidence import Evidence
from agent.schema.finding import Finding
from agent.schema.query import Query

KEPT: Final = 4
"""Earlier questions that a follow-up may refer to."""
LONGEST: Final = 2000
"""Characters of a question that are read."""
AROUND: Final = 0.75
"""Seconds on either side of an instant: a feeling is not read from one picture alone."""
_MEASURED: Final = frozenset({"help", "refuse", "outside", "unknown", "clip", "missing"})


def asked(question: str, evidence: Evidence, history: Sequence[str] = ()) -> Query:
    """The query of a question, with what it leaves to the ones before it."""
    last: Query | None = None
    for before in history[-KEPT:]:
        last = parse(before[:LONGEST], evidence, last)
    return parse(question[:LONGEST], evidence, last)


def moment(
    question: str, evidence: Evidence, person: str | None = None, history: Sequence[str] = ()
) -> Span | None:
    """The span in seconds that a question is about; None for the whole clip."""
    query = asked(question, evidence, history)
    if query.when is None:
        return None
    who = person or (evidence.main.id if evidence.main else None)
    found = spans(query.when, evidence, who, soon=query.when.anchor is not None)
    if not found:
        return None
    start, end = found[0][0], found[-1][1]
    if end - start < 2 * AROUND:
        middle = (start + end) / 2
        start, end = max(0.0, middle - AROUND), min(evidence.media.duration, middle + AROUND)
    return (start, end) if end > start else None


def reply(
    evidence: Evidence,
    question: str,
    reading: Reading,
    history: Sequence[str] = (),
    expert: bool = False,
) -> tuple[str, tuple[Claim, ...], Span, Query]:
    """Answer in words with citations, its claims, the span it is about, and the query.

    `reading` is what was made of the person and span asked about; `history` holds the thread's
    earlier questions, oldest first. `expert` adds codes and grades.
    """
    query = asked(question, evidence, history)
    text, told, span = _one(evidence, query, reading, history, expert)
    second = query.second
    if second is not None and not (query.ask == "emotion" and second.ask == "why"):
        more, others, _ = _one(evidence, second, reading, history, expert)
        if more not in text:
            text, told = f"{text} {more}", (*told, *others)
    return text, told, span, query


def _one(
    evidence: Evidence, query: Query, reading: Reading, history: Sequence[str], expert: bool
) -> tuple[str, tuple[Claim, ...], Span]:
    if query.target == "history":
        return _earlier(query, history), (), reading.span
    finding = execute(query, evidence, reading.person)
    if finding.outcome == "needs_reading" and query.ask not in _MEASURED:
        if query.when is not None and not spans(query.when, evidence, reading.person):
            lost = Finding(ask=query.ask, target=query.target, outcome="nowhere")
            return say(query, lost, expert=expert), (), reading.span
        felt = Felt(evidence, query, reading)
        text, told = say_felt(felt, lines(felt), expert=expert)
        return text, claims(told), reading.span
    text = say(query, finding, expert=expert)
    return text, _claims(text, finding, query), finding.span or reading.span


def _earlier(query: Query, history: Sequence[str]) -> str:
    """What was asked before in this conversation."""
    words = Wording.of(query.language)
    if not history:
        return words.close(words.lines["history_none"])
    named = words.joined([f"“{each}”" for each in history[-KEPT:]])
    return words.close(words.fill("history", questions=named))


def _claims(text: str, finding: Finding, query: Query) -> tuple[Claim, ...]:
    """What the answer asserts, as one claim; none where it asserts nothing of the clip."""
    subject = finding.person or "clip"
    asserts = [
        Assertion(subject=event.person or subject, what=event.code, at=(event.start, event.end))
        for event in (*finding.events, *finding.before)
        if event.cues
    ]
    asserts += [
        Assertion(subject="clip", what="words", relation="quote", value=quote.text)
        for quote in finding.quotes
    ]
    if finding.outcome == "no" and query.target and not asserts:
        asserts = [
            Assertion(subject=subject, what=code, relation="absent", at=finding.span)
            for code in codes(query.target)
        ]
    if not asserts:
        return ()
    return (Claim(text=bare(text), cites=finding.cues, asserts=tuple(asserts)),)
