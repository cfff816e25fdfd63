"""Makes a tiny Duchenne with random weights: both towers, the real processor, and an adapter.

    ~/vllm-env/bin/python tests/tiny_duchenne.py FOLDER

writes FOLDER/base (the bridge), FOLDER/adapter (LoRA on its language model) and FOLDER/merged
(both in one). Runs where torch, transformers and peft are: tests/vllm_setup.sh,
tests/bridge_setup.sh. Its matrices are larger than at the start of a training, so that the
answers really depend on what is seen and heard.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import tiny_qwen3vl
import torch
from PIL import Image as Pictures
from transformers import WhisperConfig, WhisperModel

from agent.bridge import Duchenne, DuchenneProcessor
from agent.render.voice_picture import encode_voice, log_mel

LOUD = 4.0
"""How many times larger matrices are than they come."""


def whisper(folder: Path, bands: int = 128) -> None:
    """A random encoder-decoder of large-v3's kind; its positions are those of the real one."""
    config = WhisperConfig(
        vocab_size=64, num_mel_bins=bands, d_model=32, encoder_layers=2, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1, begin_suppress_tokens=None,
    )  # fmt: skip
    torch.manual_seed(1)
    WhisperModel(config).save_pretrained(folder)


def base(folder: Path, padded: bool = False) -> Any:
    """The bridge over a tiny Qwen3-VL, written to `folder`; both halves lie beside it."""
    halves = folder.parent / "qwen3vl", folder.parent / "whisper"
    tiny_qwen3vl.make(halves[0])
    whisper(halves[1])
    torch.manual_seed(2)
    model = Duchenne.from_base(str(halves[0]), audio=str(halves[1]), padded=padded)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and "embed_positions" not in name:
                weight.mul_(LOUD)
    model.save_pretrained(folder)
    DuchenneProcessor.from_pretrained(halves[0]).save_pretrained(folder)
    return model


def adapter(model: Any, folder: Path, seed: int = 3) -> Any:
    """LoRA on the language model with random weights, written to `folder`; the model with it."""
    import peft

    wanted = peft.LoraConfig(
        r=4, lora_alpha=8,
        target_modules=r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|up_proj|down_proj)",
    )  # fmt: skip
    torch.manual_seed(seed)
    with_ = peft.get_peft_model(model, wanted)
    for name, weight in with_.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
    with_.save_pretrained(folder)
    return with_


def make(folder: Path) -> None:
    """All three."""
    with_ = adapter(base(folder / "base"), folder / "adapter")
    with_.merge_and_unload().save_pretrained(folder / "merged")
    DuchenneProcessor.from_pretrained(folder / "base").save_pretrained(folder / "merged")


def sound(seconds: float, hertz: float = 220.0, loud: float = 0.3, seed: int = 0) -> Any:
    """A tone with noise, 16 kHz."""
    time = np.arange(int(seconds * 16_000)) / 16_000
    noise = np.random.default_rng(seed).normal(0, 0.02, len(time))
    return (loud * np.sin(2 * np.pi * hertz * time) + noise).astype(np.float32)


def voice(seconds: float = 3.0, **how: Any) -> Pictures.Image:
    """A voice picture of such a sound."""
    return encode_voice(log_mel(sound(seconds, **how)), 1.5)


def photo(width: int = 320, height: int = 256, seed: int = 0) -> Pictures.Image:
    """Noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Pictures.fromarray(pixels)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
