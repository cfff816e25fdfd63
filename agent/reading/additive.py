"""An additive read-out: measured features in, one log-score for each label out.

Knows numbers and names, nothing of faces, voices or words. Because each feature adds its own
share to each label, the reasons for a reading are exact: the contributions and the bias sum
to the logit. A feature that was not measured contributes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.reading.version import WEIGHTS
from agent.schema.errors import FAILED, DuchenneError

Matrix = npt.NDArray[np.float64]


class ReadOutError(DuchenneError, ValueError):
    """A file of weights that cannot be used; the message says what is wrong with it."""

    code = "bad_weights"
    exit_status = FAILED


@dataclass(frozen=True, eq=False)
class ReadOut:
    """Weights of a multinomial logistic regression over named features."""

    labels: tuple[str, ...]
    features: tuple[str, ...]
    centre: Matrix
    """One a feature, in the feature's own unit: the value that says nothing."""
    scale: Matrix
    """One a feature, in the feature's own unit."""
    weights: Matrix
    """labels × features, log-odds for one scale above the centre."""
    bias: Matrix
    """One a label, log-odds where everything is at its centre."""
    temperature: float = 1.0
    """Logits are divided by it, so that shares are as often right as they say."""
    prior: Matrix | None = None
    """Share of each label in what was learned from; None where unknown."""

    def __post_init__(self) -> None:
        shape = (len(self.labels), len(self.features))
        if self.weights.shape != shape or self.bias.shape != shape[:1]:
            raise ReadOutError(f"weights of shape {self.weights.shape}, expected {shape}")
        if self.centre.shape != shape[1:] or self.scale.shape != shape[1:]:
            raise ReadOutError(f"{len(self.features)} features need as many centres and scales")
        if not np.all(self.scale > 0) or self.temperature <= 0:
            raise ReadOutError("scales and temperature must be above 0")

    def row(self, values: Mapping[str, float]) -> Matrix:
        """The features of a mapping in order; NaN where one is missing."""
        return np.array([values.get(name, np.nan) for name in self.features], np.float64)

    def contributions(self, values: Matrix) -> Matrix:
        """… × features → … × labels × features: what each adds to each logit."""
        away = (values - self.centre) / self.scale
        known = np.where(np.isfinite(away), away, 0.0)
        return np.asarray(known[..., None, :] * self.weights / self.temperature)

    def logits(self, values: Matrix) -> Matrix:
        """… × features → … × labels."""
        return np.asarray(self.contributions(values).sum(-1) + self.bias / self.temperature)

    def measured(self, values: Mapping[str, float]) -> bool:
        """Is at least one feature there?"""
        return any(np.isfinite(values.get(name, np.nan)) for name in self.features)

    def as_json(self) -> dict[str, Any]:
        """What `read_out` reads."""
        found: dict[str, Any] = {
            "labels": list(self.labels),
            "features": list(self.features),
            "centre": _rounded(self.centre),
            "scale": _rounded(self.scale),
            "weights": [_rounded(row) for row in self.weights],
            "bias": _rounded(self.bias),
            "temperature": round(self.temperature, 5),
        }
        if self.prior is not None:
            found["prior"] = dict(zip(self.labels, _rounded(self.prior), strict=True))
        return found


def _rounded(values: Matrix) -> list[float]:
    return [round(float(value), 5) for value in values]


def read_out(stored: Mapping[str, Any]) -> ReadOut:
    """A read-out from its JSON object. Raises ReadOutError."""
    try:
        labels = tuple(stored["labels"])
        prior = stored.get("prior")
        return ReadOut(
            labels=labels,
            features=tuple(stored["features"]),
            centre=np.array(stored["centre"], np.float64),
            scale=np.array(stored["scale"], np.float64),
            weights=np.array(stored["weights"], np.float64),
            bias=np.array(stored["bias"], np.float64),
            temperature=float(stored.get("temperature", 1.0)),
            prior=None if prior is None else np.array([prior[k] for k in labels], np.float64),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ReadOutError(f"not a read-out: {error!r}") from error


@cache
def stored(name: str) -> Mapping[str, Any]:
    """The JSON object of a file of weights that comes with the package. Raises ReadOutError."""
    path = WEIGHTS / f"{name}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReadOutError(f"{path}: {error}") from error
    if not isinstance(found, dict):
        raise ReadOutError(f"{path}: an object was expected")
    return found


def installed(name: str) -> bool:
    """Does this file of weights come with the package?"""
    return (WEIGHTS / f"{name}.json").exists()


def softmax(logits: Matrix) -> Matrix:
    """Shares that sum to 1 along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def shares(logits: Matrix, labels: Sequence[str]) -> dict[str, float]:
    """One row of logits as shares by label, most likely first."""
    each = softmax(logits)
    order = np.argsort(-each, kind="stable")
    return {labels[i]: float(each[i]) for i in order}
