"""Learns the weights of the words' reading from GoEmotions.

    python -m finetune.reading.words --data FOLDER --out agent/reading/weights/words.npz
    python -m finetune.reading.words_scores --data FOLDER --weights agent/reading/weights/words.npz

FOLDER holds goemotions_train.tsv and goemotions_labels.txt as published (Demszky et al. 2020,
CC BY 4.0). Everything is learned and chosen on the training part; the scores are read on others.
A multinomial logistic regression on the shares of the labels that raters gave, over words, pairs,
pieces of words and what is negated; each row of features has length 1. Placeholders for names are
taken out, for people say names.
"""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from agent.reading.word_features import FUNCTION, NOT, features, tokens
from agent.reading.words import LABELS, WordsWeights

Array = npt.NDArray[np.float64]

EKMAN: Final = {
    "anger": "anger annoyance disapproval",
    "disgust": "disgust",
    "fear": "fear nervousness",
    "happiness": "joy amusement approval excitement gratitude love optimism relief pride "
    "admiration desire caring",
    "sadness": "sadness disappointment embarrassment grief remorse",
    "surprise": "surprise realization confusion curiosity",
    "neutral": "neutral",
}
"""The mapping published with GoEmotions; its "joy" is our happiness."""

PENALTY: Final = 3e-5
"""Of the squared weights, per row. Tried on a third of the training part: 1e-5, 3e-5."""
STEPS: Final = 80
"""Of L-BFGS."""
FOLDS: Final = 3
LEAST: Final = {"word": 2, "pair": 3, "piece": 8}
"""Rows that a feature must stand in."""
COUNTS: Final = {"word": 1.0, "pair": 0.7, "piece": 0.3}
"""How much a feature counts, before its rarity."""
COMMON: Final = 20
"""Rows in which a common word stands."""
_LEANS: Final = 2.2
"""How many times more often than usual a label must stand at a word that leans to it."""
_SEEN: Final = 10
"""Rows in which a word must stand for that."""
_PLACEHOLDER: Final = re.compile(r"\[(NAME|RELIGION)\]")


@dataclass(frozen=True, slots=True)
class Comments:
    """Texts and what raters felt in them."""

    texts: tuple[str, ...]
    labels: Array
    """Texts × LABELS: 1 where the label holds; a text may have several."""

    def part(self, rows: npt.NDArray[np.intp]) -> Comments:
        """Some of them."""
        return Comments(tuple(self.texts[n] for n in rows), self.labels[rows])


def comments(path: Path) -> Comments:
    """A table of GoEmotions (text, numbers of labels, id) with its labels as ours."""
    names = path.with_name("goemotions_labels.txt").read_text(encoding="utf-8").split()
    ours = {name: LABELS.index(label) for label, many in EKMAN.items() for name in many.split()}
    texts, labels = [], []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if not line.strip():
            continue
        text, numbers, _ = line.split("\t")
        row = np.zeros(len(LABELS))
        row[[ours[names[int(number)]] for number in numbers.split(",")]] = 1
        texts.append(_PLACEHOLDER.sub(" ", text))
        labels.append(row)
    return Comments(tuple(texts), np.array(labels))


def same(texts: Sequence[str]) -> list[str]:
    """Texts without marks and capitals: what counts as the same text said twice."""
    return [re.sub(r"\W+", " ", text.lower()).strip() for text in texts]


def kind(name: str) -> str:
    """word, pair or piece."""
    if name.startswith("~"):
        return "piece"
    return "pair" if " " in name else "word"


def leanings(given: Comments) -> dict[str, str]:
    """Word → the label but neutral that stands at it far more often than elsewhere."""
    usual = np.maximum(given.labels.mean(0), 1e-6)
    seen: Counter[str] = Counter()
    held: dict[str, Array] = {}
    for text, row in zip(given.texts, given.labels, strict=True):
        for word in {token.text for token in tokens(text) if token.negator is None and token.word}:
            seen[word] += 1
            held[word] = held.get(word, np.zeros(len(LABELS))) + row
    found = {}
    for word, count in seen.items():
        if count < _SEEN or word in FUNCTION:
            continue
        # Five rows of what is usual beside the counted ones.
        more = (held[word] + 5 * usual) / (count + 5) / usual
        best = 1 + int(np.argmax(more[1:]))
        if more[best] >= _LEANS:
            found[word] = LABELS[best]
    return found


def learn(given: Comments) -> WordsWeights:
    """Weights from these comments alone, not yet calibrated."""
    lean = leanings(given)
    rows = cut(given.texts, lean)
    seen = Counter(name for row in rows for name in row)
    names = tuple(sorted(name for name, count in seen.items() if count >= LEAST[kind(name)]))
    rarity = [math.log((1 + len(rows)) / (1 + seen[name])) + 1 for name in names]
    values = np.array(
        [COUNTS[kind(name)] * rare for name, rare in zip(names, rarity, strict=True)]
    ).astype(np.float16)
    weights, prior = fit(table(rows, names, values), given.labels)
    plain = {name for name, count in seen.items() if count >= COMMON and kind(name) == "word"}
    return WordsWeights(
        names=names,
        weights=weights.astype(np.float32),
        values=values.astype(np.float32),
        prior=prior.astype(np.float32),
        leanings=lean,
        shares=given.labels.mean(0).astype(np.float32),
        thresholds=np.full(len(LABELS), 0.5, np.float32),
        common=frozenset(name for name in plain if name[0].isalpha()),
    )


def cut(texts: Sequence[str], lean: dict[str, str]) -> list[set[str]]:
    """Names of the features of each text."""
    return [{feature.name for feature in features(tokens(text), lean)} for text in texts]


def table(rows: Sequence[set[str]], names: Sequence[str], values: npt.NDArray[Any]) -> Any:
    """Rows × features as a sparse matrix, each row of length 1."""
    places = {name: n for n, name in enumerate(names)}
    known = [[places[name] for name in sorted(row) if name in places] for row in rows]
    ends = np.cumsum([0, *map(len, known)])
    columns = np.fromiter((n for row in known for n in row), np.int64, int(ends[-1]))
    made = sparse.csr_matrix(
        (values[columns].astype(np.float64), columns, ends), shape=(len(rows), len(names))
    )
    length = np.sqrt(np.asarray(made.multiply(made).sum(1)).ravel())
    return (sparse.diags(1 / np.maximum(length, 1e-9)) @ made).tocsr()


def fit(made: Any, labels: Array) -> tuple[Array, Array]:
    """Weights, features × labels, and prior, of least cross-entropy against shares of labels."""
    rows, count = made.shape
    shares = labels / labels.sum(1, keepdims=True)
    turned = made.T.tocsr()
    size = count * len(LABELS)

    def loss(flat: Array) -> tuple[float, Array]:
        weights, prior = flat[:size].reshape(count, -1), flat[size:]
        scores = log_softmax(made @ weights + prior)
        error = (np.exp(scores) - shares) / rows
        slope = turned @ error + PENALTY * weights
        value = -(shares * scores).sum() / rows + PENALTY / 2 * (weights**2).sum()
        return float(value), np.concatenate([slope.ravel(), error.sum(0)])

    start = np.zeros(size + len(LABELS))
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}
    ).x
    return found[:size].reshape(count, -1), found[size:]


def log_softmax(logits: Array) -> Array:
    """Log-shares of rows of logits."""
    low = logits - logits.max(1, keepdims=True)
    return np.asarray(low - np.log(np.exp(low).sum(1, keepdims=True)))


def logits(weights: WordsWeights, texts: Sequence[str]) -> Array:
    """Texts × LABELS; also of texts that `read_words` would not read."""
    rows = cut(texts, dict(weights.leanings))
    made = table(rows, weights.names, weights.values)
    return np.asarray(made @ weights.weights.astype(np.float64) + weights.prior)


def held_out(given: Comments) -> Array:
    """Logits of each comment by weights learned from others; equal texts stay together."""
    groups: dict[str, int] = {}
    group = np.array([groups.setdefault(text, len(groups)) for text in same(given.texts)])
    fold = np.random.default_rng(0).integers(0, FOLDS, len(groups))[group]
    found = np.zeros((len(given.texts), len(LABELS)))
    for n in range(FOLDS):
        mine = np.flatnonzero(fold == n)
        weights = learn(given.part(np.flatnonzero(fold != n)))
        found[mine] = logits(weights, given.part(mine).texts)
    return found


def temperature(scores: Array, labels: Array) -> float:
    """By which logits are divided for the least cross-entropy."""
    shares = labels / labels.sum(1, keepdims=True)
    found = optimize.minimize_scalar(
        lambda heat: -(shares * log_softmax(scores / heat)).sum(), bounds=(0.3, 3.0)
    )
    return float(found.x)


def thresholds(shares: Array, labels: Array) -> Array:
    """One a label: the share from which saying it gives the highest F1."""
    steps = np.linspace(0.03, 0.7, 68)
    best = []
    for mine, true in zip(shares.T, labels.T, strict=True):
        said = mine[:, None] >= steps
        right = (said & (true[:, None] == 1)).sum(0)
        best.append(steps[np.argmax(2 * right / np.maximum(1, said.sum(0) + true.sum()))])
    return np.array(best)


def calibrated(weights: WordsWeights, scores: Array, labels: Array) -> WordsWeights:
    """With logits whose softmax is as often right as it says, and thresholds on it."""
    heat = temperature(scores, labels)
    print(f"temperature {heat:.3f}")
    return replace(
        weights,
        weights=weights.weights / np.float32(heat),
        prior=weights.prior / np.float32(heat),
        thresholds=thresholds(np.exp(log_softmax(scores / heat)), labels).astype(np.float32),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m finetune.reading.words", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of GoEmotions")
    parser.add_argument("--out", type=Path, required=True, help="file of weights to write")
    given = parser.parse_args(arguments)
    found = comments(given.data / "goemotions_train.tsv")
    scores = held_out(found)
    weights = calibrated(learn(found), scores, found.labels)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    weights.save(given.out)
    negated = sum(name.startswith(NOT) for name in weights.names)
    size = given.out.stat().st_size
    print(f"{len(weights.names)} features, {negated} of them negated words; {size} bytes")


if __name__ == "__main__":
    main()
