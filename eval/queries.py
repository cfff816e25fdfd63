"""`duchenne eval queries FILE.jsonl`: what each question is read as, and how often rightly.

A line holds `question`, and may hold `language`, `previous` (the question before it) and the
wanted fields (`ask`, `target`, …) as in `eval/questions/`. Knows files and counting; reads no
question itself.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.qa import parse
from agent.schema.errors import USAGE, DuchenneError
from agent.schema.query import LANGUAGES, Query

DETAILS: Final = ("when", "who", "relation", "versus", "scale", "form", "second")


class QuestionsError(DuchenneError, ValueError):
    """A file of questions that cannot be read; the message says where."""

    code = "bad_questions"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Read:
    """One question as read."""

    row: dict[str, Any]
    query: Query

    @property
    def right(self) -> bool | None:
        """Whether ask and target are the wanted ones; None where nothing is wanted."""
        if "ask" not in self.row:
            return None
        return (self.query.ask, self.query.target) == (self.row["ask"], self.row.get("target"))

    @property
    def details(self) -> bool | None:
        """Whether every other wanted field is right too; None where none is wanted."""
        wanted = [name for name in DETAILS if name in self.row]
        if not wanted:
            return None
        return all(_shown(self.query, name) == self.row[name] for name in wanted)


def read(path: str | Path) -> list[Read]:
    """Every question of a JSON Lines file. Raises QuestionsError."""
    found = []
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionsError(f"cannot read {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            language = row.get("language")
            if not isinstance(row["question"], str) or language not in (None, *LANGUAGES):
                raise ValueError(f"language must be one of {', '.join(LANGUAGES)} or left out")
            last = parse(row["previous"], language=language) if row.get("previous") else None
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise QuestionsError(
                f'{path}, line {number}: wants {{"question": "…"}}, got {line[:60]!r} ({error})'
            ) from error
        found.append(Read(row, parse(row["question"], last=last, language=language)))
    return found


def score(found: Iterable[Read]) -> dict[str, float]:
    """Questions with a wanted reading, the share read rightly, and of the details likewise."""
    right = [each.right for each in found if each.right is not None]
    details = [each.details for each in found if each.details is not None]
    return {
        "n": len(right),
        "ask_and_target": sum(right) / len(right) if right else float("nan"),
        "n_details": len(details),
        "details": sum(details) / len(details) if details else float("nan"),
    }


def _shown(query: Query, name: str) -> str | None:
    value = getattr(query, name)
    if name == "second":
        return None if value is None else str(value.ask)
    if name == "scale" and value is not None:
        return f"{value[0]:g}-{value[1]:g}"
    return None if value is None else str(value)


def main(argv: Sequence[str]) -> int:
    """The subcommand; returns the exit code: 0 read, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="duchenne eval queries", description=__doc__)
    parser.add_argument("file", metavar="FILE.jsonl")
    parser.add_argument("--json", action="store_true", help="the query of every line as JSON")
    parser.add_argument(
        "--wrong", action="store_true", help="only those read otherwise than wanted"
    )
    try:
        asked = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    from eval.cli import wrong

    try:
        found = read(asked.file)
    except QuestionsError as error:
        return wrong(str(error))
    for each in found:
        if asked.wrong and each.right is not False and each.details is not False:
            continue
        if asked.json:
            shown = each.query.model_dump(mode="json", exclude_none=True)
            print(
                json.dumps({"question": each.row["question"], "query": shown}, ensure_ascii=False)
            )
        elif asked.wrong or each.right is None:
            print(_line(each))
    result = score(found)
    if result["n"] and not asked.json:
        told = f"{result['n']:g} questions, ask and target {result['ask_and_target']:.3f}"
        if result["n_details"]:
            told += f", details of {result['n_details']:g} {result['details']:.3f}"
        print(told)
        kinds = Counter(str(e.row["ask"]) for e in found if e.right is False)
        print("read amiss: " + ", ".join(f"{k} {n}" for k, n in kinds.most_common()))
    return 0


def _line(each: Read) -> str:
    query = each.query
    names = " ".join(f"{n}={s}" for n in DETAILS if (s := _shown(query, n)))
    wanted = f"  wanted {each.row['ask']} {each.row.get('target')}" if "ask" in each.row else ""
    return f"{each.row['question']}  →  {query.ask} {query.target} {names}{wanted}"
