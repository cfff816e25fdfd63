"""Rollouts that two kinds of GRPO need on the small world, from scores of their checkpoints.

    python -m finetune.held --plain runs/plain-* --efficient runs/efficient-* --draw curves.svg

Beside each run's `checkpoint-N` lies its score, `checkpoint-N.json` (`duchenne train score`), and
beside the model it started from too. Told are reward and accuracy at each checkpoint, mean ±
standard deviation over runs, and the rollouts that the efficient ones need for shares of what the
plain ones gain, over the plain ones' own.

Knows scores and their files; no model.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from finetune.curves import Line, Other, draw, mean, needed

KEYS: Final = ("reward", "accuracy", "alignment")
Curves = Mapping[str, Mapping[str, Sequence[Line]]]
"""Kind of GRPO → measure → a line a run."""
_NAME: Final = re.compile(r"checkpoint-(\d+)\.json")


def line(run: Path, key: str) -> Line:
    """Rollouts and a measure of all families together, from the start on."""
    found = {int(m[1]): path for path in run.iterdir() if (m := _NAME.fullmatch(path.name))}
    if not found:
        raise FileNotFoundError(f"{run} has no checkpoint-N.json: score its checkpoints first")
    settings = _settings(run / f"checkpoint-{max(found)}")
    start = Path(settings["model"])
    each = {0: start.with_name(start.name + ".json")} | found
    size = int(settings["trainer"]["per_device_train_batch_size"])
    return [(step * size, _all(path)[key]) for step, path in sorted(each.items())]


def _settings(checkpoint: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((checkpoint / "recipe.json").read_text(encoding="utf-8"))
    return found


def _all(path: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["all"]
    return found


def ratio(plain: Line, other: Line, share: float) -> float | None:
    """Rollouts that `other` needs for a share of what `plain` gains at best, over plain's own."""
    first, best = plain[0][1], max(value for _, value in plain)
    target = first + share * (best - first)
    mine, theirs = needed(other, target), needed(plain, target)
    return None if mine is None or not theirs else mine / theirs


def shared(curves: Curves) -> Curves:
    """The curves at the rollouts that all of them have."""
    lines = [line for each in curves.values() for of in each.values() for line in of]
    common = set.intersection(*({at for at, _ in line} for line in lines))
    return {
        name: {k: [[p for p in line if p[0] in common] for line in of] for k, of in each.items()}
        for name, each in curves.items()
    }


def told(curves: Curves) -> str:
    """Two Markdown tables: values at the checkpoints, and ratios of the runs and of their means."""
    lines = ["| rollouts | " + " | ".join(f"{k}, {who}" for k in KEYS for who in curves) + " |",
             "| --- " * (1 + len(KEYS) * len(curves)) + "|"]  # fmt: skip
    first = next(iter(curves.values()))
    for n, (at, _) in enumerate(first[KEYS[0]][0]):
        cells = [_spread([c[n][1] for c in each[k]]) for k in KEYS for each in curves.values()]
        lines.append(f"| {at:.0f} | " + " | ".join(cells) + " |")
    plain, other = (each[KEYS[0]] for each in curves.values())
    pairs = [*zip(plain, other, strict=True), (mean(plain), mean(other))]
    heads = [*map(str, range(len(plain))), "means"]
    lines += ["", "| of the gain | " + " | ".join(heads) + " |", "| --- " * (len(heads) + 1) + "|"]
    for share in (0.5, 0.7, 0.9, 1.0):
        found = [ratio(one, two, share) for one, two in pairs]
        cells = ["not reached" if value is None else f"{value:.2f}" for value in found]
        lines.append(f"| {share:.0%} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; draw the curves where asked."""
    parser = argparse.ArgumentParser(prog="python -m finetune.held")
    parser.add_argument("--plain", nargs="+", type=Path, required=True, metavar="RUN")
    parser.add_argument("--efficient", nargs="+", type=Path, required=True, metavar="RUN")
    parser.add_argument("--draw", type=Path, metavar="SVG")
    asked = parser.parse_args(argv)
    kinds = {"plain": asked.plain, "efficient": asked.efficient}
    each = {name: {k: [line(run, k) for run in runs] for k in KEYS} for name, runs in kinds.items()}
    curves = shared(each)
    print(told(curves))
    if asked.draw:
        other = Other(curves["efficient"], ("plain", "efficient"))
        asked.draw.write_text(draw(curves["plain"], other, "rollouts"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
