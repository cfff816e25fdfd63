"""Kinds of benchmark: what is asked, what of an answer counts, what it is held against.

Knows answers and labels, no data set. What a data set's labels are called is in its card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agent.schema.answer import Answer
from agent.schema.evidence import Evidence
from eval import labels, units
from eval.samples import Sample
from eval.scoring import Unscored

LEAST: Final = 2.0
"""FACS intensity (B) from which an action unit of the evidence counts as present."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of benchmark."""

    question: str
    """Asked of the model; {classes} stands for the label set."""
    gold: Callable[[Mapping[str, Any]], Any]
    """Of a sample's labels, what the measures take for gold; None: this sample has none."""
    predicted: Callable[[Answer, Evidence, Sequence[str]], Any]
    """Of an answer, what the measures take for a prediction; None: the answer says nothing."""


def label_of(answer: Answer, _: Evidence, classes: Sequence[str]) -> Any:
    """The likeliest of the classes, and the shares of those that the answer names.

    A closed label set is part of the question, so shares of other labels are set aside and the
    rest add up to 1 again. Without a share in any class, a label that the text names.
    """
    among = {labels.canonical(name): name for name in classes}
    shares: dict[str, float] = {}
    for emotion in answer.emotions:
        name = labels.canonical(emotion.label)
        if name in among or not among:
            shares[name] = shares.get(name, 0.0) + emotion.share
    whole = sum(shares.values())
    if whole > 0:
        ranked = sorted(shares.items(), key=lambda item: -item[1])
        emotions = [{"label": n, "share": round(s / whole, 6)} for n, s in ranked]
        return {"label": emotions[0]["label"], "emotions": emotions}
    if not answer.emotions and not answer.words:
        return None
    return " ".join(answer.words) or answer.answer


def words_of(answer: Answer, _: Evidence, __: Sequence[str]) -> Any:
    """Open vocabulary: the model's own words, else the labels that stand out."""
    if answer.words:
        return ", ".join(answer.words)
    if not answer.emotions:
        return None
    most = answer.emotions[0].share
    return ", ".join(e.label for e in answer.emotions if e.share >= most / 2)


def units_of(_: Answer, evidence: Evidence, __: Sequence[str]) -> Any:
    """Action units of the main person that reach intensity B."""
    if evidence.main is None:
        return None
    cues = evidence.of(evidence.main.id, "face")
    found = {c.code for c in cues if c.code.startswith("AU") and (c.intensity or 0) >= LEAST}
    return sorted(found)


def point_of(answer: Answer, _: Evidence, __: Sequence[str]) -> Any:
    """Valence and arousal, −1…1."""
    if not answer.emotions:
        return None
    return {"valence": answer.valence, "arousal": answer.arousal}


def sign_of(answer: Answer, _: Evidence, __: Sequence[str]) -> Any:
    """Sentiment: the sign of the valence."""
    return answer.valence if answer.emotions else None


def triple_of(answer: Answer, _: Evidence, __: Sequence[str]) -> Any:
    """Behaviour, cognition and emotion of the learning profile."""
    if not answer.emotions:
        return None
    return {
        "behavior": answer.behavior,
        "cognition": answer.cognition,
        "emotion": answer.emotions[0].label,
    }


def _point(found: Mapping[str, Any]) -> Any:
    named = {n: found[n] for n in ("valence", "arousal") if found.get(n) is not None}
    return named or None


def _triple(found: Mapping[str, Any]) -> Any:
    names = ("behavior", "cognition", "emotion")
    return {n: found[n] for n in names} if all(found.get(n) for n in names) else None


def coded(value: Any, among: Iterable[str]) -> Any:
    """Predicted units that the coders of a data set looked for; others are neither right nor wrong.

    An empty set of coded units means that all are.
    """
    wanted = units.gold(list(among))
    if not wanted:
        return value
    try:
        return [f"AU{n:02d}" for n in sorted(units.pred(value) & wanted)]
    except Unscored:
        return value


_FEELS: Final = "What does this person feel, and why?"
_OF: Final = " Choose among: {classes}."

KINDS: Final[dict[str, Kind]] = {
    "label": Kind(_FEELS + _OF, lambda found: found.get("label"), label_of),
    "open": Kind(_FEELS, lambda found: found.get("labels") or found.get("label"), words_of),
    "action units": Kind(_FEELS, lambda found: found.get("aus"), units_of),
    "dimensions": Kind(_FEELS, _point, point_of),
    "sentiment": Kind(_FEELS, lambda found: found.get("sentiment"), sign_of),
    "triple": Kind(_FEELS, _triple, triple_of),
}
"""By the name that a card's `benchmark.task` has."""


def question(task: str, classes: Sequence[str]) -> str:
    """What is asked, the label set filled in; an empty one is not asked about."""
    asked = KINDS[task].question
    return asked.replace("{classes}", ", ".join(classes)) if classes else asked.replace(_OF, "")


def golds(task: str, samples: Iterable[Sample]) -> dict[str, Any]:
    """Id → gold value of the samples that have one."""
    found = {sample.id: KINDS[task].gold(sample.labels) for sample in samples}
    return {id: value for id, value in found.items() if value is not None}
