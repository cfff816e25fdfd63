"""All measures by name, ready for `eval.scoring.run`.

    from eval.measures import measure
    measure("uar", {"a": "happy"}, {"a": "She is happy."}).score

Knows which reading, rows and published form belong together; the modules named in the table
know the formulas. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from eval import (
    calibration,
    compound,
    events,
    grounded,
    judge,
    labels,
    published,
    regression,
    rewards,
    text,
    trees,
    units,
    wheel,
)
from eval.scoring import (
    Excluded,
    Measure,
    MeasureError,
    Mode,
    Published,
    Result,
    Tally,
    Unscored,
    Values,
    mean_rows,
    run,
)

__all__ = ["NAMES", "Result", "build", "measure"]

VERSION: Final = "duchenne 1"


def measure(
    name: str,
    gold: Mapping[str, Any],
    pred: Mapping[str, Any],
    mode: Mode = "sound",
    mapping: str | Path | None = None,
    seed: int = 0,
    clusters: Mapping[str, str] | None = None,
) -> Result:
    """Score predictions by id with one measure. Raises MeasureError for an unknown name."""
    return run(build(name, mapping), gold, pred, mode, seed, clusters)


def build(name: str, mapping: str | Path | None = None) -> Measure:
    """The measure of this name; `mapping` is a file of emotion wheels for those that use them."""
    if name not in _TABLE:
        raise MeasureError(f"no measure is called {name!r}; there are: {', '.join(NAMES)}")
    return _TABLE[name](name, mapping)


def _single(name: str, _: object, about: str, score: Callable[..., Values]) -> Measure:
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


def _wheel(
    name: str, mapping: str | Path | None, release: published.Release, level: wheel.Level
) -> Measure:
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


def _hit(name: str, mapping: str | Path | None) -> Measure:
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


def _numbers(name: str, _: object, about: str, of: Callable[..., float]) -> Measure:
    return Measure(
        name,
        VERSION,
        about,
        regression.gold,
        regression.point,
        partial(regression.rows, of=of),
        settle=regression.settle,
    )


def _simple(
    name: str,
    _: object,
    about: str,
    gold: Callable[[Any], Any],
    pred: Callable[[Any], Any],
    rows: Callable[[Sequence[Any], Sequence[Any]], Tally],
    wrong: Callable[[Any], Any] | None = None,
) -> Measure:
    return Measure(name, VERSION, about, gold, pred, rows, wrong)


def _completion(value: Any) -> str:
    if not isinstance(value, str):
        raise Unscored("not text")
    return value


def _text_gold(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("label")
    if not isinstance(value, str) or not value.strip():
        raise Excluded("no gold label")
    return value


def _reward(
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
        _completion,
        rows,
        wrong=lambda _: "",
        published=Published(published.VERSIONS[version], score, published_rows),
    )


def _au_codes(gold: Any) -> list[str]:
    """Codes as the published reward gets them: the strings of the data set."""
    if isinstance(gold, Mapping):
        gold = gold.get("AUs", ())
    if isinstance(gold, str):
        return [code.strip() for code in gold.split(",") if code.strip()]
    return [str(code) for code in gold or ()]


def _label(gold: Any) -> str:
    return str(gold.get("label", "")) if isinstance(gold, Mapping) else str(gold)


def _au_sound(completion: str, gold: frozenset[int]) -> float:
    return rewards.au_f1(completion, gold)


def _factory(name: str, _: object) -> Measure:
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


Maker = Callable[[str, str | Path | None], Measure]

_TABLE: Final[dict[str, Maker]] = {
    "war": partial(_single, about="accuracy, 0-1", score=labels.war),
    "uar": partial(_single, about="recall averaged over the gold's classes, 0-1", score=labels.uar),
    "waf": partial(_single, about="F1 weighted by the gold's classes, 0-1", score=labels.waf),
    "macro-f1": partial(
        _single, about="F1 averaged over the gold's classes, 0-1", score=labels.macro_f1
    ),
    "micro-f1": partial(_single, about="F1 over all samples, 0-1", score=labels.micro_f1),
    "mer-wheel": partial(_wheel, release="mer2026", level="level1"),
    "mer-wheel-level2": partial(_wheel, release="mer2026", level="level2"),
    "mer2025-wheel": partial(_wheel, release="mer2025", level="level1"),
    "mer2025-wheel-level2": partial(_wheel, release="mer2025", level="level2"),
    "mer-hit": _hit,
    "sentiment-waf": partial(
        _simple,
        about="F1 of negative and positive weighted by the gold, 0-1; neutral golds left out",
        gold=compound.gold_polarity,
        pred=compound.polarity,
        rows=partial(labels.confusion_rows, score=labels.waf),
        wrong=lambda _: labels.OTHER,
    ),
    "au-f1": partial(
        _simple,
        about="F1 per action unit pooled over all samples, averaged over the units that occur in "
        "gold or prediction, 0-1",
        gold=units.gold,
        pred=units.pred,
        rows=units.rows,
        wrong=lambda _: frozenset(),
    ),
    "ccc": partial(
        _numbers, about="concordance averaged over dimensions, −1…1", of=regression.ccc
    ),
    "pcc": partial(
        _numbers, about="correlation averaged over dimensions, −1…1", of=regression.pcc
    ),
    "rmse": partial(
        _numbers, about="root mean square error over dimensions; smaller is better",
        of=regression.rmse,
    ),
    "icc": partial(
        _numbers, about="ICC(3,1) averaged over dimensions, −1…1", of=regression.icc31
    ),
    "compound-f1": partial(
        _simple,
        about="F1 averaged over compound expressions, 0-1; probabilities are paired by PPA",
        gold=compound.gold_compound,
        pred=compound.compound,
        rows=partial(labels.confusion_rows, score=labels.macro_f1),
        wrong=lambda _: labels.OTHER,
    ),
    "motor": partial(
        _simple,
        about="macro-F1 of behaviour, cognition and emotion, averaged, 0-1",
        gold=compound.gold_triple,
        pred=compound.triple,
        rows=compound.triple_rows,
        wrong=lambda _: (labels.OTHER,) * 3,
    ),
    "tem": partial(
        _simple,
        about="F1 of facial events matched in order, 0-1; muscles are compared, no judge",
        gold=events.gold_events,
        pred=events.events,
        rows=events.tem_rows,
        wrong=lambda _: (),
    ),
    "cause-pairs": partial(
        _simple,
        about="F1 of emotion-cause pairs weighted by emotion, 0-1",
        gold=events.gold_pairs,
        pred=events.pairs,
        rows=events.pair_rows,
        wrong=lambda _: frozenset(),
    ),
    "doubly-right": partial(
        _simple,
        about="share with the right label and a rationale that leads to it, 0-1",
        gold=labels.gold,
        pred=calibration.twice,
        rows=calibration.doubly_right_rows,
        wrong=lambda _: (labels.OTHER, labels.OTHER),
    ),
    "ece": partial(
        _simple,
        about="expected calibration error over 15 bins, 0-1; smaller is better",
        gold=labels.gold,
        pred=calibration.sure,
        rows=calibration.ece_rows,
    ),
    "brier": partial(
        _simple,
        about="Brier score, 0-2 of shares, 0-1 of a single confidence; smaller is better",
        gold=labels.gold,
        pred=calibration.sure,
        rows=calibration.brier_rows,
    ),
    "grounded": partial(
        _simple,
        about="share of claims that cited cues carry, 0-1; gold is the evidence",
        gold=grounded.gold,
        pred=grounded.pred,
        rows=grounded.rows,
    ),
    "rouge-l": partial(
        _simple, about="ROUGE-L F1, 0-1", gold=text.gold, pred=text.pred, rows=text.rouge_rows,
        wrong=lambda _: "",
    ),
    "cider": partial(
        _simple, about="CIDEr-D, 0-10", gold=text.gold, pred=text.pred, rows=text.cider_rows,
        wrong=lambda _: "",
    ),
    "affective-tree": partial(
        _simple,
        about="exp(−2·distance) of affective trees, 0-1",
        gold=trees.gold,
        pred=trees.tree,
        rows=trees.rows,
    ),
    "emer-overlap": partial(
        _simple,
        about="a judge's grade of clue or label overlap, 1-10; predictions are its verdicts",
        gold=judge.any_gold,
        pred=judge.verdicts,
        rows=judge.rows,
    ),
    "facial-r1-reward": partial(
        _reward,
        about="action units of the thoughts: sound F1 0-1, faithful 2·F1−1",
        gold=units.gold,
        sound=_au_sound,
        version="facial-r1",
        faithful=lambda text, gold: published.facial_r1_au_reward(text, _au_codes(gold)),
    ),
    "format-reward": partial(
        _reward,
        about="share of completions with a filled <think> and <answer>, 0-1",
        gold=lambda value: value,
        sound=lambda text, _: rewards.well_formed(text),
        version="facial-r1",
        faithful=lambda text, _: published.think_answer_format_reward(text),
    ),
    "r1-accuracy-reward": partial(
        _reward,
        about="share of completions whose <answer> is the gold label, 0-1",
        gold=_text_gold,
        sound=rewards.right_label,
        version="r1-omni",
        faithful=lambda text, gold: published.r1_omni_accuracy_reward(text, _label(gold)),
    ),
    "facial-r1-accuracy-reward": partial(
        _reward,
        about="share of completions whose last <answer> is the gold label, 0-1",
        gold=_text_gold,
        sound=rewards.right_label,
        version="facial-r1",
        faithful=lambda text, gold: published.facial_r1_accuracy_reward(text, _label(gold)),
    ),
    "mer-factory-au": _factory,
}  # fmt: skip

NAMES: Final[tuple[str, ...]] = tuple(sorted(_TABLE))
