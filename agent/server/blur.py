"""Faces made unrecognisable in pictures that leave for a model host (`--blur-faces`).

The faces are found anew in each picture, in tiles of several sizes, so that nobody slips through
who was not tracked or stands far off; pictures that are faces and nothing else are left out.
Drawn pictures have none.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final

import numpy as np

from agent.schema.picture import Picture
from agent.schema.samples import Image

LARGEST: Final = 0.6
"""Side of the largest tiles, as a share of the picture's shorter side; each further size is half
the one before."""
SMALLEST: Final = 48
"""Pixels below which no tiles are looked at: no face in them can be known again."""
LEAST: Final = 0.5
"""Score of a face in a tile: one that is none may be covered, one that is one may not be left."""
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
    for number, cells in enumerate(PASSES):
        # Until none is found: a coarse mosaic of a large face can still pass for one.
        for box in _faces(image) if number == 0 else _large_faces(image):
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
    """x, y, width, height in pixels of every face in one picture, however small.

    Finer and finer tiles, each enlarged to what the detector takes: in the whole picture it sees
    nothing below a twentieth of it, where people still know each other.
    """
    from agent.senses.faces.models import shared

    detector = shared().detector
    found = _large_faces(image)
    side = min(image.shape[:2]) * LARGEST
    while side >= SMALLEST:
        found += [one.box for one in detector.find_in_tiles(image, round(side), LEAST)]
        side /= 2
    return found


def _large_faces(image: Image) -> list[tuple[float, float, float, float]]:
    """The same of faces that are no smaller than a tenth of the picture."""
    from agent.senses.faces.models import shared

    return [one.box for one in shared().detector.find(image, "thorough")]
