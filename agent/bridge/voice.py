"""The voice tower: log-mel in, as many tokens out as the picture takes in Qwen3-VL.

Knows Whisper's encoder and the raster of voice pictures (render/voice_picture.py), no language.
A picture 128 high and W wide takes 4 rows of W/32 tokens. The encoder gives one state every
20 ms; the 320 ms under one column of tokens are 16 states, 4 to a token, the earliest in the top
row. The 4 tokens of the first column, over the marker, carry the mean of all states: what the
voice is like on the whole. Tokens wholly after the valid columns are one learned vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from agent.render.voice_picture import BANDS, LONGEST, MARKER, NARROWEST, SPAN, VoicePicture

ROWS: Final = 4
"""Tokens above one another."""
STATES: Final = 4
"""Encoder states in one token: 80 ms."""
_COLUMNS: Final = 2 * STATES
"""Mel columns under one token."""
_PAIR: Final = 2
"""Mel columns in one state."""


def tokens(columns: int) -> int:
    """Number of tokens of a voice picture with so many valid columns."""
    return ROWS * (max(NARROWEST, -(-(MARKER + columns) // 32) * 32) // 32)


class VoiceTower(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Encoder and projector."""

    def __init__(self, config: WhisperConfig, hidden: int, padded: bool) -> None:
        """`hidden`: size of the language model's states. Raises ValueError for other bands."""
        super().__init__()
        if config.num_mel_bins != BANDS:
            raise ValueError(
                f"the encoder hears {config.num_mel_bins} mel bands, voice pictures have "
                f"{BANDS}: take one of Whisper's large-v3 family"
            )
        self.padded = padded
        self.longest: int = min(LONGEST, _PAIR * config.max_source_positions)
        self.encoder = WhisperEncoder(config)
        size = config.d_model
        self.projector = nn.Sequential(
            nn.Linear(STATES * size, hidden), nn.GELU(), nn.Linear(hidden, hidden)
        )
        self.summary = nn.Linear(size, ROWS * hidden)
        # An embedding of one row: its initial value is set with the others'.
        self.empty = nn.Embedding(1, hidden)

    def forward(self, voices: Sequence[VoicePicture]) -> list[torch.Tensor]:
        """Tokens × hidden of each picture, in the order of the picture's merged patches."""
        states = self._encode(voices)
        return [
            self._project(each, voice.mel.shape[1])
            for each, voice in zip(states, voices, strict=True)
        ]

    def _encode(self, voices: Sequence[VoicePicture]) -> list[torch.Tensor]:
        """States × size of each; pictures of one length go through the encoder together."""
        lengths = [self._length(voice) for voice in voices]
        found: dict[int, torch.Tensor] = {}
        like = self.encoder.conv1.weight
        for length in sorted(set(lengths)):
            here = [n for n, mine in enumerate(lengths) if mine == length]
            mel = np.stack([_padded(voices[n], length) for n in here])
            states = self._states(torch.from_numpy(mel).to(like.device, like.dtype))
            found |= dict(zip(here, states, strict=True))
        return [found[n] for n in range(len(voices))]

    def _length(self, voice: VoicePicture) -> int:
        """Mel columns to encode."""
        columns = voice.mel.shape[1]
        if columns > self.longest:
            raise ValueError(
                f"a voice picture of {columns / 100:.1f} s; this voice tower reads up to "
                f"{self.longest / 100:.1f} s (max_source_positions)"
            )
        return self.longest if self.padded else min(self.longest, -(-columns // 32) * 32)

    def _states(self, mel: torch.Tensor) -> torch.Tensor:
        """Pictures × states × size of pictures × bands × columns."""
        whisper = self.encoder
        if mel.shape[-1] == _PAIR * whisper.config.max_source_positions:
            return whisper(mel).last_hidden_state
        # The same layers over fewer positions; `whisper.forward` takes only its full length.
        gelu = nn.functional.gelu
        states = gelu(whisper.conv2(gelu(whisper.conv1(mel)))).transpose(1, 2)
        # Through the modules, not their weights: a trainer may hold those in shards.
        states = states + whisper.embed_positions(self._numbers(states.shape[1]))
        for layer in whisper.layers:
            states = layer(states, None)
        return whisper.layer_norm(states)

    def _numbers(self, count: int) -> torch.Tensor:
        return torch.arange(count, device=self.encoder.conv1.weight.device)

    def _project(self, states: torch.Tensor, columns: int) -> torch.Tensor:
        """Tokens × hidden of one picture's states."""
        valid = -(-columns // _COLUMNS)
        whole = torch.cat([states, states.new_zeros(STATES, states.shape[1])])
        told = self.projector(whole[: valid * STATES].reshape(valid, -1))
        wide = tokens(columns) // ROWS - 1
        rest = self.empty(self._numbers(1)).expand(wide * ROWS - valid, -1)
        # In time order: a column of four, then the next; the picture's order is by rows.
        payload = torch.cat([told, rest]).reshape(wide, ROWS, -1).transpose(0, 1)
        mean = states[: -(-columns // _PAIR)].mean(0)
        marker = self.summary(mean).reshape(ROWS, 1, -1)
        return torch.cat([marker, payload], 1).reshape(ROWS * (wide + 1), -1)


def _padded(voice: VoicePicture, length: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Mel of `length` columns; the rest is silence as Whisper's extractor writes it."""
    silence = (max(voice.top - SPAN, -10.0) + 4) / 4
    mel = np.full((BANDS, length), silence, np.float32)
    mel[:, : voice.mel.shape[1]] = voice.mel[:, :length]
    return mel
