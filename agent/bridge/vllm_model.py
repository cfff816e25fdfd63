"""The bridge in vLLM: its Qwen3-VL, in which pictures with the voice marker are heard.

Routes as agent/bridge/model.py does and with the same tower; the vision tower, the language
model, LoRA, caches and parallel workers are vLLM's own. A changed voice picture is refused where
requests are read, before it can reach the engine: the client gets the reason, everybody else
notices nothing. Written for vLLM 0.32; the choke points are `_process_image_input` of the model
and `_apply_hf_processor_main` of the processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from vllm.config import VllmConfig
from vllm.model_executor.models.module_mapping import MultiModelKeys
from vllm.model_executor.models.qwen3_vl import (
    Qwen3VLDummyInputsBuilder,
    Qwen3VLForConditionalGeneration,
    Qwen3VLMultiModalProcessor,
    Qwen3VLProcessingInfo,
)
from vllm.model_executor.models.utils import WeightsMapper
from vllm.multimodal import MULTIMODAL_REGISTRY

from agent.bridge.config import DuchenneConfig
from agent.bridge.pixels import seen, voices
from agent.bridge.voice import VoiceTower


class DuchenneProcessingInfo(Qwen3VLProcessingInfo):  # type: ignore[misc]  # vllm may be absent
    """What vLLM asks about a checkpoint."""

    def get_hf_config(self) -> DuchenneConfig:
        """The bridge's own configuration."""
        return self.ctx.get_hf_config(DuchenneConfig)  # type: ignore[no-any-return]


class DuchenneMultiModalProcessor(Qwen3VLMultiModalProcessor):  # type: ignore[misc]  # as above
    """Qwen3-VL's, which lets no changed voice picture pass."""

    def _apply_hf_processor_main(self, mm_items: Any, hf_kwargs: Mapping[str, object]) -> Any:
        """As its parent's. Raises VoicePictureError, which the client gets as a 400."""
        out = super()._apply_hf_processor_main(mm_items, hf_kwargs)
        if "pixel_values" in out:
            layout = self.info.get_hf_config().layout()
            voices(out["pixel_values"], out["image_grid_thw"], layout)
        return out


@MULTIMODAL_REGISTRY.register_processor(
    DuchenneMultiModalProcessor,
    info=DuchenneProcessingInfo,
    dummy_inputs=Qwen3VLDummyInputsBuilder,
)
class DuchenneForConditionalGeneration(Qwen3VLForConditionalGeneration):  # type: ignore[misc]
    """vLLM's Qwen3-VL with `voice`, the tower that pictures with the marker go through."""

    hf_to_vllm_mapper = WeightsMapper(
        orig_to_new_prefix={
            "model.voice.": "voice.",
            **Qwen3VLForConditionalGeneration.hf_to_vllm_mapper.orig_to_new_prefix,
        }
    )

    def __init__(self, *, vllm_config: VllmConfig, prefix: str = "model") -> None:
        super().__init__(vllm_config=vllm_config, prefix=prefix)
        config: DuchenneConfig = vllm_config.model_config.hf_config
        if getattr(config, "guided", False):
            raise ValueError(
                "this checkpoint reads pictures as the prompt asks (guided), and vLLM encodes each "
                "picture once for all prompts: serve one that was trained without"
            )
        self.voice = VoiceTower(
            config.voice_config, config.text_config.hidden_size, config.voice_padded
        )
        self.layout = config.layout()
        if vllm_config.compilation_config.cudagraph_mm_encoder:
            raise ValueError(
                "cudagraph_mm_encoder sends every picture to the vision tower, voices too: "
                "start vLLM without it"
            )

    def _process_image_input(self, image_input: Any) -> tuple[torch.Tensor, ...]:
        """Tokens × hidden · (1 + deepstack levels) of each picture, by the tower it is for."""
        if image_input["type"] != "pixel_values":
            return super()._process_image_input(image_input)  # type: ignore[no-any-return]
        patches, grid = image_input["pixel_values"], image_input["image_grid_thw"]
        heard = voices(patches, grid, self.layout)
        told = iter(self.voice([voice for voice in heard if voice is not None]))
        rest = seen(patches, grid, heard)
        inputs = type(image_input)(type="pixel_values", **rest) if rest else None
        stock = iter(super()._process_image_input(inputs) if rest else ())
        # Zeros after the tokens: the voice adds nothing to the first language layers.
        return tuple(
            next(stock)
            if voice is None
            else torch.nn.functional.pad(next(told), (0, self.multiscale_dim))
            for voice in heard
        )

    def get_mm_mapping(self) -> MultiModelKeys:
        """Parts by their kind, so that no adapter is laid on a tower."""
        return MultiModelKeys.from_string_field(
            language_model="language_model",
            connector=["visual.merger", "visual.deepstack_merger_list"],
            tower_model=["visual.", "voice."],
        )
