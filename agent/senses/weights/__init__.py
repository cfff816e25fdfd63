"""The learned weights: where they are, and which. Loads no network."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Final

WEIGHTS: Final = Path(__file__).parent
FILES: Final = ("aus.npz", "aus_skin.onnx", "pictures.json")
READING: Final = 7
"""Goes up whenever the same weights are read differently; part of the version."""


def version(weights: Path = WEIGHTS) -> str:
    """Of the estimator with these weights: what their files hold, and how they are read."""
    digest = sha256()
    for path in (weights / name for name in FILES):
        digest.update(path.read_bytes() if path.exists() else b"")
    return f"learned-{digest.hexdigest()[:16]}-{READING}"


def impression(weights: Path = WEIGHTS) -> str | None:
    """Version of the impression network with these weights; None where they are not there."""
    files = weights / "impression.onnx", weights / "impression.json"
    if not all(file.exists() for file in files):
        return None
    about = json.loads(files[1].read_text(encoding="utf-8"))
    return f"impression-{about['sha256'][:16]}"
