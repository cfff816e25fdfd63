"""Mends slips of the keyboard in words that the lexicon knows: "smlie", "embarassed".

Used only for questions that were not understood as they stand. Knows letters, no meaning.
"""

from __future__ import annotations

import re
from typing import Final

from agent.qa.text import CJK
from agent.qa.vocabulary import Vocabulary

LEAST: Final = 5
"""Letters from which a word is mended; shorter ones are near too many others."""


def mended(question: str, lexicon: Vocabulary) -> str:
    """The question with every word one slip away from exactly one known word put right."""
    if lexicon.language in CJK:
        return question
    return re.sub(r"[^\W\d_]+", lambda m: _word(m[0], lexicon), question)


def _word(word: str, lexicon: Vocabulary) -> str:
    low = word.lower()
    if len(low) < LEAST or low in lexicon.stop or _known(low, lexicon):
        return word
    near = {w.rstrip("*") for w in lexicon.known if _near(low, w)}
    near |= {w for w in lexicon.question if len(w) >= LEAST and _near(low, w)}
    same = {w for w in near if w[0] == low[0]}
    return min(same or near, key=lambda w: (abs(len(w) - len(low)), w)) if near else word


def _known(word: str, lexicon: Vocabulary) -> bool:
    return any(
        word.startswith(w[:-1]) if w.endswith("*") else word == w for w in lexicon.known
    ) or (word in lexicon.question)


def _near(word: str, known: str) -> bool:
    """One letter added, lost, changed, or two neighbours swapped; a stem needs its beginning."""
    if not known.endswith("*"):
        return _slip(word, known)
    stem = known[:-1]
    lengths = range(len(stem) - 1, len(stem) + 2)
    return len(stem) > LEAST and any(_slip(word[:n], stem) for n in lengths if n <= len(word))


def _slip(a: str, b: str) -> bool:
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    first = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    if len(a) == len(b):
        swapped = a[first + 1 : first + 2] == b[first] and a[first] == b[first + 1 : first + 2]
        return a[first + 1 :] == b[first + 1 :] or (swapped and a[first + 2 :] == b[first + 2 :])
    long, short = (a, b) if len(a) > len(b) else (b, a)
    return long[first + 1 :] == short[first:]
