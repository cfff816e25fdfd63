"""Where faces are in one picture.

Knows nothing about time, identity or expression. Two detectors of MediaPipe's BlazeFace
family (Bazarevsky et al. 2019, arXiv 1907.05047): the short-range one sees faces of at
least a seventh of the picture, the full-range one about a third of that. Smaller faces
are found by looking at overlapping tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from agent.schema.samples import Floats, Image
from agent.senses.faces.lite import Net

Effort = Literal["quick", "usual", "thorough"]
MOST_ALONG: Final = 12
"""Tiles along a picture's long side, were they not to overlap."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One face that a detector proposes."""

    box: tuple[float, float, float, float]
    """x, y, width, height in pixels; may reach over the picture's edge."""
    points: Floats
    """6 × 2 in pixels: right eye, left eye (the person's own), nose, mouth, right, left ear."""
    score: float
    """0-1."""


def _anchors(layers: tuple[tuple[int, int], ...]) -> Floats:
    """Anchor centres, N × 2 in 0-1, for (cells a side, anchors a cell) of each layer."""
    parts = []
    for cells, each in layers:
        y, x = np.divmod(np.arange(cells * cells), cells)
        centres = np.stack([x, y], axis=1).repeat(each, axis=0)
        parts.append((centres + 0.5) / cells)
    return np.concatenate(parts).astype(np.float32)


SHORT = _anchors(((16, 2), (8, 6)))
FULL = _anchors(((48, 1),))


class Blaze:
    """One BlazeFace network over one picture."""

    def __init__(self, model: Path | bytes, threads: int = 1) -> None:
        self._net = Net(model, threads)
        self.side = int(self._net.shape[1])
        self._anchors = SHORT if self.side == 128 else FULL

    def find(self, image: Image, least: float = 0.5) -> list[Detection]:
        """Faces scored at least `least`, best first; boxes in pixels of `image`."""
        padded, scale, left, top = _letterbox(image, self.side)
        tensor = padded.astype(np.float32)
        tensor *= 1 / 127.5
        tensor -= 1
        raw, logits = (part[0] for part in self._net(tensor[None]))
        if raw.shape[-1] == 1:
            raw, logits = logits, raw
        scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -60, 60)))
        keep = np.flatnonzero(scores >= least)
        if not keep.size:
            return []
        pairs = raw[keep].reshape(-1, 8, 2) / self.side
        pairs[:, 0] += self._anchors[keep]
        pairs[:, 2:] += self._anchors[keep][:, None]
        pairs *= self.side
        pairs[:, 0] -= (left, top)
        pairs[:, 2:] -= (left, top)
        return blend(pairs / scale, scores[keep])


def _letterbox(image: Image, side: int) -> tuple[Image, float, int, int]:
    """The picture inside a black square: (square, scale, left, top)."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.zeros((side, side, 3), np.uint8)
    left, top = (side - w) // 2, (side - h) // 2
    step = max(1, int(0.4 / scale))
    thin = np.ascontiguousarray(image[::step, ::step])  # a full area filter costs more than it adds
    square[top : top + h, left : left + w] = cv2.resize(thin, (w, h), interpolation=how)
    return square, scale, left, top


def blend(pairs: Floats, scores: Floats, overlap: float = 0.3) -> list[Detection]:
    """Merge proposals that overlap by at least `overlap` (IoU) into their score-weighted mean.

    `pairs` is N × 8 × 2: box centre, box size, six points.
    """
    order = np.argsort(-scores)
    found = []
    corners = np.concatenate([pairs[:, 0] - pairs[:, 1] / 2, pairs[:, 0] + pairs[:, 1] / 2], 1)
    while order.size:
        near = order[iou(corners[order[0]], corners[order]) >= overlap]
        weights = scores[near] / scores[near].sum()
        mean = np.tensordot(weights, pairs[near], 1)
        (cx, cy), (w, h) = mean[0], mean[1]
        box = (float(cx - w / 2), float(cy - h / 2), float(w), float(h))
        found.append(Detection(box, mean[2:].astype(np.float32), float(scores[order[0]])))
        order = order[~np.isin(order, near)] if near.size else order[1:]
    return found


def iou(one: Floats, many: Floats) -> Floats:
    """Intersection over union of one box with many; corners x0, y0, x1, y1."""
    both, area, areas = _areas(one, many)
    return np.asarray(both / np.maximum(area + areas - both, 1e-9), np.float32)


def nested(one: Floats, many: Floats) -> Floats:
    """Intersection over the smaller area, of one box with many; 1 where one holds the other."""
    both, area, areas = _areas(one, many)
    return np.asarray(both / np.maximum(np.minimum(area, areas), 1e-9), np.float32)


def _areas(one: Floats, many: Floats) -> tuple[Floats, Floats, Floats]:
    """Of the intersections, of the one, of the many."""
    low = np.maximum(one[:2], many[:, :2])
    high = np.minimum(one[2:], many[:, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    return both, np.prod(one[2:] - one[:2]), np.prod(many[:, 2:] - many[:, :2], axis=1)


class Detector:
    """Finds faces, small ones too where asked."""

    def __init__(self, short: Path | bytes, full: Path | bytes | None = None) -> None:
        self._short = Blaze(short)
        self._full = Blaze(full) if full is not None else None

    def find(self, image: Image, effort: Effort = "usual") -> list[Detection]:
        """Faces in an RGB picture, best first.

        "quick" runs one network, "usual" both, "thorough" looks at tiles too (some 50 ms).
        """
        found = [] if effort == "quick" and self._full else self._short.find(image)
        if self._full is not None:
            found += self._full.find(image, least=0.6)
        if effort == "thorough":
            best = self._full or self._short
            for x, y, tile in tiles(image):
                found += [_moved(d, x, y) for d in best.find(tile, least=0.6)]
        return merge(found)

    def find_in_tiles(self, image: Image, side: int, least: float = 0.6) -> list[Detection]:
        """Faces in overlapping square tiles of `side` pixels: those of a tenth of it and more."""
        best = self._full or self._short
        height, width = image.shape[:2]
        side = max(side, max(height, width) // MOST_ALONG)
        corners = ((x, y) for y in _starts(height, side, 0.3) for x in _starts(width, side, 0.3))
        found: list[Detection] = []
        for x, y in corners:
            tile = image[y : y + side, x : x + side]
            found += [_moved(d, x, y) for d in best.find(tile, least)]
        return merge(found)


def tiles(
    image: Image, per_side: int = 2, overlap: float = 0.3
) -> Iterator[tuple[int, int, Image]]:
    """Overlapping square tiles with their top left corner, `per_side` along the short side.

    Fewer, and as wide as a `MOST_ALONG`th, where a picture is very long: a strip 32 pixels high
    would else be looked at a thousand times.
    """
    height, width = image.shape[:2]
    side = int(min(height, width) / (per_side - (per_side - 1) * overlap))
    side = max(side, max(height, width) // MOST_ALONG)
    for y in _starts(height, side, overlap):
        for x in _starts(width, side, overlap):
            yield x, y, image[y : y + side, x : x + side]


def _starts(length: int, side: int, overlap: float) -> list[int]:
    count = int(np.ceil((length - side) / (side * (1 - overlap)))) + 1
    return [int(s) for s in np.linspace(0, max(0, length - side), max(1, count))]


def _moved(found: Detection, x: float, y: float) -> Detection:
    left, top, w, h = found.box
    return Detection(
        (left + x, top + y, w, h), found.points + np.array([x, y], np.float32), found.score
    )


def merge(found: list[Detection], overlap: float = 0.3) -> list[Detection]:
    """Of detections that overlap, the best scored one; best first."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda d: -d.score):
        if not kept or iou(_corners(one), np.stack([_corners(k) for k in kept])).max() < overlap:
            kept.append(one)
    return kept


def _corners(found: Detection) -> Floats:
    x, y, w, h = found.box
    return np.array([x, y, x + w, y + h], np.float32)
