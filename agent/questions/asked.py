"""Which moment a plain question is about, and whether it is in English.

Knows English turns of phrase for times; gives no answers. Other languages are only
recognised as such.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.questions.events import event, happened
from agent.schema.evidence import Evidence

Span = tuple[float, float]

_BOTH: Final = re.IGNORECASE
LONGEST: Final = 1000
"""Characters of a question that are read."""
_CLOCK: Final = r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)"
_NUMBER: Final = r"(\d+(?:\.\d+)?)\s*(?:s|secs?|seconds?)\b"
_TIME: Final = re.compile(rf"{_CLOCK}|{_NUMBER}|\bseconds?\s+(\d+(?:\.\d+)?)", _BOTH)
_RANGE: Final = re.compile(
    r"(?:between|from)?\s*(\d[\d:.]*)\s*(?:s|secs?|seconds?)?\s*(?:-|–|to|and|until)\s*"
    r"(\d[\d:.]*)\s*(?:s\b|secs?\b|seconds?\b)?",
    _BOTH,
)
_EDGE: Final = re.compile(
    r"\b(first|last)\s+(?:(\d+(?:\.\d+)?|few|couple of)\s+)?seconds?\b", _BOTH
)


def moment(
    question: str, evidence: Evidence, person: str | None = None, before: Sequence[str] = ()
) -> Span | None:
    """The span in seconds that a question is about; None for the whole clip.

    Understands "at 0:12", "between 3 and 5 s", "in the last 2 seconds", "at the end", "before
    she smiles", and "after that" relative to the last earlier question with a moment.
    """
    question, end = question[:LONGEST], evidence.media.duration
    for find in (_range, _edges, _at, _part):
        if (found := find(question, end)) is not None:
            return _inside(found, end)
    if (found := _around_event(question, evidence, person)) is not None:
        return _inside(found, end)
    match = re.search(r"\b(before|after|around) (?:that|this|then|it)\b", question, _BOTH)
    if match and before:
        last = moment(before[-1], evidence, person, before[:-1])
        if last is not None:
            return _inside(_relative(match[1].lower(), last), end)
    follows = re.search(r"\b(?:then|there|that moment|this moment|right then)\b", question, _BOTH)
    if follows and before:
        return moment(before[-1], evidence, person, before[:-1])
    return None


def seconds(text: str) -> float | None:
    """Seconds of a time as people write it: 0:12.5, 1:02:03, 12, 12.5."""
    try:
        parts = [float(part) for part in text.strip(" .").split(":")]
    except ValueError:
        return None
    total = 0.0
    for part in parts:
        total = 60 * total + part
    return total


def _range(question: str, _end: float) -> Span | None:
    for match in _RANGE.finditer(question):
        marked = ":" in match[0] or re.search(r"between|from|sec|\ds\b|\d s\b", match[0], _BOTH)
        start, stop = seconds(match[1]), seconds(match[2])
        if marked and start is not None and stop is not None and stop > start:
            return start, stop
    return None


def _edges(question: str, end: float) -> Span | None:
    match = _EDGE.search(question)
    if not match:
        return None
    number = match[2]
    length = 3.0 if number in (None, "few", "couple of") else float(str(number))
    return (0.0, length) if match[1].lower() == "first" else (max(0.0, end - length), end)


def _at(question: str, end: float) -> Span | None:
    match = _TIME.search(question)
    if not match:
        return None
    hours, minutes, rest, plain, ordinal = match.groups()
    if rest is not None:
        at = float(hours or 0) * 3600 + float(minutes) * 60 + float(rest)
    else:
        at = float(plain or ordinal)
    lead = question[: match.start()].lower().rstrip()
    if re.search(r"\b(?:before|until|up to)$", lead):
        return 0.0, at
    if re.search(r"\b(?:after|since|from)$", lead):
        return at, end
    if re.search(r"\b(?:for|within|lasts?|than)$", lead):
        return None
    return at - 0.75, at + 0.75


def _part(question: str, end: float) -> Span | None:
    """Beginning, middle and end, as a fifth of the clip, of 1 to 5 seconds."""
    length = min(max(0.2 * end, 1.0), 5.0)
    if re.search(r"\b(?:at|in|from|during) the (?:very )?(?:beginning|start)\b|\bat first\b",
                 question, _BOTH):  # fmt: skip
        return 0.0, length
    if re.search(r"\b(?:at|in|towards|near|by) the (?:very )?end\b|\bat last\b", question, _BOTH):
        return end - length, end
    if re.search(r"\b(?:in|around|near) the middle\b|\bhalfway\b", question, _BOTH):
        return (end - length) / 2, (end + length) / 2
    return None


def _around_event(question: str, evidence: Evidence, person: str | None) -> Span | None:
    match = re.search(
        r"\b(before|after|while|when|during|as soon as|as)\s+(?=(?:she|he|they|the|her|his|P\d)\b)"
        r"(.*)",
        question.strip(),
        _BOTH,
    )
    if not match or not (found := event(match[2])):
        return None
    who = person or (evidence.main.id if evidence.main else None)
    mine = [cue for cue in evidence.cues if cue.person in (who, None)]
    hits = happened(found, mine)
    return _relative(match[1].lower(), (hits[0].start, hits[0].end)) if hits else None


def _relative(word: str, span: Span) -> Span:
    if word == "before":
        return span[0] - 2.0, span[0]
    if word == "after":
        return span[1], span[1] + 2.0
    return span


def _inside(span: Span, end: float) -> Span | None:
    """Within the clip; None for a moment that lies outside of it."""
    start, stop = max(0.0, span[0]), min(end, span[1])
    return (start, stop) if start <= stop else None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FOREIGN: Final[dict[str, frozenset[str]]] = {
    "German": _words("was wie warum wann wer ist sie er und fühlt der die das nicht sagt"),
    "French": _words("que quoi pourquoi quand qui est elle il et ressent le la comment les"),
    "Spanish": _words("qué que por cuándo quién es ella él y siente cómo el la está"),
    "Italian": _words("che cosa perché quando chi è lei lui sente come il la sta prova"),
    "Finnish": _words("mitä miksi milloin kuka on hän ja tuntee miten ei"),
}
_ENGLISH: Final = _words(
    "what why when who how is does do did he she they the a at and it feel feels feeling "
    "smile are was can you tell me about in of her him his her their then"
)


def foreign(question: str) -> bool:
    """Whether a question is likely not in English."""
    words = re.findall(r"[^\W\d_]+", question.lower())
    letters = [c for c in question if c.isalpha()]
    if letters and sum(ord(c) > 0x24F for c in letters) > len(letters) / 2:
        return True
    own = sum(word in _ENGLISH for word in words)
    other = max(sum(word in known for word in words) for known in _FOREIGN.values())
    return other >= 2 and other > own
