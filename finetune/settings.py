"""What a recipe of SFT, GRPO or the loop may say. Names under `trainer` are TRL's own.

Knows names and defaults; imports no trainer. A recipe is one YAML file:

    kind: sft
    model: Qwen/Qwen3-VL-8B-Instruct
    audio: openai/whisper-large-v3
    files:
      - {path: data/mine.jsonl, format: own}
    trainer: {learning_rate: 1e-4, num_train_epochs: 2}
    out: runs/sft
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from agent.facs.prototypes import BASIC
from finetune.recipe import RecipeError
from finetune.recipe import read as read_recipe
from finetune.sampling import Settings

Stage = Literal["attributes", "expression", "emotion"]
"""What a completion is trained on: observations, these and what they amount to, everything."""
Teacher = Literal["gold", "rules", "chances"]
"""Whose label a completion reasons for: the true one, the rules' likeliest, or one drawn by the
rules' chances, so that GRPO's samples begin with every label that the rules hold possible."""
Style = Literal["whole", "compact", "steps"]
"""How evidence and task are written: as the product does, or in a few words a cue; or as each
step of the agent asks, which is answered in JSON (finetune/steps.py; SFT on files alone)."""

REWARDS: Final[dict[str, float]] = {
    "form": 0.5, "emotion": 1.0, "units": 1.0, "alignment": 1.0, "grounding": 1.0, "length": 0.25,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lora:
    """Adapters on the language model."""

    rank: int = 32
    alpha: int = 64
    dropout: float = 0.05
    targets: str = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"
    """Regular expression of the layers' whole names."""


@dataclass(frozen=True, slots=True)
class Tiny:
    """Sizes of a random model of the real architecture, which is made where there is none yet."""

    hidden: int = 128
    layers: int = 3
    heads: int = 4
    voice: int = 64
    """Size of the voice tower's states."""
    voice_layers: int = 2
    pieces: int = 700
    """Of the tokenizer, which is made from texts of the world."""
    pixels: int = 1024 * 1024
    """Of a picture at most; a voice picture must fit: 128 x 100 a second."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """Clips of the small world (finetune/world.py)."""

    train: int = 4000
    test: int = 300
    people: int = 200
    """Who is trained on; those of the test are others."""
    seed: int = 1
    compounds: float = 0.0
    """Share of compound emotions."""
    veil: bool = True
    """Whether the prompt leaves the voice's values to the voice picture; False writes them."""
    shelf: str = "runs/world"
    """Folder where the scenes are kept once they are made."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of labelled clips (docs/training_data.md)."""

    path: str
    format: str = "own"
    root: str | None = None
    """Folder of the media, by default the file's."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch of a curriculum."""

    stage: Stage
    rows: int
    """Rows gone through; more than there are go round again."""
    told: bool = False
    """Of the small world: the prompt says how the voice is and shows no pictures. What a model
    reads is then learned before what it hears, at a third of the cost."""
    clips: int | None = None
    """Only so many clips, gone through again and again: the few completions of a cold start,
    with labels that all other clips keep to themselves until GRPO."""
    by: Teacher = "gold"
    """Of the small world; that of the rules is often wrong, and needs no gold."""
    named: bool = False
    """Of the small world, compact: the prompt names the completion's label alone. That is how the
    loop asks again for what failed, and a model that never saw it loses the form over it."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Rounds of the model's own data (finetune/loop.py); `trainer` is then SFT's."""

    rounds: int = 2
    rows: int = 1000
    """Written to in a round."""
    reflections: int = 1
    """Further attempts at what failed, with the truth given."""
    batch: int = 32
    tokens: int = 512
    """Of a completion, at most."""
    temperature: float = 0.7
    units: float = 0.5
    """Least reward for action units that is kept."""
    grounding: float = 0.9
    """Least share of grounded claims that is kept."""
    held: int = 200
    """Held-out rows on which each round is measured."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training."""

    kind: Literal["sft", "grpo", "loop"]
    model: str
    """A checkpoint: folder or hub name; a stock Qwen3-VL needs `audio` too."""
    out: str
    """Folder of checkpoints and logs."""
    audio: str | None = None
    """A Whisper checkpoint with 128 mel bands, where `model` has no voice tower."""
    padded: bool = True
    """Whether a new voice tower pads every sound to 30 s, as Whisper was trained."""
    tiny: Tiny | None = None
    """Make `model` as a tiny random one where it is not there."""
    tune: Literal["lora", "qlora", "full"] = "lora"
    """qlora holds the language model in nf4 (agent/bridge/quantise.py); full is for tiny models."""
    lora: Lora = field(default_factory=Lora)
    routed: bool = True
    """False shows voice pictures to the stock vision tower, to compare with."""
    tower: bool = False
    """Train the voice tower's encoder too, not its projector alone."""
    world: World | None = None
    files: tuple[File, ...] = ()
    val: float = 0.1
    """Share of people held out of `files`."""
    refuse: tuple[str, ...] = ()
    """Folders of benchmarks (data cards' roots): clips with the same bytes are refused."""
    style: Style = "whole"
    pictures: tuple[str, ...] = ("strip", "face", "voice")
    labels: tuple[str, ...] = BASIC
    """That the prompt names."""
    curriculum: tuple[Phase, ...] = ()
    """SFT: stretches in order; empty goes through all rows with whole completions."""
    rewards: dict[str, float] = field(default_factory=lambda: dict(REWARDS))
    """GRPO: weights of finetune.rewards."""
    sampler: Literal["plain", "efficient"] = "plain"
    """GRPO: rows in random order, or by what there is to learn from them."""
    sampling: Settings = field(default_factory=Settings)
    """GRPO: how the efficient sampler judges rows."""
    loop: Loop = field(default_factory=Loop)
    guided: bool = False
    """Whether a new model reads pictures as the prompt asks (agent/bridge/guided.py)."""
    trainer: dict[str, Any] = field(default_factory=dict)
    """Settings of TRL's SFTConfig or GRPOConfig, in their names."""

    def __post_init__(self) -> None:
        if self.world is None and not self.files:
            raise ValueError("needs data: world or files")
        if self.style == "steps" and (self.world is not None or self.kind != "sft"):
            raise ValueError("style: steps is for SFT on files")
        if "output_dir" in self.trainer:
            raise ValueError("trainer.output_dir is `out`")


def read(path: str | Path, changes: Sequence[str] | None = None) -> Recipe:
    """The recipe of a YAML file with `key=value` changes on top. Raises RecipeError."""
    return read_recipe(Recipe, path, changes)


__all__ = ["File", "Lora", "Phase", "Recipe", "RecipeError", "Tiny", "World", "read"]
