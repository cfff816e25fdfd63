"""What all rewards cost: step time of GRPO with them against TRL's trainer with a trivial one.

    python -m finetune.bench_steps finetune/recipes/tiny-world-grpo.yaml --steps 12 \
        --set model=runs/tiny/sft/checkpoint-375

Three trainers take turns, a step each, in one process: TRL's own with a reward of nothing, the
recipe's with every reward there is, and the same with the efficient sampler. The learning rate is
0 and every step has its own seed, so that the first two write the very same completions and only
what is done with them differs. The third shows other rows and is compared loosely. Medians, of the
clock and of processor time, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from transformers import TrainerCallback
from trl import GRPOTrainer

from finetune import load, tables, train
from finetune.rewards import REWARDS
from finetune.rows import Row
from finetune.settings import Recipe, read

_WARM: Final = 2
"""Steps of each that are not counted."""


class Turns:
    """Lets threads run one at a time, a step each, in order."""

    def __init__(self, count: int) -> None:
        self._gates = [threading.Semaphore(int(n == 0)) for n in range(count)]
        self.seconds: list[list[tuple[float, float]]] = [[] for _ in range(count)]
        """Of the clock and of the processor, of each step of each."""
        self._began = (0.0, 0.0)
        self._steps = [0] * count

    def begin(self, mine: int) -> None:
        """Wait for the turn."""
        self._gates[mine].acquire()
        # The same randomness for the same step of each.
        torch.manual_seed(self._steps[mine])
        self._began = (time.perf_counter(), time.process_time())

    def end(self, mine: int) -> None:
        """Note the time and let the next go."""
        clock, processor = self._began
        self.seconds[mine].append((time.perf_counter() - clock, time.process_time() - processor))
        self._steps[mine] += 1
        self._gates[(mine + 1) % len(self._gates)].release()


class _Turn(TrainerCallback):  # type: ignore[misc]  # transformers has no types here
    """Hands over after every step; last of the callbacks, so that theirs is measured too."""

    def __init__(self, turns: Turns, mine: int) -> None:
        self.turns, self.mine = turns, mine

    def on_step_end(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
        """To the next."""
        self.turns.end(self.mine)
        if state.global_step < args.max_steps:
            self.turns.begin(self.mine)


def nothing(completions: Sequence[Any], **_: Any) -> list[float]:
    """A reward that costs nothing; alternating, so that no group is all the same."""
    return [float(n % 2) for n in range(len(completions))]


def steps(recipe: Recipe, count: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds, of the clock and of the processor, of `count` steps of each trainer."""
    still = {"max_steps": count + _WARM, "learning_rate": 0.0, "save_strategy": "no"}
    recipe = replace(
        recipe,
        rewards=dict.fromkeys(REWARDS, 1.0),
        sampler="plain",
        trainer={**recipe.trainer, **still},
    )
    ours = train.build(recipe)
    efficient = train.build(replace(recipe, sampler="efficient"), ours.rows)
    made = {"TRL, a reward of nothing": _bare(recipe, ours.rows), "all rewards": ours.trainer,
            "all rewards, efficient sampler": efficient.trainer}  # fmt: skip
    turns = Turns(len(made))

    def go(mine: int, trainer: Any) -> None:
        trainer.add_callback(_Turn(turns, mine))
        turns.begin(mine)
        trainer.train()

    with ThreadPoolExecutor(len(made)) as pool:
        running = [pool.submit(go, n, trainer) for n, trainer in enumerate(made.values())]
        for future in as_completed(running):
            if future.exception():
                # The others wait for their turn for ever.
                traceback.print_exception(future.exception())
                os._exit(1)
    return {name: mine[_WARM:] for name, mine in zip(made, turns.seconds, strict=True)}


def _bare(recipe: Recipe, rows: Sequence[Row]) -> Any:
    """TRL's trainer as it comes."""
    model, processor, adapters = load.model(recipe)
    processor.tokenizer.padding_side = "left"
    settings = train.arguments(replace(recipe, rewards={"form": 1.0}))
    return GRPOTrainer(
        model, args=settings, processing_class=processor, peft_config=adapters,
        reward_funcs=[nothing], train_dataset=tables.grpo(rows),
    )  # fmt: skip


def rewards(rows: Sequence[Row], each: int = 8) -> dict[str, float]:
    """Completions a second, by reward and by all together, of `each` texts a row.

    The texts are the rows' own completions with one line left out, or other labels: none twice,
    so that nothing remembered helps.
    """
    told = [(row, text) for row in rows if row.completion for text in _variants(row, each)]
    texts = [text for _, text in told]
    grpo = [row.grpo() for row, _ in told]
    columns = {key: [one[key] for one in grpo] for key in grpo[0]}
    found, whole = {}, 0.0
    for name, reward in REWARDS.items():
        began = time.process_time()
        reward(texts, **columns)
        took = time.process_time() - began
        whole += took
        found[name] = round(len(texts) / took, 1)
    return found | {"all together": round(len(texts) / whole, 1)}


def _variants(row: Row, count: int) -> list[str]:
    lines = str(row.completion).split("\n")
    inner = [n for n, line in enumerate(lines) if line.startswith("- ")]
    cut = ["\n".join(lines[:n] + lines[n + 1 :]) for n in inner]
    return [str(row.completion), *cut][:count]


def _compared(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Medians against the first's, and the median of each step's own ratio to the first's."""
    first = next(iter(seconds.values()))
    return {
        name: {
            "median_s": round(statistics.median(mine), 4),
            "against_first": round(statistics.median(mine) / statistics.median(first), 4),
            "step_by_step": round(
                statistics.median(b / a for a, b in zip(first, mine, strict=True)), 4
            ),
        }
        for name, mine in seconds.items()
    }


def main(argv: list[str] | None = None) -> int:
    """Measure and print; JSON to --out."""
    parser = argparse.ArgumentParser(prog="finetune.bench_steps")
    parser.add_argument("recipe")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rows", type=int, default=64, help="rows that rewards are timed on")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(argv)
    recipe = read(given.recipe, given.set)
    found: dict[str, Any] = {"steps": given.steps}
    if given.steps:
        seconds = steps(recipe, given.steps)
        found["seconds"] = seconds
        for which, name in enumerate(("clock", "processor")):
            found[name] = _compared({k: [each[which] for each in v] for k, v in seconds.items()})
    from finetune import data

    found["rewards_per_s"] = rewards(data.rows(recipe)[: given.rows])
    print(json.dumps({k: v for k, v in found.items() if k != "seconds"}, indent=1))
    if given.out:
        given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
