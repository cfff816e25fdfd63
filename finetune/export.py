"""A checkpoint as one that serves: adapters merged, and a reference to prove what is served.

    duchenne train export runs/sft/checkpoint-900 --out models/duchenne

Knows checkpoints and the model; no server. Beside the weights lies `probe.json`: fixed prompts
(words alone, a picture, a voice picture) and the likeliest first tokens, with log-probabilities
as Hugging Face computes them from the exported folder. A server that does not come near them
serves something else and must not start. Its form:

    {"version": 1, "model_type": "duchenne", "dtype": "float32", "prompts": [
      {"name": "voice", "messages": [...OpenAI form, pictures as data: URLs...],
       "top": [{"token": "<think>", "id": 538, "logprob": -0.01}, ... 20 in all],
       "unheard": [... the same, were the voice seen as any picture, where there is one]}]}
"""

from __future__ import annotations

import base64
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import MethodType
from typing import Any, Final

import numpy as np
import torch
from PIL import Image as Pictures
from transformers import AutoModelForImageTextToText, AutoProcessor, Qwen3VLModel

from agent.render.voice_picture import encode_voice, is_voice_picture, log_mel
from finetune import load
from finetune.recipe import RecipeError, checked
from finetune.settings import Recipe

PROBE: Final = "probe.json"
TOP: Final = 20
_ASKED: Final = "What does this person feel, and what shows it?"


def export(checkpoint: Path, out: Path) -> Path:
    """Write the merged checkpoint and its probe to a new folder; gives the folder back.

    Raises RecipeError for a folder that is no checkpoint of ours, or an `out` that is there.
    """
    found = load.origin(checkpoint)
    if not found:
        raise RecipeError(f"{checkpoint} is no checkpoint of a training: it has no {load.RECIPE}")
    if out.exists():
        raise RecipeError(f"{out} is there already")
    recipe = replace(checked(Recipe, _plain(found)), model=str(checkpoint), tiny=None)
    # What was trained on four bits is merged into the weights they came from.
    recipe = replace(recipe, tune="lora" if recipe.tune == "qlora" else recipe.tune)
    model, processor, _ = load.model(recipe)
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    processor.save_pretrained(part)
    (part / PROBE).write_text(json.dumps(probe(part), indent=1), encoding="utf-8")
    part.replace(out)
    return out


def _plain(found: Any) -> Any:
    """What JSON gave back, lists and all, without what is not set."""
    return {key: value for key, value in found.items() if value is not None}


def probe(folder: Path) -> dict[str, Any]:
    """The reference of an exported folder, computed from what lies in it."""
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    prompts = [
        {"name": name, "messages": _messages(pictures), "top": _top(model, processor, pictures)}
        for name, pictures in _pictures().items()
    ]
    if model.config.model_type == "duchenne" and not getattr(model.config, "guided", False):
        _deafen(model)
        for prompt, pictures in zip(prompts, _pictures().values(), strict=True):
            if any(map(is_voice_picture, pictures)):
                prompt["unheard"] = _top(model, processor, pictures)
    return {
        "version": 1,
        "model_type": model.config.model_type,
        "dtype": str(model.dtype).removeprefix("torch."),
        "prompts": prompts,
    }


def _deafen(model: Any) -> None:
    """Let the vision tower see every picture, as in a server without the bridge."""
    model.model.get_image_features = MethodType(Qwen3VLModel.get_image_features, model.model)


def _pictures() -> dict[str, list[Pictures.Image]]:
    """What is shown in each prompt: the same bytes for ever."""
    x, y = np.meshgrid(np.arange(320), np.arange(256))
    photo = np.stack([x % 256, y % 256, (x + y) % 256], -1).astype(np.uint8)
    time = np.arange(2 * 16_000) / 16_000
    tone = (0.2 * np.sin(2 * np.pi * 180 * time) * (1 + np.sin(2 * np.pi * 4 * time))).astype(
        np.float32
    )
    seen, heard = Pictures.fromarray(photo), encode_voice(log_mel(tone))
    return {"text": [], "picture": [seen], "voice": [heard], "both": [seen, heard]}


def _messages(pictures: list[Pictures.Image]) -> list[dict[str, Any]]:
    """In OpenAI's form."""
    shown = [{"type": "image_url", "image_url": {"url": _url(each)}} for each in pictures]
    return [{"role": "user", "content": [*shown, {"type": "text", "text": _ASKED}]}]


def _url(picture: Pictures.Image) -> str:
    held = io.BytesIO()
    picture.save(held, "PNG")
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()


def _top(model: Any, processor: Any, pictures: list[Pictures.Image]) -> list[dict[str, Any]]:
    """The likeliest first tokens of an answer."""
    shown = [{"type": "image", "image": each} for each in pictures]
    chat = [{"role": "user", "content": [*shown, {"type": "text", "text": _ASKED}]}]
    inputs = processor.apply_chat_template(
        chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    with torch.inference_mode():
        logits = model(**inputs.to(model.device)).logits[0, -1].float()
    values, ids = torch.log_softmax(logits, -1).topk(min(TOP, len(logits)))
    return [
        {"token": processor.tokenizer.decode([id]), "id": id, "logprob": round(value, 5)}
        for value, id in zip(values.tolist(), ids.tolist(), strict=True)
    ]
