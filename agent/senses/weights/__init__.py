"""The learned estimator's weights: where they are, and which. Loads nothing of them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

WEIGHTS: Final = Path(__file__).parent
FILES: Final = ("aus.npz", "aus_skin.onnx")
READING: Final = 6
"""Goes up whenever the same weights are read differently; part of the version."""


def version(weights: Path = WEIGHTS) -> str:
    """Of the estimator with these weights: what their files hold, and how they are read."""
    digest = sha256()
    for name in FILES:
        digest.update((weights / name).read_bytes())
    return f"learned-{digest.hexdigest()[:16]}-{READING}"
