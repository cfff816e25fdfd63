"""Rows as Hugging Face data sets, the way TRL's trainers read them.

Knows `datasets`, which is imported here alone; pictures stay the PNG bytes they are.
"""

from __future__ import annotations

from collections.abc import Iterable

from datasets import Dataset, Features, Image, List, Value

from finetune.rows import Row

_PART = {"type": Value("string"), "text": Value("string")}
_MESSAGES = List({"role": Value("string"), "content": List(_PART)})
_SHOWN = {"prompt": _MESSAGES, "images": List(Image())}
_GOLD = {
    "emotion": Value("string"),
    "units": List(Value("int64")),
    "evidence": Value("string"),
    "tree": Value("string"),
    "id": Value("string"),
}


def sft(rows: Iterable[Row]) -> Dataset:
    """Prompt, completion and images of the rows that have a completion."""
    told = [row.sft() for row in rows if row.completion is not None]
    return Dataset.from_list(told, features=Features(_SHOWN | {"completion": _MESSAGES}))


def grpo(rows: Iterable[Row]) -> Dataset:
    """Prompt and images, and the columns that `finetune.rewards` read."""
    return Dataset.from_list([row.grpo() for row in rows], features=Features(_SHOWN | _GOLD))
