"""Multinomial logistic regression with soft targets and a prior mean for the weights.

Knows arrays. The penalty draws weights to `prior` (what the tables of FACS and of the voice
literature expect), not to zero, so that labels with little data keep what is known of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from agent.reading.additive import ReadOut, softmax

Matrix = npt.NDArray[np.float64]


def fit(
    rows: Matrix,
    targets: Matrix,
    weight: Matrix,
    *,
    labels: Sequence[str],
    features: Sequence[str],
    prior: Matrix | None = None,
    penalty: float = 1e-3,
    centre: Matrix | None = None,
    scale: Matrix | None = None,
) -> ReadOut:
    """A read-out learned from rows (n × features, NaN missing) and targets (n × labels).

    Targets are shares that sum to 1, `weight` counts each row. `prior` is labels × features in
    log-odds per scale; `penalty` is what its squared distance costs against the mean loss.
    """
    where = np.isfinite(rows)
    centre = np.nanmean(rows, axis=0) if centre is None else centre
    scale = np.maximum(np.nanstd(rows, axis=0), 1e-3) if scale is None else scale
    known = np.where(where, (rows - centre) / scale, 0.0)
    share = weight / weight.sum()
    mean = np.zeros((len(labels), rows.shape[1])) if prior is None else prior
    size = mean.size

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights, bias = flat[:size].reshape(mean.shape), flat[size:]
        chance = softmax(known @ weights.T + bias)
        value = -(share[:, None] * targets * np.log(np.maximum(chance, 1e-12))).sum()
        off = weights - mean
        away = share[:, None] * (chance - targets)
        slope = away.T @ known + 2 * penalty * off
        total = float(value + penalty * (off**2).sum())
        return total, np.concatenate([slope.ravel(), away.sum(axis=0)])

    start = np.concatenate([mean.ravel(), np.log(np.maximum(share @ targets, 1e-4))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150})
    return ReadOut(
        labels=tuple(labels),
        features=tuple(features),
        centre=centre,
        scale=scale,
        weights=found.x[:size].reshape(mean.shape),
        bias=found.x[size:],
        prior=np.asarray(share @ targets),
    )


def temperature(logits: Matrix, targets: Matrix) -> float:
    """What logits of unseen people are best divided by, by their likelihood."""
    steps = np.geomspace(0.3, 4.0, 60)
    losses = [-(targets * np.log(np.maximum(softmax(logits / t), 1e-12))).sum() for t in steps]
    return float(steps[int(np.argmin(losses))])


def folds(count: int, parts: int, seed: int, strata: Sequence[str]) -> npt.NDArray[np.int64]:
    """A fold number for each row, each stratum spread evenly."""
    rng = np.random.default_rng(seed)
    place = np.zeros(count, np.int64)
    kinds = np.asarray(strata)
    for kind in sorted(set(strata)):
        mine = rng.permutation(np.flatnonzero(kinds == kind))
        place[mine] = (np.arange(len(mine)) + rng.integers(parts)) % parts
    return place
