"""The example clip: one rendered person, a smile that is felt, then anger, on a known schedule.

Everything in it is made here, so it may be given away with the repository.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from finetune.faces import clips, people, scene
from finetune.faces.clips import Event, Script
from finetune.faces.ict import Head
from finetune.faces.render import Light, Renderer, View, look

Image = npt.NDArray[np.uint8]

SECONDS: Final = 9.0
FPS: Final = 25
SIZE: Final = 512
SEED: Final = 230
SPEECH: Final = ((2.7, 4.2), (6.9, 7.9))
"""When the mouth moves as in speech, in seconds."""


def schedule() -> Script:
    """Neutral; a smile with raised cheeks, speaking; rest; lowered brows and tight lids."""

    def act(au: int, start: float, end: float, power: float, group: str) -> Event:
        return Event(au, "B", start, start + 0.55, end - 0.8, end, power, group)

    blinks = [0.9, 4.75, 8.5]
    spells = [[[start, end, phase] for phase in (0.3, 1.9, 4.0, 2.6)] for start, end in SPEECH]
    return Script(
        SECONDS,
        (
            act(12, 1.8, 5.2, 3.6, "happiness"),
            act(6, 1.85, 5.1, 3.4, "happiness"),
            act(4, 5.7, 8.4, 5.0, "anger"),
            act(7, 5.75, 8.35, 3.2, "anger"),
            act(24, 5.75, 7.2, 3.2, "anger"),
            act(5, 5.8, 8.2, 1.2, "anger"),
            *(Event(45, "B", t, t + 0.08, t + 0.12, t + 0.26, 5.0, "blink") for t in blinks),
        ),
        np.array(spells, np.float32),
        np.array([[-1, 0, 0], [4.7, 0.16, -0.05], [5.4, 0, 0]], np.float32),
    )


def pictures(head: Head) -> list[clips.Picture]:
    """The frames, SIZE × SIZE, drawn at twice the size against jagged edges."""
    who = _person()
    size = 2 * SIZE
    renderer = Renderer(head, size)
    shot = scene.Shot(
        View(yaw=0.06, pitch=0.02, distance=120, share=0.8, y=0.05),
        Light(
            key_dir=(0.45, 0.45, 0.77),
            key=(0.78, 0.74, 0.68),
            fill_dir=(-0.7, 0.1, 0.7),
            fill=(0.22, 0.24, 0.28),
            sky=(0.36, 0.37, 0.40),
            ground=(0.2, 0.17, 0.15),
        ),
        _background(size),
        scene.Faults(0, 0, 2.0, 1, 1, (1, 1, 1), 1, 100),
        None,
        np.array([[[0.05, 0.13, 1], [0.02, 0.3, 2], [0, 1, 0]],
                  [[0.03, 0.17, 0.5], [0.01, 0.4, 1], [0, 1, 0]],
                  [[0.02, 0.11, 0], [0.01, 0.23, 3], [0, 1, 0]]], np.float32),
    )  # fmt: skip
    film = clips.film(renderer, look(head, who), shot, schedule(), FPS, SEED)
    return [replace(shown, image=_half(shown.image)) for shown in film]


def write(head: Head, path: Path) -> Path:
    """The clip as MP4 without sound, and its truth beside it as .json.gz."""
    shown = pictures(head)
    encode([picture.image for picture in shown], path, FPS)
    record = clips.as_record(schedule(), shown, FPS) | {"speech_spans": SPEECH}
    truth = path.with_suffix(".json.gz")
    truth.write_bytes(gzip.compress(json.dumps(record).encode(), mtime=0))
    return truth


def encode(images: list[Image], path: Path, fps: float, crf: int = 22) -> None:
    """Pictures as H.264 in MP4."""
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=round(fps))
        stream.width, stream.height = images[0].shape[1], images[0].shape[0]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf), "preset": "slow"}
        for image in images:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())


def _person() -> people.Person:
    """A person with hair and smooth grown-up skin."""
    return replace(
        people.person(SEED),
        plain=False,
        skin=(0.44, 0.26, 0.18),
        age=0.4,
        freckles=0.1,
        shine=0.12,
        makeup=0.0,
        lips=(0.36, 0.12, 0.11),
        lip_strength=0.55,
        brow=(0.03, 0.018, 0.012),
        brow_strength=0.8,
        brow_width=0.3,
        iris=(0.10, 0.06, 0.03),
        beard=0.0,
        moustache=0.0,
        hair=(0.045, 0.026, 0.016),
        hair_volume=0.6,
        hairline=10.2,
        hair_length=0.0,
        fringe=0.0,
        glasses=0,
    )


def _background(size: int) -> Image:
    """A soft wall, lighter in the middle."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    far = axis[None] ** 2 + (axis[:, None] + 0.3) ** 2
    wall = np.array([150, 158, 166], np.float32) - 38 * far[..., None]
    return np.asarray(np.clip(wall, 0, 255), np.uint8)


def _half(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)
