"""The rules' findings in words: observations, interpretation, conclusion, each citing cues.

Knows how to say things, not how they were found. Times are m:ss.s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from agent.facs.prose import PHRASES
from agent.facs.prototypes import BASIC, PARTS, table
from agent.facs.units import parse
from agent.reading.conflict import Discord
from agent.reading.judge import Judged
from agent.reading.levels import level, tone
from agent.reading.profiles import STEPS
from agent.reading.scores import VOICE, expected
from agent.schema.answer import Claim
from agent.schema.assertion import Assertion, Relation
from agent.schema.evidence import IMPRESSION, Cue

MOST: Final = 8
"""Observations told; the strongest are chosen."""

USUAL: Final = re.compile(r"\b(?:at|as|at a|of) usual\b|\busual (?:pace|effort|loudness|level)\b")
"""How the voice's own cues say that something does not depart from the usual."""

MOST_EMOTIONS: Final = 3
"""Emotions that one sentence names, those within compounds counted apart."""

LOW: Final = 0.35
HIGH: Final = 0.6
"""Confidence from which it is called moderate, and high."""

TONE: Final[dict[str, tuple[str, str]]] = {
    "pitch": ("a higher voice", "a lower voice"),
    "pitch_range": ("a livelier pitch", "a flatter pitch"),
    "energy": ("a louder voice", "a quieter voice"),
    "energy_range": ("more varied loudness", "steadier loudness"),
    "brightness": ("a sharper, more tense voice", "a softer, duller voice"),
    "rate": ("faster speech", "slower speech"),
    "roughness": ("a rougher voice", "a smoother voice"),
    "articulation": ("a mouth that opens wider in speaking", "a mouth that hardly opens"),
}
"""Part of the voice above and below this person's usual."""


def clock(seconds: float) -> str:
    """Seconds as m:ss.s.

    >>> clock(72.34)
    '1:12.3'
    """
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def when(cue: Cue) -> str:
    """The span of a cue in words."""
    if cue.end - cue.start < 0.05:
        return f"at {clock(cue.apex)}"
    return f"from {clock(cue.start)} to {clock(cue.end)}"


def salience(cue: Cue) -> float:
    """How much a cue deserves to be told."""
    if cue.sense == "face":
        return level(cue) * (0.3 if cue.code in ("AU45", "AU25", "AU26") else 1.0)
    if cue.sense == "voice":
        part = tone(cue)
        return abs(part[1]) if part and abs(part[1]) >= 0.8 else 0.1
    return 1.2 if cue.sense == "words" else 0.8 * cue.confidence


def sentence(cue: Cue) -> str:
    """One cue as a sentence.

    An action unit is named with its code, a quotation stays in quotation marks.
    """
    if cue.sense == "words":
        return f"The words {when(cue)}: “{cue.text}”."
    text = cue.text[:1].upper() + cue.text[1:]
    short = cue.code.replace("AU0", "AU")
    code = f" ({short})" if cue.sense == "face" and short not in cue.text else ""
    told = "for only" in cue.text  # the senses say themselves what that may mean
    brief = "; brief, a possible micro-expression" if cue.brief and not told else ""
    at = "" if cue.end <= 0 else f", {when(cue)}"
    return f"{text}{code}{at}{brief}."


def observations(judged: Judged) -> tuple[Claim, ...]:
    """The strongest cues, in order of time, one claim each."""
    worth = [cue for cue in judged.cues if salience(cue) >= 0.4]
    chosen = sorted(worth, key=lambda cue: -salience(cue))[:MOST]
    return tuple(
        Claim(text=sentence(cue), cites=(cue.id,), part="observation")
        for cue in sorted(chosen, key=lambda cue: (cue.start, cue.id))
    )


def interpretations(judged: Judged) -> tuple[Claim, ...]:
    """What the leading emotions rest on, then each discord."""
    found = [
        claim
        for label, share in list(judged.shares.items())[:2]
        if share >= 0.15 and (claim := _fits(judged, label))
    ]
    found += [clash_claim(d) for d in judged.discords]
    quotes = {cue.id: cue.text for cue in judged.cues if cue.sense == "words"}
    told = {i for d in judged.discords for side in (d.one, d.other) for i in side.cites}
    for label, ids in judged.words.items():
        if ids[0] in told:
            continue
        text = f"“{quotes[ids[0]]}” names {label}; words weigh little here."
        found.append(Claim(text=text, cites=ids[:1], part="interpretation"))
    return tuple(found)


def support(judged: Judged, label: str) -> dict[str, tuple[str, ...]]:
    """Codes that speak for a label more than for its rivals, strongest first, with their cues.

    Of the fitted reading by its exact contributions; else by the tables, against neutral.
    """
    if judged.reasons:
        return _contributing(judged, label)
    found: dict[str, tuple[float, tuple[str, ...]]] = {}
    known = table("neutral").keys() | set(VOICE)
    for piece in judged.moments:
        for code, value in piece.levels.items():
            if code not in known or code not in piece.cites:
                continue
            wanted = _wanted(code)
            points = wanted[label] * value
            telling = abs(wanted[label]) >= 0.5 * max(map(abs, wanted.values()))
            if telling and points > 0.4 and points > found.get(code, (0.0, ()))[0]:
                found[code] = (points, piece.cites[code])
    for code in [code for code in found if f"{code}_uni" in found]:
        del found[code]
    ranked = sorted(found.items(), key=lambda item: -item[1][0])
    cues = {cue.id: cue for cue in judged.cues}
    backed = {code: _departing(ids, cues) for code, (_, ids) in ranked}
    return {code: ids for code, ids in backed.items() if ids}


def _departing(ids: Iterable[str], cues: Mapping[str, Cue]) -> tuple[str, ...]:
    """The cues that depart from the usual by their own level: of the voice, those that are not
    themselves told as usual."""
    return tuple(
        id
        for id in ids
        if (cue := cues.get(id)) is not None
        and (cue.sense != "voice" or not USUAL.search(cue.text))
    )


TELLING: Final = 0.1
"""Log-odds over the rivals from which a contribution is a reason."""


def _contributing(judged: Judged, label: str) -> dict[str, tuple[str, ...]]:
    """By the fitted reading: codes whose measurements favour the label, with cues that show it.

    What a face looks like to others comes last, whatever its weight: it is no muscle.
    """
    if label not in BASIC:
        return {}
    points: dict[str, float] = {}
    ids: dict[str, list[str]] = {}
    total = 0.0
    for piece, each, why in zip(judged.moments, judged.each, judged.reasons, strict=True):
        weight = max(piece.end - piece.start, 1e-3) * each.get(label, 0.0)
        total += weight
        if not weight:
            continue
        by_code: dict[str, float] = {}
        for source, value in why.for_label(label).items():
            code = _code(source)
            by_code[code] = by_code.get(code, 0.0) + value
            if value > TELLING and why.cites.get(source):
                ids.setdefault(code, []).extend(why.cites[source])
        for code, value in by_code.items():
            points[code] = points.get(code, 0.0) + weight * value
    found = {
        code: tuple(dict.fromkeys(ids[code]))
        for code, value in sorted(points.items(), key=lambda item: -item[1])
        if code in ids and value > TELLING * total
    }
    if found.pop(IMPRESSION, None) is None:
        return found
    same = tuple(c.id for c in judged.looks if c.shares and label == _leading(c.shares))
    return found | ({IMPRESSION: same} if same else {})


def _leading(shares: Mapping[str, float]) -> str:
    return max(shares, key=lambda label: shares[label])


def _code(source: str) -> str:
    """The code that a source of the fitted reading is told by."""
    sense, _, name = source.partition(":")
    if sense == "words":
        return "words"
    if sense == "voice":
        return next((code for start, code in VOICE_SOURCES.items() if name.startswith(start)), name)
    return {"AU45": "AU43", "pitch_deg": "head", "eyes_open": "lids"}.get(source, source)


VOICE_SOURCES: Final[dict[str, str]] = {
    "pitch_sd": "pitch_range",
    "pitch_range": "pitch_range",
    "pitch": "pitch",
    "loudness": "energy_range",
    "tilt": "brightness",
    "hammarberg": "brightness",
    "slope": "brightness",
    "syllables": "rate",
    "jitter": "roughness",
    "shimmer": "roughness",
    "hnr": "roughness",
}
"""Start of a functional's name, and the part of the voice that it tells of."""


@cache
def _wanted(code: str) -> dict[str, float]:
    """Level of a code to expect under each basic label."""
    return dict(zip(BASIC, map(float, expected(code, BASIC, "rest")[0]), strict=True))


def name(code: str, judged: Judged, ids: Iterable[str]) -> str:
    """Words for one code: an action unit's name, or how the voice departs."""
    number = parse(code.removesuffix("_uni"))
    if number is not None:
        one = " on one side" if code.endswith("_uni") else ""
        return f"{PHRASES[number]}{one} (AU{number})"
    if code in OTHER_NAMES:
        return OTHER_NAMES[code]
    wanted = set(ids)
    parts = [part for cue in judged.cues if cue.id in wanted and (part := tone(cue))]
    if code not in TONE or not parts:
        return "the manner of speaking"
    return TONE[code][0 if sum(value for _, value in parts) >= 0 else 1]


OTHER_NAMES: Final[dict[str, str]] = {
    IMPRESSION: "how the face looks to most people",
    "head": "how the head is held",
    "lids": "how far the eyes are open",
    "words": "the words",
}
"""Reasons that are neither action units nor parts of the voice."""


def _fits(judged: Judged, label: str) -> Claim | None:
    backing = support(judged, label)
    if label == "neutral" or not backing:
        return None
    codes = list(backing)[:5]
    ids = tuple(dict.fromkeys(i for code in codes for i in backing[code]))
    said = listed([name(code, judged, backing[code]) for code in codes])
    text = f"{label.capitalize()} rests on {said}.{_remark(label, codes)}"
    asserts = asserted(judged, also=(label,))
    if asserts:
        asserts += tuple(a for code in codes for a in _shown(judged, code, backing[code]))
    return Claim(text=text, cites=ids, part="interpretation", asserts=asserts)


def _shown(judged: Judged, code: str, ids: Iterable[str]) -> Iterator[Assertion]:
    """What naming one code among the reasons asserts of the face or the voice."""
    subject = judged.person.id if judged.person else "clip"
    wanted = set(ids)
    unit = parse(code.removesuffix("_uni")) is not None
    for cue in judged.cues:
        if cue.id not in wanted:
            continue
        if unit:
            yield Assertion(subject=subject, what=cue.code, at=(cue.start, cue.end))
            if cue.side in ("L", "R") and code.endswith("_uni"):
                side: Relation = "left" if cue.side == "L" else "right"
                yield Assertion(subject=subject, what=cue.code, relation=side,
                                at=(cue.start, cue.end))  # fmt: skip
        elif cue.relative is not None and (part := tone(cue)):
            way: Relation = "more" if part[1] >= 0 else "less"
            yield Assertion(subject=subject, what=cue.code, relation=way, at=(cue.start, cue.end))


def asserted(
    judged: Judged, first: str | None = None, also: Sequence[str] = ()
) -> tuple[Assertion, ...]:
    """What a sentence asserts that `first` is felt and that its cues speak for the others.

    Empty by the tables of knowledge, whose claims are read as sentences.
    """
    if not judged.reasons:
        return ()
    subject = judged.person.id if judged.person else "clip"
    leading = [part for part in (_parts(first) if first else ()) if part in BASIC]
    single: Relation = "present" if len(leading) == 1 else "more"
    others = [part for label in also for part in sorted(_parts(label)) if part in BASIC]
    wanted: list[tuple[str, Relation]] = [(part, single) for part in leading]
    wanted += [(part, "more") for part in others if part not in leading]
    return tuple(
        Assertion(subject=subject, what=f"emotion:{label}", relation=relation, at=judged.span)
        for label, relation in wanted
    )


def _remark(label: str, codes: Sequence[str]) -> str:
    """What the literature adds about the form this emotion takes here."""
    if label == "happiness" and {"AU06", "AU12"} <= set(codes):
        return " Raised cheeks go with a felt smile more often than not; some can pose them."
    if label == "happiness" and "AU12" in codes:
        return " Politeness can look like this too."
    if label == "contempt" and any(code.endswith("_uni") for code in codes):
        return " Habit can look the same."
    if label == "anger" and set(codes) <= {"AU04", "AU07"}:
        return " Concentration looks much the same."
    return ""


def clash_claim(clash: Discord) -> Claim:
    """Two channels that disagree, in one sentence."""
    one, other = clash.one, clash.other
    verb = "name" if other.channel == "words" else "fits"
    text = (
        f"Discord around {clock((clash.start + clash.end) / 2)}: the {one.channel} fits "
        f"{one.label}, the {other.channel} {verb} {other.label}."
    )
    cites = (*one.cites[:4], *other.cites[:4])
    return Claim(text=text, cites=cites, part="interpretation")


def conclusion(
    judged: Judged, emotions: Mapping[str, float], confidence: float
) -> tuple[Claim, ...]:
    """The last word: the most likely label, its rival, and how sure; or why there is none."""
    if not emotions:
        return (Claim(text=cannot(judged), part="conclusion"),)
    (first, most), *rest = sorted(emotions.items(), key=lambda item: -item[1])
    cites = stands_on(judged, first) or stands_on(judged, top(judged))
    parts = PARTS.get(first.lower(), ())
    if not all(stands_on(judged, part) for part in parts):
        return (Claim(text="Cannot tell which class fits: the cues carry none in full.",
                      part="conclusion"),)  # fmt: skip
    if not cites:
        text = f"Nothing departs from rest: {absent(judged)}."
        if judged.reasons and top(judged) != "neutral":
            text = f"Cannot tell: no cue shows {first} ({most:.0%})."
        return (Claim(text=text, part="conclusion"),)
    text = f"This fits {_named(first)} best ({most:.0%})"
    told = rest and rest[0][1] >= 0.1 and len(_parts(first) | _parts(rest[0][0])) <= MOST_EMOTIONS
    rival = rest[0][0] if told and rest[0][0] != "neutral" else ""
    whole = all(stands_on(judged, part) for part in PARTS.get(rival.lower(), ()))
    backing = stands_on(judged, rival)[:2] if rival and whole else ()
    if backing:
        text += f", then {rest[0][0]} ({rest[0][1]:.0%})"
    cites = tuple(dict.fromkeys((*cites, *backing)))[:8]
    text = f"{text}; confidence is {degree(confidence)}."
    asserts = asserted(judged, first, [rest[0][0]] if backing else [])
    return (Claim(text=text, cites=cites, part="conclusion", asserts=asserts),)


def _named(label: str) -> str:
    """A label as it is said; the steps of empathy are no words for a feeling."""
    if label in STEPS:
        return f"{'no' if label == 'none' else f'a {label}'} feeling in response"
    return label


def _parts(label: str) -> set[str]:
    return set(PARTS.get(label.lower(), (label,)))


def stands_on(judged: Judged, label: str) -> tuple[str, ...]:
    """Ids of up to six cues that a label rests on; for neutral the two that depart least."""
    if label == "neutral":
        told = [cue for cue in judged.cues if cue.sense != "words" and cue.code != "speech"]
        return tuple(cue.id for cue in sorted(told, key=salience)[:2])
    parts = PARTS.get(label.lower(), (label.lower(),))
    known = [part for part in parts if part in BASIC]
    found = [ids for part in known for ids in support(judged, part).values()]
    return tuple(dict.fromkeys(i for ids in found for i in ids))[:6]


def absent(judged: Judged) -> str:
    """What a face at rest does not show, as far as this one was seen."""
    if not any(piece.face for piece in judged.moments):
        return "no raised, loud or fast voice"
    looked = {code for piece in judged.moments for code in piece.face}
    seen = {cue.code for cue in judged.cues}
    signs = (("AU12", "smile"), ("AU04", "frown"), ("AU09", "wrinkled nose"), ("AU10", "sneer"))
    return (
        ", ".join(f"no {word}" for code, word in signs if code in looked - seen)
        or "no clear change"
    )


def cannot(judged: Judged) -> str:
    """Why there is no reading."""
    if judged.person is not None and not judged.person.live:
        doubt = judged.person.doubt or "it does not look like a living person's"
        return f"Cannot tell: no feeling is read from this face ({doubt})."
    if (person := judged.person) is not None and person.seen and judged.moments:
        return (
            f"Cannot tell: {person.id} is in view only from {clock(person.start)} to "
            f"{clock(person.end)}, and is not heard outside of that."
        )
    return "Cannot tell: neither a face nor a voice could be measured here."


def top(judged: Judged) -> str:
    """The most likely basic label; "neutral" where there is none."""
    return next(iter(judged.shares), "neutral")


def degree(confidence: float) -> str:
    """A confidence 0-1 in a word."""
    return "low" if confidence < LOW else "moderate" if confidence < HIGH else "high"


def listed(items: Sequence[str]) -> str:
    """a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
