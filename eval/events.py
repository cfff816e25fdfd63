"""Lists of events and of pairs: temporal event matching, emotion–cause pairs.

TEM follows FEC-Bench (FaceTrack-MM, 2025) as far as its abstract tells: events of the reference
and of the prediction are compared pairwise (entail, neutral, contradict) and matched in order by
the longest common subsequence. Who compares is a parameter; `by_units` needs no judge: the same
muscle asserted twice entails, asserted here and denied there contradicts. Pairs: Xia & Ding 2019.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np

from agent.grounding.mentions import mentions
from eval.agreement import f1
from eval.labels import canonical
from eval.scoring import Array, Excluded, Tally, Unscored, Values, ratio

Relation = Literal["entail", "neutral", "contradict"]
Judge = Callable[[str, str], Relation]
Pair = tuple[str, str]
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|\n+")


def events(value: Any) -> tuple[str, ...]:
    """Events in order: a list of sentences, or a text cut at its sentences."""
    items = _SENTENCE.split(value) if isinstance(value, str) else value
    if not isinstance(items, Sequence):
        raise Unscored("neither text nor a list of events")
    found = tuple(str(item).strip() for item in items if str(item).strip())
    if not found:
        raise Unscored("empty prediction")
    return found


def gold_events(value: Any) -> tuple[str, ...]:
    """Reference events."""
    try:
        return events(value)
    except Unscored as reason:
        raise Excluded("no reference events") from reason


def by_units(reference: str, candidate: str) -> Relation:
    """What two sentences about a face say of each other, by the movements they name.

    Entails where both name the same movements alike, contradicts where one denies what the other
    asserts, else neutral. A sentence of several movements is held against them as a set; `steps`
    cuts it where it says that one follows the other.
    """
    wanted = {(code, m.negated) for m in mentions(reference) for code in m.codes[:1]}
    found = {(code, m.negated) for m in mentions(candidate) for code in m.codes[:1]}
    if any((code, not denied) in wanted for code, denied in found):
        return "contradict"
    return "entail" if wanted and wanted <= found else "neutral"


_EARLIER: Final = re.compile(
    r"^\W*(?:before|until)\s+(?P<first>[^,]+),\s*(?P<second>.+)$", re.IGNORECASE
)
_LATER: Final = re.compile(
    r"^\W*(?:after|once|as soon as|when)\s+(?P<first>[^,]+),\s*(?P<second>.+)$", re.IGNORECASE
)
_THEN: Final = re.compile(
    r"[,;]?\s*\b(?:and\s+|but\s+)?(?:then|next|afterwards|after that|later(?: on)?|finally|"
    r"followed by|before|until|eventually|subsequently)\b[,:]?\s*"
    r"|\s*(?:→|->)\s*",
    re.IGNORECASE,
)
_AFTER: Final = re.compile(r",?\s*\b(?:after|following|preceded by|once)\b\s*", re.IGNORECASE)


def steps(told: Sequence[str]) -> list[str]:
    """Events in the order in which they happen: a sentence of several is cut at "then", "before",
    "after" and the like, unless one of its parts would name nothing.

    >>> steps(["She frowns after she smiles."])
    ['she smiles.', 'She frowns']
    """
    sentences = [sentence for text in told for sentence in _SENTENCE.split(text)]
    return [step for sentence in sentences if sentence.strip() for step in _steps(sentence)]


def _steps(sentence: str) -> list[str]:
    if match := _EARLIER.match(sentence):
        parts = [*_steps(match["second"]), *_steps(match["first"])]
    elif match := _LATER.match(sentence):
        parts = [*_steps(match["first"]), *_steps(match["second"])]
    elif len(later := _AFTER.split(sentence, maxsplit=1)) == 2 and all(map(mentions, later)):
        parts = [*_steps(later[1]), *_steps(later[0])]
    else:
        parts = _THEN.split(sentence)
    parts = [part.strip() for part in parts if part.strip()]
    return parts if len(parts) > 1 and all(map(mentions, parts)) else [sentence]


def tem(reference: Sequence[str], candidate: Sequence[str], judge: Judge = by_units) -> Array:
    """Matches in order, matches in any order, contradictions, and both lengths."""
    reference, candidate = steps(reference), steps(candidate)
    m, n = len(reference), len(candidate)
    verdicts = [[judge(r, c) for c in candidate] for r in reference]
    best = np.zeros((m + 1, n + 1), dtype=np.int64)
    for i in range(m):
        for j in range(n):
            hit = verdicts[i][j] == "entail"
            best[i + 1, j + 1] = max(best[i, j + 1], best[i + 1, j], best[i, j] + hit)
    recalled = sum("entail" in row for row in verdicts)
    backed = sum(any(row[j] == "entail" for row in verdicts) for j in range(n))
    against = sum(any(row[j] == "contradict" for row in verdicts) for j in range(n))
    return np.array([best[m, n], recalled, backed, against, m, n], dtype=np.float64)


def tem_rows(
    golds: Sequence[Sequence[str]], preds: Sequence[Sequence[str]], judge: Judge = by_units
) -> Tally:
    """TEM F1 pooled over all events; F1 without regard to order; contradictions per event."""
    table = [tem(g, p, judge) for g, p in zip(golds, preds, strict=True)]
    return np.array(table).reshape(len(table), 6), _tem


def _tem(total: Array) -> Values:
    ordered, recalled, backed, against, m, n = total.tolist()
    recall, precision = ratio(recalled, m), ratio(backed, n)
    loose = ratio(2 * precision * recall, precision + recall) if precision + recall else 0.0
    tem_f1 = ratio(2 * ordered, m + n)
    return {
        "tem_f1": tem_f1,
        "tem_precision": ratio(ordered, n),
        "tem_recall": ratio(ordered, m),
        "order_free_f1": loose,
        "ordering_error": loose - tem_f1,
        "contradictions": ratio(against, n),
    }


def pairs(value: Any) -> frozenset[Pair]:
    """Emotion–cause pairs: [["3_joy", "2"], …], or "3_joy-2, …". Raises Unscored."""
    if isinstance(value, str):
        value = [part.rsplit("-", 1) for part in value.split(",") if part.strip()]
    if not isinstance(value, Sequence):
        raise Unscored("neither text nor a list of pairs")
    found = set()
    for item in value:
        if not isinstance(item, Sequence) or isinstance(item, str) or len(item) != 2:
            raise Unscored("not a pair of utterance_emotion and cause")
        where, _, emotion = str(item[0]).strip().partition("_")
        if not emotion:
            raise Unscored("not a pair of utterance_emotion and cause")
        found.add((f"{where}_{canonical(emotion)}", str(item[1]).strip()))
    return frozenset(found)


def gold_pairs(value: Any) -> frozenset[Pair]:
    """Gold pairs; none is a conversation without any."""
    try:
        return pairs(value)
    except Unscored as reason:
        raise Excluded(f"gold: {reason}") from reason


def pair_rows(golds: Sequence[frozenset[Pair]], preds: Sequence[frozenset[Pair]]) -> Tally:
    """F1 per emotion pooled over conversations, averaged by how often the gold has it."""
    names = sorted({_emotion(p) for side in (golds, preds) for each in side for p in each})
    index = {name: i for i, name in enumerate(names)}
    table = np.zeros((len(golds), len(names), 3))
    for row, wanted, found in zip(table, golds, preds, strict=True):
        for kind, members in enumerate((wanted & found, found - wanted, wanted - found)):
            for pair in members:
                row[index[_emotion(pair)], kind] += 1

    def score(total: Array) -> Values:
        counts: Mapping[str, Sequence[float]] = dict(
            zip(names, total.reshape(len(names), 3).tolist(), strict=True)
        )
        weight = {n: c[0] + c[2] for n, c in counts.items()}
        each = {n: f1(*c) for n, c in counts.items()}
        known = [n for n in names if weight[n]]
        weighted = ratio(sum(weight[n] * each[n] for n in known), sum(weight.values()))
        pooled = f1(*total.reshape(len(names), 3).sum(axis=0).tolist())
        return {"weighted_f1": weighted, "f1": pooled} | {f"f1 {n}": each[n] for n in known}

    return table.reshape(len(golds), -1), score


def _emotion(pair: Pair) -> str:
    return pair[0].partition("_")[2]
