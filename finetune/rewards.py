"""Rewards: how good is one completion? Plain functions, as TRL's trainers take them.

Each takes `completions` and the columns of the rows as keywords, and gives one number or None a
completion; None means the row lacks what the reward needs. Nothing here knows torch or a model.
The columns:

    emotion   gold label
    units     gold action units, [6, 12]; [] for a face at rest
    evidence  the record the prompt was written from, as JSON
    tree      gold affective tree, where the data has one (else units and emotion make it)

No reward grows by listing everything: answers of several labels are no answer, scores of sets
are what is left above naming every unit, thoughts that repeat themselves are no thoughts.
All lie between 0 and 1, but `units_signed` between −1 and 1. The two of Facial-R1 as released
are `eval.published.facial_r1_au_reward` and `facial_r1_accuracy_reward`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from agent.facs import units as facs
from agent.facs.units import AUS, MEASURED
from agent.grounding import action_units, ground_all, grounded_share
from agent.schema.evidence import Evidence
from agent.schema.evidence import read as read_evidence
from eval import labels, trees, wheel
from eval.alignment import Signs, follows, of_evidence, of_units, told
from eval.rewards import right_label, well_formed
from eval.units import pair_f1
from finetune.completion import HEADINGS, Completion, read

Completions = Sequence[Any]
"""Texts, or conversations as TRL gives them."""
Scores = list[float | None]
Reward = Callable[..., Scores]

LONGEST_ANSWER: Final = 6
"""Words; an answer is a label, not an essay."""
ENOUGH: Final = 250
"""Words of thought from which more costs."""


def form(completions: Completions, **_: Any) -> Scores:
    """1 for one filled <think> and one filled, short <answer> and nothing else, else 0.

    >>> form(["<think>AU12</think><answer>joy</answer>", "<think></think><answer></answer>"])
    [1.0, 0.0]
    """
    return [_formed(text) for text in _texts(completions)]


def _formed(text: str) -> float:
    done = read(text)
    return well_formed(text) if len(done.answer.split()) <= LONGEST_ANSWER else 0.0


def parts(completions: Completions, **_: Any) -> Scores:
    """Share of the three parts (observations, interpretation, conclusion) that are there.

    In order and each once, else 0; times the share of claims that are no repetition.
    """
    return [_parted(text) for text in _texts(completions)]


def _parted(text: str) -> float:
    done = read(text)
    order = list(HEADINGS)
    there = [part for part in order if any(claim.part == part for claim in done.claims)]
    headed = [part for part in done.parts if part in there]
    if not _formed(text) or headed != [part for part in order if part in headed]:
        return 0.0
    return len(headed) / len(order) * _distinct(done)


def emotion(completions: Completions, emotion: Sequence[str | None], **_: Any) -> Scores:
    """1 where the answer is the gold label in any form of the word, else 0.

    >>> emotion(["<answer>Sad.</answer>", "<answer>sad, happy</answer>"], ["sadness"] * 2)
    [1.0, 0.0]
    """
    return _each(completions, emotion, lambda text, gold: right_label(_short(text), gold))


def emotion_wheel(completions: Completions, emotion: Sequence[str | None], **_: Any) -> Scores:
    """How near the answer comes to the gold label on five emotion wheels.

    F of precision and recall over the wheels' inner rings: 1 for a synonym, between 0 and 1
    for a word that only some wheels put in the same sector; each further label costs precision.
    """
    return _each(completions, emotion, lambda text, gold: _near(read(_short(text)).answer, gold))


@lru_cache(maxsize=8192)
def _near(answer: str, gold: str) -> float:
    named = wheel.labels(_canonical(answer))
    if not named or len(named) > 2:
        return 0.0
    reader = wheel.Reader(wheel.load())
    table, score = reader.rows([reader.gold([_canonical(gold)])], [reader.pred(named)])
    return float(score(table.sum(axis=0))["f"])


def _canonical(text: str) -> str:
    return ", ".join(labels.canonical(label) for label in wheel.labels(text))


def units(completions: Completions, units: Sequence[Any], **_: Any) -> Scores:
    """F1 of the units the thoughts assert, above what naming every unit would score; 0…1.

    AU06, AU6 and "cheeks raised" are one unit; "no AU4" is none. 1 where both are none and
    something is thought.
    """
    return _each(completions, units, lambda text, gold: max(0.0, _unit_score(text, gold)))


def units_signed(completions: Completions, units: Sequence[Any], **_: Any) -> Scores:
    """As Facial-R1's code has it: 2·F1 − 1, −1 where no unit is named, 0 where gold has none."""

    def score(text: str, gold: Iterable[Any]) -> float:
        return 2 * max(0.0, _unit_score(text, gold)) - 1 if _numbers(gold) else 0.0

    return _each(completions, units, score)


def _unit_score(text: str, gold: Iterable[Any]) -> float:
    think, wanted = read(text).think, _numbers(gold)
    if not think:
        return 0.0
    return above_all(pair_f1(wanted, action_units(think)), wanted)


def above_all(f1: float, wanted: frozenset[int]) -> float:
    """An F1 on the scale from naming every measured unit (0) to exactly these (1); may be < 0."""
    every = pair_f1(wanted, frozenset(MEASURED) | wanted)
    return (f1 - every) / (1 - every) if every < 1 else f1


def alignment(
    completions: Completions,
    units: Sequence[Any] | None = None,
    evidence: Sequence[str | None] | None = None,
    **_: Any,
) -> Scores:
    """Does the answer follow from what the thoughts assert, and from all that was measured?

    `eval.alignment.follows`, with what is asserted held against the evidence, else the gold units.
    A smile alone over a voice that tells otherwise is no sign of happiness.
    """
    return _aligned(follows, completions, units, evidence)


def alignment_told(
    completions: Completions,
    units: Sequence[Any] | None = None,
    evidence: Sequence[str | None] | None = None,
    **_: Any,
) -> Scores:
    """Does the answer follow from what the thoughts assert, by the tables alone?

    `eval.alignment.told`: what is not told plays no part, and any smile means happiness.
    """
    return _aligned(told, completions, units, evidence)


def _aligned(
    judge: Callable[[str, Signs], float],
    completions: Completions,
    units: Sequence[Any] | None,
    evidence: Sequence[str | None] | None,
) -> Scores:
    texts = _texts(completions)
    none = [None] * len(texts)
    rows = zip(texts, units or none, evidence or none, strict=True)
    return [_one_aligned(judge, text, gold, record) for text, gold, record in rows]


def _one_aligned(
    judge: Callable[[str, Signs], float], text: str, gold: Any, record: str | None
) -> float | None:
    done = read(text)
    if record is not None:
        signs = of_evidence(done.think, _record(record))
    elif gold is not None:
        signs = of_units(done.think, _numbers(gold))
    else:
        return None
    return judge(done.answer, signs) if done.think and _distinct(done) >= 0.5 else 0.0


def grounding(completions: Completions, evidence: Sequence[str | None], **_: Any) -> Scores:
    """Share of the thoughts' claims that the cues they cite carry (`agent.grounding`).

    Repetitions count once, copied words and uncited claims not as grounded; 0 without claims.
    """
    return _each(completions, evidence, _grounded)


def _grounded(text: str, record: Any) -> float:
    claims = read(text).claims
    return grounded_share(ground_all(claims, _record(record))) * _distinct(read(text))


def affect_tree(
    completions: Completions,
    tree: Sequence[Any] | None = None,
    units: Sequence[Any] | None = None,
    emotion: Sequence[str | None] | None = None,
    **_: Any,
) -> Scores:
    """exp(−λ·distance) to the gold tree of expression and emotion, above naming everything.

    λ and the distance are those of `eval.trees` (VidEmo 2025). 0 for a malformed completion.
    """
    texts = _texts(completions)
    none = [None] * len(texts)
    golds = [
        given if given is not None else _tree_of(gold, label)
        for given, gold, label in zip(tree or none, units or none, emotion or none, strict=True)
    ]
    return _each(texts, golds, _tree_score)


def _tree_of(units: Any, label: str | None) -> dict[str, Any] | None:
    """A tree of what is shown and felt; None without a label."""
    if units is None or label is None:
        return None
    shown = {AUS[n].code: "shown" for n in sorted(_numbers(units))}
    return {"expression": shown, "emotion": [label]}


def _tree_score(text: str, gold: Any) -> float:
    done = read(text)
    if not _formed(text) or _distinct(done) < 0.5:
        return 0.0
    said = [labels.canonical(label) for label in wheel.labels(done.answer)]
    if len(said) != 1:
        return 0.0
    floor = _tree_floor(json.dumps(gold, sort_keys=True), said[0])
    mine = trees.tree(_tree_of(action_units(done.think), said[0]))
    score = trees.score(trees.gold(gold), mine)
    return max(0.0, (score - floor) / (1 - floor)) if floor < 1 else 0.0


@lru_cache(maxsize=4096)
def _tree_floor(gold: str, said: str) -> float:
    """What saying nothing but a label, or everything, would score: the same for a whole group."""
    wanted = trees.gold(json.loads(gold))
    every = trees.tree(_tree_of(MEASURED, said))
    return max(trees.score(wanted, trees.Node("root")), trees.score(wanted, every))


def length(completions: Completions, **_: Any) -> Scores:
    """1 for filled thoughts of at most `ENOUGH` words, falling to 0 at twice as many.

    It never pays to write more; what must be said is the other rewards' business.
    """
    return [_concise(read(text).think) for text in _texts(completions)]


def _concise(think: str) -> float:
    words = len(think.split())
    return 0.0 if not words else min(1.0, max(0.0, 2 - words / ENOUGH))


REWARDS: Final[dict[str, Reward]] = {
    "form": form,
    "parts": parts,
    "emotion": emotion,
    "emotion_wheel": emotion_wheel,
    "units": units,
    "units_signed": units_signed,
    "alignment": alignment,
    "alignment_told": alignment_told,
    "grounding": grounding,
    "affect_tree": affect_tree,
    "length": length,
}
"""What a recipe may name."""


# --- reading --------------------------------------------------------------------------------


def _texts(completions: Completions) -> list[str]:
    """Completions as texts; of a conversation, what its assistant turns say."""
    return [c if isinstance(c, str) else "".join(map(_said, c)) for c in completions]


def _said(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in content)


def _each(
    completions: Completions, golds: Sequence[Any], score: Callable[[str, Any], float]
) -> Scores:
    """One score each; None where the row has no gold."""
    return [
        None if gold is None else _number(score(text, gold))
        for text, gold in zip(_texts(completions), golds, strict=True)
    ]


def _number(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


def _short(text: str) -> str:
    """The text, or none of it where its answer is no label but a list or an essay."""
    return text if 0 < len(read(text).answer.split()) <= LONGEST_ANSWER else ""


def _numbers(gold: Iterable[Any]) -> frozenset[int]:
    return frozenset(n for code in gold if (n := facs.parse(str(code))) is not None)


def _distinct(done: Completion) -> float:
    """Share of claims that are not said before in the same part; 0 without claims."""
    said = [(claim.part, " ".join(claim.text.lower().split())) for claim in done.claims]
    return len(set(said)) / len(said) if said else 0.0


@lru_cache(maxsize=256)
def _record(text: str) -> Evidence:
    return read_evidence(text)
