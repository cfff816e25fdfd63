"""Profiles: the same judgement fitted to the label sets of different questions.

Knows the label sets (their wording for models is in prompts/profile_*.md) and simple
published signs for each. Where a set asks for intent or meaning that cues do not carry,
the default stands and the confidence says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agent.facs.prototypes import C_EXPR, PARTS
from agent.reading.conflict import UNPLEASANT
from agent.reading.judge import Judged, blends, over_time
from agent.reading.levels import level
from agent.reading.profile_words import STANCE, found_in
from agent.reading.scores import scores, shares
from agent.schema.answer import Claim
from agent.schema.evidence import Cue


@dataclass(frozen=True, slots=True)
class Fit:
    """A judgement in one profile's terms."""

    emotions: dict[str, float]
    """Shares that sum to 1, most likely first; empty: cannot tell."""
    behavior: str | None
    cognition: str | None
    confidence: float
    claims: tuple[Claim, ...] = ()


APPRAISAL: Final[dict[str, str]] = {
    "happiness": "takes what happens as welcome",
    "sadness": "takes it as a loss or a burden that cannot be changed",
    "anger": "takes it as unwelcome and as something to act against",
    "fear": "takes it as a threat that is hard to control",
    "surprise": "did not expect it",
    "disgust": "takes it as repellent",
    "contempt": "takes it as beneath them",
}
"""What each emotion usually goes with, after Scherer's appraisal dimensions (2001):
novelty, pleasantness, control, standards."""

_DOES: Final[tuple[tuple[str, str], ...]] = (
    ("speech", "speaks"), ("AU12", "smiles"), ("AU04", "lowers the brows"),
    ("AU01", "raises the inner brows"), ("AU15", "lowers the lip corners"),
    ("AU09", "wrinkles the nose"), ("AU10", "raises the upper lip"),
    ("AU20", "stretches the lips"), ("AU24", "presses the lips"), ("AU05", "opens the eyes wide"),
    ("nod", "nods"), ("shake", "shakes the head"), ("tilt", "tilts the head"),
    ("turn", "turns the head"), ("gaze_away", "looks away"), ("head_down", "lowers the head"),
)  # fmt: skip


def fit(judged: Judged, profile: str) -> Fit:
    """The judgement in a profile's terms; raises KeyError for an unknown profile."""
    if not judged.shares:
        return Fit({}, None, None, 0.0)
    return PROFILES[profile](judged)


def _general(judged: Judged) -> Fit:
    whole = dict(judged.shares)
    for label, share in blends(whole).items():
        for part in PARTS[label]:
            whole[part] -= share / 2
        whole[label] = share
    first = next(iter(judged.shares))
    return Fit(_ranked(whole), behaviour(judged), APPRAISAL.get(first), judged.confidence)


def behaviour(judged: Judged) -> str | None:
    """What the person does, in a few verbs, in order of time; None where nothing was seen."""
    first: dict[str, float] = {}
    verbs = dict(_DOES)
    for cue in judged.cues:
        strong = cue.sense != "face" or level(cue) >= 1.0
        if cue.code in verbs and strong:
            first.setdefault(verbs[cue.code], cue.start)
    said = sorted(first, key=lambda verb: first[verb])[:5]
    return ", ".join(said) or None


def _sides(judged: Judged) -> tuple[float, float]:
    return judged.shares["happiness"], sum(judged.shares[label] for label in UNPLEASANT)


def _polar(good: float, ill: float) -> dict[str, float]:
    """Positive, Negative, Mixed and Neutral from the shares of both sides."""
    mixed = 2 * min(good, ill)
    rest = max(0.0, 1 - good - ill)
    whole = {
        "Positive": good - mixed / 2,
        "Negative": ill - mixed / 2,
        "Mixed": mixed,
        "Neutral": rest,
    }
    return _ranked(whole)


def _learning(judged: Judged) -> Fit:
    quotes = [cue for cue in judged.cues if cue.sense == "words"]
    checks, steers = found_in(quotes, STANCE["Monitoring"]), found_in(quotes, STANCE["Controlling"])
    act = "Mixed" if checks and steers else "Controlling" if steers else "Monitoring"
    well, badly = found_in(quotes, STANCE["Positive"]), found_in(quotes, STANCE["Negative"])
    thought = (
        "Mixed" if well and badly else "Positive" if well else "Negative" if badly else "Neutral"
    )
    claims = [
        Claim(text=text, cites=tuple(ids), part="interpretation")
        for text, ids in (
            ("The words check where the group stands.", checks),
            ("The words set out to change what the group does.", steers),
            ("The words judge the task as going well.", well),
            ("The words judge the task as going badly.", badly),
        )
        if ids
    ]
    sure = judged.confidence * (1.0 if checks or steers else 0.6)
    return Fit(_polar(*_sides(judged)), act, thought, sure, tuple(claims))


def _academic(judged: Judged) -> Fit:
    """Confusion: AU4, AU7 (Craig et al. 2008; Grafsgaard et al. 2011). Fatigue: eyes shut for
    long (PERCLOS, Wierwille et al. 1994), yawns. Distraction: head or gaze away for long."""
    length = max(judged.span[1] - judged.span[0], 1e-3)
    brow = _time(judged.cues, ("AU04",), least=1.5) * (1 - judged.shares["happiness"])
    marks = {
        "Enjoyment": judged.shares["happiness"],
        "Confusion": 0.8 * brow / length + 0.2 * (_time(judged.cues, ("tilt",)) > 0),
        "Fatigue": min(
            1.0,
            3 * _time(judged.cues, ("AU43",), least=2.0) / length
            + 2 * _time(judged.cues, ("AU27",), least=3.0) / length,
        ),
        "Distraction": _time(judged.cues, ("gaze_away", "turn")) / length,
    }
    marks = {label: min(1.0, mark) for label, mark in marks.items()}
    marks["Neutrality"] = 0.3 + 0.7 * max(0.0, 1 - sum(marks.values()))
    whole = _ranked(marks)
    return Fit(whole, behaviour(judged), None, 0.8 * judged.confidence)


def _ambivalence(judged: Judged) -> Fit:
    """Discord between channels, smiles that other muscles contradict, hesitation in words."""
    smiles = [c for c in judged.cues if c.code == "AU12" and level(c) >= 1]
    against = [
        c for c in judged.cues
        if c.code in ("AU04", "AU15", "AU14", "AU24") and level(c) >= 1
        and any(c.start < s.end and s.start < c.end for s in smiles)
    ]  # fmt: skip
    quotes = [cue for cue in judged.cues if cue.sense == "words"]
    torn = found_in(quotes, STANCE["Hesitant"])
    odds = 0.15 + 0.4 * len(judged.discords) + 0.2 * bool(against) + 0.3 * bool(torn)
    share = min(0.9, odds)
    claims = []
    if against:
        ids = tuple(dict.fromkeys(c.id for c in (*smiles[:1], *against[:2])))
        text = "A smile meets muscles that work against it, a discord within the face."
        claims.append(Claim(text=text, cites=ids, part="interpretation"))
    if torn:
        claims.append(
            Claim(text="The words hold back from taking a side.", cites=tuple(torn),
                  part="interpretation")
        )  # fmt: skip
    whole = _ranked({"ambivalence": share, "no ambivalence": 1 - share})
    return Fit(whole, behaviour(judged), None, 0.7 * judged.confidence, tuple(claims))


def _compound(judged: Judged) -> Fit:
    """Half from the basic shares, adding the pair's two; half from the compound prototypes."""
    pairs = {label: sum(judged.shares[p] for p in PARTS[label]) for label in C_EXPR}
    whole = sum(pairs.values()) or 1.0
    shaped = over_time(
        judged.moments,
        [shares(scores(piece.face, C_EXPR, speaking=piece.speaking)) for piece in judged.moments],
        C_EXPR,
    )
    mixed = {
        label.title(): 0.5 * pairs[label] / whole + 0.5 * shaped.get(label, pairs[label] / whole)
        for label in C_EXPR
    }
    sure = judged.confidence * (1 - judged.shares["neutral"])
    return Fit(_ranked(mixed), behaviour(judged), None, sure)


def _counselling(judged: Judged) -> Fit:
    """Feeling shown: how far the face and voice are from neutral; taking in: nods and words."""
    shown = 1 - judged.shares["neutral"]
    quotes = [cue for cue in judged.cues if cue.sense == "words"]
    taken = found_in(quotes, STANCE["Taken in"])
    nods = [cue for cue in judged.cues if cue.code == "nod"]
    warm = judged.shares["happiness"] + judged.shares["sadness"]
    told = bool(judged.words) + (shown > 0.6 and bool(quotes))
    whole = _ranked(
        {"none": max(0.05, 1 - warm), "weak": min(warm, 0.5), "strong": max(0.0, warm - 0.5)}
    )
    grasp = STEPS[bool(nods or taken) + bool(len(taken) > 1)]
    return Fit(whole, STEPS[min(2, told)], grasp, 0.6 * judged.confidence)


STEPS: Final = ("none", "weak", "strong")
"""How far each side of empathy shows (MEDIC)."""


def _time(cues: Iterable[Cue], codes: tuple[str, ...], least: float = 0.0) -> float:
    """Seconds in which cues of these codes last."""
    return sum(
        c.end - c.start for c in cues if c.code in codes and (level(c) >= least or not least)
    )


def _ranked(marks: Mapping[str, float]) -> dict[str, float]:
    whole = sum(marks.values())
    return {k: marks[k] / whole for k in sorted(marks, key=lambda k: -marks[k])}


PROFILES: Final[dict[str, Callable[[Judged], Fit]]] = {
    "general": _general,
    "learning": _learning,
    "academic": _academic,
    "ambivalence": _ambivalence,
    "compound": _compound,
    "counselling": _counselling,
}
"""Profile → how the judgement is fitted to it."""
