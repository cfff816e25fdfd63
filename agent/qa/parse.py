"""A question into a `Query`: language, tags, moments, targets, kind; then the last query.

Knows the order of these steps; words are in `lexicon/`, rules in `asks`. Never guesses: what no
rule takes is "unknown".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from agent.qa import followup, spelling
from agent.qa.asks import Seen, ask_of
from agent.qa.moments import Found, moments, number
from agent.qa.targets import Target, targets
from agent.qa.text import CJK, Text, language_of, normalised
from agent.qa.vocabulary import Tag, Vocabulary, stops, vocabulary
from agent.schema.evidence import Evidence
from agent.schema.query import Ask, Language, Moment, Query, Relation

SHORT: Final = 4
"""Words of a remark that is nothing but a greeting or thanks."""
RELATED: Final[dict[Ask, tuple[Relation, ...]]] = {
    "event": ("suppressed", "first", "last", "absent"),
    "when": ("end", "begin", "change", "most", "least", "first", "last"),
    "duration": ("longest", "shortest", "first", "last"),
    "side": ("left", "right"),
    "emotion": ("by_voice", "by_face", "by_words"),
    "people": ("first", "last", "most", "least"),
    "words": ("first", "last"),
    "intensity": ("most", "least", "first", "last"),
    "change": ("order",),
}
"""Which relations mean something for which kind of question, the weightiest first."""
UNTARGETED: Final[frozenset[Ask]] = frozenset(
    {"summary", "agreement", "confidence", "missing", "arc", "compare", "change"}
)
"""Kinds for which "emotion", "face" or "voice" adds nothing."""


@dataclass(frozen=True, slots=True)
class _Reading:
    query: Query
    seen: Seen
    tags: tuple[Tag, ...]


def parse(
    question: str,
    evidence: Evidence | None = None,
    last: Query | None = None,
    language: Language | None = None,
) -> Query:
    """What a question asks.

    `evidence` gives the clip's length and its people, `last` is the query before it in the same
    conversation, `language` (else found out) that of the question. Never raises: a question that
    is not understood gives `ask="unknown"`.
    """
    code = language or language_of(question, stops())
    lexicon = vocabulary(code)
    length = evidence.media.duration if evidence is not None else None
    reading = _read(question, lexicon, length, last)
    if reading.query.ask == "unknown":
        mended = spelling.mended(question, lexicon)
        again = _read(mended, lexicon, length, last) if mended != question else reading
        # A slip of the keyboard is no ground for refusing.
        reading = again if again.query.ask not in ("refuse", "outside") else reading
    return reading.query


def _read(question: str, lexicon: Vocabulary, length: float | None, last: Query | None) -> _Reading:
    text = normalised(question, lexicon.language)
    halves = _halves(text, lexicon)
    if len(halves) == 1:
        return _half(halves[0], lexicon, length, last)
    alone = _half(halves[0], lexicon, length, None)
    if alone.query.ask == "unknown":
        # "From 0:03 to 0:05, how does he feel?": a moment, a form, and then the question.
        only = _half(halves[1], lexicon, length, last)
        when = only.query.when or next((found.moment for found in alone.seen.moments), None)
        form = only.query.form or alone.query.form
        return replace(only, query=only.query.model_copy(update={"form": form, "when": when}))
    first = _half(halves[0], lexicon, length, last)
    second = _half(halves[1], lexicon, length, first.query)
    if second.query.ask in ("unknown", first.query.ask) and second.query.target in (
        None, first.query.target,
    ):  # fmt: skip
        return first
    return replace(first, query=first.query.model_copy(update={"second": second.query}))


def _half(text: Text, lexicon: Vocabulary, length: float | None, last: Query | None) -> _Reading:
    tags = lexicon.tags(text.words)
    tags = [t for t in tags if not _shadowed(t, tags)]
    if plain := _aside(text, tags, lexicon):
        return _Reading(plain, _EMPTY, tuple(tags))
    scale, scaled = _scale(text, tags, lexicon)
    found = moments(text, tags, lexicon, length, scaled)
    kept = [t for t in tags if not any(f.start <= t.start and t.end <= f.end for f in found)]
    kept = [t for t in kept if not _lesser(t, kept)]
    seen = _seen(text, kept, found, scale is not None)
    ask = ask_of(seen)
    query = _query(ask, text, seen, kept, lexicon, scale)
    query = followup.resolve(query, seen, tags, last)
    if not _whole(query, seen):
        query = Query(ask="unknown", language=lexicon.language)
    return _Reading(query, seen, tuple(kept))


def _whole(query: Query, seen: Seen) -> bool:
    """Whether enough is named: "Who won?" and "What time is it?" name nothing that is measured."""
    if query.ask in ("when", "count", "rate", "side", "intensity"):
        return query.target is not None
    if query.ask == "people":
        return query.target is not None or seen.has("people", "appear")
    return True


_EMPTY: Final = Seen(frozenset(), frozenset(), (), (), frozenset(), False, False, 0)


def _aside(text: Text, tags: Sequence[Tag], lexicon: Vocabulary) -> Query | None:
    """Small talk, the conversation itself, and what is not to be or cannot be answered."""
    cues = {t.key for t in tags if t.section == "cue"}
    if "history" in cues:
        return Query(ask="help", target="history", language=lexicon.language)
    size = len(text.words) if text.language in CJK else len(text.words.split()) + 2
    for word in ("thanks", "hello"):
        named = [t for t in tags if t.section in ("emotion", "target", "part", "topic")]
        if word in cues and not named and size <= 2 * SHORT:
            return Query(ask="help", target=word, language=lexicon.language)
    for tag in tags:
        if tag.section != "topic" or _excused(tag, tags):
            continue
        ask, topic = tag.key.split(".", 1)
        return Query(ask=cast(Ask, ask), target=topic, language=lexicon.language)
    return None


def _excused(topic: Tag, tags: Sequence[Tag]) -> bool:
    """A topic's word that is part of something longer that can be answered."""
    sections = ("target", "emotion", "part", "form")
    cues = ("genuine", "clip", "confidence", "missing", "history", "agree")
    return any(
        (t.section in sections or t.key in cues) and t.start <= topic.start and t.end >= topic.end
        and t.end - t.start > topic.end - topic.start
        for t in tags
    )  # fmt: skip


def _lesser(tag: Tag, tags: Sequence[Tag]) -> bool:
    """A cue or relation inside a longer cue: "made" in "what made you think" is no cause."""
    if tag.section != "cue" or tag.key not in ("cause", "why", "how_much", "count", "duration"):
        return False
    rivals = ("cause", "why", "people", "clip", "confidence", "clip_fps", "rate", "duration",
              "count", "per_minute", "how_much")  # fmt: skip
    return any(
        t.section == "cue" and t.key in rivals and t.key != tag.key
        and t.start <= tag.start and tag.end <= t.end and t.end - t.start > tag.end - tag.start
        for t in tags
    )  # fmt: skip


def _shadowed(tag: Tag, tags: Sequence[Tag]) -> bool:
    """What is part of a longer expression of another kind and means nothing by itself: "after" in
    German "nach unten", "left" in "the woman on the left", "speaks" in "speaks against"."""
    by = {
        "time": ("motion", "target", "form"),
        "cue": ("person",),
        "relation": ("person",),
        "target": ("against",),
    }.get(tag.section, ())
    if tag.section == "cue" and tag.key != "side":
        return False
    return any(
        (t.section in by or t.key in by) and t.start <= tag.start and tag.end <= t.end
        and t.end - t.start > tag.end - tag.start
        for t in tags
    )  # fmt: skip


def _seen(text: Text, tags: Sequence[Tag], found: Sequence[Found], scaled: bool) -> Seen:
    about = [t for t in targets(text.words, tags) if not _within(t, found)]
    cues = frozenset(t.key for t in tags if t.section == "cue")
    ends = {t.end for t in tags if t.section == "cue" and t.key == "how"}
    steps = (t for t in about if not t.vague and (t.felt or t.voiced))
    return Seen(
        cues=cues,
        relations=frozenset(t.key for t in tags if t.section == "relation"),
        targets=tuple(about),
        moments=tuple(found),
        people=frozenset(t.key for t in tags if t.section == "person"),
        scaled=scaled,
        measured=any(end == t.start for t in steps for end in ends),
        words=len(text.words.split()),
        quoted="#" in text.words,
        top=any(t.section == "form" and t.key == "top" for t in tags),
    )


def _within(target: Target, found: Sequence[Found]) -> bool:
    return any(f.start <= target.start and target.end <= f.end for f in found)


def _query(
    ask: Ask, text: Text, seen: Seen, tags: Sequence[Tag], lexicon: Vocabulary,
    scale: tuple[float, float] | None,
) -> Query:  # fmt: skip
    target, versus = _sides(ask, seen)
    times = [f.moment for f in seen.moments]
    second: Moment | str | None = versus
    if ask == "compare" and len(times) >= 2:
        second = times[1]
    return Query(
        ask=ask,
        target=_word(text, tags, seen, ask) or _clip(ask, seen) or target,
        who=_who(text, tags, ask),
        when=times[0] if times else None,
        relation=_relation(ask, seen),
        versus=second,
        scale=scale if ask == "intensity" else None,
        form=_form(text, tags, lexicon),
        language=lexicon.language,
    )


def _sides(ask: Ask, seen: Seen) -> tuple[str | None, str | None]:
    """What is asked about, and what it is held against."""
    named = seen.sharp
    first = named[0].code if named else (seen.first.code if seen.first else None)
    if ask == "whynot" and len(named) >= 2:
        return named[-1].code, named[0].code
    if ask in ("compare", "change", "arc") and len(named) >= 2:
        return named[0].code, named[1].code
    if ask == "when" and first is None and "change" in seen.relations:
        return "emotion", None
    if ask in ("emotion", "why") and first == "emotion":
        return None, None
    if ask in UNTARGETED and first in ("emotion", "face", None):
        return None, None
    if ask == "agreement" or (ask == "voice" and first == "voice") or ask == "summary":
        return None, None
    if ask == "genuine" and not named:
        return None, None
    if ask == "people" and first in ("face", "emotion"):
        return None, None
    if ask == "words" and first in ("speech", "voice", "emotion", "face", "mouth"):
        return None, None
    return first, None


def _word(text: Text, tags: Sequence[Tag], seen: Seen, ask: Ask) -> str | None:
    """A word whose utterance is asked about: "when does she say "rent"?"."""
    says = any(t.section == "cue" and t.key in ("say", "hear") for t in tags)
    if ask not in ("when", "count", "words", "event", "people", "duration") or not says:
        return None
    if match := re.search(r"#(\d+)", text.words):
        inside = any(f.start <= match.start() < f.end for f in seen.moments)
        return None if inside else f"word:{text.quotes[int(match[1])]}"
    named = next((t for t in tags if t.section == "cue" and t.key == "mention"), None)
    return f"word:{named.word}" if named is not None and named.word else None


def _clip(ask: Ask, seen: Seen) -> str | None:
    if ask == "words" and seen.has("spoken_language"):
        return "language"
    if ask != "clip":
        return None
    names = {"clip_fps": "fps", "clip_sound": "sound", "clip_size": "size", "clip": "duration"}
    return next(name for cue, name in names.items() if seen.has(cue))


def _who(text: Text, tags: Sequence[Tag], ask: Ask) -> str | None:
    if match := re.search(r"(?<![a-z])p(\d+)\b", text.words):
        return f"P{match[1]}"
    keys = {t.key for t in tags if t.section == "person"}
    ordinals = {"first": "P1", "second": "P2", "third": "P3"}
    for key, person in ordinals.items():
        if key in keys:
            return person
    for key in ("left", "right", "other"):
        if key in keys:
            return key
    return "all" if "all" in keys and ask != "people" else None


def _relation(ask: Ask, seen: Seen) -> Relation | None:
    if ask == "people" and seen.has("more"):
        return "most"
    return next((r for r in RELATED.get(ask, ()) if r in seen.relations), None)


def _scale(
    text: Text, tags: Sequence[Tag], lexicon: Vocabulary
) -> tuple[tuple[float, float] | None, bool]:
    """The scale that is asked for, and whether bare numbers are a scale rather than seconds."""
    for tag in tags:
        if tag.section == "scale" and tag.word and (top := number(tag.word, lexicon)):
            return (0.0, top), True
    rated = any(t.section == "cue" and t.key in ("rate", "how_much", "how") for t in tags)
    felt = any(t.section == "emotion" or t.key in ("valence", "arousal") for t in tags)
    join = "|".join(map(re.escape, lexicon.joins))
    names = "|".join([r"\d+(?:\.\d+)?", *map(re.escape, lexicon.numbers)])
    pattern = rf"(?<![@\w.])({names}) ?(?:{join}) ?({names})"
    if lexicon.language in CJK:
        pattern = rf"(?<![@\d.])({names})(?:{join})({names})"
    match = re.search(pattern, text.words)
    if match is None or not (rated or felt):
        return None, False
    after = text.words[match.end() :].lstrip()
    if re.match(rf"(?:{lexicon.seconds})(?![^\W\d_])", after):
        return None, False
    low, high = number(match[1], lexicon), number(match[2], lexicon)
    if low is None or high is None or low >= high:
        return None, False
    return (low, high), True


def _form(text: Text, tags: Sequence[Tag], lexicon: Vocabulary) -> str | None:
    del text
    for tag in tags:
        if tag.section != "form":
            continue
        if tag.key in ("sentences", "top"):
            count = number(tag.word or "", lexicon)
            if count is not None:
                return f"{tag.key}:{count:g}"
            continue
        return tag.key
    return None


def _halves(text: Text, lexicon: Vocabulary) -> list[Text]:
    """The two questions of a double question; the text itself where it is one."""
    words = text.words
    if lexicon.language in CJK:
        for match in re.finditer(r",", words):
            rest = words[match.end() :]
            if any(rest.startswith(q) for q in lexicon.question):
                return [replace(text, words=words[: match.start()]), replace(text, words=rest)]
        return [text]
    tokens = words.split()
    for i, token in enumerate(tokens[1:-1], start=1):
        joint = token in lexicon.split or token == ","
        after = tokens[i + 1] if token != "," or tokens[i + 1] not in lexicon.split else (
            tokens[i + 2] if i + 2 < len(tokens) else ""
        )  # fmt: skip
        if joint and after in lexicon.question and i >= 2:
            skip = i + 1 if after == tokens[i + 1] else i + 2
            halves = tokens[:i], tokens[skip:]
            return [replace(text, words=f" {' '.join(half)} ") for half in halves]
    return [text]
