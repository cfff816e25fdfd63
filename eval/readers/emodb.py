"""EMO-DB: speaker, sentence, emotion and version in seven characters (Burkhardt et al. 2005).

03a01Fa: speaker 03, sentence a01, F for Freude, version a. `wav/` holds all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import need
from eval.samples import Sample

NEEDS: Final = (
    need("recordings named like 03a01Fa", "**/*[0-9][0-9][ab][0-9][0-9][WLEAFTN][a-f].wav"),
)

_NAME: Final = re.compile(r"(?<![0-9A-Za-z])(\d\d)([ab]\d\d)([WLEAFTN])([a-f])$")
EMOTIONS: Final = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness",
    "N": "neutral",
}  # fmt: skip
"""First letters of Wut, Langeweile, Ekel, Angst, Freude, Trauer; N for neutral."""
SPEAKERS: Final = {
    "03": ("male", 31), "08": ("female", 34), "09": ("female", 21), "10": ("male", 32),
    "11": ("male", 26), "12": ("male", 30), "13": ("female", 32), "14": ("female", 35),
    "15": ("male", 25), "16": ("female", 31),
}  # fmt: skip
"""Sex and age in years."""
SENTENCES: Final = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}


def read(root: Path) -> Iterator[Sample]:
    """One sample a recording, in order of name."""
    named = [(p, m) for p in root.rglob("*.wav") if (m := _NAME.search(p.stem))]
    for path, match in sorted(named, key=lambda pair: pair[1][0]):
        speaker, sentence, emotion, _ = match.groups()
        sex, age = SPEAKERS.get(speaker, ("unknown", 0))
        yield Sample(
            id=match[0],
            path=path,
            labels={"label": EMOTIONS[emotion]},
            dataset="emodb",
            person=f"speaker-{speaker}",
            language="de",
            text=SENTENCES.get(sentence),
            groups={"sex": sex} | ({"age": f"{age // 10 * 10}s"} if age else {}),
        )
