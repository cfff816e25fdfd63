"""Qwen3-VL's processor, which lets no changed voice picture pass.

Knows text and pictures; reads what it is about to hand over, not what it was given, so that a
resize by the processor itself is caught like one on the way.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import Qwen3VLProcessor

from agent.bridge.pixels import Layout, voices


class DuchenneProcessor(Qwen3VLProcessor):  # type: ignore[misc]  # transformers has no types here
    """As Qwen3-VL's, for checkpoints of type "duchenne".

    `DuchenneProcessor.from_pretrained` also reads a stock Qwen3-VL folder.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """See `Qwen3VLProcessor`. Raises VoicePictureError for a changed voice picture."""
        out = super().__call__(*args, **kwargs)
        if "pixel_values" in out:
            patches = torch.as_tensor(out["pixel_values"])
            voices(patches, torch.as_tensor(out["image_grid_thw"]), Layout.of(self.image_processor))
        return out
