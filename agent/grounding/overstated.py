"""Does a sentence say more than it asserts? Read by the lexicon of its language; fail closed.

A model writes a sentence and, beside it, assertions (`agent.schema.assertion`). The assertions are
verified without language, but people read the sentence: all that it says must be among them, and
every word must be one that the tables read or one that claims nothing. Knows no measurement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from agent.facs.units import GRADES, grade, parse
from agent.grounding.lexicon import BEARS
from agent.grounding.mentions import Mention, mentions
from agent.grounding.parse import parse_claim
from agent.grounding.reading import asks, unread
from agent.grounding.verifiable import plain_text, retold, unchecked, without_gaps
from agent.grounding.verify import EDGE, HEAD, code_of
from agent.qa.text import language_of
from agent.qa.vocabulary import stops
from agent.reading.judge import PLACE
from agent.schema.answer import Claim
from agent.schema.assertion import Assertion, Relation
from agent.schema.evidence import IMPRESSION, Cue, Evidence

_PERSON: Final = re.compile(r"\bP\d+\b")
_OVERALL: Final = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), what, relations.split())
    for pattern, what, relations in (
        (r"disagree\w*|discord\w*|do(?:es)? not agree|don['’]t agree", "agreement", "absent"),
        (r"(?<!not )(?<!n['’]t )agrees?|in agreement", "agreement", "present same"),
        (r"(?:feelings?|emotions?|mood|expressions?) (?:\w+ )?(?:chang|shift)\w*", "change",
         "present"),
    )
)  # fmt: skip
"""What English says about the whole, where no table of mentions has it."""
_TENDS: Final = re.compile(
    r"\b(?:speaks?|points?|tells?) (?:for|to|of|towards?)\b|\bfits?\b|\bsigns? of\b|\bhints?\b"
    r"|\brests? on\b|\bsuggests?\b|\b(?:could|may|might|possibly|perhaps|partly)\b",
    re.IGNORECASE,
)
"""Words that say no more of a feeling than that cues speak for it."""
_MILD: Final[dict[str, Relation]] = {
    "positive": "more", "pleasant": "more", "negative": "less", "unpleasant": "less",
    "mixed": "same",
}  # fmt: skip
_SIDES: Final[dict[str, frozenset[Relation]]] = {
    "L": frozenset({"left"}), "L only": frozenset({"left"}), "R": frozenset({"right"}),
    "R only": frozenset({"right"}), "B": frozenset({"both"}), "one": frozenset({"left", "right"}),
}  # fmt: skip
_SIDED: Final = frozenset({"left", "right", "both"})
_WEAK: Final = frozenset({"more", "less", "same"})
"""Relations that say nothing of whether a feeling is there."""


def overstated(claim: Claim, evidence: Evidence) -> str | None:
    """What the sentence of a claim says beyond what the claim asserts; None where it is no more."""
    text = claim.text
    # Few words of English may look like another language ("No smile"), if they are read at all.
    language = "en" if not unread(text) else language_of(text, stops())
    if language == "en":
        return unchecked(claim, evidence) or _english(claim, evidence)
    if asks(text):
        return "asks, and asserts nothing"
    people = [a.subject for a in claim.asserts if a.subject != "clip"]
    parsed = parse_claim(text, people[0] if people else "clip", language)
    if parsed.unread:
        return _unread(parsed.unread)
    if not parsed.asserts:
        return "says nothing of what it asserts"
    more = [said.what for said in parsed.asserts if not _among(said, claim.asserts)]
    return _beyond(more) if more else _strangers(claim, evidence)


def idle(claim: Claim, evidence: Evidence, most: int) -> str | None:
    """What is wrong with the citations of a claim whose assertions hold; None where nothing is.

    Whatever is said to be there cites a cue, at most `most` are cited by what goes beyond an
    observation, and at least half of the cited cues are about something asserted.
    """
    cited = [cue for id in dict.fromkeys(claim.cites) if (cue := evidence.cue(id.strip()))]
    if not cited:
        told = any(a.relation != "absent" for a in claim.asserts)
        return "cites nothing" if told else None
    if claim.part != "observation" and len(cited) > most:
        return f"cites {len(cited)} cues; at most {most} can be weighed"
    spare = [cue for cue in cited if not any(_about(cue, a) for a in claim.asserts)]
    if 2 * len(spare) <= len(cited):
        return None
    named = ", ".join(f"{cue.id} ({cue.code})" for cue in spare)
    return f"{named} {'carries' if len(spare) == 1 else 'carry'} nothing it asserts"


def _about(cue: Cue, assertion: Assertion) -> bool:
    """Whether a cue can have to do with an assertion."""
    what, code = assertion.what, code_of(assertion.what)
    if what.startswith("emotion:"):
        units = {u for f in _families(what.removeprefix("emotion:")) for u in BEARS.get(f, ())}
        return (
            cue.sense != "face" or not units or cue.code == IMPRESSION or parse(cue.code) in units
        )
    if what in ("valence", "arousal", "change", "agreement"):
        return True
    if code == "words":
        return cue.sense == "words"
    return cue.code == code or (assertion.relation == "absent" and _sense(code) == cue.sense)


def _sense(code: str) -> str:
    return "face" if code.startswith("AU") else "head" if code in HEAD else "voice"


def _english(claim: Claim, evidence: Evidence) -> str | None:
    rest, gap = without_gaps(claim.text, evidence)
    said = mentions(rest)
    tends = _TENDS.search(rest) is not None
    more = [m.text for m in said if not any(_means(m, a, tends) for a in _bearing(m, claim))]
    overall = list(_whole(rest))
    more += [
        word for word, what, relations in overall
        if not any(a.what == what and a.relation in relations for a in claim.asserts)
    ]  # fmt: skip
    cited = [cue for id in claim.cites if (cue := evidence.cue(id.strip().strip("[]")))]
    told = [cue for cue in cited if retold(cue, claim.text)]
    codes = {code_of(a.what) for a in claim.asserts}
    more += [cue.text for cue in told if cue.code not in codes]
    if more:
        return _beyond(more)
    if not (said or overall or told or gap):
        return "says nothing of what it asserts"
    return _strangers(claim, evidence)


def _bearing(mention: Mention, claim: Claim) -> Sequence[Assertion]:
    """The assertions that may stand for a mention; none where a denial of several things is only
    asserted of some."""
    if not mention.negated or mention.quote or mention.sense == "emotion":
        return claim.asserts
    denied = {code_of(a.what) for a in claim.asserts if a.relation in ("absent", "same", "less")}
    bare = {code.rstrip("+-") for code in mention.codes}
    return claim.asserts if bare <= denied else ()


def _means(mention: Mention, assertion: Assertion, tends: bool) -> bool:
    """Whether an assertion says all that a mention says: what, whether, which way, side, strength
    and time."""
    if mention.quote:
        wanted = plain_text(mention.text)
        said = plain_text(str(assertion.value or ""))
        return assertion.relation == "quote" and bool(wanted) and f" {wanted} " in f" {said} "
    if mention.sense == "emotion":
        return _names(mention, assertion, tends) and _then(mention, assertion)
    relation = _way(mention, assertion)
    if relation is None:
        return False
    if not mention.negated and mention.side and relation not in _SIDES[mention.side]:
        return False
    strong = mention.grade or 0
    return (mention.negated or strong <= _strength(assertion)) and _then(mention, assertion)


def _way(mention: Mention, assertion: Assertion) -> Relation | None:
    """The assertion's relation where it is about the mention's code in its direction."""
    code, relation = code_of(assertion.what), assertion.relation
    for wanted in mention.codes:
        if wanted.rstrip("+-") != code:
            continue
        signs: dict[str, tuple[Relation, ...]] = {
            "+": ("more", "rises"), "-": ("less", "falls"),
        }  # fmt: skip
        able = signs.get(wanted[-1])
        if mention.negated:
            opposite = signs.get({"+": "-", "-": "+"}.get(wanted[-1], ""), ())
            good = relation in ("absent", *(("same", *opposite) if able else ()))
        else:
            good = relation in able if able else relation not in ("absent", "same")
        if good:
            return relation
    return None


def _strength(assertion: Assertion) -> int:
    """The greatest intensity 1-5 that an assertion gives; 0 where it gives none."""
    value = assertion.value
    letter = value if isinstance(value, str) and value in GRADES else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        letter = grade(float(value))
    return GRADES.index(letter) + 1 if letter else 0


def _names(mention: Mention, assertion: Assertion, tends: bool) -> bool:
    """Whether an assertion stands for the feeling that a mention names."""
    family, relation = mention.codes[0], assertion.relation
    if assertion.what.startswith("emotion:"):
        label = assertion.what.removeprefix("emotion:")
        if family == "valence":
            wanted = {"more": 1, "less": -1}.get(_MILD.get(mention.text, "same"), 0)
            pleasant = PLACE.get(label, (0.0, 0.0))[0]
            return relation == "present" and not mention.negated and wanted * pleasant >= 0.5
        if family not in _families(label):
            return False
        if mention.negated:
            return relation == "absent"
        return relation == "present" or (relation == "more" and tends)
    if assertion.what == "valence" and family == "valence":
        return not mention.negated and relation == _MILD.get(mention.text)
    return False


@lru_cache(maxsize=256)
def _families(label: str) -> frozenset[str]:
    return frozenset(m.codes[0] for m in mentions(label) if m.sense == "emotion")


def _then(mention: Mention, assertion: Assertion) -> bool:
    """Whether the time that is stated, if any, is the time that is asserted."""
    if mention.time is None:
        return True
    at = assertion.at
    return at is not None and at[0] <= mention.time[1] + EDGE and at[1] >= mention.time[0] - EDGE


def _whole(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for pattern, what, relations in _OVERALL:
        for match in pattern.finditer(text):
            yield match[0], what, relations


def _among(said: Assertion, asserts: Sequence[Assertion]) -> bool:
    """Whether something that was read from a sentence is among what is asserted."""
    return any(
        code_of(a.what) == code_of(said.what)
        and _alike(said, a)
        and (said.value is None or a.value == said.value or said.relation == "quote")
        and (said.at is None or _within(said.at, a))
        for a in asserts
    )


def _alike(said: Assertion, asserted: Assertion) -> bool:
    relation = asserted.relation
    if said.relation == "quote":
        words = plain_text(str(said.value or ""))
        whole = plain_text(str(asserted.value or ""))
        return relation == "quote" and bool(words) and f" {words} " in f" {whole} "
    if said.relation == "present":
        felt = said.what.startswith("emotion:")
        return relation not in ("absent", *(_WEAK if felt else ()))
    return relation == said.relation


def _within(span: tuple[float, float], assertion: Assertion) -> bool:
    at = assertion.at
    return at is not None and at[0] <= span[1] + EDGE and at[1] >= span[0] - EDGE


def _strangers(claim: Claim, evidence: Evidence) -> str | None:
    """People that the sentence names and nothing is asserted of."""
    main = evidence.main.id if evidence.main else None
    about = {main if a.subject == "clip" else a.subject for a in claim.asserts}
    return _beyond(sorted(set(_PERSON.findall(claim.text)) - about) or None)


def _beyond(more: Sequence[str] | None) -> str | None:
    if not more:
        return None
    named = ", ".join(f"“{word}”" for word in list(dict.fromkeys(more))[:4])
    return f"not checked: the sentence says {named}, which it does not assert"


def _unread(words: Sequence[str]) -> str:
    return "not checked: no cue can carry " + ", ".join(f"“{word}”" for word in words[:4])
