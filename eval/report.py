"""What a run says: measures with intervals, confusion, reliability, groups, errors, cost.

Knows samples and records, makes one plain dictionary; `eval.page` and `eval.report_text` show it.
A sample that failed, or on which the model said it cannot tell, is never counted as a label.
"""

from __future__ import annotations

import dataclasses
import math
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from eval import labels, makers, measures, report_labels, scoring, tasks, units
from eval.predict import Model
from eval.records import Record
from eval.report_labels import scored
from eval.run import Plan

FORMAT: Final = 1
WORST: Final = 6
"""Errors that are shown with their pictures."""
FEW: Final = 5
"""Fewer people than this are not resampled whole, and a group of fewer samples is not compared:
the interval would mean nothing."""


def report(
    plan: Plan, model: Model, records: Mapping[str, Record], seed: int = 0
) -> dict[str, Any]:
    """All results of a run, ready for JSON."""
    golds = tasks.golds(plan.task.task, plan.samples)
    found = _found(plan, golds, records)
    people = {s.id: s.person for s in plan.samples if s.person}
    whole = people if len(set(people.values())) >= FEW and len(people) == len(golds) else None
    results = [
        _result(name, golds, found, seed, whole) for name in dict.fromkeys(plan.task.measures)
    ]
    return {
        "format": FORMAT,
        "benchmark": _benchmark(plan),
        "model": dataclasses.asdict(model),
        "settings": _settings(plan, model, seed, whole is not None),
        "counts": _counts(plan, records),
        "measures": results,
        "baselines": _baselines(plan, golds),
        "labels": report_labels.table(plan, golds, found) if plan.task.task == "label" else None,
        "first_two": report_labels.first_two(golds, found) if plan.task.task == "label" else None,
        "reliability": report_labels.reliability(golds, found)
        if plan.task.task == "label"
        else None,
        "units": _units(golds, found) if plan.task.task == "action units" else None,
        "points": _points(golds, found) if plan.task.task == "dimensions" else None,
        "groups": _groups(plan, golds, found, seed),
        "worst": _worst(plan, golds, records),
        "failures": [
            {"id": r.id, "error": r.error} for r in records.values() if r.status == "failed"
        ],
        "silent": [r.id for r in records.values() if r.status == "silent"],
        "checks": [{"looked for": what, "found": it} for what, it in plan.checks],
        "cost": _cost(records),
        "versions": _versions(),
    }


def _found(plan: Plan, golds: Mapping[str, Any], records: Mapping[str, Record]) -> dict[str, Any]:
    """Predictions of the samples that were answered, as the measures take them."""
    found = {id: r.prediction for id, r in records.items() if r.status == "ok" and id in golds}
    if plan.task.task == "action units":
        return {id: tasks.coded(value, plan.classes) for id, value in found.items()}
    return found


def _benchmark(plan: Plan) -> dict[str, Any]:
    card = plan.card
    return {
        "name": plan.name,
        "title": card.title if card else plan.name,
        "task": plan.task.task,
        "classes": list(plan.classes),
        "licence": card.licence if card else None,
        "citation": card.citation if card else None,
        "gaps": list(card.gaps) if card else [],
        "of": card.size.samples if card else None,
    }


def _settings(plan: Plan, model: Model, seed: int, by_person: bool) -> dict[str, Any]:
    return {
        "question": plan.asked(model).question,
        "profile": plan.task.profile,
        "seed": seed,
        "enrolled": plan.enrolled,
        "intervals": "95 % percentile bootstrap, 1000 draws of "
        + ("whole people" if by_person else "samples (too few people to draw them whole)"),
    }


def _counts(plan: Plan, records: Mapping[str, Record]) -> dict[str, int]:
    status = Counter(record.status for record in records.values())
    people = {s.person for s in plan.samples if s.person}
    return {
        "samples": len(plan.samples),
        "people": len(people),
        "answered": status["ok"],
        "silent": status["silent"],
        "failed": status["failed"],
        "missing": len(plan.samples) - len(records),
    }


def _result(
    name: str,
    golds: Mapping[str, Any],
    found: Mapping[str, Any],
    seed: int,
    people: Mapping[str, str] | None,
) -> dict[str, Any]:
    """One measure over all of it."""
    result = measures.measure(name, golds, found, seed=seed, clusters=people)
    kept = dataclasses.asdict(result)
    return {k: v for k, v in kept.items() if k not in ("extra", "extra_ids", "unscored_ids")}


def _baselines(plan: Plan, golds: Mapping[str, Any]) -> dict[str, float]:
    """What blind guessing would score: over the label set, and always the commonest label."""
    if plan.task.task != "label" or not golds:
        return {}
    counts = Counter(labels.canonical(str(g)) for g in golds.values())
    there = len(counts)
    return {
        "chance": 1 / max(len(plan.classes), there),
        "commonest": max(counts.values()) / sum(counts.values()),
    }


def _units(golds: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """F1, hits and support of each action unit, pooled over all samples."""
    both = list(scored(measures.build("au-f1"), golds, found).values())
    names = sorted(frozenset().union(*(g | p for g, p in both))) if both else []
    rows = []
    for number in names:
        hit = sum(number in g and number in p for g, p in both)
        extra = sum(number not in g and number in p for g, p in both)
        lost = sum(number in g and number not in p for g, p in both)
        f1 = scoring.ratio(2 * hit, 2 * hit + extra + lost)
        rows.append(
            {"unit": number, "f1": f1, "support": hit + lost, "said": hit + extra, "hits": hit}
        )
    return rows


def _points(golds: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    both = scored(measures.build("ccc"), golds, found)
    return [{"id": id, "gold": g, "found": p} for id, (g, p) in both.items()]


def _groups(
    plan: Plan, golds: Mapping[str, Any], found: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """The main measure by group, for every grouping that has at least two groups."""
    measure = measures.build(plan.task.measures[0])
    both = scored(measure, golds, found)
    known = {s.id: dict(s.groups) | ({"language": s.language} if s.language else {})
             for s in plan.samples}  # fmt: skip
    result = {}
    for name in dict.fromkeys((*plan.task.groups, "language")):
        ids = [id for id in both if known[id].get(name)]
        values = [str(known[id][name]) for id in ids]
        if len(set(values)) > 1:
            rows, score = measure.rows([both[i][0] for i in ids], [both[i][1] for i in ids])
            few = min(Counter(values).values()) < FEW
            result[name] = scoring.gaps(rows, score, values, seed) | {"few": few}
    return result


def _worst(
    plan: Plan, golds: Mapping[str, Any], records: Mapping[str, Record]
) -> list[dict[str, Any]]:
    """Wrong answers, the surest first."""
    found = _found(plan, golds, records)
    both = scored(measures.build(plan.task.measures[0]), golds, found)
    rated = [(_wrongness(plan.task.task, *pair, found[id]), id) for id, pair in both.items()]
    rated = sorted((pair for pair in rated if pair[0] > 0), key=lambda pair: (-pair[0], pair[1]))
    rows = []
    for wrongness, id in rated[:WORST]:
        gold, guess = both[id]
        record = records[id]
        rows.append(
            {
                "id": id,
                "gold": _shown(gold),
                "said": _shown(guess if guess != labels.OTHER else _named(found[id])),
                "wrongness": wrongness,
                "answer": record.answer,
                "missing": list(record.missing),
            }
        )
    return rows


def _named(value: Any) -> str:
    """A label outside the gold's, as the prediction names it."""
    return str(value.get("label")) if isinstance(value, Mapping) else str(value)


def _wrongness(task: str, gold: Any, guess: Any, raw: Any) -> float:
    """0 for right; greater for surer or farther off."""
    if task == "action units":
        return 1 - units.pair_f1(gold, guess)
    if task == "dimensions":
        return math.dist([gold[n] for n in gold], [guess[n] for n in gold])
    if gold == guess:
        return 0.0
    if isinstance(raw, Mapping) and raw.get("emotions"):
        return float(raw["emotions"][0]["share"])
    return 0.5


def _shown(value: Any) -> str:
    """A gold or a prediction in a few plain words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v:+.2f}" for k, v in value.items())
    if isinstance(value, frozenset | set):
        return ", ".join(f"AU{n}" for n in sorted(value)) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _cost(records: Mapping[str, Record]) -> dict[str, Any]:
    """Time of sensing and of reasoning, and what the claims stand on."""
    answered = [r for r in records.values() if r.status != "failed"]
    sensing = [r for r in answered if r.sensing_s is not None]
    seconds = sum(r.media_s or 0.0 for r in sensing)
    reasoning = [r.reasoning_s for r in answered if r.reasoning_s is not None]
    claims = sum(r.claims for r in answered)
    stood = sum((r.grounded or 0.0) * r.claims for r in answered)
    return {
        "sensed now": len(sensing),
        "remembered": len(answered) - len(sensing),
        "media seconds": round(sum(r.media_s or 0.0 for r in answered), 1),
        "sensing per media second": scoring.ratio(
            sum(r.sensing_s or 0.0 for r in sensing), seconds
        ),
        "reasoning median s": float(np.median(reasoning)) if reasoning else math.nan,
        "reasoning 95 % s": float(np.percentile(reasoning, 95)) if reasoning else math.nan,
        "claims": claims,
        "claims that stand": scoring.ratio(stood, claims),
    }


def _versions() -> dict[str, str]:
    from agent.perception import look as perceive

    return {
        "duchenne": version("duchenne"),
        "senses": " ".join(f"{k}:{v}" for k, v in perceive.SENSES.items()),
        "measures": makers.VERSION,
        "python": platform.python_version(),
    }


def main_measure(made: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first measure of a report: the one that counts."""
    found: Sequence[Mapping[str, Any]] = made["measures"]
    return found[0]
