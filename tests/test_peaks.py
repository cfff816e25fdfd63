from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import signal

from agent.senses.voice.peaks import find_peaks, smooth


@pytest.mark.parametrize("seed", range(8))
def test_peaks_are_those_of_scipy(seed: int) -> None:
    draw = np.random.default_rng(seed)
    curve = np.round(np.cumsum(draw.normal(size=500)), seed % 3)
    for prominence, height, distance in ((0.5, -np.inf, 1), (2.0, 0.0, 1), (1.0, -3.0, 8)):
        ours = find_peaks(curve, prominence=prominence, height=height, distance=distance)
        theirs, _ = signal.find_peaks(
            curve, prominence=prominence, height=height, distance=distance
        )
        if distance == 1 or seed % 3 == 2:  # of equal heights either may stay
            assert ours.tolist() == theirs.tolist()


def test_short_and_flat_curves_have_no_peaks() -> None:
    for curve in ([], [1.0], [1.0, 1.0, 1.0], [1.0, 2.0]):
        assert find_peaks(np.array(curve), prominence=0.0).size == 0


def test_smoothing_is_that_of_scipy() -> None:
    curve = np.random.default_rng(0).normal(size=60)
    assert smooth(curve) == pytest.approx(signal.savgol_filter(curve, 5, 2), abs=1e-12)
    assert smooth(curve[:5]) == pytest.approx(signal.savgol_filter(curve[:5], 5, 2), abs=1e-12)


def test_half_an_hour_is_quick() -> None:
    curve = np.random.default_rng(0).normal(size=180_000)
    begin = time.process_time()
    find_peaks(curve, prominence=1.0)
    assert time.process_time() - begin < 2
