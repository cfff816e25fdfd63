"""The command `duchenne`: reads arguments, calls the one function that does the work, prints.

Answers and records go to standard output and nothing else does; progress and messages go to
standard error. Exit codes: 0 done, 1 something of this machine failed (disk, model file),
2 wrong use, 3 unreadable media, 4 the model host failed. Heavy modules load when needed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.schema.errors import DONE, FAILED, exit_status_of
from agent.util import start, terminal

if TYPE_CHECKING:
    from agent.api import Session

ROOMS: Final = {
    "caption": ("eval.card_clips", "caption a whole data set, resume, review, export"),
    "data": ("eval.data_cli", "data cards; whether a folder fits one; samples from it"),
    "eval": ("eval.cli", "measure predictions, benchmarks, the senses themselves"),
    "serve": ("agent.server.cli", "answer over HTTP, as an OpenAI-compatible endpoint"),
    "train": ("finetune.cli", "train the action unit estimator and the model"),
    "vllm": ("agent.vllm.cli", "run a model in vLLM, proven to be the one that was exported"),
}
"""Commands with a parser of their own, by name: whole data sets, and the rooms further up, which
this file must not import at the top."""

EXAMPLES: Final = """\
examples:
  duchenne ask clip.mp4 "What does she feel, and why?"
  duchenne ask clip.mp4 "When does he smile?" --json
  duchenne look clip.mp4 --out look/            evidence, series and pictures, no question
  duchenne chat clip.mp4                        ask on and on about one clip
  duchenne caption clips/ --out captions/       a whole data set, as Parquet
  duchenne ask clip.mp4 "…" --model openai:NAME --base-url http://localhost:8000/v1

exit codes: 0 done, 1 failed on this machine, 2 wrong use, 3 unreadable media, 4 model host failed
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    start.ours()
    with terminal.guarded():
        return _run(list(sys.argv[1:] if argv is None else argv))


def _run(words: list[str]) -> int:
    if words and words[0] in ROOMS:
        return _guard(lambda: int(importlib.import_module(ROOMS[words[0]][0]).main(words[1:])))
    arguments = parser().parse_args(words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return _guard(lambda: run(arguments))


def _guard(run: Callable[[], int]) -> int:
    """Turn errors that name a boundary into one message and an exit code."""
    try:
        return run()
    except KeyboardInterrupt:
        return _complain("stopped", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except Exception as error:  # the outermost boundary: known errors get a message, others rise
        status = exit_status_of(error)
        if status is None:
            raise
        return _complain(str(error), status)


def _complain(message: str, code: int) -> int:
    print(f"duchenne: {message}", file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="duchenne",
        description="What people in a video feel and why; every reason cites what can be "
        "seen or heard.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    commands = top.add_subparsers(metavar="command", required=True)
    _add_ask(commands)
    _add_look(commands)
    _add_chat(commands)
    _add_models(commands)
    doctor = commands.add_parser("doctor", help="what is installed, cached, reachable; what is not")
    doctor.add_argument("--json", action="store_true", help="print rows as JSON")
    doctor.set_defaults(run=_doctor)
    for name, (_, help_) in ROOMS.items():
        commands.add_parser(name, help=help_, add_help=False)
    return top


Commands = argparse._SubParsersAction


def _add_ask(commands: Commands[argparse.ArgumentParser]) -> None:
    ask = commands.add_parser(
        "ask",
        help="answer a question about a clip",
        description="Watch the clip (once; the second time it is remembered), reason over what "
        "was measured, answer with reasons that cite it.",
    )
    ask.add_argument("video", metavar="VIDEO", help="video, picture or sound file")
    ask.add_argument("question", metavar="QUESTION", help="in plain words, quoted")
    ask.add_argument("--thread", metavar="NAME", help="continue, or begin, a conversation")
    ask.add_argument(
        "--why",
        action="store_true",
        help="take each cue and channel away and read again: what the answer hangs on",
    )
    ask.add_argument("--json", action="store_true", help="print the whole structured answer")
    _add_reasoning(ask)
    _add_sensing(ask)
    ask.set_defaults(run=_ask)


def _add_look(commands: Commands[argparse.ArgumentParser]) -> None:
    look = commands.add_parser(
        "look",
        help="evidence only: what can be seen and heard",
        description="Measure action units, head, voice and words. With --out, write "
        "evidence.json, series.parquet, voice.parquet, emotion.parquet and the pictures "
        "strip.png, voice.png, face.png.",
    )
    look.add_argument("video", metavar="VIDEO", help="video, picture or sound file")
    look.add_argument("--json", action="store_true", help="print the evidence as JSON")
    _add_sensing(look)
    look.set_defaults(run=_look)


class _Version(argparse.Action):
    """Reads the version only when asked: that takes as long as all else of a start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"duchenne {version('duchenne')}")
        parser.exit()


def _add_chat(commands: Commands[argparse.ArgumentParser]) -> None:
    chat = commands.add_parser("chat", help="talk about one clip")
    chat.add_argument("video", metavar="VIDEO", help="video, picture or sound file")
    chat.add_argument("--thread", metavar="NAME", help="conversation to continue or begin")
    _add_reasoning(chat)
    _add_sensing(chat)
    chat.set_defaults(run=_chat)


def _add_models(commands: Commands[argparse.ArgumentParser]) -> None:
    models = commands.add_parser("models", help="model files of the senses: list them, fetch them")
    verbs = models.add_subparsers(metavar="list|pull", required=True)
    listing = verbs.add_parser("list", help="each file, where it is, licence, what it is for")
    listing.add_argument("--json", action="store_true", help="print rows as JSON")
    listing.set_defaults(run=_models_list)
    pull = verbs.add_parser("pull", help="fetch what is not there yet, or only the files named")
    pull.add_argument("names", nargs="*", metavar="NAME")
    pull.set_defaults(run=_models_pull)


def _add_reasoning(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("reasoning")
    group.add_argument(
        "--model",
        metavar="M",
        help="rules (default), openai:NAME for any OpenAI-compatible host, hf:PATH[+ADAPTER]; "
        "or set DUCHENNE_MODEL",
    )
    group.add_argument("--base-url", metavar="U", help="of the host; or set DUCHENNE_BASE_URL")
    group.add_argument(
        "--profile",
        metavar="P",
        default="general",
        help="general (default), learning, academic, ambivalence, compound, counselling",
    )
    group.add_argument("--expert", action="store_true", help="name codes and grades of FACS")
    group.add_argument("--person", metavar="ID", help="P1, P2, …; default: the main person")


def _add_sensing(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("sensing")
    group.add_argument("--out", metavar="DIR", type=Path, help="keep evidence and pictures there")
    group.add_argument("--subtitles", metavar="FILE", type=Path, help=".srt, .vtt or .json")
    group.add_argument(
        "--au-table",
        metavar="FILE",
        type=Path,
        help="action units of OpenFace, py-feat or LibreFace instead of measuring them",
    )
    group.add_argument("--aus", metavar="NAME", help="action unit estimator; default: the best")
    group.add_argument(
        "--enrol", metavar="CLIP", type=Path, help="another clip of this person, for the baseline"
    )


def _ask(arguments: argparse.Namespace) -> int:
    from agent import api
    from agent.cli import show

    with show.progress() as report:
        told = api.answered(
            arguments.video,
            arguments.question,
            thread=arguments.thread,
            why=arguments.why,
            progress=report,
            **_reasoning(arguments),
        )
    text = show.answer(told.answer, told.cues)
    print(told.answer.model_dump_json(indent=2) if arguments.json else text)
    return DONE


def _talk(arguments: argparse.Namespace, report: Callable[[float, str], None]) -> Session:
    from agent.api import Session

    thread, settings = arguments.thread, _reasoning(arguments)
    return Session(arguments.video, thread=thread, progress=report, **settings)


def _reasoning(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that `ask` and `chat` let people choose, the thread apart."""
    names = ("model", "base_url", "profile", "person", "expert")
    return {name: getattr(arguments, name) for name in names} | _sensing(arguments)


def _look(arguments: argparse.Namespace) -> int:
    from agent import api
    from agent.cli import show

    with show.progress() as report:
        found = api.look(arguments.video, progress=report, **_sensing(arguments))
    print(found.to_json() if arguments.json else show.evidence(found))
    return DONE


def _chat(arguments: argparse.Namespace) -> int:
    from agent.cli import show

    with show.progress() as report:
        talk = _talk(arguments, report)
    with talk:
        return show.converse(talk)


def _models_list(arguments: argparse.Namespace) -> int:
    from agent.assets import resolve as assets
    from agent.cli import show

    show.rows(assets.status(), as_json=arguments.json)
    return DONE


def _models_pull(arguments: argparse.Namespace) -> int:
    from agent.assets import resolve as assets

    lacking = 0
    for found in assets.pull(arguments.names or None):
        if found.path is not None:
            print(found.path)
        else:
            _complain(f"{found.name}: {found.why}", FAILED)
            lacking += not assets.ASSETS[found.name].optional
    return FAILED if lacking else DONE


def _doctor(arguments: argparse.Namespace) -> int:
    from agent.cli import doctor, show

    show.rows(doctor.report(), as_json=arguments.json)
    return DONE


def _sensing(arguments: argparse.Namespace) -> dict[str, Any]:
    names = ("out", "subtitles", "au_table", "aus", "enrol")
    return {name: getattr(arguments, name) for name in names}


if __name__ == "__main__":
    sys.exit(main())
