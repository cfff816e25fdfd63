"""A data card's name as a source of clips for `duchenne caption`: its samples, labels apart.

Joins the cards and their readers with the clips that captions are made of, so that agent/ need
not know of cards.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.captions.samples import Sample as Clip
from agent.captions.samples import SourceError
from eval import cards, data_cli
from eval.readers import LayoutError


def clips(name: str, root: Path | None) -> Iterator[Clip] | None:
    """Clips of the data set whose card has this name or alias; None where no card has it.

    Raises SourceError where the root is not given, has no reader or another layout.
    """
    known = cards.names()
    if cards.plain(name) not in known:
        try:
            cards.load(name)
        except cards.CardError:
            return None
    card = cards.load(name)
    if root is None:
        raise SourceError(f"where is {card.name}? give --root DIR. Expected there: {card.layout}")
    return _clips(card, root)


def _clips(card: cards.Card, root: Path) -> Iterator[Clip]:
    try:
        for sample in data_cli.of_card(card, root):
            if sample.path is not None:
                yield Clip(id=sample.id, path=sample.path.absolute(), labels=dict(sample.labels))
    except (LayoutError, cards.CardError) as error:
        raise SourceError(str(error)) from error
