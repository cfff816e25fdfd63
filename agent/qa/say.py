"""A finding in words: the answer first, then at most two sentences of what it stands on.

Knows templates and their grammar (one or several, gender), six languages, and the form that was
asked for. Measures nothing and decides nothing: every number is the finding's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from agent.qa.text import CJK
from agent.schema.finding import Event, Finding
from agent.schema.query import LANGUAGES, Language, Query

SHOWN: Final = 4
"""Events that a sentence names; a list or a table names all."""
USUAL: Final = 1.0
"""Standard deviations from which a voice is called other than usual."""
_ALIAS: Final = {"AU45": "blink", "AU11": "other", "AU13": "AU12"}
_SPOKEN: Final = frozenset({"speech", "pause", "voice", "loudness", "pitch"})
_FACE: Final = frozenset({"face", "brow", "eye", "nose", "cheek", "mouth", "jaw", "head"})


def say(
    query: Query, finding: Finding, language: Language | None = None, expert: bool = False
) -> str:
    """The finding in the question's language (or another), in the form asked for.

    `expert` adds codes, grades and raw values; ids of cues always stand in brackets.
    """
    voice = _Voice(wording(language or query.language), expert)
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


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a reading of feelings puts into its sentences."""

    label: str | None
    """Most likely label; None where the reading cannot tell."""
    share: float = 0.0
    """Of that label, 0-1."""
    confidence: float = 0.0
    shares: tuple[tuple[str, float], ...] = ()
    """Labels and shares, most likely first; for "top three" and for a feeling asked about."""
    reasons: tuple[tuple[str, str], ...] = ()
    """Code ("AU12", "pitch") and cue id of what contributed most, the strongest first."""
    value: float | None = None
    """Of valence or arousal, −1 to 1."""


def say_reading(query: Query, numbers: Numbers, language: Language | None = None) -> str:
    """The answer to a question about feelings, from the numbers of a reading."""
    voice = _Voice(wording(language or query.language), False)
    shares = dict(numbers.shares) or {numbers.label or "": numbers.share}
    if numbers.label is None:
        first = voice.lines["unclear_word" if query.form == "one_word" else "emotion_none"]
        return first if query.form == "one_word" else voice.close(first)
    asked = (query.target or "").removeprefix("emotion:")
    label = voice.label(numbers.label)
    if query.form == "one_word":
        said = asked and asked in shares
        word = "yes_word" if asked == numbers.label else "no_word"
        return voice.lines[word] if said else label
    if query.form is not None and query.form.startswith("top:"):
        most = numbers.shares[: int(query.form.partition(":")[2])]
        ranked = [f"{voice.label(n)} {100 * share:.0f} %" for n, share in most]
        return voice.close(voice.text["comma"].join(ranked))
    scale = query.scale
    if query.target in ("valence", "arousal") and numbers.value is not None:
        low, high = scale or (-1.0, 1.0)
        value = low + (high - low) * (numbers.value + 1) / 2
        first = voice.fill("scaled", value=f"{value:.1f}", scale=f"{low:g}–{high:g}")
    elif asked and query.ask == "intensity" and scale is not None:
        value = scale[0] + (scale[1] - scale[0]) * shares.get(asked, 0.0)
        first = voice.fill("scaled", value=f"{value:.1f}", scale=f"{scale[0]:g}–{scale[1]:g}")
    else:
        key = "emotion" if not asked else "emotion_yes" if asked == numbers.label else "emotion_no"
        first = voice.fill(
            key, label=label, share=f"{100 * numbers.share:.0f}", sure=voice.sure(numbers),
            asked=voice.label(asked), asked_share=f"{100 * shares.get(asked, 0.0):.0f}",
        )  # fmt: skip
    named = [f"{voice.noun(code, article=True)} [{id}]" for code, id in numbers.reasons[:3]]
    reasons = voice.fill("why", reasons=voice.joined(named)) if named else ""
    order = [reasons, first] if query.ask == "why" and reasons else [first, reasons]
    return voice.paragraph([s for s in order if s])


@lru_cache(maxsize=len(LANGUAGES))
def wording(language: Language) -> dict[str, Any]:
    """The templates of one language."""
    file = files("agent.qa").joinpath("wording", f"{language}.toml")
    text = tomllib.loads(file.read_text(encoding="utf-8"))
    return text | {"joint_sentences": "" if language in CJK else " "}


@dataclass(frozen=True, slots=True)
class _Voice:
    """One language's templates, filled."""

    text: dict[str, Any]
    expert: bool

    @property
    def lines(self) -> dict[str, str]:
        """Sentence templates."""
        lines: dict[str, str] = self.text["lines"]
        return lines

    def fill(self, key: str, **values: object) -> str:
        """A template with its places filled."""
        return self.lines[key].format(**values)

    def paragraph(self, sentences: Sequence[str]) -> str:
        """Sentences closed and put together."""
        return str(self.text["joint_sentences"]).join(self.close(s) for s in sentences)

    def close(self, sentence: str) -> str:
        """A sentence with its capital and its full stop."""
        mark = str(self.text["stop"]).strip()
        sentence = sentence.strip()
        if not sentence or sentence[-1] in ".!?。！？”“»」":
            return sentence
        return sentence[0].upper() + sentence[1:] + mark

    def names(self, code: str | None) -> list[str]:
        """One, several, gender."""
        nouns: dict[str, list[str]] = self.text["nouns"]
        name = _ALIAS.get(code or "face", code or "face")
        return nouns.get(name, nouns["other"])

    def noun(self, code: str | None, article: bool = False) -> str:
        """The noun of a code, with its indefinite article if asked."""
        one, _, gender = self.names(code)
        before = str(self.text["article"].get(gender, "")) if article else ""
        return f"{before}{'' if before.endswith(chr(39)) or not before else ' '}{one}"

    def no(self, code: str | None) -> str:
        """ "no", "kein" or "keine": what goes with the noun."""
        return str(self.text["none"].get(self.names(code)[2], ""))

    def label(self, name: str) -> str:
        """A feeling's name; as it stands where the language has none for it."""
        labels: dict[str, str] = self.text["labels"]
        return labels.get(name, name)

    def sure(self, numbers: Numbers) -> str:
        """How sure, in words."""
        c = numbers.confidence
        return str(self.text["sure"]["high" if c >= 0.7 else "middle" if c >= 0.4 else "low"])

    def joined(self, parts: Sequence[str]) -> str:
        """ "a, b and c"."""
        if len(parts) < 2:
            return "".join(parts)
        comma, joint = str(self.text["comma"]), str(self.text["joint"])
        return comma.join(parts[:-1]) + joint + parts[-1]

    def event(self, event: Event, person: bool = False) -> str:
        """ "a smile, strong, 0:01-0:03 [A1]"."""
        code = event.code.replace("AU45", "blink")
        parts = [self.noun(code, article=True)]
        if event.grade is not None and code not in ("blink", "AU43"):
            parts.append(str(self.text["levels"][event.grade]))
        if event.side in ("L", "R"):
            parts.append(str(self.text["sides"][event.side]))
        parts.append(_at(event))
        ids = ", ".join(event.cues[:3])
        codes = f"{event.code}{event.grade or ''}: " if self.expert else ""
        whose = f"{event.person}: " if person and event.person else ""
        return f"{whose}{str(self.text['comma']).join(parts)} [{codes}{ids}]"

    def events(self, found: Sequence[Event], person: bool = False) -> str:
        """The first few events."""
        return self.joined([self.event(event, person) for event in found[:SHOWN]])

    def times(self, found: Sequence[Event]) -> str:
        """When each of several like events happens, with its cue."""
        return self.joined([f"{_at(event)} [{event.cues[0]}]" for event in found[: 2 * SHOWN]])

    def voice(self, event: Event) -> str:
        """ "pitch of the voice higher than usual"."""
        words = self.text["scale_words"]
        z = event.relative
        how = words["same" if z is None or abs(z) < USUAL else "high" if z > 0 else "low"]
        raw = f" ({event.value:g} {event.unit})" if event.value is not None and event.unit else ""
        named = "" if z is None else f"{self.text['colon']}{how}"
        return f"{self.noun(event.code)}{named}{raw} [{', '.join(event.cues[:3])}]"


def _sentences(voice: _Voice, query: Query, finding: Finding) -> list[str]:
    """Answer, then reasons."""
    target, outcome = query.target, finding.outcome
    noun, no = voice.noun(target), voice.no(target)
    shown = voice.events(finding.events)
    if outcome in ("unseen", "unmeasured", "unheard", "unworded", "nobody", "nowhere", "whom",
                   "needs_reading"):  # fmt: skip
        return [voice.fill(outcome, noun=noun, none=no)]
    if query.ask == "clip":
        return [_clip(voice, query, finding)]
    if query.ask == "missing":
        lacking = voice.joined(list(dict.fromkeys(m.what for m in finding.missing)))
        return [voice.fill("missing" if lacking else "missing_no", missing=lacking)]
    if query.ask == "words" or (finding.quotes and (target or "").startswith("word:")):
        return [_quotes(voice, query, finding)]
    if query.ask == "people":
        people = voice.joined(list(finding.people))
        if not finding.people:
            return [voice.fill("no", none=no, noun=noun)]
        key = "who" if target else "people_one" if len(finding.people) == 1 else "people"
        seen = voice.events(finding.events, person=True)
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


def _when(voice: _Voice, query: Query, finding: Finding, shown: str) -> list[str]:
    time = clock(finding.value or 0.0)
    keys = {"end": "ends", "begin": "begins", "most": "peak", "least": "peak"}
    if query.relation in keys:
        return [voice.fill(keys[query.relation], time=time), shown]
    if len(finding.events) == 1:
        event = finding.events[0]
        return [voice.fill("at", time=span(event.start, event.end)), shown]
    times = voice.times(finding.events)
    return [voice.fill("several", n=len(finding.events), times=times)]


def _value(voice: _Voice, query: Query, finding: Finding, shown: str) -> str:
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
        told = voice.fill("count", n=n, nouns=names[1])
        return f"{told}{voice.text['colon']}{voice.times(finding.events)}"
    if finding.unit == "per minute":
        return voice.fill("rate", value=f"{value:.0f}")
    if query.ask == "intensity" and finding.unit and "-" in finding.unit:
        scale = finding.unit.replace("-", "–")
        return voice.fill("intensity", value=f"{value:.1f}", scale=scale)
    return voice.fill("measure", value=f"{value:g}", unit=finding.unit or "")


def _quotes(voice: _Voice, query: Query, finding: Finding) -> str:
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


def _clip(voice: _Voice, query: Query, finding: Finding) -> str:
    if query.target == "sound":
        return voice.fill(f"clip_sound_{finding.outcome}")
    value = f"{finding.value or 0.0:.1f}".removesuffix(".0")
    return voice.fill(f"clip_{query.target or 'duration'}", value=value, unit=finding.unit)


def _word(voice: _Voice, query: Query, finding: Finding) -> str:
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


def _table(voice: _Voice, found: Sequence[Event]) -> str:
    names = voice.text["table"]
    head = [names["what"], names["from"], names["to"], names["strength"]]
    rows = [
        [voice.noun(e.code), clock(e.start), clock(e.end),
         str(voice.text["levels"][e.grade]) if e.grade else ""]
        for e in found
    ]  # fmt: skip
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _at(event: Event) -> str:
    return clock(event.start) if event.seconds < 0.5 else span(event.start, event.end)


def clock(seconds: float) -> str:
    """Minutes and seconds, with tenths where there are any: "0:06", "1:02.5"."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    whole, tenth = divmod(rest, 10)
    return f"{minutes}:{whole:02d}" + (f".{tenth}" if tenth else "")


def span(start: float, end: float) -> str:
    """ "0:01-0:03"."""
    return f"{clock(start)}–{clock(end)}"
