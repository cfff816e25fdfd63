"""What a model writes to rows, in batches: the same for the same seed, whatever came before.

Knows rows and `generate` of transformers; no reward and no trainer.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from finetune.rows import Row


@dataclass(frozen=True, slots=True)
class How:
    """How completions are drawn."""

    batch: int = 32
    tokens: int = 256
    """At most, of a completion."""
    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    seed: int = 0


def completions(
    model: Any, processor: Any, rows: Sequence[Row], how: How
) -> Iterator[tuple[Sequence[Row], list[str]]]:
    """Batches of rows in order, and a completion of each.

    A batch's randomness hangs on its rows and the seed alone, so that one that is generated
    again after a kill is the same.
    """
    was, side = model.training, processor.tokenizer.padding_side
    processor.tokenizer.padding_side = "left"
    model.eval()
    try:
        for start in range(0, len(rows), how.batch):
            mine = rows[start : start + how.batch]
            yield mine, _batch(model, processor, mine, how)
    finally:
        processor.tokenizer.padding_side = side
        model.train(was)


def _batch(model: Any, processor: Any, rows: Sequence[Row], how: How) -> list[str]:
    inputs = processor.apply_chat_template(
        [_chat(row) for row in rows], add_generation_prompt=True, tokenize=True,
        return_dict=True, processor_kwargs={"padding": True, "return_tensors": "pt"},
    ).to(model.device)  # fmt: skip
    drawn: dict[str, Any] = {"do_sample": False}
    if how.temperature > 0:
        drawn = {"do_sample": True, "temperature": how.temperature, "top_k": 0, "top_p": 1.0}
    named = "\n".join([str(how.seed), *(row.id for row in rows)])
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], "big"))
        out = model.generate(**inputs, max_new_tokens=how.tokens, **drawn)
    told = out[:, inputs["input_ids"].shape[1] :]
    return [text.strip() for text in processor.batch_decode(told, skip_special_tokens=True)]


def _chat(row: Row) -> list[dict[str, Any]]:
    """The prompt of a row as messages, its pictures opened."""
    content: list[dict[str, Any]] = [
        {"type": "image", "image": Image.open(io.BytesIO(picture.png)).convert("RGB")}
        for picture in row.pictures
    ]
    content.append({"type": "text", "text": row.prompt})
    return [{"role": "user", "content": content}]
