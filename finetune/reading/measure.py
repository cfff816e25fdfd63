"""Real faces, measured by our own senses: what the read-out of faces is learned from.

    python -m finetune.reading.measure --data FOLDER --out MEASURED [--assets MODELS]

FOLDER holds `ferplus.npz` (48 × 48 grey pictures with ten votes each) and `stills/`. Each
collection becomes one table MEASURED/NAME.npz: `names` (features), `rows` (pictures ×
features, NaN where no face was found), `ids`. Work is done in parts and goes on where it was
stopped. Pictures themselves are never written.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from agent.schema.samples import Image
from agent.senses import faces
from agent.senses.faces.impression import LABELS, Impression
from agent.senses.faces.shape import openness, turn
from agent.senses.head.pose import angles
from agent.senses.units.learned import Learned
from finetune.impression.data import FUSION, bucket

UP: Final = 4
"""Small pictures are enlarged so many times, as a person would to look at them."""
PAD: Final = 12
"""Pixels repeated around them first: the detector wants some room around a face."""
PART: Final = 1000
"""Pictures measured between two writes."""


class Measurer:
    """One face in, its features out."""

    def __init__(self) -> None:
        self._models = faces.load()
        self._units = Learned()
        self._impression = Impression()

    @property
    def mesh(self) -> str:
        """mesh478 or mesh468: which numbers these are."""
        return self._models.name

    def features(self, image: Image) -> dict[str, float]:
        """Absolute units, head, eyes and impression of the largest face; empty without one."""
        sample = faces.face_in(image, None, self._models)
        if sample is None:
            return {}
        row = self._units.observe(sample)
        columns = self._units.absolute(row[None])
        found = {name: float(values[0]) for name, values in columns.items()}
        yaw, pitch, roll = angles(turn(sample.mesh))
        found |= {"yaw_deg": yaw, "pitch_deg": pitch, "roll_deg": roll}
        found["eyes_open"] = float(np.mean(openness(sample.mesh)))
        found["quality"] = float(sample.quality)
        shares = self._impression(image, sample.mesh)
        named = zip(LABELS, shares, strict=True)
        return found | {f"impression_{label}": float(share) for label, share in named}


def enlarged(picture: Any) -> Image:
    """A 48 × 48 grey picture as the senses are shown it: 288 × 288, RGB."""
    wide = cv2.copyMakeBorder(picture, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE)
    large = cv2.resize(wide, None, fx=UP, fy=UP, interpolation=cv2.INTER_CUBIC)
    return np.repeat(np.asarray(large, np.uint8)[..., None], 3, axis=2)


def measure(
    name: str, ids: Sequence[str], pictures: Iterator[Image], out: Path, with_: Measurer
) -> Path:
    """Measure one collection part by part; the file of the whole."""
    target = out / f"{name}.npz"
    parts = out / f"{name}.parts"
    if target.exists():
        return target
    parts.mkdir(parents=True, exist_ok=True)
    for begin in range(0, len(ids), PART):
        end, part = min(begin + PART, len(ids)), parts / f"{begin:06d}.npz"
        rows = []
        for _ in range(begin, end):
            image = next(pictures)
            rows.append({} if part.exists() else with_.features(image))
        if not part.exists():
            _write(part, rows, ids[begin:end])
            print(f"{name}: {end} of {len(ids)}", flush=True)
    _join(sorted(parts.glob("*.npz")), target)
    for part in parts.iterdir():
        part.unlink()
    parts.rmdir()
    return target


def _write(path: Path, rows: Sequence[dict[str, float]], ids: Sequence[str]) -> None:
    names = sorted({name for row in rows for name in row})
    table = np.array([[row.get(n, np.nan) for n in names] for row in rows], np.float32)
    scratch = path.with_suffix(".tmp.npz")
    np.savez_compressed(
        scratch, names=np.array(names), rows=table.reshape(len(rows), -1), ids=np.array(ids)
    )
    scratch.rename(path)


def _join(parts: Sequence[Path], target: Path) -> None:
    tables = [dict(np.load(part)) for part in parts]
    names = sorted({str(name) for table in tables for name in table["names"]})
    rows = []
    for table in tables:
        at = {str(name): place for place, name in enumerate(table["names"])}
        for row in table["rows"]:
            rows.append({n: float(row[at[n]]) for n in names if n in at})
    _write(target, rows, [str(i) for table in tables for i in table["ids"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus.npz, stills/")
    parser.add_argument("--out", type=Path, required=True, help="folder of the measured tables")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with_ = Measurer()
    print(f"measuring with {with_.mesh}", flush=True)
    stills = sorted((asked.data / "stills").glob("*.jpg"))
    shown = (np.ascontiguousarray(np.asarray(cv2.imread(str(path)))[..., ::-1]) for path in stills)
    measure("stills", [path.name for path in stills], shown, asked.out, with_)
    voted = np.load(asked.data / "ferplus.npz")
    pictures, split = voted["images"], voted["split"]
    for name in ("PublicTest", "Training"):
        chosen = np.flatnonzero(split == name)
        if name == "Training":  # only those that the impression's network has not learned from
            chosen = np.array([i for i in chosen if bucket(int(i)) < FUSION])
        small = (enlarged(pictures[i]) for i in chosen)
        measure(name, [str(i) for i in chosen], small, asked.out, with_)


if __name__ == "__main__":
    main()
