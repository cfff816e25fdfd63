"""Teaches the tiny Qwen3-VL to answer in the shape that is asked for: minutes on a processor.

    ~/vllm-env/bin/python tests/tiny_taught.py LESSONS.jsonl FOLDER [MINUTES]

A folder that holds a model already is taught further. Four steps of five see the end of a prompt
alone, which is cheap; the fifth sees all of it, pictures included.

Lessons come from tests/tiny_lessons.py. What is learned is the form of a reply and how it copies
from the cues of its prompt, more or less; it understands nothing. Good for everything around a
model (parsing, grounding, rows, throughput), for no figure about reading people.
"""

from __future__ import annotations

import base64
import io
import json
import random
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from tiny_qwen3vl import make
from transformers import AutoProcessor, Qwen3VLForConditionalGeneration

LONGEST = 9000
"""Tokens of a lesson; longer ones are left out."""
SHORT = 400
"""Tokens of a prompt's end."""


def encoded(processor, lesson):
    """A lesson as the model's inputs; labels cover the reply alone."""
    pictures = []
    for message in lesson["messages"]:
        if isinstance(message["content"], list):
            urls = [p["image_url"]["url"] for p in message["content"] if p["type"] == "image_url"]
            raw = [base64.b64decode(url.partition(",")[2]) for url in urls]
            pictures += [Image.open(io.BytesIO(one)).convert("RGB") for one in raw]
    prompt = processor.tokenizer.apply_chat_template(
        lesson["messages"], tokenize=False, add_generation_prompt=True
    )
    whole = prompt + lesson["reply"] + "<|im_end|>"
    inputs = processor(text=[whole], images=pictures or None, return_tensors="pt")
    reply = len(processor.tokenizer(lesson["reply"] + "<|im_end|>")["input_ids"])
    labels = inputs["input_ids"].clone()
    labels[:, :-reply] = -100
    return {**inputs, "labels": labels}


def ending(lesson):
    """The reply and the end of its prompt alone."""
    reply = int((lesson["labels"] != -100).sum())
    cut = {name: lesson[name][:, -reply - SHORT :] for name in ("input_ids", "labels")}
    return {**cut, "attention_mask": torch.ones_like(cut["input_ids"])}


def main(lessons: Path, folder: Path, minutes: float) -> None:
    """Make the model, teach it, write it."""
    told = [json.loads(line) for line in lessons.read_text(encoding="utf-8").splitlines()]
    texts = [m["content"][-1]["text"] for t in told for m in t["messages"] if m["role"] == "user"
             and isinstance(m["content"], list)]  # fmt: skip
    if not (folder / "config.json").exists():
        make(folder, [*texts, *(t["reply"] for t in told)], 4000, layers=4, largest=256 * 256)
    processor = AutoProcessor.from_pretrained(folder)
    model = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    ready = [
        one
        for lesson in told
        if (one := encoded(processor, lesson))["input_ids"].shape[1] < LONGEST
    ]
    tokens = sum(one["input_ids"].shape[1] for one in ready) // len(ready)
    print(f"{len(ready)} of {len(told)} lessons, of {tokens} tokens")
    begun, draw, steps, mean = time.monotonic(), random.Random(0), 0, None
    most = 60 * minutes
    steer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    model.train()
    while (gone := time.monotonic() - begun) < most:
        if steps % len(ready) == 0:
            draw.shuffle(ready)
        rate = 1e-3 * min(1.0, (steps + 1) / 30) * max(0.05, 1 - gone / most)
        for group in steer.param_groups:
            group["lr"] = rate
        lesson = ready[steps % len(ready)]
        loss = model(**(lesson if steps % 5 == 4 else ending(lesson))).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        steer.step()
        steer.zero_grad()
        steps += 1
        mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
        if steps % 25 == 0:
            print(f"step {steps}, {gone:.0f} s, loss {mean:.3f}", flush=True)
    model.save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 10.0)
