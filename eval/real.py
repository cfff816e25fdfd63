"""How right the whole way is on real people: picture in, label out, beside knowledge alone.

    python -m eval.real --data FOLDER [--pictures N] [--peer mini_xception.onnx] [--json]

FOLDER holds `stills/` (the first word of a name is the label) and `ferplus.npz` (voted pictures).
Every picture goes through the senses and the reading as a user's would. Scored are people that no
weight was learned from: the fifth of the stills that `agent.reading.held_out` names, and
PublicTest, where at least five of ten raters agree. Each collection stands apart. "cannot tell"
counts as wrong in the recalls, and its share is given.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.perception import look as perceive
from agent.reading.features import IMPRESSION
from agent.reading.held_out import is_held_out
from agent.reading.judge import judge
from agent.reading.version import FITTED, KNOWLEDGE, SETTING
from agent.schema.evidence import Evidence
from eval import selective

Shares = Mapping[str, float]

FIVE: Final = ("anger", "happiness", "neutral", "sadness", "surprise")
SEVEN: Final = (*FIVE, "disgust", "fear")
EIGHT: Final = (*SEVEN, "contempt")
AGREED: Final = 5
"""Of ten raters, how many make a majority."""
UP, PAD = 4, 12
"""Small pictures are enlarged so many times, after so many pixels are repeated around them."""
RESAMPLES: Final = 1000


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture and what people said of it."""

    path: Path
    label: str


def stills(folder: Path) -> list[Picture]:
    """The stills that nothing was learned from."""
    return [
        Picture(path, path.name.split("_")[0])
        for path in sorted((folder / "stills").glob("*.jpg"))
        if is_held_out(path.name)
    ]


def voted(folder: Path, out: Path, most: int) -> list[Picture]:
    """Pictures of PublicTest with a majority, evenly over the file, written to `out` as PNG."""
    stored = np.load(folder / "ferplus.npz")
    names = [str(name) for name in stored["columns"]]
    chosen = np.flatnonzero(stored["split"] == "PublicTest")
    votes = stored["votes"][chosen]
    clear = [i for i, row in enumerate(votes) if row.max() >= AGREED and _basic(names, row)]
    some = clear[:: max(1, len(clear) // most)][:most]
    found = []
    for i in some:
        path = out / f"public_{chosen[i]}.png"
        wide = cv2.copyMakeBorder(
            stored["images"][chosen[i]], PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE
        )
        cv2.imwrite(str(path), cv2.resize(wide, None, fx=UP, fy=UP, interpolation=cv2.INTER_CUBIC))
        found.append(Picture(path, names[int(votes[i].argmax())]))
    return found


def _basic(names: Sequence[str], row: npt.NDArray[np.generic]) -> bool:
    return names[int(row.argmax())] in EIGHT


def systems(evidence: Evidence) -> dict[str, Shares]:
    """Shares by label of each way of reading one record; empty where it cannot tell."""
    plain = evidence.model_copy(
        update={
            "windows": tuple(
                w.model_copy(
                    update={
                        "values": {
                            k: v for k, v in w.values.items() if not k.startswith(IMPRESSION)
                        }
                    }
                )
                for w in evidence.windows
            )
        }
    )
    return {
        "fitted": _read(evidence, FITTED),
        "fitted, units alone": _read(plain, FITTED),
        "knowledge": _read(evidence, KNOWLEDGE),
        "impression alone": _impression(evidence),
    }


def _read(evidence: Evidence, how: str) -> Shares:
    before = os.environ.get(SETTING)
    os.environ[SETTING] = how
    try:
        return judge(evidence).shares
    finally:
        if before is None:
            del os.environ[SETTING]
        else:
            os.environ[SETTING] = before


def _impression(evidence: Evidence) -> Shares:
    main = evidence.main.id if evidence.main else None
    for window in evidence.windows:
        if window.person == main and window.sense == "face":
            return {
                k.removeprefix(IMPRESSION): v
                for k, v in window.values.items()
                if k.removeprefix(IMPRESSION) in EIGHT
            }
    return {}


def peer(model: Path) -> Callable[[Path], Shares]:
    """mini-Xception (Arriaga et al. 2017): 64 × 64 grey in −1…1, FER2013's order."""
    import onnxruntime

    order = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape

    def read(path: Path) -> Shares:
        from agent.senses import faces

        image = np.ascontiguousarray(np.asarray(cv2.imread(str(path)))[..., ::-1])
        found = faces.face_in(image)
        if found is None:
            return {}
        x, y, w, h = found.box
        side = 1.16 * max(w, h)
        cut = cv2.getRectSubPix(image, (int(side), int(side)), (x + w / 2, y + h / 2))
        grey = cv2.resize(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), (64, 64)).astype(np.float32)
        entry = (grey / 127.5 - 1).reshape([1 if not isinstance(n, int) else n for n in shape])
        (chances,) = session.run(None, {name: entry})
        return dict(zip(order, np.ravel(chances).tolist(), strict=True))

    return read


def scores(truth: Sequence[str], found: Sequence[Shares], among: Sequence[str]) -> dict[str, Any]:
    """Mean recall over labels with a 95 % interval over pictures, accuracy, calibration."""
    rows = [(t, s) for t, s in zip(truth, found, strict=True) if t in among]
    said = np.array([max(among, key=lambda k: s.get(k, 0.0)) if s else "" for _, s in rows])
    true = np.array([t for t, _ in rows])
    rng = np.random.default_rng(0)
    draws = (rng.integers(0, len(true), len(true)) for _ in range(RESAMPLES))
    spread = [_recall(true[i], said[i]) for i in draws]
    sure = np.array([max(s.values()) if s else 0.0 for _, s in rows])
    right = said == true
    return {
        "pictures": len(rows),
        "uar": round(_recall(true, said), 4),
        "uar_95": [round(float(q), 4) for q in np.percentile(spread, [2.5, 97.5])],
        "accuracy": round(float(right.mean()), 4),
        "cannot_tell": round(float((said == "").mean()), 4),
        "ece": round(_ece(sure, right), 4),
        "auroc_of_right": round(_auroc(sure, right), 4),
        "recall": {k: round(float((said[true == k] == k).mean()), 3) for k in sorted(set(true))},
        "risk_coverage": selective.curve(sure, right),
        # Who is shown is not recorded: somebody who is there twice may be on both sides.
        "promised_risk": selective.promised(sure, right, np.arange(len(rows)) % 2 == 0),
    }


def _recall(true: npt.NDArray[Any], said: npt.NDArray[Any]) -> float:
    return float(np.mean([(said[true == k] == k).mean() for k in np.unique(true)]))


def _ece(sure: npt.NDArray[Any], right: npt.NDArray[Any], bins: int = 10) -> float:
    place = np.minimum((sure * bins).astype(int), bins - 1)
    parts = [
        abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(parts))


def _auroc(sure: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    from scipy.stats import rankdata

    good = int(right.sum())
    bad = len(right) - good
    if not good or not bad:
        return float("nan")
    return float((rankdata(sure)[right].sum() - good * (good + 1) / 2) / (good * bad))


def _looked(pictures: Sequence[Picture], cache: Path) -> Iterator[Evidence]:
    for count, picture in enumerate(pictures, start=1):
        yield perceive.look(perceive.Request(picture.path, cache=cache)).evidence
        if count % 50 == 0:
            print(f"{count} of {len(pictures)} pictures", flush=True)


def collection(
    pictures: Sequence[Picture], cache: Path, other: Callable[[Path], Shares] | None
) -> tuple[list[str], dict[str, list[Shares]]]:
    """Labels, and by system the shares of each picture."""
    found: dict[str, list[Shares]] = {}
    for picture, evidence in zip(pictures, _looked(pictures, cache), strict=True):
        each = systems(evidence)
        if other is not None:
            each["mini-Xception"] = other(picture.path)
        for name, shares in each.items():
            found.setdefault(name, []).append(shares)
    return [picture.label for picture in pictures], found


def main(argv: Sequence[str] | None = None) -> int:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m eval.real", description=about)
    parser.add_argument("--data", type=Path, required=True, help="folder with stills/, ferplus.npz")
    parser.add_argument("--pictures", type=int, default=400, help="voted pictures at most")
    parser.add_argument("--peer", type=Path, help="mini_xception.onnx, to run beside it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(argv)
    other = peer(asked.peer) if asked.peer else None
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="duchenne-real-") as scratch:
        out = Path(scratch)
        for name, pictures, sets in (
            ("stills, held out", stills(asked.data), {"5 labels": FIVE, "7 labels": SEVEN}),
            ("voted, PublicTest", voted(asked.data, out, asked.pictures), {"8 labels": EIGHT}),
        ):
            truth, found = collection(pictures, out / "looks", other)
            result[name] = {
                title: {who: scores(truth, each, among) for who, each in found.items()}
                for title, among in sets.items()
            }
    if asked.json:
        print(json.dumps(result, indent=1))
    else:
        _print(result)
    return 0


def _print(result: Mapping[str, Any]) -> None:
    for name, sets in result.items():
        for title, found in sets.items():
            print(f"\n{name}, {title}")
            for who, each in found.items():
                low, high = each["uar_95"]
                print(
                    f"  {who:22} UAR {each['uar']:.3f} ({low:.3f}–{high:.3f})  accuracy "
                    f"{each['accuracy']:.3f}  ECE {each['ece']:.3f}  n {each['pictures']}"
                )
            _print_risks(found["fitted"])


def _print_risks(each: Mapping[str, Any]) -> None:
    """What "cannot tell" saves (fitted), and whether promises are kept on the other half."""
    for row in each["risk_coverage"]:
        print(
            f"    the surest {row['coverage']:.0%}: wrong {row['risk']:.3f} "
            f"({row['low']:.3f}–{row['high']:.3f}), from {row['sure_from']:.2f} on"
        )
    for row in each["promised_risk"]:
        if row["sure_from"] is None:
            print(f"    at most {row['promised']:.0%} wrong: cannot be promised")
        else:
            print(
                f"    at most {row['promised']:.0%} wrong, from {row['sure_from']:.2f} on: others "
                f"{row['risk']} ({row['low']:.3f}–{row['high']:.3f}) of {row['coverage']:.0%}"
            )


if __name__ == "__main__":
    raise SystemExit(main())
