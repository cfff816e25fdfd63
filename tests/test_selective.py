"""Risk and coverage on answers whose chance of being right is known."""

from __future__ import annotations

import numpy as np
import pytest

from eval.selective import curve, interval, promised, threshold, upper


def answers(count: int, seed: int, honest: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Sureness, and whether right: as often as it says, or by a coin."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.3, 1.0, count)
    return sure, rng.uniform(size=count) < (sure if honest else 0.5)


def test_the_bounds_are_those_of_clopper_and_pearson() -> None:
    assert upper(0, 10) == pytest.approx(1 - 0.05 ** (1 / 10))
    assert interval(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)
    assert upper(3, 3) == 1.0 and interval(0, 0) == (0.0, 1.0)


def test_a_promise_is_kept_on_people_never_seen() -> None:
    """95 in 100 thresholds, chosen on some, must keep their risk on the rest."""
    broken = 0
    for seed in range(200):
        sure, right = answers(600, seed)
        least = threshold(sure, right, 0.2)
        assert least is not None
        # The expected risk of surer answers is known here: 1 minus their mean sureness.
        broken += (1 - least) / 2 > 0.2 + 0.005
    assert broken <= 16


def test_who_guesses_promises_nothing() -> None:
    sure, right = answers(400, 1, honest=False)
    assert threshold(sure, right, 0.2) is None
    rows = promised(sure, right, np.arange(400) % 2 == 0)
    assert [row["sure_from"] for row in rows] == [None] * 3


def test_equally_sure_answers_are_told_or_kept_together() -> None:
    sure = np.array([0.9] * 40 + [0.5] * 40)
    right = np.array([True] * 40 + [False] * 40)
    assert threshold(sure, right, 0.1) == 0.9


def test_risk_falls_with_coverage_where_sureness_is_honest() -> None:
    rows = curve(*answers(4000, 2))
    risks = [row["risk"] for row in rows]
    assert risks == sorted(risks, reverse=True)
    assert all(row["low"] <= row["risk"] <= row["high"] for row in rows)
