"""CREMA-D: actor, sentence, emotion and level in the file name (Cao et al. 2014).

1001_DFA_ANG_XX: in AudioWAV as .wav, in VideoFlash as .flv; VideoDemographics.csv says who.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import need, tables
from eval.samples import Sample

NEEDS: Final = (
    need("the clips", "VideoFlash/*_*_*_*.flv", "AudioWAV/*_*_*_*.wav"),
    need("who the actors are", "VideoDemographics.csv"),
)

_NAME: Final = re.compile(r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX|X)$")
EMOTIONS: Final = {
    "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral",
    "SAD": "sad",
}  # fmt: skip
LEVELS: Final = {"LO": "low", "MD": "medium", "HI": "high"}


def read(root: Path) -> Iterator[Sample]:
    """One sample a clip: the video where there are videos, else the sound."""
    columns = ("ActorID", "Age", "Sex", "Race")
    actors = {row["ActorID"]: row for row in tables.rows(root / "VideoDemographics.csv", columns)}
    folder, suffix = root / "VideoFlash", ".flv"
    if not any(folder.glob("*.flv")):
        folder, suffix = root / "AudioWAV", ".wav"
    for path in sorted(folder.glob(f"*{suffix}")):
        if match := _NAME.match(path.stem):
            actor, sentence, emotion, level = match.groups()
            who = actors.get(actor, {})
            groups = {
                "sex": who.get("Sex", "").lower(),
                "age": f"{int(who['Age']) // 10 * 10}s" if who.get("Age") else "",
                "race": who.get("Race", ""),
                "level": LEVELS.get(level, "unspecified"),
            }
            yield Sample(
                id=path.stem,
                path=path,
                labels={"label": EMOTIONS[emotion], "sentence": sentence},
                dataset="crema-d",
                person=actor,
                language="en",
                groups={name: value for name, value in groups.items() if value},
            )
