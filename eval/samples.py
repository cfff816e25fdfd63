"""One sample of a data set that is ready to be scored: where its clip lies, what its owners say.

The labels stay here: what predicts is handed a `Task` (clip, words, span), which has no field
for them. Samples are kept as JSONL, one object a line; `path` is taken from the file's folder.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.schema.errors import USAGE, DuchenneError


class SamplesError(DuchenneError, ValueError):
    """Samples that cannot be used; says which file or line and what to do."""

    code = "bad_samples"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip, or one span of one."""

    id: str
    """Unique in the data set, and the same in every preparation."""
    path: Path | None
    """The clip, or a folder of pictures with their `fps`; None for a sample of words alone."""
    labels: Mapping[str, Any]
    """label, labels, aus, valence, arousal, sentiment, description, behavior, cognition …"""
    dataset: str
    person: str | None = None
    """Whose face or voice it is; None where the owners do not say."""
    split: str | None = None
    language: str | None = None
    """BCP 47 tag."""
    span: tuple[float, float] | None = None
    """Seconds, where only a part of the clip is meant."""
    text: str | None = None
    """What is said, by the owners' own transcript."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """sex, age, … for results told apart."""
    fps: float | None = None
    """Pictures a second, where `path` is a folder of numbered pictures."""

    @property
    def clip(self) -> Path | None:
        """The file to open; a folder of pictures is packed as a film first.

        Raises MediaError, OSError.
        """
        if self.path is None or self.fps is None:
            return self.path
        from agent.media import image_folder as frames

        return frames.clip(self.path, self.fps)


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is given: nothing of what it is to find."""

    path: Path | None
    text: str | None
    span: tuple[float, float] | None
    language: str | None


def task(sample: Sample) -> Task:
    """The sample without its labels, its id and its person."""
    return Task(sample.clip, sample.text, sample.span, sample.language)


def write(samples: Iterable[Sample], file: Path) -> int:
    """Write JSONL whole or not at all; the number of samples. Raises OSError, SamplesError."""
    seen: set[str] = set()
    scratch = file.with_name(f".{file.name}.part")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with scratch.open("w", encoding="utf-8") as out:
            for sample in samples:
                if sample.id in seen:
                    raise SamplesError(f"two samples are called {sample.id!r}")
                seen.add(sample.id)
                out.write(json.dumps(_row(sample, file.parent), ensure_ascii=False) + "\n")
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
    return len(seen)


def _row(sample: Sample, folder: Path) -> dict[str, Any]:
    row = {k: v for k, v in dataclasses.asdict(sample).items() if v not in (None, {})}
    if sample.path is not None:
        absolute = sample.path.absolute()
        inside = absolute.is_relative_to(folder.absolute())
        row["path"] = os.path.relpath(absolute, folder) if inside else str(absolute)
    return row


def read(file: Path, root: Path | None = None) -> list[Sample]:
    """Samples of a JSONL file; paths start at `root`, or at the file's folder.

    Raises SamplesError that names the line, OSError.
    """
    found: list[Sample] = []
    seen: set[str] = set()
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        if line.strip():
            sample = _sample(line, root or file.parent, f"{file}, line {number}")
            if sample.id in seen:
                raise SamplesError(f"{file}, line {number}: a second sample {sample.id!r}")
            seen.add(sample.id)
            found.append(sample)
    if not found:
        raise SamplesError(f"{file} holds no sample")
    return found


_FIELDS = {f.name for f in dataclasses.fields(Sample)}


def _sample(line: str, root: Path, where: str) -> Sample:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise SamplesError(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict) or not row.get("id"):
        raise SamplesError(f"{where}: needs an object with an id")
    if unknown := sorted(set(row) - _FIELDS):
        raise SamplesError(
            f"{where}: unknown {', '.join(unknown)}; there are {', '.join(sorted(_FIELDS))}"
        )
    if not isinstance(row.get("labels"), dict):
        raise SamplesError(f"{where}: labels must be an object, such as {{'label': 'happy'}}")
    made: dict[str, Any] = {"path": None, "dataset": "own"} | row
    if made["path"] is not None:
        made["path"] = root / str(made["path"])
    try:
        if made.get("span") is not None:
            start, end = made["span"]
            made["span"] = float(start), float(end)
    except (TypeError, ValueError) as error:
        raise SamplesError(f"{where}: span must be two numbers of seconds") from error
    if not isinstance(made.get("fps"), int | float | None) or isinstance(made.get("fps"), bool):
        raise SamplesError(f"{where}: fps must be a number of pictures a second")
    return Sample(**made)
