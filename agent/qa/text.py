"""A question as plain tokens: which language it is in, its clock times, its quotations.

Knows scripts and spelling; no meaning. Languages written with spaces become lower-case words
without accents, joined by single blanks; Chinese and Japanese one string without blanks.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from agent.schema.query import Language

CJK: Final[frozenset[Language]] = frozenset({"zh", "ja"})
"""Languages read by characters, not by words."""
LONGEST: Final = 600
"""Characters of a question that are read."""
_CLOCK: Final = re.compile(r"(?<![\d:])(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)(?![\d:])")
_QUOTED: Final = re.compile(
    r"[\"“„«「『]\s*([^\"“”„«»「」『』]{1,60}?)\s*[\"”“»」』]|(?<!\w)['‘]([^'’]{1,40})['’](?!\w)"
)
_KANA: Final = re.compile(r"[\u3040-\u30ff]")
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_MARKS: Final = re.compile(r"[?!.;,:¿¡…？！。；：、，()]")
_CONTRACTED: Final = re.compile(r"\b(\w+)n['’]t\b")


@dataclass(frozen=True, slots=True)
class Text:
    """A question made ready for patterns."""

    words: str
    """With a blank at either end where the language has words: " why does she @6 ". A clock time
    is "@" and its seconds, a quotation "#" and its place in `quotes`, a comma or the end of a
    sentence ","."""
    quotes: tuple[str, ...]
    language: Language


def normalised(question: str, language: Language) -> Text:
    """The question as `Text`."""
    text = unicodedata.normalize("NFKC", question[:LONGEST])
    quotes: list[str] = []

    def kept(match: re.Match[str]) -> str:
        quotes.append((match[1] or match[2]).strip())
        return f" #{len(quotes) - 1} "

    text = _QUOTED.sub(kept, text)
    text = _CLOCK.sub(_seconds, text)
    if language in CJK:
        text = re.sub(r"[\s]+(?![#@])|(?<![\d])\s+", "", _MARKS.sub(",", text.lower()))
        return Text(text.strip(",") or text, tuple(quotes), language)
    text = _plain(text)
    text = re.sub(r"(\d),(\d)", r"\1.\2", text)
    text = re.sub(r"(?<!\d)\.|\.(?!\d)|[?!;,:¿¡…()]", " , ", text)
    text = re.sub(r"[^\w@#,./ ]+|(?<!\d)\.(?!\d)", " ", text)
    text = re.sub(r"(\d)(s|sec|sek)\b", r"\1 \2", text)
    words = [word for word in text.split() if word]
    while words and words[-1] == ",":
        words.pop()
    while words and words[0] == ",":
        words.pop(0)
    return Text(f" {' '.join(words)} ", tuple(quotes), language)


def plain(text: str) -> str:
    """Lower case, without accents or punctuation: how words of languages with blanks compare."""
    return " ".join(re.findall(r"[^\W_]+", _plain(text)))


def _plain(text: str) -> str:
    text = text.lower().replace("ß", "ss").replace("œ", "oe")
    text = re.sub(r"\bcan['’]?t\b|\bcannot\b", "can not", text)
    text = re.sub(r"\bwon['’]t\b", "will not", text)
    text = _CONTRACTED.sub(r"\1 not", text)
    text = re.sub(r"['’]d\b", " had", re.sub(r"['’]s\b", " ", text))
    bare = unicodedata.normalize("NFD", text)
    return "".join(c for c in bare if not unicodedata.combining(c))


def _seconds(match: re.Match[str]) -> str:
    hours, minutes, seconds = match[1] or 0, match[2], match[3]
    return f" @{int(hours) * 3600 + int(minutes) * 60 + float(seconds):g} "


def language_of(question: str, stops: dict[Language, frozenset[str]]) -> Language:
    """The language by its script, else by the stop words it has most of; English in doubt."""
    if _KANA.search(question):
        return "ja"
    if _HAN.search(question):
        return "zh"
    words = plain(question.replace("'", " ").replace("’", " ")).split()
    marks = {"¿": "es", "¡": "es", "ñ": "es", "ß": "de", "ä": "de", "ü": "de", "ê": "fr", "ç": "fr"}
    score = {language: sum(word in stop for word in words) for language, stop in stops.items()}
    for sign, language in marks.items():
        if sign in question.lower():
            score[language] += 2  # type: ignore[index]
    best = max(score, key=lambda language: (score[language], language == "en"))
    return best if score[best] else "en"
