"""Rendered faces from the command line.

    python -m finetune.faces sheet OUT.png [--seed N]          many people and expressions
    python -m finetune.faces clip OUT.mp4 [--seed N] [--fps N] one person, with truth beside it
    python -m finetune.faces expressions FOLDER [--people N]   one clip for each basic emotion
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
from typing import TYPE_CHECKING

import numpy as np

from finetune.faces import ict

if TYPE_CHECKING:
    from finetune.faces.clips import Script
    from finetune.faces.scene import Shot


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 when it went well, 2 for wrong use."""
    arguments = _parser().parse_args(argv)
    try:
        head = ict.load(arguments.head)
    except ict.HeadModelError as error:
        print(f"faces: {error}", file=sys.stderr)
        return 2
    commands = {
        "sheet": _sheet, "clip": _clip, "expressions": _expressions, "example": _example,
        "shards": _shards,
    }  # fmt: skip
    commands[arguments.command](head, arguments)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="faces", description="Faces with known muscles.")
    parser.add_argument("--head", type=Path, help="ict_face.npz or a checkout of ICT-FaceKit")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("sheet", "clip", "expressions", "example", "shards"):
        command = commands.add_parser(name)
        command.add_argument("out", type=Path)
        if name == "expressions":
            command.add_argument("--people", type=int, default=8)
        if name in ("sheet", "clip", "expressions"):
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
    from finetune.faces import clips, people, scene

    rng = np.random.default_rng([arguments.seed, 6])
    shot = scene.shot(rng, arguments.size, people.person(arguments.seed).plain)
    plan = clips.script(rng, arguments.seconds)
    _film(head, arguments.seed, shot, plan, arguments.out, arguments.fps)


def _film(head: ict.Head, seed: int, shot: Shot, plan: Script, out: Path, fps: float) -> None:
    """The clip of one person, and its truth beside it."""
    from finetune.faces import clips, example, people
    from finetune.faces.render import Renderer, look

    who = people.person(seed)
    film = list(
        clips.film(Renderer(head, len(shot.background)), look(head, who), shot, plan, fps, seed)
    )
    example.encode([picture.image for picture in film], out, fps)
    record = clips.as_record(plan, film, fps) | {"skin_tone": 1 - who.tone}
    truth = out.with_suffix(".json.gz")
    truth.write_bytes(gzip.compress(json.dumps(record).encode(), mtime=0))


def _expressions(head: ict.Head, arguments: argparse.Namespace) -> None:
    """Each basic emotion but neutral by each person, none of whom trained anything here."""
    from agent.facs.prototypes import BASIC
    from finetune.faces import clips, people, plans, scene

    arguments.out.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.people):
        seed = plans.SPLITS["expressions"] + arguments.seed + number
        for at, emotion in enumerate(label for label in BASIC if label != "neutral"):
            rng = np.random.default_rng([seed, 8, at])
            shot = scene.shot(rng, arguments.size, people.person(seed).plain)
            plan = clips.posed(rng, emotion, float(rng.uniform(2.5, 5.0)))
            _film(head, seed, shot, plan, arguments.out / f"{seed}_{emotion}.mp4", 20.0)


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
