"""The command `duchenne eval`: benchmarks, measures over plain files, the project's own trials.

Standard output holds results only; what is wrong goes to standard error. Exit codes: 0 scored,
2 wrong use.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

TRIALS: Final[dict[str, tuple[str, str]]] = {
    "features": ("eval.features", "the rules on tables of measured features"),
    "claims": ("eval.claims", "whether the evidence of a clip carries given sentences"),
    "queries": ("eval.queries", "what questions are read as"),
    "grounding": ("eval.grounding", "true and hallucinated questions about clips, in pairs"),
    "faces": ("eval.faces", "action units against rendered faces"),
    "real": ("eval.real", "the whole way on pictures of real people"),
    "speed": ("eval.speed", "how fast the senses are"),
    "judge": ("eval.judging", "a model grades texts against references"),
    "bench": ("eval.bench", "how fast the measures are"),
}
"""Subcommand → module with a `main`, imported only when it is called."""

EXAMPLES: Final = """\
examples:
  duchenne eval ravdess --root ~/data/RAVDESS       a benchmark; `duchenne eval BENCH --help`
  duchenne eval measure --list
  duchenne eval measure uar --gold gold.json --pred pred.json
  duchenne eval measure mer-wheel --gold gold.json --pred pred.json --mode faithful --json
files: {"clip": "label, label"}, {"clip": "text"} or what the measure's description names
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in TRIALS:
        return _trial(words[0], words[1:])
    if words and words[0] != "measure" and not words[0].startswith("-"):
        from eval import run_cli

        return run_cli.main(words)
    try:
        asked = _parser().parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    return _measure(asked)


def _trial(name: str, argv: Sequence[str]) -> int:
    module, _ = TRIALS[name]
    try:
        entry = import_module(module).main
    except ModuleNotFoundError as error:
        return wrong(f"`duchenne eval {name}` is not in this installation: {error}")
    return int(entry(list(argv)) or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duchenne eval",
        description="Measure predictions, or the project itself.",
        epilog=EXAMPLES + "trials: " + "; ".join(f"{n}: {t}" for n, (_, t) in TRIALS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="BENCH | measure | trial"
    )
    one = commands.add_parser("measure", help="score a file of predictions with one measure")
    one.add_argument("name", nargs="?", help="name of the measure; --list shows them")
    one.add_argument("--list", action="store_true", help="list the measures and stop")
    one.add_argument("--gold", metavar="GOLD.json", help="object: id → gold value")
    one.add_argument("--pred", metavar="PRED.json", help="object: id → prediction")
    one.add_argument("--mapping", metavar="FILE", help="emotion wheels, for measures that use them")
    one.add_argument("--mode", choices=("sound", "faithful"), default="sound")
    one.add_argument("--clusters", metavar="FILE", help="object: id → person, resampled whole")
    one.add_argument("--groups", metavar="FILE", help="object: id → group, scored apart")
    one.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    one.add_argument("--json", action="store_true", help="one JSON object instead of text")
    return parser


def _measure(asked: argparse.Namespace) -> int:
    from eval import measures
    from eval.scoring import MeasureError
    from eval.wheel import WheelError

    if asked.list:
        width = max(map(len, measures.NAMES))
        for name in measures.NAMES:
            made = measures.build(name)
            both = " [also faithful]" if made.published else ""
            print(f"{name:{width}}  {made.about}{both}")
        return 0
    if not asked.name or not asked.gold or not asked.pred:
        return wrong("needs a name, --gold FILE and --pred FILE; --list shows the names")
    try:
        if asked.name not in measures.NAMES:
            measures.build(asked.name)
        clusters = read_file(asked.clusters) if asked.clusters else None
        result = measures.measure(
            asked.name,
            read_file(asked.gold),
            read_file(asked.pred),
            asked.mode,
            asked.mapping,
            asked.seed,
            clusters,
            read_file(asked.groups) if asked.groups else None,
        )
    except (MeasureError, WheelError) as error:
        return wrong(str(error))
    shown = dataclasses.asdict(result)
    if not result.n and not result.excluded:
        return wrong(f"{asked.gold} holds no gold value that {asked.name} can use")
    if asked.json:
        print(json.dumps(plain(shown), indent=2, ensure_ascii=False))
    else:
        print(told(shown))
    if result.scored:
        return 0
    return wrong(_unmatched(asked, result) or "nothing could be scored", 1)


def _unmatched(asked: argparse.Namespace, result: Any) -> str | None:
    """Where no id of the predictions is one of the gold: what both look like."""
    if result.extra == 0 and result.unscored.get("no prediction") == result.n:
        return f"{asked.pred} holds no prediction for any of the {result.n} ids of {asked.gold}"
    if result.unscored.get("no prediction") != result.n:
        return None
    wanted = ", ".join(result.unscored_ids[:3])
    return (
        f"no id is in both files: {asked.gold} has ids such as {wanted}; {asked.pred} such as "
        f"{', '.join(result.extra_ids[:3])}"
    )


def read_file(path: str) -> dict[str, Any]:
    """The object in a JSON file. Raises MeasureError that says what is wrong and where."""
    from eval.scoring import MeasureError

    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        if not text.strip():
            raise MeasureError(f"{path} is empty")
        found = json.loads(text, object_pairs_hook=_unique)
    except OSError as error:
        raise MeasureError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MeasureError(f"{path} is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise MeasureError(
            f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except KeyError as error:
        raise MeasureError(f"{path} has the id {error} twice") from error
    if not isinstance(found, dict):
        raise MeasureError(f'{path} must hold one object {{"id": value}}, not a {_kind(found)}')
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise KeyError(next(key for key in keys if keys.count(key) > 1))
    return found


def _kind(value: object) -> str:
    return {list: "list", str: "string", type(None): "null"}.get(type(value), "number")


def plain(value: Any) -> Any:
    """Numbers that JSON lacks as strings: "NaN"."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def told(shown: dict[str, Any]) -> str:
    """The result as a few lines for people."""
    spread = shown["interval"]
    between = f"  [{spread[0]:.4f}, {spread[1]:.4f}]" if spread else ""
    lines = [
        f"{shown['name']} ({shown['mode']}): {shown['score']:.4f}{between}",
        f"  {shown['about']}; {shown['version']}",
        f"  {shown['scored']} of {shown['n']} scored"
        + "".join(f"; {n}× {why}" for why, n in shown["unscored"].items()),
    ]
    if shown["strict"] is not None and shown["unscored"]:
        lines.append(f"  {shown['strict']:.4f} with the unscored as wrong")
    lines += [f"  {n} gold values left out: {why}" for why, n in shown["excluded"].items()]
    if shown["extra"]:
        lines.append(
            f"  {shown['extra']} predictions without gold: {', '.join(shown['extra_ids'])}"
        )
    if shown["other"]:
        other = shown["other"]
        lines.append(f"  {other['mode']}: {other['score']:.4f} ({other['version']})")
    lines += [f"  {key} {value:.4f}" for key, value in list(shown["values"].items())[1:]]
    if told := shown["groups"]:
        lines += [f"  {n}: {g['score']:.4f} of {g['n']}" for n, g in told["groups"].items()]
        lines.append(f"  greatest gap between groups: {told['gap']:.4f}")
    return "\n".join(lines)


def wrong(message: str, code: int = 2) -> int:
    """Say what is wrong; returns the exit code."""
    print(f"duchenne eval: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
