"""Faces that the edge of the picture cuts: it is said, and what lies outside is not measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from agent.perception.look import Request, look
from agent.schema.evidence import Evidence

NAMES = ("cut face", "sides", "brow", "mouth")


def seen(path: Path, box: tuple[float, float, float, float], out: Path) -> Evidence:
    """The part of a picture between these shares of its width and height."""
    with Image.open(path) as whole:
        width, height = whole.size
        whole.crop(
            (int(box[0] * width), int(box[1] * height), int(box[2] * width), int(box[3] * height))
        ).save(out)
    return look(Request(out, cache=out.parent)).evidence


def told(evidence: Evidence) -> dict[str, str]:
    return {gap.what: gap.why for gap in evidence.missing if gap.what in NAMES}


def face_box(path: Path) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the face as shares of the picture."""
    from agent.senses.faces import face_in

    with Image.open(path) as whole:
        import numpy as np

        image = np.asarray(whole.convert("RGB"))
    sample = face_in(image)
    assert sample is not None
    height, width = image.shape[:2]
    low, high = sample.mesh[:, :2].min(axis=0), sample.mesh[:, :2].max(axis=0)
    return low[0] / width, low[1] / height, high[0] / width, high[1] / height


def at(box: tuple[float, float, float, float], across: float, down: float) -> tuple[float, float]:
    """A point of the picture by its place in the face, 0-1."""
    return box[0] + across * (box[2] - box[0]), box[1] + down * (box[3] - box[1])


@pytest.mark.parametrize("name", ["ann_smile.jpg", "ben_smile.jpg"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_outside_is_not_measured_and_it_is_said(
    media: Path, tmp_path: Path, name: str, side: str
) -> None:
    edge, _ = at(face_box(media / name), 0.62 if side == "left" else 0.38, 0.0)
    box = (0.0, 0.0, edge, 1.0) if side == "left" else (edge, 0.0, 1.0, 1.0)
    found = seen(media / name, box, tmp_path / "cut.png")
    if not found.people:
        pytest.skip("no face is found in the part")
    assert f"its own {side} side lies outside" in told(found)["sides"]
    assert f"its own {side} side" in told(found)["cut face"]
    faces = [cue for cue in found.cues if cue.sense == "face"]
    assert faces and all(cue.side is None and "both sides" not in cue.text for cue in faces)


def test_a_chin_or_a_brow_outside(media: Path, tmp_path: Path) -> None:
    box = face_box(media / "ann_smile.jpg")
    _, chin = at(box, 0.0, 0.68)
    below = seen(media / "ann_smile.jpg", (0.0, 0.0, 1.0, chin), tmp_path / "chin.png")
    if below.people:
        assert "mouth" in told(below)
        assert not any(cue.code in ("AU12", "AU25", "AU10") for cue in below.cues)
        assert "sides" not in told(below)
    _, brow = at(box, 0.0, 0.25)
    above = seen(media / "ann_smile.jpg", (0.0, brow, 1.0, 1.0), tmp_path / "brow.png")
    if above.people:
        assert "brow" in told(above)
        assert not any(cue.code in ("AU01", "AU02", "AU04") for cue in above.cues)
    assert below.people or above.people


def test_a_whole_face_needs_no_note(media: Path, tmp_path: Path) -> None:
    left, top, right, bottom = face_box(media / "ann_smile.jpg")
    tight = (max(0, left - 0.01), max(0, top - 0.01), min(1, right + 0.01), min(1, bottom + 0.01))
    for number, box in enumerate([(0.0, 0.0, 1.0, 1.0), tight]):
        assert not told(seen(media / "ann_smile.jpg", box, tmp_path / f"{number}.png"))
