"""How well the shipped impression does, collection by collection, with intervals.

    python -m finetune.impression.score --data FOLDER [--models FOLDER] [--json FILE]

FOLDER holds ferplus.npz (PublicTest is judged) and stills/ (never learned from). With
mini_xception.onnx and yunet_n_dynamic.onnx in --models, that peer reads the same stills in the
same run. "shares" takes the label with the greatest share, "balanced" the one that stands out
most against how common it is. Intervals are 95 %, from drawing pictures again.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.senses.faces.impression import Impression, seen, shares
from agent.senses.faces.impression_cues import LABELS, sure
from finetune.impression import data, stills
from finetune.impression.data import Votes
from finetune.impression.stills import Stills

log = logging.getLogger("duchenne")
Array = npt.NDArray[Any]
FIVE: Final = ("anger", "happiness", "neutral", "surprise", "sadness")
SEVEN: Final = (*FIVE, "fear", "disgust")
EIGHT: Final = LABELS[:8]
DRAWS: Final = 1000
PEER: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""Order of mini-Xception's answers (FER2013)."""


def accuracy(true: Array, said: Array) -> float:
    """Share that is right."""
    return float((true == said).mean())


def recall(true: Array, said: Array) -> float:
    """Mean over the labels of the share of each that is found (UAR)."""
    return float(np.mean([(said[true == label] == label).mean() for label in np.unique(true)]))


def figure(measure: Any, true: Array, said: Array) -> dict[str, float]:
    """A measure with its interval; pictures are drawn again label by label."""
    random = np.random.default_rng(0)
    places = [np.flatnonzero(true == label) for label in np.unique(true)]
    drawn = []
    for _ in range(DRAWS):
        take = np.concatenate([random.choice(place, len(place)) for place in places])
        drawn.append(measure(true[take], said[take]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"is": round(measure(true, said), 3), "low": round(float(low), 3),
            "high": round(float(high), 3)}  # fmt: skip


def read(net: Impression, images: Array) -> Array:
    """n × labels: calibrated log-shares of voted pictures, as they are cut."""
    how = cv2.INTER_AREA
    return np.stack(
        [
            net.logits(cv2.resize(i, (net.side, net.side), interpolation=how).astype(np.float32))
            for i in images
        ]
    )


def balanced(net: Impression, logits: Array) -> Array:
    """Log-shares with the class weights of the training back in."""
    return logits + np.log(np.array(net.about["class_weights"], np.float32))


def chosen(logits: Array, labels: tuple[str, ...]) -> Array:
    """The likeliest of these labels for each row."""
    places = [LABELS.index(label) for label in labels]
    return np.array(labels)[logits[:, places].argmax(axis=1)]


def voted(net: Impression, votes: Votes, logits: Array) -> dict[str, Any]:
    """Figures on voted pictures: the majority of the eight expressions is the label."""
    true = np.array(EIGHT)[votes.shares[:, :8].argmax(axis=1)]
    both = {"shares": chosen(logits, EIGHT), "balanced": chosen(balanced(net, logits), EIGHT)}
    clear = votes.shares[:, :8].max(axis=1) > 0.5
    found = shares(logits)
    top = np.array([sure(float(p), net.about["confidence"]) for p in found.max(axis=1)])
    right = found.argmax(axis=1) == votes.shares.argmax(axis=1)
    table: dict[str, Any] = {"pictures": len(true), "clear majority": int(clear.sum())}
    for name, said in both.items():
        table[name] = {
            "accuracy": figure(accuracy, true, said),
            "recall": figure(recall, true, said),
            "accuracy, clear majority": figure(accuracy, true[clear], said[clear]),
            "recall by label": {
                label: round(float((said[true == label] == label).mean()), 3) for label in EIGHT
            },
        }
    table["share: mean absolute error"] = round(float(np.abs(found - votes.shares).mean()), 4)
    table["confidence: ECE"] = round(expected_error(top, right), 4)
    table["confidence: AUROC of right"] = round(auroc(top, right), 3)
    return table


def expected_error(said: Array, right: Array, bins: int = 10) -> float:
    """Expected calibration error over equally wide bins."""
    place = np.minimum((said * bins).astype(int), bins - 1)
    parts = [place == k for k in range(bins) if (place == k).any()]
    return float(sum(abs(said[p].mean() - right[p].mean()) * p.mean() for p in parts))


def auroc(said: Array, right: Array) -> float:
    """Chance that a right answer is surer than a wrong one."""
    from scipy.stats import mannwhitneyu

    if right.all() or not right.any():
        return float("nan")
    found = mannwhitneyu(said[right], said[~right]).statistic
    return float(found) / float(right.sum() * (~right).sum())


def labelled(said: dict[str, Array], true: Array) -> dict[str, Any]:
    """UAR over seven labels; `said` by reader, each already chosen among the labels."""
    return {name: figure(recall, true, answer) for name, answer in said.items()}


def of_stills(net: Impression, found: Stills) -> Array:
    """n × labels: log-shares of stills; NaN where no face was found."""
    rows = []
    for place, mesh in enumerate(found.meshes):
        if np.isnan(mesh).any():
            rows.append(np.full(len(LABELS), np.nan, np.float32))
        else:
            rows.append(net.logits(seen(found.image(place), mesh, net.side)))
    return np.stack(rows)


def peer(models: Path, found: Stills) -> Array:
    """n × 7: mini-Xception's shares, in the crops it was published with."""
    import onnxruntime

    file, yunet = models / "mini_xception.onnx", models / "yunet_n_dynamic.onnx"
    net = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    entry = net.get_inputs()[0]
    detector = cv2.FaceDetectorYN.create(str(yunet), "", (320, 320))
    rows = []
    for place in range(len(found.names)):
        image = found.image(place)
        height, width = image.shape[:2]
        detector.setInputSize((width, height))
        faces = detector.detect(np.ascontiguousarray(image[..., ::-1]))[1]
        box = (0, 0, width, height) if faces is None else max(faces[:, :4], key=lambda b: b[2])
        x, y, side = box[0] + box[2] / 2, box[1] + box[3] / 2, 1.16 * max(box[2], box[3])
        part = cv2.getRectSubPix(image, (round(side), round(side)), (float(x), float(y)))
        grey = cv2.resize(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), (64, 64),
                          interpolation=cv2.INTER_AREA)  # fmt: skip
        batch = (grey.astype(np.float32) / 127.5 - 1).reshape(
            (1, 64, 64, 1) if entry.shape[-1] == 1 else (1, 1, 64, 64)
        )
        rows.append(net.run(None, {entry.name: batch})[0].reshape(-1))
    return np.stack(rows)


def in_the_wild(net: Impression, found: Stills, logits: Array, rival: Array | None) -> Any:
    """Figures on stills over seven and five labels; a face that is not found counts as wrong."""
    missed: Any = np.isnan(logits).any(axis=1)
    table: dict[str, Any] = {"stills": len(missed), "without a face": int(missed.sum())}
    for labels in (SEVEN, FIVE):
        kept = np.isin(found.labels, labels)
        true = found.labels[kept]
        said = {}
        for name, rows in (("shares", logits), ("balanced", balanced(net, logits))):
            answer = chosen(np.nan_to_num(rows[kept], nan=-99.0), labels).astype("U16")
            answer[missed[kept]] = "none"
            said[name] = answer
        if rival is not None:
            places = [PEER.index(label) for label in labels]
            said["mini-Xception"] = np.array(labels)[rival[kept][:, places].argmax(axis=1)]
        table[f"UAR of {len(labels)}"] = labelled(said, true)
    return table


def speed(net: Impression, found: Stills) -> dict[str, float]:
    """Milliseconds a face on one thread, crop and mirror image and all; medians of 100."""
    place = int(np.flatnonzero(~np.isnan(found.meshes).any(axis=(1, 2)))[0])
    image, mesh = found.image(place), found.meshes[place]
    net(image, mesh)
    times = []
    for _ in range(100):
        began = time.perf_counter()
        net(image, mesh)
        times.append(1000 * (time.perf_counter() - began))
    return {"median": round(float(np.median(times)), 2), "fastest": round(min(times), 2)}


def main(argv: list[str] | None = None) -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m finetune.impression.score")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="with the peer's networks")
    parser.add_argument("--meshes", type=Path, metavar="NPZ", help="keeps the stills' meshes")
    parser.add_argument("--logits", type=Path, metavar="NPZ", help="write what was read there")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s", stream=sys.stderr)
    net = Impression()
    parts = data.load(arguments.data / "ferplus.npz")
    public = read(net, parts.public.images)
    table: dict[str, Any] = {"version": net.version}
    table["PublicTest"] = voted(net, parts.public, public)
    found = stills.find(arguments.data / "stills", arguments.meshes)
    logits = of_stills(net, found)
    rival = peer(arguments.models, found) if arguments.models else None
    table["stills"] = in_the_wild(net, found, logits, rival)
    table["ms a face"] = speed(net, found)
    if arguments.logits:
        np.savez_compressed(
            arguments.logits, labels=np.array(LABELS), fusion_index=parts.fusion.index,
            fusion_logits=read(net, parts.fusion.images), public_index=parts.public.index,
            public_logits=public, stills_names=np.array(found.names), stills_logits=logits,
            class_weights=np.array(net.about["class_weights"], np.float32),
            version=np.array(net.version),
        )  # fmt: skip
    print(json.dumps(table, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
