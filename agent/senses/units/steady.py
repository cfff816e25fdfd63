"""Readings of neighbouring pictures steadied by each other, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

import numpy as np

from agent.schema.samples import Floats
from agent.senses.units.net import TARGETS_SIDE, TARGETS_WHOLE

SMOOTH: Final[Mapping[str, float]] = {
    "AU43": 0.0, "AU16": 0.025, "AU18": 0.025, "AU22": 0.025, "AU25": 0.025, "AU26": 0.025,
}  # fmt: skip
"""Seconds, standard deviation of the smoothing over time: lids and speech move fastest."""
SLOW: Final = 0.035
"""Seconds of smoothing for all the others."""


REACH: Final = 4
"""Neighbours on each side that smoothing looks at."""
FEWEST: Final = 3
"""Rows from which there is anything to smooth."""


def steadied(times: Floats, blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Output smoothed over neighbours in time that are surer; blocks of n × 2 × 3 × COUNT.

    A narrow Gaussian, each neighbour weighing by its own certainty, so that one bad picture
    does not show. It is far narrower than 0.2 s: brief events keep their height. `times` are
    those of all blocks; each of them but the last has REACH rows or more.
    """
    if len(times) < FEWEST:
        yield from blocks
        return
    done, before, here = 0, None, None
    for after in chain(blocks, (None,)):
        if here is not None:
            margin = 0 if before is None else len(before)
            parts = [part for part in (before, here, after) if part is not None]
            near = np.concatenate([*parts[:-1], parts[-1][:REACH]] if after is not None else parts)
            begin = done - margin
            smooth = _steady_block(times[begin : begin + len(near)], near)
            yield smooth[margin : margin + len(here)]
            done += len(here)
            before = here[-REACH:]
        here = after


def _steady_block(times: Floats, raw: Floats) -> Floats:
    width = np.array([max(SMOOTH.get(c, SLOW), 1e-4) for c in (*TARGETS_SIDE, *TARGETS_WHOLE)])
    trust = np.exp(-np.clip(raw[:, :, 1], -5, 1))
    total, weight = np.zeros_like(raw[:, :, [0, 2]]), np.zeros_like(trust)
    for step in range(-REACH, REACH + 1):
        here = np.arange(max(0, -step), len(raw) - max(0, step))
        there = here + step
        apart = np.abs(times[there] - times[here])[:, None]
        near = np.exp(-0.5 * (apart / width) ** 2)
        share = near[:, None] * trust[there]
        weight[here] += share
        total[here] += share[:, :, None] * raw[there][:, :, [0, 2]]
    out = raw.copy()
    out[:, :, [0, 2]] = total / weight[:, :, None]
    return out
