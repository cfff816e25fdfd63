"""Who in a closer look is who in the whole clip, by where their faces are at the same time.

Knows the series beside the evidence and ids; no pictures. Each look numbers its people by
itself, so an id of one says nothing in the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from agent.schema.evidence import Cue, Evidence
from agent.schema.samples import Columns, Floats

NEAR: Final = 0.5
"""Faces are the same if their middles lie nearer than this share of a face's width."""
_BOX: Final = ("box_x", "box_y", "box_w", "box_h")


def cues_as(base: Evidence, found: Evidence) -> tuple[Cue, ...]:
    """Cues of `found` under the people's ids of `base`; those of nobody known there are left out.

    Without series to compare only one face in each look can be told to be the same.
    """
    same = same_people(base, found)
    return tuple(
        cue.model_copy(update={"person": same[cue.person]})
        for cue in found.cues
        if cue.person in same
    )


def same_people(base: Evidence, found: Evidence) -> dict[str | None, str]:
    """Id in `found` → id in `base`."""
    old, new = _places(base), _places(found)
    if not old or not new:
        alone = len(base.people) == len(found.people) == 1
        return {found.people[0].id: base.people[0].id} if alone else {}
    apart = [
        (distance, mine, theirs)
        for mine, rows in new.items()
        for theirs, others in old.items()
        if (distance := _apart(rows, others)) < NEAR
    ]
    same: dict[str | None, str] = {}
    for _, mine, theirs in sorted(apart):
        if mine not in same and theirs not in same.values():
            same[mine] = theirs
    return same


def _places(evidence: Evidence) -> dict[str, Columns]:
    """Rows with a face's box, by person; empty where there are none."""
    if evidence.series is None or not Path(evidence.series).is_file():
        return {}
    from agent.perception import series

    people = series.read_people(evidence.series)
    return {person: rows for person, rows in people.items() if set(_BOX) <= rows.keys()}


def _apart(rows: Columns, others: Columns) -> float:
    """Median distance of two faces at the same times, in widths; infinite if never together."""
    times, middles, widths = _track(rows)
    there, theirs, _ = _track(others)
    if not len(times) or not len(there):
        return float("inf")
    nearest = np.abs(times[:, None] - there[None, :]).argmin(axis=1)
    together = np.abs(times - there[nearest]) < 0.1
    if not together.any():
        return float("inf")
    distance = np.hypot(*(middles - theirs[nearest]).T) / widths
    return float(np.median(distance[together]))


def _track(rows: Columns) -> tuple[Floats, Floats, Floats]:
    """Times (n), middles of the face (n × 2) and widths (n), in seconds and pixels."""
    x, y, w, h = (np.asarray(rows[name], np.float32) for name in _BOX)
    times = np.asarray(rows["time"], np.float32)
    seen = np.isfinite(x + y + w + h) & (w > 0)
    middles = np.stack([x + w / 2, y + h / 2], axis=1)
    return times[seen], middles[seen], w[seen]
