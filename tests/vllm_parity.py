"""Compares Hugging Face and vLLM on one tiny Duchenne; prints one JSON object as its last line.

    ~/vllm-env/bin/python tests/vllm_parity.py FOLDER
    ~/vllm-env/bin/python tests/vllm_parity.py --halved CHECKPOINT

FOLDER holds what tests/tiny_duchenne.py made. Fifty prompts, float32: of each, the log-probability
of every token of the prompt, and of every word of the vocabulary as the first token of the answer.
The second compares bfloat16 on both sides, and with float32, the way the start-up probe does.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ |= {
    "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_LOGGING_LEVEL": "ERROR",
}  # fmt: skip

import torch
from peft import PeftModel
from PIL import Image as Pictures
from tiny_duchenne import photo, voice
from transformers import Qwen3VLForConditionalGeneration
from vllm import LLM, SamplingParams
from vllm.lora.request import LoRARequest

from agent.bridge import Duchenne, DuchenneProcessor
from agent.vllm import probe

WORDS = "What does she feel now, and which cue carries it? Look at the mouth, hear the voice. "
# Not lm_head: on processors vLLM cannot give log-probabilities of prompts with an adapter there.
MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ANSWER = 24
"""Tokens of a greedy answer."""
Prompt = tuple[str, str, list[Pictures.Image]]
"""Kind, text with placeholders, pictures."""
Told = list[tuple[torch.Tensor, torch.Tensor]]
"""Of each prompt the log-probabilities of its tokens, and of the first token of the answer."""


def prompts(processor: Any) -> list[Prompt]:
    """Ten of each kind; sizes, lengths and order differ."""
    made: list[Prompt] = []
    for n in range(10):
        photos = [
            photo(256 + 32 * (n % 4), 256 + 64 * (n % 3), seed=10 * n + i) for i in range(1 + n % 3)
        ]
        long, short = voice(0.4 + 1.7 * n, hertz=110.0 + 40 * n, seed=n), voice(1.0, seed=n)
        several = [short, photos[0], long, *photos[1:], voice(2.5, hertz=300.0, seed=n)]
        kinds: dict[str, list[Pictures.Image]] = {
            "text": [], "pictures": photos, "voice": [long], "both": [photos[0], short],
            "several": several[::-1] if n % 2 else several,
        }  # fmt: skip
        for kind, pictures in kinds.items():
            content = [*({"type": "image"} for _ in pictures)]
            content.append({"type": "text", "text": WORDS[: 20 + 6 * n]})
            text = processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
            )
            made.append((kind, text, pictures))
    return made


def told_by_hugging_face(model: Any, processor: Any, asked: list[Prompt]) -> Iterator[Any]:
    """Token ids, log-probabilities of the prompt's, log-probabilities of the next one."""
    model.eval()
    for _, text, pictures in asked:
        inputs = processor(text=[text], images=pictures or None, return_tensors="pt")
        with torch.inference_mode():
            odds = model(**inputs).logits[0].float().log_softmax(-1)
        ids = inputs["input_ids"][0]
        yield ids.tolist(), odds[:-1].gather(1, ids[1:, None])[:, 0], odds[-1]


def told_by_vllm(host: LLM, asked: list[Prompt], adapter: str | None = None) -> Iterator[Any]:
    """The same of a vLLM."""
    wanted = SamplingParams(max_tokens=1, temperature=0, logprobs=-1, prompt_logprobs=0)
    lora = LoRARequest("adapter", 1, adapter) if adapter else None
    for out in host.generate(_given(asked), wanted, lora_request=lora, use_tqdm=False):
        ids = out.prompt_token_ids
        rows = zip(out.prompt_logprobs[1:], ids[1:], strict=True)
        first = out.outputs[0].logprobs[0]
        yield (
            ids,
            torch.tensor([row[token].logprob for row, token in rows]),
            torch.tensor([first[token].logprob for token in range(len(first))]),
        )


def answers(model: Any, processor: Any, host: LLM, asked: list[Prompt]) -> int:
    """How many prompts have the same greedy answer of ANSWER tokens."""
    wanted = SamplingParams(max_tokens=ANSWER, min_tokens=ANSWER, temperature=0)
    there = [
        out.outputs[0].token_ids for out in host.generate(_given(asked), wanted, use_tqdm=False)
    ]
    same = 0
    for (_, text, pictures), theirs in zip(asked, there, strict=True):
        inputs = processor(text=[text], images=pictures or None, return_tensors="pt")
        out = model.generate(
            **inputs, max_new_tokens=ANSWER, min_new_tokens=ANSWER, do_sample=False
        )
        same += out[0, inputs["input_ids"].shape[1] :].tolist() == list(theirs)
    return same


def _given(asked: list[Prompt]) -> list[Any]:
    """Prompts as vLLM takes them."""
    return [
        {"prompt": text} | ({"multi_modal_data": {"image": pictures}} if pictures else {})
        for _, text, pictures in asked
    ]


def apart(left: list[Any], right: list[Any], asked: list[Prompt]) -> dict[str, Any]:
    """How far two are from one another, for each kind of prompt: largest and mean difference."""
    found: dict[str, Any] = {}
    for kind in dict.fromkeys(kind for kind, _, _ in asked):
        mine = [n for n, prompt in enumerate(asked) if prompt[0] == kind]
        assert all(left[n][0] == right[n][0] for n in mine), f"tokens of {kind} prompts differ"
        for place, what in ((1, "prompt"), (2, "first")):
            off = torch.cat([(left[n][place] - right[n][place]).abs() for n in mine])
            found[f"{kind}/{what}"] = {
                "max": float(off.max()), "mean": float(off.mean()), "count": len(off),
            }  # fmt: skip
    return found


def halved(folder: Path) -> dict[str, Any]:
    """By how much bfloat16 moves the likeliest first tokens, by the probe's own rule."""
    processor = DuchenneProcessor.from_pretrained(folder)
    asked = prompts(processor)
    whole, half = (
        [_top(told[2]) for told in told_by_hugging_face(model, processor, asked)]
        for model in (
            Duchenne.from_pretrained(folder, dtype=kind) for kind in (torch.float32, torch.bfloat16)
        )
    )
    host = hosted(folder, dtype="bfloat16")
    there = [_top(told[2]) for told in told_by_vllm(host, asked)]
    kinds = [kind for kind, _, _ in asked]
    pairs = {"float32 to vLLM": (whole, there), "bfloat16 to vLLM": (half, there),
             "float32 to bfloat16": (whole, half)}  # fmt: skip
    return {name: _worst(kinds, one, other) for name, (one, other) in pairs.items()}


def _top(odds: torch.Tensor) -> probe.Top:
    values, ids = odds.topk(probe.TOP)
    return dict(zip(ids.tolist(), values.tolist(), strict=True))


def _worst(kinds: list[str], one: list[probe.Top], other: list[probe.Top]) -> dict[str, float]:
    """Largest difference by kind of prompt, and the median of all."""
    off = [probe.apart(*both) for both in zip(one, other, strict=True)]
    found = dict.fromkeys(kinds, 0.0)
    for kind, value in zip(kinds, off, strict=True):
        found[kind] = max(found[kind], value)
    return found | {"median": sorted(off)[len(off) // 2]}


def hosted(folder: Path, dtype: str = "float32", **more: Any) -> LLM:
    """A vLLM in this process."""
    return LLM(
        str(folder), dtype=dtype, enforce_eager=True, max_model_len=4096, max_num_seqs=8,
        limit_mm_per_prompt={"image": 8, "video": 0}, max_logprobs=-1, seed=0, **more,
    )  # fmt: skip


def main(folder: Path) -> dict[str, Any]:
    """All comparisons."""
    processor = DuchenneProcessor.from_pretrained(folder / "base")
    asked = prompts(processor)
    base = Duchenne.from_pretrained(folder / "base")
    plain = list(told_by_hugging_face(base, processor, asked))
    stock = Qwen3VLForConditionalGeneration.from_pretrained(folder / "base")
    blind = list(told_by_hugging_face(stock, processor, asked))
    adapted = PeftModel.from_pretrained(base, str(folder / "adapter"))
    tuned = list(told_by_hugging_face(adapted, processor, asked))
    host = hosted(
        folder / "base", enable_lora=True, max_lora_rank=8, lora_target_modules=list(MODULES)
    )
    here = list(told_by_vllm(host, asked))
    unmerged = list(told_by_vllm(host, asked, str(folder / "adapter")))
    del host
    gc.collect()
    host = hosted(folder / "merged")
    merged = list(told_by_vllm(host, asked))
    exported = Duchenne.from_pretrained(folder / "merged").eval()
    return {
        "prompts": len(asked),
        "same answers": answers(exported, processor, host, asked),
        "base": apart(plain, here, asked),
        "unmerged": apart(tuned, unmerged, asked),
        "merged": apart(tuned, merged, asked),
        # How much there is to be missed, were a part not at work.
        "bridge matters": apart(plain, blind, asked),
        "adapter matters": apart(plain, tuned, asked),
    }


if __name__ == "__main__":
    if sys.argv[1] == "--halved":
        print(json.dumps(halved(Path(sys.argv[2]))))
    else:
        print(json.dumps(main(Path(sys.argv[1]))))
