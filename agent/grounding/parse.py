"""A stranger's sentence → what it asserts, by the lexicon of its language; fail closed.

Knows the lexicons of questions (`agent/qa/lexicon`) and lists of words that claim nothing
(`plain/`); no evidence but its people. Whatever neither holds is unread, and a sentence with
unread words is not verified, whatever else it says. English has a finer reader of its own
(`agent.grounding.ground`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from agent.qa.targets import VOICE, Target, targets
from agent.qa.text import CJK, Text, language_of, normalised, plain
from agent.qa.vocabulary import Tag, stops, vocabulary
from agent.schema.assertion import Assertion, Relation
from agent.schema.query import Language

READ: Final = frozenset({"target", "part", "motion", "emotion", "person", "time"})
"""Sections of the lexicon that say something which can be checked, or when and who."""
SIDES: Final[dict[str, Relation]] = {"left": "left", "right": "right"}
_TIME: Final = re.compile(r"@(\d+(?:\.\d+)?)")
_QUOTE: Final = re.compile(r"#(\d+)")
_CODE: Final = re.compile(r"(?<![a-z])(?:au|p)\s?\d+[a-e]?(?![a-z])")
_CITE: Final = re.compile(r"[\[(]\s*[AHVW]\d+(?:\s*[,;]\s*[AHVW]\d+)*\s*[\])]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a sentence asserts, and what of it could not be read."""

    asserts: tuple[Assertion, ...]
    unread: tuple[str, ...]
    language: Language


@dataclass(frozen=True, slots=True)
class _Plain:
    words: frozenset[str]
    more: tuple[re.Pattern[str], ...]
    less: tuple[re.Pattern[str], ...]


def parse_claim(text: str, subject: str = "clip", language: Language | None = None) -> Parsed:
    """Assertions of a sentence about `subject` (P1, …), which it need not name."""
    code = language or language_of(text, stops())
    said = normalised(_CITE.sub(" ", text), code)
    tags = vocabulary(code).tags(said.words)
    found = [t for t in targets(said.words, tags) if not t.vague]
    topics = [t for t in tags if t.section == "topic"]
    asserts = [_asserted(t, said, tags, subject, code) for t in found]
    asserts += [
        Assertion(subject=subject, what="words", relation="quote", value=said.quotes[int(m[1])])
        for m in _QUOTE.finditer(said.words)
    ]
    unread = (*_unread(said, tags, code), *(said.words[t.start : t.end].strip() for t in topics))
    return Parsed(tuple(asserts), tuple(dict.fromkeys(unread)), code)


def _asserted(
    target: Target, said: Text, tags: list[Tag], subject: str, code: Language
) -> Assertion:
    clause = _clause(said.words, target)
    inside = [t for t in tags if clause[0] <= t.start and t.end <= clause[1]]
    times = [float(m[1]) for m in _TIME.finditer(said.words, *clause)]
    at = (min(times), max(times)) if times else None
    relation: Relation = "present"
    if any(t.section == "cue" and t.key == "not" for t in inside):
        relation = "absent"
    elif target.code in VOICE:
        relation = _direction(said.words[slice(*clause)], code) or "rises"
    else:
        side = next((SIDES[t.key] for t in inside if t.key in SIDES), None)
        relation = side or "present"
    what = "impression" if target.code == "face" else target.code
    return Assertion(subject=subject, what=what, relation=relation, at=at)


def _clause(words: str, target: Target) -> tuple[int, int]:
    start = words.rfind(",", 0, target.start) + 1
    end = words.find(",", target.end)
    return start, len(words) if end < 0 else end


def _direction(words: str, code: Language) -> Relation | None:
    known = _plain(code)
    if any(p.search(words) for p in known.more):
        return "more"
    return "less" if any(p.search(words) for p in known.less) else None


def _unread(said: Text, tags: list[Tag], code: Language) -> list[str]:
    """Words that neither the lexicon nor the list of plain words holds."""
    known, rest = _plain(code), list(said.words)
    spans = [(t.start, t.end) for t in tags if t.section in READ or _small(t)]
    patterns = (_TIME, _QUOTE, _CODE, re.compile(r"\d+(?:\.\d+)?"), *known.more, *known.less)
    spans += [m.span() for pattern in patterns for m in pattern.finditer(said.words)]
    for start, end in spans:
        rest[start:end] = " " * (end - start)
    left = "".join(rest).replace(",", " ")
    if code in CJK:
        for word in sorted(known.words, key=len, reverse=True):
            left = left.replace(word, " ")
        return [part for part in re.findall(r"\w+", left) if part]
    return [word for word in re.findall(r"[^\W\d_]+", left) if word not in known.words]


def _small(tag: Tag) -> bool:
    return (tag.section == "relation" and tag.key in ("left", "right", "begin", "end")) or (
        tag.section == "cue" and tag.key == "not"
    )


@lru_cache(maxsize=8)
def _plain(code: Language) -> _Plain:
    if code == "en":
        from agent.grounding.plain_words import PLAIN

        more = ("louder", "higher*", "faster", "tenser", "rougher", "raised voice")
        less = ("quieter", "softer", "lower*", "slower", "calmer")
        return _Plain(PLAIN, _patterns(more, code), _patterns(less, code))
    file = files("agent.grounding").joinpath("plain", f"{code}.toml")
    raw = tomllib.loads(file.read_text(encoding="utf-8"))
    words = raw["plain"].split()
    bare = frozenset(words if code in CJK else (plain(word) for word in words))
    more, less = raw["more"], raw["less"]
    return _Plain(bare, _patterns(more, code), _patterns(less, code))


def _patterns(spellings: Sequence[str], code: Language) -> tuple[re.Pattern[str], ...]:
    if code in CJK:
        return tuple(re.compile(re.escape(s)) for s in spellings)
    made = (re.escape(s).replace(r"\*", r"\w*") for s in spellings)
    return tuple(re.compile(rf"(?<!\w){pattern}(?!\w)") for pattern in made)
