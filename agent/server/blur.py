"""Faces made unrecognisable in pictures that leave for a model host (`--blur-faces`).

The faces are found anew in each picture, so that nobody who was not tracked slips through;
pictures that are faces and nothing else are left out. Drawn pictures have none.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final

import numpy as np

from agent.context import Picture
from agent.senses.samples import Image

PASSES: Final = (5, 1, 1)
"""Cells a side of the mosaic over what is found in each pass."""


def blurred(pictures: Iterable[Picture]) -> list[Picture]:
    """The same without recognisable faces: strips of faces are left out."""
    return [
        _blurred(one) if one.name.startswith("frame") else one
        for one in pictures
        if not one.name.startswith("face strip")
    ]


def _blurred(picture: Picture) -> Picture:
    from PIL import Image as Pictures

    image = np.array(Pictures.open(io.BytesIO(picture.png)).convert("RGB"))
    for cells in PASSES:
        # Until none is found: a coarse mosaic of a face can still pass for one.
        for box in _faces(image):
            _cover(image, box, cells)
    out = io.BytesIO()
    Pictures.fromarray(image).save(out, "PNG")
    return Picture(picture.name, out.getvalue())


def _cover(image: Image, box: tuple[float, float, float, float], cells: int) -> None:
    """Make a mosaic of so many cells a side, a third around the box: hair and jaw tell too."""
    import cv2

    x, y, width, height = box
    left, top = max(0, int(x - width / 3)), max(0, int(y - height / 3))
    right, bottom = int(x + width * 4 / 3) + 1, int(y + height * 4 / 3) + 1
    region = image[top:bottom, left:right]
    if region.size:
        small = cv2.resize(region, (cells, cells), interpolation=cv2.INTER_AREA)
        shape = (region.shape[1], region.shape[0])
        image[top:bottom, left:right] = cv2.resize(small, shape, interpolation=cv2.INTER_NEAREST)


def _faces(image: Image) -> list[tuple[float, float, float, float]]:
    """x, y, width, height in pixels of every face in one picture."""
    from agent.senses.faces.models import shared

    found = shared().detector.find(image, "thorough")
    return [one.box for one in found]
