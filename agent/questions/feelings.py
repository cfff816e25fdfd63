"""Plain questions about feeling: what, whether, when, how strongly, in agreement, changing.

Knows the rules' judgement of the person asked about. A claim is something said about the
person and cites cues; a plain string is about the measuring.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.facs.prototypes import BASIC, PARTS
from agent.questions.base import Asked, Said
from agent.questions.events import all_feelings, event, feeling, happened
from agent.reading.judge import judge
from agent.reading.profiles import STEPS
from agent.reading.reasons import (
    HIGH,
    absent,
    asserted,
    clock,
    interpretations,
    listed,
    name,
    observations,
    salience,
    stands_on,
    support,
)
from agent.reading.reasons import degree as degree_word
from agent.schema.answer import Claim
from agent.schema.evidence import Cue

SHORTEST: Final = 0.4
"""Seconds; a shorter stretch of one feeling is not told as a phase of its own."""
MOST_FEELINGS: Final = 4
MOST_SHOWN: Final = 4
_EMOTIONS: Final = frozenset((*BASIC, *PARTS))
_Run = tuple[str, float, float, float]


def _unmet(asked: Asked) -> str | None:
    """A moment that hangs on something which did not happen, said plainly."""
    match = re.search(r"\b(?:before|after|while|when|as) (?:she|he|they|the|p\d)\b(.*)",
                      asked.question, re.IGNORECASE)  # fmt: skip
    if not match or asked.part is not None or not (found := event(match[1])):
        return None
    return f"I found no moment with {found.noun}, so this is about the whole clip." \
        if not happened(found, asked.cues) else None  # fmt: skip


def feels(asked: Asked) -> Said:
    """What the person feels, and why."""
    judged, emotions = asked.judged, asked.reading.emotions
    note = _unmet(asked)
    said: Said = [note] if note else []
    if not emotions:
        return [*said, *[claim for claim in asked.reading.claims if claim.part == "conclusion"][:1]]
    said += [most_likely(asked)]
    told = course(asked) if asked.part is None else []
    said += told or interpretations(judged)[:3]
    said += interpretations(judged)[2:3] if told else []
    shown = {i for item in said if isinstance(item, Claim) for i in item.cites}
    extra = [c for c in observations(judged) if c.cites[0] not in shown]
    if not judged.shares or next(iter(judged.shares)) == "neutral":
        said += extra[:3]
    said.append(f"Confidence is {degree_word(asked.reading.confidence)}{because(asked)}.")
    return said


def most_likely(asked: Asked) -> Claim:
    first, *rest = asked.reading.emotions
    last = [claim for claim in asked.reading.claims if claim.part == "conclusion" and claim.cites]
    if first.label not in _EMOTIONS and last:
        return Claim(text=asked.opening(_in_profile(asked)), cites=last[0].cites, part="conclusion")
    cites = stands_on(asked.judged, first.label)
    if not cites:
        text = f"Nothing departs clearly from rest: {absent(asked.judged)}."
        if asked.judged.reasons and first.label != "neutral":
            text = f"Cannot tell for sure: no single cue shows {first.label} ({first.share:.0%})."
        return Claim(text=asked.opening(text), part="conclusion")
    text = asked.opening(f"What shows fits {first.label} best ({first.share:.0%})")
    backing: tuple[str, ...] = ()
    if rest and rest[0].share >= 0.1:
        # Neutral is what is left where nothing moves: no cue stands for it.
        neutral = rest[0].label == "neutral"
        backing = () if neutral else stands_on(asked.judged, rest[0].label)[:2]
        if neutral or backing:
            text += f", then {rest[0].label} ({rest[0].share:.0%})"
    cites = tuple(dict.fromkeys((*cites[:5], *backing)))
    asserts = asserted(asked.judged, first.label, [rest[0].label] if backing else [])
    return Claim(text=f"{text}.", cites=cites, part="conclusion", asserts=asserts)


def _in_profile(asked: Asked) -> str:
    """The conclusion in the labels of a profile that asks for something other than emotions."""
    reading = asked.reading
    first, *rest = reading.emotions
    then = f", then {rest[0].label} ({rest[0].share:.0%})" if rest and rest[0].share >= 0.1 else ""
    if {e.label for e in reading.emotions} == set(STEPS):
        return (
            f"Feeling in response to the other: most likely {first.label} ({first.share:.0%}){then}"
            f"; telling of what is lived through: {reading.behavior}; taking in what the other "
            f"means: {reading.cognition}."
        )
    beside = [
        f"{what} {label}"
        for what, label in (("behaviour", reading.behavior), ("cognition", reading.cognition))
        if label and reading.cognition
    ]
    return f"What shows fits {first.label} best ({first.share:.0%}){then}" + (
        f"; {', '.join(beside)}." if beside else "."
    )


def because(asked: Asked) -> str:
    """What keeps the confidence down, in a few words."""
    judged, person = asked.judged, asked.person
    face = any(piece.face for piece in judged.moments)
    voice = any(piece.voice for piece in judged.moments)
    if asked.reading.confidence >= HIGH:
        return ""
    reasons = []
    if judged.discords:
        reasons.append(f"{judged.discords[0].one.channel} and {judged.discords[0].other.channel} "
                       "disagree")  # fmt: skip
    if face and not voice:
        reasons.append("there is only the face to go by")
    if voice and not face:
        reasons.append("there is only the voice to go by")
    if person is not None and face and person.baseline == "none":
        reasons.append("this face was never seen at rest, so habit and expression may be confused")
    if person is not None and face and person.quality < 0.5:
        reasons.append("the face is small, blurred or turned")
    return f": {'; '.join(reasons)}" if reasons else ""


def is_feeling(asked: Asked) -> Said:
    """Is she angry? The label's share, and what speaks for it; else what fits better.

    Of several ("angry or sad?") the likeliest counts; all are named where none is likely.
    """
    if not asked.reading.emotions:
        return feels(asked)
    shares = {e.label: e.share for e in asked.reading.emotions}
    named = {k: shares.get(k, 0.0) for k in all_feelings(asked.question) or ("neutral",)}
    label = max(named, key=named.__getitem__)
    share = named[label]
    cites = stands_on(asked.judged, label)
    first = asked.reading.emotions[0]
    if first.label == label and (cites or label == "neutral"):
        return [asked.opening("Most likely, yes."), *feels(asked)]
    said: Said = []
    if share >= 0.1 and cites:
        text = asked.opening(f"Part of it fits {label} ({share:.0%}), but not most.")
        asserts = asserted(asked.judged, also=[label])
        said.append(Claim(text=text, cites=cites[:4], part="conclusion", asserts=asserts))
    elif moment := _fitting(asked, label):
        said += [asked.opening(f"On the whole hardly ({share:.0%})."), *moment]
    elif len(named) == 1:
        said.append(asked.opening(f"Hardly ({share:.0%}): nothing clear speaks for {label}."))
    else:
        several = " or ".join(f"{k} ({v:.0%})" for k, v in named.items())
        said.append(asked.opening(f"Hardly: nothing clear speaks for {several}."))
    sure = f"Confidence is {degree_word(asked.reading.confidence)}{because(asked)}."
    return [*said, most_likely(asked), *interpretations(asked.judged)[:1], sure]


def when_feeling(asked: Asked) -> Said:
    """When is she happiest? The moment with the largest share of the label."""
    return _best_moment(asked, feeling(asked.question) or "happiness")


def peak(asked: Asked) -> Said:
    """The moment that departs most from neutral, by its own strongest label."""
    judged = asked.judged
    best = max(range(len(judged.each)), key=lambda i: judged.moments[i].strength, default=None)
    if best is None or not judged.each[best]:
        return feels(asked)
    label = max((k for k in judged.each[best] if k != "neutral"), key=judged.each[best].__getitem__)
    return _best_moment(asked, label)


def strongest(asked: Asked) -> Said:
    """The moment at which most is shown and heard at once, whatever it means."""
    cues = [cue for cue in asked.cues if cue.sense in ("face", "voice") and salience(cue) >= 0.8]
    if not cues:
        return [asked.opening("No moment stands out."), *feels(asked)]

    def going_on(at: float) -> list[Cue]:
        return [cue for cue in cues if cue.start <= at <= cue.end]

    at = max((cue.apex for cue in cues), key=lambda t: sum(map(salience, going_on(t))))
    here = sorted(going_on(at), key=salience, reverse=True)
    start, end = max(cue.start for cue in here), min(cue.end for cue in here)
    shown = listed([cue.text for cue in here[:MOST_SHOWN]])
    text = f"Most is going on at {clock(at)}: {shown}."
    said: Said = [Claim(text=text, cites=tuple(cue.id for cue in here[:MOST_SHOWN]))]
    then = judge(asked.evidence, asked.reading.person, (start, end))
    label = next((k for k, share in then.shares.items() if k != "neutral" and share >= 0.2), None)
    if label and (cites := stands_on(then, label)):
        text = f"What is there then fits {label} best ({then.shares[label]:.0%})."
        said.append(Claim(text=text, cites=cites[:5], part="conclusion"))
    return said


def _best_moment(asked: Asked, label: str) -> Said:
    return _fitting(asked, label) or [f"I found no moment that fits {label}.", *feels(asked)]


def _fitting(asked: Asked, label: str) -> Said:
    """The moment that fits a label most, and why; empty where none does."""
    judged = asked.judged
    ranked = [
        (share.get(label, 0.0) * piece.strength, piece, share)
        for piece, share in zip(judged.moments, judged.each, strict=True)
        if piece.cites
    ]
    _, piece, share = max(ranked, key=lambda row: row[0], default=(0.0, None, {}))
    if piece is None or share.get(label, 0.0) < 0.2:
        return []
    here = judge(asked.evidence, asked.reading.person, (piece.start, piece.end))
    cites = stands_on(here, label)
    text = (
        f"It fits {label} most between {clock(piece.start)} and {clock(piece.end)} "
        f"({share[label]:.0%} there)."
    )
    claim = Claim(text=text, cites=cites, part="conclusion", asserts=asserted(here, also=[label]))
    said: Said = [claim] if cites else [text]
    return [*said, *[c for c in interpretations(here) if label in c.text][:1]]


def unknown(asked: Asked) -> Said:
    """A question that none of the kinds fits."""
    return ["I answer what is felt, shown, heard and said, by whom and when; this I could not "
            "place.", *feels(asked)]  # fmt: skip


def degree(asked: Asked) -> Said:
    """Valence and arousal in words and numbers."""
    reading = asked.reading
    if not reading.emotions:
        return feels(asked)
    pleasant = _side(reading.valence, "unpleasant", "pleasant")
    lively = _side(reading.arousal, "calm", "aroused")
    text = (
        f"On the whole {pleasant} (valence {reading.valence:+.2f} of ±1) and "
        f"{lively} (arousal {reading.arousal:+.2f} of ±1)."
    )
    return [asked.opening(text), *feels(asked)]


def _side(value: float, low: str, high: str) -> str:
    if abs(value) < 0.15:
        return f"neither {low} nor {high}"
    much = "strongly " if abs(value) > 0.6 else "rather " if abs(value) > 0.3 else "slightly "
    return much + (high if value > 0 else low)


def course(asked: Asked) -> Said:
    """The feelings one after the other, each with what shows it; empty unless there are two."""
    felt = [run for run in _runs(asked) if run[0] != "neutral" and run[2] - run[1] >= SHORTEST]
    if len({label for label, *_ in felt}) < 2:
        return []
    said: Said = []
    for label, start, end, _ in felt[:MOST_FEELINGS]:
        here = judge(asked.evidence, asked.reading.person, (start, end))
        backing = list(support(here, label).items())[:3]
        shown = listed([name(code, here, ids) for code, ids in backing]) if backing else ""
        quote = next((cue for cue in here.cues if cue.sense == "words"), None)
        words = f", at the words “{quote.text}”" if quote else ""
        text = f"From {clock(start)} to {clock(end)} it fits {label}: {shown}{words}."
        ids = (*stands_on(here, label)[:4], *([quote.id] if quote else []))
        cites = tuple(dict.fromkeys(ids))
        if shown:
            asserts = asserted(here, also=[label])
            said.append(Claim(text=text, cites=cites, part="interpretation", asserts=asserts))
    return said if len(said) > 1 else []


def change(asked: Asked) -> Said:
    """What changes, in order of time: the moments' labels, and the cues that make them."""
    told = _runs(asked)
    if len(told) < 2:
        steady = told[0][0] if told else "nothing measurable"
        return [asked.opening(f"I find no clear change: {steady} throughout."),
                *observations(asked.judged)[:4]]  # fmt: skip
    said: Said = []
    for label, start, end, _ in told[:6]:
        here = judge(asked.evidence, asked.reading.person, (start, end))
        cites = stands_on(here, label)[:4]
        text = f"From {clock(start)} to {clock(end)} it fits {label}."
        # Neutral is what is left where nothing moves: no cue stands for it.
        claim = Claim(
            text=text, cites=cites, part="conclusion", asserts=asserted(here, also=[label])
        )
        said.append(claim if cites and label != "neutral" else text)
    if len(told) > 6:
        said.append(f"{len(told) - 6} more changes follow.")
    return said


def _runs(asked: Asked) -> list[_Run]:
    """Stretches of one label: label, start, end, largest share."""
    runs: list[_Run] = []
    for piece, share in zip(asked.judged.moments, asked.judged.each, strict=True):
        if not share:
            continue
        label = next(iter(share))
        if runs and runs[-1][0] == label:
            runs[-1] = (label, runs[-1][1], piece.end, max(runs[-1][3], share[label]))
        elif piece.end - piece.start >= 0.2 or not runs:
            runs.append((label, piece.start, piece.end, share[label]))
    return _merged(runs)


def _merged(runs: Sequence[_Run]) -> list[_Run]:
    """Neighbours of one label joined."""
    out: list[_Run] = []
    for run in runs:
        if out and out[-1][0] == run[0]:
            out[-1] = (run[0], out[-1][1], run[2], max(out[-1][3], run[3]))
        else:
            out.append(run)
    return out
