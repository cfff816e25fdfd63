"""Verdicts on claims, one a line: `duchenne eval claims FILE.jsonl --evidence evidence.json`.

A line is `{"text": …, "cites": […], "language": "de"}`, or holds `"asserts": [{…}]` in the form
of `agent.schema.assertion`. Out comes `{"verdict": "supported" | "contradicted" |
"unverified", "why": …}` for each, in order. The same code serves the agent, the rewards and the
measures. Knows files; the judging is `agent.grounding`'s.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from agent import evidence as records
from agent.answer import Claim
from agent.evidence import Evidence
from agent.grounding import ground
from agent.grounding.parse import parse_claim
from agent.grounding.verify import together, verify
from agent.qa.text import language_of
from agent.qa.vocabulary import stops
from agent.schema.assertion import Assertion, Verdict
from agent.schema.query import LANGUAGES, Language


class ClaimsError(ValueError):
    """A file of claims that cannot be read; the message names the line."""


def judged(line: Mapping[str, Any], evidence: Evidence) -> Verdict:
    """The verdict on one claim. Raises ClaimsError for a line that is none."""
    cites = tuple(str(id) for id in line.get("cites") or ())
    if line.get("asserts"):
        try:
            asserts = [Assertion.model_validate(each) for each in line["asserts"]]
        except ValidationError as error:
            raise ClaimsError(f"asserts: {error.errors()[0]['msg']}") from error
        return together(verify(each, evidence, cites) for each in asserts)
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


def run(arguments: argparse.Namespace) -> int:
    """What `duchenne eval claims` does."""
    evidence = records.load(arguments.evidence)
    counts: Counter[str] = Counter()
    for number, line in lines(arguments.file):
        try:
            verdict = judged(line, evidence)
        except ClaimsError as error:
            raise ClaimsError(f"{arguments.file}, line {number}: {error}") from error
        counts[verdict.outcome] += 1
        if arguments.json:
            told = {"verdict": verdict.outcome, "why": verdict.why}
            print(json.dumps(told, ensure_ascii=False))
        else:
            why = f" – {verdict.why}" if verdict.why else ""
            print(f"{verdict.outcome}: {line.get('text', line.get('asserts'))}{why}")
    if not arguments.json:
        print(", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))
    return 0
