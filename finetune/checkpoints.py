"""Checkpoints that are there whole or not at all, and finding the last that is.

Knows folders, files and hashes; no trainer. A checkpoint is written into a temporary folder
beside its place; then comes a manifest with the size and sha256 of each file, everything is
synced to disk, and the folder is renamed. A folder without a manifest that fits is none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(r"checkpoint-(\d+)")
_PART: Final = ".saving-"


def writing(out: Path) -> Path:
    """A fresh folder to write the next checkpoint into; left-overs of others are removed."""
    for old in out.glob(f"{_PART}*"):
        shutil.rmtree(old, ignore_errors=True)
    part = out / f"{_PART}{os.getpid()}"
    part.mkdir(parents=True)
    return part


def seal(written: Path, place: Path) -> None:
    """Manifest, sync, rename: from here on `place` is a checkpoint."""
    files = {
        str(path.relative_to(written)): {"size": path.stat().st_size, "sha256": _digest(path)}
        for path in sorted(written.rglob("*"))
        if path.is_file()
    }
    (written / MANIFEST).write_text(json.dumps({"version": 1, "files": files}, indent=1))
    for path in written.rglob("*"):
        _sync(path)
    _sync(written)
    if place.exists():
        shutil.rmtree(place)
    written.replace(place)
    _sync(place.parent)


def faults(place: Path) -> list[str]:
    """What is wrong with a checkpoint, a line each; none where it is whole."""
    try:
        manifest: dict[str, Any] = json.loads((place / MANIFEST).read_text())
    except (OSError, ValueError):
        return [f"{place} has no manifest: it was not written to its end"]
    found = []
    for name, wanted in manifest["files"].items():
        path = place / name
        if not path.is_file():
            found.append(f"{path} is missing")
        elif path.stat().st_size != wanted["size"] or _digest(path) != wanted["sha256"]:
            found.append(f"{path} is not what was written")
    return found


def last(out: Path) -> Path | None:
    """The latest checkpoint that is whole."""
    return next((place for _, place in _all(out) if not faults(place)), None)


def rotate(out: Path, keep: int | None) -> None:
    """Remove all but the latest `keep`."""
    for _, place in list(_all(out))[keep:] if keep else []:
        shutil.rmtree(place, ignore_errors=True)


def _all(out: Path) -> Iterator[tuple[int, Path]]:
    """Step and folder, the latest first."""
    found = [
        (int(match[1]), path)
        for path in (out.iterdir() if out.is_dir() else ())
        if (match := _NAME.fullmatch(path.name)) and path.is_dir()
    ]
    yield from sorted(found, reverse=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
