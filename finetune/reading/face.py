"""The read-out of faces: units, head, eyes and impression → what people say they see.

    python -m finetune.reading.face --data FOLDER --measured M468 [M478 …] --out face.json

Learned from the voted pictures (split Training; with the impression only those that its
network never saw) and from the stills, measured by `finetune.reading.measure`. Penalty,
strength of the prior and temperature are chosen inside of these. Reported: PublicTest, the
stills by cross-validation, and the stills left out altogether. A fifth of the stills is never
touched here (`agent.reading.held_out`): `python -m eval.real` judges on it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC
from agent.reading.additive import ReadOut, softmax
from agent.reading.features import IMPRESSION, face_features, face_names, table
from agent.reading.held_out import is_held_out
from agent.reading.knowledge import tables
from finetune.impression.data import FUSION, bucket
from finetune.reading.fit import fit, folds, temperature

Matrix = npt.NDArray[np.float64]

STILLS_TRUST: Final = 0.85
"""Share of a still's label that is believed: students gave them, and some are wrong."""
PRIOR: Final = 1.0
"""Strength of the knowledge: learning begins from the weights of the tables of FACS as they are.
Of 0.3, 0.6 and 1 it costs nothing on the folds and reads strong posed units best."""
FLOOR: Final = 0.5
"""Least scale of a unit, in steps of intensity. A unit that is hardly ever measured (23, 24) would
else count tenfold where it once is, and there the tables know better than a few pictures."""
AGREED: Final = 5
"""Of ten raters, how many make a majority."""


@dataclass(frozen=True, eq=False)
class Faces:
    """One collection as the read-out takes it."""

    rows: list[dict[str, float]]
    """Features by name; empty where no face was found."""
    targets: Matrix
    """Faces × BASIC, shares that sum to 1."""
    ids: list[str]

    def seen(self) -> Faces:
        """Those in which a face was found and somebody voted for a label."""
        keep = [i for i, row in enumerate(self.rows) if row and self.targets[i].sum() > 0]
        return self.only(keep)

    def only(self, keep: Sequence[int]) -> Faces:
        return Faces([self.rows[i] for i in keep], self.targets[keep], [self.ids[i] for i in keep])

    def __add__(self, other: Faces) -> Faces:
        return Faces(
            self.rows + other.rows,
            np.concatenate([self.targets, other.targets]),
            self.ids + other.ids,
        )

    @property
    def first(self) -> npt.NDArray[np.int64]:
        return np.asarray(self.targets.argmax(axis=1), np.int64)


def voted(path: Path, data: Path) -> Faces:
    """A measured part of the voted pictures, targets from the votes."""
    rows, ids = _measured(path)
    stored = np.load(data / "ferplus.npz")
    columns = [str(name) for name in stored["columns"]]
    votes = stored["votes"][[int(i) for i in ids]].astype(np.float64)
    mine = votes[:, [columns.index(label) for label in BASIC]]
    # Nobody's vote alone makes a label; pictures that most take for unclear teach nothing.
    mine = np.where(mine > 1, mine, 0.0)
    unclear = votes[:, [columns.index("unknown"), len(columns) - 1]].sum(axis=1) >= AGREED
    total = mine.sum(axis=1, keepdims=True)
    return Faces(rows, np.where(total > 0, mine / np.maximum(total, 1), 0) * ~unclear[:, None], ids)


def labelled(path: Path) -> Faces:
    """The measured stills; the first word of each name is its label."""
    rows, ids = _measured(path)
    targets = np.full((len(ids), len(BASIC)), (1 - STILLS_TRUST) / (len(BASIC) - 1))
    for place, name in enumerate(ids):
        targets[place, BASIC.index(name.split("_")[0])] = STILLS_TRUST
    return Faces(rows, targets, ids)


def _measured(path: Path) -> tuple[list[dict[str, float]], list[str]]:
    stored = np.load(path)
    names = [str(name) for name in stored["names"]]
    rows = [
        face_features({n: float(v) for n, v in zip(names, row, strict=True) if np.isfinite(v)})
        for row in stored["rows"]
    ]
    return rows, [str(i) for i in stored["ids"]]


def knowledge(features: Sequence[str], scale: Matrix, strength: float) -> Matrix:
    """labels × features: log-odds per scale that the tables of FACS expect, times `strength`.

    The impression's own label is expected to speak for it, one for one.
    """
    known = np.zeros((len(BASIC), len(features)))
    out = tables()
    for place, name in enumerate(features):
        code = {"AU45": "AU43"}.get(name, name)
        if name.startswith(IMPRESSION):
            label = name.removeprefix(IMPRESSION)
            if label in BASIC:
                known[BASIC.index(label), place] = scale[place]
        elif code in out.features:
            at = out.features.index(code)
            known[:, place] = strength * out.weights[:, at] * scale[place] / out.scale[at]
    return known


def scales(rows: Matrix, features: Sequence[str]) -> Matrix:
    """One a feature: how much it varies, for units at least FLOOR."""
    least = np.array([FLOOR if name.startswith("AU") else 1e-3 for name in features])
    return np.asarray(np.maximum(np.nanstd(rows, axis=0), least))


def learn(
    faces: Faces, features: Sequence[str], penalty: float, strength: float, weight: Matrix
) -> ReadOut:
    """Class weights by the inverse root of each label's share, as in the network's training."""
    rows = table(faces.rows, features)
    scale = scales(rows, features)
    share = faces.targets.sum(axis=0) / faces.targets.sum()
    rarity = 1 / np.sqrt(share + 0.01)
    each = weight * (faces.targets @ (rarity / rarity.mean()))
    return fit(
        rows,
        faces.targets,
        each,
        labels=BASIC,
        features=features,
        prior=knowledge(features, scale, strength),
        penalty=penalty,
        scale=scale,
    )


def weights(faces: Faces, stills_share: float) -> Matrix:
    """1 for each voted picture; the stills together as much as `stills_share` of all."""
    still = np.array([name.endswith(".jpg") for name in faces.ids])
    each = np.ones(len(still))
    if still.any() and not still.all():
        each[still] = stills_share / (1 - stills_share) * (~still).sum() / still.sum()
    return each


def scored(truth: npt.NDArray[Any], found: npt.NDArray[Any], among: Sequence[int]) -> float:
    """Mean recall over the labels in `among`."""
    return float(np.mean([(found[truth == k] == k).mean() for k in among if (truth == k).any()]))


FIVE: Final = tuple(
    BASIC.index(k) for k in ("anger", "happiness", "neutral", "surprise", "sadness")
)
SEVEN: Final = tuple(i for i, k in enumerate(BASIC) if k != "contempt")


def still_scores(out: ReadOut, faces: Faces, features: Sequence[str]) -> dict[str, float]:
    """Mean recall over five and over seven labels."""
    logits = out.logits(table(faces.rows, features))
    truth = faces.first
    found = {}
    for name, among in (("five", FIVE), ("seven", SEVEN)):
        mine = np.isin(truth, among)
        best = np.asarray(among)[logits[mine][:, list(among)].argmax(axis=1)]
        found[name] = scored(truth[mine], best, among)
    return found


def vote_scores(out: ReadOut, faces: Faces, features: Sequence[str]) -> dict[str, float]:
    """Accuracy and mean recall over eight labels where a majority of raters agrees; ECE."""
    clear = np.flatnonzero(faces.targets.max(axis=1) >= AGREED / 10)
    chosen = faces.only(clear.tolist())
    shares = softmax(out.logits(table(chosen.rows, features)))
    best, truth = shares.argmax(axis=1), chosen.first
    return {
        "faces": float(len(truth)),
        "accuracy": float((best == truth).mean()),
        "recall": scored(truth, best, range(len(BASIC))),
        "ece": ece(shares.max(axis=1), best == truth),
        "auroc": auroc(shares.max(axis=1), best == truth),
    }


def ece(sure: Matrix, right: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error over equal-width bins."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean()
            for b in range(bins)
            if (place == b).any()
        )
    )


def auroc(sure: Matrix, right: npt.NDArray[np.bool_]) -> float:
    """Chance that a right answer is surer than a wrong one."""
    from scipy.stats import rankdata

    ranks = rankdata(sure)
    good = int(right.sum())
    bad = len(right) - good
    if not good or not bad:
        return float("nan")
    return float((ranks[right].sum() - good * (good + 1) / 2) / (good * bad))


def crossed(
    voted_: Faces, stills: Faces, features: Sequence[str], how: dict[str, float], seed: int,
    parts: int = 5,
) -> dict[str, float]:  # fmt: skip
    """The stills by cross-validation, the voted pictures always beside them."""
    place = _by_picture(stills.ids, parts, seed)
    logits = np.empty((len(stills.ids), len(BASIC)))
    for part in range(parts):
        train = voted_ + stills.only(np.flatnonzero(place != part).tolist())
        out = learn(train, features, how["penalty"], how["prior"], weights(train, how["stills"]))
        mine = np.flatnonzero(place == part)
        logits[mine] = out.logits(table(stills.only(mine.tolist()).rows, features))
    truth, found = stills.first, {}
    for name, among in (("five", FIVE), ("seven", SEVEN)):
        rows = np.isin(truth, among)
        best = np.asarray(among)[logits[rows][:, list(among)].argmax(axis=1)]
        found[name] = scored(truth[rows], best, among)
    return found


def _by_picture(ids: Sequence[str], parts: int, seed: int) -> npt.NDArray[np.int64]:
    """A fold for each row; a picture measured twice (with either mesh) stays in one."""
    names = sorted(set(ids))
    fold = dict(
        zip(names, folds(len(names), parts, seed, [n.split("_")[0] for n in names]), strict=True)
    )
    return np.array([fold[name] for name in ids])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--measured", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    result: dict[str, Any] = {}
    for name in ("units", "face"):
        features = face_names(BASIC if name == "face" else ())
        train, public, stills = _collections(asked.data, asked.measured, name == "face")
        how = _choose(train, stills, features)
        print(name, "chosen inside training:", how, flush=True)
        alone = learn(train, features, how["penalty"], how["prior"], weights(train, 0))
        print("  votes only → PublicTest", vote_scores(alone, public, features))
        print("  votes only → stills    ", still_scores(alone, stills, features))
        print("  stills, crossed        ", crossed(train, stills, features, how, 7))
        both = train + stills
        out = learn(both, features, how["penalty"], how["prior"], weights(both, how["stills"]))
        found = _temperature(both, features, how)
        result[name] = out.as_json() | {
            "temperature": round(found, 4),
            "neutral": _neutral(train, features),
        }
        warm = _cooled(out, found)
        print("  votes and stills → PublicTest", vote_scores(warm, public, features))
    asked.out.write_text(json.dumps(result, indent=1), encoding="utf-8")


def _temperature(faces: Faces, features: Sequence[str], how: dict[str, float]) -> float:
    """By four folds of everything that was learned from, against the label that most people give:
    a share says how often the label is right, not how many people would give it."""
    place = _by_picture(faces.ids, 4, 3)
    logits = np.empty((len(faces.ids), len(BASIC)))
    for part in range(4):
        train = faces.only(np.flatnonzero(place != part).tolist())
        out = learn(train, features, how["penalty"], how["prior"], weights(train, how["stills"]))
        mine = np.flatnonzero(place == part)
        logits[mine] = out.logits(table(faces.only(mine.tolist()).rows, features))
    clear = faces.targets.max(axis=1) >= AGREED / 10
    return temperature(logits[clear], np.eye(len(BASIC))[faces.first[clear]])


def _neutral(faces: Faces, features: Sequence[str]) -> list[float]:
    """Mean features of the faces that a majority calls neutral."""
    calm = np.flatnonzero(faces.targets[:, BASIC.index("neutral")] >= AGREED / 10)
    rows = table(faces.only(calm.tolist()).rows, features)
    return [round(float(v), 4) for v in np.nanmean(rows, axis=0)]


def _cooled(out: ReadOut, by: float) -> ReadOut:
    from dataclasses import replace

    return replace(out, temperature=by)


def _collections(data: Path, measured: Sequence[Path], impressed: bool) -> tuple[Faces, ...]:
    found: list[list[Faces]] = [[], [], []]
    for folder in measured:
        for place, name in enumerate(("Training", "PublicTest")):
            found[place].append(voted(folder / f"{name}.npz", data).seen())
        known = labelled(folder / "stills.npz").seen()
        found[2].append(known.only([i for i, n in enumerate(known.ids) if not is_held_out(n)]))
    train, public, stills = (sum(parts[1:], parts[0]) for parts in found)
    if impressed:
        train = train.only([i for i, name in enumerate(train.ids) if bucket(int(name)) < FUSION])
    return train, public, stills


def _choose(train: Faces, stills: Faces, features: Sequence[str]) -> dict[str, float]:
    """Penalty and weight of the stills, by folds inside training."""
    best, chosen = -1.0, {}
    some = train.only(list(range(0, len(train.ids), max(1, len(train.ids) // 2500))))
    for penalty in (8e-3, 3e-2):
        for stills_share in (0.3, 0.5):
            how = {"penalty": penalty, "prior": PRIOR, "stills": stills_share}
            by_fold = crossed(some, stills, features, how, 1, parts=3)
            value = by_fold["five"] + by_fold["seven"]
            if value > best:
                best, chosen = value, how
    return chosen


if __name__ == "__main__":
    main()
