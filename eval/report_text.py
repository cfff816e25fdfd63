"""A report as Markdown, for a terminal, an issue or a data card."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


def markdown(made: Mapping[str, Any]) -> str:
    """The whole report in one Markdown text."""
    return "\n".join(_lines(made)) + "\n"


def summary(made: Mapping[str, Any]) -> str:
    """A few lines for the terminal."""
    counts = made["counts"]
    lines = [f"{made['benchmark']['title']}: {made['model']['name']}, {counted(counts)}"]
    lines += [f"  {m['name']:14} {score(m)}" for m in made["measures"]]
    if two := made["first_two"]:
        low, high = two["interval"]
        lines.append(f"  {'first two':14} {number(two['share'])}  [{number(low)}, {number(high)}]")
    lines += [f"  {name:14} {number(value)}" for name, value in made["baselines"].items()]
    return "\n".join(lines)


def counted(counts: Mapping[str, int]) -> str:
    """How many samples, and what became of them."""
    parts = [f"{counts['samples']} samples"]
    if counts["people"]:
        parts.append(f"{counts['people']} {'person' if counts['people'] == 1 else 'people'}")
    names = {"silent": "“cannot tell”", "failed": "failed", "missing": "without prediction"}
    parts += [f"{counts[key]} {words}" for key, words in names.items() if counts[key]]
    return ", ".join(parts)


def score(measure: Mapping[str, Any]) -> str:
    """A score with its interval."""
    text = number(measure["score"])
    if measure["interval"]:
        low, high = measure["interval"]
        text += f"  [{number(low)}, {number(high)}]"
    return text


def number(value: float | None) -> str:
    """Three decimals; a dash for what has no value."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}"


def _lines(made: Mapping[str, Any]) -> Iterator[str]:
    bench, model = made["benchmark"], made["model"]
    yield f"# {bench['title']}: {model['name']}"
    yield ""
    settings = made["settings"]
    yield f"{counted(made['counts'])}. {settings['intervals']}. Seed {settings['seed']}."
    if bench["of"] and made["counts"]["samples"] < bench["of"]:
        yield f"The whole data set has {bench['of']} samples: this is a part of it."
    yield ""
    yield "| measure | score | 95 % interval | scored | unscored as wrong |"
    yield "| --- | ---: | --- | ---: | ---: |"
    for m in made["measures"]:
        low, high = m["interval"] or (None, None)
        between = f"{number(low)} – {number(high)}" if m["interval"] else "–"
        yield (
            f"| {m['name']} | {number(m['score'])} | {between} | {m['scored']} of {m['n']} "
            f"| {number(m['strict'])} |"
        )
    if two := made["first_two"]:
        low, high = two["interval"]
        yield (
            f"| among the first two | {number(two['share'])} | {number(low)} – {number(high)} "
            f"| {two['n']} | |"
        )
    for name, value in made["baselines"].items():
        yield f"| ({name}) | {number(value)} | | | |"
    yield ""
    yield from _confusion(made["labels"])
    yield from _units(made["units"])
    yield from _groups(made["groups"])
    yield from _errors(made)
    yield "## How it was run"
    yield ""
    yield f"- Question: {made['settings']['question']}"
    if made["settings"]["enrolled"]:
        yield f"- Enrolment: {made['settings']['enrolled']}"
    for name, value in made["cost"].items():
        shown = number(value) if isinstance(value, float) else value
        yield f"- {name}: {shown}"
    for name, value in made["versions"].items():
        yield f"- {name}: {value}"
    yield ""
    yield "| looked for | found |"
    yield "| --- | --- |"
    for check in made["checks"]:
        yield f"| {check['looked for']} | {check['found']} |"
    yield ""
    if bench["citation"]:
        yield f"{bench['citation']} Licence: {bench['licence']}."


def _confusion(found: Mapping[str, Any] | None) -> Iterator[str]:
    if not found:
        return
    yield "## Gold (rows) and answers (columns)"
    yield ""
    yield f"| | {' | '.join(found['columns'])} | recall |"
    yield f"| --- |{' ---: |' * (len(found['columns']) + 1)}"
    for name, row, cls in zip(found["rows"], found["counts"], found["classes"], strict=True):
        cells = " | ".join(str(n) if n else "·" for n in row)
        yield f"| {name} | {cells} | {number(cls['recall'])} |"
    yield ""


def _units(found: list[Mapping[str, Any]] | None) -> Iterator[str]:
    if not found:
        return
    yield "## Action units, pooled over all samples"
    yield ""
    yield "| AU | F1 | in gold | said | hits |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for row in found:
        counts = f"{row['support']} | {row['said']} | {row['hits']}"
        yield f"| {row['unit']} | {number(row['f1'])} | {counts} |"
    yield ""


def _groups(found: Mapping[str, Any]) -> Iterator[str]:
    for name, parts in found.items():
        low, high = parts["interval"] or (None, None)
        gap = f"gap {number(parts['gap'])} [{number(low)}, {number(high)}]"
        yield f"## By {name}: {'too few to compare' if parts['few'] else gap}"
        yield ""
        yield "| group | n | score | 95 % interval |"
        yield "| --- | ---: | ---: | --- |"
        for group, row in parts["groups"].items():
            a, b = row["interval"] or (None, None)
            yield f"| {group} | {row['n']} | {number(row['score'])} | {number(a)} – {number(b)} |"
        yield ""


def _errors(made: Mapping[str, Any]) -> Iterator[str]:
    if made["worst"]:
        yield "## Surest errors"
        yield ""
        for row in made["worst"]:
            yield f"- `{row['id']}`: gold {row['gold']}, answered {row['said']}"
        yield ""
    if made["failures"]:
        yield "## Failures"
        yield ""
        for row in made["failures"]:
            yield f"- `{row['id']}`: {row['error']}"
        yield ""
