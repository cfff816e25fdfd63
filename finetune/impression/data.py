"""The voted pictures: FER2013's faces with ten people's votes each (FER+).

The file is an .npz of `images` (n × 48 × 48, uint8), `votes` (n × 10), `columns` (names of the
votes) and `split`. Of the Training pictures a fixed part, chosen by a hash of each picture's
place in the file, is never trained on: a tenth to choose on, and with a twentieth more the
pictures that readings of several senses may be joined on ("fusion"). PublicTest is for the
report alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.senses.faces.impression import LABELS

CHOOSE, FUSION = 10, 15
"""Percent of the Training pictures to choose on; of those (with the former) to join senses on."""
_COLUMNS: Final = {"NF": "not_a_face"}


@dataclass(frozen=True, slots=True)
class Votes:
    """Pictures with their votes."""

    images: npt.NDArray[np.uint8]
    """n × 48 × 48, grey."""
    shares: npt.NDArray[np.float32]
    """n × labels: share of the votes."""
    index: npt.NDArray[np.int64]
    """Place of each in the file."""

    def __len__(self) -> int:
        return len(self.images)

    def take(self, keep: npt.NDArray[np.bool_]) -> Votes:
        """Those that are marked."""
        return Votes(self.images[keep], self.shares[keep], self.index[keep])


@dataclass(frozen=True, slots=True)
class Splits:
    """The parts of the file."""

    train: Votes
    choose: Votes
    fusion: Votes
    """Holds `choose` as well."""
    public: Votes


def load(path: Path) -> Splits:
    """The parts of the voted pictures. Raises ValueError where the file's columns are others."""
    with np.load(path) as file:
        names = [_COLUMNS.get(str(name), str(name)) for name in file["columns"]]
        if sorted(names) != sorted(LABELS):
            raise ValueError(f"{path}: columns {names}, wanted {list(LABELS)} in any order")
        votes = file["votes"][:, [names.index(label) for label in LABELS]].astype(np.float32)
        images, split = file["images"], file["split"]
    whole = Votes(images, votes / votes.sum(axis=1, keepdims=True), np.arange(len(images)))
    place = np.array([bucket(i) for i in range(len(images))])
    training = split == "Training"
    return Splits(
        train=whole.take(training & (place >= FUSION)),
        choose=whole.take(training & (place < CHOOSE)),
        fusion=whole.take(training & (place < FUSION)),
        public=whole.take(split == "PublicTest"),
    )


def bucket(index: int) -> int:
    """0-99, fixed for each place in the file."""
    digest = hashlib.sha256(f"impression-{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100
