"""How many rollouts GRPO needs with the efficient sampler, against drawing rows in turn.

    python -m finetune.bench_sampling --seeds 0 1 2 --out runs/sampling.json

Not the small world of clips but a smaller one of words, so that many runs fit on one core: lists
of action units, drawn from the tables with noise, and the emotion that these tables make
likeliest. The policy is a random language model of 0.1 M parameters, taught a little by SFT, then
trained by TRL's own GRPO trainer with both samplers: same rows, model, settings and seeds. A row
is answered in one token, so the expected reward on 600 held-out lists is computed exactly and no
luck of drawing is in it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from agent.facs.prototypes import BASIC, table
from finetune.curves import needed
from finetune.efficient import EfficientGRPOTrainer
from finetune.sampling import Settings

LABELS: Final = tuple(label for label in BASIC if label != "contempt")
UNITS: Final = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 24, 25, 26)
NOISE: Final = (0.05, 0.15)
"""Chance that a unit is added, or one that is there is missed; drawn for each list."""
_FLOOR: Final = 0.02
"""Share of people who move a unit that the table of an emotion does not name."""
_WORDS: Final = ("<pad>", "<eos>", "<unk>", "none", ":", *(f"AU{n}" for n in UNITS), *LABELS)

Asked = tuple[str, str]
"""Prompt and label."""
Curve = list[tuple[int, float]]
"""Rollouts so far, expected reward on held-out lists."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What both samplers share."""

    rows: int = 192
    taught: int = 64
    """Lists that SFT sees."""
    sft_steps: int = 60
    steps: int = 240
    prompts: int = 8
    """In a step."""
    group: int = 8
    """Rollouts of a prompt."""
    learning_rate: float = 5e-4
    every: int = 8
    """Steps between two looks at the held-out lists."""


def lists(seed: int, count: int) -> list[Asked]:
    """Lists of units and the label that the tables make likeliest."""
    rng = np.random.default_rng(seed)
    return [_list(rng) for _ in range(count)]


def _list(rng: np.random.Generator) -> Asked:
    noise = float(rng.choice(NOISE))
    shares = _shares(str(rng.choice(LABELS)))
    shown = [n for n in UNITS if rng.random() < shares.get(n, 0.0) or rng.random() < noise]
    shown = [n for n in shown if rng.random() > noise]
    text = " ".join(f"AU{n}" for n in shown) or "none"
    return f"{text} :", max(LABELS, key=lambda label: _likely(shown, label))


def _shares(label: str) -> dict[int, float]:
    found = table(label)
    return {int(code[2:]): share for code, share in found.items() if code[2:].isdigit()}


def _likely(shown: Sequence[int], label: str) -> float:
    shares = _shares(label)
    chances = ((n in shown, min(shares.get(n, _FLOOR), 0.999)) for n in UNITS)
    return float(sum(np.log(c + 1e-3) if there else np.log(1.001 - c) for there, c in chances))


def _tokenizer() -> Any:
    words = {word: number for number, word in enumerate(_WORDS)}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>",
        padding_side="left",
    )  # fmt: skip


def _policy(seed: int) -> Any:
    torch.manual_seed(seed)
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(_WORDS), hidden_size=48, intermediate_size=96, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, head_dim=24, initializer_range=0.05,
            tie_word_embeddings=False, eos_token_id=1, pad_token_id=0,
        )
    )  # fmt: skip


def _scores(model: Any, words: Any, asked: Sequence[Asked]) -> tuple[Any, Any]:
    """Logits of the answer, lists × words, and the right words."""
    inputs = words([prompt for prompt, _ in asked], return_tensors="pt", padding=True)
    mask = inputs["attention_mask"]
    places = (mask.cumsum(1) - 1).clamp(min=0)
    out = model(input_ids=inputs["input_ids"], attention_mask=mask, position_ids=places)
    return out.logits[:, -1], torch.tensor([_WORDS.index(label) for _, label in asked])


def _teach(model: Any, words: Any, asked: Sequence[Asked], steps: int, seed: int) -> None:
    optimizer, rng = torch.optim.AdamW(model.parameters(), 3e-3), np.random.default_rng(seed)
    for _ in range(steps):
        logits, right = _scores(model, words, [asked[n] for n in rng.integers(0, len(asked), 32)])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits, right).backward()
        optimizer.step()


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch has no types here
def expected(model: Any, words: Any, asked: Sequence[Asked]) -> float:
    """Mean probability of the right label: what drawn answers would earn on average."""
    was = model.training
    model.eval()
    logits, right = _scores(model, words, asked)
    model.train(was)
    return float(logits.softmax(-1)[range(len(right)), right].mean())


class _Looks(TrainerCallback):  # type: ignore[misc]  # transformers has no types here
    def __init__(self, setup: Setup, words: Any, held: Sequence[Asked], curve: Curve) -> None:
        self.setup, self.words, self.held, self.curve = setup, words, held, curve

    def on_step_end(self, _: Any, state: Any, __: Any, **more: Any) -> None:
        if state.global_step % self.setup.every == 0:
            rollouts = state.global_step * self.setup.prompts * self.setup.group
            self.curve.append((rollouts, expected(more["model"], self.words, self.held)))


def _right(completions: list[str], label: list[str], **_: Any) -> list[float]:
    return [float(said.strip() == gold) for said, gold in zip(completions, label, strict=True)]


def run(setup: Setup, seed: int, sampling: Settings | None) -> Curve:
    """The curve of one run; `sampling` None draws rows in turn."""
    words, policy = _tokenizer(), _policy(seed)
    rows, held = lists(100 + seed, setup.rows), lists(9999, 600)
    _teach(policy, words, lists(500 + seed, setup.taught), setup.sft_steps, seed)
    curve: Curve = [(0, expected(policy, words, held))]
    data = Dataset.from_dict({
        "prompt": [prompt for prompt, _ in rows], "label": [label for _, label in rows],
        "id": [str(n) for n in range(len(rows))],
    })  # fmt: skip
    with tempfile.TemporaryDirectory() as out:
        settings = GRPOConfig(
            output_dir=out, max_steps=setup.steps, num_generations=setup.group, seed=seed,
            per_device_train_batch_size=setup.prompts * setup.group, max_completion_length=1,
            learning_rate=setup.learning_rate, lr_scheduler_type="constant", use_cpu=True,
            bf16=False, gradient_checkpointing=False, report_to=[], save_strategy="no",
            logging_steps=10_000, disable_tqdm=True, temperature=1.0, beta=0.0,
        )  # fmt: skip
        kind = GRPOTrainer if sampling is None else EfficientGRPOTrainer
        kind(
            policy, reward_funcs=[_right], args=settings, train_dataset=data,
            processing_class=words, callbacks=[_Looks(setup, words, held, curve)],
            **({} if sampling is None else {"sampling": sampling}),
        ).train()  # fmt: skip
    return curve


def smooth(curve: Curve, width: int = 5) -> Curve:
    """Running mean over `width` looks."""
    values = np.array([value for _, value in curve])
    half = width // 2
    padded = np.pad(values, half, mode="edge")
    means = np.convolve(padded, np.ones(width) / width, "valid")
    return [(at, float(mean)) for (at, _), mean in zip(curve, means, strict=True)]


def compared(
    plain: Curve, other: Curve, shares: Sequence[float] = (0.5, 0.7, 0.9)
) -> dict[str, Any]:
    """Rollouts that `other` needs for shares of what `plain` gains in all, over plain's own."""
    first, best = plain[0][1], max(value for _, value in smooth(plain))
    found: dict[str, Any] = {}
    for share in shares:
        target = first + share * (best - first)
        mine, theirs = needed(smooth(other), target), needed(smooth(plain), target)
        ratio = round(mine / theirs, 3) if mine is not None and theirs else None
        found[f"{share:.0%} of the gain"] = {"reward": round(target, 4), "ratio": ratio}
    return found


def main(argv: list[str] | None = None) -> int:
    """Run, compare, print; everything to --out."""
    parser = argparse.ArgumentParser(prog="finetune.bench_sampling")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=Setup().steps)
    parser.add_argument("--learning-rate", type=float, default=Setup().learning_rate)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    setup = Setup(steps=given.steps, learning_rate=given.learning_rate)
    found = []
    for seed in given.seeds:
        plain, efficient = run(setup, seed, None), run(setup, seed, Settings())
        found.append({"seed": seed, "plain": plain, "efficient": efficient,
                      "compared": compared(plain, efficient)})  # fmt: skip
        print(json.dumps({"seed": seed, **found[-1]["compared"]}), flush=True)
        if given.out:
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
