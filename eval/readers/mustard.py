"""MUStARD: one JSON file with every utterance and its context (Castro et al. 2019)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eval.readers import LayoutError, need
from eval.samples import Sample

NEEDS: Final = (
    need("the annotations", "**/sarcasm_data.json"),
    need("the clips", "**/utterances_final/*.mp4"),
)


def read(root: Path) -> Iterator[Sample]:
    """One sample an utterance, labelled sarcastic or sincere. Raises LayoutError."""
    file = sorted(root.glob("**/sarcasm_data.json"))[0]
    folder = sorted(root.glob("**/utterances_final"))[0]
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        rows = sorted(found.items())
    except (ValueError, AttributeError) as error:
        raise LayoutError(f"{file} is not an object of utterances: {error}") from error
    for id, row in rows:
        yield Sample(
            id=id,
            path=folder / f"{id}.mp4",
            labels={"label": "sarcastic" if row["sarcasm"] else "sincere"},
            dataset="mustard",
            person=row.get("speaker"),
            language="en",
            text=row.get("utterance"),
            groups={"show": row["show"]} if row.get("show") else {},
        )
