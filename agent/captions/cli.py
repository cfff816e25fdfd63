"""The command `duchenne caption`: reads arguments; `agent.captions.command` does what they ask.

Exit codes are those of `agent.cli.main`: 0 done (some clips that cannot be read are records, not an
error), 1 clips failed of this machine (killed, no memory, no room), 2 wrong use, 3 no clip could be
read, 4 the model's host, 130 stopped; every stopped run goes on where it was when the same command
is given again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.util import listen

if TYPE_CHECKING:
    from agent.captions.sources import Cards

OK, FAILED, USAGE, MEDIA, HOST = 0, 1, 2, 3, 4

EXAMPLES: Final = """\
examples:
  duchenne caption clips/ --out captions/                     every clip in a folder
  duchenne caption 'clips/**/*.mp4' --out captions/ --sample 20 --style short
  duchenne caption clips.csv --out captions/ --model openai:NAME --base-url http://localhost:8000/v1
  duchenne caption owner/data --split test --out captions/    a Hugging Face data set
  duchenne caption ravdess --root RAVDESS/ --out captions/    a data card's (duchenne data list)
  duchenne caption clips/ --out captions/ --retry-failed      go on, and try failed clips again
  duchenne caption review captions/                           read and accept them on a local page
  duchenne caption export captions/ --to sharegpt merr        for other tools, in captions/exports
"""

FORMATS: Final = ("jsonl", "sharegpt", "merr", "fea20k", "expllm", "webdataset")


def main(argv: Sequence[str] | None = None, cards: Cards | None = None) -> int:
    """Run one command; returns the exit code. `cards` looks SRC up among the data cards."""
    words = list(sys.argv[1:] if argv is None else argv)
    verbs = {"review": (_review_parser, _review), "export": (_export_parser, _export)}
    make, act = verbs.get(words[0] if words else "", (_parser, partial(_caption, cards=cards)))
    return _guarded(act, make().parse_args(words[1:] if words and words[0] in verbs else words))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duchenne caption",
        description="Caption every clip of a data set: evidence, a checked reading and a caption "
        "for each person. A run that was stopped or killed goes on where it was.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", metavar="SRC",
        help="folder, quoted pattern, table (.jsonl .csv .parquet), Hugging Face data set, card",
    )  # fmt: skip
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="where they go")
    _add_what(parser)
    _add_source(parser)
    _add_running(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is written")
    what.add_argument(
        "--style", choices=("short", "rich", "cot", "merr"), default="rich",
        help="one sentence; a paragraph (default); reasoning and a label; MERR's four parts",
    )  # fmt: skip
    what.add_argument("--people", choices=("all", "main"), default="all")
    what.add_argument("--profile", metavar="P", default="general", help="as of duchenne ask")
    what.add_argument(
        "--with-labels", metavar="COLUMN", nargs="+", default=(),
        help="tell the model these labels and ask for rationales; rows are marked gold_conditioned",
    )  # fmt: skip
    what.add_argument("--model", metavar="M", help="rules (default), openai:NAME, hf:PATH")
    what.add_argument("--base-url", metavar="U", help="of the model's host")
    what.add_argument("--model-revision", metavar="R", help="where the host cannot tell it")
    what.add_argument(
        "--one-call", action="store_true", help="ask a model once for all steps and the caption"
    )
    what.add_argument("--aus", metavar="NAME", help="action unit estimator; default: the best")
    what.add_argument(
        "--no-closer-look", action="store_true", help="look at no moment twice: faster, coarser"
    )


def _add_source(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the source")
    group.add_argument(
        "--root", metavar="DIR", type=Path, help="where a table's paths start; a card's data"
    )
    group.add_argument("--split", default="train", help="of a Hugging Face data set")
    group.add_argument("--config", metavar="NAME", help="of a Hugging Face data set")
    group.add_argument("--clip-column", metavar="NAME", help="column that holds the clip")
    group.add_argument("--sample", metavar="N", type=int, help="only N clips, spread evenly")
    group.add_argument("--budget", metavar="B", help="stop after 90s, 10m, 2h or 500calls")


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    group.add_argument("--workers", metavar="N", type=int, help="sensing processes; default: cores")
    group.add_argument(
        "--in-flight", metavar="N", type=int, default=16, help="clips at the model at once (16)"
    )
    group.add_argument("--engine", choices=("local", "ray"), default="local")
    group.add_argument("--address", metavar="A", help="of a Ray cluster; default: a Ray of our own")
    group.add_argument(
        "--to", nargs="+", choices=(*FORMATS, "openai-batch"), default=(), metavar="FORMAT",
        help=f"export afterwards: {', '.join(FORMATS)}; or openai-batch: write request files "
        "instead of asking a host",
    )  # fmt: skip
    group.add_argument(
        "--from-batch", nargs="+", type=Path, default=(), metavar="FILE",
        help="replies to the requests of --to openai-batch",
    )  # fmt: skip
    group.add_argument("--retry-failed", action="store_true", help="try failed clips again")
    group.add_argument("--redo", action="store_true", help="replace captions of other settings")
    group.add_argument("--shard-rows", metavar="N", type=int, default=1000, help=argparse.SUPPRESS)


def _review_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duchenne caption review",
        description="Read, compare and accept captions on a page of this machine. Decisions are "
        "written into the columns review, review_caption and review_note.",
    )
    parser.add_argument("out", metavar="DIR", type=Path, help="folder of captions")
    parser.add_argument("--beside", metavar="DIR2", type=Path, help="other captions of the clips")
    parser.add_argument("--port", type=listen.port, default=0, help="default: a free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    return parser


def _review(asked: argparse.Namespace) -> int:
    import webbrowser

    from agent.captions.outcome import RunError
    from agent.captions.review import Review, serve
    from agent.captions.store import Store

    if not (asked.out / "manifest.json").exists():
        raise RunError(f"{asked.out} is no folder of captions")
    with Store(asked.out) as store:
        server, url = serve(Review(store, asked.beside), asked.port)
        print(f"{url}\nCtrl-C ends it.", file=sys.stderr, flush=True)
        if not asked.no_browser:
            webbrowser.open(url)
        try:
            server.serve_forever(0.2)
        except KeyboardInterrupt:
            print("", file=sys.stderr)
        finally:
            server.server_close()
    return OK


def _export_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duchenne caption export",
        description="Captions in the formats of other tools, under DIR/exports/FORMAT. Rejected "
        "captions are left out, mended ones are used as mended.",
    )
    parser.add_argument("out", metavar="DIR", type=Path, help="folder of captions")
    parser.add_argument("--to", nargs="+", required=True, choices=FORMATS, metavar="FORMAT",
                        help=", ".join(FORMATS))  # fmt: skip
    return parser


def _export(asked: argparse.Namespace) -> int:
    from agent.captions.exports import export

    for target in asked.to:
        made = export(asked.out, target)
        left = "".join(f"; {n} left out: {why}" for why, n in made.left.items())
        print(f"{target}: {made.written} captions in {made.folder}{left}")
    return OK


def _guarded(act: Callable[[argparse.Namespace], int], asked: argparse.Namespace) -> int:
    from agent.schema.errors import DuchenneError

    try:
        return act(asked)
    except DuchenneError as error:
        print(f"duchenne: {error}", file=sys.stderr)
        return error.exit_status


def _caption(asked: argparse.Namespace, cards: Cards | None = None) -> int:
    from agent.captions.command import STOPPED, caption, lost_all

    work = caption(asked, cards)
    asked.to = [target for target in asked.to if target != "openai-batch"]
    if asked.to and work.store.done:
        _export(asked)
    if work.ended == "stopped":
        return STOPPED
    if work.ours:
        return FAILED
    if lost_all(work):
        lost = [one.failure for one in work.store.failed.values() if one.failure is not None]
        stages = {failure.stage for failure in lost}
        return HOST if stages == {"writing"} else MEDIA
    return OK


if __name__ == "__main__":
    sys.exit(main())
