"""The templates of one language, and the small grammar that fills them.

Knows nouns (one or several, gender), articles, joints and times; no query and no finding.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from agent.qa.text import CJK
from agent.schema.finding import Event
from agent.schema.query import LANGUAGES, Language

SHOWN: Final = 4
"""Events that a sentence names; a list or a table names all."""
USUAL: Final = 1.0
"""Standard deviations from which a voice is called other than usual."""
_IDS: Final = re.compile(r"\s*\[[^\]]*\d[^\]]*\]")
_ALIAS: Final = {"AU45": "blink", "AU11": "other", "AU13": "AU12"}


@lru_cache(maxsize=len(LANGUAGES))
def wording(language: Language) -> dict[str, Any]:
    """The templates of one language."""
    file = files("agent.qa").joinpath("wording", f"{language}.toml")
    text = tomllib.loads(file.read_text(encoding="utf-8"))
    return text | {"joint_sentences": "" if language in CJK else " "}


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's templates, filled."""

    text: dict[str, Any]
    expert: bool = False
    """Whether codes, grades and raw values are told."""

    @classmethod
    def of(cls, language: Language, expert: bool = False) -> Wording:
        """The templates of a language."""
        return cls(wording(language), expert)

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
        """A feeling's name, or the noun of what is done; as it stands where there is neither."""
        labels: dict[str, str] = self.text["labels"]
        if name in labels:
            return labels[name]
        return self.noun(name) if name in self.text["nouns"] else name

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
        parts.append(at(event))
        ids = ", ".join(event.cues[:3])
        codes = f"{event.code}{event.grade or ''}: " if self.expert else ""
        whose = f"{event.person}: " if person and event.person else ""
        return f"{whose}{str(self.text['comma']).join(parts)} [{codes}{ids}]"

    def events(self, found: Sequence[Event], person: bool = False) -> str:
        """The first few events."""
        return self.joined([self.event(event, person) for event in found[:SHOWN]])

    def times(self, found: Sequence[Event]) -> str:
        """When each of several like events happens, with its cue."""
        return self.joined([f"{at(event)} [{event.cues[0]}]" for event in found[: 2 * SHOWN]])

    def voice(self, event: Event) -> str:
        """ "pitch of the voice higher than usual"."""
        words = self.text["scale_words"]
        z = event.relative
        how = words["same" if z is None or abs(z) < USUAL else "high" if z > 0 else "low"]
        raw = f" ({event.value:g} {event.unit})" if event.value is not None and event.unit else ""
        named = "" if z is None else f"{self.text['colon']}{how}"
        return f"{self.noun(event.code)}{named}{raw} [{', '.join(event.cues[:3])}]"


def at(event: Event) -> str:
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


def bare(text: str) -> str:
    """A sentence without the ids of its cues, which a claim holds apart."""
    return _IDS.sub("", text).strip()
