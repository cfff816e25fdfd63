"""Where a reading suffers: held-out rendered people by pose, skin, size, covering and speech.

    python -m finetune.aus.parts FACES/test [FACES/validation] [--weights FOLDER]

Reads shards of clips. Both estimators read the same meshes; intervals are over people. People
differ in more than the part is about: `strata` changes one thing of the same people instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.samples import FaceSample, Frame
from agent.senses.units.action_units import Estimator
from agent.senses.units.geometric import Shortcut
from agent.senses.units.learned import Learned
from agent.senses.units.series import complete
from agent.senses.weights import WEIGHTS
from eval.au_intervals import Array, cell, figures, gap, paired, sums
from finetune.aus.strata import mean_truth, readings
from finetune.faces import clips, people, scene

FEW: Final = 8
"""Pictures that a person must have."""
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Read:
    """One person's clip: what is true, what both estimators read, and what may matter."""

    truth: Array
    """Frames × action units, means of both sides."""
    found: Mapping[str, Array]
    yaw: Array
    """Degrees either way, by frame."""
    tone: float
    shrunk: bool
    covered: bool
    speech: bool


def read(file: Path, learned: Learned) -> Read | None:
    """One shard of a clip; None for a person who was hardly seen."""
    table = dict(np.load(file))
    if "truth" not in table or len(table["truth"]) < FEW:
        return None
    estimators: dict[str, Estimator] = {"learned": learned, "shortcut": Shortcut()}
    times, rows = table["time"], range(len(table["truth"]))
    observed = {
        "learned": [
            learned.row(
                learned.upright(table["large"][i]),
                table["blendshapes"][i],
                table["patch"][i],
                table["quality"][i],
            )
            for i in rows
        ],
        "shortcut": [estimators["shortcut"].observe(_sample(table, i)) for i in rows],
    }
    found = {
        name: readings(
            complete({"time": times} | estimators[name].intensities(times, np.stack(mine)))
        )
        for name, mine in observed.items()
    }
    return Read(
        mean_truth(table["truth"].astype(np.float64)),
        found,
        np.degrees(np.abs(table["pose"][:, 0].astype(np.float64))),
        float(table["tone"]),
        float(table["shrink"]) > 1,
        bool(table["occluded"]) or int(table["glasses"]) > 0,
        _speech(int(table["seed"]), float(table["rendered"] / table["fps"])),
    )


def _sample(table: Mapping[str, npt.NDArray[np.generic]], row: int) -> FaceSample:
    picture = Frame(row, float(table["time"][row]), np.zeros((1, 1, 3), np.uint8))
    mesh, shapes = (np.asarray(table[k][row], np.float32) for k in ("large", "blendshapes"))
    return FaceSample(picture, 0, (0, 0, 1, 1), mesh, shapes, 1.0, float(table["quality"][row]))


def _speech(seed: int, seconds: float) -> bool:
    """Whether the script of this person's clip has speech; drawn again, as when it was made."""
    rng = np.random.default_rng([seed, 6])
    scene.shot(rng, 288, people.person(seed).plain)
    return len(clips.script(rng, seconds).speech) > 0


def parts(every: Sequence[Read]) -> dict[str, Callable[[Read], Flags | bool]]:
    """What is told apart: which frames of a person, or whether the whole person."""
    low, high = np.quantile([one.tone for one in every], [1 / 3, 2 / 3])
    return {
        "all": lambda one: one.yaw >= 0,
        "yaw up to 11°": lambda one: one.yaw <= 11,
        "yaw 11° to 26°": lambda one: (one.yaw > 11) & (one.yaw <= 26),
        "yaw beyond 26°": lambda one: one.yaw > 26,
        "lightest third": lambda one: one.tone >= high,
        "middle third": lambda one: low < one.tone < high,
        "darkest third": lambda one: one.tone <= low,
        "full size": lambda one: not one.shrunk,
        "stored small": lambda one: one.shrunk,
        "nothing on the face": lambda one: not one.covered,
        "glasses or something before it": lambda one: one.covered,
        "no speech": lambda one: not one.speech,
        "speech": lambda one: one.speech,
    }


GAPS: Final = (
    ("lightest third", "darkest third"),
    ("full size", "stored small"),
    ("nothing on the face", "glasses or something before it"),
    ("no speech", "speech"),
)


def table(every: Sequence[Read]) -> Iterator[str]:
    """Lines of the table."""
    yield "| part | people | learned PCC; F1 | shortcut | more than the shortcut |"
    yield "| --- | --- | --- | --- | --- |"
    kept: dict[str, dict[str, Array]] = {}
    for name, where in parts(every).items():
        kept[name] = {}
        for estimator in ("learned", "shortcut"):
            mine = [(one, np.broadcast_to(where(one), one.yaw.shape)) for one in every]
            rows = [sums(o.truth[m], o.found[estimator][m]) for o, m in mine if m.any()]
            kept[name][estimator] = np.stack(rows)
        own, other = kept[name]["learned"], kept[name]["shortcut"]
        cells = [cell(figures(own)), cell(figures(other)), cell(paired(own, other), "+")]
        yield f"| {name} | {len(own)} | {' | '.join(cells)} |"
    for one, less in GAPS:
        found = [cell(gap(kept[one][k], kept[less][k]), "+") for k in ("learned", "shortcut")]
        yield f"| {one} less {less} | | {' | '.join(found)} | |"


def main(argv: Sequence[str] | None = None) -> int:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m finetune.aus.parts", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    options = parser.parse_args(argv)
    learned = Learned(options.weights)
    files = [file for folder in options.folders for file in sorted(folder.glob("*.npz"))]
    every = [one for file in files if (one := read(file, learned)) is not None]
    print("\n".join(table(every)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
