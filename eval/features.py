"""How well the rules alone read clips whose muscles and voice somebody else measured.

    python -m eval.features VIDEO.csv AUDIO.csv [--json]

VIDEO has one row a clip with action units (AU01_mean, AU01_std, …), AUDIO one with the voice
(f0_mean, mfcc1_mean, …); both name the clip in `file` and the person in `actor`. The rules see
levels relative to each person's own clips and no label; `emotion` is used only to score.
Columns, cells and clips may be missing on either side. Nothing is fitted: docs/rules.md.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.reading.scores import scores, shares
from eval.feature_tables import LABELS, NAMES, Clip, Row, TableError, blunt, join, levels, table

HEAD: Final = 0.6
"""How far the head is believed: a judgement, that heads trained on photographs from the web are
right about six times in ten elsewhere."""
DRAWS: Final = 2000
"""Bootstrap draws of the interval."""


def read(video: Sequence[Row], audio: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Clip → share of each of the eight labels, by the rules alone; empty where nothing is known.

    All clips are speech, so movements of the mouth count little.
    """
    return judge(join(video, audio)[0])


def judge(clips: Sequence[Clip]) -> dict[str, dict[str, float]]:
    """As `read`, for clips that are joined already."""
    coarse = blunt(clips)
    return {
        clip.key: shares(scores(level, LABELS, speaking=1.0, reference="usual", blunt=coarse))
        for clip, level in zip(clips, levels(clips), strict=True)
    }


def report(
    found: Mapping[str, Mapping[str, float]],
    gold: Mapping[str, str],
    people: Mapping[str, str],
) -> dict[str, Any]:
    """Accuracy with its interval, unweighted average recall, recalls, confusion, calibration.

    `found` holds shares by clip, most likely first. A clip without any measurement counts as
    wrong. The interval draws whole people, because clips of one person are not independent.
    Raises TableError where no clip has a label.
    """
    keys = sorted(found.keys() & gold.keys())
    if not keys:
        raise TableError("no clip has a known label in `emotion`; there is nothing to score")
    guess = {key: next(iter(found[key]), "none") for key in keys}
    labels = [label for label in LABELS if label in {gold[key] for key in keys}]
    counts = {true: dict.fromkeys((*LABELS, "none"), 0) for true in labels}
    for key in keys:
        counts[gold[key]][guess[key]] += 1
    recall = {true: counts[true][true] / sum(counts[true].values()) for true in labels}
    right = np.array([guess[key] == gold[key] for key in keys], dtype=float)
    sure = [next(iter(found[key].values()), 0.0) for key in keys]
    return {
        "n": len(keys),
        "accuracy": float(right.mean()),
        "interval": _interval(right, [people[key] for key in keys]),
        "uar": float(np.mean(list(recall.values()))),
        "chance": 1 / len(labels),
        "majority": max(sum(row.values()) for row in counts.values()) / len(keys),
        "mean_share": float(np.mean(sure)),
        "recall": recall,
        "confusion": counts,
    }


def _interval(right: npt.NDArray[np.float64], people: Sequence[str]) -> list[float]:
    """95 % bootstrap interval of the mean, whole people drawn with replacement."""
    groups = [right[np.array(people) == person] for person in sorted(set(people))]
    counts = np.array([(group.sum(), len(group)) for group in groups])
    chosen = np.random.default_rng(0).integers(len(groups), size=(DRAWS, len(groups)))
    hits, sizes = counts[chosen].sum(axis=1).T
    return [float(x) for x in np.percentile(hits / sizes, [2.5, 97.5])]


def head(clips: Sequence[Clip]) -> dict[str, dict[str, float]]:
    """The detector's own emotion outputs, for comparison; empty where the table has none."""
    found = {}
    for clip in clips:
        outputs = {
            NAMES[name]: clip.values[f"{name}_mean"]
            for name in NAMES
            if f"{name}_mean" in clip.values
        }
        if outputs:
            found[clip.key] = dict(sorted(outputs.items(), key=lambda item: -item[1]))
    return found


def with_head(
    found: Mapping[str, Mapping[str, float]], own: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """The rules' shares with the detector's emotion outputs as one more witness.

    The head knows no calm; what it gives to neutral counts for calm too. It is believed
    as far as `HEAD` says.
    """
    both = {}
    for key, share in found.items():
        if key in own and share:
            heard = dict(own[key]) | {"calm": own[key].get("neutral", 0.0)}
            doubt = (1 - HEAD) / len(share)
            points = {k: math.log(HEAD * heard.get(k, 0.0) + doubt) for k in share}
            both[key] = shares({k: math.log(v) + points[k] for k, v in share.items()})
        else:
            both[key] = dict(share)
    return both


_HEADS: Final = {
    "head": "the detector's own emotion head alone",
    "with_head": "the rules with that head as one more witness",
}


def _lines(result: Mapping[str, Any]) -> str:
    low, high = result["interval"]
    text = [
        f"{result['n']} clips: accuracy {result['accuracy']:.1%} (95 % interval {low:.1%} to "
        f"{high:.1%}), UAR {result['uar']:.1%}",
        f"chance {result['chance']:.1%}, largest class {result['majority']:.1%}, mean share of "
        f"the first label {result['mean_share']:.1%}",
    ]
    if "head" in result:
        text += [
            f"{words}: accuracy {result[name]['accuracy']:.1%}, UAR {result[name]['uar']:.1%}"
            for name, words in _HEADS.items()
        ]
    columns = [c for c in (*LABELS, "none") if any(r[c] for r in result["confusion"].values())]
    text += ["", f"{'':10}{''.join(f'{c[:8]:>9}' for c in columns)}   recall"]
    for true, row in result["confusion"].items():
        cells = "".join(f"{row[c]:9d}" for c in columns)
        text.append(f"{true:10}{cells}{result['recall'][true]:9.1%}")
    return "\n".join(text)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 scored, 2 wrong use or a table that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.features", description="The rules on tables of measured features."
    )
    parser.add_argument("video", help="CSV with action units, one row a clip")
    parser.add_argument("audio", help="CSV with the voice, one row a clip")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    try:
        clips, gold = join(table(args.video), table(args.audio))
        people = {clip.key: clip.person for clip in clips}
        found = judge(clips)
        result = report(found, gold, people)
        if own := head(clips):
            for name, guess in (("head", own), ("with_head", with_head(found, own))):
                whole = report(guess, gold, people)
                result[name] = {k: whole[k] for k in ("accuracy", "interval", "uar", "recall")}
    except TableError as error:
        print(f"eval.features: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2) if args.json else _lines(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
