"""One run of a benchmark: every sample predicted once, each record kept as soon as it is there.

Fits nothing and chooses nothing: no threshold, no epoch, no prompt is picked by looking at the
samples that are scored. A rerun goes on where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from agent.schema.errors import USAGE, DuchenneError
from eval import enrol as enrolment
from eval import leaks, measures, predict, records, tasks
from eval.cards import Benchmark, Card
from eval.predict import Asked, Model
from eval.records import Record
from eval.samples import Sample
from eval.scoring import MeasureError

Progress = Callable[[int, int, int], None]
"""Called with samples done, all samples, and failures among them."""


class RunError(DuchenneError, ValueError):
    """A benchmark that cannot be run as asked; says what was given and what to do."""

    code = "run_stopped"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Plan:
    """What is scored, and how it is asked."""

    name: str
    samples: Sequence[Sample]
    task: Benchmark
    classes: Sequence[str]
    """The label set, as the owners name it."""
    card: Card | None = None
    enrol: Mapping[str, Path] | None = None
    """Person → a clip of theirs that gives the baseline; these clips are not among the samples."""
    checks: Sequence[tuple[str, str]] = ()
    """Leak checks: what was looked for, what was found."""

    enrolled: str | None = None
    """How, in words."""

    def asked(self, model: Model) -> Asked:
        """The question put to the model; the rules read no label set in it."""
        among = () if model.name == "rules" else self.classes
        return Asked(self.task.task, tasks.question(self.task.task, among), self.classes)


def plan(
    name: str,
    samples: Sequence[Sample],
    card: Card | None,
    *,
    split: str | None = None,
    enrol: str | None = None,
    seen: Sequence[Mapping[str, object]] = (),
    only: Mapping[str, str] | None = None,
) -> Plan:
    """What to run. Raises RunError for leaks, unknown splits and samples without gold.

    `split` is scored (default: the card's test split, else all). `enrol` is a label: each
    person's first clip with it becomes their baseline and is taken out of the test; or "others"
    (see `eval.enrol`). `seen` are
    rows of what the model was trained on. `only` keeps samples of these groups (name → value).
    """
    task = _task(samples, card)
    leaked = leaks.within(samples, card.splits.unit if card else "person")
    if leaked:
        raise RunError("the splits leak, no score would mean anything: " + "; ".join(leaked))
    scored = _of_split(samples, split, task.split)
    for group, value in (only or {}).items():
        scored = _of_group(scored, group, value)
    golds = tasks.golds(task.task, scored)
    if not golds:
        raise RunError(f"no sample of {name} has gold for the task {task.task!r}")
    scored = [s for s in scored if s.id in golds]
    baseline = _enrolled(scored, enrol) if enrol else {}
    used = set(baseline.values())
    kept = [s for s in scored if not used or s.clip not in used]
    trained = leaks.between(kept, seen)
    if trained:
        raise RunError("; ".join(trained))
    classes = card.labels.classes if card else ()
    if task.task == "label" and not classes:
        classes = tuple(sorted({str(golds[s.id]) for s in kept}))
    checks = (
        ("people and clips shared between splits", "none"),
        ("ids, people and files that the model was trained on",
         "none" if seen else "not given: the rules are fitted to no clip; for a trained model "
         "name its rows: --trained-on"),
        ("labels used for enrolment", _used(enrol)),
        ("labels in names of files", "hidden: the model sees a link with a neutral name"),
        ("thresholds, epochs or prompts chosen on these samples", "none: nothing is fitted"),
        ("how folds and clips are joined", "by id; counts are pooled before any F1"),
        (f"the gold held against its own {task.measures[0]}",
         _own_grader(task.measures[0], {s.id: golds[s.id] for s in kept})),
    )  # fmt: skip
    told = _told(enrol, baseline) if enrol else None
    return Plan(name, kept, task, classes, card, baseline or None, checks, told)


def _used(enrol: str | None) -> str:
    if enrol in (None, enrolment.OTHERS):
        return "none"
    return f"{enrol}: the clips it picked left the test"


def _task(samples: Sequence[Sample], card: Card | None) -> Benchmark:
    """What the card says is measured; for samples without a card, what their labels allow."""
    if card and card.benchmark:
        return card.benchmark
    measures = {
        "label": ("war", "uar", "waf", "ece", "brier"),
        "triple": ("motor",),
        "action units": ("au-f1",),
        "sentiment": ("sentiment-waf",),
        "open": ("mer-wheel", "mer-hit"),
        "dimensions": ("ccc", "rmse"),
    }
    groups = tuple(sorted({name for s in samples for name in s.groups}))
    for task, names in measures.items():
        if any(tasks.KINDS[task].gold(s.labels) is not None for s in samples):
            found = {"task": task, "measures": list(names), "groups": list(groups)}
            return Benchmark.model_validate(found)
    raise RunError(
        "no sample has a label that can be scored; labels may hold label, labels, aus, valence "
        "and arousal, sentiment, or behavior, cognition and emotion"
    )


def _of_group(samples: Sequence[Sample], group: str, value: str) -> list[Sample]:
    found = [s for s in samples if s.groups.get(group) == value]
    if not found:
        names = sorted({name for s in samples for name in s.groups})
        there = sorted({s.groups[group] for s in samples if group in s.groups})
        known = f"{group} is one of {', '.join(there)}" if there else f"groups: {', '.join(names)}"
        raise RunError(f"--only {group}={value}: no sample is so; {known or 'there are no groups'}")
    return found


def _of_split(samples: Sequence[Sample], asked: str | None, usual: str | None) -> list[Sample]:
    """The samples of the split that is scored; all of them where there are no splits."""
    there = sorted({s.split for s in samples if s.split})
    if asked == "all" or (not there and asked is None):
        return list(samples)
    split = asked or usual or ("test" if "test" in there else None)
    if split is None and len(there) == 1:
        return list(samples)
    if split is None:
        raise RunError(f"which split is to be scored? --split {'|'.join(there)} or all")
    if split not in there:
        if not there:
            raise RunError(f"there are no splits, so none is called {split!r}: leave --split out")
        others = ", ".join(there)
        raise RunError(f"no sample is in the split {split!r}; there are: {others}; or all")
    return [s for s in samples if s.split == split]


def _own_grader(name: str, golds: Mapping[str, Any]) -> str:
    """The gold held against its own measure, before any model runs. Raises RunError."""
    try:
        result = measures.measure(name, golds, golds)
    except MeasureError as error:
        raise RunError(f"{name} cannot use the gold: {error}") from error
    reasons = {**result.excluded, **result.unscored}
    if result.n == 0 or result.scored < result.n:
        why = ", ".join(f"{n}× {reason}" for reason, n in reasons.items())
        raise RunError(f"{name} cannot read the gold ({why}): no answer could be right")
    left_out = sum(result.excluded.values())
    return f"{result.score:.3f} for {result.n} golds" + (f", {left_out} left out" * bool(left_out))


def _enrolled(samples: Sequence[Sample], how: str) -> dict[str, Path]:
    """Person → the clip that their baseline comes from."""
    if how == enrolment.OTHERS:
        found = enrolment.together(samples)
        if not found:
            raise RunError("--enrol others: nobody has two clips, or no clip names its person")
        return found
    found = enrolment.by_label(samples, how)
    if not found:
        raise RunError(f"--enrol {how}: nobody has a clip with this label")
    return found


def _told(how: str, baseline: Mapping[str, Path]) -> str:
    whom = "1 person" if len(baseline) == 1 else f"{len(baseline)} people"
    if how == enrolment.OTHERS:
        return f"{whom} known by the sound of all their clips; no label was used"
    return f"{whom} known by one clip labelled {how}, which is not scored"


def run(
    made: Plan,
    model: Model,
    file: Path,
    *,
    workers: int = 1,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> dict[str, Record]:
    """Records of all samples, by id; those that are kept already are not made again.

    Raises BlockingIOError where another run writes the same file, ModelError where the host
    answers nobody, OSError. Whatever stops it, what is done is kept.
    """
    done = records.read(file)
    wanted = {s.id: (s, _enrolment(made, s)) for s in made.samples}
    keys = {id: _key(s, model, made, path) for id, (s, path) in wanted.items()}
    fresh = {
        id: record
        for id, record in done.items()
        if keys.get(id) == record.key and not (retry_failed and record.status == "failed")
    }
    todo = [wanted[id] for id in wanted if id not in fresh]
    failed = sum(record.status == "failed" for record in fresh.values())
    with records.Log(file) as log:

        def told(record: Record) -> None:
            nonlocal failed
            log.add(record)
            fresh[record.id] = record
            failed += record.status == "failed"
            if progress is not None:
                progress(len(fresh), len(wanted), failed)

        if progress is not None:
            progress(len(fresh), len(wanted), failed)
        jobs = [(s, path, keys[s.id]) for s, path in todo]
        _work(jobs, made, model, workers, told)
    return {id: fresh[id] for id in wanted}


def _enrolment(made: Plan, sample: Sample) -> Path | None:
    return (made.enrol or {}).get(sample.person or "")


def _key(sample: Sample, model: Model, made: Plan, enrol: Path | None) -> str:
    """The record's key; a clip that cannot be read gets one that changes when it can."""
    try:
        return predict.key(sample, model, made.asked(model), enrol)
    except ValueError as error:
        return f"unreadable: {error}"


def _work(
    jobs: Sequence[tuple[Sample, Path | None, str]],
    made: Plan,
    model: Model,
    workers: int,
    told: Callable[[Record], None],
) -> None:
    """Predict, some at a time; records arrive as they are done."""

    def one(job: tuple[Sample, Path | None, str]) -> Record:
        sample, enrol, digest = job
        return predict.predict(sample, model, made.asked(model), enrol, digest)

    if workers <= 1:
        for job in jobs:
            told(one(job))
        return
    queue = iter(jobs)
    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(one, job) for job in islice(queue, workers)}
        while running:
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ready:
                told(future.result())
            running |= {pool.submit(one, job) for job in islice(queue, len(ready))}


def of_predictions(made: Plan, found: Mapping[str, Any]) -> dict[str, Record]:
    """Records of predictions that somebody else made, by id; ids without one are missing."""
    result = {}
    for sample in made.samples:
        if sample.id in found:
            value = found[sample.id]
            status: records.Status = "silent" if value in (None, "") else "ok"
            text = value if isinstance(value, str) else None
            result[sample.id] = Record(sample.id, "", status, value, text)
    return result
