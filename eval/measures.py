"""All measures by name, ready for `eval.scoring.run`.

    from eval.measures import measure
    measure("uar", {"a": "happy"}, {"a": "She is happy."}).score

Knows which name stands for what; the modules named in the table know the formulas, and
`eval.makers` puts them together. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    makers,
    published,
    regression,
    rewards,
    text,
    trees,
    units,
)
from eval.scoring import Measure, MeasureError, Mode, Result, run

__all__ = ["NAMES", "Result", "build", "measure"]


def measure(
    name: str,
    gold: Mapping[str, Any],
    pred: Mapping[str, Any],
    mode: Mode = "sound",
    mapping: str | Path | None = None,
    seed: int = 0,
    clusters: Mapping[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> Result:
    """Score predictions by id with one measure. Raises MeasureError for an unknown name."""
    return run(build(name, mapping), gold, pred, mode, seed, clusters, groups)


def build(name: str, mapping: str | Path | None = None) -> Measure:
    """The measure of this name; `mapping` is a file of emotion wheels for those that use them."""
    if name not in _TABLE:
        raise MeasureError(f"no measure is called {name!r}; there are: {', '.join(NAMES)}")
    return _TABLE[name](name, mapping)


_TABLE: Final[dict[str, makers.Maker]] = {
    "war": partial(makers.single, about="accuracy, 0-1", score=labels.war),
    "uar": partial(
        makers.single, about="recall averaged over the gold's classes, 0-1", score=labels.uar
    ),
    "waf": partial(makers.single, about="F1 weighted by the gold's classes, 0-1", score=labels.waf),
    "macro-f1": partial(
        makers.single, about="F1 averaged over the gold's classes, 0-1", score=labels.macro_f1
    ),
    "micro-f1": partial(makers.single, about="F1 over all samples, 0-1", score=labels.micro_f1),
    "mer-wheel": partial(makers.on_wheels, release="mer2026", level="level1"),
    "mer-wheel-level2": partial(makers.on_wheels, release="mer2026", level="level2"),
    "mer2025-wheel": partial(makers.on_wheels, release="mer2025", level="level1"),
    "mer2025-wheel-level2": partial(makers.on_wheels, release="mer2025", level="level2"),
    "mer-hit": makers.hits,
    "sentiment-waf": partial(
        makers.simple,
        about="F1 of negative and positive weighted by the gold, 0-1; neutral golds left out",
        gold=compound.gold_polarity,
        pred=compound.polarity,
        rows=partial(labels.confusion_rows, score=labels.waf),
        wrong=lambda _: labels.OTHER,
    ),
    "au-f1": partial(
        makers.simple,
        about="F1 per action unit pooled over all samples, averaged over the units that occur in "
        "gold or prediction, 0-1",
        gold=units.gold,
        pred=units.pred,
        rows=units.rows,
        wrong=lambda _: frozenset(),
    ),
    "ccc": partial(
        makers.numbers, about="concordance averaged over dimensions, −1…1", of=regression.ccc
    ),
    "pcc": partial(
        makers.numbers, about="correlation averaged over dimensions, −1…1", of=regression.pcc
    ),
    "rmse": partial(
        makers.numbers,
        about="root mean square error over dimensions; smaller is better",
        of=regression.rmse,
    ),
    "icc": partial(
        makers.numbers, about="ICC(3,1) averaged over dimensions, −1…1", of=regression.icc31
    ),
    "compound-f1": partial(
        makers.simple,
        about="F1 averaged over compound expressions, 0-1; probabilities are paired by PPA",
        gold=compound.gold_compound,
        pred=compound.compound,
        rows=partial(labels.confusion_rows, score=labels.macro_f1),
        wrong=lambda _: labels.OTHER,
    ),
    "motor": partial(
        makers.simple,
        about="macro-F1 of behaviour, cognition and emotion, averaged, 0-1",
        gold=compound.gold_triple,
        pred=compound.triple,
        rows=compound.triple_rows,
        wrong=lambda _: (labels.OTHER,) * 3,
    ),
    "tem": partial(
        makers.simple,
        about="F1 of facial events matched in order, 0-1; muscles are compared, no judge",
        gold=events.gold_events,
        pred=events.events,
        rows=events.tem_rows,
        wrong=lambda _: (),
    ),
    "cause-pairs": partial(
        makers.simple,
        about="F1 of emotion-cause pairs weighted by emotion, 0-1",
        gold=events.gold_pairs,
        pred=events.pairs,
        rows=events.pair_rows,
        wrong=lambda _: frozenset(),
    ),
    "doubly-right": partial(
        makers.simple,
        about="share with the right label and a rationale that leads to it, 0-1",
        gold=labels.gold,
        pred=calibration.twice,
        rows=calibration.doubly_right_rows,
        wrong=lambda _: (labels.OTHER, labels.OTHER),
    ),
    "ece": partial(
        makers.simple,
        about="expected calibration error over 15 bins, 0-1; smaller is better",
        gold=labels.gold,
        pred=calibration.sure,
        rows=calibration.ece_rows,
    ),
    "brier": partial(
        makers.simple,
        about="Brier score, 0-2 of shares, 0-1 of a single confidence; smaller is better",
        gold=labels.gold,
        pred=calibration.sure,
        rows=calibration.brier_rows,
    ),
    "grounded": partial(
        makers.simple,
        about="share of claims that cited cues carry, 0-1; gold is the evidence",
        gold=grounded.gold,
        pred=grounded.pred,
        rows=grounded.rows,
    ),
    "rouge-l": partial(
        makers.simple,
        about="ROUGE-L F1, 0-1",
        gold=text.gold,
        pred=text.pred,
        rows=text.rouge_rows,
        wrong=lambda _: "",
    ),
    "cider": partial(
        makers.simple,
        about="CIDEr-D, 0-10",
        gold=text.gold,
        pred=text.pred,
        rows=text.cider_rows,
        wrong=lambda _: "",
    ),
    "affective-tree": partial(
        makers.simple,
        about="exp(−2·distance) of affective trees, 0-1",
        gold=trees.gold,
        pred=trees.tree,
        rows=trees.rows,
    ),
    "emer-overlap": partial(
        makers.simple,
        about="a judge's grade of clue or label overlap, 1-10; predictions are its verdicts",
        gold=judge.any_gold,
        pred=judge.verdicts,
        rows=judge.rows,
    ),
    "facial-r1-reward": partial(
        makers.reward,
        about="action units of the thoughts: sound F1 0-1, faithful 2·F1−1",
        gold=units.gold,
        sound=makers.au_reward,
        version="facial-r1",
        faithful=lambda text, gold: published.facial_r1_au_reward(text, makers.au_codes(gold)),
    ),
    "format-reward": partial(
        makers.reward,
        about="share of completions with a filled <think> and <answer>, 0-1",
        gold=lambda value: value,
        sound=lambda text, _: rewards.well_formed(text),
        version="facial-r1",
        faithful=lambda text, _: published.think_answer_format_reward(text),
    ),
    "r1-accuracy-reward": partial(
        makers.reward,
        about="share of completions whose <answer> is the gold label, 0-1",
        gold=makers.label_text,
        sound=rewards.right_label,
        version="r1-omni",
        faithful=lambda text, gold: published.r1_omni_accuracy_reward(text, makers.label(gold)),
    ),
    "facial-r1-accuracy-reward": partial(
        makers.reward,
        about="share of completions whose last <answer> is the gold label, 0-1",
        gold=makers.label_text,
        sound=rewards.right_label,
        version="facial-r1",
        faithful=lambda text, gold: published.facial_r1_accuracy_reward(text, makers.label(gold)),
    ),
    "mer-factory-au": makers.captions,
}

NAMES: Final[tuple[str, ...]] = tuple(sorted(_TABLE))
