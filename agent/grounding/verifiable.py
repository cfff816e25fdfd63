"""What of a claim can be checked at all, and the share of claims that were and stand.

Knows what `agent.grounding.reading` reads, and the record for gaps it declares and words it quotes.
Whether the cited cues carry a claim is judged in `agent.grounding`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from agent.grounding import lexicon
from agent.grounding.mentions import mentions
from agent.grounding.reading import asks, foreign, unread
from agent.schema.answer import Claim
from agent.schema.evidence import Cue, Evidence

_ABSENCES: Final = tuple(
    (re.compile(rf"\b(?:{pattern})", re.I), names.split("|")) for pattern, names in lexicon.ABSENCES
)
ABSTAINS: Final = re.compile(rf"\b(?:{lexicon.ABSTAINS})", re.I)
_WORD: Final = re.compile(r"\w+")
_BRACKET: Final = re.compile(r"\s*\([^()]*\)")
FOREIGN: Final = "in a language that claims are not read in (only English is)"
"""Why a claim in another language is unverified."""


def unverified(claim: Claim, evidence: Evidence) -> str | None:
    """Why the claim cannot be checked at all; None where it can."""
    if why := unchecked(claim, evidence):
        return why
    text = claim.text
    rest, gap = without_gaps(text, evidence)
    excused = gap or ABSTAINS.search(text)
    if (
        not excused
        and not mentions(rest)
        and not any(retold(c, text) for c in _cited(claim, evidence))
    ):
        return "asserts nothing that a cue could carry"
    return None


def unchecked(claim: Claim, evidence: Evidence) -> str | None:
    """Why an English sentence cannot be checked: it says nothing, or words that no cue carries."""
    text = claim.text
    if not plain_text(text):
        return "says nothing"
    if asks(text):
        return "asks, and asserts nothing"
    if _copied(text, evidence):
        return "repeats the words without quoting them"
    rest, _ = without_gaps(text, evidence)
    cited = _cited(claim, evidence)
    told = [wording for cue in cited if cue.sense != "words" for wording in _wordings(cue.text)]
    told += [gone.why for gone in evidence.missing]
    told += [person.doubt for person in evidence.people if person.doubt]
    if strange := tuple(dict.fromkeys(unread(rest, told))):
        if foreign(rest):
            return FOREIGN
        return "not checked: no cue can carry " + ", ".join(f"“{word}”" for word in strange[:4])
    return None


def _cited(claim: Claim, evidence: Evidence) -> list[Cue]:
    return [cue for id in claim.cites if (cue := evidence.cue(id.strip().strip("[]")))]


def _wordings(text: str) -> tuple[str, str]:
    """A cue's own words, and the same without the measures in brackets."""
    return text, " ".join(_BRACKET.sub(" ", text).split())


def unreadable(text: str, told: Iterable[str] = ()) -> bool:
    """Whether a text says something that no cue could carry; `told` are wordings of cues."""
    rest = ABSTAINS.sub(" ", text)
    wordings = [wording for each in told for wording in _wordings(each)]
    return not asks(text) and bool(unread(rest, wordings))


def concludes(text: str) -> bool:
    """Whether a text goes beyond what is seen and heard: it names a feeling, or cannot tell."""
    return ABSTAINS.search(text) is not None or any(m.sense == "emotion" for m in mentions(text))


def grounded_share(claims: Sequence[Claim]) -> float:
    """Share of distinct claims that are grounded, 0-1; 0 where there are none.

    Repeating a claim, or asserting the same in other words, adds nothing, one that could not be
    verified counts against the whole, and claims that only deny count at most as often as those
    that assert something: neither copies, nor empty phrases, nor a list of true denials can raise
    the share.
    """
    distinct: dict[str, Claim] = {}
    for claim in claims:
        key = _said(claim)
        if key not in distinct or not claim.grounded:
            distinct[key] = claim
    firm = [c for c in distinct.values() if c.verdict == "unverified" or _asserts(c)]
    weak = [claim for claim in distinct.values() if claim not in firm]
    weak.sort(key=lambda claim: claim.grounded)  # those that fall count first
    counted = firm + weak[: max(1, len(firm))]
    return sum(claim.grounded for claim in counted) / len(counted) if counted else 0.0


def without_gaps(text: str, evidence: Evidence) -> tuple[str, str | None]:
    """A text without "cannot tell" and gaps that the record declares; and those gaps."""
    declared = {m.what.lower() for m in evidence.missing}
    rest, gaps = ABSTAINS.sub(" ", text), set[str]()
    for pattern, names in _ABSENCES:
        if (known := declared & set(names)) and pattern.search(rest):
            rest = pattern.sub(" ", rest)
            gaps |= known
    return rest, f"declared missing: {', '.join(sorted(gaps))}" if gaps else None


def retold(cue: Cue, text: str) -> bool:
    """Whether a claim repeats a cue's own words; quotations are judged as such."""
    told = plain_text(cue.text)
    return cue.sense != "words" and " " in told and told in plain_text(text)


def _copied(text: str, evidence: Evidence) -> bool:
    words = plain_text(text)
    return any(c.sense == "words" and words == plain_text(c.text) for c in evidence.cues)


@lru_cache(maxsize=8192)
def plain_text(text: str) -> str:
    """Words in lower case with one space between them."""
    return " ".join(_WORD.findall(text.lower()))


def _said(claim: Claim) -> str:
    """The same for claims that say the same."""
    if not claim.asserts:
        return plain_text(claim.text)
    return "\n".join(sorted(each.model_dump_json() for each in claim.asserts))


def _asserts(claim: Claim) -> bool:
    if claim.asserts:
        return any(each.relation != "absent" for each in claim.asserts)
    return any(not mention.negated for mention in mentions(claim.text))
