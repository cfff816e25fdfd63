"""Data-efficient GRPO on TRL's own trainer, with a tiny random language model.

~/bridge-env/bin/python -m pytest tests/test_efficient.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch: tests/bridge_setup.sh makes a place")
trl = pytest.importorskip("trl", reason="needs trl: tests/bridge_setup.sh makes a place")

import tiny_qwen3vl  # noqa: E402
import transformers  # noqa: E402
from datasets import Dataset  # noqa: E402

from finetune.efficient import EfficientGRPOTrainer  # noqa: E402
from finetune.sampling import Settings  # noqa: E402

ROWS = 6
GROUP = 2


def model(words: Any) -> Any:
    torch.manual_seed(5)
    return transformers.Qwen3ForCausalLM(
        transformers.Qwen3Config(
            vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=1, head_dim=16, tie_word_embeddings=True,
            eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip


def vowels(completions: list[str], prompts: list[str], **_: Any) -> list[float]:
    """Something to earn; the first two rows earn nothing ever."""
    return [
        0.0 if prompt in ("0", "1") else sum(c in "aeiou" for c in text) / (1 + len(text))
        for text, prompt in zip(completions, prompts, strict=True)
    ]


def trainer(folder: Path, steps: int, **how: Any) -> Any:
    words = tiny_qwen3vl.tokenizer()
    words.padding_side = "left"
    settings = trl.GRPOConfig(**{
        "output_dir": str(folder), "max_steps": steps, "per_device_train_batch_size": 4,
        "num_generations": GROUP, "max_completion_length": 6, "report_to": [], "use_cpu": True,
        "bf16": False, "logging_steps": 1, "learning_rate": 1e-3, "save_steps": 4, "seed": 3,
    } | how)  # fmt: skip
    data = Dataset.from_dict({
        "prompt": [str(n) for n in range(ROWS)], "id": [f"row-{n}" for n in range(ROWS)],
    })  # fmt: skip
    return EfficientGRPOTrainer(
        model(words), reward_funcs=[vowels], args=settings, train_dataset=data,
        processing_class=words, sampling=Settings(reprobe=3),
    )  # fmt: skip


def losses(made: Any) -> list[float]:
    return [entry["loss"] for entry in made.state.log_history if "loss" in entry]


def test_rollouts_leave_the_samples_that_tell_nothing(tmp_path: Path) -> None:
    made = trainer(tmp_path, 14, save_strategy="no")
    drawn: list[int] = []
    draw = made.ledger.draw
    made.ledger.draw = lambda size: drawn.extend(chosen := draw(size)) or chosen
    made.train()
    assert set(made.ledger.phases[:2]) <= {"cool", "exploit"}
    assert made.ledger.utilities[:2] == [0.0, 0.0]
    assert min(made.ledger.utilities[2:]) > 0
    assert drawn.count(0) + drawn.count(1) < len(drawn) / 3
    logged = made.state.log_history[-2]
    shares = [logged[f"sampling/{phase}"] for phase in ("discover", "exploit", "cool", "removed")]
    assert sum(shares) == pytest.approx(1.0)


@pytest.mark.parametrize("how", [{}, {"gradient_accumulation_steps": 2, "num_iterations": 2}])
@pytest.mark.parametrize("stop", [4, 8])
def test_a_resumed_run_draws_and_learns_as_one_never_stopped(
    tmp_path: Path, how: dict[str, Any], stop: int
) -> None:
    """The same samples, losses and ledger from the checkpoint on, in an epoch's middle too."""
    whole = trainer(tmp_path / "whole", 12, **how)
    whole.train()
    again = trainer(tmp_path / "again", 12, **how)
    again.train(resume_from_checkpoint=str(tmp_path / "whole" / f"checkpoint-{stop}"))
    assert again.ledger.state() == whole.ledger.state()
    assert losses(again) == losses(whole)


def test_the_state_is_in_the_trainers_own_file(tmp_path: Path) -> None:
    trainer(tmp_path, 4).train()
    kept = json.loads((tmp_path / "checkpoint-4" / "trainer_state.json").read_text())
    kept = kept["stateful_callbacks"]["KeepsUtility"]["attributes"]["kept"]
    assert kept["ledger"]["count"] == ROWS
    assert sum(kept["ledger"]["visits"]) == 4 * 4 // GROUP


def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path, 4).train()
    other = trainer(tmp_path, 8)
    other.sampler.ledger.count = 5
    with pytest.raises(ValueError, match="6 samples, the data set 5"):
        other.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))


def test_rows_without_ids_are_refused(tmp_path: Path) -> None:
    words = tiny_qwen3vl.tokenizer()
    settings = trl.GRPOConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to=[], num_generations=2,
        per_device_train_batch_size=2,
    )  # fmt: skip
    for rows, told in (({"prompt": ["a"]}, "with an 'id'"), ({"prompt": ["a"] * 3, "id": ["x"] * 3},
                                                            "2 rows share")):  # fmt: skip
        with pytest.raises(ValueError, match=told):
            EfficientGRPOTrainer(
                model(words), reward_funcs=[vowels], args=settings,
                train_dataset=Dataset.from_dict(rows), processing_class=words,
            )  # fmt: skip
