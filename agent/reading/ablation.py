"""A record without some of what was measured, and what each cue adds to a reading of all of it.

Knows where a cue's measurement stands besides the cue itself: in the windows that the reading
reads. What is taken away counts as not measured; it is not said to be absent. Reads nothing
itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from agent.facs.units import AUS, MEASURED
from agent.reading import features
from agent.reading.judge import Judged
from agent.reading.moments import VOICE_CODES
from agent.schema.counterfactual import Channel
from agent.schema.evidence import IMPRESSION, Cue, Evidence, Missing, Window
from agent.senses.voice.profile import MEASURES

Span = tuple[float, float]

CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
PICTURED: Final[frozenset[Channel]] = frozenset({"face", "impression"})
"""Channels that a picture of the face shows whole; none can be blotted out without the other."""

_ANGLES: Final[Mapping[str, str]] = {
    "head_up": "pitch_deg", "head_down": "pitch_deg", "nod": "pitch_deg", "tilt": "roll_deg",
    "turn": "yaw_deg", "shake": "yaw_deg",
}  # fmt: skip
"""Head cues and the measurement they are events of."""
_LIDS: Final[Mapping[str, tuple[str, ...]]] = {
    "AU05": ("eyes_open",), "AU43": ("eyes_open", "AU45"), "AU45": ("AU43",),
}  # fmt: skip
"""Units of the lids, and what else measures how far the eyes are open."""
_FUNCTIONALS: Final[Mapping[str, str]] = {
    "rate": "syllables", "energy_range": "loudness",
    **{each.code: name.rpartition("_")[0] for name, each in MEASURES.items()},
    **VOICE_CODES,
}  # fmt: skip
"""Voice cues, and how the names of their functionals begin where they have another name."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken away."""

    cues: frozenset[str] = frozenset()
    """Ids."""
    channels: frozenset[Channel] = frozenset()

    def holds(self, cue: Cue) -> bool:
        """Whether a cue is taken away, by its id or with its channel."""
        return cue.id in self.cues or channel_of(cue) in self.channels


def channel_of(cue: Cue) -> Channel:
    """The channel that a cue belongs to."""
    return "impression" if cue.code == IMPRESSION else cue.sense


def channels_of(evidence: Evidence, cues: Iterable[Cue]) -> tuple[Channel, ...]:
    """Channels in which something was measured: these cues', and those of any window."""
    there = {channel_of(cue) for cue in cues}
    there |= {_channel(window, name) for window in evidence.windows for name in window.values}
    return tuple(channel for channel in CHANNELS if channel in there)


def without(evidence: Evidence, taken: Taken) -> Evidence:
    """The record without these cues and channels, and without their measurements.

    Units that lose a cue, and channels, are declared as not measured, so that what cannot be
    seen any more is not taken for rest.
    """
    gone = [cue for cue in evidence.cues if taken.holds(cue)]
    singly = [cue for cue in gone if channel_of(cue) not in taken.channels]
    windows = (_emptied(window, singly, taken.channels) for window in evidence.windows)
    return evidence.model_copy(
        update={
            "cues": tuple(cue for cue in evidence.cues if not taken.holds(cue)),
            "windows": tuple(window for window in windows if window.values),
            "missing": (*evidence.missing, *_missing(gone, taken.channels)),
        }
    )


def hidden(evidence: Evidence, taken: Taken, channel: Channel, person: str | None) -> list[Span]:
    """Seconds in which a channel of this person (None: of anybody) must not be shown: all of them
    where the channel is taken away, else the spans of its cues that are."""
    if channel in taken.channels:
        return [(0.0, max(evidence.media.duration, 0.0))]
    gone = (c for c in evidence.cues if c.id in taken.cues and channel_of(c) == channel)
    return [(c.start, c.end) for c in gone if person is None or c.person in (person, None)]


def measured(cue: Cue, names: Iterable[str]) -> frozenset[str]:
    """Which of the names of a window's measurements a cue is an event of."""
    if cue.code == IMPRESSION:
        return frozenset(name for name in names if name.startswith(features.IMPRESSION))
    if cue.sense == "face":
        own = (cue.code, *(f"{cue.code}_{end}" for end in ("L", "R", "uni")))
        return frozenset((*own, *_LIDS.get(cue.code, ()))) & frozenset(names)
    if cue.sense == "head":
        return frozenset({_ANGLES.get(cue.code, "")}) & frozenset(names)
    if cue.sense == "voice" and cue.code != "speech":
        start = _FUNCTIONALS.get(cue.code, cue.code)
        return frozenset(name for name in names if name.startswith(start))
    return frozenset()


def contributions(judged: Judged, label: str) -> dict[str, float]:
    """By cue id: log-odds that its measurements add to a label over its rivals.

    The mean over the span, moments weighed as the reading weighs them; what several cues of one
    moment show is split evenly. Empty where the tables of knowledge judged. Raises ValueError
    for a label that the reading does not know.
    """
    found: dict[str, float] = {}
    total = 0.0
    cues = (*judged.cues, *judged.looks)
    for piece, why in zip(judged.moments, judged.reasons, strict=False):
        weight = max(piece.end - piece.start, 1e-3) * (0.1 + (3 * (piece.shown or 0.0)) ** 2)
        total += weight
        here = [cue for cue in cues if cue.start <= piece.end and cue.end >= piece.start]
        for source, value in why.for_label(label).items():
            shown = [cue.id for cue in here if _shows(cue, source, why.cites.get(source, ()))]
            for id in shown:
                found[id] = found.get(id, 0.0) + weight * value / len(shown)
    return {id: value / total for id, value in found.items()} if total else {}


def _shows(cue: Cue, source: str, cites: tuple[str, ...]) -> bool:
    sense, _, name = source.rpartition(":")
    if sense == "words":
        return cue.id in cites
    if (sense == "voice") != (cue.sense == "voice"):
        return False
    if source == IMPRESSION:
        return cue.code == IMPRESSION
    return bool(measured(cue, (name,)))


def _emptied(window: Window, gone: list[Cue], channels: frozenset[Channel]) -> Window:
    lost = {name for name in window.values if _channel(window, name) in channels}
    for cue in gone:
        theirs = cue.person == window.person or None in (cue.person, window.person)
        if theirs and cue.sense in _senses(window) and _overlaps(cue, window):
            lost |= measured(cue, window.values)
    if not lost:
        return window
    left = {name: value for name, value in window.values.items() if name not in lost}
    return window.model_copy(update={"values": left})


def _senses(window: Window) -> tuple[str, ...]:
    return ("face", "head") if window.sense == "face" else (window.sense,)


def _channel(window: Window, name: str) -> Channel:
    if window.sense != "face":
        return window.sense
    if name.startswith(features.IMPRESSION):
        return "impression"
    return "head" if name.endswith("_deg") else "face"


def _overlaps(cue: Cue, window: Window) -> bool:
    shared = min(cue.end, window.end) - max(cue.start, window.start)
    return shared > 1e-6 or (
        shared >= 0 and min(cue.end - cue.start, window.end - window.start) == 0
    )


_WHY: Final = "the record has no"


def _missing(gone: list[Cue], channels: frozenset[Channel]) -> Iterator[Missing]:
    units = {cue.code for cue in gone if cue.sense == "face" and cue.code != IMPRESSION}
    if "face" in channels:
        units |= {AUS[number].code for number in MEASURED}
    if units:
        yield Missing(what="action units", why=f"{_WHY} {', '.join(sorted(units))}")
    for channel in CHANNELS:
        if channel in channels and channel != "face":
            yield Missing(what=channel, why=f"{_WHY} {channel}")
