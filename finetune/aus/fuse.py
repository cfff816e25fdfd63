"""The network over everything: shape, blendshapes and skin, against the person at rest.

Learns to live with whatever resting row a clip gives: a good one, one taken from a face
that never rests, or none. Needs torch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from agent.schema.samples import Floats
from agent.senses.units.face_frame import MeanFace
from agent.senses.units.net import COUNT, Layout, Net, activity, blendshape_mirror, resting
from finetune.aus.data import Mesh, People, flipped

log = logging.getLogger("duchenne")
HIDDEN = 176
DROP = 0.2
DECAY = 1e-3


@dataclass(frozen=True, slots=True)
class Parts:
    """What the network may look at; for ablations."""

    blendshapes: bool = True
    skin: bool = True
    relative: bool = True


def basis(
    people: People, mesh: Mesh, mean: MeanFace, even: int = 64, odd: int = 48, most: int = 12_000
) -> tuple[Floats, Floats]:
    """Shape basis (even + odd) × 1404 and its mirror signs.

    Principal components of how each person's points vary, of what a mirror leaves and of
    what it turns round apart.
    """
    rows = np.random.default_rng(5).permutation(len(people))[:most]
    points = people.points[mesh][rows] - _person_mean(people, mesh)[people.person[rows]]
    across = flipped(points, mean)
    found = []
    for part, count in (((points + across) / 2, even), ((points - across) / 2, odd)):
        flat = part.reshape(len(part), -1).astype(np.float64)
        values, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
        spread = np.sqrt(np.maximum(values[::-1][:count], 1e-12))
        # Whitened, but faint directions are mostly the mesh's noise: they stay faint.
        found.append(vectors[:, ::-1][:, :count].T / (spread + 0.02 * spread[0])[:, None])
    sign = np.concatenate([np.ones(even), -np.ones(odd)])
    return np.concatenate(found).astype(np.float32), sign.astype(np.float32)


def _person_mean(people: People, mesh: Mesh) -> Floats:
    sums = np.add.reduceat(people.points[mesh], people.bounds[:-1], axis=0)
    return np.asarray(sums / np.diff(people.bounds)[:, None, None], np.float32)


def rows(people: People, mesh: Mesh, axes: Floats, skin: Floats, parts: Parts) -> Floats:
    """What `observe` would keep of every picture, n × width."""
    flat = people.points[mesh].reshape(len(people), -1)
    shapes = people.blendshapes if mesh == "large" and parts.blendshapes else 0
    seen = skin if parts.skin else np.zeros_like(skin)
    return np.concatenate(
        [
            flat @ axes.T,
            np.zeros((len(people), 52), np.float32) + shapes,
            seen[:, 0],
            seen[:, 1],
            people.pose[mesh],
            people.quality[:, None],
        ],
        axis=1,
        dtype=np.float32,
    )


class _Fuse(nn.Module):  # type: ignore[misc]  # torch has no types here
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(width, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 3 * COUNT)]
        )
        self.drop = nn.Dropout(DROP)

    def forward(self, entry: Tensor) -> Tensor:
        value = entry
        for layer in list(self.layers)[:-1]:
            value = self.drop(functional.relu(layer(value)))
        out: Tensor = self.layers[-1](value)
        return out.reshape(-1, 3, COUNT)

    def arrays(self) -> dict[str, Floats]:
        out = {}
        for i, layer in enumerate(self.layers):
            out[f"w{i}"] = layer.weight.detach().numpy().T.copy()
            out[f"b{i}"] = layer.bias.detach().numpy().copy()
        return out


def train(
    people: People,
    table: Floats,
    axes: Floats,
    sign: Floats,
    steps: int,
    seed: int,
    parts: Parts = Parts(),
) -> dict[str, Floats]:
    """Weights of the network over these rows, as `Net` takes them."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 22])
    layout = Layout(len(axes))
    fixed = {"basis": axes, "sign": sign} | _scales(people, table, layout, sign)
    fixed |= {"bend": np.ones(COUNT, np.float32), "spread": np.ones(COUNT, np.float32)}
    count = layout.spans["pose"].start
    net: Any = _Fuse(2 * count + 5)
    truth = np.asarray(people.sides() / 5, np.float32)
    scale = 1 / np.sqrt((truth**2).mean(axis=(0, 1)) + 1e-3)
    weight = torch.from_numpy((scale / scale.mean()).astype(np.float32))
    batch, each = 512, 150
    turns = max(2, steps // each)
    others = _quiet(people, table)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=turns * each + 1)
    for turn in range(turns):
        net.eval()
        now = Net(fixed | net.arrays())
        rests, worth = _rests(people, table, now, rng, parts.relative and turn > 0)
        losses = []
        net.train()
        for _ in range(each):
            chosen = rng.integers(0, len(people), batch)
            entry = _entry(now, table[chosen], rests[chosen], worth[chosen], others, rng, parts)
            target = torch.from_numpy(truth[chosen].transpose(1, 0, 2).reshape(-1, COUNT))
            loss = _loss(net(torch.from_numpy(entry)), target, weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        if turn % 10 == 9:
            log.info("fuse: step %d of %d, loss %.4f", each * (turn + 1), steps, np.mean(losses))
    net.eval()
    learned: dict[str, Floats] = net.arrays()
    return fixed | learned


def join(members: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    """Several networks over the same rows as one that averages what they say."""
    first = members[0]
    layers = {name for name in first if name[0] in "wb" and name[1:].isdigit()}
    return {
        name: np.stack([one[name] for one in members]) if name in layers else value
        for name, value in first.items()
    }


def _loss(guess: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    level, deviation, presence = guess.unbind(dim=1)
    miss = functional.smooth_l1_loss(level, target, reduction="none", beta=0.1)
    fit = (miss * (0.25 + target) * weight).mean()
    deviation = deviation.clamp(-5, 1)
    off = (level.detach() - target) ** 2
    unsure = (deviation + 0.5 * off * torch.exp(-2 * deviation)).mean()
    there = functional.binary_cross_entropy_with_logits(
        presence, (target >= 0.2).float(), reduction="none"
    )
    return fit + 0.003 * unsure + 0.02 * (there * weight).mean()


def _scales(people: People, table: Floats, layout: Layout, sign: Floats) -> dict[str, Floats]:
    """Mean and within-person deviation of the features, alike for both sides."""
    count = layout.spans["pose"].start
    features = table[:, :count]
    centre = np.add.reduceat(features, people.bounds[:-1], axis=0)
    centre /= np.diff(people.bounds)[:, None]
    spread = (features - centre[people.person]).std(axis=0)
    mean = features.mean(axis=0)
    mean[: layout.shape][sign < 0] = 0
    spans = layout.spans
    for value in (mean, spread):
        shapes = value[spans["blendshapes"]]
        value[spans["blendshapes"]] = (shapes + shapes[blendshape_mirror()]) / 2
        both = (value[spans["left"]] + value[spans["right"]]) / 2
        value[spans["left"]] = value[spans["right"]] = both
    return {"mean": mean.astype(np.float32), "scale": (spread + 0.02).astype(np.float32)}


def _rests(
    people: People, table: Floats, net: Net, rng: np.random.Generator, relative: bool
) -> tuple[Floats, Floats]:
    """A resting row for every picture and its worth, as clips of all sorts would give them."""
    count = net.layout.spans["pose"].start
    rests = np.broadcast_to(net.mean, (len(people), count)).copy()
    worth = np.zeros(len(people), np.float32)
    if not relative:
        return rests, worth
    amount = activity(net.raw(table))
    for person in range(len(people.bounds) - 1):
        mine = np.arange(people.bounds[person], people.bounds[person + 1])
        for part in np.array_split(rng.permutation(mine), 3):
            if rng.random() < 0.25:
                continue
            some = _subset(mine, amount, rng)
            rests[part], worth[part] = _rest(table, some, amount, people.quality, count)
    return rests, worth


def _rest(
    table: Floats, some: npt.NDArray[np.int64], amount: Floats, quality: Floats, count: int
) -> tuple[Floats, float]:
    return resting(table[some, :count], amount[some], quality[some])


def _subset(
    mine: npt.NDArray[np.int64], amount: Floats, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Some pictures of a person: many, few, or only lively ones."""
    kind = rng.random()
    if kind < 0.15:
        lively = mine[np.argsort(amount[mine])][len(mine) // 2 :]
        return rng.choice(lively, int(rng.integers(4, 20)))
    size = int(rng.integers(8, max(9, len(mine)))) if kind < 0.7 else len(mine)
    return rng.choice(mine, size, replace=False) if size <= len(mine) else mine


def _disguise(
    net: Net,
    table: Floats,
    rests: Floats,
    worth: Floats,
    others: Floats,
    rng: np.random.Generator,
) -> None:
    """Make people that were never rendered, in place: add what sets two others apart."""
    count = net.layout.spans["pose"].start
    one, two = rng.integers(0, len(others), (2, len(table)))
    share = (rng.random((len(table), 1)) < 0.6) * rng.uniform(0, 1, (len(table), 1))
    shift = share.astype(np.float32) * (others[one] - others[two])[:, :count]
    table[:, :count] += shift
    rests += shift * (worth > 0)[:, None]


def _quiet(people: People, table: Floats) -> Floats:
    """Each person's row at rest, as the truth tells it."""
    amount = people.truth.sum(axis=1)
    found = []
    for first, last in pairwise(people.bounds):
        weight = np.exp(-(amount[first:last] - amount[first:last].min()))
        found.append(weight @ table[first:last] / weight.sum())
    return np.stack(found).astype(np.float32)


def _entry(
    net: Net,
    table: Floats,
    rests: Floats,
    worth: Floats,
    others: Floats,
    rng: np.random.Generator,
    parts: Parts,
) -> Floats:
    """Left and right sides of a batch as the first layer takes them, roughened."""
    count = net.layout.spans["pose"].start
    spans = net.layout.spans
    table, rests = table.copy(), rests.copy()
    tail = np.zeros((len(rests), table.shape[1] - count), np.float32)
    table[:, :count] += 0.12 * net.scale * rng.standard_normal((len(table), count), np.float32)
    _disguise(net, table, rests, worth, others, rng)
    for names, often in ((("blendshapes",), 0.1), (("left", "right"), 0.25 * parts.skin)):
        lost = np.flatnonzero(rng.random(len(table)) < often)
        for name in names:
            table[lost, spans[name]] = rests[lost, spans[name]] = net.mean[spans[name]]
    out = []
    full = np.concatenate([rests, tail], axis=1)
    for now, rest in ((table, full), (net.mirrored(table), net.mirrored(full))):
        ahead = (now[:, :count] - rest[:, :count]) / net.scale
        behind = (rest[:, :count] - net.mean) / net.scale
        out.append(
            np.concatenate([ahead, behind, now[:, count:], worth[:, None]], 1, dtype=np.float32)
        )
    return np.concatenate(out)
