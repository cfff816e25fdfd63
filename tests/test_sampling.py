"""Samples that are worth their rollouts: nothing starves, nothing depends on chance or scale."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.sampling import LONGEST, MOVES, Ledger, Settings, gap, utility

Rewards = Callable[[int, int], list[float]]
"""Sample and time → rewards of a group."""

made = st.builds(
    Settings,
    probes=st.integers(1, 3),
    memory=st.floats(0, 0.9),
    low=st.floats(0, 0.5),
    high=st.floats(0.5, 1),
    rest=st.integers(1, 3),
    reprobe=st.integers(1, 4),
    most=st.floats(0, 1),
    kappa=st.floats(0, 1),
)


def world(seed: int) -> Rewards:
    """Samples that are done, out of reach, and in between, and drift."""

    def rewards(sample: int, time: int) -> list[float]:
        rng = np.random.default_rng([seed, sample, time])
        chance = (0.0, 0.3, 0.6, 0.95, 1.0)[(sample + time // 40) % 5]
        return [float(x) for x in rng.random(4) < chance]

    return rewards


def run(ledger: Ledger, rewards: Rewards, steps: int, size: int = 3, at: int = 0) -> list[int]:
    """Samples drawn in `steps` steps, each judged as soon as it is drawn."""
    drawn = []
    for time in range(at, at + steps):
        for sample in ledger.draw(min(size, ledger.count)):
            before = ledger.phases[sample]
            ledger.seen(sample, rewards(sample, time), [-0.1 * n - 0.01 * sample for n in range(4)])
            assert ledger.phases[sample] in MOVES[before]
            drawn.append(sample)
    return drawn


@given(made, st.integers(3, 25), st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_nothing_starves(how: Settings, count: int, seed: int) -> None:
    """Between two visits of any sample lie no more passes than the settings promise."""
    ledger = Ledger(count, how, seed)
    rewards, last = world(seed), dict.fromkeys(range(count), 0)
    longest = 1 + max(how.rest, how.reprobe * LONGEST) + 1
    for time in range(100):
        for sample in ledger.draw(3):
            last[sample] = ledger.passes
            ledger.seen(sample, rewards(sample, time))
        assert all(ledger.passes - pass_ <= longest for pass_ in last.values())


@given(made, st.integers(3, 25), st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_samples_move_only_as_allowed(how: Settings, count: int, seed: int) -> None:
    ledger, rewards = Ledger(count, how, seed), world(seed)
    for time in range(60):
        before = list(ledger.phases)
        drawn = ledger.draw(3)
        assert len(set(drawn)) == 3
        for old, new in zip(before, ledger.phases, strict=True):
            assert new in MOVES[old]
            assert new == old or (old, new) in (("cool", "exploit"), ("removed", "discover"))
        for sample in drawn:
            assert ledger.phases[sample] in ("discover", "exploit")
            old = ledger.phases[sample]
            ledger.seen(sample, rewards(sample, time))
            assert ledger.phases[sample] in MOVES[old]


@given(made, st.integers(3, 25), st.integers(0, 9), st.integers(0, 80))
@settings(max_examples=15, deadline=None)
def test_resumed_is_as_if_never_stopped(how: Settings, count: int, seed: int, stop: int) -> None:
    """Through JSON, and deterministic by the seed."""
    rewards = world(seed)
    whole = run(Ledger(count, how, seed), rewards, 100)
    assert whole == run(Ledger(count, how, seed), rewards, 100)
    first = Ledger(count, how, seed)
    begun = run(first, rewards, stop)
    again = Ledger.restored(json.loads(json.dumps(first.state())))
    assert begun + run(again, rewards, 100 - stop, at=stop) == whole
    other = run(Ledger(count, how, seed + 1), rewards, 100)
    assert count < 6 or other != whole


@given(st.floats(0.01, 1000), st.floats(-100, 100), st.integers(0, 9))
@settings(max_examples=10, deadline=None)
def test_the_scale_of_rewards_does_not_matter(scale: float, shift: float, seed: int) -> None:
    """Whether rewards go from 0 to 1 or from −5 to 50, the same samples come."""
    base = world(seed)
    # Halves and quarters, so that scaling is exact enough for ties to remain ties.
    one = run(Ledger(12, Settings(), seed), base, 80)
    other = run(Ledger(12, Settings(), seed), lambda s, t: [x * scale + shift for x in base(s, t)],
                80)  # fmt: skip
    assert one == other


def test_what_is_done_is_removed_and_what_is_hard_is_kept() -> None:
    """Rollouts go where rewards differ; those out of reach come back soon, the done ones late."""
    chances = [1.0] * 20 + [0.5] * 20 + [0.0] * 20
    rng = np.random.default_rng(0)
    ledger = Ledger(60)
    drawn: list[int] = []
    for _ in range(400):
        for sample in ledger.draw(4):
            ledger.seen(sample, [float(x) for x in rng.random(8) < chances[sample]])
            drawn.append(sample)
    late = np.bincount(drawn[800:], minlength=60)
    done, open_, hard = late[:20].sum(), late[20:40].sum(), late[40:].sum()
    assert open_ > 3 * done
    assert hard > 2 * done
    assert set(ledger.phases[:20]) <= {"removed", "discover"}
    assert "removed" not in ledger.phases[40:]


@given(st.floats(0, 1), st.integers(0, 9))
@settings(max_examples=8, deadline=None)
def test_no_more_sit_out_than_may(most: float, seed: int) -> None:
    ledger, rewards = Ledger(20, Settings(most=most), seed), world(seed)
    for time in range(60):
        for sample in ledger.draw(3):
            ledger.seen(sample, rewards(sample, time))
        out = sum(phase in ("cool", "removed") for phase in ledger.phases)
        assert out <= most * 20 + 1


def test_a_sample_that_opens_later_is_found_again() -> None:
    ledger = Ledger(10)
    rng = np.random.default_rng(1)

    def show(steps: int, opened: bool) -> list[int]:
        drawn = []
        for _ in range(steps):
            for sample in ledger.draw(2):
                chance = 0.5 if sample or opened else 1.0
                ledger.seen(sample, [float(x) for x in rng.random(8) < chance])
                drawn.append(sample)
        return drawn

    show(60, opened=False)
    assert ledger.phases[0] == "removed"
    assert show(200, opened=True).count(0) > 10


def test_no_sample_begins_without_a_gradient() -> None:
    """Weights are 1 until a sample is known, then between 1 − kappa and 1 + kappa, by rank."""
    ledger = Ledger(5, Settings(kappa=1.0))
    assert [ledger.weight(sample) for sample in range(5)] == [1.0] * 5
    for _ in range(3):
        for sample in range(5):
            ledger.seen(sample, [0.0, 0.1 * sample, 0.2 * sample, 1.0])
    weights = [ledger.weight(sample) for sample in range(5)]
    assert all(0 <= weight <= 2 for weight in weights)
    assert weights[0] == min(weights)
    assert abs(sum(weights) - 5) < 1e-9


def test_a_group_without_numbers_tells_nothing() -> None:
    ledger = Ledger(2)
    before = ledger.state()
    ledger.seen(0, [float("nan"), 1.0])
    assert ledger.state() == before
    ledger.seen(0, [float("nan"), 1.0, 0.0])
    assert ledger.utilities[0] > 0


def test_utility_is_of_rewards_that_differ_and_of_rollouts_that_differ() -> None:
    assert utility([1, 1, 1], [-1, -2, -3], 1.0) == 0.0
    apart = utility([0, 1, 0.5], [-1.0, -2.0, -3.0], 1.0)
    assert apart > utility([0, 0.1, 0.05], [-1.0, -2.0, -3.0], 1.0)
    assert apart > utility([0, 1, 0.5], [-1.0, -1.01, -1.02], 1.0)
    assert gap([2.0, 2.0]) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    "wrong", [{"kappa": 2.0}, {"low": 0.9, "high": 0.5}, {"probes": 0}, {"rest": 0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="given Settings"):
        Settings(**wrong)  # type: ignore[arg-type]  # one of several fields


def test_what_cannot_be_drawn_is_told() -> None:
    with pytest.raises(ValueError, match="4 different samples from 3"):
        Ledger(3).draw(4)
    with pytest.raises(ValueError, match="not the state of a sampler"):
        Ledger.restored({"count": 3})
