"""Does an answer follow from the reasons given for it, and are the reasons true?

Knows the FACS and voice tables of the rules, no completion's shape. An answer must follow twice:
from the signs that the text asserts, and from all that was measured, told or not; the lesser of
the two counts. Each is the likelihood of the answer over that of the likeliest label. Times
2·p − 1, where p is the share of asserted signs that are true: what follows from inventions is
worth nothing.

A face is not always the face of what is felt. Display rules hide it or put a smile over it
(Ekman & Friesen 1969, 1982), so a face at rest, or one with a smile alone, says less than the
tables of shown emotions do, and a voice that tells otherwise can outweigh it. `told` is the
earlier form without both: what is asserted is all there is, and a face shows what is felt.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from agent.facs.prototypes import BASIC, PARTS, UNITS
from agent.facs.units import AUS, MEASURED
from agent.grounding import carries, mentions, unreadable
from agent.reading.levels import level, tone
from agent.reading.scores import VOICE, at_face_value, scores, shares
from agent.schema.evidence import Cue, Evidence
from eval import grounded, labels, rewards, units
from eval.scoring import Tally, Unscored, mean_rows

PLAIN: Final = 2.0
"""Level of a unit that is asserted without an intensity, in FACS steps."""
HIDDEN: Final = 0.5
"""Chance that the face stays at rest over what is felt. In studies that looked, felt emotions came
with their predicted expression in a quarter of cases or fewer (Durán & Fernández-Dols 2021); the
rest showed nothing or something else. The size is judgement."""
MASKED: Final = 0.1
"""Chance of a smile over what is felt, the commonest mask (Ekman & Friesen 1982); the rules' own
chance that a face misleads."""
WRONG: Final = {"face": 0.05, "voice": 0.2}
"""Chance that a channel was measured wrongly, or is as it is for other reasons."""
_SENTENCE: Final = re.compile(r"(?<=[.!?。])\s+|(?<=\])\s+")
_SMILE: Final = "AU12"
_FELT: Final = "AU06"
_POSED: Final = re.compile(
    r"\b(?:posed|polite|social|put[- ]on|fake[sd]?|insincere|not felt|mask(?:s|ed|ing)?)\b"
    r"|without (?:AU0?6|raised cheeks|cheek)",
    re.IGNORECASE,
)
_FACE: Final = tuple(AUS[n].code for n in UNITS if n in MEASURED)


class Signs(NamedTuple):
    """What a text asserts, and what there was to assert."""

    levels: dict[str, float]
    """Asserted signs that are true, with their levels."""
    true: float
    """Their share of all asserted signs and of what is said and cannot be verified."""
    whole: dict[str, float]
    """Levels of all that was measured; 0 for units that were looked for and not seen."""
    shown: bool
    """Whether there was any sign to tell."""
    speaking: float = 0.0
    """Share of the time with speech, 0-1."""


def of_units(text: str, gold: frozenset[int]) -> Signs:
    """Asserted action units held against the gold's."""
    said = {m.units[0]: m.grade or PLAIN for m in mentions(text) if m.units and not m.negated}
    true = {AUS[n].code: float(grade) for n, grade in said.items() if n in gold}
    whole = dict.fromkeys(_FACE, 0.0) | {AUS[n].code: PLAIN for n in gold} | true
    share = len(true) / (len(said) + _unread(text)) if said else 0.0
    return Signs(_unposed(text, true, whole), share, whole, bool(gold))


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
        _strongest(levels, carrying)
    told = tuple(cue.text for cue in own if cue.sense != "words")
    whole = dict.fromkeys(_FACE, 0.0) if evidence.main and evidence.main.seen else {}
    _strongest(whole, own)
    return Signs(
        levels=_unposed(text, levels, whole),
        true=sum(said.values()) / (len(said) + _unread(text, told)) if said else 0.0,
        whole=whole,
        shown=any(cue.sense in ("face", "voice") for cue in own),
        speaking=_speaking(own, evidence.media.duration),
    )


def _unread(text: str, told: tuple[str, ...] = ()) -> int:
    """Sentences that say what no cue can carry; each counts as a sign that is not true.

    `told` are the wordings of cues, which may be repeated.
    """
    pieces = (piece for line in text.splitlines() for piece in _SENTENCE.split(line))
    return sum(unreadable(piece, told) for piece in pieces if re.search(r"\w", piece))


def _strongest(levels: dict[str, float], cues: Sequence[Cue]) -> None:
    """Put the strongest level of each sign among the levels."""
    for code, value in map(_level, cues):
        if code and abs(value) > abs(levels.get(code, 0.0)):
            levels[code] = value


def _level(cue: Cue) -> tuple[str, float]:
    """Code and level of a cue for the tables; no code where they have none."""
    if cue.sense == "face":
        return cue.code, level(cue)
    return tone(cue) or ("", 0.0)


def _speaking(cues: Sequence[Cue], duration: float) -> float:
    spoken = sum(cue.end - cue.start for cue in cues if cue.code == "speech")
    return min(1.0, spoken / duration) if duration > 0 else 0.0


def _unposed(text: str, levels: dict[str, float], whole: Mapping[str, float]) -> dict[str, float]:
    """Without the smile where the text calls it posed and no raised cheek speaks against that."""
    if whole.get(_FELT, 0.0) >= 1 or _SMILE not in levels:
        return levels
    posed = any(
        12 in mention.units
        for line in text.splitlines()
        if _POSED.search(line)
        for mention in mentions(line)
    )
    return {code: value for code, value in levels.items() if not (posed and code == _SMILE)}


def follows(answer: str, signs: Signs) -> float:
    """How well a label follows from what is asserted and from all that was measured, 0…1."""
    label = labels.canonical(answer)
    whole = _likely(tuple(sorted(signs.whole.items())), signs.speaking)
    if not signs.levels:
        # Nothing asserted: only "neutral" follows, and only where nothing else is likelier.
        most = max(whole.values(), default=0.0)
        return float(label == "neutral" and whole.get(label, 0.0) == most)
    asserted = _likely(tuple(sorted(_filled(signs.levels).items())), signs.speaking)
    least = min(_against_best(label, asserted), _against_best(label, whole))
    return max(0.0, 2 * signs.true - 1) * least


def told(answer: str, signs: Signs) -> float:
    """As `follows`, from what is asserted alone, and as if every face showed what is felt."""
    label, levels = labels.canonical(answer), signs.levels
    if not levels:
        return float(label == "neutral" and not signs.shown)
    likely = shares(scores(_filled(levels), BASIC))
    return max(0.0, 2 * signs.true - 1) * _against_best(label, likely)


def _filled(levels: dict[str, float]) -> dict[str, float]:
    """With the units that a face, once it is told of, is not said to show."""
    return dict.fromkeys(_FACE, 0.0) | levels if levels.keys() - set(VOICE) else levels


def _against_best(label: str, likely: Mapping[str, float]) -> float:
    """Of a compound: of both its parts, against the two likeliest."""
    of = PARTS.get(label, (label,))
    best = sum(sorted(likely.values(), reverse=True)[: len(of)])
    return sum(likely.get(part, 0.0) for part in of) / best if best else 0.0


@lru_cache(maxsize=4096)
def _likely(levels: tuple[tuple[str, float], ...], speaking: float) -> dict[str, float]:
    """Share of each label by face and voice, when faces may be hidden or masked."""
    known = dict(levels)
    voice = {code: value for code, value in levels if code in VOICE}
    face = {code: value for code, value in levels if code not in VOICE}
    found = dict.fromkeys(BASIC, 1.0)
    for channel, fits in (("face", _faces(face, speaking)), ("voice", at_face_value(voice))):
        doubt = WRONG[channel]
        for label, share in shares(fits).items():
            found[label] *= (1 - doubt) * share + doubt / len(BASIC)
    return found if known else {}


def _faces(levels: Mapping[str, float], speaking: float) -> dict[str, float]:
    """Log-likelihood of a face under each label: it shows it, stays at rest, or smiles over it."""
    shown = at_face_value(levels, BASIC, speaking=speaking)
    if not shown:
        return {}
    ways = [(math.log(HIDDEN), shown["neutral"])]
    if levels.get(_SMILE, 0.0) > 0:
        beneath = at_face_value({**levels, _SMILE: 0.0}, BASIC, speaking=speaking)
        ways.append((math.log(MASKED), beneath["neutral"]))
    plain = math.log(1 - HIDDEN - MASKED)
    return {
        label: float(np.logaddexp.reduce([plain + fit, *(sum(way) for way in ways)]))
        for label, fit in shown.items()
    }


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
    """Mean alignment; beside it by what is told alone, and the share of true signs."""
    found = []
    for truth, (reasons, label) in zip(golds, preds, strict=True):
        read = of_evidence if isinstance(truth, Evidence) else of_units
        signs = read(reasons, truth)  # type: ignore[arg-type]  # chosen by the same test
        found.append([follows(label, signs), told(label, signs), signs.true])
    return mean_rows(found, ["alignment", "told", "true_signs"])
