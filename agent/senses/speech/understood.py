"""Which recognised phrases to believe: an English-only recogniser hears English in everything.

Whisper turns German, a murmur or a hum into fluent English, and never says so: its English-only
models always name English as the language. What gives them away is that they are not sure of
their own words, or say the same ones over and over. Knows numbers about phrases; runs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.senses.speech.timed_text import Word

FLOOR: Final = 0.42
"""Least sureness (see `sureness`) of phrases that an English-only model recognised: halfway, in
logarithms, between the surest of German speech and the least sure of English speech in the
sounds that it was chosen on. `docs/words.md` says which, and how it does on others."""
LOOP: Final = 2.4
"""Letters of a phrase over those of its compressed form, from which on it repeats itself; the
limit of Whisper's authors."""
FASTEST: Final = 9.0
"""Words a second that nobody says; fast talkers reach six or seven."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One recognised phrase."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    logprob: float
    """Mean natural logarithm of the tokens' probabilities in the stretch it was decoded in."""
    compression: float
    """Letters over those of its compressed form."""
    stretch: int
    """Which stretch of up to 30 s it was decoded in."""


def looped(phrase: Phrase) -> bool:
    """Whether a recogniser of any language ran in circles instead of writing what was said."""
    seconds = max(phrase.end - phrase.start, 0.5)
    return phrase.compression > LOOP or len(phrase.words) / seconds > FASTEST


def sureness(phrases: Sequence[Phrase]) -> float:
    """How sure the recogniser is of phrases of one stretch, 0-1; 0 where it has no words.

    The likelihood of the stretch's tokens times that of the words, which are aligned with the
    sound anew and so depend on it more than on what usually follows in English.
    """
    words = [word.probability for phrase in phrases for word in phrase.words]
    if not words:
        return 0.0
    return math.exp(min(0.0, phrases[0].logprob)) * sum(words) / len(words)


def understood(phrases: Sequence[Phrase], english_only: bool) -> list[Phrase]:
    """The phrases to believe, in their order.

    Of an English-only recogniser a phrase must be sure in itself and stand in a sure stretch.
    """
    kept = [phrase for phrase in phrases if not looped(phrase)]
    if not english_only:
        return kept
    stretches = {phrase.stretch for phrase in kept}
    sure = {s for s in stretches if sureness([p for p in kept if p.stretch == s]) >= FLOOR}
    return [p for p in kept if p.stretch in sure and sureness([p]) >= FLOOR]
