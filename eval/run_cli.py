"""The command `duchenne eval BENCH`: run a benchmark, or score predictions for it, and report.

Standard output holds the summary (or the report as JSON) and nothing else. Exit codes: 0 scored,
1 nothing could be scored, 2 wrong use, 4 the model host failed, 130 stopped (a rerun goes on).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agent.models.clients import ModelError
from agent.models.context import AskError
from agent.util import terminal
from eval import cards, data_cli, samples
from eval.cards import Card, CardError
from eval.predict import Model
from eval.readers import LayoutError
from eval.records import Record
from eval.run import Plan, RunError
from eval.samples import Sample, SamplesError

EXAMPLES: Final = """\
examples:
  duchenne eval ravdess --root ~/data/RAVDESS                 by the rules, no model
  duchenne eval ravdess --root ~/data/RAVDESS --only modality=audio-video --enrol neutral
  duchenne eval samples.jsonl --model openai:NAME --base-url http://localhost:8000/v1
  duchenne eval meld --root ~/data/MELD --predictions mine.json
OUT (default runs/BENCH) then holds records.jsonl, report.json, report.md, report.html.
A rerun goes on where the last stopped; records of other settings are made anew.
predictions: {"id": "label"} or {"id": {"label", "emotions": [{"label", "share"}], …}}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark; returns the exit code."""
    try:
        asked = parser().parse_args(list(sys.argv[1:] if argv is None else argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return _run(asked)
    except (CardError, SamplesError, RunError, LayoutError, AskError) as error:
        return _complain(str(error), 2)
    except BlockingIOError:
        return _complain(f"another run is writing {asked.out or ''}: wait, or give --out", 2)
    except ModelError as error:
        return _complain(f"{error} What is done is kept; the same command goes on from here", 4)
    except KeyboardInterrupt:
        return _complain("stopped; the same command goes on from here", 130)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="duchenne eval BENCH",
        description="Run a benchmark and report it with intervals, as JSON, Markdown and a page.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "bench", metavar="BENCH", help="a data card's name, or prepared samples.jsonl"
    )
    made.add_argument("--root", metavar="DIR", type=Path, help="the data set as its owners ship it")
    made.add_argument("--out", metavar="DIR", type=Path, help="default: runs/BENCH")
    what = made.add_argument_group("what answers")
    what.add_argument("--model", metavar="M", help="rules (default), openai:NAME, hf:PATH")
    what.add_argument("--base-url", metavar="U", help="of the host")
    what.add_argument("--aus", metavar="NAME", help="action unit estimator; default: the best")
    what.add_argument("--transcript", action="store_true", help="give the owners' transcript too")
    what.add_argument("--predictions", metavar="FILE", type=Path, help="score these instead")
    which = made.add_argument_group("which samples")
    which.add_argument("--split", metavar="NAME", help="default: test where there is one; or all")
    which.add_argument("--only", metavar="GROUP=VALUE", action="append", default=[])
    which.add_argument(
        "--enrol",
        metavar="LABEL",
        help="each person's first clip with this label is their baseline and is not scored; or "
        "`others`: their voice in all their clips, no label used",
    )
    which.add_argument("--sample", metavar="N", type=int, help="a seeded draw of N samples")
    which.add_argument(
        "--trained-on",
        metavar="FILE",
        type=Path,
        help="JSONL of what the model has seen (sha256, or dataset with id or person): refused",
    )
    how = made.add_argument_group("how")
    how.add_argument("--workers", metavar="N", type=int, default=1, help="samples at a time")
    how.add_argument("--retry-failed", action="store_true")
    how.add_argument("--seed", type=int, default=0, help="of draws and intervals")
    how.add_argument("--no-strips", action="store_true", help="no pictures of the worst errors")
    how.add_argument("--json", action="store_true", help="print the whole report")
    return made


def _run(asked: argparse.Namespace) -> int:
    from eval import page, report, report_text, run

    found, card = _samples(asked)
    made = run.plan(
        card.name if card else Path(asked.bench).stem,
        _drawn(found, asked.sample, asked.seed),
        card,
        split=asked.split,
        enrol=asked.enrol,
        seen=_rows(asked.trained_on),
        only=_only(asked.only),
    )
    out = asked.out or Path("runs") / made.name
    if asked.predictions:
        model = Model(name=f"predictions of {asked.predictions.name}", profile=made.task.profile)
        found_there = _matched(_predictions(asked.predictions), made, asked.predictions)
        records = run.of_predictions(made, found_there)
    else:
        model = Model(
            asked.model or "rules", asked.base_url, made.task.profile, asked.aus, asked.transcript
        )
        records = _records(made, model, out, asked)
    result = report.report(made, model, records, asked.seed)
    strips = {} if asked.predictions or asked.no_strips else _strips(made, model, result, out)
    _write(out, result, report_text.markdown(result), page.page(result, strips))
    if asked.json:
        print(json.dumps(_plain(result), indent=2, ensure_ascii=False))
    else:
        print(report_text.summary(result))
        print(f"  {out / 'report.html'}")
    return 0 if report.main_measure(result)["scored"] else 1


def _samples(asked: argparse.Namespace) -> tuple[list[Sample], Card | None]:
    """Samples of a card's data set, or of a prepared file."""
    given = Path(asked.bench)
    if given.suffix == ".jsonl":
        if not given.exists():
            raise SamplesError(f"no such file: {given}")
        found = samples.read(given, asked.root)
        names = {sample.dataset for sample in found}
        known = len(names) == 1 and next(iter(names)) in cards.names()
        return found, cards.load(next(iter(names))) if known else None
    card = cards.load(asked.bench)
    if asked.root is None:
        raise RunError(
            f"where is {card.name}? give --root DIR. {card.access.how} "
            f"Expected there: {card.layout}"
        )
    return list(data_cli.of_card(card, asked.root)), card


def _drawn(found: list[Sample], number: int | None, seed: int) -> list[Sample]:
    if number is None or number >= len(found):
        return found
    import random

    return sorted(random.Random(seed).sample(found, number), key=lambda s: s.id)


def _only(given: Sequence[str]) -> dict[str, str]:
    for item in given:
        if "=" not in item:
            raise RunError(f"--only {item}: write GROUP=VALUE, such as sex=female")
    return dict(item.split("=", 1) for item in given)


def _rows(file: Path | None) -> list[Mapping[str, object]]:
    if file is None:
        return []
    try:
        return [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise RunError(f"--trained-on {file}: {error}") from error


def _predictions(file: Path) -> dict[str, Any]:
    """Predictions by id, from one JSON object or JSONL rows with an id."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".jsonl":
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            return {str(r["id"]): r.get("prediction", r.get("label")) for r in rows}
        found = json.loads(text)
    except OSError as error:
        raise RunError(f"--predictions {file}: {error.strerror or error}") from error
    except (ValueError, KeyError) as error:
        raise RunError(f"--predictions {file} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise RunError(f'--predictions {file} must hold one object {{"id": prediction}}')
    return found


def _matched(found: dict[str, Any], made: Plan, file: Path) -> dict[str, Any]:
    """The predictions, if any id is one of the samples'. Raises RunError that shows both kinds."""
    wanted = [sample.id for sample in made.samples]
    if found.keys().isdisjoint(wanted):
        said = f"ids such as {', '.join(list(found)[:3])}" if found else "no prediction"
        raise RunError(
            f"--predictions {file} has {said}; the {len(wanted)} samples of {made.name} are called "
            f"{', '.join(wanted[:3])} …"
        )
    return found


def _records(made: Plan, model: Model, out: Path, asked: argparse.Namespace) -> dict[str, Record]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    from eval import run

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Left())
    with Progress(*columns, console=Console(file=terminal.own())) as shown:
        bar = shown.add_task(f"{made.name} by {model.name}", total=len(made.samples))

        def told(done: int, _: int, failed: int) -> None:
            words = f", {failed} failed" if failed else ""
            shown.update(bar, completed=done, description=f"{made.name} by {model.name}{words}")

        return run.run(
            made,
            model,
            out / "records.jsonl",
            workers=asked.workers,
            retry_failed=asked.retry_failed,
            progress=told,
        )


def _strips(made: Plan, model: Model, result: Mapping[str, Any], out: Path) -> dict[str, Path]:
    """Pictures of the evidence behind the worst errors, by sample id."""
    from agent import api
    from eval import predict

    by_id = {s.id: s for s in made.samples}
    found = {}
    for number, row in enumerate(result["worst"], 1):
        sample = by_id[row["id"]]
        if sample.clip is None:
            continue
        folder = out / "worst" / f"{number}"
        enrol = (made.enrol or {}).get(sample.person or "")
        api.look(predict.neutral(sample.clip), out=folder, enrol=enrol, aus=model.aus)
        if (folder / "strip.png").exists():
            found[row["id"]] = folder / "strip.png"
    return found


def _write(out: Path, result: Mapping[str, Any], text: str, html: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    whole = json.dumps(_plain(result), indent=2, ensure_ascii=False) + "\n"
    for name, content in (("report.json", whole), ("report.md", text), ("report.html", html)):
        scratch = out / f".{name}.part"
        scratch.write_text(content, encoding="utf-8")
        scratch.replace(out / name)


def _plain(value: Any) -> Any:
    from eval.cli import plain

    return plain(value)


def _complain(message: str, code: int) -> int:
    print(f"duchenne eval: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
