"""`duchenne train …`: which training a word starts. Each is imported only when it runs."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_KINDS: Final = {
    "sft": "learn completions: attributes, then expression, then emotion",
    "grpo": "learn from rewards that check the reasoning against the evidence",
    "loop": "write, keep what holds, reflect on the rest, learn again",
}


def main(argv: list[str] | None = None) -> int:
    """Run one training command; 0 when it went well, 2 for wrong use."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command == "faces":
        from finetune.faces.__main__ import main as faces

        return faces(rest)
    if rest:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    command: Callable[[argparse.Namespace], int] = arguments.run
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel("WARNING")
    return _told(command, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="duchenne train")
    commands = parser.add_subparsers(dest="command", required=True)
    aus = commands.add_parser("aus", help="the action unit estimator, from rendered faces")
    _takes_recipe(aus, "finetune/recipes/aus.yaml")
    aus.set_defaults(run=_aus)
    for kind, about in _KINDS.items():
        one = commands.add_parser(kind, help=about)
        _takes_recipe(one, f"finetune/recipes/tiny-world-{kind}.yaml")
        if kind != "loop":
            one.add_argument("--afresh", action="store_true", help="do not go on where it was")
        one.set_defaults(run=_loop if kind == "loop" else _train)
    export = commands.add_parser("export", help="a checkpoint, merged and with a probe, to serve")
    export.add_argument("checkpoint", type=Path)
    export.add_argument("--out", type=Path, required=True, metavar="DIR")
    export.set_defaults(run=_export)
    score = commands.add_parser("score", help="measures on held-out people of the small world")
    score.add_argument("checkpoint", help="a folder; or `rules`, or `taught` for gold texts")
    score.add_argument("--recipe", required=True, help="whose world and style are asked in")
    score.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    voices = ("as it is", "blank", "mean", "another", "none")
    score.add_argument("--voice", default=voices[0], choices=voices)
    score.add_argument("--out", type=Path, metavar="FILE", help="JSON; else standard output")
    score.set_defaults(run=_score)
    commands.add_parser("faces", help="rendered faces: sheets, clips, shards", add_help=False)
    return parser


def _takes_recipe(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument("recipe", help=f"YAML file, e.g. {example}")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done and stop")


def _told(command: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Errors a user can mend, as one line each."""
    from agent.util.advice import advice
    from finetune.formats import FormatError
    from finetune.recipe import RecipeError

    said = f"duchenne train {arguments.command}"
    try:
        return command(arguments)
    except (RecipeError, FormatError) as error:
        print(f"{said}: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(
            f"{said}: {error.name} is not installed: {advice('faces', 'train')}",
            file=sys.stderr,
        )
    return 2


def _print(found: Any) -> int:
    print(json.dumps(found, indent=1))
    return 0


def _train(arguments: argparse.Namespace) -> int:
    from finetune.recipe import RecipeError
    from finetune.settings import read

    recipe = read(arguments.recipe, arguments.set)
    if recipe.kind != arguments.command:
        raise RecipeError(f"{arguments.recipe} is a recipe of {recipe.kind}")
    from finetune import train

    if arguments.dry_run:
        from finetune.plan import plan

        return _print(plan(train.build(recipe)))
    print(train.run(recipe, resume=not arguments.afresh))
    return 0


def _loop(arguments: argparse.Namespace) -> int:
    from finetune.settings import read

    recipe = read(arguments.recipe, arguments.set)
    from finetune import loop

    if arguments.dry_run:
        return _print(loop.asked(recipe))
    print(loop.run(recipe))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from finetune.export import export

    print(export(arguments.checkpoint, arguments.out))
    return 0


def _score(arguments: argparse.Namespace) -> int:
    from finetune import scores
    from finetune.settings import read

    recipe = read(arguments.recipe, arguments.set)
    if arguments.checkpoint in ("rules", "taught"):
        scenes, rows = scores.held_out(recipe)
        taught = [row.completion or "" for row in rows]
        told = scores.rules(scenes) if arguments.checkpoint == "rules" else taught
        found = scores.table(scenes, told, recipe.rewards)
    else:
        found = scores.score(recipe, arguments.checkpoint, arguments.voice)
    if arguments.out is None:
        return _print(found)
    scores.keep(found, arguments.out)
    return 0


def _aus(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from finetune.aus.recipe import Recipe
    from finetune.recipe import read

    recipe = read(Recipe, arguments.recipe, arguments.set)
    if arguments.dry_run:
        return _print(asdict(recipe))
    from finetune.aus import train

    report = train.train(recipe)
    print(json.dumps({mesh: report[mesh]["mean"] for mesh in ("large", "small")}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
