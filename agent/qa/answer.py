"""One question about one person, answered without a model: parsed, executed, put into words.

Knows the order of these steps. What is measured is answered from cues by interval algebra
(`execute`); what takes a reading of feelings goes, in English, to `agent.questions` in a plain
wording of the query, and in other languages to the templates of `say_reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.facs.prototypes import BASIC
from agent.qa.execute import execute
from agent.qa.parse import parse
from agent.qa.say import Numbers, say, say_reading
from agent.reading.judge import judge
from agent.reading.reasons import stands_on
from agent.schema.answer import Claim, Reading
from agent.schema.assertion import Assertion
from agent.schema.evidence import Evidence
from agent.schema.finding import Finding
from agent.schema.query import Ask, Query

Span = tuple[float, float]
PLAIN: Final[dict[Ask, str]] = {
    "emotion": "What does the person feel?",
    "why": "What does the person feel, and why?",
    "summary": "What does the person feel, and why?",
    "arc": "How do the feelings change over time?",
    "change": "How do the feelings change over time?",
    "agreement": "Do the face, the voice and the words agree?",
    "genuine": "Is the smile genuine?",
    "confidence": "How sure are you?",
}
"""Wordings that `agent.questions` reads without doubt, for queries without a feeling's name."""
NAMED: Final[dict[Ask, str]] = {
    "emotion": "Does the person feel {label}?",
    "why": "Why {label}?",
    "whynot": "Why not {label}?",
    "when": "When does the person show {label}?",
    "intensity": "How intense is the {label}?",
}
FORMS: Final = ("one_word", "top:")
"""Forms of an answer that the templates know, in every language."""
KEPT: Final = 4
"""Earlier questions that a follow-up may refer to."""


def reply(
    evidence: Evidence, question: str, reading: Reading, history: Sequence[str] = ()
) -> tuple[str, tuple[Claim, ...], Span, Query]:
    """Answer in words with citations, its claims, the span it is about, and the query.

    `reading` is what was made of the person and span asked about; `history` holds the thread's
    earlier questions, oldest first.
    """
    last: Query | None = None
    for before in history[-KEPT:]:
        last = parse(before, evidence, last)
    query = parse(question, evidence, last)
    text, claims, span = _one(evidence, question, query, reading, history)
    second = query.second
    if second is not None and not (query.ask == "emotion" and second.ask == "why"):
        more, others, _ = _one(evidence, question, second, reading, history)
        if more not in text:
            text, claims = f"{text} {more}", (*claims, *others)
    return text, claims, span, query


def _one(
    evidence: Evidence, question: str, query: Query, reading: Reading, history: Sequence[str]
) -> tuple[str, tuple[Claim, ...], Span]:
    finding = execute(query, evidence, reading.person)
    needs = finding.outcome == "needs_reading"
    if needs and query.ask not in ("help", "refuse", "outside", "unknown"):
        return _felt(evidence, question, query, reading, history)
    if query.target == "history":
        from agent import questions

        return questions.reply(evidence, question, reading, history)
    text = say(query, finding)
    return text, _claims(text, finding, query), finding.span or reading.span


def _felt(
    evidence: Evidence, question: str, query: Query, reading: Reading, history: Sequence[str]
) -> tuple[str, tuple[Claim, ...], Span]:
    from agent import questions

    formed = query.form is not None and query.form.startswith(FORMS)
    if query.language != "en" or formed or query.scale is not None:
        return _worded(evidence, query, reading)
    label = (query.target or "").removeprefix("emotion:")
    if query.second is not None and query.ask == "emotion" and query.second.ask == "why":
        asked = PLAIN["why"]
    elif label in BASIC and query.ask in NAMED:
        asked = NAMED[query.ask].format(label=label)
    elif query.target in (None, "emotion") and query.ask in PLAIN:
        asked = PLAIN[query.ask]
    else:
        asked = question
    return questions.reply(evidence, asked, reading, history)


def _worded(
    evidence: Evidence, query: Query, reading: Reading
) -> tuple[str, tuple[Claim, ...], Span]:
    """The reading's numbers in the templates of the query's language."""
    judged = judge(evidence, reading.person, reading.span)
    first = reading.emotions[0] if reading.emotions else None
    cites = stands_on(judged, first.label) if first is not None else ()
    cues = [cue for id in cites if (cue := evidence.cue(id)) is not None]
    value = {"valence": reading.valence, "arousal": reading.arousal}.get(query.target or "")
    numbers = Numbers(
        label=first.label if first is not None else None,
        share=first.share if first is not None else 0.0,
        confidence=reading.confidence,
        shares=tuple((e.label, e.share) for e in reading.emotions),
        reasons=tuple((c.code, c.id) for c in cues if c.code != "impression"),
        value=value,
    )
    text = say_reading(query, numbers)
    if first is None or not cites:
        return text, (), reading.span
    subject = reading.person or "clip"
    said = Assertion(subject=subject, what=f"emotion:{first.label}", at=judged.span)
    claim = Claim(text=text, cites=cites, part="conclusion", asserts=(said,))
    return text, (claim,), reading.span


def _claims(text: str, finding: Finding, query: Query) -> tuple[Claim, ...]:
    """What the answer asserts, as one claim; none where it asserts nothing of the clip."""
    subject = finding.person or "clip"
    asserts = [
        Assertion(subject=event.person or subject, what=event.code, at=(event.start, event.end))
        for event in (*finding.events, *finding.before)
    ]
    asserts += [
        Assertion(subject="clip", what="words", relation="quote", value=quote.text)
        for quote in finding.quotes
    ]
    if finding.outcome == "no" and query.target and not asserts:
        asserts = [
            Assertion(subject=subject, what=code, relation="absent", at=finding.span)
            for code in query.target.split("+")
            if not code.startswith(("word:", "emotion"))
        ]
    if not asserts:
        return ()
    return (Claim(text=text, cites=finding.cues, asserts=tuple(asserts)),)
