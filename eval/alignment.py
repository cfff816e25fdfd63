"""Does an answer follow from the reasons given for it, and are the reasons true?

Knows the FACS and voice tables of the rules, no completion's shape. The likelihood of the answer
given the signs that a text asserts, over that of the likeliest label; times 2·p − 1, where p is
the share of asserted signs that are true. An answer that follows from inventions is worth nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from agent.evidence import Cue, Evidence
from agent.facs import AUS, MEASURED
from agent.grounding import carries, mentions
from agent.prototypes import BASIC, PARTS, UNITS
from agent.rules.core import VOICE, scores, shares
from agent.rules.levels import level, tone
from eval import grounded, labels, rewards, units
from eval.scoring import Tally, Unscored, mean_rows

PLAIN: Final = 2.0
"""Level of a unit that is asserted without an intensity, in FACS steps."""


class Signs(NamedTuple):
    """What a text asserts."""

    levels: dict[str, float]
    """Asserted signs that are true, with their levels."""
    true: float
    """Their share of all asserted signs."""
    shown: bool
    """Whether there was any sign to tell."""


def of_units(text: str, gold: frozenset[int]) -> Signs:
    """Asserted action units held against the gold's."""
    said = {m.units[0]: m.grade or PLAIN for m in mentions(text) if m.units and not m.negated}
    true = {AUS[n].code: float(grade) for n, grade in said.items() if n in gold}
    return Signs(true, len(true) / len(said) if said else 0.0, bool(gold))


def of_evidence(text: str, evidence: Evidence) -> Signs:
    """Asserted signs of face and voice held against the main person's cues."""
    person = evidence.main.id if evidence.main else None
    own = [cue for cue in evidence.cues if cue.person in (person, None)]
    said: dict[str, bool] = {}
    levels: dict[str, float] = {}
    for mention in mentions(text):
        if mention.negated or mention.sense not in ("face", "voice"):
            continue
        carrying = [cue for cue in own if carries(cue, mention) is None]
        said[mention.codes[0]] = bool(carrying)
        for code, value in map(_level, carrying):
            if code and abs(value) > abs(levels.get(code, 0.0)):
                levels[code] = value
    share = sum(said.values()) / len(said) if said else 0.0
    return Signs(levels, share, any(cue.sense in ("face", "voice") for cue in own))


def _level(cue: Cue) -> tuple[str, float]:
    """Code and level of a cue for the tables; no code where they have none."""
    if cue.sense == "face":
        return cue.code, level(cue)
    return tone(cue) or ("", 0.0)


def follows(answer: str, signs: Signs) -> float:
    """How well a label follows from these signs, 0…1."""
    label, levels = labels.canonical(answer), signs.levels
    if not levels:
        # Nothing asserted: only "neutral" follows, and only where there was nothing to see.
        return float(label == "neutral" and not signs.shown)
    if levels.keys() - set(VOICE):
        levels = {AUS[n].code: 0.0 for n in UNITS if n in MEASURED} | levels
    likely = shares(scores(levels, BASIC))
    of = PARTS.get(label, (label,))
    best = sum(sorted(likely.values(), reverse=True)[: len(of)])
    mine = sum(likely.get(part, 0.0) for part in of)
    return max(0.0, 2 * signs.true - 1) * mine / best if best else 0.0


Truth = Evidence | frozenset[int]


def gold(value: Any) -> Truth:
    """Evidence (a record or its file), or action units."""
    if isinstance(value, list | tuple) or (isinstance(value, Mapping) and "AUs" in value):
        return units.gold(value)
    return grounded.gold(value)


def pred(value: Any) -> tuple[str, str]:
    """Reasons and label: {"reasons" | "think", "label"}, or a text with <think> and <answer>."""
    if isinstance(value, Mapping):
        reasons, label = value.get("reasons") or value.get("think"), value.get("label")
    else:
        reasons, label = rewards.parted(value) if isinstance(value, str) else ("", "")
    if not reasons or not label:
        raise Unscored("needs reasons and a label")
    return str(reasons), str(label)


def rows(golds: Sequence[Truth], preds: Sequence[tuple[str, str]]) -> Tally:
    """Mean alignment, and beside it the share of asserted signs that are true."""
    found = []
    for truth, (reasons, label) in zip(golds, preds, strict=True):
        read = of_evidence if isinstance(truth, Evidence) else of_units
        signs = read(reasons, truth)  # type: ignore[arg-type]  # chosen by the same test
        found.append([follows(label, signs), signs.true])
    return mean_rows(found, ["alignment", "true_signs"])
