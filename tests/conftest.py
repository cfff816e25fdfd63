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

import numpy as np
import pytest
import spoken
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
GUARD = Path(__file__).with_name("guard")
MODELS = ROOT / ".test-run" / "models"
MEDIA = Path(__file__).with_name("media")
SHARED = Path(os.environ.get("DUCHENNE_SHARED", ROOT.parent / "shared"))
HAS_SHARED = (SHARED / "media" / "MANIFEST.md").exists()


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
    from agent.assets.resolve import WHISPER, find, pull, status
    from agent.senses.speech import whisper

    lacking = [row["name"] for row in status() if row["state"] == "missing"]
    for found in pull(lacking) if lacking else []:
        if found.path is None:
            print(f"model file {found.name}: {found.why}", file=sys.stderr)
    find("face_landmarker.task")  # optional: asked for once a day where it cannot be had
    if whisper.installed():
        find(f"{WHISPER}/model.bin")  # and with it all files of its package


def raise_guard() -> None:
    """No socket leaves this machine: here, in children, and in what their pip would ask for."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(GUARD) + (os.pathsep + before if before else "")
    os.environ["PIP_NO_INDEX"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.path.insert(0, str(GUARD))
    sys.modules.pop("sitecustomize", None)
    import sitecustomize  # noqa: F401


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of real recordings are left out, and counted, where the recordings are not.

    What they test is tested with rendered media too, as far as that can show it.
    """
    if HAS_SHARED:
        return
    real = [item for item in items if "shared" in getattr(item, "fixturenames", ())]
    if real:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in set(real)]


@pytest.fixture(scope="session")
def media() -> Path:
    """Folder of tiny rendered clips and pictures with their truth: see `media/make.py`."""
    return MEDIA


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of three rendered people."""
    place = tmp_path_factory.mktemp("crowd")
    row = [Image.open(MEDIA / f"{name}.jpg") for name in ("ann_smile", "ben_smile", "cleo_anger")]
    Image.fromarray(np.hstack([np.asarray(one) for one in row])).save(place / "three.png")
    return place / "three.png"


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Voices sung by `spoken`, one file for each name in `spoken.LEVELS`."""
    return spoken.voices(tmp_path_factory.mktemp("voices"))


@pytest.fixture(scope="session")
def emodb(voices: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same voices under the names and in the folder that EMO-DB ships."""
    place = tmp_path_factory.mktemp("emodb")
    for name, code in (("anger", "03a01Wa"), ("neutral", "03a01Nc"), ("sadness", "03a02Ta")):
        shutil.copy(voices[name], place / f"emodb_{code}.wav")
    return place


@pytest.fixture(scope="session")
def model_files() -> Path:
    """The folder with most model files: the bundle of 478 points may be beside the checkout."""
    return SHARED / "models" if HAS_SHARED else MODELS


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real clips and model files beside the checkout, or named by DUCHENNE_SHARED."""
    return SHARED


if __name__ == "__main__":  # a run's models, ahead of the run
    os.environ["DUCHENNE_CACHE"] = str(MODELS.parent)
    os.environ.pop("DUCHENNE_ASSETS", None)
    fetch_models()
