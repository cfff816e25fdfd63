"""How a measure of each kind is put together from its reading, its rows and its published form.

Knows which parts belong together; `eval.measures` gives them their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from eval import labels, published, regression, rewards, units, wheel
from eval.scoring import Excluded, Measure, Published, Tally, Unscored, Values, mean_rows

VERSION: Final = "duchenne 1"
Maker = Callable[[str, str | Path | None], Measure]
"""From a name, and a file of emotion wheels for those that use them."""


def single(name: str, _: object, about: str, score: Callable[..., Values]) -> Measure:
    """One label a sample, scored by its confusion."""
    return Measure(
        name,
        VERSION,
        about,
        labels.gold,
        labels.pred,
        partial(labels.confusion_rows, score=score),
        wrong=lambda _: labels.OTHER,
        settle=labels.settle,
    )


def on_wheels(
    name: str, mapping: str | Path | None, release: published.Release, level: wheel.Level
) -> Measure:
    """Open labels on five wheels, with the published form of one release."""
    wheels = wheel.load(mapping or wheel.DATA)
    reader = wheel.Reader(wheels, level)

    def faithful(gold: Mapping[str, Any], pred: Mapping[str, Any]) -> Values:
        texts = wheel.texts(gold), wheel.texts(pred)
        f, p, r = published.wheel_overlap(wheels, *texts, release, level)
        return {"f": f, "precision": p, "recall": r}

    def faithful_rows(golds: Sequence[Any], preds: Sequence[Any]) -> Tally:
        wanted, found = [wheel.as_text(v) for v in golds], [wheel.as_text(v) for v in preds]
        return published.wheel_rows(wheels, wanted, found, release, level)

    return Measure(
        name,
        f"{VERSION}, mapping {Path(mapping).name if mapping else 'MER2026'}",
        f"F of emotion words grouped by five wheels at {level}, 0-1; words outside every wheel "
        "count as themselves",
        reader.gold,
        reader.pred,
        reader.rows,
        wrong=lambda _: [],
        published=Published(published.VERSIONS[release], faithful, faithful_rows),
    )


def hits(name: str, mapping: str | Path | None) -> Measure:
    """Hit rate and its precision on five wheels."""
    wheels = wheel.load(mapping or wheel.DATA)
    reader = wheel.Reader(wheels)

    def faithful(gold: Mapping[str, Any], pred: Mapping[str, Any]) -> Values:
        hit, mscore = published.hit_rate(wheels, wheel.texts(gold), wheel.texts(pred))
        return {"hit": hit, "mscore": mscore}

    return Measure(
        name,
        f"{VERSION}, mapping {Path(mapping).name if mapping else 'MER2026'}",
        "F of the hit rate and its precision over five wheels, 0-1: naming every emotion does "
        "not pay",
        reader.gold,
        reader.pred,
        reader.hit_rows,
        wrong=lambda _: [],
        published=Published(published.VERSIONS["affectgpt"], faithful),
    )


def numbers(name: str, _: object, about: str, of: Callable[..., float]) -> Measure:
    """Numbers against numbers, over one or more dimensions."""
    return Measure(
        name,
        VERSION,
        about,
        regression.gold,
        regression.point,
        partial(regression.rows, of=of),
        settle=regression.settle,
    )


def simple(
    name: str,
    _: object,
    about: str,
    gold: Callable[[Any], Any],
    pred: Callable[[Any], Any],
    rows: Callable[[Sequence[Any], Sequence[Any]], Tally],
    wrong: Callable[[Any], Any] | None = None,
) -> Measure:
    """A measure without a published form of its own."""
    return Measure(name, VERSION, about, gold, pred, rows, wrong)


def completion(value: Any) -> str:
    """The text of a completion, empty or not. Raises Unscored for anything else."""
    if not isinstance(value, str):
        raise Unscored("not text")
    return value


def label_text(value: Any) -> str:
    """A gold label as it is written."""
    if isinstance(value, Mapping):
        value = value.get("label")
    if not isinstance(value, str) or not value.strip():
        raise Excluded("no gold label")
    return value


def reward(
    name: str,
    _: object,
    about: str,
    gold: Callable[[Any], Any],
    sound: Callable[[str, Any], float],
    version: str,
    faithful: Callable[[str, Any], float],
) -> Measure:
    """The mean of a reward over completions; every completion gets one, even an empty one."""

    def rows(golds: Sequence[Any], preds: Sequence[str]) -> Tally:
        return mean_rows([[sound(p, g)] for g, p in zip(golds, preds, strict=True)], ["reward"])

    def published_rows(golds: Sequence[Any], preds: Sequence[str]) -> Tally:
        found = [[faithful(str(p), g)] for g, p in zip(golds, preds, strict=True)]
        return mean_rows(found, ["reward"])

    def score(golds: Mapping[str, Any], preds: Mapping[str, Any]) -> Values:
        values = [faithful(str(preds[i]), golds[i]) for i in golds]
        return {"reward": sum(values) / len(values) if values else float("nan")}

    return Measure(
        name,
        VERSION,
        about,
        gold,
        completion,
        rows,
        wrong=lambda _: "",
        published=Published(published.VERSIONS[version], score, published_rows),
    )


def au_codes(gold: Any) -> list[str]:
    """Codes as the published reward gets them: the strings of the data set."""
    if isinstance(gold, Mapping):
        gold = gold.get("AUs", ())
    if isinstance(gold, str):
        return [code.strip() for code in gold.split(",") if code.strip()]
    return [str(code) for code in gold or ()]


def label(gold: Any) -> str:
    """The label as the published rewards get it."""
    return str(gold.get("label", "")) if isinstance(gold, Mapping) else str(gold)


def au_reward(completion: str, gold: frozenset[int]) -> float:
    """The sound reward for action units."""
    return rewards.au_f1(completion, gold)


def captions(name: str, _: object) -> Measure:
    """AUs named in a text against peak intensities, as MER-Factory scores its captions."""

    def score(golds: Mapping[str, Any], preds: Mapping[str, Any]) -> Values:
        found = [published.mer_factory_au(str(preds[i]), golds[i]) for i in golds]
        columns = list(zip(*found, strict=True)) or [(), (), ()]
        p, r, f = (sum(c) / len(c) if c else float("nan") for c in columns)
        return {"f1": f, "precision": p, "recall": r}

    def rows(golds: Sequence[frozenset[int]], preds: Sequence[frozenset[int]]) -> Tally:
        return mean_rows([[units.pair_f1(g, p)] for g, p in zip(golds, preds, strict=True)], ["f1"])

    return Measure(
        name,
        VERSION,
        "F1 per caption of action units named in it against intensities at the peak, 0-1",
        units.peak,
        units.pred,
        rows,
        wrong=lambda _: frozenset(),
        published=Published(published.VERSIONS["mer-factory"], score),
    )
