"""Questions in pairs made from clips: one true, one hallucinated, alike in wording.

Where the truth of a clip lies beside it (`NAME.json.gz` of a rendered face), units, sides and
times are exact, whatever anybody measures. People, voice, words, feelings, agreement and
reasons come from what was measured, so a model that is the measurer answers those near the
ceiling; what they test is another model on the same clip. Draws are seeded by the clip's name.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC
from agent.facs.units import AUS
from agent.reading.judge import Judged, judge
from agent.reading.reasons import support
from agent.schema.evidence import Cue, Evidence
from eval.hallucination import Question

Truth = Mapping[int, npt.NDArray[np.float64]]
"""Unit → intensities 0-5 (2 sides × frames): the left first."""
VERBS: Final[Mapping[int, str]] = {
    1: "raise the inner ends of the brows", 2: "raise the outer ends of the brows",
    4: "lower the brows", 5: "raise the upper lids", 6: "raise the cheeks",
    9: "wrinkle the nose", 10: "raise the upper lip", 12: "pull up the lip corners",
    14: "dimple the lip corners", 15: "pull down the lip corners", 17: "raise the chin",
    18: "pucker the lips", 20: "stretch the lips sideways", 22: "funnel the lips",
    24: "press the lips together", 26: "drop the jaw", 28: "suck in the lips",
    34: "puff the cheeks",
}  # fmt: skip
"""Units that people can see, as something a person does."""
LOOKALIKES: Final[tuple[frozenset[int], ...]] = (
    frozenset({1, 2}), frozenset({5, 1, 2}), frozenset({9, 10, 4}), frozenset({6, 12, 9}),
    frozenset({22, 18}), frozenset({24, 28, 17}), frozenset({26, 22, 28}), frozenset({15, 17, 14}),
    frozenset({12, 14, 20, 6}), frozenset({10, 16}),
)  # fmt: skip
"""Where one of these moves, whether another does is too hard a question to be fair."""
CLEAR: Final = 2.0
"""Intensity, and steps from rest, from which something is asked as true."""
STILL: Final = 0.05
"""Intensity up to which a unit rests."""
LEAST: Final = 0.8
"""Seconds of a span that is asked about, at least."""
MARGIN: Final = 0.5
"""Seconds between a span that is asked about and a movement that is not in it."""
SURE: Final = 0.6
"""Share from which a feeling is asked as true."""
HARDLY: Final = 0.05
"""Share below which it is asked as hallucinated."""
ADJECTIVES: Final[Mapping[str, str]] = {
    "happiness": "happy", "sadness": "sad", "anger": "angry", "fear": "afraid",
    "surprise": "surprised", "disgust": "disgusted", "contempt": "contemptuous",
    "neutral": "neutral",
}  # fmt: skip
TONES: Final[Mapping[str, str]] = {
    "pitch": "pitch of the voice", "energy": "loudness of the voice", "rate": "speaking rate",
}  # fmt: skip
HIGHER, LOWER = "higher than usual", "lower than usual"
TOGETHER, CLASH = "they go together", "they do not go together"
UNSAID: Final = ("umbrella", "mountain", "lawyer", "breakfast", "violin", "harbour", "pension")


BLINK: Final = 45
APART: Final = 0.6
"""Seconds of rest between two movements that are counted as two."""


@dataclass(frozen=True, slots=True)
class Made:
    """One pair before it has a name."""

    kind: str
    task: str
    true: str
    hallucinated: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One question with its answers to choose among: a pair of its own, whose hallucinations are
    the other choices."""

    kind: str
    task: str
    text: str
    gold: str
    choices: tuple[str, ...]


def made(
    clip: Path, evidence: Evidence | None = None, label: str | None = None, most: int = 4
) -> list[Question]:
    """All pairs of one clip.

    Args:
        clip: with `NAME.json.gz` beside it where its truth is known.
        evidence: what was measured, for pairs that truth does not give.
        label: the owners' emotion, one of `BASIC`; without it the reading's own, where sure.
        most: pairs of each kind.
    """
    rng = random.Random(clip.name)
    found: list[Question] = []
    truth = true_units(clip)
    if truth is not None:
        fps, units = truth
        found += _named(clip, "rendered", _rendered(units, fps, rng, most))
    if evidence is not None:
        found += _named(clip, "measured", _measured(evidence, label is None, rng, most))
    if label in ADJECTIVES:
        other = rng.choice([k for k in BASIC if k not in (label, "neutral")])
        found += _named(clip, "labelled", [_felt(str(label), other)])
    return found


def true_units(clip: Path) -> tuple[float, Truth] | None:
    """Frames per second and intensities of the truth beside a clip; None where there is none."""
    beside = clip.with_suffix(".json.gz")
    if not beside.exists():
        return None
    with gzip.open(beside) as file:
        record: dict[str, Any] = json.load(file)
    units: dict[int, list[npt.NDArray[np.float64]]] = {}
    for name, values in sorted(record["frames"].items()):
        series = np.asarray(values, np.float64)
        number, side = int(name[2:4]), name[5:]
        units.setdefault(number, []).extend([series, series] if side == "B" else [series])
    return float(record["fps"]), {n: np.stack(sides[:2]) for n, sides in units.items()}


def _named(clip: Path, source: str, pairs: Iterable[Made | Choice]) -> Iterator[Question]:
    counts: dict[str, int] = {}
    for pair in pairs:
        counts[pair.kind] = counts.get(pair.kind, 0) + 1
        name = f"{clip.stem}-{source}-{pair.kind}-{counts[pair.kind]}"
        if isinstance(pair, Choice):
            yield Question(name, name, pair.text, pair.gold, clip, pair.choices, kind=pair.kind,
                           task=pair.task, source=source)  # fmt: skip
            continue
        base = Question(f"{name}-true", name, pair.true, "yes", clip, kind=pair.kind,
                        task=pair.task, source=source)  # fmt: skip
        yield base
        yield replace(base, id=f"{name}-hallucinated", text=pair.hallucinated, gold="no")


def times(count: int) -> str:
    """A number of times in words.

    >>> times(2), times(3)
    ('twice', '3 times')
    """
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _counts(truth: Truth, fps: float, rng: random.Random) -> Iterator[Choice]:
    """Units whose movements are plain to count: each strong, each over before the next begins."""
    verbs = {**VERBS, BLINK: "blink"}
    numbers = list(verbs)
    rng.shuffle(numbers)
    for number in numbers:
        if number not in truth:
            continue
        series = truth[number].max(axis=0)
        runs = _runs(series > STILL)
        rests = [after - before for (_, before), (after, _) in pairwise(runs)]
        strong = all(series[a:b].max() >= CLEAR for a, b in runs)
        if not runs or not strong or min(rests, default=np.inf) < APART * fps:
            continue
        low = max(1, len(runs) - rng.randrange(4))
        choices = tuple(times(low + n) for n in range(4))
        text = f"How many times does the person {verbs[number]}?"
        yield Choice("count", "hallucination", text, times(len(runs)), choices)


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First frame of each run and the one after it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _rendered(truth: Truth, fps: float, rng: random.Random, most: int) -> Iterator[Made | Choice]:
    peaks = {n: float(truth[n].max()) if n in truth else 0.0 for n in VERBS}
    moved = [n for n in VERBS if peaks[n] >= CLEAR]
    moving = {n for n, series in truth.items() if series.max() > STILL}
    absent = [n for n in VERBS if n not in moving and not moving & _like(n)]
    rng.shuffle(moved)
    rng.shuffle(absent)
    for here, not_here in zip(moved[:most], absent, strict=False):
        yield Made("unit", "hallucination", _does(here), _does(not_here))
    yield from list(_times(truth, fps, moved))[:most]
    yield from list(_sides(truth, moved))[:most]
    yield from list(_counts(truth, fps, rng))[:most]


def _like(number: int) -> frozenset[int]:
    return frozenset().union(*(group for group in LOOKALIKES if number in group))


def _does(number: int, who: str = "the person", then: str = "") -> str:
    return f"Does {who} {VERBS[number]}{then}?"


def _times(truth: Truth, fps: float, moved: Iterable[int]) -> Iterator[Made]:
    """A moved unit when it moves, and when it rests."""
    for number in moved:
        series = truth[number].max(axis=0)
        shown = _longest(series >= CLEAR, fps)
        rest = _longest(_far(series > STILL, round(MARGIN * fps)), fps)
        if shown and rest:
            yield Made("time", "hallucination", _does(number, then=_between(shown)),
                       _does(number, then=_between(rest)))  # fmt: skip


def _between(span: tuple[float, float]) -> str:
    return f" between {span[0]:.1f} and {span[1]:.1f} seconds"


def _far(busy: npt.NDArray[np.bool_], frames: int) -> npt.NDArray[np.bool_]:
    """Frames with nothing busy within so many frames."""
    near = np.convolve(busy, np.ones(2 * frames + 1), "same") > 0
    return np.asarray(~near)


def _longest(mask: npt.NDArray[np.bool_], fps: float) -> tuple[float, float] | None:
    """Seconds of the longest run of at least LEAST."""
    runs = _runs(mask)
    if not runs:
        return None
    first, end = max(runs, key=lambda run: run[1] - run[0])
    return (first / fps, (end - 1) / fps) if (end - 1 - first) / fps >= LEAST else None


def _sides(truth: Truth, moved: Iterable[int]) -> Iterator[Choice]:
    """A unit that moves on one side alone; left and right are the person's own."""
    for number in moved:
        if not AUS[number].sided or len(truth[number]) < 2:
            continue
        left, right = truth[number].max(axis=1)
        if min(left, right) > 0.25 * max(left, right):
            continue
        text = f"On which side does the person {VERBS[number]}, left, right or both?"
        gold = "left" if left > right else "right"
        yield Choice("side", "hallucination", text, gold, ("left", "right", "both"))


def _measured(
    evidence: Evidence, own_label: bool, rng: random.Random, most: int
) -> Iterator[Made | Choice]:
    judged = judge(evidence)
    makers: list[Callable[[], Iterable[Made | Choice]]] = [
        lambda: _people(evidence),
        lambda: _voices(evidence),
        lambda: _words(evidence, rng),
        lambda: _feelings(judged) if own_label else (),
        lambda: _agreements(judged),
        lambda: _reasons(judged),
    ]
    for maker in makers:
        yield from list(maker())[:most]


def _people(evidence: Evidence) -> Iterator[Made]:
    """What one person does and another does not."""
    seen = [p for p in evidence.people if p.seen and p.live and p.quality >= 0.5]
    for one in seen:
        for number, verb in VERBS.items():
            strong = any(_is(c, number, one.id) and (c.intensity or 0) >= CLEAR
                         for c in evidence.cues)  # fmt: skip
            group = _like(number) | {number}
            others = [p for p in seen if p.id != one.id and not any(
                _is(c, n, p.id) for n in group for c in evidence.cues)]  # fmt: skip
            if strong and others:
                yield Made("person", "hallucination", f"Does {one.id} {verb}?",
                           f"Does {others[0].id} {verb}?")  # fmt: skip


def _is(cue: Cue, number: int, person: str) -> bool:
    return cue.sense == "face" and cue.code == AUS[number].code and cue.person == person


def _voices(evidence: Evidence) -> Iterator[Choice]:
    """How the voice departs from its usual, over the span of a cue."""
    for cue in evidence.cues:
        tone = TONES.get(cue.code)
        if cue.sense != "voice" or tone is None or cue.relative is None:
            continue
        if abs(cue.relative) >= 1.0 and cue.end - cue.start >= LEAST:
            text = f"How is the {tone}{_between((cue.start, cue.end))}?"
            gold = HIGHER if cue.relative > 0 else LOWER
            yield Choice("voice", "hallucination", text, gold, (HIGHER, LOWER))


def _words(evidence: Evidence, rng: random.Random) -> Iterator[Made]:
    said = " ".join(c.text for c in evidence.cues if c.sense == "words").lower()
    words = list(dict.fromkeys(re.findall(r"[^\W\d_]{5,}", said)))
    unsaid = [w for w in UNSAID if w not in said]
    rng.shuffle(words)
    rng.shuffle(unsaid)
    for word, other in zip(words, unsaid, strict=False):
        yield Made("words", "hallucination", f'Is the word "{word}" said?',
                   f'Is the word "{other}" said?')  # fmt: skip


def _felt(label: str, other: str) -> Made:
    return Made("emotion", "reasoning", f"Does the person look {ADJECTIVES[label]}?",
                f"Does the person look {ADJECTIVES[other]}?")  # fmt: skip


def _feelings(judged: Judged) -> Iterator[Made]:
    """The leading feeling where it leads clearly, and the least likely one."""
    ranked = [(k, v) for k, v in judged.shares.items() if k in ADJECTIVES]
    if ranked and ranked[0][1] >= SURE and ranked[0][0] != "neutral":
        least = [k for k, v in reversed(ranked) if k != "neutral" and v < HARDLY]
        if least:
            yield _felt(ranked[0][0], least[0])


def _agreements(judged: Judged) -> Iterator[Choice]:
    """Whether face and voice go together, where both say something and it is plain."""
    if not judged.face or not judged.voice:
        return
    clash = any({d.one.channel, d.other.channel} == {"face", "voice"} for d in judged.discords)
    same = next(iter(judged.face)) == next(iter(judged.voice))
    if clash or same:
        text = "Do the face and the voice go together?"
        gold = CLASH if clash else TOGETHER
        yield Choice("agreement", "agreement", text, gold, (TOGETHER, CLASH))


def _reasons(judged: Judged) -> Iterator[Made]:
    """Which movement speaks for the leading feeling, and one that is there and does not."""
    label = next(iter(judged.shares), "neutral")
    if label == "neutral" or judged.shares[label] < SURE:
        return
    backed = support(judged, label)
    there = {c.code for c in judged.cues if c.sense == "face" and (c.intensity or 0) >= 1.0}
    units = {AUS[n].code: n for n in VERBS}
    reasons = [units[code] for code in backed if code in units]
    idle = [units[code] for code in sorted(there - backed.keys()) if code in units]
    for one, other in zip(reasons, idle, strict=False):
        yield Made("reason", "spurious", _speaks(one, label), _speaks(other, label))


def _speaks(number: int, label: str) -> str:
    return f"In this clip, is it a sign of {label} that the person is seen to {VERBS[number]}?"
