"""Scores of one completion with <think> and <answer>: format, label, action units.

The sound counterparts of `eval.published`: white space around the tags does not matter, empty
tags are no answer, AU06 is AU6, "no AU4" is not AU4, "Sad" is "sad". Pure functions of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from agent.facs import units as facs
from agent.grounding.mentions import action_units
from eval import labels
from eval.scoring import Unscored
from eval.units import pair_f1

_WHOLE: Final = re.compile(
    r"\s*<think>(?P<think>.*?)</think>\s*<answer>(?P<answer>.*?)</answer>\s*", re.DOTALL
)
_THINK: Final = re.compile(r"<think>(.*?)</think>", re.DOTALL)
_ANSWER: Final = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_TAG: Final = re.compile(r"</?(?:think|answer)>")


def well_formed(completion: str) -> float:
    """1 where the text is one filled <think> and one filled <answer>, else 0.

    >>> well_formed("<think>AU6</think><answer>joy</answer>\\n"), well_formed("<think></think>")
    (1.0, 0.0)
    """
    whole = _WHOLE.fullmatch(completion)
    if whole is None or len(_TAG.findall(completion)) != 4:
        return 0.0
    return float(bool(whole["think"].strip()) and bool(whole["answer"].strip()))


def parted(completion: str) -> tuple[str, str]:
    """What stands in the first <think> and in the last <answer>; "" where there is none."""
    thought, answers = _THINK.search(completion), _ANSWER.findall(completion)
    return (thought[1].strip() if thought else ""), (answers[-1].strip() if answers else "")


def right_label(completion: str, gold: str) -> float:
    """1 where the last <answer> names the gold label and no other, in any form of the word."""
    if "<answer>" not in completion:
        return 0.0
    try:
        return float(labels.pick(completion, (labels.canonical(gold),)) == labels.canonical(gold))
    except Unscored:
        return 0.0


def au_f1(completion: str, gold: Iterable[str | int]) -> float:
    """F1 0…1 of the units the thoughts assert against the gold; 1 where both are none."""
    wanted = frozenset(n for code in gold if (n := facs.parse(str(code))) is not None)
    thought = _THINK.search(completion)
    return pair_f1(wanted, action_units(thought[1])) if thought else 0.0
