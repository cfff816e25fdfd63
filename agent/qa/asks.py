"""Which kind of question a set of tags is: one table of rules for all languages.

Knows tags and targets, no words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.qa.moments import Found
from agent.qa.targets import VOICE, Target
from agent.schema.query import Ask


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a question (or one half of it) holds, outside the clauses that name a moment."""

    cues: frozenset[str]
    relations: frozenset[str]
    targets: tuple[Target, ...]
    """In order of mention, vague ones last."""
    moments: tuple[Found, ...]
    people: frozenset[str]
    scaled: bool
    """A scale was given, as in "from 1 to 9"."""
    measured: bool
    """ "how" stands right before a feeling or a quality: "how happy", "how loud"."""
    words: int
    """Length in words (in characters where there are none)."""
    quoted: bool = False
    """Something stands in quotation marks."""
    top: bool = False
    """The strongest few are asked for."""

    def has(self, *cues: str) -> bool:
        """Whether any of these cues is there."""
        return not self.cues.isdisjoint(cues)

    @property
    def first(self) -> Target | None:
        """The target that the question is about."""
        return self.targets[0] if self.targets else None

    @property
    def sharp(self) -> tuple[Target, ...]:
        """Targets that are one thing, not a region; distinct."""
        return tuple({t.code: t for t in self.targets if not t.vague}.values())

    @property
    def felt(self) -> bool:
        """About a feeling."""
        return self.first is not None and self.first.felt

    @property
    def done(self) -> bool:
        """About something done with face, head, eyes or mouth."""
        first = self.first
        return first is not None and not first.felt and not first.voiced

    @property
    def voiced(self) -> bool:
        """About how a voice is used."""
        return self.first is not None and self.first.code in VOICE

    @property
    def two(self) -> bool:
        """Two feelings, or two things done."""
        return len(self.sharp) >= 2


def _channels(seen: Seen) -> bool:
    """Whether face, voice or words are named as such: what they say is held against each other."""
    spoken = any(target.voiced or target.code in ("face", "words") for target in seen.targets)
    return spoken or seen.has("say", "words", "sound", "hear") or bool(_BY & seen.relations)


_BY: Final = frozenset({"by_face", "by_voice", "by_words"})

Rule = tuple[Ask, Callable[[Seen], bool]]

RULES: Final[tuple[Rule, ...]] = (
    ("help", lambda s: s.has("help") and not s.sharp),
    ("help", lambda s: s.has("explain") and bool(s.targets) and not (s.moments or s.has("why"))),
    ("whatif", lambda s: s.has("whatif")),
    ("change", lambda s: "order" in s.relations and s.two and s.has("or")),
    ("whynot", lambda s: s.has("agree") and s.has("against") and s.felt and not _channels(s)),
    ("agreement", lambda s: s.has("agree") and not s.has("who")),
    ("genuine", lambda s: s.has("genuine") and (not s.felt or len(s.sharp) == 1)),
    ("genuine", lambda s: any(t.code == "sarcasm" for t in s.targets)),
    ("whynot", lambda s: s.felt and s.has("why") and s.has("not")),
    ("whynot", lambda s: s.has("against") and not s.done),
    ("confidence", lambda s: s.has("confidence")),
    ("clip", lambda s: s.has("clip", "clip_fps", "clip_sound", "clip_size")),
    ("summary", lambda s: s.has("summary") and not s.sharp and not s.has("arc")),
    ("evidence", lambda s: s.has("evidence")),
    ("missing", lambda s: s.has("missing")),
    ("cause", lambda s: s.has("cause") and not s.has("when")),
    ("why", lambda s: s.has("why") and not s.done),
    ("cause", lambda s: s.has("why")),
    ("arc", lambda s: s.has("arc") and not s.has("summary_clip", "get")),
    ("count", lambda s: s.has("times") and s.done and not s.has("when", "why", "who")),
    ("side", lambda s: s.done and {"left", "right"} <= s.relations),
    ("compare", lambda s: s.has("compare") and not s.has("count", "duration")),
    ("compare", lambda s: s.has("more") and s.has("than") and not s.has("who", "duration")),
    ("compare", lambda s: s.has("than") and len(s.moments) >= 2),
    ("compare", lambda s: s.has("or") and s.two and (s.felt or s.has("more"))),
    ("people", lambda s: s.has("count") and s.has("people") and not s.has("per_minute")),
    ("people", lambda s: s.has("appear") and not s.sharp),
    ("event", lambda s: s.has("who") and any(t.code == "gaze" for t in s.targets)),
    ("words", lambda s: s.quoted and s.has("say") and "all" in s.people and not s.felt),
    ("people", lambda s: s.has("who")),
    ("people", lambda s: s.has("people") and not s.targets and not s.has("feel", "compare", "do")),
    ("rate", lambda s: s.has("per_minute") and s.done),
    ("rate", lambda s: any(t.code == "speech_rate" for t in s.targets) and s.has("how", "count")),
    ("when", lambda s: s.has("when")),
    ("duration", lambda s: s.has("duration")),
    ("words", lambda s: s.has("spoken_language", "words")),
    ("count", lambda s: s.has("count")),
    ("side", lambda s: s.has("side") and (s.done or not s.targets) and not s.felt),
    ("intensity", lambda s: bool(s.targets) and (s.scaled or s.has("rate"))),
    ("intensity", lambda s: s.has("how_much") and bool(s.targets) and not s.top),
    ("intensity", lambda s: s.measured),
    ("intensity", lambda s: s.voiced and s.has("how") and not s.has("sound") and bool(s.sharp)),
    ("change", lambda s: s.has("change") and not s.done),
    ("change", lambda s: s.felt and "end" in s.relations),
    ("change", lambda s: s.has("get") and (s.felt or s.voiced) and not s.has("how")),
    ("words", lambda s: s.has("say") and (s.quoted or s.has("mention") or bool(s.moments))),
    ("voice", lambda s: s.voiced),
    ("emotion", lambda s: s.felt),
    ("voice", lambda s: s.has("sound") and not s.has("feel")),
    ("emotion", lambda s: s.has("feel") and not s.done),
    ("event", lambda s: s.done),
    ("emotion", lambda s: s.has("feel")),
    ("event", lambda s: s.has("do") and bool(s.moments)),
    ("event", lambda s: s.has("open")),
)  # fmt: skip
"""The first that holds decides."""


def ask_of(seen: Seen, rules: Sequence[Rule] = RULES) -> Ask:
    """The kind of question; "unknown" where no rule holds."""
    return next((ask for ask, holds in rules if holds(seen)), "unknown")
