"""Rendered faces from the command line.

    python -m finetune.faces sheet OUT.png [--seed N]          many people and expressions
    python -m finetune.faces clip OUT.mp4 [--seed N] [--fps N] one person, with truth beside it
    python -m finetune.faces example OUT.mp4                   the README's example; needs espeak-ng
    python -m finetune.faces shards FOLDER [--people N]        training data, resumable

The head model: --head, else DUCHENNE_ICT, else ict_face.npz in DUCHENNE_ASSETS.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path

import numpy as np

from finetune.faces import ict


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 when it went well, 2 for wrong use."""
    arguments = _parser().parse_args(argv)
    try:
        head = ict.load(arguments.head)
    except ict.HeadModelError as error:
        print(f"faces: {error}", file=sys.stderr)
        return 2
    commands = {"sheet": _sheet, "clip": _clip, "example": _example, "shards": _shards}
    commands[arguments.command](head, arguments)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="faces", description="Faces with known muscles.")
    parser.add_argument("--head", type=Path, help="ict_face.npz or a checkout of ICT-FaceKit")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("sheet", "clip", "example", "shards"):
        command = commands.add_parser(name)
        command.add_argument("out", type=Path)
        if name in ("sheet", "clip"):
            command.add_argument("--seed", type=int, default=0)
            command.add_argument("--size", type=int, default=320, help="pixels a side")
        if name == "clip":
            command.add_argument("--fps", type=float, default=20)
            command.add_argument("--seconds", type=float, default=12)
        if name == "shards":
            command.add_argument("--people", type=int, default=600, help="for training")
            command.add_argument("--smiling", type=int, default=0, help="more, who mostly smile")
            command.add_argument("--held-out", type=int, default=24, help="for each other split")
            command.add_argument("--stills", type=int, default=48, help="pictures a person")
            command.add_argument("--seconds", type=float, default=5.0, help="of training clips")
    return parser


def _sheet(head: ict.Head, arguments: argparse.Namespace) -> None:
    from PIL import Image

    from finetune.faces import sheet

    picture = sheet.contact(head, arguments.seed, size=arguments.size)
    Image.fromarray(picture).save(arguments.out)


def _clip(head: ict.Head, arguments: argparse.Namespace) -> None:
    from finetune.faces import clips, example, people, scene
    from finetune.faces.render import Renderer, look

    rng = np.random.default_rng([arguments.seed, 6])
    who = people.person(arguments.seed)
    shot = scene.shot(rng, arguments.size, who.plain)
    plan = clips.script(rng, arguments.seconds)
    renderer = Renderer(head, arguments.size)
    film = list(clips.film(renderer, look(head, who), shot, plan, arguments.fps, arguments.seed))
    example.encode([picture.image for picture in film], arguments.out, arguments.fps)
    record = clips.as_record(plan, film, arguments.fps) | {"skin_tone": 1 - who.tone}
    truth = arguments.out.with_suffix(".json.gz")
    truth.write_bytes(gzip.compress(json.dumps(record).encode(), mtime=0))


def _example(head: ict.Head, arguments: argparse.Namespace) -> None:
    import tempfile

    from finetune.faces import example, narrate

    with tempfile.TemporaryDirectory() as scratch:
        silent = Path(scratch) / "silent.mp4"
        truth = example.write(head, silent)
        narrate.narrate(silent, arguments.out)
        arguments.out.with_suffix(".json.gz").write_bytes(truth.read_bytes())


def _shards(head: ict.Head, arguments: argparse.Namespace) -> None:
    from finetune.aus.data import mean_face
    from finetune.faces import plans, shards

    maker = shards.Maker(head, mean_face())
    counts = {"validation": arguments.held_out, "test": arguments.held_out}
    counts |= {"smiles": arguments.smiling, "train": arguments.people}
    for split, count in counts.items():
        todo = plans.plans(split, 0, count, arguments.stills, arguments.seconds)
        folder = arguments.out / ("train" if split == "smiles" else split)
        for done, _ in enumerate(maker.run(todo, folder), 1):
            print(f"\r{split} {done} of {count}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
