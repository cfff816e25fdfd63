"""The command `duchenne data`: data cards, whether a folder fits one, samples from it.

Standard output holds the result only. Exit codes: 0 done, 1 the folder does not fit or holds
leaks, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from eval import cards, leaks, readers, samples
from eval.cards import Card, CardError
from eval.readers import LayoutError
from eval.samples import Sample, SamplesError

EXAMPLES: Final = """\
examples:
  duchenne data list
  duchenne data show ravdess
  duchenne data check ravdess --root ~/data/RAVDESS
  duchenne data prepare ravdess --root ~/data/RAVDESS --out ravdess.jsonl
then: duchenne eval ravdess.jsonl, or duchenne caption ravdess.jsonl --out captions/
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    try:
        asked = _parser().parse_args(list(sys.argv[1:] if argv is None else argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    run: Callable[[argparse.Namespace], int] = asked.run
    try:
        return run(asked)
    except CardError as error:
        return _complain(str(error), 2)
    except (LayoutError, SamplesError) as error:
        return _complain(str(error), 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duchenne data",
        description="Data sets: what they hold, how to get them, samples from their files.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="list|show|check|prepare")
    listing = verbs.add_parser("list", help="all cards, one line each")
    listing.add_argument("--json", action="store_true", help="whole cards as JSON")
    listing.set_defaults(run=_list)
    show = verbs.add_parser("show", help="one card")
    show.add_argument("name", metavar="NAME", help="of the card, or an alias (CH-SIMS v2)")
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(run=_show)
    check = verbs.add_parser("check", help="does a folder hold what the owners ship?")
    check.add_argument("name", metavar="NAME")
    check.add_argument("--root", metavar="DIR", type=Path, required=True)
    check.add_argument("--hash", action="store_true", help="also look for equal files (reads all)")
    check.set_defaults(run=_check)
    prepare = verbs.add_parser("prepare", help="write the folder's samples as JSONL")
    prepare.add_argument("name", metavar="NAME")
    prepare.add_argument("--root", metavar="DIR", type=Path, required=True)
    prepare.add_argument("--out", metavar="FILE", type=Path, help="default: NAME.jsonl here")
    prepare.set_defaults(run=_prepare)
    return parser


def _list(asked: argparse.Namespace) -> int:
    found = [cards.load(name) for name in cards.names()]
    if asked.json:
        print(json.dumps([card.model_dump() for card in found], indent=2, ensure_ascii=False))
        return 0
    width = max(len(card.name) for card in found)
    for card in found:
        reads = "reader" if card.reader else "  –   "
        print(f"{card.name:{width}}  {reads}  {card.access.kind:14}  {card.title}")
    return 0


def _show(asked: argparse.Namespace) -> int:
    card = cards.load(asked.name)
    if asked.json:
        shown = card.model_dump() | {"unknowns": card.unknowns}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        print("\n".join(told(card)))
    return 0


def told(card: Card) -> Iterator[str]:
    """A card as lines for people."""
    yield f"{card.title}  ({card.name})"
    yield ""
    for name, text in _fields(card):
        yield textwrap.fill(text, 96, initial_indent=f"{name:12}", subsequent_indent=" " * 12)
    yield ""
    for paragraph in card.prose.strip().split("\n\n"):
        yield textwrap.fill(" ".join(paragraph.split()), 96)
        yield ""
    if card.unknowns:
        yield textwrap.fill(f"Not known: {', '.join(card.unknowns)}.", 96)


def _fields(card: Card) -> Iterator[tuple[str, str]]:
    size = [
        f"{n:,} {what}".replace(",", " ") if isinstance(n, int) else f"{n:g} {what}"
        for n, what in ((card.size.samples, "samples"), (card.size.people, "people"),
                        (card.size.hours, "hours"))
        if n is not None
    ]  # fmt: skip
    parts = [f"{k} {'?' if n is None else n}" for k, n in card.splits.parts.items()]
    yield "source", card.source
    yield "licence", card.licence
    yield "access", f"{card.access.kind}. {card.access.how}"
    yield "consent", card.consent
    yield "sensitive", "; ".join(card.sensitivity) or "nothing stated"
    yield "modalities", ", ".join(card.modalities) + _in(card.languages)
    yield "size", _joined([", ".join(size) or "unknown", card.size.note])
    yield "splits", _joined([f"by {card.splits.unit}: {', '.join(parts)}", card.splits.note])
    classes = ", ".join(card.labels.classes)
    yield "labels", _joined([", ".join(card.labels.kinds), classes, card.labels.note])
    yield "annotators", f"{card.annotators.who} Agreement: {card.annotators.agreement}"
    for gap in card.gaps:
        yield "gap", gap
    yield "layout", card.layout if card.reader else f"no reader yet. {card.layout}"
    if card.benchmark:
        yield "benchmark", f"{card.benchmark.task}: {', '.join(card.benchmark.measures)}"
    yield "cite", card.citation
    yield "facts from", "; ".join(card.facts)


def _in(languages: Sequence[str]) -> str:
    return f"; in {', '.join(languages)}" if languages else ""


def _joined(parts: Sequence[str | None]) -> str:
    return ". ".join(part.rstrip(".") for part in parts if part)


def _check(asked: argparse.Namespace) -> int:
    card = cards.load(asked.name)
    found = list(of_card(card, asked.root))
    print(f"{card.name}: {len(found)} samples under {asked.root}")
    for line in _counted(found):
        print(f"  {line}")
    gone = [s for s in found if s.path is not None and not s.path.exists()]
    if gone:
        print(f"  {len(gone)} clips are named but not there, such as {gone[0].path}")
    expected = card.size.samples
    if expected and len(found) != expected:
        print(f"  the card says {expected}: this is {len(found) / expected:.0%} of it")
    leaked = leaks.within(found, card.splits.unit, hash_files=asked.hash)
    for leak in leaked:
        print(f"  leak: {leak}")
    return 1 if leaked or gone else 0


def _counted(found: Sequence[Sample]) -> Iterator[str]:
    """Splits, people and labels with their numbers."""
    splits = Counter(s.split or "no split" for s in found)
    yield "splits: " + ", ".join(f"{k} {n}" for k, n in sorted(splits.items()))
    people = {s.person for s in found if s.person}
    yield f"people: {len(people) or 'not told apart'}"
    labels = Counter(str(s.labels["label"]) for s in found if "label" in s.labels)
    if labels:
        yield "labels: " + ", ".join(f"{k} {n}" for k, n in labels.most_common(12))
    languages = Counter(s.language or "unknown" for s in found)
    yield "languages: " + ", ".join(f"{k} {n}" for k, n in languages.most_common())


def _prepare(asked: argparse.Namespace) -> int:
    card = cards.load(asked.name)
    out = asked.out or Path(f"{card.name}.jsonl")
    number = samples.write(of_card(card, asked.root), out)
    print(out)
    print(f"duchenne data: {number} samples written", file=sys.stderr)
    return 0


def of_card(card: Card, root: Path) -> Iterator[Sample]:
    """Samples of a card's data set under the root. Raises CardError, LayoutError, OSError."""
    if card.reader is None:
        raise CardError(
            f"{card.name} has no reader yet. {card.layout} Samples may also be written by hand: "
            'one JSON object a line, {"id", "path", "labels": {"label": …}, "person", "split", …}'
        )
    try:
        yield from readers.read(card.reader, root.expanduser())
    except LayoutError as error:
        raise LayoutError(
            f"{root} is not laid out as the owners of {card.name} ship it: {error}. "
            f"Expected: {card.layout}"
        ) from error


def _complain(message: str, code: int) -> int:
    print(f"duchenne data: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
