"""Affective trees and the distance between them.

A tree holds attributes, the expression and the emotion as root → level → slot → value. Distance
is Zhang & Shasha's (1989) ordered tree edit distance over children sorted by name: insert and
delete cost 1, relabel 1 − similarity. Source of the use: VidEmo 2025; the slots and the scale
of the score exp(−2·distance / (sizes' sum)) are ours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from eval import labels, wheel
from eval.scoring import Excluded, Tally, Unscored, mean_rows

LEVELS: Final = ("attribute", "expression", "emotion")
STEEP: Final = 2.0
"""λ of the score."""


@dataclass(frozen=True, slots=True)
class Node:
    """A label and its children."""

    label: str
    children: tuple[Node, ...] = ()

    @property
    def size(self) -> int:
        return 1 + sum(child.size for child in self.children)


def tree(value: Any) -> Node:
    """A tree from {attribute: {slot: value}, expression: {slot: value}, emotion: [label]}.

    Raises Unscored for anything else.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise Unscored("not a tree: no JSON") from error
    if not isinstance(value, Mapping) or not any(value.get(level) for level in LEVELS):
        raise Unscored(f"not a tree: needs {', '.join(LEVELS)}")
    return Node("root", tuple(_level(name, value[name]) for name in LEVELS if value.get(name)))


def _level(name: str, content: Any) -> Node:
    if isinstance(content, Mapping):
        slots = sorted(
            (labels.canonical(str(k)), labels.canonical(str(v))) for k, v in content.items()
        )
        return Node(name, tuple(Node(slot, (Node(value),)) for slot, value in slots))
    if isinstance(content, str):
        content = [content]
    if not isinstance(content, Sequence):
        raise Unscored(f"not a tree: {name} is neither slots nor a list")
    return Node(name, tuple(Node(v) for v in sorted(labels.canonical(str(c)) for c in content)))


def gold(value: Any) -> Node:
    """A gold tree."""
    try:
        return tree(value)
    except Unscored as reason:
        raise Excluded(f"gold: {reason}") from reason


@lru_cache(maxsize=4096)
def alike(a: str, b: str) -> float:
    """1 for the same label, 0.5 for labels that most emotion wheels put in one sector, else 0."""
    if a == b:
        return 1.0
    wheels = wheel.load()
    sectors = [(wheels.sector(a, n), wheels.sector(b, n)) for n in range(wheel.WHEELS)]
    return 0.5 if 2 * sum(x == y != "" for x, y in sectors) > len(sectors) else 0.0


def distance(a: Node, b: Node, similar: Callable[[str, str], float] = alike) -> float:
    """Least cost of turning one tree into the other."""
    one, other = _Postorder(a), _Postorder(b)
    table = [[0.0] * len(other.labels) for _ in one.labels]
    for i in one.keyroots:
        for j in other.keyroots:
            _forest(one, other, i, j, table, similar)
    return table[-1][-1]


class _Postorder:
    """Labels in post-order, leftmost leaves, and the nodes that start a subproblem."""

    def __init__(self, root: Node) -> None:
        self.labels: list[str] = []
        self.leftmost: list[int] = []
        self._walk(root)
        last = {left: i for i, left in enumerate(self.leftmost)}
        self.keyroots = sorted(last.values())

    def _walk(self, node: Node) -> int:
        lefts = [self._walk(child) for child in node.children]
        self.labels.append(node.label)
        self.leftmost.append(lefts[0] if lefts else len(self.labels) - 1)
        return self.leftmost[-1]


def _forest(
    a: _Postorder,
    b: _Postorder,
    i: int,
    j: int,
    table: list[list[float]],
    similar: Callable[[str, str], float],
) -> None:
    """Fill the distances of the subtrees that end at i and j."""
    left, right = a.leftmost[i], b.leftmost[j]
    rows, columns = i - left + 2, j - right + 2
    cost = [[0.0] * columns for _ in range(rows)]
    for x in range(1, rows):
        cost[x][0] = cost[x - 1][0] + 1
    for y in range(1, columns):
        cost[0][y] = cost[0][y - 1] + 1
    for x in range(1, rows):
        for y in range(1, columns):
            m, n = left + x - 1, right + y - 1
            step = min(cost[x - 1][y], cost[x][y - 1]) + 1
            if a.leftmost[m] == left and b.leftmost[n] == right:
                change = 1.0 - similar(a.labels[m], b.labels[n])
                cost[x][y] = min(step, cost[x - 1][y - 1] + change)
                table[m][n] = cost[x][y]
            else:
                before = cost[a.leftmost[m] - left][b.leftmost[n] - right]
                cost[x][y] = min(step, before + table[m][n])


def score(wanted: Node, found: Node) -> float:
    """exp(−λ · distance / (sizes' sum)): 1 for the same tree, towards 0 the more differs."""
    return math.exp(-STEEP * distance(wanted, found) / (wanted.size + found.size))


def rows(golds: Sequence[Node], preds: Sequence[Node]) -> Tally:
    """Mean score, and the mean distance over the sizes' sum."""
    found = []
    for wanted, tree_ in zip(golds, preds, strict=True):
        apart = distance(wanted, tree_) / (wanted.size + tree_.size)
        found.append([math.exp(-STEEP * apart), apart])
    return mean_rows(found, ["tree", "distance"])
