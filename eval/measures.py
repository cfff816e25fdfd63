"""All measures by name, ready for `eval.scoring.run`.

    from eval.measures import measure
    measure("uar", {"a": "happy"}, {"a": "She is happy."}).score

Knows which name stands for what; the modules named in the table know the formulas, and
`eval.makers` puts them together. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final

from eval import (
    alignment,
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
from eval.scoring import Measure, MeasureError, Mode, Result, Tally, run

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
        near = get_close_matches(name, NAMES, 3)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(NAMES)}"
        raise MeasureError(f"no measure is called {name!r}; {hint} --list says what each one is")
    return _TABLE[name](name, mapping)


def _other(_: object) -> str:
    """A label that is none of the gold's."""
    return labels.OTHER


def _nothing(_: object) -> Any:
    """What says nothing: no text, no unit, no event, no pair."""
    return ()


_label: Final = partial(partial, makers.single)
_number: Final = partial(partial, makers.numbers)
_reward: Final = partial(partial, makers.reward)


def _rows(
    about: str,
    gold: Callable[[Any], Any],
    pred: Callable[[Any], Any],
    rows: Callable[[Sequence[Any], Sequence[Any]], Tally],
    wrong: Callable[[Any], Any] | None = None,
) -> makers.Maker:
    """A measure of its own reading and rows, without a published form."""
    return partial(makers.simple, about=about, gold=gold, pred=pred, rows=rows, wrong=wrong)


def _judged(about: str, scale: judge.Scale) -> makers.Maker:
    """A judge's grades; the predictions are its verdicts."""
    told = f"{about}, {scale[0]:g}-{scale[1]:g}; predictions are its verdicts"
    return _rows(told, judge.any_gold, partial(judge.verdicts, scale=scale), judge.rows)


_confused: Final = partial(partial, labels.confusion_rows)
_TABLE: Final[dict[str, makers.Maker]] = {
    "war": _label(about="accuracy, 0-1", score=labels.war),
    "uar": _label(about="recall averaged over the gold's classes, 0-1", score=labels.uar),
    "waf": _label(about="F1 weighted by the gold's classes, 0-1", score=labels.waf),
    "macro-f1": _label(about="F1 averaged over the gold's classes, 0-1", score=labels.macro_f1),
    "micro-f1": _label(about="F1 over all samples, 0-1", score=labels.micro_f1),
    "mer-wheel": partial(makers.on_wheels, release="mer2026", level="level1"),
    "mer-wheel-level2": partial(makers.on_wheels, release="mer2026", level="level2"),
    "mer2025-wheel": partial(makers.on_wheels, release="mer2025", level="level1"),
    "mer2025-wheel-level2": partial(makers.on_wheels, release="mer2025", level="level2"),
    "mer-hit": makers.hits,
    "sentiment-waf": _rows(
        "F1 of negative and positive weighted by the gold, 0-1; neutral golds left out",
        compound.gold_polarity, compound.polarity, _confused(score=labels.waf), _other,
    ),
    "au-f1": _rows(
        "F1 per action unit pooled over all samples, averaged over the units that occur in "
        "gold or prediction, 0-1",
        units.gold, units.pred, units.rows, lambda _: frozenset(),
    ),
    "ccc": _number(about="concordance averaged over dimensions, −1…1", of=regression.ccc),
    "pcc": _number(about="correlation averaged over dimensions, −1…1", of=regression.pcc),
    "rmse": _number(
        about="root mean square error over dimensions; smaller is better", of=regression.rmse
    ),
    "icc": _number(about="ICC(3,1) averaged over dimensions, −1…1", of=regression.icc31),
    "compound-f1": _rows(
        "F1 averaged over compound expressions, 0-1; probabilities are paired by PPA",
        compound.gold_compound, compound.compound, _confused(score=labels.macro_f1), _other,
    ),
    "motor": _rows(
        "macro-F1 of behaviour, cognition and emotion, averaged, 0-1",
        compound.gold_triple, compound.triple, compound.triple_rows,
        lambda _: (labels.OTHER,) * 3,
    ),
    "emotion-intent": _rows(
        "share with emotion and intent both right, 0-1; weighted F1 of each beside it",
        compound.gold_pair, compound.pair, compound.pair_rows, lambda _: (labels.OTHER,) * 2,
    ),
    "tem": _rows(
        "F1 of facial events matched in order, 0-1; muscles are compared, no judge",
        events.gold_events, events.events, events.tem_rows, _nothing,
    ),
    "cause-pairs": _rows(
        "F1 of emotion-cause pairs weighted by emotion, 0-1",
        events.gold_pairs, events.pairs, events.pair_rows, lambda _: frozenset(),
    ),
    "doubly-right": _rows(
        "share with the right label and a rationale that leads to it, 0-1",
        labels.gold, calibration.twice, calibration.doubly_right_rows,
        lambda _: (labels.OTHER, labels.OTHER),
    ),
    "ece": _rows(
        "expected calibration error over 15 bins, 0-1; smaller is better",
        labels.gold, calibration.sure, calibration.ece_rows,
    ),
    "brier": _rows(
        "Brier score, 0-2 of shares, 0-1 of a single confidence; smaller is better",
        labels.gold, calibration.sure, calibration.brier_rows,
    ),
    "grounded": _rows(
        "share of claims that cited cues carry, 0-1, hallucinated ones beside it; gold is the "
        "evidence",
        grounded.gold, grounded.pred, grounded.rows,
    ),
    "alignment": _rows(
        "does the label follow from reasons that are true, 0-1; gold is the evidence or the units",
        alignment.gold, alignment.pred, alignment.rows,
    ),
    "rouge-l": _rows("ROUGE-L F1, 0-1", text.gold, text.pred, text.rouge_rows, lambda _: ""),
    "cider": _rows("CIDEr-D, 0-10", text.gold, text.pred, text.cider_rows, lambda _: ""),
    "bleu": _rows(
        "BLEU of all samples together, up to four words, 0-1",
        text.gold, text.pred, text.bleu_rows, lambda _: "",
    ),
    "affective-tree": _rows(
        "exp(−2·distance) of affective trees, 0-1", trees.gold, trees.tree, trees.rows
    ),
    "emer-overlap": _judged("a judge's grade of clue or label overlap", judge.EMER),
    "smile-judge": _judged("a judge's grade of an explained laugh", judge.SMILE),
    "stimuvar-judge": _judged("a judge's grade of a rationale", judge.STIMUVAR),
    "facial-r1-reward": _reward(
        about="action units of the thoughts: sound F1 0-1, faithful 2·F1−1",
        gold=units.gold,
        sound=makers.au_reward,
        version="facial-r1",
        faithful=lambda text, gold: published.facial_r1_au_reward(text, makers.au_codes(gold)),
    ),
    "format-reward": _reward(
        about="share of completions with a filled <think> and <answer>, 0-1",
        gold=lambda value: value,
        sound=lambda text, _: rewards.well_formed(text),
        version="facial-r1",
        faithful=lambda text, _: published.think_answer_format_reward(text),
    ),
    "r1-accuracy-reward": _reward(
        about="share of completions whose <answer> is the gold label, 0-1",
        gold=makers.label_text,
        sound=rewards.right_label,
        version="r1-omni",
        faithful=lambda text, gold: published.r1_omni_accuracy_reward(text, makers.label(gold)),
    ),
    "facial-r1-accuracy-reward": _reward(
        about="share of completions whose last <answer> is the gold label, 0-1",
        gold=makers.label_text,
        sound=rewards.right_label,
        version="facial-r1",
        faithful=lambda text, gold: published.facial_r1_accuracy_reward(text, makers.label(gold)),
    ),
    "mer-factory-au": makers.captions,
}  # fmt: skip

NAMES: Final[tuple[str, ...]] = tuple(sorted(_TABLE))
