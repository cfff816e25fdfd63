"""Four bits: what is held in them, that QLoRA trains, and what rounding costs.

sh tests/bridge_setup.sh ~/bridge-env
~/bridge-env/bin/python -m pytest tests/test_quantised.py
"""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch: tests/bridge_setup.sh makes a place")
transformers = pytest.importorskip("transformers", reason="needs transformers, as torch")
bitsandbytes = pytest.importorskip("bitsandbytes", reason="needs bitsandbytes, as torch")
pytest.importorskip("trl", reason="needs trl: tests/bridge_setup.sh")
pytest.importorskip("peft", reason="needs peft: tests/bridge_setup.sh")

import tiny_duchenne  # noqa: E402
from test_bridge import asked  # noqa: E402
from test_train import RECIPES, _own  # noqa: E402
from tiny_duchenne import photo, voice  # noqa: E402

from agent.bridge import DuchenneConfig, quantise  # noqa: E402
from agent.models.clients import hf  # noqa: E402
from finetune import checkpoints, export, load, train  # noqa: E402
from finetune.recipe import RecipeError  # noqa: E402
from finetune.settings import Recipe, read  # noqa: E402

PICTURES = {
    "words": [],
    "photo": [photo()],
    "voice": [voice(1.0)],
    "both": [voice(1.0), photo()],
}


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FOLDER/qwen3vl and FOLDER/whisper, and FOLDER/base made of both."""
    place = tmp_path_factory.mktemp("stock")
    tiny_duchenne.base(place / "base")
    return place


@pytest.fixture(scope="module")
def full(stock: Path) -> Any:
    kind = transformers.AutoModelForImageTextToText
    return kind.from_pretrained(stock / "base", dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def rounded(stock: Path) -> Any:
    """The same in four bits."""
    config = transformers.AutoConfig.from_pretrained(stock / "base")
    kind = transformers.AutoModelForImageTextToText
    how = quantise.four_bits(config)
    return kind.from_pretrained(stock / "base", dtype=torch.float32, **how).eval()


def recipe(stock: Path, place: Path, *changes: str) -> Recipe:
    """The recipe for 8B as it is shipped, on a shrunken base."""
    where = [f"model={stock}/qwen3vl", f"audio={stock}/whisper", f"out={place}/out", "val=0.0",
             f"files=[{{path: {_own(place)}, format: own}}]"]  # fmt: skip
    return read(RECIPES / "qwen3-vl-8b-sft.yaml", [*where, *changes])


def in_four_bits(model: Any) -> set[str]:
    return {n for n, m in model.named_modules() if isinstance(m, bitsandbytes.nn.Linear4bit)}


def plain(model: Any) -> set[str]:
    """Linear layers that are not quantised."""
    return {n for n, m in model.named_modules() if type(m) is torch.nn.Linear}


# --- what is quantised ----------------------------------------------------------------------


def test_only_the_language_model_is_in_four_bits(rounded: Any) -> None:
    quantised = in_four_bits(rounded)
    assert len(quantised) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in quantised)
    beside = plain(rounded)
    assert not any("language_model" in name for name in beside)
    for part in ("lm_head", "model.visual.", "model.voice.encoder.", "model.voice.projector."):
        assert any(name.startswith(part) for name in beside)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("Qwen3VLConfig", {"model.visual", "lm_head"}),
        ("LlavaConfig", {"model.vision_tower", "model.multi_modal_projector", "lm_head"}),
        ("Idefics3Config", {"model.vision_model", "model.connector", "lm_head"}),
    ],
)
def test_names_come_from_the_architecture(config: str, expected: set[str]) -> None:
    """Local models of other families have their towers under other names."""
    assert set(quantise.left_out(getattr(transformers, config)())) == expected


def test_what_reads_as_the_prompt_asks_is_left_out(stock: Path) -> None:
    """`guided` is new and trained in full."""
    halves = (transformers.AutoConfig.from_pretrained(stock / p) for p in ("qwen3vl", "whisper"))
    config = DuchenneConfig.of(*halves, guided=True)
    assert set(quantise.left_out(config)) == {
        "model.visual", "model.voice", "model.guided", "lm_head"
    }  # fmt: skip


def test_the_local_host_quantises_the_same_layers(
    stock: Path, rounded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the settings it takes on a GPU; on a processor it holds whole numbers."""
    config = transformers.AutoConfig.from_pretrained(stock / "base")
    settings = hf.precision(config, gpu=True)
    kind = transformers.AutoModelForImageTextToText
    model = kind.from_pretrained(stock / "base", **settings)
    assert in_four_bits(model) == in_four_bits(rounded)
    assert model.model.voice.projector[0].weight.dtype is torch.bfloat16
    assert hf.precision(config, gpu=False) == {"dtype": torch.float32}
    monkeypatch.setenv("DUCHENNE_FULL_PRECISION", "1")
    assert "quantization_config" not in hf.precision(config, gpu=True)


def test_a_checkpoint_that_is_in_four_bits_stays_as_it_is(
    stock: Path, rounded: Any, tmp_path: Path
) -> None:
    """Saved in four bits, it loads through the host's settings and says the same."""
    rounded.save_pretrained(tmp_path)
    config = transformers.AutoConfig.from_pretrained(tmp_path)
    assert quantise.four_bits(config) == {}
    again = transformers.AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    assert in_four_bits(again) == in_four_bits(rounded)
    inputs = asked(transformers.AutoProcessor.from_pretrained(stock / "base"), PICTURES["both"])
    with torch.inference_mode():
        assert torch.allclose(again(**inputs).logits, rounded(**inputs).logits, atol=0.1)


# --- what rounding costs --------------------------------------------------------------------


@pytest.mark.parametrize("shown", list(PICTURES))
def test_log_probabilities_in_four_bits_are_near_the_full_ones(
    stock: Path, full: Any, rounded: Any, shown: str
) -> None:
    """Near, by what 4 bits lose; and equal to full weights rounded by hand, so nothing else is
    lost. Weights of one number lose about 9 % (norm of the error by that of the weights)."""
    by_hand = copy.deepcopy(full)
    for name in in_four_bits(rounded):
        packed, weight = rounded.get_submodule(name).weight, by_hand.get_submodule(name).weight
        loose = bitsandbytes.functional.dequantize_4bit(packed.data, packed.quant_state).float()
        lost = float(((loose - weight).norm() / weight.norm()).detach())
        assert 0.05 < lost < 0.12
        weight.data.copy_(loose)
    inputs = asked(transformers.AutoProcessor.from_pretrained(stock / "base"), PICTURES[shown])
    with torch.inference_mode():
        told = [
            torch.log_softmax(model(**inputs).logits[0].float(), -1)
            for model in (full, rounded, by_hand)
        ]
    # Computed in bfloat16, which has 8 bits.
    assert divergence(told[2], told[1]) < 2e-4
    # Next to what one token more changes, rounding changes little.
    moved = divergence(told[0][:-1], told[0][1:])
    assert 1e-3 < divergence(told[0], told[1]) < min(0.06, moved / 4)


def divergence(one: Any, other: Any) -> float:
    """Mean Kullback-Leibler divergence of log-probabilities, positions × tokens, in nats."""
    return float((one.exp() * (one - other)).sum(-1).mean())


def test_what_is_heard_and_seen_is_not_rounded(stock: Path, full: Any, rounded: Any) -> None:
    """Tokens of a voice and of a photo are those of the full model, to the last bit."""
    inputs = asked(transformers.AutoProcessor.from_pretrained(stock / "base"), PICTURES["both"])
    given = {key: inputs[key] for key in ("pixel_values", "image_grid_thw")}
    with torch.inference_mode():
        one, other = (m.model.get_image_features(**given).pooler_output for m in (full, rounded))
    assert all(torch.equal(mine, its) for mine, its in zip(one, other, strict=True))


# --- QLoRA ----------------------------------------------------------------------------------


def test_the_recipe_for_8b_takes_two_steps(stock: Path, tmp_path: Path) -> None:
    """From stock halves, as shipped but for its length; then it is merged and served in full."""
    asked_for = recipe(
        stock, tmp_path, "trainer.max_steps=2", "trainer.gradient_accumulation_steps=1",
        "trainer.warmup_steps=0", "trainer.logging_steps=1", "trainer.learning_rate=1e-2",
    )  # fmt: skip
    built = train.build(asked_for)
    bare = built.model.get_base_model()
    assert len([n for n in in_four_bits(bare) if "language_model" in n]) == 2 * 7
    assert not [n for n in in_four_bits(bare) if "language_model" not in n]
    before = {name: weight.detach().clone() for name, weight in built.model.named_parameters()}
    last = train.train(built)
    moved = {n for n, w in built.model.named_parameters() if not torch.equal(w, before[n])}
    assert moved and all("lora_" in n or "modules_to_save" in n for n in moved)
    for part in ("lora_A", "lora_B", "voice.projector", "voice.summary"):
        assert any(part in name for name in moved), part
    logged = json.loads((last / "trainer_state.json").read_text())["log_history"]
    found = [entry["loss"] for entry in logged if "loss" in entry]
    assert len(found) == 2 and all(map(math.isfinite, found))
    assert last.name == "checkpoint-2" and not checkpoints.faults(last)
    served = export.export(last, tmp_path / "served")
    merged = transformers.AutoModelForImageTextToText.from_pretrained(served)
    assert not in_four_bits(merged)
    again = load.model(replace(asked_for, model=str(last)))[0]
    assert len(in_four_bits(again.get_base_model())) == 2 * 7


def test_a_checkpoint_of_ours_is_tuned_in_four_bits_too(stock: Path, tmp_path: Path) -> None:
    """Where `model` has a voice tower of its own."""
    base, _ = load.base(recipe(stock, tmp_path, f"model={stock}/base", "audio=null"))
    assert len(in_four_bits(base)) == 2 * 7
    assert not any("language_model" not in name for name in in_four_bits(base))


def test_without_bitsandbytes_the_recipe_says_what_to_do(
    stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise, "find_spec", lambda _: None)
    with pytest.raises(RecipeError, match=r"needs bitsandbytes>=0\.46.*tune=lora"):
        load.base(recipe(stock, tmp_path))
