"""A finding in words: the answer first, then at most two sentences of what it stands on.

Knows templates and their grammar (one or several, gender), six languages, and the form that was
asked for. Measures nothing and decides nothing: every number is the finding's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.qa.events import PRESENCE
from agent.qa.templates import SHOWN, Wording, clock, span
from agent.schema.finding import Event, Finding
from agent.schema.query import Language, Query

_SPOKEN: Final = frozenset({"speech", "pause", "voice", "loudness", "pitch"})
_FACE: Final = frozenset({"face", "brow", "eye", "nose", "cheek", "mouth", "jaw", "head"})


def say(
    query: Query, finding: Finding, language: Language | None = None, expert: bool = False
) -> str:
    """The finding in the question's language (or another), in the form asked for.

    `expert` adds codes, grades and raw values; ids of cues always stand in brackets.
    """
    voice = Wording.of(language or query.language, expert)
    if query.ask in ("refuse", "outside"):
        return voice.close(voice.text[query.ask].get(query.target or "", voice.lines["unknown"]))
    if query.ask in ("help", "unknown"):
        return voice.close(voice.lines.get(query.target or query.ask, voice.lines[query.ask]))
    if query.form == "one_word":
        return _word(voice, query, finding)
    if query.form == "table" and finding.events:
        return _table(voice, finding.events)
    if query.form == "list" and finding.events:
        return "\n".join(f"- {voice.event(event)}" for event in finding.events)
    sentences = [s for s in _sentences(voice, query, finding) if s]
    if query.form is not None and query.form.startswith("sentences:"):
        sentences = sentences[: int(query.form.partition(":")[2])]
    return voice.paragraph(sentences)


def _sentences(voice: Wording, query: Query, finding: Finding) -> list[str]:
    """Answer, then reasons."""
    target, outcome = query.target, finding.outcome
    noun, no = voice.noun(target), voice.no(target)
    shown = voice.events(finding.events)
    if outcome in ("unseen", "unmeasured", "unheard", "unworded", "nobody", "nowhere", "whom",
                   "needs_reading"):  # fmt: skip
        near = [voice.fill("nearest", events=shown)] if finding.events else []
        return [voice.fill(outcome, noun=noun, none=no), *near]
    if query.ask == "clip":
        return [_clip(voice, query, finding)]
    if query.ask == "missing":
        lacking = voice.joined(list(dict.fromkeys(m.what for m in finding.missing)))
        return [voice.fill("missing" if lacking else "missing_no", missing=lacking)]
    if query.ask == "words" or (finding.quotes and (target or "").startswith("word:")):
        return [_quotes(voice, query, finding)]
    if query.ask == "people":
        there = {e.person: f" ({span(e.start, e.end)})" for e in finding.events
                 if e.code == PRESENCE}  # fmt: skip
        people = voice.joined([f"{id}{there.get(id, '')}" for id in finding.people])
        if not finding.people:
            return [voice.fill("no", none=no, noun=noun)]
        key = "who" if target else "people_one" if len(finding.people) == 1 else "people"
        seen = "" if there else voice.events(finding.events, person=True)
        return [voice.fill(key, people=people, n=len(finding.people)), seen]
    if (query.ask == "voice" and finding.events) or (
        outcome == "value" and finding.events and _voiced(finding)
    ):
        return [
            voice.fill("voice", voice=voice.joined([voice.voice(e) for e in finding.events[:3]]))
        ]
    if query.ask == "cause" and finding.events:
        others = [e.person != finding.person for e in finding.before]
        parts = [voice.event(e, o) for e, o in zip(finding.before[:3], others, strict=False)]
        parts += [f"“{quote.text}” [{quote.cue}]" for quote in finding.quotes[:1]]
        time = clock(finding.value or 0.0)
        key = "cause" if parts else "cause_none"
        return [voice.fill(key, before=voice.joined(parts), time=time), shown]
    if outcome == "no":
        key = "no_heard" if target in _SPOKEN else "no_face" if target in _FACE else "no"
        key = "no_gaze" if target == "gaze" else "evidence_no" if query.ask == "evidence" else key
        key = "never" if query.ask == "when" and key == "no" else key
        return [
            voice.fill(key if target or query.ask == "evidence" else "no_face", none=no, noun=noun)
        ]
    if query.relation == "suppressed" and outcome == "yes":
        return [voice.fill("suppressed", events=shown, before=voice.events(finding.before))]
    if outcome in ("yes", "trace"):
        return [voice.fill(outcome, events=shown)]
    if query.ask == "when":
        return _when(voice, query, finding, shown)
    if outcome in ("left", "right", "both", "more", "less", "same"):
        return [voice.fill(outcome), shown]
    if outcome == "value":
        return [_value(voice, query, finding, shown), "" if query.ask == "count" else shown]
    said = [f"“{quote.text}” [{quote.cue}]" for quote in finding.quotes[:1]]
    key = "evidence" if query.ask == "evidence" else "events"
    parts = [*(voice.event(event) for event in finding.events[:SHOWN]), *said]
    return parts if len(parts) == 1 else [voice.fill(key, events=voice.joined(parts))]


def _voiced(finding: Finding) -> bool:
    return finding.events[0].relative is not None


def _when(voice: Wording, query: Query, finding: Finding, shown: str) -> list[str]:
    time = clock(finding.value or 0.0)
    keys = {"end": "ends", "begin": "begins", "most": "peak", "least": "peak"}
    if query.relation in keys:
        return [voice.fill(keys[query.relation], time=time), shown]
    if len(finding.events) == 1:
        event = finding.events[0]
        return [voice.fill("at", time=span(event.start, event.end)), shown]
    times = voice.times(finding.events)
    return [voice.fill("several", n=len(finding.events), times=times)]


def _value(voice: Wording, query: Query, finding: Finding, shown: str) -> str:
    value = finding.value or 0.0
    if finding.unit == "s":
        key = "seconds_one" if round(value, 1) == 1.0 else "seconds"
        return voice.fill(key, value=f"{value:.1f}".removesuffix(".0"))
    if finding.unit == "times":
        n, names = round(value), voice.names(query.target)
        if n == 0:
            return voice.fill("count_zero", none=voice.no(query.target), noun=names[0])
        if n == 1:
            return voice.fill("count_one", events=shown)
        key = "count_least" if finding.missing else "count"
        told = voice.fill(key, n=n, nouns=names[1])
        return f"{told}{voice.text['colon']}{voice.times(finding.events)}"
    if finding.unit == "per minute":
        return voice.fill("rate_least" if finding.missing else "rate", value=f"{value:.0f}")
    if query.ask == "intensity" and finding.unit and "-" in finding.unit:
        scale = finding.unit.replace("-", "–")
        return voice.fill("intensity", value=f"{value:.1f}", scale=scale)
    return voice.fill("measure", value=f"{value:g}", unit=finding.unit or "")


def _quotes(voice: Wording, query: Query, finding: Finding) -> str:
    if query.target == "language":
        return voice.fill("language", unit=finding.unit or "")
    word = (query.target or "").startswith("word:")
    if not finding.quotes:
        return voice.fill("quote_no" if word else "silent")
    times = voice.joined([clock(quote.start) for quote in finding.quotes[: 2 * SHOWN]])
    if query.ask in ("count", "when"):
        key = "said_one" if len(finding.quotes) == 1 else "said"
        return voice.fill(key, n=len(finding.quotes), times=times)
    kept = finding.quotes if query.when is None and not word else finding.quotes[:SHOWN]
    said = " ".join(f"“{quote.text}” [{quote.cue}]" for quote in kept)
    return voice.fill("quote_yes" if word else "quotes", times=times, quotes=said)


def _clip(voice: Wording, query: Query, finding: Finding) -> str:
    if query.target == "sound":
        return voice.fill(f"clip_sound_{finding.outcome}")
    value = f"{finding.value or 0.0:.1f}".removesuffix(".0")
    return voice.fill(f"clip_{query.target or 'duration'}", value=value, unit=finding.unit)


def _word(voice: Wording, query: Query, finding: Finding) -> str:
    """One word or one number."""
    if finding.outcome in ("yes", "no", "more", "less", "same", "left", "right", "both"):
        return voice.lines[f"{finding.outcome}_word"]
    if finding.people:
        return finding.people[0]
    if finding.value is not None:
        if query.ask == "when":
            return clock(finding.value)
        return f"{finding.value:.1f}".removesuffix(".0")
    if finding.events:
        return voice.noun(finding.events[0].code).split(" ")[0]
    return voice.lines["yes_word" if finding.outcome == "trace" else "unclear_word"]


def _table(voice: Wording, found: Sequence[Event]) -> str:
    names = voice.text["table"]
    head = [names["what"], names["from"], names["to"], names["strength"]]
    rows = [
        [voice.noun(e.code), clock(e.start), clock(e.end),
         str(voice.text["levels"][e.grade]) if e.grade else ""]
        for e in found
    ]  # fmt: skip
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
