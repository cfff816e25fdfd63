"""From the image processor's patches back to the exact bytes of a picture.

Knows the order of patches in Qwen2-VL's and Qwen3-VL's image processor: rows of
channels · frames · patch · patch values, in which the `merge` × `merge` patches that become one
token lie together. Knows no model. The bytes come back exactly from float32 and, because
neighbouring greys lie 2/255 apart and bfloat16 errs by at most 1/512 there, from bfloat16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from agent.render.voice_picture import VoicePicture, decode_voice, marker_points, shows_marker

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layout:
    """How an image processor writes pictures."""

    patch: int = 16
    """Pixels on each side of a patch."""
    merge: int = 2
    """Patches on each side of a token."""
    frames: int = 2
    """Times that a still is repeated."""
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)

    @classmethod
    def of(cls, image_processor: Any) -> Layout:
        """The layout of a Qwen2-VL image processor."""
        return cls(
            patch=int(image_processor.patch_size),
            merge=int(image_processor.merge_size),
            frames=int(image_processor.temporal_patch_size),
            mean=tuple(image_processor.image_mean),
            std=tuple(image_processor.image_std),
        )


def voices(patches: torch.Tensor, grid: torch.Tensor, layout: Layout) -> list[VoicePicture | None]:
    """What each picture says where it is a voice picture, None where it is not one.

    `patches`: pixel_values, rows × values, normalised floats or uint8. `grid`: image_grid_thw,
    pictures × 3, in patches. Raises VoicePictureError for a voice picture that was resized,
    compressed or otherwise changed.
    """
    sizes = [(int(t), int(h), int(w)) for t, h, w in grid.tolist()]
    starts = np.cumsum([0] + [t * h * w for t, h, w in sizes])
    marked = _marked(patches, sizes, starts, layout)
    return [
        decode_voice(picture(patches[a:b], size[1], size[2], layout)) if mark else None
        for mark, size, a, b in zip(marked, sizes, starts[:-1], starts[1:], strict=True)
    ]


def seen(
    patches: torch.Tensor, grid: torch.Tensor, heard: Sequence[VoicePicture | None]
) -> dict[str, torch.Tensor]:
    """pixel_values and image_grid_thw of the pictures that are none of a voice; empty if all are.

    `heard`: what `voices` gave for the same two.
    """
    if all(voice is not None for voice in heard):
        return {}
    mask = torch.tensor([voice is None for voice in heard], device=grid.device)
    rows = torch.repeat_interleave(mask, grid.prod(-1)).to(patches.device)
    return {"pixel_values": patches[rows], "image_grid_thw": grid[mask]}


def picture(patches: torch.Tensor, height: int, width: int, layout: Layout) -> Pixels:
    """Bytes of one still, height × width × 3; `height` and `width` in patches."""
    p, m = layout.patch, layout.merge
    whole = _bytes(patches, layout).reshape(height // m, width // m, m, m, -1, layout.frames, p, p)[
        ..., 0, :, :
    ]
    # (rows, columns, row in token, column in token, channel, y, x) to (y, x, channel)
    whole = whole.permute(0, 2, 5, 1, 3, 6, 4)
    return np.ascontiguousarray(whole.reshape(height * p, width * p, -1).cpu().numpy())


def _bytes(patches: torch.Tensor, layout: Layout) -> torch.Tensor:
    """uint8 rows of the same shape."""
    if patches.dtype == torch.uint8:
        return patches
    values = patches.detach().float().reshape(len(patches), len(layout.mean), -1)
    mean, std = (torch.tensor(x, device=patches.device)[:, None] for x in (layout.mean, layout.std))
    grey = ((values * std + mean) * 255).round().clamp(0, 255)
    return grey.to(torch.uint8).reshape(patches.shape)


def _marked(
    patches: torch.Tensor,
    sizes: list[tuple[int, int, int]],
    starts: npt.NDArray[np.int64],
    layout: Layout,
) -> list[bool]:
    """Which stills show the marker, from a few pixels each and one transfer for all."""
    rows: list[npt.NDArray[np.intp]] = []
    inside: list[npt.NDArray[np.intp]] = []
    asked: list[tuple[int, int]] = []
    for n, (frames, height, width) in enumerate(sizes):
        down, right = marker_points(height * layout.patch, width * layout.patch)
        if frames == 1 and len(right):
            row, place = _places(down[:, None], right[:, None], width, layout)
            rows.append(row.ravel() + starts[n])
            inside.append(place.ravel())
            asked.append((n, len(right)))
    if not asked:
        return [False] * len(sizes)
    chosen = np.concatenate(rows)
    values = _bytes(patches[torch.from_numpy(chosen).to(patches.device)], layout).cpu().numpy()
    values = values.reshape(len(chosen), len(layout.mean), layout.frames, -1)[:, :, 0]
    middles = values[np.arange(len(chosen)), :, np.concatenate(inside)]
    ends = np.cumsum([16 * stretches for _, stretches in asked])
    each = np.split(middles, ends[:-1])
    found = {
        n
        for (n, stretches), mine in zip(asked, each, strict=True)
        if shows_marker(mine.reshape(stretches, 4, 4, len(layout.mean)))
    }
    return [n in found for n in range(len(sizes))]


def _places(
    y: npt.NDArray[np.intp], x: npt.NDArray[np.intp], width: int, layout: Layout
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row of the patch, and place within one channel of it, of the pixels (y, x)."""
    y, x = np.broadcast_arrays(y, x)
    p, m = layout.patch, layout.merge
    (down, dy), (right, dx) = np.divmod(y, p), np.divmod(x, p)
    token = (down // m) * (width // m) + right // m
    return token * m * m + (down % m) * m + right % m, dy * p + dx
