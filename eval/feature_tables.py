"""Tables of muscles and voice that others measured, one row a clip, as person-relative levels.

Knows the columns of py-feat, OpenFace and OpenWillis summaries. A label is read beside the
numbers, for scoring only, and takes no part in the levels; the name of a file joins two tables
and, in RAVDESS' naming, tells the person, never the emotion that is coded in it.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.errors import USAGE, DuchenneError

Row = Mapping[str, str]
Values = Mapping[str, float]
Vector = npt.NDArray[np.float64]
Read = Callable[[Values], float]

LABELS: Final[tuple[str, ...]] = (
    "neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise",
)  # fmt: skip
"""The eight classes of RAVDESS speech."""

NAMES: Final[dict[str, str]] = {
    "neutral": "neutral", "calm": "calm",
    "happy": "happiness", "happiness": "happiness", "joy": "happiness",
    "sad": "sadness", "sadness": "sadness",
    "angry": "anger", "anger": "anger",
    "fearful": "fear", "fear": "fear",
    "disgust": "disgust", "disgusted": "disgust",
    "surprised": "surprise", "surprise": "surprise",
}  # fmt: skip
"""Spellings of labels in tables → ours."""

_RAVDESS: Final = re.compile(r"\d\d-(\d\d-\d\d-\d\d-\d\d-\d\d-(\d\d))")
_NEVER: Final = {"file", "emotion", "intensity", "actor", "gender", "sex", "label"}
"""Columns that are no measurement."""


class TableError(DuchenneError, ValueError):
    """A table that cannot be used; the message says which and why."""

    code = "bad_table"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip's measurements, without its label."""

    key: str
    person: str
    values: Values


def table(path: str | Path) -> list[Row]:
    """Rows of a CSV with a `file` column. Raises TableError."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as handle:
            rows: list[Row] = list(csv.DictReader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path} cannot be read as CSV: {error}") from error
    if not rows or "file" not in rows[0]:
        raise TableError(f"{path} needs a header with a `file` column, and at least one row")
    return rows


def join(video: Sequence[Row], audio: Sequence[Row]) -> tuple[list[Clip], dict[str, str]]:
    """Clips of both tables, and the labels of those that have one; either side may lack a clip.

    Of two rows for one clip in the same table the first counts.
    """
    merged: dict[str, dict[str, float]] = {}
    people: dict[str, str] = {}
    gold: dict[str, str] = {}
    for rows in (video, audio):
        seen: set[str] = set()
        for row in rows:
            key, person = _clip(row)
            if key in seen:
                continue
            seen.add(key)
            merged.setdefault(key, {}).update(_numbers(row))
            people.setdefault(key, person)
            if label := NAMES.get((row.get("emotion") or "").strip().lower()):
                gold.setdefault(key, label)
    return [Clip(key, people[key], merged[key]) for key in sorted(merged)], gold


def _clip(row: Row) -> tuple[str, str]:
    """Name of the clip without folder, ending and RAVDESS' channel number; and the person."""
    stem = Path(row["file"] or "").stem
    actor = (row.get("actor") or "").strip()
    if match := _RAVDESS.fullmatch(stem):
        return match[1], actor or match[2]
    return stem, actor or "one"


def _numbers(row: Row) -> dict[str, float]:
    found = {}
    for name, text in row.items():
        if name is None or name.lower() in _NEVER or not isinstance(text, str):
            continue
        try:
            value = float(text)
        except ValueError:
            continue
        if math.isfinite(value):
            found[name.strip()] = value
    return found


def _column(name: str) -> Read:
    return lambda values: values.get(name, math.nan)


def _log(name: str) -> Read:
    def read(values: Values) -> float:
        value = values.get(name, math.nan)
        return math.log(value) if value > 0 else math.nan

    return read


def _minus(name: str) -> Read:
    return lambda values: -values.get(name, math.nan)


def _sum(*names: str) -> Read:
    return lambda values: sum(values.get(name, math.nan) for name in names)


def _tilt(values: Values) -> float:
    """Lean towards high frequencies in speech: silent frames count 0 and thin it out."""
    silence = values.get("silence_ratio", 0.0) / 100
    return -values.get("mfcc2_mean", math.nan) / (1 - silence) if silence < 1 else math.nan


VOICE: Final[dict[str, tuple[tuple[Read, ...], ...]]] = {
    "pitch": ((_log("f0_mean"),), (_column("F0semitoneFrom27.5Hz_sma3nz_amean"),)),
    "pitch_range": (
        (_log("f0_stddev"), _log("f0_range")),
        (_column("F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2"),),
    ),
    "energy": (
        (_column("mfcc1_mean"),), (_column("loudness_sma3_amean"),), (_column("loudness_mean"),),
    ),
    "brightness": ((_tilt,), (_column("alphaRatioV_sma3nz_amean"),)),
    "rate": ((_column("VoicedSegmentsPerSec"),),),
    "articulation": ((_sum("mouth_openness_mean", "mouth_openness_std"),),),
    "roughness": ((_column("jitter"), _column("shimmer"), _minus("hnr_mean")),),
}  # fmt: skip
"""Part of the voice → ways to read it, the first that the table allows; several columns of one
way are averaged, each person-relative. The first cepstral coefficient is the log energy, the
second the tilt towards low frequencies. OpenWillis' spread of loudness is left out: with
digital silence around the sentence it tells how deep the silence is. Its lengths of silences are
no rate of speech either: how many there are, and how loud a sound ends one, is not known."""

FLOOR: Final = 0.1
"""Smallest standard deviation believed of a unit over a person's clips, as a share of the scale
(0-1 or 0-5): a detector that hardly moves does not tell the unit's presence."""


def levels(clips: Sequence[Clip]) -> list[dict[str, float]]:
    """Person-relative levels of each clip, for `reading.scores.scores` with reference "usual".

    Action units: mean + standard deviation over the clip, as the height of its movement.
    """
    found: list[dict[str, float]] = [{} for _ in clips]
    for unit in sorted({n[:4] for c in clips for n in c.values if re.match(r"AU\d\d(_|$)", n)}):
        raw = [_height(c.values, unit) for c in clips]
        top = max((x for x in raw if math.isfinite(x)), default=1.0)
        _fill(found, unit, [relative(clips, raw, FLOOR * (5.0 if top > 2.5 else 1.0))])
    for name, ways in VOICE.items():
        for readers in ways:
            parts = [relative(clips, [read(c.values) for c in clips]) for read in readers]
            if np.isfinite(parts).any():
                _fill(found, name, parts)
                break
    return found


YES_NO: Final = 0.9
"""Least share of the spread of a yes or no, m (1 - m) at a mean of m, for a unit to be told so:
graded outputs stay below half of it."""


def blunt(clips: Sequence[Clip]) -> frozenset[str]:
    """Units that these tables tell as yes or no in every frame: all or nothing is their spread."""
    parts: dict[str, list[float]] = {}
    for values in (clip.values for clip in clips):
        for name, mean in values.items():
            if re.fullmatch(r"AU\d\d_mean", name) and 0 < mean < 1:
                spread = values.get(f"{name[:4]}_std", 0.0)
                parts.setdefault(name[:4], []).append(spread**2 / (mean * (1 - mean)))
    return frozenset(unit for unit, shares in parts.items() if np.median(shares) >= YES_NO)


_HELD: Final = {"AU43"}
"""Units told by their mean alone: blinks make the spread of eye closure."""


def _height(values: Values, unit: str) -> float:
    """Mean and one standard deviation; the value itself where there are no such columns."""
    for stem in (unit, f"{unit}_r"):
        if f"{stem}_mean" in values:
            moving = 0.0 if unit in _HELD else values.get(f"{stem}_std", 0.0)
            return values[f"{stem}_mean"] + moving
        if stem in values:
            return values[stem]
    return math.nan


def _fill(found: list[dict[str, float]], name: str, parts: Sequence[Vector]) -> None:
    for target, values in zip(found, np.array(parts).T, strict=True):
        if np.isfinite(values).any():
            target[name] = float(np.nanmean(values))


def relative(clips: Sequence[Clip], raw: Sequence[float], least: float = 0.0) -> Vector:
    """Each value against its person's mean, in standard deviations of that person's clips.

    The most extreme twentieth on either side is drawn in first: one wild clip must not set the
    scale. `least` is the smallest standard deviation believed. NaN where values do not differ.
    """
    values = np.array(raw, dtype=float)
    people = np.array([c.person for c in clips])
    out = np.full(len(values), np.nan)
    for person in np.unique(people):
        mine = people == person
        known = values[mine][np.isfinite(values[mine])]
        if known.size > 1:
            tame = np.clip(known, *np.percentile(known, [5, 95]))
            if spread := max(float(tame.std()), least):
                out[mine] = (values[mine] - tame.mean()) / spread
    return out
