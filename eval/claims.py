"""Verdicts on claims, one a line: `duchenne eval claims FILE.jsonl --evidence evidence.json`.

A line is `{"text": …, "cites": […], "language": "de"}`, or holds `"asserts": [{…}]` in the form
of `agent.schema.assertion`. Out comes `{"verdict": "supported" | "contradicted" |
"unverified", "why": …}` for each, in order. The same code serves the agent, the rewards and the
measures. Knows files; the judging is `agent.grounding`'s.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from agent.grounding import ground
from agent.grounding.parse import parse_claim
from agent.grounding.verify import together, verify
from agent.qa.text import language_of
from agent.qa.vocabulary import stops
from agent.schema import evidence as records
from agent.schema.answer import Claim
from agent.schema.assertion import Verdict
from agent.schema.errors import USAGE, DuchenneError
from agent.schema.evidence import Evidence
from agent.schema.query import LANGUAGES, Language


class ClaimsError(DuchenneError, ValueError):
    """A file of claims that cannot be read; the message names the line."""

    code = "bad_claims"
    exit_status = USAGE


def judged(line: Mapping[str, Any], evidence: Evidence) -> Verdict:
    """The verdict on one claim. Raises ClaimsError for a line that is none."""
    cites = tuple(str(id) for id in line.get("cites") or ())
    if line.get("asserts"):
        return _asserted(line, cites, evidence)
    text = line.get("text")
    if not isinstance(text, str):
        raise ClaimsError('a claim needs a "text"')
    given = line.get("language")
    language = cast(Language, given) if given in LANGUAGES else language_of(text, stops())
    if given is not None and given not in LANGUAGES:
        return Verdict(outcome="unverified", why=f"claims are not read in {given}")
    if language == "en":
        found = ground(Claim(text=text, cites=cites), evidence)
        return Verdict(outcome=found.verdict or "unverified", why=found.why or "")
    return foreign(text, cites, evidence, language)


def _asserted(line: Mapping[str, Any], cites: tuple[str, ...], evidence: Evidence) -> Verdict:
    """The verdict on assertions, and on their sentence where the line has one."""
    try:
        claim = Claim(text=line.get("text") or "", cites=cites, asserts=tuple(line["asserts"]))
    except (ValidationError, TypeError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise ClaimsError(f"asserts: {said}") from error
    found = ground(claim, evidence)
    return Verdict(outcome=found.verdict or "unverified", why=found.why or "")


def foreign(text: str, cites: tuple[str, ...], evidence: Evidence, language: Language) -> Verdict:
    """The verdict on a sentence that is not English."""
    people = [c.person for id in cites if (c := evidence.cue(id)) and c.person]
    main = evidence.main
    subject = people[0] if people else main.id if main else "clip"
    parsed = parse_claim(text, subject, language)
    if parsed.unread:
        words = ", ".join(f"“{word}”" for word in parsed.unread[:4])
        return Verdict(outcome="unverified", why=f"not checked: no cue can carry {words}")
    return together(verify(each, evidence, cites) for each in parsed.asserts)


def lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of a JSON Lines file with their numbers. Raises ClaimsError, OSError."""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise ClaimsError(f"{path}, line {number}: no JSON ({error})") from error
        if not isinstance(found, dict):
            raise ClaimsError(f"{path}, line {number}: an object was expected")
        yield number, found


def main(argv: Sequence[str] | None = None) -> int:
    """What `duchenne eval claims` does; 0, or 2 for files that cannot be read."""
    parser = argparse.ArgumentParser(
        prog="duchenne eval claims",
        description="Say of each claim whether the evidence of a clip carries it.",
    )
    parser.add_argument("file", type=Path, help="claims, one JSON object a line")
    parser.add_argument(
        "--evidence", type=Path, required=True, help="evidence.json of `duchenne look --out`"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args(argv)
    try:
        verdicts = [
            (line, _numbered(asked.file, number, line, evidence))
            for evidence in [records.load(asked.evidence)]
            for number, line in lines(asked.file)
        ]
    except OSError as error:
        print(f"duchenne: {error.filename}: {error.strerror}", file=sys.stderr)
        return USAGE
    except (ClaimsError, records.EvidenceError, UnicodeDecodeError) as error:
        print(f"duchenne: {error}", file=sys.stderr)
        return USAGE
    for line, verdict in verdicts:
        if asked.json:
            told = {"verdict": verdict.outcome, "why": verdict.why}
            print(json.dumps(told, ensure_ascii=False))
        else:
            why = f" – {verdict.why}" if verdict.why else ""
            print(f"{verdict.outcome}: {line.get('text', line.get('asserts'))}{why}")
    if not asked.json:
        counts = Counter(verdict.outcome for _, verdict in verdicts)
        print(", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))
    return 0


def _numbered(path: Path, number: int, line: Mapping[str, Any], evidence: Evidence) -> Verdict:
    try:
        return judged(line, evidence)
    except ClaimsError as error:
        raise ClaimsError(f"{path}, line {number}: {error}") from error


if __name__ == "__main__":
    raise SystemExit(main())
