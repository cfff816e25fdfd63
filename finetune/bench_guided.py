"""Does reading pictures as the prompt asks help a tiny model? With the option on and off.

    python -m finetune.bench_guided --seeds 0 --steps 300 --out runs/guided.json

A picture of 256 x 256 shows sixteen action units as cells, as bright as they are strong, among
noise; the prompt names one and asks whether it moves. Everything is trained, from the same random
weights and with the same rows in the same order; what is new of the option comes on top. Told are
the shares of right answers about pictures never seen, and the weights trained.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image

from agent.bridge import Duchenne, DuchenneProcessor
from finetune import tiny
from finetune.settings import Tiny

UNITS: Final = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 24, 25, 26)
CELL: Final = 64
"""Pixels on each side."""
ANSWERS: Final = ("yes", "no")

Asked = tuple[Image.Image, int, bool]
"""Picture, the unit that is asked for, whether it moves."""


def drawn(rng: np.random.Generator) -> Asked:
    """One picture and a question about it; half of the answers are yes."""
    moved = rng.random(len(UNITS)) < 0.3
    which = int(rng.integers(len(UNITS)))
    moved[which] = rng.random() < 0.5
    strength = np.where(moved, rng.uniform(0.45, 1.0, len(UNITS)), rng.uniform(0, 0.25, len(UNITS)))
    cells = np.kron(strength.reshape(4, 4), np.ones((CELL, CELL)))
    grey = np.clip(cells * 200 + rng.normal(20, 12, cells.shape), 0, 255).astype(np.uint8)
    return Image.fromarray(np.stack([grey] * 3, -1)), UNITS[which], bool(moved[which])


def _inputs(processor: Any, asked: Sequence[Asked]) -> tuple[Any, torch.Tensor]:
    chats = [
        [{"role": "user", "content": [{"type": "image", "image": picture},
                                      {"type": "text", "text": f"AU{unit}: {', '.join(ANSWERS)}"}]}]
        for picture, unit, _ in asked
    ]  # fmt: skip
    inputs = processor.apply_chat_template(
        chats, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
        processor_kwargs={"padding": True, "padding_side": "left"},
    )  # fmt: skip
    return inputs, torch.tensor([int(not moves) for _, _, moves in asked])


def run(guided: bool, seed: int, steps: int, batch: int, every: int) -> dict[str, Any]:
    """Train one model; its share of right answers along the way."""
    texts = [f"AU{unit}: {', '.join(ANSWERS)}" for unit in UNITS]
    with tempfile.TemporaryDirectory() as folder:
        sizes = Tiny(hidden=64, layers=2, heads=2, voice=16, voice_layers=1, pieces=340, seed=seed)
        tiny.make(Path(folder), sizes, texts, guided)
        model = Duchenne.from_pretrained(folder)
        processor = DuchenneProcessor.from_pretrained(folder)
    found = processor.tokenizer(list(ANSWERS), add_special_tokens=False)["input_ids"]
    ids = [one[0] for one in found]
    trained = [w for n, w in model.named_parameters() if ".voice." not in n]
    optimizer = torch.optim.AdamW(trained, 1e-3)
    rng = np.random.default_rng([seed, 1])
    held = [drawn(np.random.default_rng([99, n])) for n in range(200)]
    curve, began = [], time.process_time()
    for step in range(1, steps + 1):
        inputs, right = _inputs(processor, [drawn(rng) for _ in range(batch)])
        logits = model(**inputs, logits_to_keep=1).logits[:, -1, ids]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits, right).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        if step % every == 0 or step == steps:
            curve.append((step, _right(model, processor, held, ids, batch)))
    weights = sum(w.numel() for w in trained)
    seconds = round((time.process_time() - began) / steps, 3)
    return {"guided": guided, "seed": seed, "weights": weights, "right": curve,
            "processor_s_a_step": seconds}  # fmt: skip


def _right(model: Any, processor: Any, held: Sequence[Asked], ids: list[int], batch: int) -> float:
    hits = 0
    with torch.inference_mode():
        for n in range(0, len(held), batch):
            inputs, right = _inputs(processor, held[n : n + batch])
            told = model(**inputs, logits_to_keep=1).logits[:, -1, ids].argmax(-1)
            hits += int((told == right).sum())
    return round(hits / len(held), 4)


def main(argv: list[str] | None = None) -> int:
    """Run both, print, and keep in --out."""
    parser = argparse.ArgumentParser(prog="finetune.bench_guided")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    found = []
    for seed in given.seeds:
        for guided in (False, True):
            found.append(run(guided, seed, given.steps, given.batch, given.every))
            print(json.dumps(found[-1]), flush=True)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
