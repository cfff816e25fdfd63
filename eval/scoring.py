"""How any measure is run: ids matched, what cannot be scored kept apart, an interval on the mean.

Knows no measure. A measure turns samples into rows of numbers whose sums decide the score
(counts of a confusion, sums of squares, …); so an interval needs no second look at the samples.

- A missing, empty or unreadable prediction is *unscored*: never a label, never an error. `score`
  is over the scored samples; `strict` is over all of them, with the unscored ones as wrong.
- Ids in only one of the files are reported, never dropped in silence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from agent.schema.errors import USAGE, DuchenneError

Array = npt.NDArray[Any]
"""Numbers of whatever width; one-hot rows are bytes, sums are float64."""
Mode = Literal["faithful", "sound"]
Values = dict[str, float]
Score = Callable[[Array], Values]
"""Sums of the rows → named values, the main one first."""
Tally = tuple[Array, Score]
"""Rows, samples × sums, and what becomes of their totals."""

BLOCKS: Final = 4000
"""More samples than this are resampled in random blocks; the interval stays the same."""
SHOWN: Final = 20


class MeasureError(DuchenneError, ValueError):
    """Files or settings that a measure cannot work with; says what was given and what to do."""

    code = "bad_measure"
    exit_status = USAGE


class Unscored(ValueError):  # noqa: N818  (not a failure of the program)
    """A value that cannot be scored; the message is the reason, short enough to be counted."""


class Excluded(Unscored):
    """A gold value that the measure leaves out by its definition."""


@dataclass(frozen=True, slots=True)
class Published:
    """The published form of a measure, faults included."""

    version: str
    score: Callable[[Mapping[str, Any], Mapping[str, Any]], Values]
    """Raw gold and predictions with the same ids → values to the last bit."""
    rows: Callable[[Sequence[Any], Sequence[Any]], Tally] | None = None
    """The same as rows, for the interval."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure under one name."""

    name: str
    version: str
    about: str
    """What the score is, its range, and what counts as better."""
    gold: Callable[[Any], Any]
    """Reads one gold value; raises Excluded or Unscored."""
    pred: Callable[[Any], Any]
    """Reads one prediction; raises Unscored."""
    rows: Callable[[Sequence[Any], Sequence[Any]], Tally]
    wrong: Callable[[Any], Any] | None = None
    """A prediction that is wrong for this gold, for `strict`; None where there is no such thing."""
    settle: Callable[[Sequence[Any]], Callable[[Any], Any]] | None = None
    """From all golds what fits one read prediction to them, or raises Unscored."""
    published: Published | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a measure says about one set of predictions."""

    name: str
    version: str
    mode: Mode
    n: int
    """Samples with a gold value that the measure can use."""
    scored: int
    score: float
    interval: tuple[float, float] | None
    """95 % percentile bootstrap over samples (or groups of them), seeded."""
    strict: float | None
    """The score with unscored samples counted as wrong."""
    values: Values
    """Everything the measure gives, the score first."""
    unscored: Mapping[str, int]
    """Reason → how many."""
    unscored_ids: tuple[str, ...]
    """The first of them."""
    excluded: Mapping[str, int]
    """Gold values left out, by reason."""
    extra_ids: tuple[str, ...]
    """Ids with a prediction and no gold: the first of them."""
    extra: int
    about: str
    other: Mapping[str, Any] = field(default_factory=dict)
    """The other mode's version and score, where a measure has both."""
    groups: Mapping[str, Any] = field(default_factory=dict)
    """Score and interval of each group, and the greatest gap with its interval."""


def run(
    measure: Measure,
    gold: Mapping[str, Any],
    pred: Mapping[str, Any],
    mode: Mode = "sound",
    seed: int = 0,
    clusters: Mapping[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> Result:
    """Score predictions by id. `clusters` (id → person, say) are resampled whole.

    `groups` (id → sex, age, language, …) are scored apart, with the gap between them.
    Where a measure has no published form of its own, both modes are the same.
    """
    sound = _sound(measure, gold, pred)
    faithful = _faithful(measure, gold, pred, mode) if measure.published else None
    told, other = (faithful, sound) if faithful and mode == "faithful" else (sound, faithful)
    whole = None if clusters is None else [clusters.get(id, id) for id in told.ids]
    apart = None if groups is None else [str(groups.get(id, "not given")) for id in told.ids]
    extra = [id for id in pred if id not in gold]
    return Result(
        name=measure.name,
        version=told.version,
        mode=mode,
        n=len(told.ids) + len(told.unscored),
        scored=len(told.ids),
        score=_first(told.values),
        interval=interval(*told.tally, seed, whole),
        strict=told.strict,
        values=told.values,
        unscored=dict(Counter(told.unscored.values())),
        unscored_ids=tuple(list(told.unscored)[:SHOWN]),
        excluded=dict(told.excluded),
        extra_ids=tuple(extra[:SHOWN]),
        extra=len(extra),
        about=measure.about,
        other={"mode": other.mode, "version": other.version, "score": _first(other.values)}
        if other
        else {},
        groups=gaps(*told.tally, apart, seed) if apart and len(told.tally[0]) else {},
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What one mode says."""

    mode: Mode
    version: str
    ids: Sequence[str]
    """Scored, in the order of the rows."""
    tally: Tally
    values: Values
    strict: float | None
    unscored: Mapping[str, str]
    """Id → reason."""
    excluded: Mapping[str, int]


def _sound(measure: Measure, gold: Mapping[str, Any], pred: Mapping[str, Any]) -> _Told:
    golds, left_out = _apart(gold, measure.gold)
    settle = measure.settle(list(golds.values())) if measure.settle else None

    def read(id: str) -> Any:
        if id not in pred:
            raise Unscored("no prediction")
        value = measure.pred(pred[id])
        return settle(value) if settle else value

    found, unscored = _apart({id: id for id in golds}, read)
    tally = _tally(measure, golds, found)
    values = _total(*tally)
    strict: float | None = _first(values)
    if unscored and measure.wrong is not None:
        filled = {id: found[id] if id in found else measure.wrong(golds[id]) for id in golds}
        strict = _first(_total(*_tally(measure, golds, filled)))
    elif unscored:
        strict = None
    excluded = Counter(left_out.values())
    return _Told("sound", measure.version, list(found), tally, values, strict, unscored, excluded)


def _faithful(
    measure: Measure, gold: Mapping[str, Any], pred: Mapping[str, Any], mode: Mode
) -> _Told:
    """The published form over every sample that has values of a kind it can work with."""
    form = measure.published
    assert form is not None
    golds, _ = _apart(gold, measure.gold)
    unscored = {
        id: "no prediction" if id not in pred else "neither text nor a list"
        for id in golds
        if not isinstance(pred.get(id), str | list | tuple | Mapping)
    }
    both = [id for id in golds if id not in unscored]
    values = form.score({id: gold[id] for id in both}, {id: pred[id] for id in both})
    tally: Tally = (np.zeros((0, 1)), _no_values)
    if form.rows is not None and both and mode == "faithful":
        tally = form.rows([gold[id] for id in both], [pred[id] for id in both])
    excluded = {"no usable gold": len(gold) - len(golds)} if len(golds) < len(gold) else {}
    return _Told("faithful", form.version, both, tally, values, None, unscored, excluded)


def _apart(
    values: Mapping[str, Any], read: Callable[[Any], Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What could be read, and the reasons of the rest, by id."""
    found, reasons = {}, {}
    for id, value in values.items():
        try:
            found[id] = read(value)
        except Unscored as reason:
            reasons[id] = str(reason)
    return found, reasons


def _tally(measure: Measure, golds: Mapping[str, Any], found: Mapping[str, Any]) -> Tally:
    if not found:
        return np.zeros((0, 1)), _no_values
    return measure.rows([golds[id] for id in found], list(found.values()))


def interval(
    rows: Array,
    score: Score,
    seed: int = 0,
    groups: Sequence[str] | None = None,
    times: int = 1000,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of the main value; None where there is too little to resample.

    Samples are drawn with replacement, or whole groups where `groups` names one per sample.
    """
    blocks = _blocks(rows, seed, groups)
    if len(blocks) < 2:
        return None
    draw = np.random.default_rng(seed)
    counts = draw.multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), size=times)
    totals = counts.astype(np.float64) @ blocks
    found = np.array([_first(score(total)) for total in totals])
    found = found[np.isfinite(found)]
    if len(found) < times / 2:
        return None
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(found, [tail, 100 - tail])
    return float(low), float(high)


def gaps(
    rows: Array, score: Score, groups: Sequence[str], seed: int = 0, times: int = 1000
) -> dict[str, Any]:
    """The main value of each group, the greatest difference and its bootstrap interval.

    Samples are drawn anew within each group. A gap is never negative, so its interval says how
    large it may be; whether there is one at all, the groups' own intervals tell.
    """
    names = sorted(set(groups))
    where = {name: [i for i, g in enumerate(groups) if g == name] for name in names}
    scores = {name: _first(_total(rows[where[name]], score)) for name in names}
    by_group = {
        name: {
            "n": len(where[name]),
            "score": scores[name],
            "interval": interval(rows[where[name]], score, seed),
        }
        for name in names
    }
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(times if len(names) > 1 else 0):
        values = [
            _first(score(rows[draw.choice(at, len(at))].sum(axis=0, dtype=np.float64)))
            for at in where.values()
        ]
        found.append(max(values) - min(values))
    return {
        "groups": by_group,
        "gap": max(scores.values()) - min(scores.values()),
        "interval": tuple(np.nanpercentile(found, [2.5, 97.5]).tolist()) if found else None,
    }


def _blocks(rows: Array, seed: int, groups: Sequence[str] | None) -> Array:
    """Sums of the rows that are resampled together."""
    if groups is not None:
        index = {name: i for i, name in enumerate(dict.fromkeys(groups))}
        at = np.array([index[name] for name in groups], dtype=np.int64)
    elif len(rows) > BLOCKS:
        at = np.random.default_rng(seed).permutation(len(rows)) % BLOCKS
    else:
        return rows.astype(np.float64)
    order = np.argsort(at, kind="stable")
    starts = np.flatnonzero(np.diff(at[order], prepend=-1))
    return np.add.reduceat(rows[order], starts, axis=0, dtype=np.float64)


def _total(rows: Array, score: Score) -> Values:
    return score(rows.sum(axis=0, dtype=np.float64)) if len(rows) else {"score": math.nan}


def _no_values(_: Array) -> Values:
    return {"score": math.nan}


def _first(values: Values) -> float:
    return next(iter(values.values()))


def ratio(top: float, bottom: float) -> float:
    """top / bottom, NaN for 0/0: a measure of nothing has no value."""
    return top / bottom if bottom else math.nan


def mean_rows(values: Sequence[Sequence[float]], names: Sequence[str]) -> Tally:
    """Rows for plain means over samples: one column a name, and a count."""
    table = np.array(values, dtype=np.float64).reshape(len(values), len(names))
    rows = np.hstack([table, np.ones((len(values), 1))])

    def score(total: Array) -> Values:
        return {name: ratio(float(total[i]), float(total[-1])) for i, name in enumerate(names)}

    return rows, score
