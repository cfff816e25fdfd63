"""The network over the skin: half a face in, a few numbers out that tell what muscles do to it.

Learns on pairs of pictures of one person: what changed is expression, what stays is who it
is. Only the part that makes the numbers is kept. Needs torch.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from agent.schema.samples import Floats
from agent.senses.units.face_frame import PATCH
from agent.senses.units.learned import contrast, halves
from agent.senses.units.net import COUNT, SKIN
from finetune.aus.data import People

log = logging.getLogger("duchenne")
CROWD = 8
"""People in one batch."""


class Skin(nn.Module):  # type: ignore[misc]  # torch has no types here
    """n × 1 × PATCH × HALF contrast patches → n × SKIN."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 5, 2, 2), nn.ReLU(),
            nn.Conv2d(12, 24, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(24, 40, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(40, 48, 3, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.1), nn.Linear(48 * 6 * 4, SKIN),
        )  # fmt: skip

    def forward(self, half: Tensor) -> Tensor:
        out: Tensor = self.body(half)
        return out


class _Reader(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Numbers of a picture and of a quiet one of the same person → targets."""

    def __init__(self) -> None:
        super().__init__()
        self.skin = Skin()
        self.head = nn.Sequential(
            nn.Linear(2 * SKIN + 1, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, COUNT)
        )

    def forward(self, half: Tensor, quiet: Tensor, known: Tensor) -> Tensor:
        """`quiet`: index of each half's quiet partner; `known`: 1 where that may be used."""
        seen = self.skin(half)
        rest = seen[quiet] * known[:, None]
        out: Tensor = self.head(torch.cat([seen - rest, rest, known[:, None]], dim=1))
        return out


def train(
    people: People, steps: int, seed: int, threads: int = 1, start: Skin | None = None
) -> Skin:
    """The skin network, trained on these people; from `start` where one is given."""
    if len(people.bounds) - 1 < CROWD:
        raise ValueError(f"{len(people.bounds) - 1} people are too few: it takes {CROWD} or more")
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    rng = np.random.default_rng([seed, 21])
    net: Any = _Reader().to(memory_format=torch.channels_last)
    if start is not None:
        net.skin.load_state_dict(start.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    truth = np.asarray(people.sides() / 5, np.float32)
    weight = torch.tensor(_weights(truth))
    done, mean_loss = 0, 0.0
    while done < steps:
        for rows, quiet, known in _groups(people, truth, rng):
            patch = np.stack([_worn(people.patches[row], rng) for row in rows])
            half = torch.from_numpy(patch.reshape(-1, 1, *patch.shape[2:]))
            half = half.to(memory_format=torch.channels_last)
            target = torch.from_numpy(truth[rows].reshape(-1, COUNT))
            pair = torch.from_numpy(np.stack([2 * quiet, 2 * quiet + 1], axis=1).reshape(-1))
            flag = torch.from_numpy(np.repeat(known, 2))
            guess = net(half, pair, flag)
            miss = functional.smooth_l1_loss(guess, target, reduction="none", beta=0.1)
            loss = (miss * (0.25 + target) * weight).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            done += 1
            mean_loss += 0.02 * (loss.item() - mean_loss) if done > 50 else loss.item() / 50
            if done % 200 == 0:
                log.info("skin: step %d of %d, loss %.4f", done, steps, mean_loss)
            if done >= steps:
                break
    net.skin.eval()
    skin: Skin = net.skin
    return skin


def restore(path: Path) -> Skin:
    """A skin network from its saved state."""
    skin = Skin()
    skin.load_state_dict(torch.load(path, weights_only=True))
    skin.eval()
    return skin


def numbers(skin: Skin, patches: npt.NDArray[np.uint8]) -> Floats:
    """What the network makes of patches: n × 2 (left, right) × SKIN."""
    out = np.empty((len(patches), 2, SKIN), np.float32)
    with torch.no_grad():
        for first in range(0, len(patches), 256):
            part = patches[first : first + 256]
            half = torch.from_numpy(np.concatenate([halves(contrast(p)) for p in part])[:, None])
            out[first : first + len(part)] = skin(half).numpy().reshape(-1, 2, SKIN)
    return out


def _weights(truth: Floats) -> Floats:
    """Rare or faint targets count more: one number a target, mean 1."""
    scale = 1 / np.sqrt((truth**2).mean(axis=(0, 1)) + 1e-3)
    return np.asarray(scale / scale.mean(), np.float32)


def _groups(
    people: People, truth: Floats, rng: np.random.Generator, group: int = 8, batch: int = CROWD
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]]:
    """Rows of `batch` people × `group` pictures, each one's quiet partner, and if it is used."""
    activity = truth.sum(axis=(1, 2))
    order = rng.permutation(len(people.bounds) - 1)
    for first in range(0, len(order) - batch + 1, batch):
        for _ in range(4):
            rows: list[int] = []
            quiet: list[int] = []
            known: list[float] = []
            for person in order[first : first + batch]:
                low, high = people.bounds[person], people.bounds[person + 1]
                mine = rng.choice(np.arange(low, high), group, replace=high - low < group)
                pool = rng.choice(np.arange(low, high), 12)
                mine[0] = pool[activity[pool].argmin()]
                quiet += [len(rows)] * group
                known += [float(rng.random() < 0.7)] * group
                rows += mine.tolist()
            yield np.array(rows), np.array(quiet), np.array(known, np.float32)


def _worn(patch: npt.NDArray[np.uint8], rng: np.random.Generator) -> Floats:
    """A patch as a worse camera and a wobbling mesh would give it, as halves."""
    angle, scale = rng.normal(0, 2.5), np.exp(rng.normal(0, 0.035))
    matrix = cv2.getRotationMatrix2D((PATCH / 2, PATCH / 2), angle, scale)
    matrix[:, 2] += rng.normal(0, 1.6, 2)
    image = cv2.warpAffine(patch, matrix, (PATCH, PATCH), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.0))
    value = image.astype(np.float32)
    if rng.random() < 0.5:
        value = 255 * (value / 255) ** np.exp(rng.normal(0, 0.35))
    if rng.random() < 0.4:
        slope = rng.normal(0, 40, 2)
        axis = np.linspace(-1, 1, PATCH, dtype=np.float32)
        value += slope[0] * axis[None] + slope[1] * axis[:, None]
    value = 128 + (value - 128) * rng.uniform(0.5, 1.2) + rng.normal(0, 25)
    value += rng.exponential(2.0) * rng.standard_normal(value.shape, np.float32)
    if rng.random() < 0.15:
        x, y = rng.integers(0, PATCH - 16, 2)
        w, h = rng.integers(8, 40, 2)
        value[y : y + h, x : x + w] = rng.uniform(0, 255)
    return halves(contrast(np.clip(value, 0, 255).astype(np.uint8)))
