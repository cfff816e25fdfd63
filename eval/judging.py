"""The command `duchenne eval judge`: a model grades texts against reference texts.

Each pair is graded as often as asked, so that the judge's own spread is known; a grade that cannot
be read is kept as what was said and stays unscored. Every verdict is written as soon as it is
there, so a stopped run goes on. Knows prompts and hosts; `eval.judge` reads verdicts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import prompts
from agent.models import brief
from agent.models.clients import Host, Message
from agent.schema.state import Json
from eval import text
from eval.judge import EMER, Judge
from eval.scoring import Excluded, MeasureError, Unscored

KINDS: Final = {"clues": "judge_clues", "labels": "judge_labels"}
"""What is compared → the prompt."""
LONGEST: Final = 6000
SCHEMA: Final[Json] = {
    "type": "object",
    "properties": {"grade": {"type": "integer", "minimum": int(EMER[0]), "maximum": int(EMER[1])}},
    "required": ["grade"],
    "additionalProperties": False,
}

Done = dict[tuple[str, int], str]
"""Verdicts by id and repeat."""


def judged(host: Host, kind: str, revision: str) -> Judge:
    """The judge that a host is under one of the prompts."""
    return Judge(f"{host.name} ({revision})", prompts.text(KINDS[kind]))


def verdict(host: Host, kind: str, reference: str, candidate: str) -> str:
    """What the judge says of one pair. Raises ModelError."""
    told = prompts.fill(
        KINDS[kind],
        reference=brief.quoted(reference, LONGEST),
        candidate=brief.quoted(candidate, LONGEST),
    )
    said = host.complete([Message("user", told)], SCHEMA).text
    try:
        return str(json.loads(said)["grade"])
    except (ValueError, TypeError, KeyError):
        return said


def pairs(gold: Mapping[str, Any], pred: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Texts to compare by id; those without one of the two are left out."""
    found = {}
    for id in gold.keys() & pred.keys():
        try:
            found[id] = text.gold(gold[id])[0], text.pred(pred[id])
        except (Excluded, Unscored):
            continue
    if not found:
        raise MeasureError("gold and predictions share no id with a text in both")
    return dict(sorted(found.items()))


def grade(
    host: Host,
    kind: str,
    asked: Mapping[str, tuple[str, str]],
    file: Path,
    judge: Judge,
    repeats: int,
    at_once: int = 8,
) -> dict[str, list[str]]:
    """All verdicts by id, old ones of the same judge included. Raises ModelError, OSError."""
    done = _kept(file, judge, asked)
    waiting = [(id, n) for id in asked for n in range(repeats) if (id, n) not in done]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out, ThreadPoolExecutor(at_once) as threads:
        said = threads.map(lambda item: verdict(host, kind, *asked[item[0]]), waiting)
        for (id, n), words in zip(waiting, said, strict=True):
            done[id, n] = words
            row = {"id": id, "repeat": n, "verdict": words, "judge": judge.version,
                   "pair": asked[id]}  # fmt: skip
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            out.flush()
    return {id: [done[id, n] for n in range(repeats)] for id in asked}


def _kept(file: Path, judge: Judge, asked: Mapping[str, tuple[str, str]]) -> Done:
    """Verdicts of the same judge on the same texts; a torn last line is passed over."""
    found: Done = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        same = row["judge"] == judge.version and asked.get(row["id"]) == tuple(row["pair"])
        if same:
            found[row["id"], row["repeat"]] = row["verdict"]
    return found


def parser(read: Any) -> argparse.ArgumentParser:
    """The command line; `read` opens a JSON file of values by id."""
    made = argparse.ArgumentParser(
        prog="duchenne eval judge",
        description="Let a model grade texts against references, 1 to 10, at temperature 0; "
        "judge, prompt and its own spread are told with the score.",
    )
    made.add_argument("kind", choices=tuple(KINDS), help="what is compared")
    made.add_argument("--gold", metavar="GOLD.json", type=read, required=True,
                      help="object: id → reference text")  # fmt: skip
    made.add_argument("--pred", metavar="PRED.json", type=read, required=True,
                      help="object: id → text")  # fmt: skip
    made.add_argument("--model", metavar="M", required=True, help="openai:NAME")
    made.add_argument("--base-url", metavar="U", help="of the judge's host")
    made.add_argument("--repeat", metavar="N", type=int, default=3, help="verdicts a pair (3)")
    made.add_argument("--out", metavar="FILE", type=Path, default=Path("verdicts.jsonl"),
                      help="verdicts, one a line (verdicts.jsonl); a rerun goes on")  # fmt: skip
    made.add_argument("--json", action="store_true", help="one JSON object instead of text")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Grade and score; returns the exit code."""
    import dataclasses

    from agent.models.clients import ModelError
    from agent.models.clients.openai import OpenAIHost
    from eval import cli, measures

    try:
        asked = parser(cli.read_file).parse_args(argv)
        spec, _, name = asked.model.partition(":")
        if spec != "openai" or not name:
            raise MeasureError(f"--model {asked.model!r} is no judge: say openai:NAME")
        host = OpenAIHost(name, asked.base_url, max_tokens=400)
        judge = judged(host, asked.kind, host.revision())
        found = pairs(asked.gold, asked.pred)
        told = grade(host, asked.kind, found, asked.out, judge, max(1, asked.repeat))
    except SystemExit as stop:
        return int(stop.code or 0)
    except MeasureError as error:
        return cli.wrong(str(error))
    except ModelError as error:
        return cli.wrong(f"{error} Verdicts so far are kept", 4)
    result = measures.measure("emer-overlap", asked.gold, told)
    shown = dataclasses.asdict(result) | {"version": judge.version, "compared": asked.kind}
    print(json.dumps(cli.plain(shown), indent=2, ensure_ascii=False) if asked.json
          else cli.told(shown))  # fmt: skip
    return 0
