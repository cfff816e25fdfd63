"""A tiny Duchenne with random weights: the real architecture, a tokenizer of the world's texts.

Knows sizes and texts, no training. For proofs on processors, and to try a recipe before it costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessor,
    Qwen3VLVideoProcessor,
    WhisperConfig,
)

from agent.bridge import Duchenne, DuchenneConfig, DuchenneProcessor
from finetune.chat_template import SPECIAL, TEMPLATE
from finetune.settings import Tiny

_TAGS: Final = ("<think>", "</think>", "<answer>", "</answer>")
_PIECES: Final = r"\]\n- |\]\n|\n- | \[|, |: | ?[A-Za-z]+\d*|\d|[^\sA-Za-z\d]+|\s"


def make(folder: Path, sizes: Tiny, texts: Iterable[str], guided: bool = False) -> None:
    """Write configuration, random weights and processor; `texts` give the tokenizer its words."""
    words = tokenizer(texts, sizes.pieces)
    processor = _processor(words, sizes.pixels)
    torch.manual_seed(sizes.seed)
    model = Duchenne(_config(sizes, words, guided))
    model.generation_config = GenerationConfig(
        eos_token_id=words.convert_tokens_to_ids("<|im_end|>"), pad_token_id=words.pad_token_id
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def tokenizer(texts: Iterable[str], pieces: int) -> Any:
    """Byte-level BPE in which an action unit, an id of a cue and a tag are one piece each."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    bpe.add_tokens([AddedToken(tag, normalized=False) for tag in _TAGS])
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL),
    )
    made.chat_template = TEMPLATE
    return made


def _processor(words: Any, largest: int) -> Any:
    half = [0.5, 0.5, 0.5]
    pixels: dict[str, Any] = {"patch_size": 16, "merge_size": 2, "temporal_patch_size": 2}
    # At least 65,536 pixels, as Qwen3-VL comes: a 128 x 512 voice picture is kept as it is.
    size = {"shortest_edge": 256 * 256, "longest_edge": largest}
    return DuchenneProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels, size=size, image_mean=half, image_std=half),
        tokenizer=words,
        video_processor=Qwen3VLVideoProcessor(**pixels),
        chat_template=TEMPLATE,
    )


def _config(sizes: Tiny, words: Any, guided: bool) -> DuchenneConfig:
    ids = {token: words.convert_tokens_to_ids(token) for token in SPECIAL}
    head = sizes.hidden // sizes.heads
    third = head // 2 // 3
    text = {
        "vocab_size": len(words), "hidden_size": sizes.hidden,
        "intermediate_size": 3 * sizes.hidden, "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads, "num_key_value_heads": sizes.heads, "head_dim": head,
        "max_position_embeddings": 8192, "initializer_range": 0.05, "attention_dropout": 0.0,
        "rope_parameters": {
            "rope_type": "default", "rope_theta": 10000.0, "mrope_interleaved": True,
            "mrope_section": [head // 2 - 2 * third, third, third],
        },
        "eos_token_id": ids["<|im_end|>"], "pad_token_id": ids["<|endoftext|>"],
    }  # fmt: skip
    vision = {
        "depth": 1, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2,
        "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2,
        "out_hidden_size": sizes.hidden, "num_position_embeddings": 256,
        "deepstack_visual_indexes": [0],
    }  # fmt: skip
    hears = WhisperConfig(
        vocab_size=64, num_mel_bins=128, d_model=sizes.voice, encoder_layers=sizes.voice_layers,
        decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=2 * sizes.voice, decoder_ffn_dim=2 * sizes.voice, dropout=0.0,
        init_std=0.05, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
        begin_suppress_tokens=None,
    )  # fmt: skip
    return DuchenneConfig(
        text_config=text, vision_config=vision, voice_config=hears.to_dict(), voice_padded=False,
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        guided=guided, tie_word_embeddings=False,
    )  # fmt: skip
