"""Camera, light, background and faults of one shot, drawn at random; and moving heads.

What a shot keeps for its whole length. Knows nothing about muscles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from finetune.faces.render import Light, View

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Faults:
    """What the camera does to a picture."""

    blur: float
    """Standard deviation in pixels of a picture 320 wide."""
    motion: float
    """Length in pixels of motion blur at full head speed."""
    noise: float
    """Standard deviation in grey levels."""
    gain: float
    gamma: float
    tint: tuple[float, float, float]
    shrink: float
    """The picture is stored at 1/shrink of its size and enlarged again."""
    quality: int
    """JPEG quality; 100 for none."""


@dataclass(frozen=True, slots=True)
class Occluder:
    """Something in front of the face: a hand, a cup, a microphone."""

    color: tuple[int, int, int]
    spots: npt.NDArray[np.float32]
    """n × 3: x, y from the face's middle and radius, in face heights."""
    drift: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shot:
    """Everything around a face that stays for one shot."""

    view: View
    light: Light
    background: Image
    faults: Faults
    occluder: Occluder | None
    sway: npt.NDArray[np.float32]
    """Head motion: 3 axes × 3 sinusoids × (amplitude in radians, Hz, phase)."""

    def at(self, time: float) -> View:
        """Where the head is at this time in seconds."""
        swing = self.sway[:, :, 0] * np.sin(
            2 * np.pi * self.sway[:, :, 1] * time + self.sway[:, :, 2]
        )
        yaw, pitch, roll = (float(value) for value in swing.sum(axis=1))
        base = self.view
        return replace(base, yaw=base.yaw + yaw, pitch=base.pitch + pitch, roll=base.roll + roll)

    def speed(self, time: float) -> tuple[float, float]:
        """How fast the face crosses the picture, radians a second about y and x."""
        turn = 2 * np.pi * self.sway[:, :, 1]
        rate = self.sway[:, :, 0] * turn * np.cos(turn * time + self.sway[:, :, 2])
        return float(rate[0].sum()), float(rate[1].sum())


def shot(rng: np.random.Generator, size: int, plain: bool = False) -> Shot:
    """A random shot for pictures of `size` pixels; `plain`: even background, clean camera."""
    return Shot(
        _view(rng, plain),
        _light(rng),
        _background(rng, size, plain),
        _faults(rng, plain),
        _occluder(rng) if not plain and rng.random() < 0.1 else None,
        _sway(rng),
    )


def compose(rgba: Image, shot: Shot, view: View, time: float, rng: np.random.Generator) -> Image:
    """The head before its background as the camera stores it: size × size × 3."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    image = np.asarray(rgba[..., :3] * alpha + shot.background * (1 - alpha), np.float32)
    if shot.occluder is not None:
        _occlude(image, shot.occluder, view, time)
    return _spoil(image, shot, time, rng)


def _view(rng: np.random.Generator, plain: bool) -> View:
    wide = 0.22 if plain or rng.random() < 0.6 else 0.5
    return View(
        yaw=float(np.clip(rng.normal(0, wide), -0.8, 0.8)),
        pitch=float(np.clip(rng.normal(0, 0.5 * wide), -0.4, 0.4)),
        roll=float(np.clip(rng.normal(0, 0.1), -0.4, 0.4)),
        distance=float(rng.uniform(38, 60) if rng.random() < 0.25 else rng.uniform(60, 160)),
        share=float(rng.uniform(0.55, 1.0)),
        x=float(rng.uniform(-0.2, 0.2)),
        y=float(rng.uniform(-0.15, 0.15)),
    )


def _direction(yaw: float, pitch: float) -> tuple[float, float, float]:
    return (
        float(np.sin(yaw) * np.cos(pitch)),
        float(np.sin(pitch)),
        float(np.cos(yaw) * np.cos(pitch)),
    )


def _light(rng: np.random.Generator) -> Light:
    def color(level: float) -> tuple[float, float, float]:
        warm = rng.normal(0, 0.12)
        red, green, blue = level * np.array([1 + warm, 1.0, 1 - warm])
        return float(red), float(green), float(blue)

    hard = float(rng.uniform(0, 1))
    return Light(
        key_dir=_direction(float(rng.normal(0, 0.7)), float(rng.normal(0.5, 0.35))),
        key=color(0.25 + 1.1 * hard),
        fill_dir=_direction(float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-0.4, 0.6))),
        fill=color(float(rng.uniform(0, 0.5))),
        sky=color(0.15 + 0.75 * (1 - hard)),
        ground=color(0.08 + 0.5 * (1 - hard) * float(rng.random())),
    )


def _background(rng: np.random.Generator, size: int, plain: bool) -> Image:
    vivid = 1.0 if plain else float(rng.random()) ** 2
    base = rng.uniform(0, 255, 3) * vivid + rng.uniform(0, 255) * (1 - vivid)
    if plain:
        return np.broadcast_to(base.astype(np.uint8), (size, size, 3)).copy()
    image = np.empty((size, size, 3), np.float32)
    image[:] = base
    cells = int(rng.integers(2, 12))
    rough = rng.normal(0, rng.uniform(5, 50), (cells, cells, 3)).astype(np.float32)
    rough = rough * vivid + rough[..., :1] * (1 - vivid)
    image += cv2.resize(rough, (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 9))):
        x, y = (int(value) for value in rng.integers(0, size, 2))
        w, h = (int(value) for value in rng.integers(size // 20, size // 2, 2))
        color = tuple(float(value) for value in rng.uniform(0, 255, 3))
        cv2.rectangle(image, (x, y), (x + w, y + h), color, -1)
    soft = float(rng.uniform(0.5, 6)) * size / 320
    return np.asarray(np.clip(cv2.GaussianBlur(image, (0, 0), soft), 0, 255), np.uint8)


def _faults(rng: np.random.Generator, plain: bool) -> Faults:
    if plain:
        return Faults(0, 0, float(rng.uniform(0, 3)), 1, 1, (1, 1, 1), 1, int(rng.integers(70, 96)))
    tint = np.exp(rng.normal(0, 0.06, 3))
    return Faults(
        blur=float(rng.choice([0, rng.uniform(0.3, 1.0), rng.uniform(1, 2.2)], p=[0.4, 0.4, 0.2])),
        motion=float(rng.uniform(0, 6)) if rng.random() < 0.3 else 0.0,
        noise=float(rng.exponential(3.5)),
        gain=float(np.exp(rng.normal(0, 0.22))),
        gamma=float(np.exp(rng.normal(0, 0.18))),
        tint=(float(tint[0]), float(tint[1]), float(tint[2])),
        shrink=float(rng.uniform(1.3, 5)) if rng.random() < 0.25 else 1.0,
        quality=int(rng.integers(25, 97)) if rng.random() < 0.8 else 100,
    )


def _occluder(rng: np.random.Generator) -> Occluder:
    x, y = float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.55, 0.25))
    toward = float(rng.uniform(-np.pi, 0))
    count = int(rng.integers(2, 7))
    step = rng.uniform(0.05, 0.12) * np.stack(
        [np.cos(toward) * np.arange(count), np.sin(toward) * np.arange(count)], 1
    )
    radius = np.full((count, 1), rng.uniform(0.03, 0.12)) * rng.uniform(0.8, 1.4, (count, 1))
    spots = np.hstack([step + np.array([x, y]), radius]).astype(np.float32)
    red, green, blue = (int(value) for value in rng.integers(15, 230, 3))
    return Occluder((red, green, blue), spots, (float(rng.normal(0, 0.1)), float(rng.normal(0, 1))))


def _sway(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    lively = float(rng.choice([0.3, 1.0, 2.0]))
    reach = lively * np.array([0.07, 0.04, 0.03])[:, None] * rng.random((3, 3))
    out = np.stack([reach, rng.uniform(0.05, 0.6, (3, 3)), rng.uniform(0, 6.28, (3, 3))], -1)
    return out.astype(np.float32)


def _occlude(image: npt.NDArray[np.float32], thing: Occluder, view: View, time: float) -> None:
    size = len(image)
    tall = view.share * size
    middle = np.array([(view.x + 1) / 2, (1 - view.y) / 2]) * size
    sway = thing.drift[0] * np.sin(time + thing.drift[1])
    for x, y, radius in thing.spots:
        at = middle + np.array([x + sway, -y]) * tall
        color = [channel * 0.9 for channel in thing.color]
        center = (int(at[0]), int(at[1]))
        cv2.circle(image, center, max(1, int(radius * tall)), color, -1, cv2.LINE_AA)


def _spoil(
    image: npt.NDArray[np.float32], shot: Shot, time: float, rng: np.random.Generator
) -> Image:
    faults, size = shot.faults, len(image)
    scale = size / 320
    if faults.motion:
        image = _smear(image, np.array(shot.speed(time)) * faults.motion * 2 * scale)
    if faults.blur:
        image = cv2.GaussianBlur(image, (0, 0), faults.blur * scale)
    if faults.shrink > 1:
        small = max(32, int(size / faults.shrink))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    if faults.gamma != 1 or faults.gain != 1:
        tone = np.clip(image * (faults.gain / 255), 0, 1) ** faults.gamma * 255
        image = tone * np.array(faults.tint, np.float32)
    image = image + faults.noise * rng.standard_normal(image.shape[:2], np.float32)[..., None]
    stored = np.clip(image, 0, 255).astype(np.uint8)
    if faults.quality < 100:
        _, packed = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, faults.quality])
        stored = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    if faults.shrink > 1:
        stored = np.asarray(cv2.resize(stored, (size, size)), np.uint8)
    return stored


def _smear(
    image: npt.NDArray[np.float32], step: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    length = int(np.ceil(np.abs(step).max()))
    if length < 2:
        return image
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    end = (int(length + round(step[0])), int(length - round(step[1])))
    cv2.line(kernel, (length, length), end, 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)
