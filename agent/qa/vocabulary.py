"""The lexicon of one language, and which of its entries a question holds.

Knows how entries are spelt in `lexicon/*.toml` and nothing of what they mean. An entry of a
language with blanks is a row of words:

    a|b   either word         (x|y z)   either of these rows      (x) (x|y)?   may be there
    stem* any ending          ..        up to three words         ^ $   ends of a clause
    @     articles and possessives, if there are any              <w>   a captured word

An entry of Chinese or Japanese is a regular expression over characters, `..` up to six of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from agent.facs.units import AUS
from agent.qa.text import CJK, plain
from agent.schema.query import LANGUAGES, Language

_NUMBER: Final = r"(?:\d+(?:\.\d+)?)"
_END: Final = r"(?=,|$)"
EXCLUSIVE: Final = frozenset({"target", "part", "emotion", "topic"})
"""Sections in which the longest of overlapping matches stands alone."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One entry found in a question."""

    section: str
    """target, part, motion, emotion, person, time, exists, relation, cue, topic, form"""
    key: str
    start: int
    end: int
    word: str | None = None
    """What `<w>` or `<n>` stood for."""

    def over(self, other: Tag) -> bool:
        """Whether the two share characters."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A compiled lexicon."""

    language: Language
    patterns: tuple[tuple[str, str, re.Pattern[str]], ...]
    """Section, key, pattern."""
    numbers: dict[str, float]
    seconds: str
    """Pattern of the unit."""
    joins: tuple[str, ...]
    """Between the ends of a range: "5 to 8"."""
    articles: frozenset[str]
    split: frozenset[str]
    question: frozenset[str]
    stop: frozenset[str]
    known: frozenset[str]
    """Whole words and stems (with *) of all entries, for mending spelling."""

    def tags(self, text: str) -> list[Tag]:
        """Every entry in the text, in order; of overlapping targets the longest."""
        found = [
            Tag(section, key, m.start(), m.end(), _captured(m))
            for section, key, pattern in self.patterns
            for m in pattern.finditer(text)
        ]
        return sorted(_longest(found), key=lambda tag: (tag.start, -tag.end))


def _captured(match: re.Match[str]) -> str | None:
    return next((group for group in match.groups() if group), None)


def _longest(found: list[Tag]) -> Iterator[Tag]:
    for tag in found:
        rivals = (
            other
            for other in found
            if other.section == tag.section and other.key != tag.key and other.over(tag)
        )
        longer = (other for other in rivals if other.end - other.start > tag.end - tag.start)
        if tag.section not in EXCLUSIVE or not any(longer):
            yield tag


@lru_cache(maxsize=len(LANGUAGES))
def vocabulary(language: Language) -> Vocabulary:
    """The lexicon of a language, compiled once."""
    raw = _raw(language)
    cjk = language in CJK
    article = "|".join(map(re.escape, sorted(plain(raw.get("determiners", "")).split())))
    compiled = []
    for section, entries in raw.items():
        if not isinstance(entries, dict) or section == "numbers":
            continue
        for key, spellings in entries.items():
            for spelling in spellings:
                compiled.append((section, key, _pattern(spelling, article, cjk)))
    for key, spelling in _facs_names(language):
        compiled.append(("target", key, _pattern(spelling, article, cjk)))
    units = [re.escape(unit) for unit in raw["seconds"].split()]
    known = {w for s, k in _spellings(raw) for w in re.findall(r"\w{4,}\*?", k) if s != "numbers"}
    return Vocabulary(
        language,
        tuple(compiled),
        {plain(word) if not cjk else word: value for word, value in raw["numbers"].items()},
        "|".join(units),
        tuple(raw["range"].split()),
        frozenset(article.split("|")),
        frozenset(raw["split"].split()),
        frozenset(raw["question"].split()),
        frozenset(plain(raw.get("stop", "")).split()),
        frozenset(known),
    )


@lru_cache(maxsize=1)
def stops() -> dict[Language, frozenset[str]]:
    """Stop words of the languages that share a script."""
    spaced: tuple[Language, ...] = tuple(code for code in LANGUAGES if code not in CJK)
    return {code: frozenset(plain(_raw(code)["stop"]).split()) for code in spaced}


def _raw(language: Language) -> dict[str, Any]:
    file = files("agent.qa").joinpath("lexicon", f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _spellings(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for section, entries in raw.items():
        if isinstance(entries, dict) and section != "numbers":
            yield from ((section, spelling) for each in entries.values() for spelling in each)


def _facs_names(language: Language) -> Iterator[tuple[str, str]]:
    """Names of the FACS table and of its muscles; a muscle of two units stands for the first."""
    muscles: set[str] = set()
    for unit in AUS.values():
        code = "blink" if unit.number == 45 else unit.code
        if language not in CJK:
            yield code, " ".join(f"{word}|{word}s" for word in plain(unit.name).split())
        muscle = plain(unit.muscle.split(",")[0].split(" with ")[0].split(" or ")[0])
        if muscle and "relaxed" not in muscle and muscle not in muscles:
            muscles.add(muscle)
            yield code, muscle


def _pattern(spelling: str, article: str, cjk: bool) -> re.Pattern[str]:
    if cjk:
        return re.compile(spelling.replace("..", ".{0,6}?").replace("<w>", r"(\w{1,6}?)"))
    parts = list(_parts(_bare(spelling), article))
    return re.compile("(?<= )" + "".join(parts))


def _bare(spelling: str) -> str:
    """The entry without accents, so that it meets questions without them."""
    import unicodedata

    text = unicodedata.normalize("NFD", spelling.lower().replace("ß", "ss").replace("œ", "oe"))
    return "".join(c for c in text if not unicodedata.combining(c))


def _parts(spelling: str, article: str) -> Iterable[str]:
    for token in re.findall(r"\([^)]*\)\S*|\S+", spelling):
        if token == "^":
            yield r"(?:(?<=^ )|(?<=, ))"
        elif token == "@":
            yield rf"(?:(?:{article}) ){{0,2}}"
        elif token == "..":
            yield r"(?:[^ ,]+ ){0,3}?"
        elif token == "$":
            yield _END
        elif token.startswith("("):
            rows, after = token[1:].rsplit(")", 1)
            optional = after.startswith("?") or "|" not in rows
            yield _words(rows) + "?" * optional + _END * after.endswith("$")
        else:
            yield _words(token)


def _words(token: str) -> str:
    """Alternatives, each a row of words, a blank behind each word."""
    return "(?:" + "|".join(map(_row, token.split("|"))) + ")"


def _row(row: str) -> str:
    end = row.endswith("$") and row != "$"
    words = (_word(word) for word in row.removesuffix("$").split())
    return " ".join(words) + " " + _END * end


def _word(word: str) -> str:
    if word == "<w>":
        return "([^ ,]+)"
    return re.escape(word[:-1]) + r"[^ ,]*" if word.endswith("*") else re.escape(word)
