"""How well the rules alone read clips whose muscles and voice somebody else measured.

    python -m eval.features VIDEO.csv AUDIO.csv [--json]

VIDEO has one row a clip with py-feat's action units (AU01_mean, AU01_std, …), AUDIO one with
the voice (f0_mean, mfcc1_mean, …); both name the clip in `file` and the person in `actor`.
The rows become person-relative levels for `agent.rules_core`, without looking at a label;
`emotion` is used only to score. Columns and clips may be missing on either side.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.rules_core import scores, shares

Row = Mapping[str, str]
Vector = npt.NDArray[np.float64]

NAMES: Final[dict[str, str]] = {
    "neutral": "neutral", "calm": "calm",
    "happy": "happiness", "happiness": "happiness", "joy": "happiness",
    "sad": "sadness", "sadness": "sadness",
    "angry": "anger", "anger": "anger",
    "fearful": "fear", "fear": "fear",
    "disgust": "disgust", "disgusted": "disgust",
    "surprised": "surprise", "surprise": "surprise",
    "contempt": "contempt",
}  # fmt: skip
"""Spellings of labels in tables → our labels."""

LABELS: Final[tuple[str, ...]] = (
    "neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise",
)  # fmt: skip
"""The eight classes of RAVDESS speech."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip's measurements; the label is kept apart and never reaches the rules."""

    key: str
    person: str
    values: Mapping[str, float]


def table(path: str | Path) -> list[Row]:
    """Rows of a CSV. Raises SystemExit-free ValueError when it has no `file` column."""
    with Path(path).open(newline="", encoding="utf-8-sig") as handle:
        rows: list[Row] = list(csv.DictReader(handle))
    if not rows or "file" not in rows[0]:
        raise ValueError(f"{path}: needs a header with a `file` column and at least one row")
    return rows


def clips(video: Sequence[Row], audio: Sequence[Row]) -> tuple[list[Clip], dict[str, str]]:
    """Both tables joined by clip, and the label of each clip where one is given."""
    merged: dict[str, dict[str, float]] = {}
    people: dict[str, str] = {}
    gold: dict[str, str] = {}
    for row in (*video, *audio):
        key = _key(row["file"])
        merged.setdefault(key, {}).update(_numbers(row))
        people[key] = row.get("actor") or people.get(key, "?")
        if label := NAMES.get((row.get("emotion") or "").strip().lower()):
            gold[key] = label
    return [Clip(k, people[k], v) for k, v in sorted(merged.items())], gold


def _key(file: str) -> str:
    """Clip name without folder, ending and RAVDESS' first number (picture, sound or both)."""
    stem = Path(file).stem
    return stem[3:] if len(stem) > 3 and stem[:2].isdigit() and stem[2] == "-" else stem


_NEVER: Final = {"file", "emotion", "intensity", "actor", "gender"}


def _numbers(row: Row) -> dict[str, float]:
    found = {}
    for name, text in row.items():
        if name in _NEVER or not text:
            continue
        try:
            value = float(text)
        except ValueError:
            continue
        if math.isfinite(value):
            found[name] = value
    return found


def _column(name: str) -> Callable[[Mapping[str, float]], float]:
    return lambda values: values.get(name, math.nan)


def _log(name: str) -> Callable[[Mapping[str, float]], float]:
    def read(values: Mapping[str, float]) -> float:
        value = values.get(name, math.nan)
        return math.log(value) if value > 0 else math.nan

    return read


def _minus(name: str) -> Callable[[Mapping[str, float]], float]:
    return lambda values: -values.get(name, math.nan)


def _spoken(values: Mapping[str, float]) -> float:
    """Speed of a fixed sentence between two silences: minus the log of its seconds."""
    silence, pause = values.get("silence_ratio", math.nan) / 100, values.get("dur_med", math.nan)
    if not (0 < silence < 1 and pause > 0):
        return math.nan
    return -math.log(2 * pause * (1 - silence) / silence)


def _tilt(values: Mapping[str, float]) -> float:
    """Lean towards high frequencies in speech: silent frames count 0 and thin it out."""
    silence = values.get("silence_ratio", 0.0) / 100
    return -values.get("mfcc2_mean", math.nan) / (1 - silence) if silence < 1 else math.nan


VOICE: Final[dict[str, tuple[Callable[[Mapping[str, float]], float], ...]]] = {
    "pitch": (_log("f0_mean"),),
    "pitch_range": (_log("f0_stddev"), _log("f0_range")),
    "energy": (_column("mfcc1_mean"),),
    "brightness": (_tilt,),
    "rate": (_spoken,),
    "roughness": (_column("jitter"), _column("shimmer"), _minus("hnr_mean")),
}
"""What each part of the voice is read from: the mean of these, each person-relative. The
first cepstral coefficient is the log energy, the second the tilt towards low frequencies.
The spread of loudness is left out: with digital silence around the sentence it tells how
deep the silence is."""


FLOOR: Final = 0.1
"""Smallest standard deviation believed of an action unit's 0-1 output over a person's clips: a
detector that hardly moves does not tell the unit's presence."""


def levels(all_clips: Sequence[Clip]) -> list[dict[str, float]]:
    """Person-relative levels of each clip for `agent.rules_core.scores`.

    Action units: mean + standard deviation over the clip, as the height of its movement.
    Each number against the median of that person's clips, in robust standard deviations.
    """
    units = sorted({n[:4] for c in all_clips for n in c.values if _is_unit(n)})
    found: list[dict[str, float]] = [{} for _ in all_clips]
    for unit in units:
        raw = [c.values.get(f"{unit}_mean", math.nan) + c.values.get(f"{unit}_std", 0.0)
               for c in all_clips]  # fmt: skip
        _fill(found, unit, [_relative(all_clips, raw, FLOOR)])
    for name, readers in VOICE.items():
        parts = [_relative(all_clips, [read(c.values) for c in all_clips]) for read in readers]
        _fill(found, name, parts)
    return found


def _is_unit(name: str) -> bool:
    return name.startswith("AU") and name[2:4].isdigit() and name.endswith("_mean")


def _fill(found: list[dict[str, float]], name: str, parts: Sequence[Vector]) -> None:
    for target, values in zip(found, np.array(parts).T, strict=True):
        if np.isfinite(values).any():
            target[name] = float(np.nanmean(values))


def _relative(all_clips: Sequence[Clip], raw: Sequence[float], least: float = 0.0) -> Vector:
    """Each value against its person's mean, in standard deviations of that person's clips.

    The most extreme tenth on either side is drawn in first: one wild clip must not set the
    scale. `least` is the smallest standard deviation believed. NaN where values do not differ.
    """
    values = np.array(raw, dtype=float)
    people = np.array([c.person for c in all_clips])
    out = np.full(len(values), np.nan)
    for person in np.unique(people):
        mine = people == person
        known = values[mine][np.isfinite(values[mine])]
        if known.size > 1:
            tame = np.clip(known, *np.percentile(known, [5, 95]))
            if spread := max(float(tame.std()), least):
                out[mine] = (values[mine] - tame.mean()) / spread
    return out


def read(video: Sequence[Row], audio: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Clip → share of each of the eight labels, by the rules alone."""
    found, _ = clips(video, audio)
    return {
        clip.key: shares(scores(level, LABELS, speaking=1.0, reference="usual"))
        for clip, level in zip(found, levels(found), strict=True)
    }


def report(guess: Mapping[str, str], gold: Mapping[str, str]) -> dict[str, Any]:
    """Accuracy, unweighted average recall, confusion and their company."""
    keys = sorted(guess.keys() & gold.keys())
    labels = [x for x in LABELS if x in {gold[k] for k in keys}]
    table_ = {t: dict.fromkeys(LABELS, 0) for t in labels}
    for key in keys:
        table_[gold[key]][guess[key]] += 1
    recall = {t: table_[t][t] / sum(table_[t].values()) for t in labels}
    right = np.array([guess[k] == gold[k] for k in keys], dtype=float)
    draws = np.random.default_rng(0).choice(right, (2000, len(right))).mean(1)
    return {
        "n": len(keys),
        "accuracy": float(right.mean()),
        "interval": [float(x) for x in np.percentile(draws, [2.5, 97.5])],
        "uar": float(np.mean(list(recall.values()))),
        "chance": 1 / len(labels),
        "majority": max(sum(table_[t].values()) for t in labels) / len(keys),
        "recall": recall,
        "confusion": table_,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 scored, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m eval.features", description=__doc__)
    parser.add_argument("video")
    parser.add_argument("audio")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    video, audio = table(args.video), table(args.audio)
    _, gold = clips(video, audio)
    guess = {k: next(iter(v)) for k, v in read(video, audio).items() if v}
    print(json.dumps(report(guess, gold), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
