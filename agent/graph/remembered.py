"""Answers of the rules, kept beside the look they stand on.

The rules give the same answer to the same question about the same evidence, so asking again
reads it back, and neither the senses nor the graph are loaded. Answers of a language model are
not kept: they may differ. Any change of the code that answers, or of its wording, forgets all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agent.schema.answer import Answer
from agent.schema.evidence import Cue

FORMAT: Final = 1
FOLDER: Final = "answers"
FOLDERS: Final = (
    "agent", "agent/facs", "agent/graph", "agent/grounding", "agent/grounding/plain",
    "agent/models", "agent/perception", "agent/qa", "agent/qa/lexicon", "agent/qa/wording",
    "agent/reading", "agent/reading/weights", "agent/schema", "prompts",
)  # fmt: skip
"""Folders whose code, weights and wording an answer depends on."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the cues it may cite: the evidence's, with those of closer looks."""

    answer: Answer
    cues: tuple[Cue, ...]


def read(look: Path, key: Sequence[str | None]) -> Answered | None:
    """The answer kept in a look's folder under this key; None without one."""
    try:
        kept = json.loads(_place(look, key).read_text(encoding="utf-8"))
        cues = tuple(Cue.model_validate(cue) for cue in kept["cues"])
        return Answered(Answer.model_validate(kept["answer"]), cues)
    except (OSError, ValueError, KeyError, ValidationError):
        return None


def write(look: Path, key: Sequence[str | None], told: Answered) -> None:
    """Keep an answer. Where nothing can be written it is simply found anew next time."""
    place = _place(look, key)
    scratch = place.with_suffix(f".{os.getpid()}")
    kept = {
        "answer": told.answer.model_dump(mode="json"),
        "cues": [cue.model_dump(mode="json") for cue in told.cues],
    }
    with suppress(OSError):
        place.parent.mkdir(exist_ok=True)
        scratch.write_text(json.dumps(kept), encoding="utf-8")
        scratch.replace(place)


def _place(look: Path, key: Sequence[str | None]) -> Path:
    parts = json.dumps([FORMAT, _code(), *key])
    return look / FOLDER / f"{hashlib.sha256(parts.encode()).hexdigest()[:32]}.json"


def _code() -> str:
    """Stands for the code that answers and its wording; sizes and times of the files are enough."""
    root = Path(__file__).resolve().parents[2]
    found = sorted(
        (entry.name, info.st_size, info.st_mtime_ns)
        for folder in FOLDERS
        for entry in os.scandir(root / folder)
        if entry.is_file() and (info := entry.stat())
    )
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
