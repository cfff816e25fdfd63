"""Which samples are worth their rollouts? Utility of samples, and a life between work and rest.

Knows samples by number and groups of rewards by value; no torch, no trainer, no text. The method
is FaVChat's DE-GRPO (arXiv 2503.09158) with four defects of its released form mended: utility
begins with what is first observed and not with zero; there is no value head, which had no loss;
weights are never negative, so that good and bad rollouts are not swapped; thresholds are
quantiles, so that nothing depends on the scale of rewards.

    discover ─▶ exploit ◀─▶ cool (sits out some passes)
        ▲  └──────┴──▶ removed (sits out many)
        └── probed again ──┘

A pass shows every sample that is awake once, in an order that only the seed and its number
decide. All is plain data: `state` and `restored` go through JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

Phase = Literal["discover", "exploit", "cool", "removed"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
MOVES: Final[dict[Phase, tuple[Phase, ...]]] = {
    "discover": ("discover", "exploit", "cool", "removed"),
    "exploit": ("exploit", "cool", "removed"),
    "cool": ("cool", "exploit"),
    "removed": ("removed", "discover"),
}
"""What may follow what."""

EPS: Final = 1e-6
"""Least gap of a pair, as a share of the whole span of rewards; in log-prob for scores."""
LONGEST: Final = 4
"""A sample that is removed again and again is probed after up to so many times `reprobe`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How samples are judged; raises ValueError for values that make no sense."""

    probes: int = 2
    """Groups that are seen before a new sample is judged."""
    memory: float = 0.5
    """Share of a sample's old utility that a new group leaves."""
    low: float = 0.2
    """Quantile of utility under which a sample is removed."""
    high: float = 1.0
    """Quantile above which it cools down, as in the paper from 0.8; 1 for never, because to rest
    what teaches most cost more than it gave (docs/training_efficiency.md)."""
    rest: int = 1
    """Passes that a cooling sample sits out."""
    reprobe: int = 4
    """Passes that a removed sample sits out before it is probed again; doubles each time."""
    most: float = 1.0
    """Share of samples that may sit out at a time; the others are shown whatever they teach."""
    kappa: float = 0.5
    """How far utility weighs advantages: from 1 − kappa to 1 + kappa."""

    def __post_init__(self) -> None:
        checks = {
            "probes must be 1 or more": self.probes >= 1,
            "memory must be from 0 to less than 1": 0 <= self.memory < 1,
            "low and high must be quantiles, low not above high": 0 <= self.low <= self.high <= 1,
            "rest and reprobe must be 1 or more": min(self.rest, self.reprobe) >= 1,
            "most must be from 0 to 1": 0 <= self.most <= 1,
            "kappa must be from 0 to 1, or weights become negative": 0 <= self.kappa <= 1,
        }
        for told, holds in checks.items():
            if not holds:
                raise ValueError(f"{told}; given {self}")


def gap(values: Sequence[float], least: float = EPS) -> float:
    """Geometric mean of the distances of all pairs, each at least `least`.

    >>> round(gap([0.0, 1.0, 3.0]), 3)
    1.817
    """
    numbers = np.asarray(values, np.float64)
    first, second = np.triu_indices(len(numbers), 1)
    return float(np.exp(np.log(np.abs(numbers[first] - numbers[second]) + least).mean()))


def flat(rewards: Sequence[float], span: float) -> bool:
    """Whether a group tells nothing: its rewards are all the same."""
    return max(rewards) - min(rewards) <= EPS * (span or 1.0)


def utility(rewards: Sequence[float], scores: Sequence[float] | None, span: float) -> float:
    """How much there is to learn from one group; 0 where its rewards are all the same.

    `rewards` and `scores` (mean log-probability of a token of each rollout, a stand-in for how
    strongly the gradient differs) of one group; `span` from the lowest to the highest reward
    ever seen, in which gaps are measured.
    """
    if flat(rewards, span):
        return 0.0
    apart = gap([reward / span for reward in rewards])
    return apart if scores is None else apart * gap(scores)


class Ledger:
    """What is known of each sample, and which come next."""

    def __init__(self, count: int, settings: Settings | None = None, seed: int = 0) -> None:
        """`count` samples, numbered from 0. Raises ValueError for none."""
        if count < 1:
            raise ValueError("there are no samples to draw from")
        self.count, self.settings, self.seed = count, settings or Settings(), seed
        self.passes = 0
        """Passes begun."""
        self.phases: list[Phase] = ["discover"] * count
        self.utilities: list[float] = [0.0] * count
        self._visits = [0] * count
        self._needed = [self.settings.probes] * count
        """Visits at which a sample in discovery is judged."""
        self._flat = [0] * count
        """Groups in a row that told nothing."""
        self._removals = [0] * count
        self._wake = [0] * count
        """Pass in which one that sits out is back."""
        self._order: list[int] = []
        self._lowest, self._highest = float("inf"), float("-inf")

    # --- which come next --------------------------------------------------------------------

    def draw(self, size: int) -> list[int]:
        """The next `size` samples, all different. Raises ValueError where there are fewer."""
        if not 1 <= size <= self.count:
            raise ValueError(f"a batch of {size} different samples from {self.count}")
        chosen: list[int] = []
        while len(chosen) < size:
            # One that was drawn as a pass ended may stand in the next and sleep by now.
            self._order = [sample for sample in self._order if not self._asleep(sample)]
            fresh = [sample for sample in self._order if sample not in chosen]
            taken = fresh[: size - len(chosen)]
            self._order = [sample for sample in self._order if sample not in taken]
            chosen += taken
            if len(chosen) < size:
                self._begin(size - len(chosen), chosen)
        return chosen

    def _begin(self, wanted: int, chosen: list[int]) -> None:
        """Begin a pass over all that are awake, at least `wanted` besides those `chosen`."""
        self.passes += 1
        due = sorted(
            (s for s in range(self.count) if self._asleep(s)), key=lambda s: (self._wake[s], s)
        )
        short = wanted - sum(not self._asleep(s) and s not in chosen for s in range(self.count))
        for place, sample in enumerate(due):
            if self._wake[sample] <= self.passes or place < short:
                self._rouse(sample)
        awake = [s for s in range(self.count) if not self._asleep(s) and s not in self._order]
        rng = np.random.default_rng([self.seed, self.passes])
        self._order += [awake[place] for place in rng.permutation(len(awake))]

    def _asleep(self, sample: int) -> bool:
        return self.phases[sample] in ("cool", "removed")

    def _rouse(self, sample: int) -> None:
        if self.phases[sample] == "removed":
            self._needed[sample] = self._visits[sample] + 1
            self.phases[sample] = "discover"
        else:
            self.phases[sample] = "exploit"

    # --- what is learned --------------------------------------------------------------------

    def seen(
        self, sample: int, rewards: Sequence[float], scores: Sequence[float] | None = None
    ) -> None:
        """Take in one group of rollouts of a sample, and judge it.

        Rewards that are no numbers are left out; a group of fewer than two tells nothing and
        does not count.
        """
        kept = [n for n, reward in enumerate(rewards) if np.isfinite(reward)]
        if len(kept) < 2:
            return
        mine = [float(rewards[n]) for n in kept]
        told = None if scores is None else [float(scores[n]) for n in kept]
        self._lowest, self._highest = min(self._lowest, *mine), max(self._highest, *mine)
        span = self._highest - self._lowest
        self._flat[sample] = self._flat[sample] + 1 if flat(mine, span) else 0
        self._visits[sample] += 1
        self._remember(sample, utility(mine, told, span))
        if not self._asleep(sample):
            self._judge(sample, sum(mine) / len(mine))

    def _remember(self, sample: int, found: float) -> None:
        visits, keep = self._visits[sample], self.settings.memory
        if visits <= self.settings.probes:
            # The mean of what was first seen, so that nobody starts from nothing.
            keep = (visits - 1) / visits
        self.utilities[sample] = keep * self.utilities[sample] + (1 - keep) * found

    def _judge(self, sample: int, mean: float) -> None:
        if self.phases[sample] == "discover" and self._visits[sample] < self._needed[sample]:
            return
        mine, none = self.utilities[sample], self._flat[sample]
        low, high = np.quantile(self.known(), [self.settings.low, self.settings.high])
        hard = mean < (self._lowest + self._highest) / 2
        out = sum(map(self._asleep, range(self.count)))
        if out >= self.settings.most * self.count:
            self.phases[sample] = "exploit"
        # Nothing to learn now: what is too hard may open later; what is done, hardly.
        elif (none > 1 and not hard) or (not none and mine < low):
            self._retire(sample)
        elif none or mine > high:
            self._cool(sample)
        else:
            self.phases[sample] = "exploit"
        if self.phases[sample] != "removed" and not none:
            self._removals[sample] = 0

    def _cool(self, sample: int) -> None:
        self.phases[sample] = "cool"
        self._wake[sample] = self.passes + 1 + self.settings.rest

    def _retire(self, sample: int) -> None:
        self.phases[sample] = "removed"
        times = min(LONGEST, 2 ** self._removals[sample])
        self._removals[sample] += 1
        self._wake[sample] = self.passes + 1 + self.settings.reprobe * times

    def known(self) -> npt.NDArray[np.float64]:
        """Utilities of the samples that have been seen often enough to be judged, sorted."""
        least = self.settings.probes
        pairs = zip(self.utilities, self._visits, strict=True)
        return np.sort([mine for mine, visits in pairs if visits >= least])

    def weight(self, sample: int) -> float:
        """What a sample's advantages are multiplied by; 1 while little is known of it."""
        if self._visits[sample] < self.settings.probes:
            return 1.0
        others = self.known()
        mine = self.utilities[sample]
        below = np.searchsorted(others, mine, "left") + np.searchsorted(others, mine, "right")
        rank = float(below) / len(others) - 1
        return 1.0 + self.settings.kappa * rank

    # --- plain data -------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All of it, as JSON can carry it."""
        plain = {name.lstrip("_"): value for name, value in vars(self).items()}
        edges = [None if np.isinf(edge) else edge for edge in (self._lowest, self._highest)]
        plain |= {"settings": asdict(self.settings), "lowest": edges[0], "highest": edges[1]}
        return {k: list(v) if isinstance(v, list) else v for k, v in plain.items()}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Ledger:
        """The one whose `state` this is. Raises ValueError where something is missing."""
        try:
            made = cls(state["count"], Settings(**state["settings"]), state["seed"])
            for name in vars(made):
                if name in ("count", "settings", "seed"):
                    continue
                value = state[name.lstrip("_")]
                edge = {"_lowest": float("inf"), "_highest": float("-inf")}.get(name)
                value = edge if value is None else value
                setattr(made, name, list(value) if isinstance(value, list) else value)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not the state of a sampler: {error}") from error
        return made

    def shares(self) -> dict[Phase, float]:
        """Share of samples in each phase."""
        return {phase: self.phases.count(phase) / self.count for phase in PHASES}
