"""Readers: from the layout that the owners of a data set ship to samples.

One module a data set, with `NEEDS` (what the root must hold) and `read(root)`. Knows files and
tables, opens no clip. Which reader belongs to which data set is said by the data card.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from agent.schema.errors import USAGE, DuchenneError
from eval.samples import Sample


class LayoutError(DuchenneError, ValueError):
    """A root that is not laid out as the owners ship it; says what is missing."""

    code = "bad_layout"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Need:
    """Something that must lie under the root."""

    patterns: tuple[str, ...]
    """Glob patterns from the root; one of them must find something."""
    what: str
    """What it is, in plain words."""


def need(what: str, *patterns: str) -> Need:
    """A need that any one of the patterns meets."""
    return Need(patterns, what)


def missing(needs: tuple[Need, ...], root: Path) -> list[str]:
    """What the root lacks, one sentence each; empty where all is there."""
    if not root.is_dir():
        return [f"{root} is not a folder"]
    return [
        f"{n.what}: nothing matches {' or '.join(n.patterns)}"
        for n in needs
        if not any(next(root.glob(pattern), None) for pattern in n.patterns)
    ]


def read(reader: str, root: Path) -> Iterator[Sample]:
    """Samples of the data set under the root. Raises LayoutError, OSError."""
    module = import_module(f"eval.readers.{reader.replace('-', '_')}")
    if lacking := missing(module.NEEDS, root):
        raise LayoutError("; ".join(lacking))
    found: Iterator[Sample] = module.read(root)
    yield from found


def needs(reader: str) -> tuple[Need, ...]:
    """What this reader wants to find under the root."""
    found: tuple[Need, ...] = import_module(f"eval.readers.{reader.replace('-', '_')}").NEEDS
    return found
