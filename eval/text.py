"""Text against reference texts: ROUGE-L, CIDEr-D, BLEU, as published, without dependencies.

Sources: Papineni et al. 2002 (BLEU-4 over all samples, closest reference for the length); Lin 2004
(ROUGE-L: F1 of the longest common subsequence); Vedantam et al. 2015 (CIDEr-D: n-grams 1-4, tf-idf
over the references of the whole set, length penalty σ = 6, ×10). Words are runs of letters and
digits in lower case; no stemming.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from eval.scoring import Array, Excluded, Tally, Unscored, Values, mean_rows

_WORD: Final = re.compile(r"[^\W_]+")
_LONGEST: Final = 4
_SIGMA: Final = 6.0
Grams = Counter[tuple[str, ...]]


def words(text: str) -> list[str]:
    """Words in lower case."""
    return _WORD.findall(text.lower())


def gold(value: Any) -> tuple[str, ...]:
    """One reference text or several."""
    texts = value if isinstance(value, list | tuple) else [value]
    kept = tuple(t for t in texts if isinstance(t, str) and words(t))
    if not kept:
        raise Excluded("no reference text")
    return kept


def pred(value: Any) -> str:
    """A text; of an answer its `answer`."""
    if isinstance(value, Mapping):
        value = value.get("answer") or value.get("caption")
    if not isinstance(value, str) or not words(value):
        raise Unscored("empty prediction")
    return value


def rouge_l(reference: str, text: str) -> float:
    """F1 of the longest common subsequence of words, 0…1."""
    a, b = words(reference), words(text)
    common = lcs(a, b)
    return 2 * common / (len(a) + len(b)) if common else 0.0


def lcs(a: Sequence[object], b: Sequence[object]) -> int:
    """Length of the longest common subsequence; one row of bits an item (Hyyrö 2004)."""
    where: dict[object, int] = {}
    for i, item in enumerate(a):
        where[item] = where.get(item, 0) | 1 << i
    full = (1 << len(a)) - 1
    row = full
    for item in b:
        hits = row & where.get(item, 0)
        row = ((row + hits) | (row - hits)) & full
    return len(a) - row.bit_count()


def rouge_rows(golds: Sequence[Sequence[str]], preds: Sequence[str]) -> Tally:
    """The best reference counts for each sample."""
    best = [[max(rouge_l(g, text) for g in refs)] for refs, text in zip(golds, preds, strict=True)]
    return mean_rows(best, ["rouge_l"])


def bleu_rows(golds: Sequence[Sequence[str]], preds: Sequence[str]) -> Tally:
    """BLEU of all samples together, 0…1: clipped matches and lengths are summed before it."""
    rows = []
    for refs, text in zip(golds, preds, strict=True):
        found, wanted = _grams(text), Counter[tuple[str, ...]]()
        for ref in refs:
            wanted |= _grams(ref)
        size, lengths = len(words(text)), [len(words(ref)) for ref in refs]
        closest = min(lengths, key=lambda n: (abs(n - size), n))
        hits, of = [0] * _LONGEST, [0] * _LONGEST
        for gram, count in found.items():
            hits[len(gram) - 1] += min(count, wanted[gram])
            of[len(gram) - 1] += count
        rows.append([*hits, *of, size, closest])
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2 * _LONGEST + 2), _bleu


def _bleu(total: Array) -> Values:
    """Geometric mean of the precisions of 1 to 4 words, times the penalty for short texts."""
    hits, of = total[:_LONGEST], total[_LONGEST : 2 * _LONGEST]
    size, wanted = float(total[-2]), float(total[-1])
    precisions = [float(h / n) if n else 0.0 for h, n in zip(hits, of, strict=True)]
    short = 1.0 if size >= wanted else math.exp(1 - wanted / size) if size else 0.0
    whole = math.exp(sum(map(math.log, precisions)) / _LONGEST) if all(precisions) else 0.0
    each = {f"precision_{n}": p for n, p in enumerate(precisions, 1)}
    return {"bleu": short * whole, **each, "brevity": short}


def cider_rows(golds: Sequence[Sequence[str]], preds: Sequence[str]) -> Tally:
    """CIDEr-D of each sample, 0…10; the weights come from the references of the whole set."""
    references = [[_grams(text) for text in refs] for refs in golds]
    seen: Grams = Counter()
    for refs in references:
        seen.update({gram for grams in refs for gram in grams})
    weigh = math.log(max(len(references), 1))
    rows = []
    for refs, text in zip(references, preds, strict=True):
        grams = _grams(text)
        scores = [_cider(ref, grams, seen, weigh) for ref in refs]
        rows.append([sum(scores) / len(scores)])
    return mean_rows(rows, ["cider_d"])


def _grams(text: str) -> Grams:
    tokens = words(text)
    return Counter(
        tuple(tokens[i : i + n]) for n in range(1, _LONGEST + 1) for i in range(len(tokens) - n + 1)
    )


def _cider(reference: Grams, candidate: Grams, seen: Grams, weigh: float) -> float:
    """Clipped cosine of tf-idf vectors, averaged over n, with the length penalty, ×10."""

    def vector(grams: Grams, n: int) -> dict[tuple[str, ...], float]:
        return {g: c * (weigh - math.log(max(1, seen[g]))) for g, c in grams.items() if len(g) == n}

    apart = sum(c for g, c in reference.items() if len(g) == 1)
    apart -= sum(c for g, c in candidate.items() if len(g) == 1)
    penalty = math.exp(-(apart**2) / (2 * _SIGMA**2))
    total = 0.0
    for n in range(1, _LONGEST + 1):
        r, c = vector(reference, n), vector(candidate, n)
        norm = math.sqrt(sum(v * v for v in r.values()) * sum(v * v for v in c.values()))
        dot = sum(min(value, r.get(gram, 0.0)) * r.get(gram, 0.0) for gram, value in c.items())
        total += penalty * dot / norm if norm else 0.0
    return 10 * total / _LONGEST
