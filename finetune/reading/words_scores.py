"""How well the words' reading does on comments and dialogue it never saw.

    python -m finetune.reading.words_scores --data FOLDER --weights agent/reading/weights/words.npz

FOLDER holds goemotions_dev.tsv, goemotions_train.tsv and goemotions_labels.txt, and meld_dev.csv
where that is to be read too (Poria et al. 2019, GPL-3.0: read to validate, nothing is learned).
Prints JSON. Intervals: 95 %, from drawing texts again a thousand times. Authors are not known, so
texts cannot be kept apart by author; texts of the training part said again are left out.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.reading.words import LABELS, WordsWeights
from finetune.reading import words
from finetune.reading.words import Array, Comments

DRAWS: Final = 1000
BINS: Final = 15
"""Of confidence, for the calibration error."""
MELD: Final = {"joy": "happiness"} | {label: label for label in LABELS if label != "happiness"}

Said = npt.NDArray[np.bool_]


def f1(true: Said, said: Said) -> Array:
    """F1 of each label; both texts × labels."""
    right = (true & said).sum(0)
    return np.asarray(2 * right / np.maximum(1, true.sum(0) + said.sum(0)))


def with_interval(score: Callable[[npt.NDArray[np.intp]], float], rows: int) -> list[float]:
    """A score of all rows, and the 95 % interval over rows drawn again."""
    draw = np.random.default_rng(0)
    again = [score(draw.integers(0, rows, rows)) for _ in range(DRAWS)]
    ends = np.quantile(again, [0.025, 0.975])
    return [round(float(value), 3) for value in (score(np.arange(rows)), *ends)]


def ece(sure: Array, right: Said) -> float:
    """Expected calibration error over equal bins of confidence."""
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [
        abs(sure[place == n].mean() - right[place == n].mean()) * (place == n).mean()
        for n in range(BINS)
        if (place == n).any()
    ]
    return float(sum(gaps))


def auroc(score: Array, positive: Said) -> float:
    """Chance that a positive scores above a negative."""
    order = np.argsort(np.argsort(score, kind="stable"))
    count = int(positive.sum())
    below = order[positive].sum() - count * (count - 1) / 2
    return float(below / max(1, count * (len(positive) - count)))


def scores(weights: WordsWeights, given: Comments) -> dict[str, Any]:
    """Everything of one set.

    several: each label whose share passes its threshold, on all texts. one: on texts with one
    label, the greatest share; and, "even", the greatest share next to its label's threshold,
    which finds more of the rare labels.
    """
    true = given.labels.astype(bool)
    shares = np.exp(words.log_softmax(words.logits(weights, given.texts)))
    several = shares >= weights.thresholds
    single = np.flatnonzero(true.sum(1) == 1)
    one, sure = true[single], shares[single].max(1)
    plain = np.eye(len(LABELS), dtype=bool)[shares[single].argmax(1)]
    even = np.eye(len(LABELS), dtype=bool)[(shares / weights.thresholds)[single].argmax(1)]
    right = (plain & one).any(1)

    def macro(truth: Said, said: Said) -> list[float]:
        return with_interval(lambda rows: f1(truth[rows], said[rows]).mean(), len(truth))

    return {
        "texts": len(true),
        "several": {"macro_f1": macro(true, several), "f1": _by_label(f1(true, several))},
        "one": {
            "texts": len(single),
            "accuracy": with_interval(lambda rows: right[rows].mean(), len(single)),
            "macro_f1": macro(one, plain),
            "f1": _by_label(f1(one, plain)),
            "even_macro_f1": macro(one, even),
            "even_f1": _by_label(f1(one, even)),
            "ece": with_interval(lambda rows: ece(sure[rows], right[rows]), len(single)),
            "auroc_of_right": with_interval(
                lambda rows: auroc(sure[rows], right[rows]), len(single)
            ),
        },
    }


def _by_label(values: Array) -> dict[str, float]:
    return {label: round(float(value), 3) for label, value in zip(LABELS, values, strict=True)}


def dialogue(path: Path) -> Comments:
    """MELD's turns with our labels."""
    with path.open(encoding="utf-8", newline="") as held:
        rows = list(csv.DictReader(held))
    labels = np.array([[float(MELD[row["Emotion"]] == label) for label in LABELS] for row in rows])
    return Comments(tuple(row["Utterance"] for row in rows), labels)


def new(given: Comments, train: Comments) -> Comments:
    """Those not said in the training part, word for word."""
    seen = set(words.same(train.texts))
    return given.part(
        np.array([n for n, text in enumerate(words.same(given.texts)) if text not in seen], np.intp)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m finetune.reading.words_scores")
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--weights", type=Path, required=True, help="file of weights")
    given = parser.parse_args(arguments)
    weights = WordsWeights.load(given.weights)
    dev = words.comments(given.data / "goemotions_dev.tsv")
    fresh = new(dev, words.comments(given.data / "goemotions_train.tsv"))
    found = {"goemotions dev": scores(weights, dev), "of it, new texts": scores(weights, fresh)}
    meld = given.data / "meld_dev.csv"
    if meld.is_file():
        found["meld dev"] = scores(weights, dialogue(meld))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
