"""Whose mouth moves with the voice: sound and lips of one clip joined.

Knows openings of mouths over time and where there is speech; no words, no identity. Lips that
speak open and close some three to five times a second; smiles, yawns and stillness do not.
That, counted while the voice sounds, separates speaking from silent faces well (on the clips
this was tried on: 3.2 and 4.6 a second against at most 0.9). Whether lips that move like
speech move with *this* sound cannot be told from a few seconds of video: the correlation of
opening and loudness is weak, so it only breaks ties. A dub over a face that talks is
therefore not noticed; a voice over lips that keep still is.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from agent.schema.evidence import Cue, Missing, Window
from agent.schema.samples import Columns, FaceSample, Floats, People
from agent.senses.voice import delivery
from agent.senses.voice.peaks import find_peaks
from agent.senses.voice.track import Heard, phrases_of

Span = tuple[float, float]
Mouth = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]
"""Times in seconds and openings (gap of the inner lips over the distance between the outer
corners of the eyes), one a sample; NaN where the mouth is not seen."""

STROKE: Final = 0.04
"""Smallest opening or closing that counts, in eye distances."""
TALKING: Final = 1.8
"""Openings and closings a second from which lips move like speech."""
SLOWEST: Final = 12.0
"""Samples a second below which openings and closings cannot be counted."""
ENOUGH: Final = 1.0
"""Seconds of voice over a visible mouth needed to say that voice and lips do not match."""


@dataclass(frozen=True, slots=True)
class Talk:
    """One phrase and who says it."""

    start: float
    end: float
    person: str | None
    """None: somebody out of the picture, a dubbed voice, or it cannot be told."""
    confidence: float
    """That this person says it; with person None, that no visible person does."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """Who speaks in a clip."""

    share: Mapping[str, float]
    """Person → share of the voiced time in which this mouth moved with the sound, 0–1."""
    spans: tuple[Talk, ...]
    confidence: float
    """Mean over the spans, by length; 0 without any."""
    lips: Literal["match", "mismatch", "unknown"]
    """Whether visible lips fit the voice over the whole clip."""
    missing: tuple[Missing, ...] = ()


def opening(mesh: Floats) -> float:
    """Gap of the inner lips over the distance between the eyes' outer corners.

    `mesh` as in FaceSample: 468 or 478 × 3 in pixels; about 0 closed, 0.2–0.5 wide open.
    """
    eyes = float(np.linalg.norm(mesh[33] - mesh[263]))
    return float(np.linalg.norm(mesh[13] - mesh[14])) / max(eyes, 1e-6)


class Mouths:
    """Collects the opening of every mouth during the pass over a clip."""

    def __init__(self) -> None:
        self._tracks: dict[int, array[float]] = {}

    def push(self, sample: FaceSample) -> None:
        """Take one face; two numbers of it are kept."""
        row = (sample.frame.time, opening(sample.mesh))
        self._tracks.setdefault(sample.track, array("d")).extend(row)

    def finish(self, tracks: People) -> dict[str, Mouth]:
        """Openings by person, for `who_speaks`."""
        found: dict[str, Mouth] = {}
        for person, numbers in tracks.items():
            parts = [self._tracks[number] for number in numbers if number in self._tracks]
            if parts:
                times, gaps = np.concatenate([np.reshape(part, (-1, 2)) for part in parts]).T
                order = np.lexsort((gaps, times))
                found[person] = times[order], gaps[order]
        return found


def who_speaks(voice_series: Columns, mouths: Mapping[str, Mouth]) -> Speaking:
    """Join the voice (`Heard.series`) with the mouths of everybody seen."""
    phrases = phrases_of(voice_series)
    seen = {person: mouth for person, mouth in mouths.items() if _countable(mouth)}
    if not phrases or not seen:
        return Speaking(
            dict.fromkeys(mouths, 0.0), (), 0.0, "unknown", tuple(_unseen(phrases, mouths))
        )
    rest = {person: _rate(mouth, _gaps(phrases)) for person, mouth in seen.items()}
    spans = tuple(_phrase(voice_series, span, seen, rest) for span in phrases)
    total = sum(span.end - span.start for span in spans)
    share = {
        person: round(sum(s.end - s.start for s in spans if s.person == person) / total, 3)
        for person in mouths
    }
    sure = sum((s.end - s.start) * s.confidence for s in spans) / total
    lips = _lips(phrases, spans, seen)
    return Speaking(share, spans, round(sure, 2), lips, tuple(_mismatch(lips, share)))


def attribute(cues: Iterable[Cue], speaking: Speaking) -> tuple[Cue, ...]:
    """Set the person on cues of voice and words; others, and cues nobody fits, stay as they are.

    A cue belongs to the person who says at least 70 % of the speech it spans.
    """
    return tuple(
        cue.model_copy(update={"person": _owner(cue, speaking)})
        if cue.sense in ("voice", "words") and cue.person is None
        else cue
        for cue in cues
    )


def by_speaker(heard: Heard, speaking: Speaking) -> Heard:
    """The same voice with its cues against each speaker's own usual, people set.

    Where all phrases have one speaker, or nobody can be told, `heard` comes back as it is. An
    enrolment is not used here: it would need to be known whose it is.
    """
    groups: dict[str | None, list[Span]] = {}
    for talk in speaking.spans:
        groups.setdefault(talk.person, []).append((talk.start, talk.end))
    if len(groups) < 2:
        return heard
    cues: list[Cue] = []
    windows: list[Window] = []
    missing = [m for m in heard.missing if m.what not in ("voice baseline", "speakers")]
    for person, phrases in groups.items():
        others = [span for other, spans in groups.items() if other != person for span in spans]
        told = delivery.describe(heard.columns, phrases, others=others)
        windows += (w.model_copy(update={"person": person}) for w in told.windows)
        cues += (
            cue.model_copy(update={"person": person})
            for cue in told.cues
            if cue.code != "pause" or not _interrupted(cue, heard.phrases)
        )
        whose = f"{person}: " if person else "the voice that no face was seen to speak with: "
        missing += (Missing(what=m.what, why=whose + m.why) for m in told.missing)
    windows.sort(key=lambda window: window.start)
    return replace(heard, cues=tuple(cues), missing=tuple(missing), windows=tuple(windows))


def _interrupted(pause: Cue, phrases: Sequence[Span]) -> bool:
    """Whether somebody else speaks in this pause."""
    return any(start < pause.end - 0.01 and end > pause.start + 0.01 for start, end in phrases)


def attribute_windows(windows: Iterable[Window], speaking: Speaking) -> tuple[Window, ...]:
    """Set the person on windows of the voice, by the same rule as for cues."""
    return tuple(
        window.model_copy(update={"person": _speaker(window.start, window.end, speaking)})
        if window.sense == "voice" and window.person is None
        else window
        for window in windows
    )


def _owner(cue: Cue, speaking: Speaking) -> str | None:
    # A pause lies between phrases: it belongs to whoever speaks on both sides.
    margin = 0.3 if cue.code == "pause" else 0.0
    return _speaker(cue.start - margin, cue.end + margin, speaking)


def _speaker(start: float, end: float, speaking: Speaking) -> str | None:
    """Who says at least 70 % of the speech between two moments."""
    seconds: dict[str | None, float] = {}
    for span in speaking.spans:
        common = min(end, span.end) - max(start, span.start)
        if common > 0:
            seconds[span.person] = seconds.get(span.person, 0.0) + common
    if not seconds:
        return None
    best = max(seconds, key=lambda person: seconds[person])
    return best if seconds[best] >= 0.7 * sum(seconds.values()) else None


def _countable(mouth: Mouth) -> bool:
    times = mouth[0]
    return len(times) >= 5 and float(np.median(np.diff(times))) <= 1 / SLOWEST


def _gaps(phrases: Sequence[Span]) -> list[Span]:
    """The time outside phrases."""
    edges = [-np.inf, *(edge for phrase in phrases for edge in phrase), np.inf]
    return [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _rate(mouth: Mouth, spans: Iterable[Span]) -> float | None:
    """Openings and closings a second within spans; None with under 0.4 s of mouth to see."""
    strokes, seconds = 0, 0.0
    for times, gaps in _pieces(mouth, spans):
        # Noise of the mesh, from what jumps back and forth between samples.
        noise = 1.4826 * float(np.median(np.abs(np.diff(gaps, 2)))) / np.sqrt(6)
        least = max(STROKE, 4 * noise)
        # Ends count as turning points, or a single opening would be none.
        padded = np.concatenate([[gaps[0]], gaps, [gaps[-1]]])
        for sign in (1, -1):
            strokes += len(find_peaks(sign * padded, prominence=least))
        seconds += float(times[-1] - times[0])
    return strokes / seconds if seconds >= 0.4 else None


def _pieces(mouth: Mouth, spans: Iterable[Span]) -> Iterable[Mouth]:
    """Runs of seen samples within spans, at least 5 samples and without gaps."""
    times, gaps = mouth
    for start, end in spans:
        rows = np.flatnonzero((times >= start) & (times <= end) & np.isfinite(gaps))
        if not len(rows):
            continue
        for run in np.split(rows, np.flatnonzero(np.diff(times[rows]) > 0.25) + 1):
            if len(run) >= 5:
                yield times[run], gaps[run]


def _phrase(
    series: Columns,
    span: Span,
    mouths: Mapping[str, Mouth],
    rest: Mapping[str, float | None],
) -> Talk:
    """Who says one phrase."""
    rates = {
        person: rate
        for person, mouth in mouths.items()
        if (rate := _rate(mouth, [_wide(span)])) is not None
    }
    moving = {person: rate for person, rate in rates.items() if rate >= TALKING}
    if not rates:
        return Talk(*span, None, 0.0)
    if not moving:
        still = 1 - max(rates.values()) / TALKING
        return Talk(*span, None, round(min(0.4 + 0.5 * still, 0.85), 2))
    score = {
        person: rate - 0.5 * (rest[person] or 0.0) + 2 * _together(series, span, mouths[person])
        for person, rate in moving.items()
    }
    best = max(score, key=lambda person: score[person])
    others = [value for person, value in score.items() if person != best]
    sure = min(0.5 + 0.15 * (moving[best] - TALKING), 0.85)
    if others:
        sure = min(sure, 0.35 + 0.1 * (score[best] - max(others)))
    return Talk(*span, best, round(sure, 2))


def _wide(span: Span) -> Span:
    """Lips open before the sound and close after it."""
    return span[0] - 0.1, span[1] + 0.1


def _together(series: Columns, span: Span, mouth: Mouth) -> float:
    """Correlation of opening and loudness within a phrase, −1…1; 0 where it has no meaning."""
    pieces = list(_pieces(mouth, [span]))
    if not pieces:
        return 0.0
    times, gaps = max(pieces, key=lambda piece: len(piece[0]))
    loud = np.interp(times, series["time"].astype(float), series["energy_db"].astype(float))
    if len(times) < 8 or np.std(gaps) < 1e-6 or np.std(loud) < 1e-6:
        return 0.0
    return float(np.corrcoef(gaps, loud)[0, 1])


def _lips(
    phrases: Sequence[Span], spans: Sequence[Talk], mouths: Mapping[str, Mouth]
) -> Literal["match", "mismatch", "unknown"]:
    if any(span.person is not None for span in spans):
        return "match"
    seen = max(
        sum(float(times[-1] - times[0]) for times, _ in _pieces(mouth, phrases))
        for mouth in mouths.values()
    )
    return "mismatch" if seen >= ENOUGH else "unknown"


def _mismatch(lips: str, share: Mapping[str, float]) -> Iterable[Missing]:
    if lips == "mismatch":
        whose = "the mouth in the picture keeps" if len(share) == 1 else "all mouths keep"
        yield Missing(
            what="speaker",
            why=f"voice does not match lips: {whose} still while the voice speaks; "
            "it is dubbed, or somebody out of the picture speaks",
        )
    elif lips == "unknown":
        yield Missing(what="speaker", why="mouths are seen too briefly while the voice speaks")


def _unseen(phrases: Sequence[Span], mouths: Mapping[str, Mouth]) -> Iterable[Missing]:
    if phrases and mouths:
        yield Missing(
            what="speaker",
            why=f"faces were looked at fewer than {SLOWEST:.0f} times a second: "
            "too few to see whose lips move",
        )
