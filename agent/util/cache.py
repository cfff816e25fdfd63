"""Where things are kept between runs, and how a file is put there whole or not at all.

`DUCHENNE_CACHE` names the folder; else `$XDG_CACHE_HOME/duchenne`, else `~/.cache/duchenne`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.schema.errors import FAILED, DuchenneError
from agent.util.scratch import HELD, scratch_folder

DIGESTS: Final = "digests.json"
SCRATCH: Final = ".scratch-"
"""Beginning of the names of folders that are being filled."""


class FullError(DuchenneError, OSError):
    """No room for what is measured while a clip runs; the message says where and what to do."""

    code = "disk_full"
    exit_status = FAILED


def cache_dir(*parts: str) -> Path:
    """The cache folder, or a folder in it; not made here."""
    if chosen := os.environ.get("DUCHENNE_CACHE"):
        return Path(chosen).expanduser().joinpath(*parts)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).joinpath("duchenne", *parts)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A scratch folder that becomes `target` on success and vanishes on failure, with a digest of
    each of its files for `is_whole`.

    A folder that another process put there meanwhile is kept: both hold the same content.
    Raises OSError where the parent cannot be written.
    """
    with scratch_folder(target.parent, SCRATCH) as scratch:
        yield scratch
        (scratch / HELD).unlink(missing_ok=True)
        (scratch / DIGESTS).write_text(json.dumps(_digests(scratch)), encoding="utf-8")
        if not target.exists():
            scratch.rename(target)


def is_whole(folder: Path) -> bool:
    """Whether every file of a `whole_folder` is still as it was written.

    A disk that was full or failed, or a machine that lost power, leaves files that are cut off or
    hold zeros, and a reader of Parquet need not notice.
    """
    try:
        noted = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
        # What was added since (answers, evidence of closer looks) is its owners' to check.
        return all(_digest(folder / name) == digest for name, digest in noted.items())
    except (OSError, ValueError, AttributeError):
        return False


def _digests(folder: Path) -> dict[str, str]:
    """Name → digest of each file but the list itself."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name != DIGESTS and path.is_file():
            found[path.name] = _digest(path)
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "blake2b").hexdigest()[:32]
