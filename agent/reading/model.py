"""The fitted reading: evidence of one person → log-scores by moment, with exact reasons.

Each sense has its own read-out, learned from real people; their logits add up. Knows
evidence and weights; words nothing. A sense that measured nothing says nothing. Every
contribution belongs to a feature, and through it to the cues that show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC
from agent.reading.additive import ReadOut, installed, read_out, softmax, stored
from agent.reading.features import IMPRESSION, face_features, table
from agent.reading.version import WEIGHTS
from agent.reading.voice import limited, rows
from agent.schema.evidence import Cue, Evidence, Window

Vector = npt.NDArray[np.float64]
Span = tuple[float, float]

OWN_REST: Final = 0.5
"""How far a face is read against this person's own rest instead of everybody's. A judgement:
half, because a clip shows rest seldom for certain."""
REST_SHARE: Final = 0.2
"""Share of the time at likely rest at which half of that is believed. A share and not seconds: the
same clip played twice tells nothing more about the person."""
CONTRAST: Final = 0.1
"""Standard deviation of how neutral the face looks over time at which half of its rest is believed:
a face that never changes shows either rest or feeling, and nobody can say which."""


@dataclass(frozen=True, eq=False)
class Moment:
    """What one sense says over one span of time."""

    start: float
    end: float
    logits: Vector
    """One a label of BASIC."""
    reasons: Mapping[str, Vector]
    """By feature: what it adds to each logit. With the bias they sum to the logits."""
    covers: float = 1.0
    """Share of its span in which this sense measured anything, 0-1."""

    @cached_property
    def parts(self) -> Vector:
        """The reasons one below the other: features × labels."""
        return np.array(list(self.reasons.values())).reshape(len(self.reasons), len(BASIC))

    @property
    def shares(self) -> dict[str, float]:
        """By label, most likely first."""
        each = softmax(self.logits)
        order = np.argsort(-each, kind="stable")
        return {BASIC[i]: float(each[i]) for i in order}


@cache
def face_read_out(impression: bool) -> ReadOut:
    """The read-out of faces, with or without what the face looks like to most people."""
    return _over_basic(read_out(stored("face")["face" if impression else "units"]))


@cache
def _neutral(impression: bool) -> Vector:
    """Mean features of the faces that most people call neutral."""
    return np.array(stored("face")["face" if impression else "units"]["neutral"], np.float64)


def _over_basic(out: ReadOut) -> ReadOut:
    if out.labels != BASIC:
        raise ValueError(f"a read-out of faces has the labels {out.labels}, wanted {BASIC}")
    return out


def face_moments(evidence: Evidence, person: str | None) -> tuple[Moment, ...]:
    """One for each window of this person's face, in order of time; empty without windows."""
    mine = [w for w in evidence.windows if w.person == person and w.sense == "face"]
    if not mine or not installed("face"):
        return ()
    impressed = any(name.startswith(IMPRESSION) for w in mine for name in w.values)
    out = face_read_out(impressed)
    rows = table([face_features(w.values) for w in mine], out.features)
    rows = _settled(rows, mine, out, _neutral(impressed))
    parts = out.contributions(rows)
    # A poor picture says less: its logits are drawn to what is known without looking.
    trust = np.array([0.3 + 0.7 * w.quality for w in mine])
    parts = parts * trust[:, None, None]
    logits = parts.sum(-1) + out.bias / out.temperature
    return tuple(
        Moment(w.start, w.end, logits[i], _by_feature(out.features, parts[i]))
        for i, w in enumerate(mine)
    )


def _by_feature(names: Sequence[str], parts: Vector) -> dict[str, Vector]:
    """Parts (labels × features) by name; those of the impression together."""
    found: dict[str, Vector] = {}
    for place, name in enumerate(names):
        key = "impression" if name.startswith(IMPRESSION) else name
        found[key] = found.get(key, np.zeros(len(BASIC))) + parts[:, place]
    return found


def _settled(rows: Vector, windows: Sequence[Window], out: ReadOut, neutral: Vector) -> Vector:
    """Rows (windows × features) with part of this person's own rest taken off.

    Rest is what the windows show that look neutral at first reading, over the whole track and
    weighed by how neutral they look, drawn to everybody's: a clip that is sad throughout, or
    that never changes, has hardly any of its own, and is then read as it is.
    """
    time = np.array([(w.end - w.start) * w.quality for w in windows])
    if time.sum() <= 0:
        return rows
    calm = softmax(out.logits(rows))[:, BASIC.index("neutral")]
    weight = calm**2 * time
    there = np.isfinite(rows)
    total, whole = weight @ there, np.maximum(time @ there, 1e-9)
    rest = np.where(total > 0, weight @ np.where(there, rows, 0.0) / np.maximum(total, 1e-9), 0.0)
    varies = time @ (calm - time @ calm / time.sum()) ** 2 / time.sum()
    known = total / whole / (total / whole + REST_SHARE)
    believed = OWN_REST * known * varies / (varies + CONTRAST**2)
    return np.asarray(rows - believed * np.where(total > 0, rest - neutral, 0.0))


UNHEARD: Final = -1.0
"""Log-odds below the mean of the others for labels that a read-out has never learned."""
LIKE: Final[Mapping[str, str]] = {"boredom": "neutral"}
"""Labels that only some read-outs know, and the basic label they count for."""


def voice_moments(evidence: Evidence, person: str | None) -> tuple[Moment, ...]:
    """One for each utterance of this voice, in order of time; empty where nothing was heard.

    Where only one person is there, a voice that belongs to nobody is theirs.
    """
    alone = len(evidence.people) <= 1
    mine = [
        w
        for w in evidence.windows
        if w.sense == "voice" and (w.person == person or (alone and w.person is None))
    ]
    if not mine or not installed("voice"):
        return ()
    kept = stored("voice")
    usual = kept["relative"]
    features, relative = rows(mine, usual["neutral"], usual["believed"])
    out = read_out(kept["relative" if relative else "absolute"])
    values = limited(table(features, out.features), out)
    parts, logits = out.contributions(values), out.logits(values)
    return tuple(
        _basic(w, out.labels, logits[i], parts[i], [f"voice:{n}" for n in out.features])
        for i, w in enumerate(mine)
    )


def words_moments(cues: Sequence[Cue], language: str | None) -> tuple[Moment, ...]:
    """One for each quotation that says anything that the reader of words knows."""
    from agent.reading.words import PRIOR, read_words

    if not (WEIGHTS / "words.npz").exists():
        return ()
    found = []
    for cue in cues:
        if cue.sense != "words" or (said := read_words(cue.text, language)) is None:
            continue
        labels = tuple(said.logits)
        names = sorted({t for each in said.contributions.values() for t in each} - {PRIOR})
        parts = np.array(
            [[said.contributions[k].get(name, 0.0) for name in names] for k in labels]
        ).reshape(len(labels), len(names))
        # How often people comment with each feeling says nothing of this person.
        usual = np.array([said.contributions[k].get(PRIOR, 0.0) for k in labels])
        logits = np.array([said.logits[k] for k in labels]) - usual
        named = [f"words:{name}" for name in names]
        found.append(_basic(cue, labels, logits, parts, named))
    return tuple(found)


def _basic(
    span: Window | Cue, labels: Sequence[str], logits: Vector, parts: Vector, names: Sequence[str]
) -> Moment:
    """Logits and contributions (labels × features) over the labels of BASIC.

    Labels that stand for the same basic one are added as chances; their contributions count
    by how likely each of them is. Labels that were never learned come after all the others.
    """
    whole = np.full(len(BASIC), float(logits.mean()) + UNHEARD)
    each = np.tile(parts.mean(axis=0), (len(BASIC), 1))
    for place, basic in enumerate(BASIC):
        same = [i for i, label in enumerate(labels) if LIKE.get(label, label) == basic]
        if same:
            top = float(logits[same].max())
            odds = np.exp(logits[same] - top)
            whole[place] = top + float(np.log(odds.sum()))
            each[place] = (odds / odds.sum()) @ parts[same]
    reasons = {name: each[:, i] for i, name in enumerate(names)}
    return Moment(span.start, span.end, whole, reasons)


def over(moments: Sequence[Moment], span: Span) -> Moment | None:
    """The mean of the moments that overlap a span, each by how long; None where none does.

    `covers` tells how much of the span they overlap: a voice that begins in the last hundredth
    of a span is not heard in all of it.
    """
    start, end = span
    weights = [min(m.end, end) - max(m.start, start) for m in moments]
    if start == end:
        weights = [1.0 if m.start <= start <= max(m.end, m.start) else 0.0 for m in moments]
    chosen = [(m, w) for m, w in zip(moments, weights, strict=True) if w > 1e-6]
    if not chosen:
        return None
    total = sum(w for _, w in chosen)
    logits = np.sum([m.logits * w for m, w in chosen], axis=0) / total
    covers = min(1.0, total / (end - start)) if end > start else 1.0
    first = chosen[0][0].reasons
    if all(m.reasons.keys() == first.keys() for m, _ in chosen):
        mean = np.sum([m.parts * w for m, w in chosen], axis=0) / total
        return Moment(start, end, logits, dict(zip(first, mean, strict=True)), covers)
    names = {name for m, _ in chosen for name in m.reasons}
    return Moment(
        start,
        end,
        logits,
        {
            name: np.sum([m.reasons.get(name, np.zeros(len(BASIC))) * w for m, w in chosen], axis=0)
            / total
            for name in sorted(names)
        },
        covers,
    )


def favours(reasons: Mapping[str, Vector], logits: Vector, label: str) -> dict[str, float]:
    """By feature: how much it speaks for a label over its rivals, in log-odds.

    A rival counts as much as it is likely beside the label: what merely rules out the least
    likely of all is no reason.
    """
    at = BASIC.index(label)
    chance = softmax(logits)
    chance[at] = 0.0
    rivals = chance / max(float(chance.sum()), 1e-12)
    return {name: float(part[at] - rivals @ part) for name, part in reasons.items()}
