"""Shared fixtures, and the walls of a run: its own cache, its own models, no network.

Model files are fetched once, before the first test, into `.test-run/models` of the checkout
(ignored by git, kept between runs). From then on no socket leaves this machine, and nothing is
read from or written to the user's own cache.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUARD = Path(__file__).with_name("guard")
MODELS = ROOT / ".test-run" / "models"
MEDIA = Path(__file__).with_name("media")


def pytest_configure(config: pytest.Config) -> None:
    own = Path(tempfile.mkdtemp(prefix="duchenne-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(own, ignore_errors=True))
    os.environ["DUCHENNE_CACHE"] = str(MODELS.parent)
    os.environ.pop("DUCHENNE_ASSETS", None)
    fetch_models()
    # Also where a test names another cache or other assets, these files are found and not fetched.
    (own / "models").symlink_to(MODELS)
    os.environ["DUCHENNE_CACHE"] = str(own)
    os.environ["DUCHENNE_ASSETS"] = str(MODELS)
    raise_guard()


def fetch_models() -> None:
    """All model files that can be had; what cannot is named by the tests that need it."""
    MODELS.mkdir(parents=True, exist_ok=True)
    from agent.senses.assets import find, pull, status

    lacking = [row["name"] for row in status() if row["state"] == "missing"]
    for found in pull(lacking) if lacking else []:
        if found.path is None:
            print(f"model file {found.name}: {found.why}", file=sys.stderr)
    find("face_landmarker.task")  # optional: asked for once a day where it cannot be had


def raise_guard() -> None:
    """No socket leaves this machine: here, in children, and in what their pip would ask for."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(GUARD) + (os.pathsep + before if before else "")
    os.environ["PIP_NO_INDEX"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.path.insert(0, str(GUARD))
    sys.modules.pop("sitecustomize", None)
    import sitecustomize  # noqa: F401


@pytest.fixture(scope="session")
def media() -> Path:
    """Folder of tiny rendered and synthesised clips with their truth; see its README."""
    return MEDIA


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real clips and model files beside the checkout; skips where there is none."""
    folder = Path(os.environ.get("DUCHENNE_SHARED", ROOT.parent / "shared"))
    if not (folder / "media" / "MANIFEST.md").exists():
        pytest.skip(f"real clips are not here ({folder}); set DUCHENNE_SHARED to their folder")
    return folder
