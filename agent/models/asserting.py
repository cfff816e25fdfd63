"""What a model may assert about one clip: its vocabulary as JSON Schema, and how it is read.

Knows the evidence's codes, people and seconds, no host and no prompt. Reading is lenient about
spelling and strict about meaning: what is no assertion about this clip goes back to the model once
(`wrong`); where it stays, the claim keeps an assertion that nothing can support (`read`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

from agent.facs.prototypes import BASIC
from agent.facs.units import AUS, MEASURED
from agent.grounding.verify import HEAD, HEARD, code_of
from agent.schema.assertion import RELATIONS, Assertion, Relation
from agent.schema.evidence import Evidence
from agent.schema.state import Json

MOST: Final = 6
"""Assertions of one sentence."""
OVERALL: Final = ("valence", "arousal", "change", "agreement")
UNREADABLE: Final = "an unreadable assertion"
"""What an assertion is about that is none: no sense has such a code, so nothing supports it."""
LATE: Final = 0.5
"""Seconds by which a model may overshoot the end of the clip."""
_SPAN: Final = re.compile(
    r"(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?(?:\s*(?:-|–|—|to|,)\s*(\d+(?:\.\d+)?)\s*"
    r"(?:s|sec|seconds)?)?",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(r"au\s*0*(\d{1,2})(?:\s+(\D.*))?", re.IGNORECASE)


def _text(value: object) -> str:
    """Whatever JSON gives, as text; "" where it gives nothing."""
    if value is None or isinstance(value, str):
        return (value or "").strip()
    if isinstance(value, list | tuple):
        return "-".join(map(_text, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)


_Text = Annotated[str, BeforeValidator(_text)]


class Asserted(BaseModel):
    """One assertion as a model wrote it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: _Text = "clip"
    what: _Text = ""
    relation: _Text = "present"
    at: _Text = ""
    value: _Text = ""


def several(value: Any) -> Any:
    """The assertions of a sentence, where a model gives one alone, none, or bare codes."""
    each = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return [one if isinstance(one, dict | Asserted) else {"what": one} for one in each]


Several = Annotated[tuple[Asserted, ...], BeforeValidator(several)]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What can be asserted of one clip."""

    subjects: tuple[str, ...]
    whats: tuple[str, ...]
    seconds: float
    """Length of the clip."""

    @classmethod
    def of(cls, evidence: Evidence) -> Vocabulary:
        """Persons and codes of this record, and codes whose absence it could show."""
        codes = dict.fromkeys(cue.code for cue in evidence.cues if cue.sense != "words")
        if evidence.media.has_video and any(person.seen for person in evidence.people):
            codes |= dict.fromkeys([*(AUS[n].code for n in MEASURED), *sorted(HEAD)])
        if evidence.media.has_audio:
            codes |= dict.fromkeys(sorted(HEARD - {"voice"}))
        if any(cue.sense == "words" for cue in evidence.cues):
            codes["words"] = None
        felt = (f"emotion:{label}" for label in BASIC)
        people = (person.id for person in evidence.people)
        return cls(("clip", *people), (*codes, *felt, *OVERALL), evidence.media.duration)

    def schema(self) -> Json:
        """JSON Schema of the assertions of one sentence: closed, without unions, so that every
        host that constrains a reply can follow it."""
        one: Json = {
            "subject": {"type": "string", "enum": list(self.subjects)},
            "what": {"type": "string", "enum": list(self.whats)},
            "relation": {"type": "string", "enum": list(RELATIONS)},
            # A pattern, because numbers have no last digit for a constrained model.
            "at": {
                "type": "string",
                "pattern": r"^([0-9]{1,5}(\.[0-9]{1,2})?-[0-9]{1,5}(\.[0-9]{1,2})?)?$",
            },
            "value": {"type": "string", "maxLength": 200},
        }
        items: Json = {
            "type": "object",
            "properties": one,
            "required": list(one),
            "additionalProperties": False,
        }
        return {"type": "array", "items": items, "maxItems": MOST}

    def wrong(self, given: Iterable[Asserted]) -> str | None:
        """What is no assertion about this clip, in words for the model; None where all are."""
        for one in given:
            if (subject := _subject(one.subject)) not in self.subjects:
                return f"asserts.subject {one.subject!r} is none of {', '.join(self.subjects)}"
            if code_of(_what(one.what)) not in set(map(code_of, self.whats)):
                return f"asserts.what {one.what!r} is no code of this clip ({subject})"
            if one.relation.lower() not in RELATIONS:
                return f"asserts.relation {one.relation!r} is none of {', '.join(RELATIONS)}"
            if one.at:
                at = _span(one.at)
                if at is None or at[1] > self.seconds + LATE:
                    return (
                        f"asserts.at {one.at!r} is no span of this clip, which lasts "
                        f"{self.seconds:.2f} s: write it as 1.2-3.4"
                    )
        return None


def read(given: Sequence[Asserted]) -> tuple[Assertion, ...]:
    """Assertions as records; one that cannot be read becomes one that nothing supports."""
    return tuple(map(_one, given))


def _one(given: Asserted) -> Assertion:
    subject, relation, at = _subject(given.subject), _relation(given.relation), _span(given.at)
    if relation is None or (given.at and at is None) or not given.what:
        return Assertion(subject=subject, what=UNREADABLE)
    return Assertion(
        subject=subject,
        what=_what(given.what),
        relation=relation,
        at=at,
        value=_value(given.value, relation),
    )


def _subject(text: str) -> str:
    return text.upper() if text.lower() not in ("", "clip") else "clip"


def _what(text: str) -> str:
    """A code as the evidence spells it: "au12" and "AU12 lip corner puller" are AU12."""
    bare = " ".join(text.split())
    if match := _UNIT.fullmatch(bare):
        unit = AUS.get(int(match[1]))
        if unit is not None and (match[2] or unit.name).lower() == unit.name.lower():
            return unit.code
    return bare.lower() if bare.lower().startswith("emotion:") else bare


def _relation(text: str) -> Relation | None:
    return next((known for known in RELATIONS if known == text.lower()), None)


def _span(text: str) -> tuple[float, float] | None:
    """Seconds from first to last; None for what is no span."""
    match = _SPAN.fullmatch(text.strip(" []()"))
    if match is None:
        return None
    start = float(match[1])
    end = start if match[2] is None else float(match[2])
    return (start, end) if start <= end < math.inf else None


def _value(text: str, relation: Relation) -> float | str | None:
    if not text:
        return None
    if relation == "quote":
        return text.strip("\"'“”„«»")
    try:
        number = float(text)
    except ValueError:
        return text.upper() if len(text) == 1 else text
    return number if math.isfinite(number) else text
