"""How a voted picture is altered before it is learned from.

The pictures are 48 points a side, cut by one program, and pressed once; crops in the field
come from another detector, in any size, light, blur and compression. Everything here is a
way in which those differ.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


def batch(images: Picture, side: int, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """n × 1 × side × side, 0-255: each picture of n × 48 × 48 altered in its own way."""
    out = np.empty((len(images), 1, side, side), np.float32)
    for place, image in enumerate(images):
        out[place, 0] = _covered(_degraded(_moved(image, side, random), random), random)
    return out


def plain(images: Picture, side: int) -> npt.NDArray[np.float32]:
    """n × 1 × side × side, 0-255: the pictures as they are."""
    if images.shape[1:] != (side, side):
        images = np.stack(
            [cv2.resize(i, (side, side), interpolation=cv2.INTER_AREA) for i in images]
        )
    return images[:, None].astype(np.float32)


def _moved(image: Picture, side: int, random: np.random.Generator) -> Picture:
    """Turned, scaled, stretched, shifted, mirrored, and brought to `side`."""
    height = image.shape[0]
    angle = np.deg2rad(np.clip(random.normal(0, 9), -25, 25))
    scale = np.exp(random.uniform(np.log(0.85), np.log(1.2)))
    stretch = np.exp(random.normal(0, 0.05))
    size = height / side * scale
    x, y = size * stretch, size / stretch
    if random.random() < 0.5:
        x = -x
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c * x, -s * y], [s * x, c * y]])
    centre = (height - 1) / 2 + random.normal(0, 0.045, 2) * height
    shift = centre - turn @ np.full(2, (side - 1) / 2)
    matrix = np.concatenate([turn, shift[:, None]], axis=1)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    edge = cv2.BORDER_REPLICATE
    moved: Picture = cv2.warpAffine(image, matrix, (side, side), flags=how, borderMode=edge)
    return moved


def _degraded(image: Picture, random: np.random.Generator) -> Picture:
    """Less sharp, pressed, in other light."""
    side = image.shape[0]
    if random.random() < 0.25:
        small = int(random.uniform(0.4, 0.85) * side)
        image = cv2.resize(
            cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA),
            (side, side),
            interpolation=cv2.INTER_LINEAR if random.random() < 0.5 else cv2.INTER_CUBIC,
        )
    elif random.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.1) * side / 48)
    elif random.random() < 0.15:
        soft = cv2.GaussianBlur(image, (0, 0), 1.0)
        image = cv2.addWeighted(image, 1.6, soft, -0.6, 0)
    if random.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(20, 80))]
        pressed: Any = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_GRAYSCALE)
        image = pressed
    light = (np.arange(256) / 255) ** (np.exp(random.normal(0, 0.3)) * _tone(random))
    light = 0.5 + (light - 0.5) * np.exp(random.normal(0, 0.2)) + random.normal(0, 0.06)
    image = cv2.LUT(image, np.clip(light * 255, 0, 255).astype(np.uint8))
    if random.random() < 0.3:
        ramp = np.linspace(-1, 1, side) * random.normal(0, 30)
        sides = ramp[:, None] if random.random() < 0.3 else ramp[None, :]
        image = np.clip(image + sides, 0, 255).astype(np.uint8)
    if random.random() < 0.2:
        noise = random.normal(0, random.uniform(2, 10), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def _tone(random: np.random.Generator) -> float:
    """Exponent that darkens the middle greys, in a third of the pictures: skin against the white
    of eyes and teeth and the dark of an open mouth, as on darker skin."""
    return float(np.exp(random.uniform(0.2, 1.0))) if random.random() < 1 / 3 else 1.0


def _covered(image: Picture, random: np.random.Generator) -> Picture:
    """A patch hidden, in a third of the pictures."""
    if random.random() < 2 / 3:
        return image
    side = image.shape[0]
    w, h = (random.uniform(0.12, 0.42, 2) * side).astype(int)
    x, y = int(random.uniform(-w / 2, side - w / 2)), int(random.uniform(-h / 2, side - h / 2))
    image = image.copy()
    patch = image[max(0, y) : y + h, max(0, x) : x + w]
    if random.random() < 0.4:
        patch[:] = random.integers(0, 256, patch.shape, dtype=np.uint8)
    else:
        patch[:] = random.integers(0, 256)
    return image
