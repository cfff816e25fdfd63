"""Which way evidence is read, and the version of it; light, since every recall asks for it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

FITTED: Final = "fitted"
KNOWLEDGE: Final = "knowledge"
SETTING: Final = "DUCHENNE_READING"
"""Environment variable that chooses between the two."""
WEIGHTS: Final = Path(__file__).parent / "weights"
"""Folder of the read-outs that come with the package."""
VERSION: Final = "1"
"""Of what is computed from the same evidence; a change gets a new one."""


def reading() -> str:
    """Which way evidence is read: `FITTED`, or `KNOWLEDGE` where the environment asks for it."""
    return os.environ.get(SETTING, FITTED)


def version() -> str:
    """What the emotions over time depend on besides the evidence."""
    digest = hashlib.sha256()
    for path in sorted(WEIGHTS.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return f"{VERSION} {reading()} {digest.hexdigest()[:16]}"
