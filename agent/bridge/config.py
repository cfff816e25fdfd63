"""Configuration of the bridge: Qwen3-VL's, and what reads the voice.

Knows sizes and settings, builds nothing.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar, Final

from huggingface_hub.dataclasses import strict
from transformers import PretrainedConfig, Qwen3VLConfig, WhisperConfig
from transformers.models.qwen3_vl.configuration_qwen3_vl import (
    Qwen3VLTextConfig,
    Qwen3VLVisionConfig,
)

from agent.bridge.pixels import Layout

_PARTS: Final[dict[str, Any]] = {
    "vision_config": Qwen3VLVisionConfig,
    "text_config": Qwen3VLTextConfig,
    "voice_config": WhisperConfig,
}


@strict
class DuchenneConfig(Qwen3VLConfig):  # type: ignore[misc]  # transformers has no types here
    """A Qwen3-VL configuration with these besides.

    voice_config: a Whisper configuration with 128 mel bands; only its encoder is used.
    voice_padded: True pads every voice picture to the encoder's 30 s, as Whisper was trained;
        False encodes only as many columns as there are, which is faster and for encoders that
        are trained along.
    voice_routed: False sends voice pictures to the vision tower like all others, to compare with.
    guided: whether pictures are read as the prompt asks (agent/bridge/guided.py), for which new
        weights are trained in full. Not for vLLM, which computes a picture without its prompt.
    image_mean, image_std: how the processor normalised the pixels, one number a channel; the
        exact bytes of a voice picture are read back through them.
    """

    model_type = "duchenne"
    # The first is read by transformers 5.20 and later, the second before.
    sub_configs_defaults: ClassVar[dict[str, Any]] = dict(_PARTS)
    if not hasattr(PretrainedConfig, "sub_configs_defaults"):
        sub_configs: ClassVar[dict[str, Any]] = dict(_PARTS)

    voice_config: dict[str, Any] | PretrainedConfig | None = None
    voice_padded: bool = True
    voice_routed: bool = True
    guided: bool = False
    image_mean: list[float] = field(default_factory=lambda: [0.5, 0.5, 0.5])
    image_std: list[float] = field(default_factory=lambda: [0.5, 0.5, 0.5])

    def __post_init__(self, **kwargs: Any) -> None:
        if self.voice_config is None:
            self.voice_config = WhisperConfig(num_mel_bins=128)
        elif isinstance(self.voice_config, dict):
            self.voice_config = WhisperConfig(**self.voice_config)
        super().__post_init__(**kwargs)

    @classmethod
    def of(cls, base: Qwen3VLConfig, audio: PretrainedConfig, **settings: Any) -> DuchenneConfig:
        """From the configurations of a Qwen3-VL and a Whisper checkpoint.

        Raises ValueError where they are of another kind, or hear in another number of bands.
        """
        if getattr(base, "model_type", None) != "qwen3_vl":
            raise ValueError(
                f"the base must be a Qwen3-VL checkpoint; this one is {base.model_type!r}"
            )
        if getattr(audio, "model_type", None) != "whisper":
            raise ValueError(
                f"audio must be a Whisper checkpoint; this one is {audio.model_type!r}"
            )
        own = {"model_type", "architectures", "transformers_version", "_name_or_path"}
        parts = {key: value for key, value in base.to_dict().items() if key not in own}
        return cls(**parts, voice_config=audio.to_dict(), **settings)

    def layout(self) -> Layout:
        """How pictures lie in the processor's output."""
        vision = self.vision_config
        return Layout(
            patch=int(vision.patch_size),
            merge=int(vision.spatial_merge_size),
            frames=int(vision.temporal_patch_size),
            mean=tuple(self.image_mean),
            std=tuple(self.image_std),
        )
