"""`duchenne train …`: which training a word starts. Each is imported only when it runs."""

from __future__ import annotations

import argparse
import json
import logging
import sys


def main(argv: list[str] | None = None) -> int:
    """Run one training command; 0 when it went well, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="duchenne train")
    commands = parser.add_subparsers(dest="command", required=True)
    aus = commands.add_parser("aus", help="the action unit estimator, from rendered faces")
    aus.add_argument("recipe", help="YAML file, e.g. finetune/recipes/aus.yaml")
    aus.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    aus.add_argument("--dry-run", action="store_true", help="print the settings and stop")
    commands.add_parser("faces", help="rendered faces: sheets, clips, shards", add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command == "faces":
        from finetune.faces.__main__ import main as faces

        return faces(rest)
    if rest:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    return _aus(arguments)


def _aus(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from finetune.aus.recipe import Recipe
    from finetune.recipe import RecipeError, read

    try:
        recipe = read(Recipe, arguments.recipe, arguments.set)
    except RecipeError as error:
        print(f"duchenne train aus: {error}", file=sys.stderr)
        return 2
    if arguments.dry_run:
        print(json.dumps(asdict(recipe), indent=1))
        return 0
    try:
        from finetune.aus import train
    except ImportError as error:
        print(
            f"duchenne train aus: {error.name} is not installed: pip install 'duchenne[train]'",
            file=sys.stderr,
        )
        return 2
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s", stream=sys.stderr)
    report = train.train(recipe)
    print(json.dumps({mesh: report[mesh]["mean"] for mesh in ("large", "small")}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
