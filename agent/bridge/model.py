"""Qwen3-VL with the voice tower: pictures with the voice marker are heard, all others are seen.

Knows where Qwen3-VL turns pictures into tokens and replaces nothing else, so that a model
without voice pictures computes what its base computes, to the last bit. Deepstack features (what
Qwen3-VL adds to the first language layers at picture tokens) are zero at voice tokens: the voice
speaks through its tokens alone. Videos always go to the vision tower.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoImageProcessor, WhisperModel
from transformers.models.qwen3_vl.modeling_qwen3_vl import (
    BaseModelOutputWithDeepstackFeatures,
    Qwen3VLForConditionalGeneration,
    Qwen3VLModel,
)
from transformers.utils.generic import can_return_tuple

from agent.bridge.config import DuchenneConfig
from agent.bridge.pixels import seen, voices
from agent.bridge.voice import VoiceTower

_NO_SPLIT = ["Qwen3VLTextDecoderLayer", "Qwen3VLVisionBlock", "WhisperEncoderLayer"]


class DuchenneModel(Qwen3VLModel):  # type: ignore[misc]  # transformers has no types here
    """Qwen3-VL's model with `voice`, the tower that pictures with the marker go through."""

    config_class = DuchenneConfig
    _no_split_modules = _NO_SPLIT

    def __init__(self, config: DuchenneConfig) -> None:
        super().__init__(config)
        self.voice = VoiceTower(
            config.voice_config, config.text_config.hidden_size, config.voice_padded
        )
        self.layout = config.layout()
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def get_image_features(
        self, pixel_values: torch.Tensor, image_grid_thw: torch.Tensor, **kwargs: Any
    ) -> Any:
        """Features of pictures, each by the tower it is for.

        Raises VoicePictureError for a voice picture that was changed on the way.
        """
        heard = voices(pixel_values, image_grid_thw, self.layout)
        if not any(voice is not None for voice in heard):
            return super().get_image_features(pixel_values, image_grid_thw, **kwargs)
        told = iter(self.voice([voice for voice in heard if voice is not None]))
        # Tensors computed ahead ("image_…") are for all pictures and would not fit.
        more = {key: value for key, value in kwargs.items() if not key.startswith("image_")}
        rest = seen(pixel_values, image_grid_thw, heard) | {"return_dict": True}
        stock: Any = super().get_image_features(**more | rest) if len(rest) > 1 else None
        levels = len(self.visual.deepstack_visual_indexes)
        pooled, deep, at = [], [[] for _ in range(levels)], 0  # type: ignore[var-annotated]
        for voice in heard:
            mine = stock is not None and voice is None
            pooled.append(stock.pooler_output[at] if mine else next(told))
            for level, features in enumerate(deep):
                features.append(
                    stock.deepstack_features[level][at] if mine else torch.zeros_like(pooled[-1])
                )
            at += mine
        last = None if stock is None else stock.last_hidden_state
        return BaseModelOutputWithDeepstackFeatures(
            last_hidden_state=last, pooler_output=tuple(pooled), deepstack_features=deep
        )

    def _guide(self, words: list[torch.Tensor], grid: torch.Tensor, stock: Any) -> Any:
        """Tokens × hidden of each picture, read as its words ask."""
        sizes = grid.prod(-1).tolist()
        # The states before the first layer come first.
        levels = [stock.hidden_states[n + 1].split(sizes) for n in self.guided.layers]
        each = zip(words, zip(*levels, strict=True), stock.pooler_output, strict=True)
        return tuple(self.guided(*of_one) for of_one in each)

    def get_video_features(
        self, pixel_values_videos: torch.Tensor, video_grid_thw: torch.Tensor, **kwargs: Any
    ) -> Any:
        """Features of videos, by the vision tower."""
        return super().get_image_features(pixel_values_videos, video_grid_thw, **kwargs)


class DuchenneForConditionalGeneration(Qwen3VLForConditionalGeneration):  # type: ignore[misc]
    """The whole model, for training and generation."""

    config_class = DuchenneConfig
    _no_split_modules = _NO_SPLIT

    def __init__(self, config: DuchenneConfig) -> None:
        # Past the parent, which would first build a model without the tower.
        super(Qwen3VLForConditionalGeneration, self).__init__(config)
        text = config.text_config
        self.model = DuchenneModel(config)
        self.lm_head = torch.nn.Linear(text.hidden_size, text.vocab_size, bias=False)
        self.post_init()

    @classmethod
    def from_base(
        cls, base: str, audio: str, *, padded: bool = True, **kwargs: Any
    ) -> DuchenneForConditionalGeneration:
        """A new one from a Qwen3-VL and a Whisper checkpoint; only the projector is new.

        `base` and `audio` are folders or hub names; `padded` as in `DuchenneConfig`; `kwargs`
        go to `from_pretrained` (dtype, device_map, …). The projector is random: seed torch
        before. Raises ValueError where a checkpoint is of another kind.
        """
        pixels = AutoImageProcessor.from_pretrained(base)
        config = DuchenneConfig.of(
            AutoConfig.from_pretrained(base),
            AutoConfig.from_pretrained(audio),
            voice_padded=padded,
            image_mean=list(pixels.image_mean),
            image_std=list(pixels.image_std),
        )
        model = cls.from_pretrained(base, config=config, **kwargs)
        encoder = model.model.voice.encoder
        heard = WhisperModel.from_pretrained(audio, dtype=encoder.conv1.weight.dtype).encoder
        encoder.load_state_dict(heard.state_dict())
        return model  # type: ignore[no-any-return]


Duchenne = DuchenneForConditionalGeneration
