"""Makes a tiny Qwen3-VL with random weights: the real architecture, the real processor, no sense.

    ~/vllm-env/bin/python tests/tiny_qwen3vl.py FOLDER

Runs in the environment of tests/vllm_setup.sh (torch, transformers, tokenizers). The tokenizer
is a byte-level BPE trained on this repository's prompts. Seeded: the same weights each time.
"""

from __future__ import annotations

import sys
from pathlib import Path

from finetune.chat_template import SPECIAL, TEMPLATE


def tokenizer(texts=(), pieces=1500):
    """Byte-level BPE trained on the prompts, and on `texts` where some are given."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2TokenizerFast

    prompts = Path(__file__).resolve().parents[1] / "prompts"
    lines = [path.read_text(encoding="utf-8") for path in sorted(prompts.glob("*.md"))]
    lines += texts
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(lines, trainer)
    made = Qwen2TokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL),
    )
    made.chat_template = TEMPLATE
    return made


def make(folder: Path, texts=(), pieces=1500, layers=2, largest=1024 * 1024) -> None:
    """Write configuration, weights and processor to `folder`.

    `largest`: pixels of a picture at most; larger ones are shrunk.
    """
    import torch
    from transformers import (
        GenerationConfig,
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    words = tokenizer(texts, pieces)
    ids = {token: words.convert_tokens_to_ids(token) for token in SPECIAL}
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(words), "hidden_size": 128, "intermediate_size": 256,
            "num_hidden_layers": layers, "num_attention_heads": 2, "num_key_value_heads": 1,
            "head_dim": 64, "max_position_embeddings": 32768, "tie_word_embeddings": False,
            "rope_parameters": {
                "rope_type": "default", "rope_theta": 10000.0, "mrope_section": [12, 10, 10],
                "mrope_interleaved": True,
            },
            "eos_token_id": ids["<|im_end|>"], "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={
            "depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2,
            "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2,
            "out_hidden_size": 128, "num_position_embeddings": 256,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
    )  # fmt: skip
    torch.manual_seed(0)
    model = Qwen3VLForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        eos_token_id=ids["<|im_end|>"], pad_token_id=ids["<|endoftext|>"]
    )
    model.save_pretrained(folder)
    half = [0.5, 0.5, 0.5]
    pixels = {"patch_size": 16, "merge_size": 2, "temporal_patch_size": 2}
    # 65,536 to 1,048,576 pixels, as Qwen3-VL comes: a 128 x 512 voice picture is kept as it is.
    size = {"shortest_edge": 256 * 256, "longest_edge": largest}
    Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels, size=size, image_mean=half, image_std=half),
        tokenizer=words,
        video_processor=Qwen3VLVideoProcessor(**pixels),
        chat_template=TEMPLATE,
    ).save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
