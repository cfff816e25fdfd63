"""Published measures and rewards to the last bit, faults included, each with its source.

Formulas and word lists are facts read from the named releases; the code is ours. Nothing here
should be used to judge a model but to compare with published numbers: the sound counterparts
are in `eval.wheel`, `eval.rewards` and `eval.measures`. Every known fault is named in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from eval.scoring import Array, Tally, Values
from eval.wheel import WHEELS, Level, Wheels, Words, split

Release = Literal["mer2025", "mer2026"]
VERSIONS: Final[dict[str, str]] = {
    "mer2025": "MERTools MER2025 Track 2/3 wheel.py (fb8dda0)",
    "mer2026": "MERTools MER2026 Track 2 wheel.py (1052cb8)",
    "affectgpt": "AffectGPT MER-UniBench hit rate (e0aec19)",
    "facial-r1": "Facial-R1 GRPO rewards (0b1be9b)",
    "r1-omni": "R1-Omni GRPO rewards",
    "mer-factory": "MER-Factory tools/evaluate (2fc8949)",
}


def wheel_overlap(
    wheels: Wheels,
    gold: Mapping[str, str],
    pred: Mapping[str, str],
    release: Release = "mer2026",
    level: Level = "level1",
) -> tuple[float, float, float]:
    """F, precision and recall, each the mean over five wheels.

    F is taken of the averages over samples. Faults: words that no wheel holds are dropped on both
    sides, so junk is free; a sample whose gold has no known word is skipped ("neutral" always
    is); mer2025 gives NaN where nothing is right or nothing is left, mer2026 gives 0.
    """
    rows, _ = wheel_rows(wheels, list(gold.values()), [pred[i] for i in gold], release, level)
    none = _nothing(release)
    scores = []
    for precision, recall, known in rows.reshape(-1, WHEELS, 3).transpose(1, 2, 0):
        p, r = _mean(precision[known > 0], none), _mean(recall[known > 0], none)
        scores.append([2 * (p * r) / (p + r) if p + r else none, p, r])
    f, p, r = np.mean(scores, axis=0).tolist()
    return f, p, r


def wheel_rows(
    wheels: Wheels,
    golds: Sequence[str],
    preds: Sequence[str],
    release: Release = "mer2026",
    level: Level = "level1",
) -> Tally:
    """Rows of precision, recall and whether the gold is known, per wheel.

    Their score equals `wheel_overlap` but for the last bits, which depend on the order of sums.
    """
    words = Words(wheels, level, own=False, cut=split)
    wanted, named = [words.read(text) for text in golds], [words.read(text) for text in preds]
    common, found, total = words.counts(wanted, named)
    precision, recall = common / np.maximum(found, 1), common / np.maximum(total, 1)
    table = np.stack([precision, recall, np.ones_like(recall)], axis=2) * (total > 0)[..., None]

    def score(sums: Array) -> Values:
        none = _nothing(release)
        scores = []
        for precision, recall, n in sums.reshape(-1, 3).tolist():
            p, r = (precision / n, recall / n) if n else (none, none)
            scores.append(2 * p * r / (p + r) if p + r else none)
        return {"f": sum(scores) / len(scores)}

    return table.reshape(len(golds), 3 * WHEELS), score


def _nothing(release: Release) -> float:
    """What the release makes of 0/0."""
    return 0.0 if release == "mer2026" else float("nan")


def _mean(values: Sequence[float] | Array, none: float = float("nan")) -> float:
    """NumPy's mean (the order of its sums decides the last bit), `none` for nothing."""
    return float(np.mean(values)) if len(values) else none


def single_overlap(wheels: Wheels, gold: str, pred: str, grouping: str) -> tuple[float, float]:
    """Precision and recall of one sample under "case1" (base word), "case2" (synonym) or
    "case3_wheelN_levelM"; (0, 0) where the prediction has no known word.
    """
    wanted = {g for label in split(gold) if (g := group(wheels, label.lower(), grouping))}
    named = {g for label in split(pred) if (g := group(wheels, label.lower(), grouping))}
    if not wanted:
        return float("nan"), float("nan")
    common = len(wanted & named)
    return (common / len(named), common / len(wanted)) if named else (0.0, 0.0)


def group(wheels: Wheels, label: str, grouping: str) -> str:
    """What a lower-case label becomes under a grouping; "" where it is dropped."""
    if grouping == "case1":
        return wheels.base(label)
    if grouping == "case2":
        return wheels.synonym(label)
    _, wheel, level = grouping.split("_")
    return wheels.sector(label, int(wheel.removeprefix("wheel")) - 1, level)  # type: ignore[arg-type]  # level1 or level2 by the grouping's name


def hit_rate(
    wheels: Wheels, gold: Mapping[str, str], pred: Mapping[str, str]
) -> tuple[float, float]:
    """Hit rate and "mscore", each the mean over five wheels at level 1.

    mscore divides each hit by the predicted groups that any gold label of the set has. Faults: NaN
    as in mer2025; naming every emotion reaches hit rate 1; two gold labels can give 2.
    """
    sector = lru_cache(maxsize=None)(wheels.sector)
    candidates: list[str] = list(dict.fromkeys(gold.values()))
    golds = [[label.lower() for label in split(text)] for text in gold.values()]
    preds = [[label.lower() for label in split(pred[name])] for name in gold]
    scores = []
    for wheel in range(WHEELS):
        known = {sector(label, wheel) for label in candidates} - {""}
        hits, shares = [], []
        for gold_labels, pred_labels in zip(golds, preds, strict=True):
            wanted = {sector(label, wheel) for label in gold_labels} - {""}
            if not wanted:
                continue
            named = {sector(label, wheel) for label in pred_labels} - {""}
            hits.append(len(named & wanted))
            among = len(named & known)
            shares.append(len(named & wanted) / among if among else 0)
        scores.append([_mean(hits), _mean(shares)])
    hit, share = np.mean(scores, axis=0).tolist()
    return hit, share


_THINK: Final = re.compile(r"<think>(.*?)</think>", re.DOTALL)
_AU: Final = re.compile(r"AU\d+", re.IGNORECASE)
_FORMAT: Final = re.compile(r"<think>.*?</think>\s*<answer>.*?</answer>", re.DOTALL)
_ANSWER: Final = re.compile(r"<answer>(.*?)</answer>")
_ANSWERS: Final = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)


def facial_r1_au_reward(completion: str, gold: Iterable[str], beta: float = 1.0) -> float:
    """2·Fβ − 1 over the codes between <think> tags; 0 without gold, −1 without any code.

    Faults: "AU06" is not "AU6"; "no AU4" counts as AU4; the paper states plain F1 in 0…1.
    """
    wanted = {code.upper() for code in gold}
    if not wanted:
        return 0.0
    thought = _THINK.search(completion)
    named = {code.upper() for code in _AU.findall(thought[1])} if thought else set()
    if not named:
        return -1.0
    precision = len(named & wanted) / len(named)
    recall = len(named & wanted) / len(wanted)
    if precision + recall == 0:
        return -1.0
    score = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    return 2 * score - 1


def facial_r1_accuracy_reward(completion: str, gold: str) -> float:
    """1 where the last <answer> is the gold to the letter; 0.5 where there is no gold."""
    if not gold:
        return 0.5
    answers = _ANSWERS.findall(completion)
    return float(bool(answers) and answers[-1] == gold)


def think_answer_format_reward(completion: str) -> float:
    """1 where the whole text is <think>…</think><answer>…</answer>.

    Faults: a leading space or a trailing newline gives 0; empty tags give 1.
    """
    return float(_FORMAT.fullmatch(completion) is not None)


def r1_omni_accuracy_reward(completion: str, gold: str) -> float:
    """1 where the first <answer> on one line is the gold to the letter.

    Faults: "Sad" is not "sad"; an answer over two lines is not found, and the whole text is
    compared instead.
    """
    wanted = _ANSWER.search(gold)
    found = _ANSWER.search(completion)
    return float(
        (found[1].strip() if found else completion.strip())
        == (wanted[1].strip() if wanted else gold.strip())
    )


_MENTIONS: Final[dict[str, int]] = {
    "smile": 12, "cheek raiser": 6, "inner brow raiser": 1, "outer brow raiser": 2,
    "brow lowerer": 4, "upper lid raiser": 5, "lid tightener": 7, "nose wrinkler": 9,
    "upper lip raiser": 10, "dimpler": 14, "lip corner depressor": 15, "chin raiser": 17,
    "lip stretcher": 20, "lip tightener": 23, "lips part": 25, "jaw drop": 26, "lip suck": 28,
    "blink": 45,
}  # fmt: skip
_PRESENT: Final = 0.8


def mer_factory_au(text: str, peak: Mapping[str, float]) -> tuple[float, float, float]:
    """Precision, recall and F1 of AUs named in a text against intensities at the peak frame.

    A column counts as present from 0.8. Faults: "lip corner puller" is unknown, "no smile" counts
    as AU12, and "AU6" is not the column AU06_r.
    """
    low = text.lower()
    named = {f"AU{number:02d}_r" for phrase, number in _MENTIONS.items() if phrase in low}
    named |= {f"AU{digits}_r" for digits in re.findall(r"au(\d+)", low)}
    there = {
        code if code.endswith("_r") else f"{code}_r"
        for code, value in peak.items()
        if code.upper().startswith("AU") and float(value) >= _PRESENT
    }
    right = len(there & named)
    p = right / len(named) if named else 0.0
    r = right / len(there) if there else 0.0
    return p, r, 2 * p * r / (p + r) if p + r else 0.0


def mer_factory_text(text: str) -> dict[str, float]:
    """distinct-1, distinct-2, repetition rate and Flesch–Kincaid grade, all 0 for no text."""
    if not text:
        return dict.fromkeys(("distinct1", "distinct2", "repetition_rate", "fkgl"), 0.0)
    words = re.findall(r"\w+", text.lower())
    pairs = list(pairwise(words))
    sentences = [part for part in re.split(r"[.!?]+", text) if part.strip()]
    count = max(1, len(words))
    syllables = sum(map(_syllables, words))
    return {
        "distinct1": len(set(words)) / len(words) if words else 0.0,
        "distinct2": len(set(pairs)) / len(pairs) if pairs else 0.0,
        "repetition_rate": 1.0 - len(set(words)) / len(words) if words else 0.0,
        "fkgl": 0.39 * (count / max(1, len(sentences))) + 11.8 * (syllables / count) - 15.59,
    }


def _syllables(word: str) -> int:
    """Runs of vowels, less a silent e at the end, at least one."""
    runs = len(re.findall(r"[aeiouy]+", word))
    return max(1, runs - (word.endswith("e") and runs > 1))


def mer_factory_composite(values: Mapping[str, float]) -> float:
    """Weighted sum on 0…100. Fault: a sample without any value scores 15."""

    def of(name: str) -> float:
        return float(values.get(name, 0.0))

    grounding = _unit(
        (of("clip_image_score") + of("clap_audio_score") + (1.0 - of("asr_wer"))) / 3.0
    )
    style = _unit(0.5 * of("distinct1") + 0.5 * of("distinct2") - 0.5 * of("repetition_rate"))
    score = (
        0.45 * grounding + 0.10 * of("au_f1") + 0.25 * of("nli_consistency_score") + 0.20 * style
    )
    return max(0.0, min(100.0, 100.0 * score))


def _unit(value: float) -> float:
    return max(0.0, min(1.0, value))
