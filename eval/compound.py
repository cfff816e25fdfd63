"""Compound expressions and the three dimensions of learning: label sets with their own reading.

Sources: C-EXPR-DB's seven classes; PPA, the pairwise sum of two basic probabilities (team RAS,
9th ABAW, 2025); MOTOR-Bench (2026): behaviour, cognition and emotion, macro-F1 each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from agent.facs.prototypes import C_EXPR, PARTS
from eval import labels
from eval.scoring import Array, Excluded, Tally, Unscored, Values, mean_rows

INTENTS: Final = (
    "questioning", "agreeing", "acknowledging", "encouraging", "consoling", "suggesting", "wishing",
    "neutral",
)  # fmt: skip
"""Of MC-EIU, which EmoBench-M takes over."""
DIMENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "behavior": ("monitoring", "controlling", "mixed"),
    "cognition": ("positive", "negative", "mixed", "neutral"),
    "emotion": ("positive", "negative", "mixed", "neutral"),
}
"""Label sets of MOTOR-Bench."""

_LINE: Final = {
    name: re.compile(rf"\b{name[:8].rstrip('io')}\w*\W{{0,4}}(?P<label>[a-z]+)", re.IGNORECASE)
    for name in DIMENSIONS
}


def ppa(shares: Mapping[str, float]) -> str:
    """The compound class whose two basic emotions have the greatest sum; first class on a tie.

    >>> ppa({"fear": 0.4, "surprise": 0.3, "anger": 0.3})
    'fearfully surprised'
    """
    plain = {labels.canonical(name): float(value) for name, value in shares.items()}
    return max(C_EXPR, key=lambda label: sum(plain.get(part, 0.0) for part in PARTS[label]))


def compound(value: Any) -> str:
    """A compound label: named in a text, or by PPA from {basic emotion: probability}."""
    if isinstance(value, Mapping) and "label" not in value:
        shares = value
        if "emotions" in value:
            shares = labels.shares(value["emotions"])
        shares = {n: s for n, s in shares.items() if isinstance(s, int | float)}
        named = {labels.canonical(str(name)) for name in shares}
        if not named & {part for pair in PARTS.values() for part in pair}:
            raise Unscored("no basic emotion among the probabilities")
        return ppa(shares)
    return labels.pick(labels.pred(value), C_EXPR)


def gold_compound(value: Any) -> str:
    """A gold class; other classes are left out, as the challenge does."""
    label = labels.gold(value)
    if label not in C_EXPR:
        raise Excluded("gold is none of the seven classes")
    return label


def triple(value: Any) -> tuple[str, ...]:
    """Behaviour, cognition and emotion, from {behavior, cognition, emotion} or "Behavior: …"."""
    if not isinstance(value, Mapping):
        text = labels.final(labels.pred(value))
        value = {n: m["label"] for n, p in _LINE.items() if (m := p.search(text))}
    found = []
    for name, among in DIMENSIONS.items():
        label = value.get(name) or (value.get("behaviour") if name == "behavior" else None)
        if not label:
            raise Unscored(f"no {name}")
        picked = labels.canonical(str(label))
        if picked not in among:
            raise Unscored(f"{name} is none of its labels")
        found.append(picked)
    return tuple(found)


def gold_triple(value: Any) -> tuple[str, ...]:
    """A gold triple."""
    try:
        return triple(value)
    except Unscored as reason:
        raise Excluded(f"gold: {reason}") from reason


def triple_rows(golds: Sequence[Sequence[str]], preds: Sequence[Sequence[str]]) -> Tally:
    """The confusions of the three dimensions side by side."""
    parts = [
        labels.confusion_rows([g[i] for g in golds], [p[i] for p in preds], labels.macro_f1)
        for i in range(len(DIMENSIONS))
    ]
    ends = np.cumsum([rows.shape[1] for rows, _ in parts])[:-1]

    def score(total: Array) -> Values:
        pieces = np.split(total, ends)
        each = {
            name: of(piece)["macro_f1"]
            for name, (_, of), piece in zip(DIMENSIONS, parts, pieces, strict=True)
        }
        return {"macro_f1": sum(each.values()) / len(each)} | each

    return np.hstack([rows for rows, _ in parts]), score


def pair(value: Any) -> tuple[str, str]:
    """Emotion and intent of MC-EIU, from {emotion, intent}. Raises Unscored."""
    if not isinstance(value, Mapping) or not value.get("emotion") or not value.get("intent"):
        raise Unscored("needs {emotion, intent}")
    intent = str(value["intent"]).strip().lower()
    if intent not in INTENTS:
        raise Unscored("intent is none of its labels")
    return labels.canonical(str(value["emotion"])), intent


def gold_pair(value: Any) -> tuple[str, str]:
    """A gold emotion and intent."""
    try:
        return pair(value)
    except Unscored as reason:
        raise Excluded(f"gold: {reason}") from reason


def pair_rows(golds: Sequence[tuple[str, str]], preds: Sequence[tuple[str, str]]) -> Tally:
    """Share with both right, and weighted F1 of each beside it."""
    both = [[float(g == p)] for g, p in zip(golds, preds, strict=True)]
    rows, joint = mean_rows(both, ["joint"])
    parts = [
        labels.confusion_rows([g[i] for g in golds], [p[i] for p in preds], labels.waf)
        for i in range(2)
    ]
    ends = np.cumsum([rows.shape[1], parts[0][0].shape[1]])

    def score(total: Array) -> Values:
        first, *rest = np.split(total, ends)
        named = zip(("emotion_waf", "intent_waf"), parts, rest, strict=True)
        return joint(first) | {name: of(piece)["waf"] for name, (_, of), piece in named}

    return np.hstack([rows, *(part for part, _ in parts)]), score


def polarity(value: Any) -> str:
    """Sentiment by its sign or its word. Raises Unscored; 0 and "neutral" are "neutral"."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "positive" if value > 0 else "negative" if value < 0 else "neutral"
    text = labels.pred(value)
    try:
        return polarity(float(text))
    except ValueError:
        return labels.pick(text, ("positive", "negative", "neutral"))


def gold_polarity(value: Any) -> str:
    """Gold sentiment; zeros are left out, as MER-UniBench does."""
    try:
        sign = polarity(value)
    except Unscored as reason:
        raise Excluded(f"gold: {reason}") from reason
    if sign not in {"positive", "negative"}:
        raise Excluded("gold is neutral")
    return sign
