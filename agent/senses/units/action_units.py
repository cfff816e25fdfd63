"""The sense of facial muscles: face samples → AU series, and AU events as cues.

Keeps compact rows until `finish`, never pictures. Does not know how an action unit is read
off a face: that is the estimator's part, and any object with the shape of `Estimator` will
do. Pushing samples as they come or all at once gives the same result.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np

from agent.schema.evidence import Cue, Missing
from agent.schema.samples import Columns, FaceSample, Floats, People, Rows
from agent.senses.spool import Picked, Spool
from agent.senses.units import cut
from agent.senses.units import series as au_reading
from agent.senses.units.baseline import Baseline
from agent.senses.units.estimators import chosen
from agent.senses.units.series import Knowledge

__all__ = ["ActionUnits", "Enrolment", "Estimator", "Knowledge", "estimator"]

QUALITY: Final = 0.15
"""Samples of lower quality are gaps: neither measured nor taken for rest."""


class Estimator(Protocol):
    """Reads action units off face samples."""

    @property
    def version(self) -> str:
        """Changes whenever readings change; part of the cache's key."""

    @property
    def knowledge(self) -> Mapping[int, Knowledge]:
        """What is known about its readings, by action unit; defaults apply to the others."""

    def observe(self, sample: FaceSample) -> Floats:
        """One sample as a row of fixed length, cheap to keep: it is all that is kept."""

    def intensities(self, times: Floats, rows: Rows) -> Columns:
        """All rows (samples × width) of one person in order of time → `AU01` … `AU45`.

        Intensities 0-5, as `AU01_L`, `AU01_R` (the person's own sides) for sided ones. AU45
        holds eye closure of any length; long closures become AU43 later. NaN where a row
        cannot be read. `AU01_rel` may be given too, else it is taken from the baseline;
        `AU01_sd`, the reading's own standard deviation in steps, lowers the confidence.
        """

    def absolute(self, rows: Rows) -> Columns:
        """All rows as single pictures would be read, whatever this person's rest: `AU01` …, 0-5.

        Empty where `intensities` are such already.
        """


def estimator(name: str | None = None) -> Estimator:
    """ "shortcut" or "learned"; without a name the learned one where its weights are installed.

    Raises EstimatorError for other names, and for "learned" without its weights.
    """
    from agent.senses.units import geometric as shortcut
    from agent.senses.units import learned

    return learned.Learned() if chosen(name) == "learned" else shortcut.Shortcut()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Rows of another clip of the same person, to tell their resting face from."""

    times: Floats
    rows: Floats


class ActionUnits:
    """Face samples in, AU series and cues out."""

    def __init__(
        self, estimator: Estimator, enrolment: Mapping[str, Enrolment] | None = None
    ) -> None:
        """`enrolment` by person id; "*" stands for the person seen most."""
        self._estimator = estimator
        self._enrolment = dict(enrolment or {})
        self.baselines: dict[str, Literal["clip", "enrolment", "none"]] = {}
        """What each person's relative values are relative to; filled by `finish`."""
        self._rows = Spool()
        self._meta = array("d")
        self._cut = array("b")
        """By sample, which parts of the face lie outside the picture (`cut.PARTS`)."""
        self.blinks: dict[str, list[float]] = {}
        """By person, the times in seconds of all blinks, with a cue or not; set by `finish`."""

    @property
    def version(self) -> str:
        return f"2 {self._estimator.version}"

    def push(self, sample: FaceSample) -> None:
        """Take one sample; the picture is not kept."""
        self._rows.append(self._estimator.observe(sample))
        self._meta.extend((sample.frame.time, sample.frame.index, sample.track, sample.quality))
        self._cut.extend(cut.cut(sample))

    def enrol(self, tracks: Sequence[int] | None = None) -> Enrolment:
        """What was pushed of some tracks (None: all), for reading another clip against it."""
        columns, rows = self._kept(tracks)
        return Enrolment(columns["time"].astype(np.float32), rows[:])

    def finish(self, tracks: People) -> tuple[dict[str, Columns], list[Cue], list[Missing]]:
        """Series and cues by person; call once everything was pushed.

        Series hold `time` (s), `frame`, `quality`, `AU01` … `AU45`, `AU01_L`, `AU01_R`,
        `AU01_rel` …, one row a sample; samples of too low a quality are NaN.
        """
        series: dict[str, Columns] = {}
        cues: list[Cue] = []
        missing: list[tuple[str, Missing]] = []
        known = self._estimator.knowledge
        kept = {person: self._kept(numbers) for person, numbers in tracks.items()}
        most = max(kept, key=lambda person: len(kept[person][1]), default=None)
        for person, (columns, rows) in kept.items():
            if len(rows) == 0:
                continue
            mine = self._enrolment.get(person) or (
                self._enrolment.get("*") if person == most else None
            )
            outside = columns.pop("cut").astype(bool)
            measured, base = self._measure(columns, rows, mine)
            measured, gone = cut.left_out(measured, outside)
            missing += [(person, gap) for gap in gone]
            whole = au_reading.complete(columns | measured)
            base = base or au_reading.resting(whole, known)
            self.baselines[person] = base.kind
            self.blinks[person] = au_reading.blinks(whole, known, base)
            series[person], found, lacks = au_reading.read(whole, person, known, base)
            cues += found
            missing += [(person, gap) for gap in lacks]
        return series, cues, au_reading.together(missing)

    def _kept(self, tracks: Sequence[int] | None) -> tuple[Columns, Picked]:
        """Rows of some tracks in order of time, the best one where times coincide."""
        meta = np.frombuffer(self._meta).reshape(-1, 4)
        mine = np.ones(len(meta), bool) if tracks is None else np.isin(meta[:, 2], list(tracks))
        index = np.flatnonzero(mine)
        index = index[np.lexsort((-meta[index, 3], meta[index, 0]))]
        index = index[np.diff(meta[index, 0], prepend=-np.inf) > 0]
        columns: Columns = {
            "time": meta[index, 0],
            "frame": meta[index, 1].astype(np.int64),
            "quality": meta[index, 3].astype(np.float32),
            "cut": np.frombuffer(self._cut, np.int8).reshape(-1, len(cut.PARTS))[index],
        }
        return columns, Picked(self._rows, index)

    def _measure(
        self, columns: Columns, rows: Rows, enrolled: Enrolment | None
    ) -> tuple[Columns, Baseline | None]:
        """The estimator's columns, gaps made, and the enrolled baseline if there is one."""
        times = columns["time"].astype(np.float32)
        base = None
        if enrolled is None or len(enrolled.times) == 0:
            measured = self._estimator.intensities(times, rows)
        else:
            measured, before = self._beside(enrolled, times, rows)
            base = au_reading.resting(
                au_reading.complete(before), self._estimator.knowledge, kind="enrolment"
            )
        measured |= {f"{name}_abs": v for name, v in self._estimator.absolute(rows).items()}
        poor = columns["quality"].astype(np.float32) < QUALITY
        # One by one: two sets at once are 40 MiB in half an hour.
        for name, values in measured.items():
            measured[name] = np.where(poor, np.float32(np.nan), values)
        return measured, base

    def _beside(self, enrolled: Enrolment, times: Floats, rows: Rows) -> tuple[Columns, Columns]:
        """Both clips read as one, so that the estimator knows the person; then parted."""
        count = len(enrolled.times)
        earlier = enrolled.times - enrolled.times[-1] + times[0] - np.float32(10)
        both = self._estimator.intensities(
            np.concatenate([earlier, times]), np.concatenate([enrolled.rows, rows[:]])
        )
        before: Columns = {"time": earlier} | {name: v[:count] for name, v in both.items()}
        return {name: v[count:] for name, v in both.items()}, before
