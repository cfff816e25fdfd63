"""Leaks: what a test must not share with anything that was learned, chosen or fitted.

Knows samples and their splits. The five leaks that METHODS of micro-expression work list (Varanka
et al. 2022, arXiv 2211.11425) are met so: people shared across splits and equal files are looked
for here; enrolment clips leave the test; F1 is pooled and ids, not row order, join gold and
predictions (eval.scoring); the runner fits nothing, so no epoch or threshold can be chosen.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from agent.media import MediaError
from agent.media import image_folder as frames
from eval.samples import Sample, SamplesError

SHOWN: Final = 3


def within(samples: Sequence[Sample], unit: str, *, hash_files: bool = False) -> list[str]:
    """Leaks between the splits of one data set, one sentence each.

    `unit` is what no two splits may share, as the card says. Reading every file's bytes finds
    equal clips under two names; it takes as long as reading them.
    """
    found = []
    if unit == "person":
        found += _shared(samples, lambda s: s.person, "person")
    found += _shared(samples, lambda s: None if s.span else str(s.path or ""), "clip")
    if hash_files:
        digests = {path: digest(path) for path in {s.path for s in samples if s.path}}
        found += _shared(samples, lambda s: digests.get(s.path) if s.path else None, "content")
        found += _twice(samples, digests)
    return found


def between(test: Sequence[Sample], seen: Iterable[Mapping[str, object]]) -> list[str]:
    """Test samples whose id, person or content a model has seen.

    `seen` are rows of what it was trained on: {"sha256"} or {"dataset", "id"} or {"dataset",
    "person"}, as many of them as are known.
    """
    rows = list(seen)
    hashes = {str(row["sha256"]) for row in rows if row.get("sha256")}
    ids = {(row.get("dataset"), row["id"]) for row in rows if row.get("id")}
    people = {(row.get("dataset"), row["person"]) for row in rows if row.get("person")}
    leaked = {
        "id": [s.id for s in test if (s.dataset, s.id) in ids],
        "person": [s.id for s in test if (s.dataset, s.person) in people],
        "content": [s.id for s in test if hashes and s.path and digest(s.path) in hashes],
    }
    return [
        f"{len(names)} of {len(test)} test samples share their {what} with what the model was "
        f"trained on: {_some(names)}"
        for what, names in leaked.items()
        if names
    ]


def held(samples: Iterable[Sample]) -> frozenset[str]:
    """sha256 of every clip of a benchmark: no clip among them may be trained on."""
    return frozenset(digest(path) for path in {s.path for s in samples if s.path is not None})


def digest(path: Path) -> str:
    """sha256 of a file's bytes, or of a folder's pictures in order.

    Raises SamplesError where it cannot be read.
    """
    try:
        if path.is_dir():
            whole = hashlib.sha256()
            for picture in frames.pictures(path):
                whole.update(picture.read_bytes())
            return whole.hexdigest()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except MediaError as error:
        raise SamplesError(str(error)) from error
    except OSError as error:
        raise SamplesError(f"cannot read {path}: {error.strerror}") from error


def _shared(samples: Sequence[Sample], key: Callable[[Sample], str | None], what: str) -> list[str]:
    """What lies in more than one split."""
    where: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if (name := key(sample)) and sample.split:
            where[name].add(sample.split)
    twice = {name: splits for name, splits in where.items() if len(splits) > 1}
    if not twice:
        return []
    splits = sorted(set().union(*twice.values()))
    return [f"{len(twice)} × the same {what} in {' and '.join(splits)}: {_some(sorted(twice))}"]


def _twice(samples: Sequence[Sample], digests: Mapping[Path, str]) -> list[str]:
    """Equal files whose labels differ."""
    labels: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.path is not None and sample.span is None:
            labels[digests[sample.path]].add(str(dict(sample.labels)))
    differing = [name[:12] for name, found in labels.items() if len(found) > 1]
    if not differing:
        return []
    return [f"{len(differing)} × equal files with different labels: {_some(differing)}"]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
