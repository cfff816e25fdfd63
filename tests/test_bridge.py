"""The bridge on tiny random checkpoints of the real architectures.

sh tests/bridge_setup.sh ~/bridge-env
~/bridge-env/bin/python -m pytest tests/test_bridge.py
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from agent.render.voice_picture import (
    VoicePictureError,
    decode_voice,
    encode_voice,
    is_voice_picture,
    log_mel,
)

torch = pytest.importorskip("torch", reason="needs torch: tests/bridge_setup.sh makes a place")
transformers = pytest.importorskip("transformers", reason="needs transformers, as torch")

import tiny_duchenne  # noqa: E402
import tiny_qwen3vl  # noqa: E402
from tiny_duchenne import photo, sound, voice  # noqa: E402

from agent.bridge import (  # noqa: E402
    Duchenne,
    DuchenneConfig,
    DuchenneForConditionalGeneration,
    DuchenneProcessor,
)
from agent.bridge.pixels import Layout, voices  # noqa: E402
from agent.bridge.voice import tokens  # noqa: E402

LAYOUT = Layout()


def jpeg(picture: Pictures.Image, quality: int) -> Pictures.Image:
    held = io.BytesIO()
    picture.save(held, "JPEG", quality=quality)
    return Pictures.open(io.BytesIO(held.getvalue())).convert("RGB")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two stock checkpoints on disk."""
    base = tmp_path_factory.mktemp("qwen3vl")
    audio = tmp_path_factory.mktemp("whisper")
    tiny_qwen3vl.make(base)
    tiny_duchenne.whisper(audio)
    return base, audio


@pytest.fixture(scope="module")
def stock(folders: tuple[Path, Path]) -> Any:
    return transformers.Qwen3VLForConditionalGeneration.from_pretrained(folders[0]).eval()


@pytest.fixture(scope="module")
def model(folders: tuple[Path, Path]) -> Any:
    torch.manual_seed(2)
    return Duchenne.from_base(str(folders[0]), audio=str(folders[1]), padded=False).eval()


@pytest.fixture(scope="module")
def processor(folders: tuple[Path, Path]) -> Any:
    return DuchenneProcessor.from_pretrained(folders[0])


def asked(processor: Any, pictures: list[Pictures.Image], text: str = "What is felt?") -> Any:
    content: list[dict[str, Any]] = [{"type": "image", "image": each} for each in pictures]
    chat = [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]
    return processor.apply_chat_template(
        chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )


def logits(model: Any, inputs: Any) -> Any:
    with torch.inference_mode():
        return model(**inputs).logits


# --- bytes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("seconds", [0.4, 4.8, 7.3])
def test_the_bytes_come_back_exactly_from_patches(
    processor: Any, seconds: float, dtype: str
) -> None:
    """Also where a trainer casts pixels to half precision."""
    spoken = voice(seconds)
    out = processor.image_processor([photo(), spoken, photo(96, 640)], return_tensors="pt")
    patches = out["pixel_values"].to(getattr(torch, dtype))
    found = voices(patches, out["image_grid_thw"], LAYOUT)
    assert [each is not None for each in found] == [False, True, False]
    assert np.array_equal(found[1].mel, decode_voice(spoken).mel)  # type: ignore[union-attr]
    assert found[1].start == 1.5  # type: ignore[union-attr]


def test_the_marker_is_looked_for_where_the_picture_says(processor: Any) -> None:
    """Routing from patches agrees with routing from pixels for pictures of all sizes."""
    sizes = ((256, 64), (1024, 256), (704, 160), (640, 640), (448, 64), (300, 40))
    pictures = [voice().resize(size) for size in sizes]
    pictures += [photo(), Pictures.new("RGB", (512, 128)), Pictures.new("RGB", (512, 128), "white")]
    for each in pictures:
        size = {"shortest_edge": 32 * 32, "longest_edge": 2048 * 2048}
        out = processor.image_processor([each], size=size, return_tensors="pt")
        _, height, width = out["image_grid_thw"][0].tolist()
        try:
            heard = voices(out["pixel_values"], out["image_grid_thw"], LAYOUT)[0] is not None
        except VoicePictureError:
            heard = True
        assert heard == is_voice_picture(each.resize((width * 16, height * 16)))


# --- refused --------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", [30, 60, 90, 95, 100])
def test_a_compressed_voice_picture_is_refused(processor: Any, quality: int) -> None:
    with pytest.raises(VoicePictureError, match="JPEG"):
        asked(processor, [photo(), jpeg(voice(), quality)])


@pytest.mark.parametrize("size", [(512, 256), (1024, 256), (544, 128), (480, 160)])
def test_a_resized_voice_picture_is_refused(processor: Any, size: tuple[int, int]) -> None:
    with pytest.raises(VoicePictureError, match=r"resized|cut or padded|header is damaged"):
        asked(processor, [voice().resize(size)])


def test_a_resize_by_the_processor_itself_is_refused(folders: tuple[Path, Path]) -> None:
    small = DuchenneProcessor.from_pretrained(folders[0])
    small.image_processor.size = {"shortest_edge": 1024, "longest_edge": 128 * 256}
    with pytest.raises(VoicePictureError, match="resized"):
        asked(small, [voice()])


def test_the_model_refuses_what_passed_a_stock_processor(
    folders: tuple[Path, Path], model: Any
) -> None:
    stock = transformers.AutoProcessor.from_pretrained(folders[0])
    inputs = asked(stock, [jpeg(voice(), 90)])
    with pytest.raises(VoicePictureError, match="JPEG"):
        logits(model, inputs)


def test_one_changed_pixel_is_refused(processor: Any) -> None:
    spoken = voice()
    spoken.putpixel((100, 64), tuple(value ^ 1 for value in spoken.getpixel((100, 64))))
    with pytest.raises(VoicePictureError, match="pixels were changed"):
        asked(processor, [spoken])


# --- the model ------------------------------------------------------------------------------


def test_without_voice_pictures_the_base_answers_to_the_last_bit(
    stock: Any, model: Any, processor: Any
) -> None:
    for pictures in ([], [photo()], [photo(), photo(96, 640, 1), photo(512, 128, 2)]):
        inputs = asked(processor, pictures)
        assert torch.equal(logits(stock, inputs), logits(model, inputs))


def test_a_voice_picture_is_heard_and_not_seen(stock: Any, model: Any, processor: Any) -> None:
    inputs = asked(processor, [voice(3.0, hertz=150)])
    other = asked(processor, [voice(3.0, hertz=400)])
    assert not torch.allclose(logits(stock, inputs), logits(model, inputs), atol=1e-3)
    assert not torch.allclose(logits(model, other), logits(model, inputs), atol=1e-4)
    seen = []
    hook = model.model.visual.register_forward_hook(lambda *_: seen.append(1))
    logits(model, inputs)
    hook.remove()
    assert not seen


def test_pictures_keep_their_places_beside_voices(model: Any, processor: Any) -> None:
    """A picture's features do not depend on the voices around it, nor a voice's on pictures."""
    mixed = [voice(2.0), photo(), voice(6.1, seed=1), photo(96, 640, 1), voice(2.0, hertz=300)]
    inputs = asked(processor, mixed)
    with torch.inference_mode():
        whole = model.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"])
        for n, each in enumerate(mixed):
            alone = asked(processor, [each])
            one = model.get_image_features(alone["pixel_values"], alone["image_grid_thw"])
            assert len(one.pooler_output) == 1
            assert torch.allclose(whole.pooler_output[n], one.pooler_output[0], atol=1e-5)
            for level, alone_level in zip(
                whole.deepstack_features, one.deepstack_features, strict=True
            ):
                assert torch.allclose(level[n], alone_level[0], atol=1e-5)
                assert bool(level[n].any()) != is_voice_picture(each)


def test_a_voice_takes_the_tokens_of_its_picture(model: Any, processor: Any) -> None:
    """One token for 80 ms, one column of four for the marker; silence after the sound is empty."""
    picture = voice(1.0)
    inputs = asked(processor, [picture])
    with torch.inference_mode():
        told = model.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"])
    told = told.pooler_output[0]
    assert len(told) == tokens(100) == 4 * 16
    in_time = told.reshape(4, 16, -1)[:, 1:].transpose(0, 1).reshape(60, -1)
    empty = model.model.voice.empty.weight[0]
    assert [bool(torch.equal(each, empty)) for each in in_time] == [False] * 13 + [True] * 47


def test_the_encoder_hears_in_time_order(model: Any, processor: Any) -> None:
    """A change of the sound in its last third moves late tokens much and early ones little."""
    quiet, loud = sound(3.0), sound(3.0)
    loud[32_000:] *= 3
    told = []
    for samples in (quiet, loud):
        inputs = asked(processor, [encode_voice(log_mel(samples))])
        with torch.inference_mode():
            features = model.model.voice(voices(inputs["pixel_values"], inputs["image_grid_thw"],
                                                LAYOUT))[0]  # fmt: skip
        told.append(features.reshape(4, 16, -1)[:, 1:].transpose(0, 1).reshape(60, -1)[:37])
    moved = (told[0] - told[1]).norm(dim=1)
    assert moved[26:].mean() > 2 * moved[:24].mean()


def test_padded_it_is_whispers_own_encoder(folders: tuple[Path, Path]) -> None:
    """The states are those of the stock encoder on the stock extractor's features."""
    torch.manual_seed(2)
    model = Duchenne.from_base(str(folders[0]), audio=str(folders[1])).eval()
    heard = decode_voice(voice(2.0))
    extractor = transformers.WhisperFeatureExtractor(feature_size=128)
    features = extractor(sound(2.0), sampling_rate=16_000, return_tensors="pt")["input_features"]
    encoder = transformers.WhisperModel.from_pretrained(folders[1]).encoder.eval()
    with torch.inference_mode():
        wanted = encoder(features).last_hidden_state[0]
        found = model.model.voice._encode([heard])[0]
    assert found.shape == wanted.shape
    # The one column of sound and silence together, after the last, is not in the picture.
    assert (found - wanted).abs().mean() < 1e-4


def test_thirty_seconds_fit_and_more_is_never_written(model: Any, processor: Any) -> None:
    inputs = asked(processor, [voice(30.0)])
    assert torch.isfinite(logits(model, inputs)).all()


# --- checkpoints ----------------------------------------------------------------------------


def test_a_checkpoint_is_read_back_by_the_auto_classes(
    model: Any, processor: Any, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    config = transformers.AutoConfig.from_pretrained(tmp_path)
    assert isinstance(config, DuchenneConfig)
    assert config.voice_padded is False
    assert config.voice_config.d_model == 32
    assert config.architectures == ["DuchenneForConditionalGeneration"]
    again = transformers.AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    reader = transformers.AutoProcessor.from_pretrained(tmp_path)
    assert isinstance(again, DuchenneForConditionalGeneration)
    assert isinstance(reader, DuchenneProcessor)
    inputs = asked(reader, [voice(), photo()])
    read = again.state_dict()
    assert all(torch.equal(value, read.pop(key)) for key, value in model.state_dict().items())
    assert not read
    assert torch.allclose(logits(model, inputs), logits(again, inputs), atol=1e-5)


def test_both_halves_come_from_their_checkpoints(
    folders: tuple[Path, Path], stock: Any, model: Any
) -> None:
    mine = model.state_dict()
    assert all(torch.equal(mine[key], value) for key, value in stock.state_dict().items())
    encoder = transformers.WhisperModel.from_pretrained(folders[1]).encoder.state_dict()
    assert all(
        torch.equal(mine[f"model.voice.encoder.{key}"], value) for key, value in encoder.items()
    )
    new = {key for key in mine if key not in stock.state_dict() and ".encoder." not in key}
    assert {key.split(".")[2] for key in new} == {"projector", "summary", "empty"}


def test_other_checkpoints_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    base, audio = map(str, folders)
    with pytest.raises(ValueError, match="audio must be a Whisper checkpoint; this one is 'qwen3"):
        Duchenne.from_base(base, audio=base)
    tiny_duchenne.whisper(tmp_path, bands=80)
    with pytest.raises(ValueError, match="hears 80 mel bands"):
        Duchenne.from_base(base, audio=str(tmp_path))
    assert audio


# --- use ------------------------------------------------------------------------------------


def test_generation_hears_the_voice_once(model: Any, processor: Any) -> None:
    inputs = asked(processor, [voice(), photo()])
    heard = []
    hook = model.model.voice.register_forward_hook(lambda *_: heard.append(1))
    out = model.generate(**inputs, max_new_tokens=5, min_new_tokens=5, do_sample=False)
    hook.remove()
    assert out.shape[1] == inputs["input_ids"].shape[1] + 5
    assert len(heard) == 1


def test_the_projector_learns_to_tell_two_voices(
    folders: tuple[Path, Path], processor: Any
) -> None:
    """Gradients reach the tower through the language model, and a few steps tell high from low."""
    torch.manual_seed(3)
    model = Duchenne.from_base(str(folders[0]), audio=str(folders[1]), padded=False)
    for name, weight in model.named_parameters():
        weight.requires_grad_(".voice." in name and "embed_positions" not in name)
    optimizer = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], 3e-3)
    words = processor.tokenizer(["high", "low"], add_special_tokens=False)["input_ids"]
    answers = [word[0] for word in words]

    def score(seed: int) -> Any:
        both = [asked(processor, [voice(1.0, hertz=h, seed=seed)]) for h in (500.0, 120.0)]
        return torch.stack([model(**each).logits[0, -1, answers] for each in both])

    first = torch.nn.functional.cross_entropy(score(0), torch.arange(2))
    for step in range(40):
        loss = torch.nn.functional.cross_entropy(score(step), torch.arange(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    grads = {n: float(w.grad.abs().max()) for n, w in model.named_parameters() if w.requires_grad}
    assert all(value > 0 for value in grads.values()), grads
    assert loss < first / 4
    with torch.inference_mode():
        assert score(99).argmax(1).tolist() == [0, 1]


def test_the_host_of_local_models_loads_a_duchenne_checkpoint(
    model: Any, processor: Any, tmp_path: Path
) -> None:
    """With a voice picture among the pictures, which takes no more tokens than it has."""
    from agent.models.clients import Message
    from agent.models.clients.hf import HuggingFaceHost
    from agent.schema.picture import Picture

    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    host = HuggingFaceHost(str(tmp_path), max_tokens=3)
    held = io.BytesIO()
    voice(1.0).save(held, "PNG")
    counts = [
        host.complete([Message("user", "What is felt?", pictures)], {"type": "object"})
        for pictures in ((), (Picture("voice", held.getvalue()),))
    ]
    assert counts[1].prompt_tokens - counts[0].prompt_tokens == tokens(100) + 2


# --- training -------------------------------------------------------------------------------


def _lora() -> Any:
    """Adapters on the language model, what is new of the voice tower in full."""
    peft = pytest.importorskip("peft", reason="needs peft: tests/bridge_setup.sh")
    return peft.LoraConfig(
        r=4,
        target_modules=r"model\.language_model.*\.(q_proj|v_proj)",
        modules_to_save=["voice.projector", "voice.summary", "voice.empty"],
    )


def _rows() -> list[Any]:
    from finetune import world

    return [world.row(scene, ("voice",)) for scene in world.scenes(10, 0, range(3))]


def test_trls_sft_trains_the_projector_and_the_adapters(
    folders: tuple[Path, Path], processor: Any, tmp_path: Path
) -> None:
    """Rows of the small world through the stock trainer; nothing else of the model moves."""
    trl = pytest.importorskip("trl", reason="needs trl: tests/bridge_setup.sh")
    from finetune import tables

    torch.manual_seed(4)
    model = Duchenne.from_base(str(folders[0]), audio=str(folders[1]), padded=False)
    settings = trl.SFTConfig(
        output_dir=str(tmp_path), max_steps=3, per_device_train_batch_size=2, report_to=[],
        use_cpu=True, bf16=False, max_length=None, logging_steps=1, learning_rate=1e-2,
    )  # fmt: skip
    trainer = trl.SFTTrainer(
        model, args=settings, train_dataset=tables.sft(_rows()), processing_class=processor,
        peft_config=_lora(),
    )  # fmt: skip
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.train()
    moved = {n for n, v in trainer.model.named_parameters() if not torch.equal(v, before[n])}
    assert all("lora_" in name or "modules_to_save" in name for name in moved)
    assert any("voice.projector" in name for name in moved)
    assert any("lora_B" in name for name in moved)
    losses = [float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0]


def test_trls_grpo_takes_the_rewards_and_the_voice_pictures(
    folders: tuple[Path, Path], processor: Any, tmp_path: Path
) -> None:
    trl = pytest.importorskip("trl", reason="needs trl: tests/bridge_setup.sh")
    from finetune import tables
    from finetune.rewards import REWARDS

    model = Duchenne.from_base(str(folders[0]), audio=str(folders[1]), padded=False)
    heard = []
    model.model.voice.register_forward_hook(lambda *_: heard.append(1))
    settings = trl.GRPOConfig(
        output_dir=str(tmp_path), max_steps=1, per_device_train_batch_size=2, num_generations=2,
        max_completion_length=8, report_to=[], use_cpu=True, bf16=False, logging_steps=1,
    )  # fmt: skip
    trainer = trl.GRPOTrainer(
        model, reward_funcs=list(REWARDS.values()), args=settings, processing_class=processor,
        train_dataset=tables.grpo(_rows()), peft_config=_lora(),
    )  # fmt: skip
    trainer.train()
    logged = {key for entry in trainer.state.log_history for key in entry}
    # Rows of the world have no tree of their own; it is made from units and emotion.
    assert {f"rewards/{name}/mean" for name in REWARDS} <= logged
    assert heard
