"""Captions without a model: checked claims and cues of one person as sentences in a style.

Knows the four styles and plain wording; finds nothing out. Every sentence keeps the ids of the
cues it stands on. What a model writes instead is framed by `framed` in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.facs.prose import Action, describe
from agent.facs.units import parse
from agent.reading.levels import tone
from agent.reading.reasons import clock, degree, listed
from agent.reading.spans import Stretch
from agent.schema.answer import Claim, Reading
from agent.schema.evidence import Cue, Evidence

TELLING: Final = 0.8
"""Robust standard deviations from which a voice is worth telling."""
_BRACKET: Final = re.compile(r"\s*\([^()]*\)")
_USUAL: Final = re.compile(r"\b(as|at|at a) usual\b")
_UNTOLD: Final = frozenset(("AU45", "AU43"))


@dataclass(frozen=True, slots=True)
class Told:
    """Everything a caption about one person may say."""

    evidence: Evidence
    person: str | None
    reading: Reading
    """Of the whole clip, checked."""
    spans: tuple[tuple[Stretch, Reading], ...]
    label: str | None = None
    """The owners' label, where the caption is to explain it."""
    backing: tuple[Claim, ...] = ()
    """What speaks for that label."""

    @property
    def who(self) -> str:
        return "The person" if len(self.evidence.people) < 2 else f"Person {self.person}"


def by_rules(style: str, told: Told) -> tuple[Claim, ...]:
    """The sentences of a caption in one of `plan.STYLES`."""
    writers = {"short": _short, "rich": _rich, "cot": _cot, "merr": _merr}
    return (*writers[style](told), *_explained(told))


def framed(style: str, sentences: Sequence[Claim], label: str | None) -> str:
    """Sentences as the caption's text; reasoning gets its tags and the label behind it."""
    text = " ".join(claim.text for claim in sentences)
    if style != "cot":
        return text
    return f"<think>{text}</think>\n<answer>{label or 'cannot tell'}</answer>"


def span_caption(told: Told, span: Stretch, reading: Reading) -> Claim:
    """One span in one sentence: its seconds, what is seen and heard, what it fits."""
    shown, cites = _shown(told, span)
    fits = f"; this fits {_label(reading)}" if reading.emotions else ""
    when = f"From {clock(span.start)} to {clock(span.end)}: " if span.end > 0 else ""
    text = f"{when}{shown or 'at rest'}{fits}."
    return Claim(text=text[:1].upper() + text[1:], cites=cites, part="observation")


def _label(reading: Reading) -> str:
    first = reading.emotions[0]
    return f"{first.label} ({first.share:.0%})"


def _own(told: Told, span: Stretch | None = None) -> list[Cue]:
    """Cues of this person that are more than touched by a span."""
    alone = len(told.evidence.people) < 2
    mine = [
        cue
        for cue in told.evidence.cues
        if cue.person == told.person or (alone and cue.person is None)
    ]
    if span is None or span.end <= span.start:
        return mine
    return [c for c in mine if _overlap(c, span) > min(0.1, 0.5 * (c.end - c.start))]


def _overlap(cue: Cue, span: Stretch) -> float:
    if cue.end - cue.start < 0.05:
        return 1.0 if span.start <= cue.apex <= span.end else 0.0
    return min(cue.end, span.end) - max(cue.start, span.start)


def _face(cues: Sequence[Cue]) -> tuple[str, tuple[str, ...]]:
    """Action units as one line, and their cues."""
    seen = [cue for cue in cues if cue.sense == "face" and cue.grade and cue.code not in _UNTOLD]
    actions = [
        Action(number, cue.grade, cue.side)
        for cue in seen
        if (number := parse(cue.code)) is not None and cue.grade is not None
    ]
    return describe(actions).text, tuple(cue.id for cue in seen)


def _plain(cue: Cue) -> str:
    return _BRACKET.sub("", cue.text).strip()


def _voice(cues: Sequence[Cue]) -> tuple[str, tuple[str, ...]]:
    """What is unusual in the voice, strongest first."""
    ranked = [(abs(part[1]), cue) for cue in cues if (part := tone(cue)) is not None]
    strong = [cue for size, cue in sorted(ranked, key=lambda r: -r[0]) if size >= TELLING]
    told = {_plain(cue): cue.id for cue in reversed(strong) if not _USUAL.search(cue.text)}
    few = dict(list(reversed(told.items()))[:3])
    return listed(list(few)) if few else "", tuple(few.values())


def _head(cues: Sequence[Cue]) -> tuple[str, tuple[str, ...]]:
    moves = {
        _plain(cue): cue.id for cue in cues if cue.sense == "head" and cue.code != "blink_rate"
    }
    few = dict(list(moves.items())[:3])
    return listed(list(few)) if few else "", tuple(few.values())


def _words(cues: Sequence[Cue]) -> tuple[str, tuple[str, ...]]:
    said = [cue for cue in cues if cue.sense == "words"]
    quoted = " ".join(cue.text.strip() for cue in said)
    return f"“{quoted}”" if quoted else "", tuple(cue.id for cue in said)


def _shown(told: Told, span: Stretch | None) -> tuple[str, tuple[str, ...]]:
    cues = _own(told, span)
    parts = [_face(cues), _head(cues), _voice(cues)]
    said, ids = _words(cues)
    parts += [(f"the words {said}", ids)] if said else []
    kept = [(text, ids) for text, ids in parts if text]
    return "; ".join(text for text, _ in kept), tuple(i for _, ids in kept for i in ids)


def _short(told: Told) -> tuple[Claim, ...]:
    reading = told.reading
    if not reading.emotions:
        return _cannot(told)
    strongest = max(told.spans, key=lambda s: _weight(*s), default=None)
    shown, cites = _shown(told, strongest[0] if strongest else None)
    does = _does(reading)
    text = f"{told.who} {does}: {shown}" if shown else f"{told.who} {does}"
    label = f"{text}; this fits {reading.emotions[0].label}."
    return (Claim(text=label, cites=cites, part="conclusion"),)


def _does(reading: Reading) -> str:
    return listed((reading.behavior or "shows little").split(", "))


def _weight(span: Stretch, reading: Reading) -> float:
    """How much a span deserves the one sentence: feeling before rest, long before short."""
    felt = reading.emotions[0].share if reading.emotions and span.label != "neutral" else 0.0
    return felt * (0.5 + span.length)


def _rich(told: Told) -> tuple[Claim, ...]:
    reading = told.reading
    if not reading.emotions:
        return _cannot(told)
    first = Claim(text=f"{told.who} {_does(reading)}.", cites=_cites(reading))
    body = [span_caption(told, *one) for one in told.spans]
    clash = [c for c in _grounded(reading, "interpretation") if c.text.startswith("Discord")]
    how = [
        Claim(text=f"{told.who} {reading.cognition}.", cites=_cites(reading), part="interpretation")
    ]
    return (first, *body, *clash, *(how if reading.cognition else []), _conclusion(told))


def _cot(told: Told) -> tuple[Claim, ...]:
    reading = told.reading
    if not reading.emotions:
        return _cannot(told)
    seen = [c for c in _grounded(reading, "observation") if "AU45" not in c.text]
    rests = [c for c in _grounded(reading, "interpretation") if " rests on " in c.text]
    return (*seen, *rests[:1]) if told.label is None else tuple(seen)


def _merr(told: Told) -> tuple[Claim, ...]:
    if not told.reading.emotions:
        return _cannot(told)
    cues = _own(told)
    (face, seen), (head, moved) = _face(cues), _head(cues)
    (voice, heard), (said, ids) = _voice(cues), _words(cues)
    looks = "; ".join(part for part in (face, head) if part)
    parts = []
    if looks:
        parts.append(Claim(text=f"In the video: {looks}.", cites=(*seen, *moved)))
    if voice:
        parts.append(Claim(text=f"In the audio: {voice}.", cites=heard))
    if said:
        parts.append(Claim(text=f"The subtitle reads: {said}.", cites=ids))
    return (*parts, _conclusion(told))


def _conclusion(told: Told) -> Claim:
    reading = told.reading
    sure = f"with {degree(reading.confidence)} confidence"
    text = f"Taken together this fits {_label(reading)} best, {sure}."
    return Claim(text=text, cites=_cites(reading), part="conclusion")


def _cannot(told: Told) -> tuple[Claim, ...]:
    """Why nothing is told of a feeling: the last word of the reading, or what is missing."""
    last = [claim.text for claim in told.reading.claims if claim.part == "conclusion"]
    why = "; ".join(f"{m.what}: {m.why}" for m in told.evidence.missing)
    text = last[-1] if last else f"What is felt cannot be told from this clip ({why})."
    return (Claim(text=text, part="conclusion"),)


def _explained(told: Told) -> tuple[Claim, ...]:
    """The owners' label and what was measured for it."""
    if told.label is None:
        return ()
    if told.backing:
        return told.backing
    return (Claim(text=f"Nothing that was measured carries {told.label}.", part="conclusion"),)


def _grounded(reading: Reading, part: str) -> list[Claim]:
    return [claim for claim in reading.claims if claim.part == part and claim.grounded]


def _cites(reading: Reading) -> tuple[str, ...]:
    last = [c for c in reading.claims if c.grounded and c.cites and c.part != "observation"]
    return last[0].cites if last else ()
