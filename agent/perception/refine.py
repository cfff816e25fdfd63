"""Looking again at a window in finer steps: where to, and how what is found joins the evidence.

Knows cues and times, no model. Ids that were cited stay what they are: a cue that is found
again keeps its id and gets the finer times, a new one gets a number after all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from agent.schema.answer import Claim
from agent.schema.evidence import IMPRESSION, LETTERS, Cue, Evidence
from agent.schema.state import Json

MOST_LOOKS: Final = 2
LONGEST: Final = 8.0
"""Seconds that one closer look covers at most."""
MARGIN: Final = 0.5
"""Seconds added on each side, so that onsets are seen."""
THIN: Final = 2
"""Fewer cues than this about a moment that was asked for are too few."""
SPARSE_FPS: Final = 12.0
"""Below this, events of half a second are seen in fewer than six frames."""
_EDGE: Final = 0.1


def overlay(base: Evidence, extra: Iterable[Json]) -> Evidence:
    """The evidence with cues of closer looks in place of, or beside, its own."""
    changed = {cue.id: cue for cue in map(Cue.model_validate, extra)}
    if not changed:
        return base
    cues = {cue.id: cue for cue in base.cues} | changed
    ordered = sorted(cues.values(), key=lambda cue: (cue.start, cue.end, cue.id))
    return base.model_copy(update={"cues": tuple(ordered)})


def window(
    evidence: Evidence,
    person: str | None,
    span: tuple[float, float],
    moment: bool,
    struck: Sequence[Claim],
    looked: Sequence[Sequence[float]],
) -> tuple[float, float] | None:
    """Where finer steps could help, in seconds; None where they could not or need not.

    They help about a moment that was asked for where little or only something brief was seen,
    and where claims fell. They cannot where every frame was seen.
    """
    media = evidence.media
    if media.kind != "video" or media.sampled_fps >= 0.95 * media.fps or len(looked) >= MOST_LOOKS:
        return None
    wanted = _wanted(evidence, person, span, moment, struck)
    if wanted is None:
        return None
    start, end = _fitted(wanted, media.duration)
    again = any(seen[0] <= start + _EDGE and seen[1] >= end - _EDGE for seen in looked)
    return None if again else (start, end)


def _wanted(
    evidence: Evidence,
    person: str | None,
    span: tuple[float, float],
    moment: bool,
    struck: Sequence[Claim],
) -> tuple[float, float] | None:
    if moment:
        near = [cue for cue in evidence.between(*span) if cue.person == person]
        seen = [c for c in near if c.sense in ("face", "head") and c.code != IMPRESSION]
        brief = any(cue.brief and cue.code != "AU45" for cue in seen)
        if brief or len(seen) < THIN or evidence.media.sampled_fps < SPARSE_FPS:
            return span
    cited = [evidence.cue(id) for claim in struck for id in claim.cites]
    found = [cue for cue in cited if cue is not None and cue.sense in ("face", "head")]
    if not found:
        return None
    return min(cue.start for cue in found), max(cue.end for cue in found)


def _fitted(wanted: tuple[float, float], duration: float) -> tuple[float, float]:
    """The window with its margins, about its middle where it is too long, within the clip."""
    middle = (wanted[0] + wanted[1]) / 2
    half = min((wanted[1] - wanted[0]) / 2 + MARGIN, LONGEST / 2)
    return round(max(0.0, middle - half), 3), round(min(duration, middle + half), 3)


def refined(
    base: Evidence,
    found: Iterable[Cue],
    person: str | None,
    at: tuple[float, float],
    slot: tuple[int, int] = (0, 1),
) -> tuple[Cue, ...]:
    """Cues of one person that a closer look measured anew or added, with cue ids of `base`.

    `found`: cues of the closer look, under the people's ids of `base`.

    `slot` is this person's place among the people looked at and their number: each takes every
    n-th number after the last, so that two people's new cues never share an id.
    """
    free = {letter: _last(base, letter) + 1 + slot[0] for letter in LETTERS.values()}
    known = [cue for cue in base.cues if cue.person == person]
    taken: set[str] = set()
    cues = []
    for cue in found:
        if cue.person != person or cue.sense not in ("face", "head") or _cut(cue, at, base):
            continue
        if cue.code == IMPRESSION:
            continue  # looked at as often before; a window of it is no news
        twin = next((old for old in known if old.id not in taken and _same(old, cue)), None)
        if twin is not None:
            taken.add(twin.id)
            # The window is too short for a baseline of its own: the whole clip's stays.
            kept = {"id": twin.id, "relative": twin.relative}
            cues.append(cue.model_copy(update=kept))
        else:
            letter = LETTERS[cue.sense]
            cues.append(cue.model_copy(update={"id": f"{letter}{free[letter]}"}))
            free[letter] += slot[1]
    return tuple(cues)


def _last(evidence: Evidence, letter: str) -> int:
    numbers = (cue.id[1:] for cue in evidence.cues if cue.id.startswith(letter))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _same(old: Cue, new: Cue) -> bool:
    return (
        (old.code, old.side) == (new.code, new.side)
        and old.start <= new.end
        and new.start <= old.end
    )


def _cut(cue: Cue, at: tuple[float, float], base: Evidence) -> bool:
    """Whether the window's edge cuts the event: then its times are the window's, not its own."""
    return (cue.start < at[0] + _EDGE and at[0] > 0) or (
        cue.end > at[1] - _EDGE and at[1] < base.media.duration
    )
