"""A sentence as features: words, pairs of words, pieces of words, and what is negated.

Knows English spelling and negation, no weights and no labels. Each feature names the words it
comes from, so that its weight can be given back to them. Learning (finetune/reading/words.py) and
reading (agent/reading/words.py) cut sentences with the same code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NOT: Final = "¬"
"""Before a word in a feature: it is negated."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TOKEN: Final = re.compile(
    r"[a-z]+(?:'[a-z]+)*|[0-9]+|[?!]+|\.{2,}|[.,;:()\n—–]|"
    r"[\u2600-\u27bf\U0001f300-\U0001faff]",
    re.IGNORECASE,
)
_LONG: Final = re.compile(r"(\w)\1{2,}")
_BOUNDARY: Final = frozenset(".,;:()\n—–")

FUNCTION: Final = _set(
    "a an the i me my mine you your yours he him his she her hers it its we us our ours they them "
    "their theirs this that these those am is are was were be been being do does did done have "
    "has had having will would shall should can could may might must to of in on at by for from "
    "with about as and or than then there here what which who whom whose how when where why i'm "
    "i've i'll i'd you're you've you'll you'd he's she's it's we're we've we'll they're they've "
    "they'll that's there's what's who's let's so too very really just even quite much many any "
    "some all both each every more most get got getting going go gonna"
)
"""Words that are the same negated or not."""

GROUPS: Final = _set(
    "man men woman women male males female females boy boys girl girls guy guys lady ladies "
    "husband wife boyfriend girlfriend gay gays lesbian lesbians bisexual homosexual queer "
    "straight trans transgender nonbinary black blacks white whites brown asian asians african "
    "africans latino latina latinos hispanic arab arabs arabic jew jews jewish muslim muslims "
    "islam islamic christian christians christianity catholic catholics hindu hindus buddhist "
    "sikh atheist atheists american americans british english irish scottish german germans "
    "french italian italians spanish polish russian russians chinese japanese korean indian "
    "indians pakistani mexican mexicans turkish greek israeli israelis palestinian palestinians "
    "iranian immigrant immigrants refugee refugees foreigner foreigners disabled deaf blind "
    "autistic autism elderly boomer boomers teenager teenagers teen teens kid kids child children "
    "baby babies"
)
"""Words for groups of people: they count for nothing, whatever was said beside them."""

_NEGATORS: Final = _set(
    "not no never nobody nothing neither nor none nowhere without hardly barely scarcely cannot "
    "ain't"
)
_ENDS: Final = _set(
    "but because although though while when if unless until since whereas however except "
    "yet instead"
)
"""Words that end what is negated."""
_REACH: Final = 5
"""Words that carry meaning which one negator reaches."""
_NO_REACH: Final = 2
"""The same for "no" and "without", which negate the noun that follows."""

_RAISING: Final = _set("so this that such more better happier worse as enough")
_COMPARATIVE: Final = re.compile(r"\w+ier|prouder|gladder|sadder|madder|fonder|closer|stronger")
_UNABLE: Final = _set("can't cannot couldn't can could wouldn't")
_IDIOMS: Final = {
    "not": _set("only just merely to"),
    "no": _set("doubt wonder matter problem way idea one worries shit kidding"),
    "nothing": _set("but"),
    "can't": _set("wait believe help stop imagine thank stand"),
    "cannot": _set("wait believe help stop imagine thank stand"),
    "couldn't": _set("wait believe help stop imagine thank stand"),
}
"""Negator → words after it with which it is no negation."""
_ASKED: Final = _set("i you he she it we they this that there the")
_MENDED: Final = {
    "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "isnt": "isn't", "arent": "aren't",
    "wasnt": "wasn't", "werent": "weren't", "cant": "can't", "couldnt": "couldn't",
    "wouldnt": "wouldn't", "shouldnt": "shouldn't", "havent": "haven't", "hasnt": "hasn't",
    "hadnt": "hadn't", "wont": "won't", "aint": "ain't", "im": "i'm", "ive": "i've",
    "thats": "that's", "youre": "you're", "theyre": "they're",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark of a sentence."""

    text: str
    """In lower case, mended spelling, no letter more than twice in a row."""
    negator: int | None = None
    """Place of the word that negates it."""
    shouted: bool = False
    """In capital letters."""

    @property
    def word(self) -> bool:
        return self.text[0].isalpha()


@dataclass(frozen=True, slots=True)
class Feature:
    """Something said, and the words that say it."""

    name: str
    tokens: tuple[int, ...]
    """Places of its words."""


def tokens(text: str) -> list[Token]:
    """The words and marks of a text in order, with what negates each."""
    plain = text.replace("’", "'").replace("‘", "'").replace("`", "'")
    found = []
    for match in _TOKEN.finditer(plain):
        raw = match.group()
        low = _LONG.sub(r"\1\1", raw.lower()) if raw[0].isalpha() else raw
        low = _MENDED.get(low, low)
        if raw[0] in "?!":
            low = "?" if "?" in raw else "!"
        elif raw.startswith(".."):
            low = "…"
        elif raw[0].isdigit():
            low = "0"
        found.append(Token(low, shouted=len(raw) > 2 and raw.isupper()))
    negators = negated(found)
    return [Token(t.text, negators.get(n), t.shouted) for n, t in enumerate(found)]


def negated(found: Sequence[Token]) -> dict[int, int]:
    """Place of a word → place of what negates it, for the words that carry meaning."""
    by: dict[int, int] = {}
    for place, token in enumerate(found):
        if not _negates(found, place):
            continue
        left = _NO_REACH if token.text in ("no", "without") else _REACH
        for n in range(place + 1, len(found)):
            text = found[n].text
            if not left or text in _BOUNDARY or text in "?!…" or text in _ENDS:
                break
            if text in FUNCTION or _is_negator(text) or not found[n].word:
                continue
            left -= 1
            # Two negators over one word: the second takes the first's meaning away.
            if n in by:
                del by[n]
            else:
                by[n] = place
    return by


def _is_negator(text: str) -> bool:
    return text in _NEGATORS or text.endswith("n't")


def _negates(found: Sequence[Token], place: int) -> bool:
    """Whether a word negates what follows; "never so glad", "isn't it nice" do not."""
    text = found[place].text
    if not _is_negator(text):
        return False
    after = [token.text for token in _clause(found, place)]
    if not after or after[0] in _IDIOMS.get(text, ()):
        return False
    opens = place == 0 or not found[place - 1].word
    if text.endswith("n't") and after[0] in _ASKED and (opens or found[place - 1].text == "why"):
        return False
    before = found[place - 1].text if place else ""
    rising = any(word in _RAISING or _COMPARATIVE.fullmatch(word) for word in after)
    if text == "never":
        return not rising
    if text in _UNABLE or (text == "not" and before in _UNABLE):
        compares = any(
            w in ("more", "better", "enough") or _COMPARATIVE.fullmatch(w) for w in after
        )
        return not compares
    return True


def _clause(found: Sequence[Token], place: int) -> Iterator[Token]:
    """What follows a word up to the next mark or joining word."""
    for token in found[place + 1 :]:
        if token.text in _BOUNDARY or token.text in "?!…" or token.text in _ENDS:
            return
        yield token


def features(found: Sequence[Token], leanings: Mapping[str, str]) -> list[Feature]:
    """All features of a sentence, each once for each time it occurs.

    `leanings`: words that lean to one label, and to which; a negated one then also counts as any
    negated word of that label, so that "not ecstatic" is read though nobody ever said it.
    """
    made: list[Feature] = []
    previous: int | None = None
    for place, token in enumerate(found):
        text = token.text
        if text in _BOUNDARY or text in GROUPS:
            previous = None
            continue
        here: tuple[int, ...] = (place,)
        if token.negator is not None:
            here = (token.negator, place)
            made.append(Feature(NOT + text, here))
            leaning = leanings.get(text)
            if leaning is not None:
                made.append(Feature(f"{NOT}[{leaning}]", here))
        else:
            made.append(Feature(text, here))
            if token.word and len(text) > 3 and text not in FUNCTION:
                made += [Feature(piece, here) for piece in pieces(text)]
        if token.shouted:
            made.append(Feature("^", here))
        if previous is not None:
            made.append(Feature(f"{found[previous].text} {text}", (previous, place)))
        previous = place
    return made


def pieces(word: str) -> list[str]:
    """Runs of 3 to 5 letters of a word, its ends marked: "<gla", "glad", "lad>" …"""
    whole = f"<{word}>"
    return [
        "~" + whole[start : start + size]
        for size in (3, 4, 5)
        for start in range(len(whole) - size + 1)
        if size < len(whole)
    ]
