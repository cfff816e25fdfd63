"""Single labels: reading one out of an answer, and the scores of a confusion.

Knows words for emotions, no model. An answer that names no label, or several, is unscored;
it never becomes "neutral" and never the first label that comes along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np

from eval.scoring import Array, Excluded, MeasureError, Score, Tally, Unscored, Values, ratio

FORMS: Final[dict[str, str]] = {
    "happiness": "happy joy joyful happily",
    "sadness": "sad sadly sorrow",
    "anger": "angry angrily",
    "fear": "fearful afraid scared fearfully",
    "surprise": "surprised surprisingly",
    "disgust": "disgusted",
    "contempt": "contemptuous",
    "neutral": "neutrality",
    "worry": "worried",
    "confusion": "confused",
    "fatigue": "tired fatigued",
    "distraction": "distracted",
    "boredom": "bored",
    "frustration": "frustrated",
    "excitement": "excited",
    "calm": "calmness",
    "positive": "pos",
    "negative": "neg",
    "ambivalence": "ambivalent hesitancy hesitant",
}
"""Label and the other forms of the same word."""

_BASE: Final = {form: base for base, forms in FORMS.items() for form in (base, *forms.split())}
_ANSWER: Final = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_THOUGHT: Final = re.compile(r"<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_DENIED: Final = re.compile(
    r"(?:\b(?:not|no|never|without|neither|nor|isn't|aren't|wasn't|rather than|instead of))"
    r"(?:\s+\w+){0,2}\s*$"
)
MOST: Final = 60
"""Labels of one set; a confusion of more is not a confusion but free text."""
OTHER: Final = "\0other"
"""A readable label outside the set of the golds."""


def canonical(label: str) -> str:
    """Lower case, plain spaces, no punctuation around, and one form of each known word.

    >>> canonical(" Sad. ")
    'sadness'
    """
    plain = " ".join(label.lower().strip(" \t\n.,;:!?*\"'`“”[]()").replace("_", " ").split())
    return _BASE.get(plain, plain)


def final(text: str) -> str:
    """What an answer says in the end: the last <answer>, else all but the thoughts."""
    answers = _ANSWER.findall(text)
    return str(answers[-1]) if answers else _THOUGHT.sub(" ", text)


def gold(value: Any) -> str:
    """One gold label."""
    text = value.get("label") if isinstance(value, Mapping) else value
    if not isinstance(text, str) or not text.strip():
        raise Excluded("no gold label")
    if "," in text:
        raise Excluded("gold holds several labels")
    return canonical(text)


def pred(value: Any) -> str:
    """The words that should hold one label, still to be fitted to a label set."""
    if isinstance(value, Mapping):
        found = shares(value.get("emotions"))
        value = value.get("label") or max(found, key=found.__getitem__, default=None)
    if not isinstance(value, str) or not value.strip():
        raise Unscored("empty prediction")
    return value


def shares(emotions: Any) -> dict[str, float]:
    """Canonical label → share from [{label, share}, …]; what is not of that shape is left out."""
    items = emotions if isinstance(emotions, list | tuple) else ()
    return {
        canonical(str(e["label"])): float(e["share"])
        for e in items
        if isinstance(e, Mapping) and e.get("label") and isinstance(e.get("share"), int | float)
    }


def settle(golds: Sequence[str]) -> Callable[[str], str]:
    """What picks the label that an answer names, out of those of the golds."""
    return partial(pick, among=tuple(sorted(set(golds))))


def pick(answer: str, among: tuple[str, ...]) -> str:
    """The one label that an answer names, OTHER for an emotion that is none of them.

    Raises Unscored where it names none or several.

    >>> pick("<think>not happy</think><answer>Sad</answer>", ("happiness", "sadness"))
    'sadness'
    """
    text = final(answer)
    whole = canonical(text)
    if whole in among:
        return whole
    if whole in FORMS:
        return OTHER
    low = text.lower()
    named = {
        _BASE.get(match[0], match[0])
        for match in _pattern(among).finditer(low)
        if not _DENIED.search(low[: match.start()])
    }
    if len(named) > 1:
        raise Unscored("names several labels")
    if not named:
        raise Unscored("names no label")
    label = named.pop()
    return label if label in among else OTHER


@lru_cache(maxsize=64)
def _pattern(among: tuple[str, ...]) -> re.Pattern[str]:
    words = {*among, *_BASE}
    longest = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")


def confusion_rows(golds: Sequence[str], preds: Sequence[str], score: Any) -> Tally:
    """One-hot rows over the confusion: golds' labels × the same labels and "anything else"."""
    names = sorted(set(golds))
    if len(names) > MOST:
        raise MeasureError(
            f"the gold has {len(names)} different labels; measures of single labels work with up "
            f"to {MOST}, mer-wheel and mer-hit with open ones"
        )
    index = {name: i for i, name in enumerate(names)}
    wide = len(names) + 1
    rows = np.zeros((len(golds), len(names) * wide), dtype=np.uint8)
    at = [index[g] * wide + index.get(p, wide - 1) for g, p in zip(golds, preds, strict=True)]
    rows[np.arange(len(golds)), at] = 1
    return rows, _named(score, names)


def _named(score: Any, names: Sequence[str]) -> Score:
    def of(total: Array) -> Values:
        result: Values = score(total.reshape(len(names), len(names) + 1), names)
        return result

    return of


def confusion(golds: Sequence[str], preds: Sequence[str]) -> tuple[Array, list[str]]:
    """Counts, gold labels × predicted labels and, last, anything else; and the labels."""
    rows, _ = confusion_rows(golds, preds, _no_score)
    names = sorted(set(golds))
    return rows.sum(axis=0, dtype=np.float64).reshape(len(names), len(names) + 1), names


def _no_score(_: Array, __: Sequence[str]) -> Values:
    return {}


def war(table: Array, names: Sequence[str]) -> Values:
    """Weighted average recall, which is accuracy; with UAR beside it."""
    hits = float(np.trace(table[:, :-1]))
    return {"war": ratio(hits, float(table.sum())), "uar": uar(table, names)["uar"]}


def uar(table: Array, names: Sequence[str]) -> Values:
    """Recall averaged over the classes that the gold has."""
    hits, totals = np.diag(table[:, :-1]), table.sum(axis=1)
    recalls = {
        n: ratio(h, t) for n, h, t in zip(names, hits.tolist(), totals.tolist(), strict=True)
    }
    there = [value for value in recalls.values() if value == value]
    return {"uar": ratio(sum(there), len(there))} | {f"recall {n}": v for n, v in recalls.items()}


def class_f1(table: Array) -> tuple[Array, Array]:
    """F1 and support of each gold class; F1 is 0 for a class without any hit."""
    hits, support = np.diag(table[:, :-1]), table.sum(axis=1)
    both = support + table[:, :-1].sum(axis=0)
    return np.divide(2 * hits, both, out=np.zeros_like(hits), where=both > 0), support


def waf(table: Array, names: Sequence[str]) -> Values:
    """Mean of the classes' F1, weighted by how often the gold has them."""
    f1, support = class_f1(table)
    weighted = ratio(float((f1 * support).sum()), float(support.sum()))
    return {"waf": weighted} | {k: v for k, v in war(table, names).items() if k == "war"}


def macro_f1(table: Array, names: Sequence[str]) -> Values:
    """Mean of the classes' F1 over the classes that the gold has."""
    f1, support = class_f1(table)
    there = support > 0
    mean = ratio(float(f1[there].sum()), float(there.sum()))
    return {"macro_f1": mean} | {f"f1 {n}": float(v) for n, v in zip(names, f1, strict=True)}


def micro_f1(table: Array, _: Sequence[str]) -> Values:
    """2·TP over golds and predictions within the set; a label outside it is a miss only."""
    hits = float(np.trace(table[:, :-1]))
    return {"micro_f1": ratio(2 * hits, float(table.sum() + table[:, :-1].sum()))}
