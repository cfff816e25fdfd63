"""What the reading says of one person's feelings, as records without words.

Knows the reading's shares, its exact contributions and its changes over time. Each `Line` is one
sentence to be: the name of its template, labels, signs with the cues that show them, numbers and
spans, and what it asserts. `agent.qa.say_felt` words it, in any language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from agent.facs.prototypes import BASIC, PARTS
from agent.qa.events import Span
from agent.reading.judge import Judged, judge
from agent.reading.levels import tone
from agent.reading.reasons import support
from agent.schema.answer import Reading
from agent.schema.assertion import Assertion, Relation
from agent.schema.evidence import IMPRESSION, Evidence, Person
from agent.schema.query import Query

TELLABLE: Final = 0.15
"""Share from which a second label is told."""
LIKELY: Final = 0.5
"""Share of the leading label's, from which a feeling asked about counts as there too."""
SHORTEST: Final = 0.4
"""Seconds; a shorter stretch of one label is not told as a phase of its own."""
LULL: Final = 1.0
"""Seconds of rest within a feeling that do not end it."""
MOST_SIGNS: Final = 3
AROUND: Final = 0.5
"""Seconds on either side of the moment that shows a feeling most."""
MOST_PHASES: Final = 4
TRACE: Final = 1.0
"""Intensity (0-5) below which a movement is no reason."""
UPSET: Final = ("sadness", "anger", "fear", "disgust")
JOINED: Final = (
    ("AU06", "AU12"), ("AU01", "AU02"), ("AU01", "AU04"), ("AU04", "AU07"), ("AU15", "AU17"),
)  # fmt: skip
"""Units that people see as one thing: a smile that reaches the eyes, raised eyebrows, …"""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something seen or heard that speaks for a label."""

    code: str
    """As in cues, "AU06+AU12" for units seen as one; "words", "impression", "head", "lids"."""
    cites: tuple[str, ...]
    rises: bool | None = None
    """Of the voice: above or below what is usual; None where that is not clear."""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence to be."""

    key: str
    """Name of its template."""
    label: str = ""
    other: str = ""
    share: float = 0.0
    other_share: float = 0.0
    value: float | None = None
    signs: tuple[Sign, ...] = ()
    at: Span | None = None
    phases: tuple[tuple[str, Span], ...] = ()
    names: tuple[str, ...] = ()
    """Of channels, people, or reasons for doubt; `key` says which."""
    text: str = ""
    """Quoted words."""
    asserts: tuple[Assertion, ...] = ()
    part: str = "conclusion"
    cited: tuple[str, ...] = ()
    """Cues beside those of the signs."""

    @property
    def cites(self) -> tuple[str, ...]:
        """Ids of all cues it stands on."""
        return tuple(dict.fromkeys([*(i for s in self.signs for i in s.cites), *self.cited]))


@dataclass(frozen=True)
class Felt:
    """One query about one person's feelings, and all that an answer may use."""

    evidence: Evidence
    query: Query
    reading: Reading
    others: tuple[str, ...] = field(default=())
    """Ids of further people, for comparisons."""

    @cached_property
    def judged(self) -> Judged:
        """The judgement of the person and span of the reading."""
        return judge(self.evidence, self.reading.person, self.reading.span)

    @property
    def person(self) -> Person | None:
        return self.judged.person

    @property
    def asked(self) -> str:
        """The label asked about, "" for whichever."""
        target = self.query.target or ""
        return target.removeprefix("emotion:") if target.startswith("emotion:") else ""

    @property
    def shares(self) -> dict[str, float]:
        """Label → share; of one channel alone where the query asks for it."""
        if self.query.relation == "by_voice":
            return dict(self.judged.voice)
        if self.query.relation == "by_face":
            return dict(self.judged.face)
        return {e.label: e.share for e in self.reading.emotions}

    def share(self, label: str) -> float:
        """Of one label; "upset" is what is unpleasant in all."""
        found = self.shares
        if label == "upset":
            return sum(found.get(k, 0.0) for k in UPSET)
        return found.get(label, 0.0)

    def says(self, label: str, relation: Relation, at: Span | None = None) -> Assertion:
        """That a label is felt (or speaks more than its rivals)."""
        subject = self.person.id if self.person else "clip"
        when = at or self.judged.span
        return Assertion(subject=subject, what=f"emotion:{label}", relation=relation, at=when)

    def signs(
        self, label: str, judged: Judged | None = None, most: int = MOST_SIGNS
    ) -> tuple[Sign, ...]:
        """What speaks most for a label, the strongest first."""
        judged = judged or self.judged
        found: dict[str, tuple[str, ...]] = {}
        for part in PARTS.get(label, (label,)):
            if part in BASIC and part != "neutral":
                for code, ids in support(judged, part).items():
                    found.setdefault(code, ids)
        kept = {code: ids for code, ids in found.items() if self._tells(code, ids)}
        return tuple(self._joined(kept))[:most]

    def _tells(self, code: str, ids: Sequence[str]) -> bool:
        """Whether people would see or hear it: no blink, no trace."""
        cues = [cue for i in ids if (cue := self.evidence.cue(i)) is not None]
        strong = [c for c in cues if c.intensity is None or c.intensity >= TRACE]
        channel = {"by_voice": "voice", "by_face": "face", "by_words": "words"}
        only = channel.get(self.query.relation or "")
        return bool(strong) and code != "AU45" and (only is None or strong[0].sense == only)

    def _joined(self, found: dict[str, tuple[str, ...]]) -> Iterable[Sign]:
        """Signs in their order, pairs that are seen as one put together; what the face looks
        like to others last."""
        rest = {code.removesuffix("_uni"): ids for code, ids in found.items()}
        looks = rest.pop(IMPRESSION, ())
        while rest:
            code = next(iter(rest))
            pair = next((p for p in JOINED if code in p and set(p) <= rest.keys()), None)
            if pair is None:
                ids = rest.pop(code)
                yield Sign(code, ids[:2], self._rises(ids))
            else:
                yield Sign("+".join(pair), tuple(i for part in pair for i in rest.pop(part)[:1]))
        if looks:
            yield Sign(IMPRESSION, looks[:1])

    def _rises(self, ids: Sequence[str]) -> bool | None:
        cues = [cue for i in ids if (cue := self.evidence.cue(i)) is not None]
        parts = [part[1] for cue in cues if cue.sense == "voice" and (part := tone(cue))]
        return sum(parts) > 0 if parts else None

    def within(self, at: Span) -> Judged:
        """The judgement of a part of the span."""
        return judge(self.evidence, self.reading.person, at)

    @cached_property
    def phases(self) -> list[tuple[str, Span, float]]:
        """Stretches of one leading label: label, span, largest share."""
        runs: list[tuple[str, Span, float]] = []
        for piece, share in zip(self.judged.moments, self.judged.each, strict=True):
            if not share:
                continue
            label = max(share, key=lambda k: share[k])
            if runs and runs[-1][0] == label:
                _, (start, _), most = runs[-1]
                runs[-1] = (label, (start, piece.end), max(most, share[label]))
            else:
                runs.append((label, (piece.start, piece.end), share[label]))
        kept = [run for run in runs if run[1][1] - run[1][0] >= SHORTEST] or runs[:1]
        kept = [run for i, run in enumerate(kept) if not _lull(kept, i)]
        out: list[tuple[str, Span, float]] = []
        for label, span, most in kept:
            if out and out[-1][0] == label:
                out[-1] = (label, (out[-1][1][0], span[1]), max(out[-1][2], most))
            else:
                out.append((label, span, most))
        return out

    def best(self, label: str) -> tuple[Span, float] | None:
        """The moment that shows a label most, and its share there; None where none does."""
        ranked = [
            (share.get(label, 0.0) * (0.2 + piece.strength), (piece.start, piece.end), share)
            for piece, share in zip(self.judged.moments, self.judged.each, strict=True)
            if piece.cites
        ]
        if not ranked:
            return None
        _, at, share = max(ranked, key=lambda row: row[0])
        return (self._wide(label, at), share[label]) if share.get(label, 0.0) >= 0.2 else None

    def _wide(self, label: str, at: Span) -> Span:
        """The moment as people would name it: a second of the phase that it lies in."""
        phase = next((s for k, s, _ in self.phases if k == label and s[0] <= at[0] < s[1]), at)
        middle, half = (at[0] + at[1]) / 2, max(AROUND, (at[1] - at[0]) / 2)
        return max(phase[0], middle - half), min(phase[1], middle + half)


def _lull(runs: Sequence[tuple[str, Span, float]], i: int) -> bool:
    """Whether a run is a short rest within one and the same feeling."""
    if not 0 < i < len(runs) - 1 or runs[i][0] != "neutral":
        return False
    _, (start, end), _ = runs[i]
    return runs[i - 1][0] == runs[i + 1][0] and end - start < LULL
