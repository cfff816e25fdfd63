"""IEMOCAP: utterances cut as sound, their labels in a text file a dialogue (Busso et al. 2008).

A line of dialog/EmoEvaluation: [6.2901 - 8.2357] Ses01F_impro01_F000 neu [2.5, 2.5, 2.5].
Who speaks is the letter of the last part; the letter before tells who wears the markers.
Valence, activation and dominance are on 1…5; valence and arousal here are on −1…1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from eval.readers import need
from eval.samples import Sample

NEEDS: Final = (
    need("labels", "Session[1-5]/dialog/EmoEvaluation/*.txt"),
    need("utterances", "Session[1-5]/sentences/wav/*/*.wav"),
)

EMOTIONS: Final = {
    "ang": "angry", "hap": "happy", "sad": "sad", "neu": "neutral", "fru": "frustrated",
    "exc": "excited", "fea": "fearful", "sur": "surprised", "dis": "disgusted", "oth": "other",
}  # fmt: skip
"""`xxx` in the files: the annotators did not agree; such utterances have no label."""
_LINE: Final = re.compile(
    r"\[[\d.]+ - [\d.]+\]\s+(?P<id>Ses(?P<session>\d\d)[FM]_\w+_(?P<who>[FM])\d+)\s+"
    r"(?P<emotion>\w{3})\s+\[(?P<vad>[\d., ]+)\]"
)
_SAID: Final = re.compile(r"(?P<id>Ses\w+_[FM]\d+) \[[^]]*\]: (?P<text>.*)")


def read(root: Path) -> Iterator[Sample]:
    """One sample an utterance, in order of session and dialogue."""
    for file in sorted(root.glob("Session[1-5]/dialog/EmoEvaluation/*.txt")):
        session = file.parents[2]
        said = _said(session / "dialog" / "transcriptions" / file.name)
        for match in _LINE.finditer(file.read_text(encoding="utf-8", errors="replace")):
            id = match["id"]
            valence, activation, _ = (float(v) for v in match["vad"].split(","))
            labels: dict[str, Any] = {"valence": (valence - 3) / 2, "arousal": (activation - 3) / 2}
            if match["emotion"] in EMOTIONS:
                labels["label"] = EMOTIONS[match["emotion"]]
            yield Sample(
                id=id,
                path=session / "sentences" / "wav" / file.stem / f"{id}.wav",
                labels=labels,
                dataset="iemocap",
                person=f"{match['session']}{match['who']}",
                split=session.name,
                language="en",
                text=said.get(id),
                groups={
                    "sex": "female" if match["who"] == "F" else "male",
                    "speech": "improvised" if "impro" in id else "scripted",
                },
            )


def _said(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    found = _SAID.finditer(file.read_text(encoding="utf-8", errors="replace"))
    return {match["id"]: match["text"].strip() for match in found}
