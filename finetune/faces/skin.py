"""How the skin looks: procedural colour and wrinkle pictures, laid on the head by cylinder.

Eight wrinkle layers (grooves that deepen as their muscles pull) and one colour picture
per person. Knows nothing about cameras and light.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from finetune.faces.ict import Floats, Head
from finetune.faces.muscles import State
from finetune.faces.people import Person

SIZE: Final = 512
_RADIUS, _AXIS = 9.0, 1.0
_WIDE, _LOW, _TALL = 18.9, -19.5, 34.1
LAYERS: Final = ("forehead", "glabella", "nose", "crow", "lid", "cheek", "corner", "chin")
"""Wrinkle layers in the order of the picture's channels."""

Bytes = npt.NDArray[np.uint8]


def flat(points: Floats) -> Floats:
    """Arc length and height (head units) of points n × 3 on the cylinder around the head."""
    angle = np.arctan2(points[:, 0], points[:, 2] - _AXIS)
    return np.stack([_RADIUS * angle, points[:, 1]], axis=1).astype(np.float32)


def coordinates(head: Head) -> Floats:
    """Texture coordinates V × 2 of the head; the same for every person."""
    place = flat(head.neutral)
    return np.clip((place - [-_WIDE, _LOW]) / [2 * _WIDE, _TALL], 0, 1).astype(np.float32)


def _grid() -> tuple[Floats, Floats]:
    across = np.linspace(-_WIDE, _WIDE, SIZE, dtype=np.float32)
    up = np.linspace(_LOW, _LOW + _TALL, SIZE, dtype=np.float32)
    x, y = np.meshgrid(across, up)
    return x, y


_X, _Y = _grid()


def colors(head: Head, person: Person) -> Bytes:
    """Skin colour SIZE × SIZE × 3 of this person, as square roots of linear colour."""
    rng = np.random.default_rng([person.seed, 2])
    marks = flat(head.neutral[head.landmarks])
    image = np.empty((SIZE, SIZE, 3), np.float32)
    image[:] = person.skin
    rough = 0.04 if person.plain else float(rng.uniform(0.03, 0.13))
    image *= np.exp(rough * (_noise(rng, 6) + 0.6 * _noise(rng, 24) + 0.4 * _noise(rng, 96)))[
        ..., None
    ]
    red = _blob(0, 0.4, 1.6, 1.4) * 0.5 + _sides(5.2, 0.2, 2.0, 1.6)
    _tint(image, red * (0.25 + person.blush) * 0.5, (1.15, 0.72, 0.68))
    if not person.plain:
        _tint(image, _sides(3.4, 2.3, 1.6, 0.7) * rng.uniform(0, 0.5), (0.72, 0.62, 0.66))
        spots = np.clip(_noise(rng, 128) - 1.6, 0, 1) * (np.abs(_X) < 7) * (_Y < 4)
        _tint(image, spots * person.freckles, (0.45, 0.35, 0.3))
    _paint(image, _lips(marks) * person.lip_strength, person.lips)
    if person.makeup:
        shadow = tuple(float(value) for value in rng.uniform(0.02, 0.4, 3))
        _paint(image, _sides(3.3, 4.6, 1.7, 0.7) * person.makeup * 0.6, shadow)
        liner = _line(marks[[36, 37, 38, 39]], 0.16) + _line(marks[[42, 43, 44, 45]], 0.16)
        _paint(image, np.clip(liner, 0, 1) * person.makeup, (0.01, 0.01, 0.01))
    _brows(image, person, marks, rng)
    _beard(image, person, marks, rng)
    if person.hair_volume or (not person.plain and rng.random() < 0.6):
        strands = 0.75 + 0.35 * _noise(rng, 200, 12)
        _paint(image, scalp(_X, _Y, person) * 0.97, person.hair, strands)
    return np.asarray(255 * np.sqrt(np.clip(image, 0, 1)), np.uint8)


def scalp(x: Floats, y: Floats, person: Person) -> Floats:
    """How much hair grows at flat places x, y: 0–1."""
    side = np.clip((np.abs(x) - 4.5) / 5.5, 0, 1)
    edge = person.hairline * (1 - side**2) + (-1.5) * side**2
    return np.clip((y - edge) / 0.8, 0, 1).astype(np.float32)


def wrinkles(person: Person) -> Bytes:
    """Depth of grooves 0–255, SIZE × SIZE × 8, one channel a layer."""
    rng = np.random.default_rng([person.seed, 3])
    bend = rng.normal(0, 0.18, 40)
    wave = cv2.GaussianBlur(_noise(rng, 10), (0, 0), 8) * 0.5
    x, y = np.abs(_X) + 0.3 * wave, _Y + 0.4 * wave
    out = np.zeros((8, SIZE, SIZE), np.float32)
    for line in range(4):
        height = 7.7 + 0.95 * line + bend[line]
        out[0] += _groove(y - height + 0.02 * x**2, 0.16) * _window(x, -9, 4.6) * (0.6 + bend[line])
    tilt = 0.55 + bend[5] + 0.12 * (y - 5.5)
    out[1] = _groove(x - tilt, 0.15) * _window(y, 4.3, 7.2)
    out[1] += 0.5 * _groove(x - tilt - 0.6, 0.14) * _window(y, 4.8, 6.8)
    out[2] = _groove(y - 4.1 - bend[6], 0.14) * _window(x, -9, 1.2)
    out[2] += _groove(y - 3.2 - 0.6 * (x - 1.2), 0.13) * _window(x, 0.7, 1.9)
    out[2] += _groove(y - 2.6 - 0.6 * (x - 1.2), 0.13) * _window(x, 0.8, 2.0)
    for ray in range(4):
        slope = np.tan(np.radians(-32 + 20 * ray) + 0.4 * bend[8 + ray])
        reach = 6.9 + 2 * bend[12 + ray]
        out[3] += _groove(y - 3.3 - slope * (x - 4.9), 0.11) * _window(x, 5.4, reach)
    for arc in range(2):
        under = 2.35 - 0.55 * arc + 0.16 * (x - 3.1) ** 2 + bend[16 + arc] * 0.5
        out[4] += _groove(y - under, 0.13) * _window(x, 1.7, 4.7)
    fold = np.interp(y.ravel(), [-4.2, -2.5, -0.5, 0.6], [3.4, 3.5, 2.6, 1.7]).reshape(y.shape)
    out[5] = _groove(x - fold - bend[20], 0.2) * _window(y, -3.6, 0.5)
    out[6] = _groove(x - 3.35 - 0.25 * (y + 3.4) ** 2 * 0.4 - bend[21], 0.15)
    out[6] *= _window(y, -5.0, -2.5)
    pits = np.clip(_noise(rng, 70), 0, 1.5) / 1.5
    out[7] = pits * _window(x, -9, 1.7) * _window(y, -7.4, -5.4)
    out[7] += _groove(y + 5.2 - 0.08 * x**2, 0.2) * _window(x, -9, 1.8)
    for layer in range(8):
        uneven = 0.75 + 0.35 * np.tanh(_noise(rng, 14))
        out[layer] *= uneven
    return np.asarray(255 * np.clip(out.transpose(1, 2, 0), 0, 1), np.uint8)


def pull(person: Person, state: State) -> Floats:
    """Depth 0–1 of each wrinkle layer on the left and the right side, 2 × 8."""
    rng = np.random.default_rng([person.seed, 4])
    rest = person.age**2 * rng.uniform(0, 0.6, 8)
    gain = np.zeros(8) if person.plain else (0.12 + 0.88 * person.age) * rng.uniform(0.25, 1, 8)
    out = np.zeros((2, 8), np.float32)
    for row, side in enumerate("LR"):

        def au(number: int, side: str = side) -> float:
            return state.get(f"AU{number:02d}_{side}", 0.0) / 5

        out[row] = (
            max(au(1), au(2)),
            au(4),
            max(au(9), 0.4 * au(4)),
            max(au(6), 0.5 * au(12), 0.5 * au(7)),
            max(0.8 * au(6), au(7), 0.4 * au(9)),
            max(au(12), au(10), 0.7 * au(9), 0.3 * au(6)),
            max(au(14), 0.6 * au(15), 0.5 * au(20), 0.5 * au(12)),
            max(state.get("AU17", 0.0) / 5, 0.4 * au(15)),
        )
    return np.clip(rest + gain * out, 0, 1).astype(np.float32)


def _groove(distance: Floats, width: float) -> Floats:
    return np.asarray(np.exp(-((distance / width) ** 2)), np.float32)


def _window(value: Floats, low: float, high: float) -> Floats:
    soft = 0.35
    inside = np.clip((value - low) / soft, 0, 1) * np.clip((high - value) / soft, 0, 1)
    return np.asarray(inside, np.float32)


def _noise(rng: np.random.Generator, cells: int, rows: int | None = None) -> Floats:
    """Smooth noise SIZE × SIZE about N(0, 1), with this many cells across."""
    small = rng.normal(0, 1, (rows or cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.float32)


def _blob(x: float, y: float, width: float, height: float) -> Floats:
    return np.exp(-(((_X - x) / width) ** 2) - ((_Y - y) / height) ** 2).astype(np.float32)


def _sides(x: float, y: float, width: float, height: float) -> Floats:
    return _blob(x, y, width, height) + _blob(-x, y, width, height)


def _pixels(points: Floats) -> npt.NDArray[np.int32]:
    scaled = (points - [-_WIDE, _LOW]) / [2 * _WIDE, _TALL] * (SIZE - 1)
    return np.round(scaled * 16).astype(np.int32)


def _line(points: Floats, width: float) -> Floats:
    """A soft stroke through flat points, 0–1."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    thick = max(1, round(width * 2 * SIZE / _TALL))
    cv2.polylines(mask, [_pixels(points)], False, 255, thick, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.2) / 255, np.float32)


def _fill(points: Floats, blur: float) -> Floats:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(mask, [_pixels(points)], 255, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur) / 255, np.float32)


def _lips(marks: Floats) -> Floats:
    return _fill(marks[48:60], 1.5)


def _tint(image: Floats, mask: Floats, factor: tuple[float, float, float]) -> None:
    image *= 1 + mask[..., None] * (np.array(factor, np.float32) - 1)


def _paint(
    image: Floats, mask: Floats, color: tuple[float, ...], texture: Floats | float = 1.0
) -> None:
    mask = np.clip(mask, 0, 1)[..., None]
    ink = np.multiply.outer(np.broadcast_to(texture, (SIZE, SIZE)), np.array(color, np.float32))
    image *= 1 - mask
    image += mask * np.clip(ink, 0, 1)


def _brows(image: Floats, person: Person, marks: Floats, rng: np.random.Generator) -> None:
    lift, arch = rng.normal(0, 0.25), rng.normal(0, 0.2)
    mask = np.zeros((SIZE, SIZE), np.float32)
    for brow in (marks[17:22], marks[22:27]):
        points = brow + np.array([[0, lift]] * 5, np.float32)
        points[2, 1] += arch
        width = person.brow_width
        mask = np.maximum(mask, _line(points, width))
        inner = points[3:] if brow[0, 0] < 0 else points[:2]
        mask = np.maximum(mask, _line(inner, width * 1.25))
    hairs = 1.0 if person.plain else np.clip(0.85 + 0.3 * _noise(rng, 220), 0.2, 1)
    _paint(image, mask * person.brow_strength * hairs, person.brow)


def _beard(image: Floats, person: Person, marks: Floats, rng: np.random.Generator) -> None:
    if not (person.beard or person.moustache):
        return
    x = np.abs(_X)
    edge = np.interp(x.ravel(), [0, 3, 6, 9, 10.5], [-4.6, -3.2, -2.5, 1.0, 3.0]).reshape(x.shape)
    jaw = np.clip((edge - _Y) / 0.9, 0, 1) * np.clip((_Y + 10.5) / 1.5, 0, 1) * (x < 11)
    upper = _window(_Y, -2.7, -1.1) * _window(x, -9, 3.2)
    hairs = np.clip(0.7 + 0.4 * _noise(rng, 200), 0, 1)
    mask = np.maximum(jaw * person.beard, upper * person.moustache) * (1 - _lips(marks))
    _paint(image, mask * hairs * 0.95, person.hair)
