"""Action units against rendered faces whose muscles are exactly known.

    python -m eval.faces ../shared/media/rendered [--aus shortcut] [--json]

Reads `face_*.mp4` with `face_*.json.gz` (per-frame intensities 0-5 by side, events, head
pose) and compares what the senses find: intensity over all frames of all clips pooled, one
figure an action unit (PCC, ICC(3,1), F1 of "present" at 1 and more), and events matched by
onset within 0.25 s. Sides count as their mean. What it cannot tell: how real skin behaves.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.facs.units import AUS, parse
from agent.schema.evidence import Cue
from agent.schema.samples import Columns
from eval import agreement
from eval.agreement import Scores

Array = npt.NDArray[np.float64]

CUES: Final = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 22, 24, 26, 28, 34, 45)
"""Action units that the rendered clips move."""
WITHIN: Final = 0.25
"""Seconds between true and found onset of one event."""
CLOSE: Final[Mapping[int, int]] = {43: 45, 27: 26, 23: 24}
"""Action units that stand for another one here."""
STANDS: Final[Mapping[int, tuple[int, ...]]] = {45: (43,)}
"""Where a truth lacks the first, it may have it under another number: lids, as they close."""
PRESENT: Final = 1.0
"""Intensity from which a true movement counts as an event."""
APART: Final = 0.15
"""Seconds between the onsets of both sides of one action, at most."""
TURNED: Final = 0.2
"""Radians of yaw or pitch from which a head counts as turned."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What is true of one clip, and what was found in it."""

    name: str
    truth: Mapping[int, Array]
    """Mean intensity of both sides per frame, for every one of CUES."""
    events: tuple[dict[str, Any], ...]
    times: Array
    """Seconds of the truth's frames."""
    turned: npt.NDArray[np.bool_]
    """Frames in which the head is turned."""
    speech: bool
    skin_tone: float
    columns: Columns
    cues: tuple[Cue, ...]

    def found(self, number: int, relative: bool) -> Array:
        """Found intensity at the truth's frames; NaN where there is none."""
        name = AUS[number].code + ("_rel" if relative else "")
        values = self.columns[name].astype(np.float64)
        own = self.columns["time"].astype(np.float64)
        nearest = np.abs(own[:, None] - self.times).argmin(axis=0)
        far = np.abs(own[nearest] - self.times) > 0.6 / _rate(self.times)
        return np.where(far, np.nan, np.clip(values[nearest], 0, 5))


Found = tuple[Columns, Sequence[Cue]]
"""A clip's AU columns and cues of its main face."""


def read(path: Path, found: Found) -> Clip:
    """One clip with its truth file beside it, and what was found in it."""
    with gzip.open(path.with_suffix(".json.gz")) as file:
        record = json.load(file)
    times = np.arange(record["fps"] * record["seconds"]) / record["fps"]
    pose = np.abs(np.array([record["pose"]["yaw"], record["pose"]["pitch"]]))
    columns, cues = found
    return Clip(
        name=path.name,
        truth={number: _truth(record["frames"], number, len(times)) for number in CUES},
        events=tuple(_merged(record["events"])),
        times=times,
        turned=(pose > TURNED).any(axis=0),
        speech=record["speech"],
        skin_tone=record["skin_tone"],
        columns=columns,
        cues=tuple(cues),
    )


def report(clips: Sequence[Clip]) -> dict[str, Any]:
    """All measures as one JSON-able dictionary."""
    every = {"raw": _intensity(clips, False), "relative": _intensity(clips, True)}
    units = {
        AUS[number].code: {
            **{kind: table[number] for kind, table in every.items()},
            "events": _score(sum_scores(_matched(clip, number) for clip in clips)),
        }
        for number in CUES
    }
    return {
        "clips": len(clips),
        "mean": {kind: _mean(table) for kind, table in every.items()},
        "events": _score(sum_scores(_matched(clip, n) for clip in clips for n in CUES)),
        "events_without_blinks": _score(
            sum_scores(_matched(clip, n) for clip in clips for n in CUES if n != 45)
        ),
        "brief": _brief(clips),
        "sides": _sides(clips),
        "cues_per_minute": _density(clips),
        "split": _splits(clips),
        "units": units,
    }


def _merged(events: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """True events of intensity PRESENT and more; both sides of one action as one event.

    `finetune.faces` notes each side apart, with onsets some hundredths of a second from each
    other; the weaker side counts from half of the stronger one.
    """
    waiting = sorted(events, key=lambda event: -_strength(event))
    while waiting:
        first = waiting.pop(0)
        if _strength(first) < PRESENT:
            return
        other = next((e for e in waiting if _other_side(first, e)), None)
        if other is None:
            yield first
            continue
        waiting.remove(other)
        both = 2 * _strength(other) >= _strength(first)
        yield first | {"side": "B" if both else first["side"]}


def _strength(event: Mapping[str, Any]) -> float:
    """0-5; a truth that does not tell means that the movement is there."""
    return float(event.get("intensity", 5.0))


def _other_side(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (
        one["au"] == other["au"]
        and {one["side"], other["side"]} == {"L", "R"}
        and abs(one["onset"] - other["onset"]) < APART
    )


def _truth(frames: Mapping[str, Sequence[float]], number: int, count: int) -> Array:
    none = np.zeros(count)
    for code in [AUS[n].code for n in (number, *STANDS.get(number, ()))]:
        for whole in (f"{code}_B", code):
            if whole in frames:
                return np.asarray(frames[whole], dtype=np.float64)
        if f"{code}_L" in frames or f"{code}_R" in frames:
            sides = [np.asarray(frames.get(f"{code}_{side}", none), np.float64) for side in "LR"]
            return np.asarray((sides[0] + sides[1]) / 2)
    return none


def _intensity(
    clips: Sequence[Clip], relative: bool, where: Callable[[Clip], Any] | None = None
) -> dict[int, dict[str, float]]:
    """PCC, ICC and F1 of each action unit over the pooled frames."""
    table = {}
    for number in CUES:
        keep = [slice(None) if where is None else where(clip) for clip in clips]
        true = np.concatenate([c.truth[number][k] for c, k in zip(clips, keep, strict=True)])
        seen = np.concatenate(
            [c.found(number, relative)[k] for c, k in zip(clips, keep, strict=True)]
        )
        table[number] = {
            "pcc": agreement.pcc(true, seen),
            "icc": agreement.icc31(true, seen),
            "f1": agreement.presence_f1(true, seen) if (true >= 1).any() else float("nan"),
        }
    return table


def _mean(table: Mapping[int, Mapping[str, float]]) -> dict[str, float]:
    """Mean over the action units, those without a figure left out."""
    return {
        name: float(np.nanmean([row[name] for row in table.values()]))
        for name in ("pcc", "icc", "f1")
    }


def _number(cue: Cue) -> int | None:
    number = parse(cue.code)
    return None if number is None else CLOSE.get(number, number)


def _matched(clip: Clip, number: int) -> Scores:
    true = [event["onset"] for event in clip.events if event["au"] == number]
    seen = [cue.start for cue in clip.cues if _number(cue) == number]
    return agreement.onsets(true, seen, WITHIN)


def _pairs(clip: Clip) -> list[tuple[dict[str, Any], Cue]]:
    """True events and the cues that match them."""
    pairs = []
    for number in CUES:
        true = [event for event in clip.events if event["au"] == number]
        seen = [cue for cue in clip.cues if _number(cue) == number]
        matched = agreement.match([e["onset"] for e in true], [c.start for c in seen], WITHIN)
        pairs += [(true[i], seen[j]) for i, j in matched]
    return pairs


def _brief(clips: Sequence[Clip]) -> dict[str, int]:
    """Brief events that exist, were found, and were marked as brief."""
    pairs = [pair for clip in clips for pair in _pairs(clip) if pair[0]["group"] == "brief"]
    exist = sum(event["group"] == "brief" for clip in clips for event in clip.events)
    return {"exist": exist, "found": len(pairs), "marked": sum(cue.brief for _, cue in pairs)}


def _sides(clips: Sequence[Clip]) -> dict[str, float]:
    """Accuracy of the side over the events that were found, all and one-sided ones."""
    pairs = [
        (event["side"], cue.side)
        for clip in clips
        for event, cue in _pairs(clip)
        if AUS[event["au"]].sided and event["au"] != 45
    ]
    single = [(true, seen) for true, seen in pairs if true != "B"]
    return {
        "found": len(pairs),
        "accuracy": _share([true == seen for true, seen in pairs]),
        "one_sided_found": len(single),
        "one_sided_accuracy": _share([true == seen for true, seen in single]),
    }


def _density(clips: Sequence[Clip]) -> dict[str, float]:
    minutes = sum(len(clip.times) / _rate(clip.times) for clip in clips) / 60
    found = sum(len(clip.cues) for clip in clips)
    return {"found": found / minutes, "true": sum(len(c.events) for c in clips) / minutes}


def _splits(clips: Sequence[Clip]) -> dict[str, dict[str, float]]:
    """Mean raw and relative PCC for parts of the material."""

    def part(mine: Sequence[Clip], where: Callable[[Clip], Any] | None = None) -> dict[str, float]:
        raw, relative = _intensity(mine, False, where), _intensity(mine, True, where)
        return {"pcc": _mean(raw)["pcc"], "pcc_relative": _mean(relative)["pcc"]}

    tone = float(np.median([clip.skin_tone for clip in clips]))
    parts = {
        "lighter skin": [c for c in clips if c.skin_tone <= tone],
        "darker skin": [c for c in clips if c.skin_tone > tone],
        "speech": [c for c in clips if c.speech],
        "no speech": [c for c in clips if not c.speech],
    }
    split = {name: part(mine) for name, mine in parts.items() if mine}
    split["head turned"] = part(clips, lambda clip: clip.turned)
    split["head frontal"] = part(clips, lambda clip: ~clip.turned)
    return split


def sum_scores(scores: Any) -> Scores:
    """Counts of many matchings together."""
    total = Scores(0, 0, 0)
    for score in scores:
        total = total + score
    return total


def _score(scores: Scores) -> dict[str, float]:
    return {
        "f1": scores.f1,
        "precision": scores.precision,
        "recall": scores.recall,
        "found": scores.found,
        "true": scores.wanted,
    }


def _share(hits: Sequence[bool]) -> float:
    return float(np.mean(hits)) if hits else float("nan")


def _rate(times: Array) -> float:
    return float(1 / np.median(np.diff(times)))


def sensed(estimators: Sequence[str | None]) -> Callable[[Path], list[Found]]:
    """What the project's own senses find in a clip with each of these estimators, in one pass."""
    from agent import media
    from agent.schema.samples import Frame
    from agent.senses.faces import Faces
    from agent.senses.units.action_units import ActionUnits, estimator

    def measure(path: Path) -> list[Found]:
        faces, units = Faces(), [ActionUnits(estimator(name)) for name in estimators]
        for item in media.stream(path, audio=False):
            if isinstance(item, Frame):
                for sample in faces.push(item):
                    for unit in units:
                        unit.push(sample)
        found = faces.finish()
        main = next(person.id for person in found.people if person.main)
        each = [unit.finish(found.tracks)[:2] for unit in units]
        return [(s[main], [cue for cue in c if cue.person == main]) for s, c in each]

    return measure


def table(result: Mapping[str, Any]) -> str:
    """The report for people."""
    lines = [f"{'':6}{'raw':^20}{'relative':^20}{'events':^24}"]
    lines.append(f"{'':6}" + "  PCC   ICC   F1   " * 2 + "    F1   found  true")
    rows = {**result["units"], "mean": {**result["mean"], "events": result["events"]}}
    for name, row in rows.items():
        cells = [row[kind][key] for kind in ("raw", "relative") for key in ("pcc", "icc", "f1")]
        events = row["events"]
        lines.append(
            f"{name:6}"
            + "".join(f"{cell:6.2f}" for cell in cells)
            + f"   {events['f1']:6.2f}{events['found']:7}{events['true']:6}"
        )
    for key in ("events_without_blinks", "brief", "sides", "cues_per_minute", "split"):
        lines.append(f"{key}: {json.dumps(_rounded(result[key]))}")
    return "\n".join(lines)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def rendered(folder: Path) -> list[Path]:
    """The clips of a folder that have their truth beside them; FileNotFoundError for none."""
    paths = sorted(folder.glob("face_*.mp4"))
    if not paths:
        raise FileNotFoundError(f"no face_*.mp4 with face_*.json.gz in {folder}")
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(prog="python -m eval.faces", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--aus", help="estimator: shortcut, or the default one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    measure = sensed([options.aus])
    clips = []
    try:
        paths = rendered(options.folder)
    except FileNotFoundError as error:
        parser.error(str(error))
    for path in paths:
        print(f"{path.name} …", file=sys.stderr)
        clips += [read(path, found) for found in measure(path)]
    result = report(clips)
    print(json.dumps(_rounded(result), indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
