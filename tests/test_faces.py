from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.senses.faces import face_in, load
from agent.senses.samples import Image


@pytest.fixture(autouse=True)
def assets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model files from the mirror where it is there."""
    mirror = request.getfixturevalue("shared") / "models"
    monkeypatch.setenv("DUCHENNE_ASSETS", str(mirror))


def picture(path: Path) -> Image:
    read = cv2.imread(str(path))
    assert read is not None, path
    return cv2.cvtColor(read, cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize("bundle", [True, False])
def test_one_portrait_has_one_face_where_it_is(shared: Path, bundle: bool) -> None:
    face = face_in(picture(shared / "media/image/facerec_obama.jpg"), models=load(bundle))
    assert face is not None
    assert face.mesh.shape == ((478, 3) if bundle else (468, 3))
    assert (face.blendshapes is not None) == bundle
    nose = face.mesh[1, :2]
    assert np.linalg.norm(nose - (496, 285)) < 25
    assert face.quality > 0.7
