"""RAVDESS: seven two-digit numbers in a file name say everything (Livingstone & Russo 2018).

modality-channel-emotion-intensity-statement-repetition-actor; odd actors are male, even female.
Files may lie in Actor_XX folders or anywhere else, and may carry words around the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import need
from eval.samples import Sample

NEEDS: Final = (
    need("clips named like 03-01-06-01-02-01-12", *(
        f"**/*[0-9][0-9]-[0-9][0-9]-[0-9][0-9]-[0-9][0-9]-[0-9][0-9]-[0-9][0-9]-[0-9][0-9]*.{s}"
        for s in ("mp4", "wav"))),
)  # fmt: skip

_NAME: Final = re.compile(r"(?<!\d)" + "-".join([r"(\d\d)"] * 7) + r"(?!\d)")
EMOTIONS: Final = {
    "01": "neutral", "02": "calm", "03": "happy", "04": "sad", "05": "angry", "06": "fearful",
    "07": "disgust", "08": "surprised",
}  # fmt: skip
MODALITY: Final = {"01": "audio-video", "02": "video", "03": "audio"}
CHANNEL: Final = {"01": "speech", "02": "song"}
INTENSITY: Final = {"01": "normal", "02": "strong"}
STATEMENTS: Final = {
    "01": "Kids are talking by the door",
    "02": "Dogs are sitting by the door",
}


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip, in order of name; the id is the name's seven numbers and the suffix."""
    found = [p for p in root.rglob("*") if p.suffix in {".mp4", ".wav"} and _NAME.search(p.stem)]
    for path in sorted(found, key=lambda p: (_code(p), p.suffix)):
        modality, channel, emotion, intensity, statement, _, actor = _code(path).split("-")
        if emotion in EMOTIONS:
            yield Sample(
                id=f"{_code(path)}{path.suffix}",
                path=path,
                labels={"label": EMOTIONS[emotion]},
                dataset="ravdess",
                person=f"actor-{actor}",
                language="en",
                text=STATEMENTS.get(statement),
                groups={
                    "sex": "male" if int(actor) % 2 else "female",
                    "modality": "audio" if path.suffix == ".wav" else MODALITY[modality],
                    "channel": CHANNEL[channel],
                    "intensity": INTENSITY[intensity],
                },
            )


def _code(path: Path) -> str:
    match = _NAME.search(path.stem)
    assert match is not None
    return match[0]
