"""A model of the Hugging Face kind on this machine, with an adapter if there is one.

Knows transformers and peft; torch is imported here alone, when a model is asked for. On a
GPU the language model's weights are held in 4 bits (agent/bridge/quantise.py) where bitsandbytes
is installed, else in bfloat16.
"""

from __future__ import annotations

import io
import json
import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Final

import prompts
from agent.models.clients import Completion, HostRefusedError, Message, ModelError, NoSuchModelError
from agent.schema.state import Json
from agent.util.advice import advice

INSTALL: Final = advice("train")


class HuggingFaceHost:
    """One image-text-to-text checkpoint from a folder or a hub name."""

    def __init__(self, path: str, adapter: str | None = None, *, max_tokens: int = 2000) -> None:
        """Load it. Raises ModelError where torch is missing or the checkpoint cannot be read."""
        missing = [name for name in ("torch", "transformers", "PIL") if find_spec(name) is None]
        missing += ["peft"] if adapter and find_spec("peft") is None else []
        if missing:
            raise ModelError(f"hf:{path} needs {', '.join(missing)}, not installed here: {INSTALL}")
        self.name = f"hf:{path}" + (f"+{adapter}" if adapter else "")
        self.lacks: tuple[str, ...] = ("json_schema",)
        self.max_tokens = max_tokens
        self._model, self._processor = _loaded(path, adapter)
        self._one_at_a_time = Lock()

    def complete(self, messages: list[Message], schema: Json) -> Completion:
        """One completion; see `Host.complete`. Greedy, so the same input gives the same text."""
        import torch

        shape = prompts.fill("shape", schema=json.dumps(schema, ensure_ascii=False))
        inputs = self._processor.apply_chat_template(
            _chat(messages, shape),
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self._model.device)
        length = int(inputs["input_ids"].shape[1])
        try:
            with self._one_at_a_time, torch.inference_mode():
                out = self._model.generate(
                    **inputs, max_new_tokens=self.max_tokens, do_sample=False
                )
        except torch.OutOfMemoryError as error:
            raise HostRefusedError(
                f"{self.name}: no memory left for {length} tokens of evidence and pictures: {error}"
            ) from error
        new = out[0, length:]
        text = self._processor.tokenizer.decode(new, skip_special_tokens=True)
        return Completion(text, len(new) >= self.max_tokens, length)


def _loaded(path: str, adapter: str | None) -> tuple[Any, Any]:
    """Model and processor, ready to generate."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    import agent.bridge  # noqa: F401  # makes checkpoints of type "duchenne" known

    try:
        settings = precision(AutoConfig.from_pretrained(path), gpu=torch.cuda.is_available())
        model = AutoModelForImageTextToText.from_pretrained(path, **settings)
        processor = AutoProcessor.from_pretrained(path)
        if adapter:
            model = _adapted(model, adapter, f"hf:{path}+{adapter}")
    except (OSError, ValueError) as error:
        what = "folder" if Path(path).exists() else "folder or model of this name"
        said = " ".join(str(error).split())[:300]
        raise NoSuchModelError(
            f"hf:{path}{'+' + adapter if adapter else ''}: no {what} with an image-text-to-text "
            f"checkpoint{' and adapter' if adapter else ''} to load: {said}"
        ) from error
    return model.eval(), processor


def precision(config: Any, gpu: bool) -> dict[str, Any]:
    """How the weights of a checkpoint with this configuration are held: for `from_pretrained`."""
    import torch

    from agent.bridge import quantise

    if not gpu:
        return {"dtype": torch.float32}
    settings: dict[str, Any] = {"dtype": torch.bfloat16, "device_map": "auto"}
    if quantise.available() and not os.environ.get("DUCHENNE_FULL_PRECISION"):
        settings |= quantise.four_bits(config)
    return settings


def _adapted(model: Any, adapter: str, name: str) -> Any:
    """The model with its adapter, if that does anything: one that fits no layer loads with no
    more than a warning, and answers would be the base model's."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")
        try:
            adapted = PeftModel.from_pretrained(model, adapter)
        except UserWarning as warning:
            said = str(warning)[:200]
            raise ModelError(f"{name}: the adapter is for another base model: {said}") from warning
    weights = [value for key, value in adapted.named_parameters() if "lora_B" in key]
    if weights and not any(bool(value.any()) for value in weights):
        raise ModelError(f"{name}: the adapter changes nothing: all its weights are zero")
    return adapted


def _chat(messages: list[Message], shape: str) -> list[Json]:
    """Messages as a chat template takes them, the JSON's shape at the end of the last one."""
    from PIL import Image

    chat: list[Json] = []
    for n, message in enumerate(messages):
        last = n == len(messages) - 1
        pictures = [Image.open(io.BytesIO(p.png)).convert("RGB") for p in message.pictures]
        content: list[Json] = [{"type": "image", "image": picture} for picture in pictures]
        text = f"{message.text}\n\n{shape}" if last else message.text
        content.append({"type": "text", "text": text})
        chat.append({"role": message.role, "content": content})
    return chat
