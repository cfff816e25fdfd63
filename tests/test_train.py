"""Recipes run: SFT, GRPO, checkpoints and export on tiny random models, as the real ones would.

sh tests/bridge_setup.sh ~/bridge-env
~/bridge-env/bin/python -m pytest tests/test_train.py
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pictures

torch = pytest.importorskip("torch", reason="needs torch: tests/bridge_setup.sh makes a place")
transformers = pytest.importorskip("transformers", reason="needs transformers, as torch")
pytest.importorskip("trl", reason="needs trl: tests/bridge_setup.sh")
pytest.importorskip("peft", reason="needs peft: tests/bridge_setup.sh")


import tiny_duchenne  # noqa: E402
import tiny_qwen3vl  # noqa: E402

from finetune import bench_noise, checkpoints, export, load, plan, train, world, world_shelf  # noqa: E402
from finetune.recipe import RecipeError  # noqa: E402
from finetune.settings import Recipe, read  # noqa: E402

RECIPES = Path(train.__file__).parent / "recipes"
SMALL = (
    "world.train=16", "world.test=5", "world.people=3",
    "tiny={hidden: 32, layers: 2, heads: 2, voice: 16, voice_layers: 1, pieces: 400}",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def tiny(place: Path, kind: str, *changes: str) -> Recipe:
    """A recipe of the small world, smaller still."""
    path = RECIPES / f"tiny-world-{kind}.yaml"
    where = [f"model={place}/base", f"out={place}/{kind}", f"world.shelf={place}/world"]
    return read(path, [*SMALL, *where, "trainer.logging_steps=1", *changes])


SHORT = ("curriculum=[{stage: attributes, rows: 4}, {stage: emotion, rows: 12}]",
         "trainer.per_device_train_batch_size=4", "trainer.save_steps=2")  # fmt: skip


@pytest.fixture(scope="module")
def taught(place: Path) -> Path:
    """The last checkpoint of an SFT."""
    return train.run(tiny(place, "sft", *SHORT))


def losses(checkpoint: Path) -> list[float]:
    state = json.loads((checkpoint / "trainer_state.json").read_text())
    return [entry["loss"] for entry in state["log_history"] if "loss" in entry]


# --- from random weights to a served checkpoint ---------------------------------------------


def test_sft_learns_and_leaves_a_whole_checkpoint(taught: Path, place: Path) -> None:
    assert taught.name == "checkpoint-4" and not checkpoints.faults(taught)
    assert float(losses(taught)[-1]) < float(losses(taught)[0])
    assert load.origin(taught)["model"] == f"{place}/base"
    assert [p.name for p in (place / "sft").glob("checkpoint-*")]


def test_grpo_goes_on_from_sft_with_our_rewards(taught: Path, place: Path) -> None:
    few = ("trainer.max_steps=2", "trainer.per_device_train_batch_size=4",
           "trainer.num_generations=2", "trainer.max_completion_length=12", "tiny=null",
           f"model={taught}")  # fmt: skip
    for sampler in ("plain", "efficient"):
        out = f"out={place}/grpo-{sampler}"
        last = train.run(tiny(place, "grpo", *few, out, f"sampler={sampler}"))
        state = json.loads((last / "trainer_state.json").read_text())
        logged = {key for entry in state["log_history"] for key in entry}
        assert {f"rewards/{n}/mean" for n in ("form", "emotion", "units", "alignment")} <= logged
        assert state["global_step"] == 2 and not checkpoints.faults(last)


def test_how_noisy_a_step_is_can_be_measured(taught: Path, place: Path) -> None:
    """Batches that are the same are wholly alike."""
    one = torch.nn.functional.normalize(torch.ones(1, 8))
    assert bench_noise.alike(one.repeat(3, 1)) == (pytest.approx(1.0), pytest.approx(0.0))
    assert bench_noise.alike(torch.eye(4)) == (0.0, 0.0)
    recipe = tiny(place, "grpo", "trainer.per_device_train_batch_size=4",
                  "trainer.num_generations=2", "trainer.max_completion_length=12", "tiny=null",
                  f"model={taught}")  # fmt: skip
    found = bench_noise.gradients(recipe, 2)
    weights = sum(w.numel() for w in train.build(recipe).model.parameters() if w.requires_grad)
    # What it writes earns nothing yet, so there is nothing to follow, and no division by it.
    assert found.shape[0] == 2 and 0 < found.shape[1] <= weights
    assert torch.isfinite(found).all()


def test_an_exported_checkpoint_carries_a_probe_that_it_meets(taught: Path, place: Path) -> None:
    out = export.export(taught, place / "served")
    told = json.loads((out / export.PROBE).read_text())
    assert (told["version"], told["model_type"]) == (1, "duchenne")
    assert [p["name"] for p in told["prompts"]] == ["text", "picture", "voice", "both"]
    model = transformers.AutoModelForImageTextToText.from_pretrained(out).eval()
    processor = transformers.AutoProcessor.from_pretrained(out)
    for prompt in told["prompts"]:
        assert len(prompt["top"]) == 20
        inputs = processor.apply_chat_template(
            _opened(prompt["messages"]), add_generation_prompt=True, tokenize=True,
            return_dict=True, return_tensors="pt",
        )  # fmt: skip
        with torch.inference_mode():
            sure = torch.log_softmax(model(**inputs).logits[0, -1], -1)
        for each in prompt["top"]:
            assert float(sure[each["id"]]) == pytest.approx(each["logprob"], abs=1e-3)
    with pytest.raises(RecipeError, match="is there already"):
        export.export(taught, out)
    with pytest.raises(RecipeError, match="is no checkpoint of a training"):
        export.export(place / "base", place / "other")


def _opened(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """OpenAI's form as the processor takes it."""
    parts: list[dict[str, Any]] = []
    for part in messages[0]["content"]:
        if part["type"] == "image_url":
            data = base64.b64decode(part["image_url"]["url"].split(",")[1])
            parts.append({"type": "image", "image": Pictures.open(io.BytesIO(data))})
        else:
            parts.append(part)
    return [{"role": "user", "content": parts}]


def test_adapters_are_merged_into_what_they_were_trained_on(place: Path, taught: Path) -> None:
    """Also where GRPO's adapters lie on those of SFT."""
    few = ("tune=lora", "lora.rank=4", "trainer.learning_rate=1e-2", f"model={taught}", "tiny=null")
    recipe = tiny(place, "sft", *SHORT, *few, f"out={place}/lora")
    last = train.run(recipe)
    assert (last / "adapter_config.json").is_file()
    out = export.export(last, place / "merged")
    model, processor, none = load.model(replace(recipe, model=str(last)))
    assert none is None
    merged = transformers.AutoModelForImageTextToText.from_pretrained(out).eval()
    inputs = processor.tokenizer("loud voice [V2]", return_tensors="pt")
    with torch.inference_mode():
        one, other = (m.eval()(**inputs).logits for m in (model, merged))
    assert torch.allclose(one, other, atol=1e-4)
    with model.disable_adapter(), torch.inference_mode():
        assert not torch.allclose(model(**inputs).logits, other, atol=1e-2)


# --- going on -------------------------------------------------------------------------------


def test_a_resumed_training_is_the_one_that_was_never_stopped(place: Path, taught: Path) -> None:
    """Same losses, same weights: step, order of rows and randomness come back."""
    recipe = tiny(place, "sft", *SHORT, f"out={place}/again")
    built = train.build(recipe)

    class Stops(transformers.TrainerCallback):  # type: ignore[misc]  # no types here
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            control.should_training_stop = True

    built.trainer.add_callback(Stops())
    assert train.train(built).name == "checkpoint-2"
    last = train.run(recipe)
    assert losses(last) == losses(taught)
    one, other = (
        load.model(replace(recipe, model=str(path), tiny=None))[0].state_dict()
        for path in (last, taught)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


_KILLS = """
import os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, TESTS)
from test_train import checkpoints, tiny, train
place, out, long = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
draw, kills, saving = random.Random(0), 0, 0
while True:
    child = os.fork()
    if child == 0:
        train.run(tiny(place, "sft", *long, f"out={out}"))
        os._exit(0)
    before, ended = set(out.glob("*")), 0
    while not ended and not (set(out.glob("*")) - before):
        ended, _ = os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)
    if not ended and kills < 20:
        time.sleep(draw.choice((draw.uniform(0, 0.08), draw.uniform(0, 1.5))))
        saving += bool(list(out.glob(".saving-*")))
        os.kill(child, signal.SIGKILL)
        kills += 1
    if not ended:
        _, status = os.waitpid(child, 0)
        if status == 0:
            break
    else:
        break
print("kills", kills, "within a save", saving)
"""


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_twenty_kills_at_random_moments_lose_nothing_that_was_saved(place: Path) -> None:
    """The losses are those of a run that was never killed."""
    long = ["curriculum=[{stage: emotion, rows: 320}]", "trainer.per_device_train_batch_size=4",
            "trainer.save_steps=2", "trainer.save_total_limit=3"]  # fmt: skip
    whole = losses(train.run(tiny(place, "sft", *long, f"out={place}/whole")))
    script, out = place / "kills.py", place / "killed"
    script.write_text(_KILLS.replace("TESTS", repr(str(Path(__file__).parent))))
    # A process that has loaded everything and forks, so that only the training starts again.
    done = subprocess.run(
        [sys.executable, str(script), str(place), str(out), *long],
        capture_output=True, text=True, timeout=2900, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = done.stdout.splitlines()[-1].split()
    print(*told)
    assert told[1] == "20" and int(told[-1]) > 0
    found = checkpoints.last(out)
    assert found is not None and found.name == "checkpoint-80"
    assert losses(found) == whole


# --- on several processes -------------------------------------------------------------------

_RANKS = """
import os
import sys
import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard
sys.path.insert(0, TESTS)
from test_bridge import asked
from tiny_duchenne import photo, voice
import transformers
import agent.bridge
dist.init_process_group("gloo")
rank = dist.get_rank()
model = transformers.AutoModelForImageTextToText.from_pretrained(sys.argv[1]).train()
processor = transformers.AutoProcessor.from_pretrained(sys.argv[1])
for layer in (*model.model.language_model.layers, *model.model.visual.blocks,
              *model.model.voice.encoder.layers):
    fully_shard(layer)
fully_shard(model)
shown = [[voice(1.0)], []], [[photo()], [voice(1.0), photo()]], [[], []]
for step in shown:
    loss = model(**asked(processor, step[rank])).logits.float().pow(2).mean()
    loss.backward()
    assert torch.isfinite(loss), loss
grads = [w.grad is not None for w in model.model.voice.projector.parameters()]
assert all(grads), grads
os.write(1, f"done {rank}\\n".encode())  # in one piece: both write to one pipe
dist.destroy_process_group()
"""


def test_processes_with_different_pictures_do_not_wait_for_each_other(place: Path) -> None:
    """Weights sharded over two: one has a voice, the other a photo, or nothing at all."""
    base = place / "ranks" / "base"
    base.mkdir(parents=True)
    tiny_duchenne.base(base)
    script = place / "ranks.py"
    script.write_text(_RANKS.replace("TESTS", repr(str(Path(__file__).parent))))
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         str(script), str(base)],
        capture_output=True, text=True, timeout=240, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert sorted(re.findall(r"^done (\d)$", done.stdout, re.MULTILINE)) == ["0", "1"]


# --- recipes for real use -------------------------------------------------------------------


@pytest.mark.parametrize("size", ["8b", "2b"])
@pytest.mark.parametrize("kind", ["sft", "grpo"])
def test_real_recipes_are_sound_on_a_shrunken_model(size: str, kind: str, tmp_path: Path) -> None:
    """Everything is built from the recipe as it is shipped, but for what needs a GPU."""
    stock, ears = tmp_path / "stock", tmp_path / "ears"
    tiny_qwen3vl.make(stock)
    ears.mkdir()
    tiny_duchenne.whisper(ears)
    changes = [
        f"model={stock}", f"audio={ears}", "tune=lora", "trainer.bf16=false", "val=0.0",
        f"files=[{{path: {_own(tmp_path)}, format: own}}]", f"out={tmp_path}/out",
    ]  # fmt: skip
    if kind == "grpo":
        changes += ["trainer.use_vllm=false"]
    recipe = read(RECIPES / f"qwen3-vl-{size}-{kind}.yaml", changes)
    found = plan.plan(train.build(recipe))
    assert set(found["trained in"]) == {"adapters", "voice"}
    assert 0 < found["trained share"] < 0.6
    assert found["tokens per sample"]["prompt"][0] > 1000
    assert found["memory"]["all"] > found["memory"]["weights"] > 0
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("checkpoint-*"))


def _own(folder: Path) -> Path:
    """A file of our own format: evidence that was looked at before, and its pictures."""
    rows = []
    for n, scene in enumerate(world.scenes(9, 3, range(3), 0.0)):
        kept = world_shelf.keep(scene)
        (folder / f"{n}.json").write_text(kept.evidence.to_json())
        (folder / f"{n}.png").write_bytes(kept.pictures[0].png)
        rows.append({"id": str(n), "evidence": f"{n}.json", "pictures": [f"{n}.png"],
                     "emotion": kept.emotion, "person": f"p{n}", "split": "train"})  # fmt: skip
    path = folder / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_a_setting_that_trl_does_not_know_is_told(place: Path) -> None:
    with pytest.raises(RecipeError, match=r"unknown key 'trainer.lerning_rate'.*learning_rate"):
        train.build(tiny(place, "sft", "trainer.lerning_rate=1"), rows=[])
    with pytest.raises(RecipeError, match=r"unknown key 'rewards.emotoin'; did you mean emotion"):
        train.build(tiny(place, "grpo", "rewards.emotoin=1"), rows=[])
