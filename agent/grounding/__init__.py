"""Which cue does each claim cite, and does that cue carry it?

One piece of code for the agent's check, the reward and the measure. Pure and fast; knows the
evidence record and what `agent.grounding.mentions` reads, no model and no label.

The rules, in the order in which they object:
1. Every cited id must be in the evidence; a made-up id sinks the claim.
2. Cues of another person than the claim's sink it.
3. Each thing the claim asserts is carried by at least one cue it cites: a code that matches,
   a compatible side, an intensity overstated by at most one grade, the stated direction, and a
   time that overlaps. A quotation must occur in the cited words.
4. Each thing it denies holds where nothing of that code above trace is in the record for that
   person and time, and where it would have been seen or heard.
5. An emotion must have at least one cited cue that bears on it, at most `MOST_EMOTIONS` at once.
6. Citing is not free: at least half of the cited cues must carry something the claim says, and
   an interpretation cites at most `MOST_CITES`.
7. What cannot be read is unverified, never grounded: a claim with a word that the tables do not
   hold (`agent.grounding.reading`), one that asserts nothing, a question, and what repeats the
   words without quoting them. An honest "cannot tell" and a gap that the record declares stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from agent.facs import units as facs
from agent.grounding import lexicon
from agent.grounding.lexicon import Claimed
from agent.grounding.mentions import Mention, action_units, mentions
from agent.grounding.verifiable import (
    ABSTAINS,
    FOREIGN,
    concludes,
    grounded_share,
    retold,
    unreadable,
    unverified,
    without_gaps,
)
from agent.schema.answer import Claim, Verdict
from agent.schema.evidence import Cue, Evidence, Person, Side

__all__ = [
    "FOREIGN",
    "Mention",
    "action_units",
    "bears",
    "carries",
    "concludes",
    "ground",
    "ground_all",
    "grounded_share",
    "mentions",
    "unreadable",
    "unseen",
    "unverified",
]

MOST_EMOTIONS: Final = 3
"""Emotions one claim may name; more is listing, not reading."""
MOST_CITES: Final = 8
"""Cues an interpretation or conclusion may cite."""

_UNIT: Final = re.compile(r"\bAU(\d+)")
_PERSON: Final = re.compile(r"\bP\d+\b")
_PLURAL: Final = re.compile(r"\b(?:both|everyone|everybody|all|they|each other|people)\b", re.I)
_FACE: Final = ["face", "faces", "video", "pictures"]
_SOUND: Final = ["sound", "voice", "audio"]
_SIDES: Final[dict[Claimed | None, set[Side | None]]] = {
    "L": {"L", "B", None},
    "R": {"R", "B", None},
    "L only": {"L"},
    "R only": {"R"},
    "one": {"L", "R"},
}
"""Stated side → sides of cues that carry it; "B" may take two cues and is judged apart."""
_WORD: Final = re.compile(r"\w+")


def ground(
    claim: Claim, evidence: Evidence, person: str | None = None, *, worded: bool = False
) -> Claim:
    """The claim with `grounded`, `verdict` and `why` set by the rules above.

    A claim with assertions is judged by them, and its sentence must say no more than they do;
    `worded` is for sentences that this program's own templates made, which are not read again.
    `person` is whom the claim is about where its text names nobody (P1, P2, …); without it,
    the person most of its cues belong to, else the main person.
    """
    if claim.asserts:
        return _verified(claim, evidence, worded)
    ids = dict.fromkeys(id.strip().strip("[]").upper() for id in claim.cites)
    found = {id: evidence.cue(id) for id in ids}
    cited = [cue for cue in found.values() if cue is not None]
    unknown = [id for id, cue in found.items() if cue is None]
    people = _people(claim, cited, evidence, person)
    strange = [c for c in cited if c.person is not None and c.person not in people]
    own = [c for c in cited if c not in strange]
    faults = [f"{_list(unknown)} not in the evidence"] if unknown else []
    faults += [f"{c.id} is of {c.person}, not of {_list(sorted(people))}" for c in strange]
    if not faults and (why := unverified(claim, evidence)):
        return claim.model_copy(update={"grounded": False, "verdict": "unverified", "why": why})
    carrying, objections, notes = _weigh(claim, own, evidence, people)
    faults += dict.fromkeys(objections)
    idle = [c for c in own if c.id not in carrying]
    if idle:
        verb = "carries" if len(idle) == 1 else "carry"
        note = f"{_list([f'{c.id} ({c.code})' for c in idle])} {verb} nothing it says"
        (faults if 2 * len(idle) > len(ids) else notes).append(note)
    why = "; ".join([*faults, *notes])
    verdict: Verdict = "contradicted" if faults else "supported"
    return claim.model_copy(update={"grounded": not faults, "verdict": verdict, "why": why or None})


def _verified(claim: Claim, evidence: Evidence, worded: bool) -> Claim:
    """The claim judged by what it asserts, and its sentence by whether it says no more."""
    from agent.grounding.overstated import idle, overstated
    from agent.grounding.verify import together, verify

    found = together(verify(each, evidence, claim.cites) for each in claim.asserts)
    outcome, why = found.outcome, found.why
    if outcome == "supported" and not worded and claim.text.strip():
        if objection := idle(claim, evidence, most=MOST_CITES):
            outcome, why = "contradicted", objection
        elif more := overstated(claim, evidence):
            outcome, why = "unverified", more
    return claim.model_copy(
        update={"grounded": outcome == "supported", "verdict": outcome, "why": why or None}
    )


def ground_all(
    claims: Iterable[Claim],
    evidence: Evidence,
    person: str | None = None,
    *,
    worded: bool = False,
) -> tuple[Claim, ...]:
    """`ground` over several claims."""
    return tuple(ground(claim, evidence, person, worded=worded) for claim in claims)


def unseen(claim: Claim, evidence: Evidence, person: str | None = None) -> list[str]:
    """What the claim asserts and no cue of its person carries, cited or not: made up.

    A denial of something the evidence shows is made up as well.
    """
    if claim.asserts:
        from agent.grounding.verify import verify

        return [a.what for a in claim.asserts if verify(a, evidence).outcome == "contradicted"]
    people = _people(claim, [c for c in evidence.cues if c.id in claim.cites], evidence, person)
    own = [c for c in evidence.cues if c.person is None or c.person in people]
    found = []
    for mention in _read(claim.text, evidence)[0]:
        if mention.sense != "emotion":
            check = _refuted(mention, own, evidence, people) if mention.negated else None
            if (check or _carried(mention, own))[1]:
                found.append(mention.text)
    return found


def carries(cue: Cue, mention: Mention) -> str | None:
    """None where the cue carries what is asserted, else what is wrong with it.

    An empty string means the cue is about something else.
    """
    sign = _sign_wanted(cue, mention)
    if sign is None:
        return ""
    if mention.time and not _overlaps(cue, mention.time):
        return f"{cue.id} is at {cue.start:.1f}–{cue.end:.1f} s"
    if sign and _sign(cue) == -sign:
        return f"{cue.id} goes the other way"
    if cue.side not in _SIDES.get(mention.side, {cue.side}):
        return f"{cue.id} is {_side_name(cue.side)}"
    grade = _grade(cue)
    if mention.grade and grade and mention.grade > grade + 1:
        letters = facs.GRADES
        return f"{cue.id} is {letters[grade - 1]}, not {letters[mention.grade - 1]}"
    return None


def bears(cue: Cue, family: str) -> bool:
    """Whether a cue has anything to do with a family of emotions (`lexicon.EMOTIONS`)."""
    units = lexicon.BEARS.get(family)
    return units is None or cue.sense != "face" or facs.parse(cue.code) in units


def _weigh(
    claim: Claim, own: Sequence[Cue], evidence: Evidence, people: set[str]
) -> tuple[set[str], list[str], list[str]]:
    """Ids that carry something, what is objected to, what is merely noted."""
    said, gap = _read(claim.text, evidence)
    notes = [gap] if gap else []
    facts = [m for m in said if m.sense != "emotion"]
    named = {m.codes[0] for m in said if m.sense == "emotion" and not m.negated}
    carrying = {c.id for c in own if retold(c, claim.text)}
    idle = not (facts or named or carrying)
    objections: list[str] = []
    for mention in facts:
        ids, objection = (
            _refuted(mention, own, evidence, people) if mention.negated else _carried(mention, own)
        )
        carrying |= ids
        objections += [objection] if objection else []
    if len(named) > MOST_EMOTIONS:
        objections.append(f"names {len(named)} emotions at once")
    for family in sorted(named):
        bearing = {c.id for c in own if bears(c, family)}
        carrying |= bearing
        objections += [] if bearing else [f"nothing it cites bears on {family}"]
    excused = bool(gap or ABSTAINS.search(claim.text))
    if idle:  # an honest "cannot tell", or a gap that the record declares
        carrying |= {c.id for c in own}
    if claim.part != "observation":
        denies = bool(facts) and all(m.negated for m in facts)
        if not own and not denies and not (excused and idle):
            objections.append("cites nothing")
        if len(own) > MOST_CITES:
            objections.append(f"cites {len(own)} cues; at most {MOST_CITES} can be weighed")
    return carrying, objections, notes


def _carried(mention: Mention, own: Sequence[Cue]) -> tuple[set[str], str | None]:
    if mention.quote:
        return _quoted(mention, own)
    verdicts = {c.id: carries(c, mention) for c in own}
    good = {id for id, verdict in verdicts.items() if verdict is None}
    if mention.side == "B":
        sides = {c.side for c in own if c.id in good}
        if sides and not (sides & {None, "B"}) and not {"L", "R"} <= sides:
            return set(), f"“{mention.text}”: only the {_side_name(next(iter(sides)))} is shown"
    if good:
        return good, None
    near = [verdict for verdict in verdicts.values() if verdict]
    about = "; ".join(near) if near else "no cited cue shows it"
    return set(), f"“{mention.text}”: {about}"


def _quoted(mention: Mention, own: Sequence[Cue]) -> tuple[set[str], str | None]:
    """A quotation must occur in the cited words, taken together in order of time."""
    wanted = _WORD.findall(mention.text.lower())
    spoken = sorted((c for c in own if c.sense == "words"), key=lambda c: c.start)
    stream = [(word, c.id) for c in spoken for word in _WORD.findall(c.text.lower())]
    for i in range(len(stream) - len(wanted) + 1):
        if wanted and [word for word, _ in stream[i : i + len(wanted)]] == wanted:
            return {id for _, id in stream[i : i + len(wanted)]}, None
    return set(), f"“{mention.text}” is not in the cited words"


def _refuted(
    mention: Mention, own: Sequence[Cue], evidence: Evidence, people: set[str]
) -> tuple[set[str], str | None]:
    """A denial falls with any cue above trace that would carry the assertion."""
    relevant = {c.id for c in own if c.sense == mention.sense}
    if mention.quote:
        ids, objection = _quoted(mention, evidence.cues)
        return relevant, None if objection else f"“{mention.text}” was said ({_list(sorted(ids))})"
    if blind := _unseen(mention, evidence, people):
        return set(), f"“{mention.text}” is denied, but {blind}"
    against = [
        c
        for c in evidence.cues
        if (c.person in people or c.person is None)
        and carries(c, mention) is None
        and (_grade(c) or 2) > 1
    ]
    if against:
        return set(), f"“{mention.text}” is denied, but {against[0].id} shows {against[0].text}"
    return relevant, None


def _unseen(mention: Mention, evidence: Evidence, people: set[str]) -> str | None:
    """Why the evidence could not have shown what is denied; None where it could."""
    missing = {m.what.lower(): m.why for m in evidence.missing}
    if mention.sense not in {"face", "head"}:
        if not evidence.media.has_audio or not missing.keys().isdisjoint(_SOUND):
            return "no sound could be heard"
        return "the words are missing" if mention.sense == "words" and "words" in missing else None
    wanted = [*_FACE, *(code.lower() for code in mention.codes)]
    if gone := next((missing[what] for what in wanted if what in missing), None):
        return f"this could not be seen: {gone}"
    if not any(p.id in people and _shown(p, mention) for p in evidence.people):
        return "no face was in view"
    lacks = {
        int(n) for n in _UNIT.findall(missing.get("action units", "").partition(" has no ")[2])
    }
    unmeasured = [f"AU{n:02d}" for n in mention.units if n not in facs.MEASURED or n in lacks]
    return f"{_list(unmeasured)} is not measured" if unmeasured else None


def _shown(person: Person, mention: Mention) -> bool:
    if person.share <= 0:
        return False
    return mention.time is None or (
        person.start <= mention.time[1] and person.end >= mention.time[0]
    )


def _sign_wanted(cue: Cue, mention: Mention) -> int | None:
    """0, +1 or −1 where the codes match, None where the cue is about something else.

    What a cue of head or voice says in its own words counts as its code does.
    """
    for code in mention.codes:
        if code.rstrip("+-") == cue.code or (code == "words" and cue.sense == "words"):
            return 1 if code.endswith("+") else -1 if code.endswith("-") else 0
    if cue.sense in {"head", "voice"} and _own_words(cue) & set(mention.codes):
        return 0
    return None


def _own_words(cue: Cue) -> set[str]:
    """Codes that the cue's text asserts."""
    return {code for m in mentions(cue.text) if not m.negated for code in m.codes}


def _sign(cue: Cue) -> int:
    """Direction against the person's own usual: as worded, else as measured; 0 if unknown."""
    worded = {code[-1] for code in _own_words(cue) if code[:-1] == cue.code}
    if len(worded) == 1:
        return 1 if worded == {"+"} else -1
    return 0 if cue.relative is None else (cue.relative > 0) - (cue.relative < 0)


def _grade(cue: Cue) -> int | None:
    letter = cue.grade or (facs.grade(cue.intensity) if cue.intensity is not None else None)
    return facs.GRADES.index(letter) + 1 if letter else None


def _overlaps(cue: Cue, span: tuple[float, float]) -> bool:
    return cue.start <= span[1] and cue.end >= span[0]


def _people(claim: Claim, cited: Sequence[Cue], evidence: Evidence, person: str | None) -> set[str]:
    """Ids of whom the claim is about."""
    if named := set(_PERSON.findall(claim.text)):
        return named
    owners = Counter(c.person for c in cited if c.person is not None)
    if owners and len(owners) > 1 and _PLURAL.search(claim.text):
        return {str(owner) for owner in owners}
    if person is not None:
        return {person}
    main = evidence.main.id if evidence.main else None
    if owners:
        most = max(owners.values())
        best = [owner for owner, n in owners.items() if n == most]
        return {main if main in best else str(best[0])}
    return {main} if main else set()


def _read(text: str, evidence: Evidence) -> tuple[list[Mention], str | None]:
    """What a claim says besides "cannot tell" and gaps that the record declares; and those gaps."""
    rest, gap = without_gaps(text, evidence)
    return mentions(rest), gap


def _side_name(side: str | None) -> str:
    return {"L": "left side", "R": "right side", "B": "on both sides"}.get(side or "", "not sided")


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
