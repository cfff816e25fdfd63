"""The learned estimator's weights: where they are, and which. Loads nothing but their version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

WEIGHTS: Final = Path(__file__).parent
READING: Final = 6
"""Goes up whenever the same weights are read differently; part of the version."""


def version(weights: Path = WEIGHTS) -> str:
    """Of the estimator with these weights; nothing else of them is read."""
    with np.load(weights / "aus.npz") as stored:
        return f"{stored['version']}-{READING}"
