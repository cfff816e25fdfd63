"""What English words say of a feeling: an additive reading of one sentence.

    >>> reading = read_words("I have never been so glad!")
    >>> max(reading.logits, key=reading.logits.get)
    'happiness'

Knows words and the weights learned from what readers felt in comments (finetune/reading/words.py,
docs/model_cards/words.md); no voice, no face, no other language. It reads what is *said*: irony,
quotations and facts known to speaker and listener alone are beyond it.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from agent.reading import language as languages
from agent.reading.word_features import NOT, Feature, Token, features, tokens
from agent.schema.errors import FAILED, DuchenneError

Matrix = npt.NDArray[np.float32]

WEIGHTS: Final = Path(__file__).parent / "weights" / "words.npz"
LABELS: Final = ("neutral", "happiness", "sadness", "anger", "fear", "surprise", "disgust")
"""Basic labels that there was something to learn from; contempt was not asked for."""
PRIOR: Final = "(prior)"
"""Stands among the contributions for what is said by no word: how often each label occurs."""
LEAST_KNOWN: Final = 0.5
"""Share of a sentence's words that must be known for it to be read."""
_LEVELS: Final = 127


class WordsWeightsError(DuchenneError, ValueError):
    """A file of weights that cannot be used; the message says what is wrong with it."""

    code = "bad_weights"
    exit_status = FAILED


@dataclass(frozen=True)
class WordsReading:
    """What the words of one text say."""

    logits: dict[str, float]
    """Label → log-score; their softmax is the calibrated share of each label."""
    contributions: dict[str, dict[str, float]]
    """Label → word → its part of the logit; with `PRIOR` the parts sum to the logit. A negated
    word stands with what negates it: "not happy", or "don't … happy" where words lie between."""
    language: str | None
    """"en" where the sentence shows it or the caller says so, None where it is too short."""
    known: int
    """Words that the weights know."""

    def shares(self) -> dict[str, float]:
        """Label → share, summing to 1."""
        return dict(zip(self.logits, softmax(np.array(list(self.logits.values()))), strict=True))


@dataclass(frozen=True, eq=False)
class WordsWeights:
    """An additive read-out over the features of `agent.reading.word_features`."""

    names: tuple[str, ...]
    """Features in order."""
    weights: Matrix
    """Features × labels: logit for a sentence of this feature alone."""
    values: Matrix
    """One a feature: how much it counts beside others. A feature's part of the logit is its
    weight times its value by the length of the sentence's vector of values."""
    prior: Matrix
    """One a label: logit where nothing is said."""
    leanings: Mapping[str, str]
    """Word → the label it leans to."""
    shares: Matrix
    """One a label: its share of what was learned from."""
    thresholds: Matrix
    """One a label: share from which on the label holds, where several may."""
    common: frozenset[str]
    """Words often seen: a text too short to show its language is read if it has no others."""

    def save(self, path: Path) -> None:
        """Write it, weights in 8 bits on a square-root scale."""
        peak = np.maximum(np.abs(self.weights).max(0), 1e-9)
        levels = np.sign(self.weights) * np.sqrt(np.abs(self.weights) / peak) * _LEVELS
        np.savez_compressed(
            path,
            labels=np.array(LABELS),
            names=_packed(self.names),
            weights=np.rint(levels).astype(np.int8),
            peak=peak.astype(np.float32),
            values=self.values.astype(np.float16),
            prior=self.prior.astype(np.float32),
            leanings=_packed([f"{word} {label}" for word, label in self.leanings.items()]),
            shares=self.shares.astype(np.float32),
            thresholds=self.thresholds.astype(np.float32),
            common=_packed(sorted(self.common)),
        )

    @classmethod
    def load(cls, path: Path) -> WordsWeights:
        """Raises WordsWeightsError for a file that is not whole or has other labels."""
        try:
            with np.load(path, allow_pickle=False) as held:
                labels = tuple(str(label) for label in held["labels"])
                levels = held["weights"].astype(np.float32) / _LEVELS
                found = cls(
                    names=_unpacked(held["names"]),
                    weights=np.sign(levels) * levels**2 * held["peak"],
                    values=held["values"].astype(np.float32),
                    prior=held["prior"],
                    leanings=dict(_pair(line) for line in _unpacked(held["leanings"])),
                    shares=held["shares"],
                    thresholds=held["thresholds"],
                    common=frozenset(_unpacked(held["common"])),
                )
        except (OSError, EOFError, KeyError, ValueError, BadZipFile, zlib.error) as error:
            raise WordsWeightsError(f"{path}: no weights of the words' reading: {error}") from error
        if labels != LABELS or found.weights.shape != (len(found.names), len(LABELS)):
            raise WordsWeightsError(
                f"{path}: labels {', '.join(labels)} and weights of {found.weights.shape}; "
                f"expected {', '.join(LABELS)} and {len(found.names)} features"
            )
        return found

    def logits(self, said: Sequence[Feature]) -> tuple[Matrix, list[tuple[Feature, Matrix]]]:
        """One a label, and the part of each feature that is known."""
        places = _places(self)
        mine: dict[str, list[Feature]] = defaultdict(list)
        for feature in said:
            if feature.name in places:
                mine[feature.name].append(feature)
        rows = np.array([places[name] for name in mine], np.intp)
        values = self.values[rows]
        length = float(np.sqrt((values**2).sum())) or 1.0
        parts = self.weights[rows] * (values / length)[:, None]
        # A feature that occurs twice counts once, half for each place.
        shared = [
            (feature, part / len(same))
            for same, part in zip(mine.values(), parts, strict=True)
            for feature in same
        ]
        return self.prior + parts.sum(0), shared

    def knows(self, token: Token) -> bool:
        """Whether a word was learned, negated or not."""
        places = _places(self)
        return token.text in places or NOT + token.text in places


def read_words(text: str, language: str | None = None) -> WordsReading | None:
    """What a text says, all its sentences together; None where it cannot be told.

    `language`: what it is in, where that is known ("en", "en-GB", "de"); else it is guessed. None
    comes back for a text that is not English, and for one of which fewer than half the words are
    known. Raises WordsWeightsError where the weights of the package are damaged.
    """
    found = tokens(text)
    words = [token for token in found if token.word]
    weights = _weights()
    known = [token for token in words if weights.knows(token)]
    if not known or len(known) < LEAST_KNOWN * len(words):
        return None
    told = _english(text, language)
    if told is None and any(token.text not in weights.common for token in words):
        return None
    if told is False:
        return None
    logits, parts = weights.logits(features(found, weights.leanings))
    return WordsReading(
        logits={label: float(value) for label, value in zip(LABELS, logits, strict=True)},
        contributions=_contributions(found, weights.prior, parts),
        language="en" if told else None,
        known=len(known),
    )


def softmax(logits: npt.NDArray[Any]) -> list[float]:
    """Shares of logits."""
    powers = np.exp(logits - logits.max())
    return [float(share) for share in powers / powers.sum()]


def _english(text: str, language: str | None) -> bool | None:
    """None where the text is too short to tell."""
    if language is not None:
        return language.lower().replace("_", "-").split("-")[0] in ("en", "english")
    seems = languages.seems(text)
    return None if seems is None else seems == "en"


def _contributions(
    found: Sequence[Token], prior: Matrix, parts: Sequence[tuple[Feature, Matrix]]
) -> dict[str, dict[str, float]]:
    """Label → word → part of the logit, a pair of words in equal halves."""
    by: dict[str, Matrix] = {PRIOR: prior.copy()}
    for feature, part in parts:
        names = _named(found, feature)
        for name in names:
            by[name] = by.get(name, np.zeros_like(part)) + part * np.float32(1 / len(names))
    return {
        label: {name: float(part[n]) for name, part in by.items()} for n, label in enumerate(LABELS)
    }


def _named(found: Sequence[Token], feature: Feature) -> list[str]:
    """The words a feature's part is given to."""
    negator = found[feature.tokens[-1]].negator
    if feature.name.startswith(NOT):
        return [_together(found, feature.tokens[0], feature.tokens[1])]
    if negator is not None and negator in feature.tokens:
        return [_together(found, negator, feature.tokens[-1])]
    return [_alone(found, place) for place in feature.tokens]


def _alone(found: Sequence[Token], place: int) -> str:
    negator = found[place].negator
    return found[place].text if negator is None else _together(found, negator, place)


def _together(found: Sequence[Token], negator: int, place: int) -> str:
    between = " " if place == negator + 1 else " … "
    return f"{found[negator].text}{between}{found[place].text}"


@cache
def _weights() -> WordsWeights:
    return WordsWeights.load(WEIGHTS)


@cache
def _places(weights: WordsWeights) -> dict[str, int]:
    return {name: place for place, name in enumerate(weights.names)}


def _packed(lines: Sequence[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def _unpacked(held: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    text = held.tobytes().decode()
    return tuple(text.split("\n")) if text else ()


def _pair(line: str) -> tuple[str, str]:
    word, label = line.rsplit(" ", 1)
    return word, label
