"""Impressions over time as cues: "looks happy to most people (72 %)".

Knows shares of votes and times; nothing about pictures. A span is as long as one label leads;
short flickers between two labels belong to the span around them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.evidence import IMPRESSION, Cue
from agent.schema.samples import Floats

Wide = npt.NDArray[np.float64]

LABELS: Final = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
    "unknown", "not_a_face",
)  # fmt: skip
"""What a vote could be for; `unknown` and `not_a_face` say nothing of an expression."""
WORDS: Final = {
    "neutral": "neutral", "happiness": "happy", "surprise": "surprised", "sadness": "sad",
    "anger": "angry", "disgust": "disgusted", "fear": "afraid", "contempt": "contemptuous",
}  # fmt: skip
SWITCH: Final = 3.0
"""Log-share that another label must gain in all before it starts a span of its own."""
GAP: Final = 1.0
"""Seconds without a look that end a span."""
MOST: Final = 0.5
"""Share from which it is "most people"."""
_LEAST: Final = 0.02
"""A share below it counts as this much when spans are told apart."""


def cues_of(
    person: str, times: Wide, looks: Floats, quality: Wide, known: Mapping[str, float]
) -> Iterator[Cue]:
    """One cue a span in which the same expression leads.

    `times` in s, `looks` n × labels (shares), `quality` 0-1. `known` holds `slope` and
    `intercept`: the log-odds that the leading label is the majority's, linear in the log-odds
    of its share. Spans in which no expression leads give no cue.
    """
    for first, last, label in spans(times, looks):
        name = LABELS[label]
        if name not in WORDS:
            continue
        part = looks[first:last]
        apex = first + int(np.argmax(part[:, label]))
        mean = part.mean(axis=0)
        share = float(looks[apex, label])
        told = {LABELS[k]: round(float(v), 3) for k, v in enumerate(mean)}
        yield Cue(
            sense="face",
            person=person,
            code=IMPRESSION,
            start=max(0.0, float(times[first])),
            apex=max(0.0, float(times[apex])),
            end=max(0.0, float(times[last - 1])),
            value=round(share, 3),
            unit="share",
            shares=told,
            text=described(name, looks[apex]),
            confidence=round(
                sure(float(mean[label]), known) * math.sqrt(float(np.median(quality[first:last]))),
                2,
            ),
        )


def described(name: str, look: Floats) -> str:
    """Plain words for the leading label and the shares at that moment."""
    share = float(look[LABELS.index(name)])
    if share >= MOST:
        return f"looks {WORDS[name]} to most people ({share:.0%})"
    others = [(float(look[k]), n) for k, n in enumerate(LABELS) if n in WORDS and n != name]
    other, second = max(others)
    return (
        f"looks {WORDS[name]} to some people ({share:.0%}), {WORDS[second]} to others ({other:.0%})"
    )


def sure(share: float, known: Mapping[str, float]) -> float:
    """Chance that most people would choose the label that leads with this share, 0-1."""
    share = min(max(share, 1e-3), 1 - 1e-3)
    odds = known["slope"] * math.log(share / (1 - share)) + known["intercept"]
    return 1 / (1 + math.exp(-odds))


def spans(times: Wide, looks: Floats) -> list[tuple[int, int, int]]:
    """First and one past the last look, and the label that leads between them, in order.

    The most likely course of leading labels where each change costs `SWITCH` (Viterbi 1967).
    """
    if not len(times):
        return []
    breaks = np.flatnonzero(np.diff(times) > GAP) + 1
    found = []
    edges = [0, *breaks.tolist(), len(times)]
    for first, last in pairwise(edges):
        path = _course(np.log(np.maximum(looks[first:last], _LEAST)))
        cuts = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), last - first]
        found += [(first + a, first + b, int(path[a])) for a, b in pairwise(cuts)]
    return found


def _course(scores: Floats) -> npt.NDArray[np.int64]:
    """The label at each look."""
    count, labels = scores.shape
    total = scores[0].astype(np.float64)
    came = np.zeros((count, labels), np.int64)
    for step in range(1, count):
        best = int(np.argmax(total))
        switch = total[best] - SWITCH > total
        came[step] = np.where(switch, best, np.arange(labels))
        total = np.where(switch, total[best] - SWITCH, total) + scores[step]
    path = np.empty(count, np.int64)
    path[-1] = int(np.argmax(total))
    for step in range(count - 1, 0, -1):
        path[step - 1] = came[step, path[step]]
    return path
