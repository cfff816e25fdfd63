"""From cues to events: what somebody did, in which spans, and whether it could have been seen.

Knows the evidence and the codes of targets; no question words and no feelings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from agent.facs.units import AUS, MEASURED, REGIONS, grade
from agent.schema.evidence import Cue, Evidence, Missing, Person, Side
from agent.schema.finding import Event, Quote
from agent.schema.query import Moment

Span = tuple[float, float]

PRESENCE: Final = "presence"
"""Code of the event that somebody is in view."""
GAP: Final = 0.3
"""Seconds between two cues of one code that still are one event."""
CLEAR: Final = 1.5
"""Intensity from which an action unit is done rather than hinted at: grade B."""
SOON: Final = 3.0
"""Seconds before or after something that count as right before or after it."""
VOICES: Final[dict[str, tuple[str, ...]]] = {
    "pitch": ("pitch", "pitch_slope"),
    "pitch_range": ("pitch_range",),
    "loudness": ("energy", "effort"),
    "speech_rate": ("rate",),
    "effort": ("effort",),
    "roughness": ("roughness",),
    "breathiness": ("breathiness",),
    "speech": ("speech",),
    "pause": ("pause",),
    "voice": ("pitch", "pitch_range", "energy", "effort", "rate", "roughness", "breathiness"),
}
"""Target → codes of voice cues."""
HEADS: Final[dict[str, tuple[str, ...]]] = {
    "gaze": ("gaze_away", "gaze_up", "gaze_down"),
    "head": ("nod", "shake", "tilt", "turn", "head_up", "head_down"),
}
SENSELESS: Final = frozenset(
    {"laugh", "cry", "yawn", "sigh", "wink", "swallow", "tremor", "sarcasm", "emotion"}
)
"""Targets that no sense measures."""
Sight = Literal["seen", "unseen", "unmeasured", "unheard", "unworded"]


def codes(target: str | None) -> tuple[str, ...]:
    """Codes of cues that a target stands for; none where no sense measures it."""
    if target is None:
        return (*codes("face"), *codes("head"), *codes("gaze"))
    if target in ("face", "micro"):
        return tuple(unit.code for unit in AUS.values() if unit.number != 45)
    if target in REGIONS:
        inside = [u for u in AUS.values() if u.region == target and u.number != 45]
        return tuple(unit.code for unit in inside)
    if target == "blink":
        return ("AU45",)
    if target in VOICES or target in HEADS:
        return VOICES.get(target) or HEADS[target]
    if target in SENSELESS or target.startswith(("emotion:", "word:")):
        return ()
    if target == "AU23":
        return ("AU23", "AU24")  # tightened or pressed: most estimators do not tell them apart
    return tuple(target.split("+"))


def events(
    evidence: Evidence, person: str | None, target: str | None, span: Span | None = None
) -> list[Event]:
    """Events of a target that overlap `span`, in order of time. A voice that nobody is known to
    have spoken with counts as the main person's."""
    main = evidence.main.id if evidence.main else None
    owners = {person, None} if person == main else {person}
    wanted = set(codes(target))
    cues = [
        cue
        for cue in evidence.cues
        if cue.code in wanted and cue.person in owners and (target != "micro" or cue.brief)
        and (span is None or (cue.start <= span[1] and cue.end >= span[0]))
    ]  # fmt: skip
    joined = target is not None and "+" in target
    return merged(cues, target if joined else None)


def merged(cues: Iterable[Cue], name: str | None = None) -> list[Event]:
    """Cues of one code (of any of them, under `name`) joined where they overlap or nearly touch."""
    groups: list[list[Cue]] = []
    for cue in sorted(cues, key=lambda c: (name or c.code, c.start)):
        last = groups[-1] if groups else None
        same = last is not None and (name is not None or last[0].code == cue.code)
        if last is not None and same and cue.start <= max(c.end for c in last) + _gap(cue):
            last.append(cue)
        else:
            groups.append([cue])
    return sorted((_event(group, name) for group in groups), key=lambda e: (e.start, e.code))


def _gap(cue: Cue) -> float:
    """Blinks, nods and phrases stay apart; held poses and muscles flow together."""
    return 0.0 if cue.sense in ("voice", "words") or cue.code in ("AU45", "nod", "shake") else GAP


def _event(group: Sequence[Cue], name: str | None) -> Event:
    top = max(group, key=lambda c: (c.intensity or 0, abs(c.relative or 0), c.confidence))
    return Event(
        code=name or top.code,
        person=top.person,
        start=min(c.start for c in group),
        apex=top.apex,
        end=max(c.end for c in group),
        side=_side({c.side for c in group}),
        intensity=top.intensity,
        grade=grade(top.intensity) if top.intensity is not None else None,
        relative=top.relative if top.sense == "voice" else None,
        value=top.value if top.sense != "face" else None,
        unit=top.unit if top.sense != "face" else None,
        cues=tuple(c.id for c in group),
        confidence=top.confidence,
    )


def _side(sides: set[Side | None]) -> Side | None:
    known = sides - {None}
    return None if not known else known.pop() if len(known) == 1 else "B"


def clear(event: Event) -> bool:
    """More than a trace; eyes that close have no grades."""
    return event.intensity is None or event.code in ("AU43", "AU45") or event.intensity >= CLEAR


def sight(evidence: Evidence, person: Person | None, target: str | None, span: Span) -> Sight:
    """Whether a target could have been seen or heard there at all: only then is it absent."""
    if target is not None and target.startswith("word:"):
        return "unworded" if not words_known(evidence) else "seen"
    if target in VOICES:
        heard = evidence.media.has_audio and not _lacks(evidence, "sound", "speech", "voice")
        return "seen" if heard else "unheard"
    wanted = codes(target)
    units = [int(code[2:]) for code in wanted if code.startswith("AU")]
    if not wanted or (units and not set(units) & set(MEASURED)):
        return "unmeasured"
    if person is None or not evidence.media.has_video or person.share <= 0:
        return "unseen"
    if span[1] < person.start or span[0] > person.end:
        return "unseen"
    if len(units) == 1 and _hidden(evidence, units[0]):
        return "unmeasured"
    still = evidence.media.kind == "image"
    moves = still and (target in ("blink", "nod", "shake", "micro"))
    return "unmeasured" if moves else "seen"


def _lacks(evidence: Evidence, *names: str) -> bool:
    return any(missing.what in names for missing in evidence.missing)


def _hidden(evidence: Evidence, unit: int) -> bool:
    """Whether the record says that this unit, or its part of the face, could not be seen."""
    region = AUS[unit].region
    name = re.compile(rf"\bAU0?{unit}\b")
    return any(
        m.what == region
        or (not m.what.startswith("events of ") and name.search(f"{m.what} {m.why}"))
        for m in evidence.missing
    )


def words_known(evidence: Evidence) -> bool:
    """Whether there are any words in the record."""
    return any(cue.sense == "words" for cue in evidence.cues)


def quotes(evidence: Evidence, span: Span | None = None, word: str | None = None) -> list[Quote]:
    """Phrases that overlap `span`, or every utterance of a word within its phrase."""
    found = []
    for cue in evidence.cues:
        if cue.sense != "words":
            continue
        for start, end in _uttered(cue, word) if word is not None else [(cue.start, cue.end)]:
            if span is None or (start <= span[1] and end >= span[0]):
                found.append(
                    Quote(text=cue.text, person=cue.person, start=start, end=end, cue=cue.id)
                )
    return found


def _uttered(cue: Cue, word: str) -> list[Span]:
    """Where in its phrase a word, or several in a row, is said.

    By the words' own times where they are known, else in proportion to the letters before it.
    """
    bound = r"(?<!\w){}(?!\w)" if word.isascii() else "{}"
    pattern = re.compile(bound.format(re.escape(word)), re.IGNORECASE)
    return [_moment(cue, *match.span()) for match in pattern.finditer(cue.text)]


def _moment(cue: Cue, first: int, last: int) -> Span:
    """When the letters from `first` up to `last` of a phrase are said."""
    covered, at = [], 0
    for spoken in cue.words or ():
        place = cue.text.find(spoken.text, at)
        if place < 0:  # the text was cut, or cleaned of something
            continue
        at = place + len(spoken.text)
        if place < last and at > first:
            covered.append(spoken)
    if covered:
        return covered[0].start, covered[-1].end
    letters, seconds = max(len(cue.text), 1), cue.end - cue.start
    return cue.start + seconds * first / letters, cue.start + seconds * last / letters


def spans(
    moment: Moment | None, evidence: Evidence, person: str | None, *, soon: bool = False
) -> list[Span]:
    """The spans of the clip that a moment means; none where it is not in the clip.

    `soon`: "after" and "before" reach only a few seconds, as when one asks what happens then.
    """
    length = evidence.media.duration
    if moment is None:
        return [(0.0, length)]
    if moment.part is not None:
        first, last = _PARTS[moment.part]
        found = [(first * length, last * length)]
    elif moment.anchor is not None:
        found = _anchors(moment.anchor, evidence, person)
    else:
        start, end = moment.start or 0.0, moment.end or 0.0
        # "At 0:06" is the second that the clock shows as six.
        end = end + 1.0 if end == start and end == int(end) and moment.relation == "at" else end
        if start > length and evidence.media.kind != "image":
            return []
        found = [(start, min(end, length) if length else end)]
    if not found:
        return []
    if moment.relation == "before":
        return [(max(0.0, found[0][0] - SOON) if soon else 0.0, found[0][0])]
    if moment.relation == "after":
        at = found[0][1]
        return [(at, min(length, at + SOON) if soon else length)]
    return found


_PARTS: Final[dict[str, Span]] = {
    "beginning": (0.0, 0.25), "middle": (0.375, 0.625), "end": (0.75, 1.0),
    "first_half": (0.0, 0.5), "second_half": (0.5, 1.0),
}  # fmt: skip
"""Parts of the clip as shares of its length."""


def _anchors(anchor: str, evidence: Evidence, person: str | None) -> list[Span]:
    if anchor.startswith("word:"):
        return [(q.start, q.end) for q in quotes(evidence, word=anchor.removeprefix("word:"))]
    if anchor == "appear":
        late = [p.start for p in evidence.people if p.start > GAP]
        return [(min(late), min(late))] if late else []
    if anchor == "speech" and not events(evidence, person, "speech"):
        return [(q.start, q.end) for q in quotes(evidence)]
    return [(e.start, e.end) for e in events(evidence, person, anchor) if clear(e)]


def within(found: Iterable[Event], windows: Sequence[Span]) -> list[Event]:
    """Events that overlap any of the windows."""
    return [e for e in found if any(e.start <= end and e.end >= start for start, end in windows)]


def lacking(evidence: Evidence) -> tuple[Missing, ...]:
    """What the record says is missing, each thing once."""
    return tuple(dict.fromkeys(evidence.missing))
