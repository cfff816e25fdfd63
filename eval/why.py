"""Is what moves an answer most what really moved in the face? `duchenne ask --why`, measured.

    python -m finetune.faces expressions expressions/ --people 8
    python -m eval.why expressions/ [--json]

Reads clips of rendered faces with their truth beside them (`NAME.json.gz`, see
`finetune.faces.clips`). Each expression of a prototype is asked about over its own seconds, as
somebody would ask, and explained. The first mover is the cue without which the stated label's
share changes most; it is right where its action unit truly moves (intensity 1 and more) while
the cue lasts. Blinks are never right: they do move, and express nothing. What it cannot tell:
whether the label itself is right.
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
from agent.schema.counterfactual import Counterfactual, Effect
from agent.schema.evidence import IMPRESSION, Cue, Evidence
from eval.faces import CLOSE, STANDS

Array = npt.NDArray[np.float64]

ACTING: Final = 1.0
"""Intensity from which a muscle truly acts."""
CLEAR: Final = 2.0
"""Intensity that an expression must reach to be asked about."""
LEAST: Final = 0.6
"""Seconds that it must last."""
BLINK: Final = 45
RESAMPLES: Final = 2000


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one clip."""

    fps: float
    frames: Mapping[str, Array]
    """Intensity 0-5 a frame by "AU12_L", "AU12_R", "AU25_B" …"""
    expressions: tuple[tuple[str, float, float], ...]
    """Prototype, start and end in seconds."""

    def acts(self, number: int, start: float, end: float) -> bool:
        """Whether a unit reaches ACTING on either side within these seconds."""
        first, last = int(start * self.fps), int(np.ceil(end * self.fps)) + 1
        same = CLOSE.get(number, number)
        codes = {AUS[n].code for n in (number, same, *STANDS.get(same, ()))}
        mine = [v[first:last] for name, v in self.frames.items() if name[:4] in codes]
        return any(len(values) and float(values.max()) >= ACTING for values in mine)


@dataclass(frozen=True, slots=True)
class Explained:
    """One expression, what was stated of it, and what that hangs on."""

    clip: str
    prototype: str
    found: Counterfactual
    acting: Mapping[str, bool | None]
    """By cue id: whether its unit truly acts; None for blinks and what is no action unit."""

    def right(self, effect: Effect | None) -> bool:
        """Whether this is a muscle that truly acts."""
        return effect is not None and bool(self.acting.get(effect.taken))


def truth(path: Path) -> Truth:
    """Truth of the clip beside which it lies. Raises FileNotFoundError without one."""
    with gzip.open(path.with_suffix(".json.gz")) as file:
        record = json.load(file)
    frames = {name: np.asarray(values, np.float64) for name, values in record["frames"].items()}
    return Truth(float(record["fps"]), frames, tuple(_expressions(record["events"])))


def _expressions(events: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float, float]]:
    """Events of one prototype that overlap, as one expression."""
    mine = [e for e in events if e.get("group") not in (None, "brief", "blink")]
    mine.sort(key=lambda e: float(e["onset"]))
    while mine:
        first = mine[0]
        end = float(first["offset"])
        same = [e for e in mine if e["group"] == first["group"] and float(e["onset"]) < end]
        end = max(float(e["offset"]) for e in same)
        start = float(first["onset"])
        strong = max(float(e["intensity"]) for e in same) >= CLEAR
        if strong and end - start >= LEAST:
            yield str(first["group"]), start, end
        mine = [e for e in mine if e not in same]


def explained(path: Path, evidence: Evidence) -> Iterator[Explained]:
    """Each expression of one clip, asked about and explained."""
    from agent.graph.conversation import Conversation

    true = truth(path)
    for prototype, start, end in true.expressions:
        question = f"What does the person feel between {start:.1f} and {end:.1f} seconds?"
        with Conversation(evidence, model="rules") as talk:
            talk.ask(question)
            found = talk.why()
        acting = {cue.id: _acts(cue, true) for cue in evidence.cues}
        yield Explained(path.name, prototype, found, acting)


def _acts(cue: Cue, true: Truth) -> bool | None:
    number = parse(cue.code) if cue.sense == "face" and cue.code != IMPRESSION else None
    return None if number in (None, BLINK) else true.acts(number, cue.start, cue.end)


def first_mover(one: Explained) -> Effect | None:
    """The cue with the largest change; None where nothing is stated or nothing changes it."""
    moved = [effect for effect in one.found.cues if effect.change]
    return moved[0] if moved else None


def first_counted(one: Explained) -> Effect | None:
    """The cue that counts most in the full reading, for or against."""
    return max(one.found.cues, key=lambda e: abs(e.contribution or 0.0), default=None)


def report(found: Sequence[Explained], seed: int = 0) -> dict[str, Any]:
    """All measures as one JSON-able dictionary; intervals by bootstrap over clips."""
    stated = [one for one in found if one.found.label is not None and one.found.cues]
    feelings = [one for one in stated if one.found.label != "neutral"]
    gaps = {id(o): o.found.curve.gap for o in stated if o.found.curve is not None}

    def rate(right: Callable[[Explained], float], of: Sequence[Explained]) -> dict[str, Any]:
        return _rate(of, right, seed)

    return {
        "expressions": len(found),
        "stated": len(stated),
        "not_neutral": len(feelings),
        "first_mover_acts": rate(lambda o: o.right(first_mover(o)), stated),
        "first_mover_acts_not_neutral": rate(lambda o: o.right(first_mover(o)), feelings),
        "first_counted_acts": rate(lambda o: o.right(first_counted(o)), stated),
        "any_cue_acts": rate(_chance, stated),
        "impression_moves_more": rate(_impression_moves_more, stated),
        "same_first_by_both": rate(_same_first, stated),
        "rank_correlation_with_counted": rate(_agreement, stated),
        "curve_gap": rate(lambda o: gaps[id(o)], [o for o in stated if id(o) in gaps]),
        "curve_beats_random": rate(lambda o: gaps[id(o)] > 0, [o for o in stated if id(o) in gaps]),
    }


def _chance(one: Explained) -> float:
    """Share of the tried cues that are truly acting muscles."""
    return float(np.mean([one.right(effect) for effect in one.found.cues]))


def _impression_moves_more(one: Explained) -> bool:
    """Is how the face looks to most people worth more than any one cue?"""
    sizes = [abs(e.change) for e in one.found.channels if e.taken == "impression"]
    mover = first_mover(one)
    return bool(sizes) and sizes[0] > abs(mover.change if mover else 0.0)


def _same_first(one: Explained) -> bool:
    mover, counted = first_mover(one), first_counted(one)
    return mover is not None and counted is not None and mover.taken == counted.taken


def _agreement(one: Explained) -> float:
    """Spearman's correlation of what is lost without a cue and what it was counted for."""
    from scipy.stats import spearmanr

    pairs = [(-e.change, e.contribution or 0.0) for e in one.found.cues]
    if len(pairs) < 3 or len(set(pairs)) < 3:
        return float("nan")
    return float(spearmanr(*zip(*pairs, strict=True)).statistic)


def _rate(
    of: Sequence[Explained], value: Callable[[Explained], float], seed: int
) -> dict[str, Any]:
    """Mean, 95 % interval (clips resampled whole), and the number of expressions."""
    by_clip: dict[str, list[float]] = {}
    for one in of:
        if np.isfinite(number := float(value(one))):
            by_clip.setdefault(one.clip, []).append(number)
    if not by_clip:
        return {"mean": None, "interval": None, "n": 0}
    sums = np.array([[sum(v), len(v)] for v in by_clip.values()])
    draws = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLES, len(sums)))
    drawn = sums[draws].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    total = sums.sum(axis=0)
    return {
        "mean": round(float(total[0] / total[1]), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
        "n": int(total[1]),
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    lines = [
        f"{result['expressions']} expressions, {result['stated']} with a stated label, "
        f"{result['not_neutral']} of them not neutral"
    ]
    for name, one in result.items():
        if isinstance(one, dict) and one["mean"] is not None:
            low, high = one["interval"]
            lines.append(
                f"{name.replace('_', ' '):34}{one['mean']:7.3f}  [{low:.3f}, {high:.3f}]  "
                f"n = {one['n']}"
            )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run on folders of clips; 0, or 2 where there are none."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.why", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--each", action="store_true", help="tell of each expression on stderr")
    asked = parser.parse_args(argv)
    clips = [
        clip
        for folder in asked.folders
        for clip in sorted(folder.glob("*.mp4"))
        if clip.with_suffix(".json.gz").exists()
    ]
    if not clips:
        print(f"no clip with its truth (.json.gz) in {asked.folders}", file=sys.stderr)
        return 2
    found: list[Explained] = []
    from agent.api import look

    for clip in clips:
        for one in explained(clip, look(clip)):
            found.append(one)
            if asked.each:
                print(_line(one), file=sys.stderr, flush=True)
    result = report(found)
    print(json.dumps(result, indent=2) if asked.json else table(result))
    return 0


def _line(one: Explained) -> str:
    mover = first_mover(one)
    what = "nothing moves it" if mover is None else f"{mover.change:+.2f} {mover.text[:50]}"
    right = "acts" if one.right(mover) else "does not act"
    return f"{one.clip} {one.prototype}: {one.found.label} {one.found.share:.2f}; {what} ({right})"


if __name__ == "__main__":
    sys.exit(main())
