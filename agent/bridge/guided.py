"""Pictures read as the prompt asks: low, middle and high levels of the vision tower.

Knows states and sizes, no picture and no language. After FaVChat (arXiv 2503.09158): the prompt's
words look through four layers of the vision tower in turn (low); two small sets of learned
queries, shifted by the prompt, gather what the picture says and what the prompt found in it
(middle); both are weighed against one another (high). What comes of it is added to the picture's
own tokens, whose number stays, so that processors and prompts need not know of it.

The words are those of the turn that the picture stands in, and never what is answered: a
completion that is trained on must not be seen through the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import nn

HEADS: Final = 8
LAYERS: Final = 4
QUERIES: Final = 16


class Reading(nn.Module):  # type: ignore[misc]  # torch has no types here
    """One block of cross-attention: normalised before, added after, then an MLP of fourfold width.

    For `width` divisible by HEADS.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.asks, self.reads, self.thinks = (nn.LayerNorm(width) for _ in range(3))
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, asking: torch.Tensor, read: torch.Tensor) -> torch.Tensor:
        """Asking × width, from read × width."""
        read = self.reads(read)
        parts = (self.query(self.asks(asking)), self.key(read), self.value(read))
        heads = (part.reshape(len(part), HEADS, -1).transpose(0, 1) for part in parts)
        found = nn.functional.scaled_dot_product_attention(*heads)
        asking = asking + self.out(found.transpose(0, 1).reshape(len(asking), -1))
        return asking + self.mlp(self.thinks(asking))


class Gathering(nn.Module):  # type: ignore[misc]
    """Learned queries, shifted by the prompt, that read one stream twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.queries = nn.Embedding(QUERIES, width)
        self.shift = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.readings = nn.ModuleList(Reading(width) for _ in range(2))

    def forward(self, prompt: torch.Tensor, stream: torch.Tensor) -> torch.Tensor:
        """QUERIES × width; `prompt` is the mean of the prompt's words, width."""
        asking = self.queries.weight + self.shift(prompt)
        for reading in self.readings:
            asking = reading(asking, stream)
        return asking


class Guided(nn.Module):  # type: ignore[misc]
    """What the prompt reads in one picture, added to the picture's tokens."""

    def __init__(self, depth: int, width: int, hidden: int) -> None:
        """`depth` layers of `width` in the vision tower, `hidden` in the language model.

        Raises ValueError for a width that HEADS heads cannot share.
        """
        super().__init__()
        if width % HEADS:
            raise ValueError(f"guided reading needs a vision width divisible by {HEADS}: {width}")
        count = min(LAYERS, depth)
        self.layers = [depth * (k + 1) // count - 1 for k in range(count)]
        """Layers that are read, evenly spaced, from 0."""
        self.words = nn.Linear(hidden, width)
        self.low = nn.ModuleList(Reading(width) for _ in self.layers)
        self.tokens = nn.Linear(hidden, width)
        self.general, self.facial = Gathering(width), Gathering(width)
        self.of_stream, self.of_prompt = nn.Linear(width, width), nn.Linear(width, width)
        self.score = nn.Linear(width, 1)
        self.fused = nn.LayerNorm(width)
        self.back = Reading(width)
        self.up = nn.Linear(width, hidden)
        # An embedding of one row, because its initial value, near zero, is set with the others'.
        self.gate = nn.Embedding(1, hidden)

    def forward(
        self, words: torch.Tensor, levels: Sequence[torch.Tensor], tokens: torch.Tensor
    ) -> torch.Tensor:
        """Tokens × hidden.

        `words` × hidden of the prompt; `levels`: patches × width of each of `layers`; `tokens`:
        tokens × hidden of the picture as the vision tower gives them.
        """
        asked = self.words(words)
        for reading, level in zip(self.low, levels, strict=True):
            asked = reading(asked, level)
        prompt, seen = asked.mean(0), self.tokens(tokens)
        streams = torch.stack([self.general(prompt, seen), self.facial(prompt, asked)])
        weighed = nn.functional.gelu(self.of_stream(streams.mean(1)) + self.of_prompt(prompt))
        share = self.score(weighed).softmax(0)[..., None]
        fused = self.fused((share * streams).sum(0))
        return tokens + self.gate.weight * self.up(self.back(seen, fused))


def turns(
    ids: torch.Tensor,
    attention: torch.Tensor | None,
    counts: Sequence[int],
    image: int,
    other: Sequence[int],
    end: int,
) -> list[tuple[int, torch.Tensor]]:
    """For each picture its row in the batch, and the places of the words of its turn.

    `ids`: batch × length; `counts`: tokens of each picture, in order; `image`: their id; `other`:
    ids that are no words either; `end`: the id that ends a turn. Raises ValueError where the
    turn of a picture does not end, because what follows might be the answer.
    """
    rows, columns = (ids == image).nonzero(as_tuple=True)
    starts = torch.tensor([0, *counts]).cumsum(0)
    if len(rows) != int(starts[-1]):
        raise ValueError(f"{len(rows)} picture tokens in the prompts, {starts[-1]} in the pictures")
    words = ~torch.isin(ids, torch.tensor([image, end, *other], device=ids.device))
    if attention is not None and attention.shape == ids.shape:
        words &= attention.bool()
    found: list[tuple[int, torch.Tensor]] = []
    for start in starts[:-1].tolist():
        row, place = int(rows[start]), int(columns[start])
        ends = (ids[row] == end).nonzero()[:, 0]
        after = ends[ends > place]
        if not len(after):
            raise ValueError(
                f"no token {end} ends the turn of a picture: guided reading needs a chat template "
                "that ends turns (text_config.eos_token_id)"
            )
        before = ends[ends < place]
        first = int(before[-1]) + 1 if len(before) else 0
        found.append((row, words[row, first : int(after[0])].nonzero()[:, 0] + first))
    return found
