"""Qwen3-VL with the voice tower: pictures with the voice marker are heard, all others are seen.

Knows where Qwen3-VL turns pictures into tokens and replaces nothing else, so that a model
without voice pictures computes what its base computes, to the last bit. Deepstack features (what
Qwen3-VL adds to the first language layers at picture tokens) are zero at voice tokens: the voice
speaks through its tokens alone. Videos always go to the vision tower.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from transformers import AutoConfig, AutoImageProcessor, WhisperModel
from transformers.models.qwen3_vl.modeling_qwen3_vl import (
    BaseModelOutputWithDeepstackFeatures,
    Qwen3VLForConditionalGeneration,
    Qwen3VLModel,
)
from transformers.utils.generic import can_return_tuple

from agent.bridge import quantise
from agent.bridge.config import DuchenneConfig
from agent.bridge.guided import Guided, turns
from agent.bridge.pixels import seen, voices
from agent.bridge.voice import VoiceTower
from agent.render.voice_picture import BANDS, VoicePicture

_SHORTEST: Final = 32
"""Mel columns of a sound that is heard only to keep processes in step."""
_NO_SPLIT = ["Qwen3VLTextDecoderLayer", "Qwen3VLVisionBlock", "WhisperEncoderLayer"]


def _several() -> bool:
    """Whether this is one of several processes that compute together."""
    there = torch.distributed.is_available() and torch.distributed.is_initialized()
    return bool(there and torch.distributed.get_world_size() > 1)


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
        self.guided = None
        if config.guided:
            vision = config.vision_config
            self.guided = Guided(vision.depth, vision.hidden_size, config.text_config.hidden_size)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        pixel_values: torch.Tensor | None = None,
        image_grid_thw: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """As Qwen3-VL's; where the configuration says so, pictures are read as the prompt asks.

        Raises VoicePictureError as `get_image_features`; ValueError where pictures are to be
        guided by a prompt that is not there or does not end.
        """
        if self.guided is not None and pixel_values is not None:
            words = self._words(input_ids, attention_mask, image_grid_thw)
            kwargs["mm_encoder_outputs"] = {
                "image": self.get_image_features(pixel_values, image_grid_thw, words)
            }
            pixel_values = None
        seen_none = pixel_values is None and kwargs.get("mm_encoder_outputs") is None
        idle = self._idle(voice=True, vision=True) if seen_none else None
        out = super().forward(
            input_ids=input_ids, attention_mask=attention_mask, pixel_values=pixel_values,
            image_grid_thw=image_grid_thw, **kwargs,
        )  # fmt: skip
        if idle is not None:
            out.last_hidden_state = out.last_hidden_state + idle
        return out

    def _idle(self, voice: bool = False, vision: bool = False) -> torch.Tensor | None:
        """Zero, from a pass through towers that this batch does not use; None for one process.

        Processes that shard the weights must all go through the same layers in the same order,
        the voice's first, or they wait for each other for ever.
        """
        if not _several():
            return None
        zero: torch.Tensor | None = None
        if voice:
            mel = np.zeros((BANDS, _SHORTEST), np.float32)
            zero = self.voice([VoicePicture(mel=mel, start=0.0, top=0.0)])[0].sum() * 0
        if vision:
            at, lay = self.visual.patch_embed.proj.weight.device, self.layout
            grid = torch.tensor([[1, lay.merge, lay.merge]], device=at)
            values = len(lay.mean) * lay.frames * lay.patch**2
            patches = torch.zeros(lay.merge**2, values, device=at, dtype=self.visual.dtype)
            blank = self.visual(patches, grid_thw=grid, return_dict=True)
            parts = (blank.pooler_output, *blank.deepstack_features)
            one = sum(part.sum() * 0 for part in parts)
            zero = one if zero is None else zero + one
        return zero

    def _words(
        self, ids: torch.Tensor | None, attention: torch.Tensor | None, grid: torch.Tensor | None
    ) -> list[torch.Tensor]:
        """For each picture the embedded words, words × hidden, of its turn of the prompt."""
        config = self.config
        if ids is None or grid is None:
            raise ValueError("guided reading needs input_ids and image_grid_thw, not embeddings")
        counts = (grid.prod(-1) // self.layout.merge**2).tolist()
        marks = (config.video_token_id, config.vision_start_token_id, config.vision_end_token_id)
        end = config.text_config.eos_token_id
        found = turns(ids, attention, counts, config.image_token_id, marks, end)
        embed = self.get_input_embeddings()
        return [embed(ids[row, places]) for row, places in found]

    @can_return_tuple  # type: ignore[untyped-decorator]
    def get_image_features(
        self,
        pixel_values: torch.Tensor,
        image_grid_thw: torch.Tensor,
        words: list[torch.Tensor] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Features of pictures, each by the tower it is for.

        `words`: for each picture the embedded words that guide its reading. Raises
        VoicePictureError for a voice picture that was changed on the way.
        """
        heard: list[VoicePicture | None] = [None] * len(image_grid_thw)
        if self.config.voice_routed:
            heard = voices(pixel_values, image_grid_thw, self.layout)
        idle = self._idle(voice=True) if not any(heard) else None
        if words is None and not any(heard):
            plain = super().get_image_features(pixel_values, image_grid_thw, **kwargs)
            if idle is not None:
                plain.pooler_output = tuple(each + idle for each in plain.pooler_output)
            return plain
        told = iter(self.voice([voice for voice in heard if voice is not None]))
        # Tensors computed ahead ("image_…") are for all pictures and would not fit.
        more = {key: value for key, value in kwargs.items() if not key.startswith("image_")}
        rest = seen(pixel_values, image_grid_thw, heard) | {"return_dict": True}
        if words is not None:
            more["output_hidden_states"] = True
        stock: Any = super().get_image_features(**more | rest) if len(rest) > 1 else None
        if words is not None and stock is not None:
            asked = [mine for mine, voice in zip(words, heard, strict=True) if voice is None]
            stock.pooler_output = self._guide(asked, rest["image_grid_thw"], stock)
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
        idle = idle if stock is not None else self._idle(vision=True)
        if idle is not None:
            pooled[0] = pooled[0] + idle
        last = None if stock is None else stock.last_hidden_state
        return BaseModelOutputWithDeepstackFeatures(
            last_hidden_state=last, pooler_output=tuple(pooled), deepstack_features=deep
        )

    def _guide(self, words: list[torch.Tensor], grid: torch.Tensor, stock: Any) -> Any:
        """Tokens × hidden of each picture, read as its words ask."""
        if self.guided is None:
            raise ValueError("words given, but this model's configuration has guided=False")
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
        cls,
        base: str,
        audio: str,
        *,
        padded: bool = True,
        guided: bool = False,
        four_bits: bool = False,
        **kwargs: Any,
    ) -> DuchenneForConditionalGeneration:
        """A new one from a Qwen3-VL and a Whisper checkpoint; only what reads is new.

        `base` and `audio` are folders or hub names; `padded` and `guided` as in `DuchenneConfig`;
        `four_bits` holds the language model in nf4 (agent/bridge/quantise.py);
        `kwargs` go to `from_pretrained` (dtype, device_map, …). What is new is random: seed torch
        before. Raises ValueError where a checkpoint is of another kind.
        """
        pixels = AutoImageProcessor.from_pretrained(base)
        config = DuchenneConfig.of(
            AutoConfig.from_pretrained(base),
            AutoConfig.from_pretrained(audio),
            voice_padded=padded,
            guided=guided,
            image_mean=list(pixels.image_mean),
            image_std=list(pixels.image_std),
        )
        if four_bits:
            kwargs |= quantise.four_bits(config)
        model = cls.from_pretrained(base, config=config, **kwargs)
        encoder = model.model.voice.encoder
        heard = WhisperModel.from_pretrained(audio, dtype=encoder.conv1.weight.dtype).encoder
        encoder.load_state_dict(heard.state_dict())
        return model  # type: ignore[no-any-return]


Duchenne = DuchenneForConditionalGeneration
