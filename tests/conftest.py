"""Shared fixtures. Tests never reach a network beyond loopback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real clips and model files beside the checkout; skips where there is none."""
    folder = Path(os.environ.get("DUCHENNE_SHARED", ROOT.parent / "shared"))
    if not (folder / "media" / "MANIFEST.md").exists():
        pytest.skip(f"real clips are not here ({folder}); set DUCHENNE_SHARED to their folder")
    return folder
