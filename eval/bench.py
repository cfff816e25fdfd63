"""How fast the measures are, on one core.

    python -m eval.bench [wheel] [published] [whole] [rewards] [--n 100000]

Label lists are drawn with a fixed seed from the words of the mapping, one to four a list.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from eval import measures, published, rewards, wheel

TEXT: Final = (
    "<think>The lip corners are pulled up (AU12) and the cheeks are raised (AU6); there is no "
    "brow lowering (AU4). Together this is a felt smile.</think><answer>happiness</answer>"
)


def lists(n: int) -> list[str]:
    """n lists of labels, one to four words each."""
    draw = random.Random(0)
    words = sorted(wheel.load().forms)
    return [", ".join(draw.choices(words, k=draw.randint(1, 4))) for _ in range(n)]


def sound(n: int) -> float:
    """Seconds for the sound wheel score of n pairs of label lists."""
    texts = lists(2 * n)

    def work() -> None:
        reader = wheel.Reader(wheel.load())
        rows, score = reader.rows(
            [reader.gold(text) for text in texts[:n]], [reader.pred(text) for text in texts[n:]]
        )
        score(rows.sum(axis=0))

    return _seconds(work)


def faithful(n: int) -> float:
    """Seconds for the published wheel score of n pairs of label lists."""
    texts = lists(2 * n)
    gold, pred = (dict(zip(map(str, range(n)), part, strict=False)) for part in (texts, texts[n:]))
    return _seconds(lambda: published.wheel_overlap(wheel.load(), gold, pred))


def whole(n: int) -> float:
    """Seconds for the measure `mer-wheel`: both of them, and the bootstrap interval."""
    texts = lists(2 * n)
    gold, pred = (dict(zip(map(str, range(n)), part, strict=False)) for part in (texts, texts[n:]))
    return _seconds(lambda: measures.measure("mer-wheel", gold, pred))


def reward(n: int) -> float:
    """Seconds for format, label and AU rewards of n completions, each a text of its own."""
    texts = [TEXT.replace("Together", f"In clip {i} together") for i in range(n)]

    def work() -> None:
        for text in texts:
            rewards.well_formed(text)
            rewards.right_label(text, "happiness")
            rewards.au_f1(text, (6, 12))

    return _seconds(work)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


TRIALS: Final[dict[str, tuple[Callable[[int], float], int]]] = {
    "wheel": (sound, 100_000),
    "published": (faithful, 100_000),
    "whole": (whole, 100_000),
    "rewards": (reward, 5_000),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line a trial: samples, seconds of processor time, samples a second."""
    parser = argparse.ArgumentParser(prog="duchenne eval bench", description=__doc__)
    parser.add_argument("trials", nargs="*", metavar="|".join(TRIALS), help="default: all")
    parser.add_argument("--n", type=int, help="samples")
    asked = parser.parse_args(argv)
    if unknown := set(asked.trials) - set(TRIALS):
        print(f"no trial is called {sorted(unknown)}; there are: {list(TRIALS)}", file=sys.stderr)
        return 2
    for name in asked.trials or TRIALS:
        trial, usual = TRIALS[name]
        n = asked.n or usual
        seconds = trial(n)
        print(f"{name:10} {n:8,} in {seconds:6.2f} s = {n / seconds:10,.0f} a second")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
