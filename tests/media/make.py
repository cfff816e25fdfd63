"""Makes the pictures and clips of this folder anew: rendered people whose muscles are known.

    DUCHENNE_ICT=ict_face.npz python tests/media/make.py

Needs the extra `faces`, EGL and the head model (see `finetune/faces/ict.py`). Voices are sung by
`tests/spoken.py`. Nothing here is of anybody, so that it may be given away with the repository.
"""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

import spoken  # noqa: E402

from finetune.faces import clips, example, ict, muscles, people, scene  # noqa: E402
from finetune.faces.clips import Event, Script  # noqa: E402
from finetune.faces.render import Light, Renderer, View, look  # noqa: E402

FPS, SIZE, PORTRAIT = 25, 288, 384
LIGHT = Light(
    key_dir=(0.45, 0.45, 0.77),
    key=(0.78, 0.74, 0.68),
    fill_dir=(-0.7, 0.1, 0.7),
    fill=(0.22, 0.24, 0.28),
    sky=(0.36, 0.37, 0.40),
    ground=(0.2, 0.17, 0.15),
)
PEOPLE = {"ann": 230, "ben": 12, "cleo": 41}
EXPRESSIONS = {
    "ann_smile": ("ann", {6: 4.0, 12: 4.5, 25: 0.0}),
    "ann_neutral": ("ann", {}),
    "ann_surprise": ("ann", {1: 4.5, 2: 4.5, 5: 4.0, 26: 4.0}),
    "ben_neutral": ("ben", {}),
    "ben_smile": ("ben", {6: 3.5, 12: 4.0}),
    "cleo_anger": ("cleo", {4: 4.5, 7: 4.0, 24: 3.5}),
}


SYLLABLES = np.arange(0.32, 2.7, 0.33)
"""When the mouth opens in `talks`, in seconds."""


def act(au: int, start: float, end: float, power: float) -> Event:
    return Event(au, "B", start, start + 0.3, end - 0.3, end, power)


def blink(time: float) -> Event:
    return Event(45, "B", time, time + 0.08, time + 0.12, time + 0.24, 5.0, "blink")


def spell(start: float, end: float) -> list[list[float]]:
    return [[start, end, phase] for phase in (0.3, 1.9, 4.0, 2.6)]


def script(name: str) -> Script:
    """What happens in one clip."""
    if name == "smile":  # neutral at first, then a felt smile to the end
        smile = (act(12, 0.55, 9, 4.2), act(6, 0.6, 9, 4.0))
        return Script(2.4, (*smile, blink(0.2)))
    if name == "turns":  # nothing but the head moves
        return Script(3.0, (blink(1.4),))
    if name == "shut":  # a blink, then shut eyes under lowered brows, then another blink
        held = Event(45, "B", 0.9, 1.05, 4.2, 4.35, 5.0)
        return Script(5.0, (blink(0.3), held, blink(4.6), act(4, 0.9, 4.4, 3.0)))
    # talks: the jaw drops three times a second, besides what speech does to lips
    jaw = [Event(26, "B", t, t + 0.12, t + 0.14, t + 0.3, 3.2, "speech") for t in SYLLABLES]
    return Script(3.2, (blink(0.05), *jaw), np.array([spell(0.3, 2.9)], np.float32))


def wall(size: int, who: str) -> Any:
    """Ben sits before another wall than the others: a cut to him changes the picture."""
    light = example._background(size)
    return (light[..., ::-1] * 0.45).astype(np.uint8) if who == "ben" else light


def shot(size: int, sway: float, who: str) -> scene.Shot:
    """Soft light, a head that moves by `sway` radians."""
    swing = [
        [[sway, 0.35, 0.4], [0, 0.5, 0], [0, 1, 0]],
        [[0.5 * sway, 0.6, 1.3], [0, 0.5, 0], [0, 1, 0]],
        [[0.4 * sway, 0.45, 2.2], [0, 0.5, 0], [0, 1, 0]],
    ]
    return scene.Shot(
        View(distance=110, share=0.72, y=0.02),
        LIGHT,
        wall(size, who),
        scene.Faults(0, 0, 1.5, 1, 1, (1, 1, 1), 1, 100),
        None,
        np.array(swing, np.float32),
    )


def somebody(name: str) -> people.Person:
    if name == "ann":
        return example._person()
    return replace(people.person(PEOPLE[name]), plain=False, glasses=0)


def halved(image: Any, size: int) -> Any:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BOX))


def film(head: ict.Head, name: str, who: str, sway: float) -> tuple[list[Any], dict[str, Any]]:
    renderer = Renderer(head, 2 * SIZE)
    plan, face = script(name), look(head, somebody(who))
    shown = list(clips.film(renderer, face, shot(2 * SIZE, sway, who), plan, FPS, PEOPLE[who]))
    record = clips.as_record(plan, shown, FPS) | {"skin_tone": 1 - somebody(who).tone}
    return [halved(each.image, SIZE) for each in shown], record


def write(path: Path, images: list[Any], sound: spoken.Floats | None, crf: int = 25) -> None:
    """H.264 and, where there is sound, AAC in MP4."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width = video.height = SIZE
        video.pix_fmt, video.options = "yuv420p", {"crf": str(crf), "preset": "slow"}
        audio = (
            out.add_stream("aac", rate=spoken.RATE, layout="mono") if sound is not None else None
        )
        for image in images:
            out.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(video.encode())
        if audio is not None and sound is not None:
            for at in range(0, len(sound), 1024):
                block = av.AudioFrame.from_ndarray(sound[None, at : at + 1024], "fltp", "mono")
                block.sample_rate, block.pts = spoken.RATE, at
                out.mux(audio.encode(block))
            out.mux(audio.encode())


def keep(name: str, record: dict[str, Any]) -> None:
    packed = gzip.compress(json.dumps(record).encode(), mtime=0)
    (HERE / f"{name}.json.gz").write_bytes(packed)


def main() -> None:
    head = ict.load()
    for name, (who, units) in EXPRESSIONS.items():
        state: muscles.State = {}
        for unit, power in units.items():
            if power:
                muscles.both(state, unit, power)
        renderer = Renderer(head, 2 * PORTRAIT)
        still = clips.snap(
            renderer, look(head, somebody(who)), shot(2 * PORTRAIT, 0.0, who), state, 0.0,
            np.random.default_rng(1),
        )  # fmt: skip
        Image.fromarray(halved(still.image, PORTRAIT)).save(HERE / f"{name}.jpg", quality=88)
    smile, record = film(head, "smile", "ann", 0.01)
    write(HERE / "smile.mp4", smile, None)
    keep("smile", record)
    length = round(len(smile) / FPS * spoken.RATE)
    for feeling in ("anger", "neutral"):  # lips that do not speak under a voice
        said = spoken.phrase(spoken.LEVELS[feeling])[:length]
        write(HERE / f"dubbed_{feeling}.mp4", smile, np.pad(said, (0, length - len(said))), 30)
    turns, record = film(head, "turns", "ben", 0.3)
    write(HERE / "turns.mp4", turns, None)
    keep("turns", record)
    talks, record = film(head, "talks", "ann", 0.02)
    write(HERE / "talks.mp4", talks, spoken.phrase({}, 2.6))
    keep("talks", record | {"speech_spans": [[0.3, 2.9]]})
    shut, record = film(head, "shut", "cleo", 0.04)
    write(HERE / "shut.mp4", shut, None)
    keep("shut", record)


if __name__ == "__main__":
    main()
