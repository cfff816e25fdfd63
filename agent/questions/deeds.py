"""Plain questions about what is done, seen, heard and said, and when.

Knows cues; what is felt comes from `agent.questions.feelings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from agent.facs.units import AUS, parse
from agent.questions.base import Asked, Said
from agent.questions.events import EVENTS, Event, event, happened
from agent.questions.feelings import feels
from agent.reading.judge import judge
from agent.reading.reasons import clock, interpretations, salience, sentence, stands_on, when
from agent.schema.answer import Claim
from agent.schema.evidence import Cue

SMILE: Final = EVENTS[0][1]
STOPS: Final = re.compile(
    r"\b(?:stop(?:s|ped)?|cease[sd]?|quits?|end(?:s|ed)?|over|no longer|until when)\b",
    re.IGNORECASE,
)
"""Asks for the end of something."""
NEAR_END: Final = 0.25
"""Seconds before the end of a clip at which what is shown has not stopped."""
SLACK: Final = 0.1
"""Seconds by which what follows may begin early: onsets are known to a few pictures."""
TOGETHER: Final = 1.5
"""Seconds in which things that begin are told as one."""
TELLING: Final = 0.8
MOST_FOLLOWING: Final = 4
_UNHEARD: Final = {"laughter_like", "cry_like"}


def events(asked: Asked) -> Said:
    """When, whether and how often somebody does something."""
    found = event(asked.question)
    if found is None:
        return feels(asked)
    hits = happened(found, asked.cues)
    if hits:
        return _told(asked, found, hits)
    return [_none(asked, found)]


def _told(asked: Asked, found: Event, hits: Sequence[Cue]) -> Said:
    most = max(hits, key=lambda cue: cue.intensity or cue.end - cue.start)
    if STOPS.search(asked.question):
        return _stops(asked, found, hits)
    said: Said = []
    if re.search(r"\bhow (?:often|many times)\b", asked.question, re.I):
        said += _how_often(asked, found, hits)
    for n, cue in enumerate(hits[:3]):
        again = " again" if n else ""
        longer = cue.end - cue.start > 0.3
        best = (
            f", strongest at {clock(cue.apex)}" if cue is most and cue.intensity and longer else ""
        )
        side = {"L": " on the left side only", "R": " on the right side only"}.get(
            cue.side or "", ""
        )
        text = f"{asked.does(found.does)}{again}{side}{_at(cue)}{best}."
        said.append(Claim(text=text, cites=(cue.id,)))
    if len(hits) > 3:
        more = "more of the clearest" if _capped(asked, found) else "more"
        said.append(f"{len(hits) - 3} {more} follow, the last {when(hits[-1])}.")
    return said


def _stops(asked: Asked, found: Event, hits: Sequence[Cue]) -> Said:
    """When something ends, of each time it happens; or that it lasts to the end of the clip."""
    said: Said = []
    end = asked.evidence.media.duration
    for cue in hits[:3]:
        if cue.end >= end - NEAR_END:
            text = f"{asked.does(found.does)} from {clock(cue.start)} to the end of the clip."
        else:
            text = f"{asked.does(found.does)} until {clock(cue.end)}, from {clock(cue.start)}."
        said.append(Claim(text=text, cites=(cue.id,)))
    return said


def ending(asked: Asked, claims: Sequence[Claim]) -> float | None:
    """Second at which what the first of these claims is about has ended; None without cues."""
    cues = [cue for claim in claims[:1] for i in claim.cites if (cue := asked.evidence.cue(i))]
    return max((cue.end for cue in cues), default=None)


def follows(asked: Asked, after: float) -> Said:
    """What happens after a moment: the first things that begin then, and what they fit."""
    whole = judge(asked.evidence, asked.reading.person)
    later = [
        cue
        for cue in whole.cues
        if cue.start >= after - SLACK
        and cue.sense != "voice"
        and cue.code not in ("blink_rate", "AU45")
        and (cue.sense == "words" or salience(cue) >= TELLING)
    ]  # fmt: skip
    if not later:
        return [f"Nothing that I measure happens after {clock(after)}."]
    first = min(cue.start for cue in later)
    near = [cue for cue in later if cue.start <= first + TOGETHER]
    chosen = sorted(near, key=salience, reverse=True)[:MOST_FOLLOWING]
    said: Said = [
        Claim(text=f"Then: {sentence(cue)[:1].lower()}{sentence(cue)[1:]}" if not n
              else sentence(cue), cites=(cue.id,))
        for n, cue in enumerate(sorted(chosen, key=lambda cue: (cue.start, cue.id)))
    ]  # fmt: skip
    span = (first, max(cue.end for cue in near))
    there = judge(asked.evidence, asked.reading.person, span)
    label = next((k for k, share in there.shares.items() if k != "neutral" and share >= 0.2), None)
    if label and (cites := stands_on(there, label)):
        text = f"What shows then fits {label} best ({there.shares[label]:.0%})."
        said.append(Claim(text=text, cites=cites[:5], part="conclusion"))
    return said


def _how_often(asked: Asked, found: Event, hits: Sequence[Cue]) -> Said:
    """How many times; where weaker events have no cue, the rate that counts all, or "at least"."""
    rates = [cue for cue in asked.cues if cue.code == "blink_rate" and cue.relative is None]
    if found.codes == ("AU45",) and rates and asked.part is None:
        return [Claim(text=sentence(cue), cites=(cue.id,)) for cue in rates[:1]]
    least = "at least " if _capped(asked, found) else ""
    times = {1: "once", 2: "twice"}.get(len(hits), f"{len(hits)} times")
    return [Claim(text=f"{asked.does(found.does)} {least}{times}.", cites=_ids(hits))]


def _capped(asked: Asked, found: Event) -> bool:
    """Whether weaker events of this kind were left out of the cues."""
    units = {f"events of AU{n}" for code in found.codes if (n := parse(code))}
    return any(m.what in units for m in asked.evidence.missing)


def _at(cue: Cue) -> str:
    """Its time after a space; "" in a still picture."""
    return f" {when(cue)}" if cue.end > 0 else ""


def _ids(cues: Sequence[Cue]) -> tuple[str, ...]:
    return tuple(cue.id for cue in cues[:8])


def _none(asked: Asked, found: Event) -> Claim | str:
    gone = {m.what: m.why for m in asked.evidence.missing}
    if set(found.codes) & _UNHEARD:
        return "Laughter and crying are not looked for in the sound, so I cannot tell."
    if "speech" in found.codes and not asked.evidence.media.has_audio:
        return "Cannot tell: there is no sound."
    if "speech" not in found.codes and not any(piece.face for piece in asked.judged.moments):
        why = gone.get("face") or gone.get("faces") or "no face could be measured"
        return f"Cannot tell: {why}."
    start, end = asked.reading.span
    inside = f" between {clock(start)} and {clock(end)}" if asked.part is not None else ""
    return Claim(text=f"There is no sign of {found.noun}{inside}.", part="observation")


def why_event(asked: Asked) -> Said:
    """Why does she smile? What goes with it; the cause itself is not in face and voice."""
    found = event(asked.question)
    hits = happened(found, asked.cues) if found else ()
    if found is None or not hits:
        return [*events(asked)]
    first = max(hits, key=lambda cue: cue.intensity or 0.0)
    said: Said = [*_told(asked, found, [first])]
    near = [
        cue
        for cue in asked.cues
        if cue not in hits and cue.start <= first.end and cue.end >= first.start - 2.0
    ]
    words = [cue for cue in near if cue.sense == "words"]
    for cue in [*words[:1], *sorted(near, key=salience, reverse=True)[:2]]:
        claim = Claim(text=sentence(cue), cites=(cue.id,))
        if claim not in said:
            said.append(claim)
    said += interpretations(judge(asked.evidence, asked.reading.person, (first.start, first.end)))[
        :1
    ]
    said.append("What brought it about lies outside face and voice; a connected model (--model) "
                "could take in the scene.")  # fmt: skip
    return said


def genuine(asked: Asked) -> Said:
    """Is the smile genuine? Cheeks with lip corners, their timing, and what that is worth."""
    smiles = [c for c in asked.cues if c.code == "AU12" and (c.intensity or 0) >= 1]
    if not smiles:
        return [_none(asked, SMILE)]
    smile = max(smiles, key=lambda cue: cue.intensity or 0.0)
    cheeks = [
        cue for cue in asked.cues
        if cue.code == "AU06" and (cue.intensity or 0) >= 1
        and cue.start <= smile.end and cue.end >= smile.start
    ]  # fmt: skip
    said: Said = []
    if cheeks:
        text = f"The smile{_at(smile)} comes with raised cheeks (AU6), as felt smiles do."
        said.append(Claim(text=text, cites=(smile.id, cheeks[0].id), part="interpretation"))
    else:
        said += _told(asked, SMILE, [smile])
        span = f"between {clock(smile.start)} and {clock(smile.end)} " if smile.end else ""
        text = f"{span}the cheeks are not raised (no AU6); with a felt one they mostly are."
        text = text[:1].upper() + text[1:]
        said.append(Claim(text=text))
    if smile.side in ("L", "R"):
        said.append(Claim(text="The smile is one-sided.", cites=(smile.id,)))
    said.append("That mark is a tendency, no proof: many people can raise their cheeks at will, "
                "and a strong posed smile lifts them too.")  # fmt: skip
    return said


def seen(asked: Asked) -> Said:
    """What face and head do, strongest first kept, in order of time."""
    wanted = _mentioned(asked.question)
    cues = [cue for cue in asked.cues if cue.sense in ("face", "head") and wanted(cue)]
    return _listed(cues) or [_nothing_seen(asked)]


def _mentioned(question: str) -> Callable[[Cue], bool]:
    """Which cues a question about a part of the face means."""
    regions = [
        (r"\b(?:eyes?|lids?|gaze|blink\w*)\b", ("eye",)),
        (r"\b(?:brows?|eyebrows?|forehead)\b", ("brow",)),
        (r"\b(?:mouth|lips?|jaw|chin)\b", ("mouth", "jaw")),
        (r"\b(?:cheeks?)\b", ("cheek",)),
        (r"\b(?:nose)\b", ("nose",)),
    ]
    named = [r for pattern, r in regions if re.search(pattern, question, re.I)]
    places = {region for group in named for region in group}
    units = {int(n) for n in re.findall(r"\bau\s*0*(\d{1,2})\b", question, re.I)}
    head = re.search(r"\b(?:head|posture|gaze|eyes?)\b", question, re.I)

    def means(cue: Cue) -> bool:
        number = parse(cue.code) if cue.sense == "face" else None
        if units:
            return number in units
        if cue.sense == "head":
            if places == {"eye"}:
                return cue.code.startswith(("gaze", "blink"))
            return bool(head) or not places
        return not (places or head) or (number is not None and AUS[number].region in places)

    return means


def _nothing_seen(asked: Asked) -> Claim | str:
    if not any(piece.face for piece in asked.judged.moments):
        gone = {m.what: m.why for m in asked.evidence.missing}
        return f"Cannot tell: {gone.get('face') or gone.get('faces') or 'no face was measured'}."
    return asked.opening("Nothing there departs from rest.")


def voice(asked: Asked) -> Said:
    """How the voice sounds."""
    cues = [cue for cue in asked.cues if cue.sense == "voice"]
    telling = [cue for cue in cues if cue.code != "speech"] or cues
    told = _listed(telling)
    if told:
        return told
    for missing in asked.evidence.missing:
        if missing.what in ("sound", "voice", "speech", "audio"):
            return [f"Cannot tell: {missing.why}."]
    return ["Cannot tell: nobody is heard speaking here."]


def _listed(cues: Sequence[Cue], most: int = 5) -> Said:
    chosen = sorted(cues, key=salience, reverse=True)[:most]
    said: Said = [
        Claim(text=sentence(cue), cites=(cue.id,))
        for cue in sorted(chosen, key=lambda cue: (cue.start, cue.id))
    ]
    if len(cues) > most:
        said.append(f"{len(cues) - most} weaker ones are in the evidence.")
    return said


def said(asked: Asked) -> Said:
    """What was said, or whether something was."""
    quotes = [cue for cue in asked.cues if cue.sense == "words"]
    if not quotes:
        gone = {m.what: m.why for m in asked.evidence.missing}
        return [f"Cannot tell: there are no words ({gone.get('words', 'none were found')})."]
    if wanted := _wanted_words(asked.question):
        hits = [cue for cue in quotes if wanted in _plain(cue.text)]
        if not hits:
            return [f"Not in the words I have: “{wanted}” does not occur."]
        quotes = hits
    told: Said = [
        Claim(text=f"{asked.does(('says', 'say'))} {when(cue)}: “{cue.text}”.", cites=(cue.id,))
        for cue in quotes[:4]
    ]
    if len(quotes) > 4:
        told.append(f"{len(quotes) - 4} more lines follow.")
    return told


def _wanted_words(question: str) -> str | None:
    """What somebody is asked to have said: quoted, or after "say"."""
    match = re.search(r"[\"“„']([^\"”“']{2,})[\"”“']", question)
    match = match or re.search(r"\b(?:say|mention|utter)\s+(?!at\b|in\b|about\b)(?:that |the "
                               r"word )?"
                               r"(\w.*)", question, re.I)  # fmt: skip
    if match is None or re.match(r"what\b", question, re.I):
        return None
    return _plain(match[1]) or None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def eye_contact(asked: Asked) -> Said:
    """Does she look at the camera? Each look or turn away; else what can be told of the eyes."""
    away = [c for c in asked.cues if c.code in ("gaze_away", "turn", "head_down", "gaze_down")]
    if away:
        told = "; ".join(f"{c.text}, from {clock(c.start)} to {clock(c.end)}" for c in away[:4])
        cites = tuple(c.id for c in away[:4])
        return [Claim(text=f"Not all the time: {told}.", cites=cites, part="observation")]
    if not asked.cues:
        return [asked.opening("No face is measured then, so I cannot tell.")]
    if any("no irises" in missing.why for missing in asked.evidence.missing):
        return ["Where the eyes point was not measured: 468 mesh points show no irises. The head "
                "does not turn away."]  # fmt: skip
    return [asked.opening("I find no look or turn away; where the camera stands I do not know.")]
