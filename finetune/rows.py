"""Training rows: evidence and gold in, messages with pictures and a completion out.

Knows evidence, the product's own texts and pictures, and the completion's shape; knows no
trainer. What a row shows a model is what the product would show it: the gold stands in the
completion and in the columns that rewards read, never in the prompt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import prompts
from agent.facs.prototypes import BASIC
from agent.models.brief import evidence_text
from agent.schema.evidence import Evidence
from agent.schema.picture import Picture
from agent.util.foreign import harmless
from eval import labels
from eval.rewards import well_formed
from finetune import completion
from finetune.formats import Item
from finetune.rationale import rationale

Split = Literal["train", "val"]
Look = Callable[[Item], tuple[Evidence, Sequence[Picture]]]
"""An item → its evidence and the pictures that a model is shown of it."""

QUESTION: Final = "What does this person feel, and what shows it?"


@dataclass(frozen=True, slots=True)
class Row:
    """One row for SFT (with `completion`) and GRPO (with the gold columns)."""

    id: str
    dataset: str
    prompt: str
    pictures: tuple[Picture, ...]
    """Shown before the prompt, in this order."""
    completion: str | None
    """None where no grounded reasons lead to the gold: such a row is for GRPO alone."""
    emotion: str | None
    units: tuple[int, ...] | None
    evidence: str
    """The record the prompt was written from, as JSON."""
    tree: Mapping[str, Any] | None = None
    person: str | None = None
    sha256: str = ""
    """Of the clip's bytes."""
    split: str | None = None
    gold_conditioned: bool = False
    system: str = ""
    """What stands before the prompt as the system's words, where there are any."""

    def sft(self) -> dict[str, Any]:
        """As TRL's SFT takes it: prompt and completion as messages; pictures as PNG bytes."""
        if self.completion is None:
            raise ValueError(f"{self.id} has no completion; it is for GRPO")
        answer = {"role": "assistant", "content": [{"type": "text", "text": self.completion}]}
        return self._shown() | {"completion": [answer]}

    def grpo(self) -> dict[str, Any]:
        """As TRL's GRPO takes it: the prompt, and the columns that `finetune.rewards` read."""
        return self._shown() | {
            "emotion": self.emotion,
            "units": None if self.units is None else list(self.units),
            "evidence": self.evidence,
            "tree": None if self.tree is None else json.dumps(dict(self.tree)),
            "id": self.id,
        }

    def _shown(self) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "image"} for _ in self.pictures]
        content.append({"type": "text", "text": self.prompt})
        before = [{"role": "system", "content": [{"type": "text", "text": self.system}]}]
        return {
            "prompt": [*(before if self.system else []), {"role": "user", "content": content}],
            "images": [{"bytes": picture.png, "path": None} for picture in self.pictures],
        }


def build(item: Item, look: Look, among: Sequence[str] = BASIC) -> Row:
    """The row of one item; `among` are the labels that the prompt names.

    The reasons are those of the data where it gives any, else the rules' (`finetune.rationale`).
    """
    evidence, pictures = look(item)
    person = evidence.main.id if evidence.main else None
    question = item.question or QUESTION
    shown = evidence_text(evidence, [person], (0.0, evidence.media.duration), pictures)
    task = prompts.fill("think", question=harmless(question), labels=", ".join(among))
    emotion = labels.canonical(item.emotion) if item.emotion else None
    return Row(
        id=f"{item.dataset}/{item.id}",
        dataset=item.dataset,
        prompt=f"{shown}\n\n{task}",
        pictures=tuple(pictures),
        completion=_completion(item, evidence, emotion),
        emotion=emotion,
        units=item.units,
        evidence=evidence.to_json(),
        tree=item.tree,
        person=item.person,
        sha256=evidence.media.sha256,
        split=item.split,
        gold_conditioned=item.gold_conditioned or item.thoughts is None,
    )


def _completion(item: Item, evidence: Evidence, emotion: str | None) -> str | None:
    if emotion is None:
        return None
    if item.thoughts is not None:
        told = f"<think>\n{item.thoughts.strip()}\n</think>\n<answer>{emotion}</answer>"
        return told if well_formed(told) else None
    claims = rationale(evidence, emotion)
    return completion.write(claims, emotion) if claims else None


def split(rows: Iterable[Row], val: float = 0.1, seed: int = 0) -> dict[Split, list[Row]]:
    """Rows by split, no person in both; `val` is the share of people held out.

    A split that the data names stands, unless it parts a person. Rows of nobody in particular
    go by their clip. Raises ValueError where the data's own split parts a person.
    """
    found: dict[Split, list[Row]] = {"train": [], "val": []}
    named: dict[str, str] = {}
    for row in rows:
        who = f"{row.dataset}/{row.person}" if row.person else (row.sha256 or row.id)
        mine: Split = "val" if _drawn(who, seed) < val else "train"
        if row.split:
            mine = "train" if row.split == "train" else "val"
            if named.setdefault(who, mine) != mine:
                raise ValueError(f"{who} is in the data's train split and in another")
        found[mine].append(row)
    return found


def _drawn(who: str, seed: int) -> float:
    """A number from 0 to 1 that only the name and the seed decide."""
    digest = hashlib.sha256(f"{seed}/{who}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def admit(rows: Iterable[Row], held: frozenset[str]) -> tuple[list[Row], list[str]]:
    """Rows that may be trained on, and ids of those whose clip a benchmark holds.

    `held` are sha256 of benchmark clips (`eval.leaks.held`).
    """
    kept: list[Row] = []
    refused: list[str] = []
    for row in rows:
        if row.sha256 in held:
            refused.append(row.id)
        else:
            kept.append(row)
    return kept, refused
