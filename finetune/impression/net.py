"""The network: eight convolutions over a small grey picture.

The light is taken out inside (each picture to mean 0 and deviation 1), so that training and
use cannot differ in it. The size of the picture is free: early epochs learn on smaller ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def _conv(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    pad = kernel // 2 if kernel % 2 else 0
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, pad, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


class _Pair(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Two convolutions with a way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = _conv(width, width, 3)
        self.two = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.two(self.one(x)))


class Net(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """n × 1 × side × side, 0-255, to n × labels: log-odds up to a constant a row."""

    def __init__(self, widths: Sequence[int], labels: int = 10, dropout: float = 0.1) -> None:
        """`widths`: channels at a half of the picture's points a side (twice), a quarter, an
        eighth."""
        super().__init__()
        a, b, c, d = widths
        self.body = nn.Sequential(
            _conv(1, a, 5, 2),
            _conv(a, b, 3),
            _conv(b, c, 2, 2),
            _Pair(c),
            _conv(c, d, 2, 2),
            _Pair(d),
        )
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(d, labels)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(dim=(2, 3), keepdim=True)
        off = x - mean
        spread = off.square().mean(dim=(2, 3), keepdim=True).sqrt()
        seen = self.body(off / (spread + 8.0))
        logits: Tensor = self.head(self.drop(seen.mean(dim=(2, 3))))
        return logits
