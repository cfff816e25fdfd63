"""The command `duchenne caption` as it is run: data cards' names are sources of clips too.

Joins the cards and their readers with the clips that captions are made of, so that agent/ need
not know of cards. A clip that the samples cut into spans is captioned once, with all their labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.captions import cli
from agent.captions.samples import Sample as Clip
from agent.captions.samples import SourceError

if TYPE_CHECKING:
    from eval.cards import Card
    from eval.samples import Sample


def main(argv: Sequence[str] | None = None) -> int:
    """Run `duchenne caption`; returns the exit code."""
    return cli.main(argv, clips)


def clips(name: str, root: Path | None) -> Iterator[Clip] | None:
    """Clips of the data set whose card has this name or alias; None where no card has it.

    Raises SourceError where the root is not given, has no reader or another layout.
    """
    from eval import cards

    try:
        card = cards.load(name)
    except cards.CardError:
        if cards.plain(name) in cards.names():
            raise
        return None
    if root is None:
        raise SourceError(f"where is {card.name}? give --root DIR. Expected there: {card.layout}")
    return _clips(card, root.expanduser().absolute())


def _clips(card: Card, root: Path) -> Iterator[Clip]:
    from eval import data_cli
    from eval.cards import CardError
    from eval.readers import LayoutError

    spans: dict[Path, list[Sample]] = {}
    try:
        for sample in data_cli.of_card(card, root):
            if sample.path is None:
                continue
            if sample.span is None:
                yield _clip(sample, root, sample.id, sample.labels)
            else:
                spans.setdefault(sample.path, []).append(sample)
    except (LayoutError, CardError) as error:
        raise SourceError(str(error)) from error
    for path, parts in spans.items():
        told = [{"id": s.id, "span": s.span, **s.labels} for s in parts]
        if len(parts) == 1:
            yield _clip(parts[0], root, parts[0].id, parts[0].labels)
        else:
            yield _clip(parts[0], root, _place(path, root), {"spans": told})


def _clip(sample: Sample, root: Path, id: str, labels: Any) -> Clip:
    assert sample.path is not None
    place = _place(sample.path, root)
    return Clip(id, sample.path.absolute(), place, labels=dict(labels), fps=sample.fps)


def _place(path: Path, root: Path) -> str:
    """The clip's path from the root, as rows and the page of reviews name it."""
    whole = path.absolute()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(whole)
