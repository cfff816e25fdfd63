"""How a voice is used: columns of one clip into cues about pitch, loudness, pace and timbre.

Knows numbers over time; not how they were measured, not who speaks, nothing of emotion.

A value means little without the speaker's own usual value. Where the clip holds enough
speech, or an enrolment clip was given, cues carry `relative` in robust standard deviations
of that speaker. Where it does not, `relative` stays empty, a missing "voice baseline" says
so, and the text compares with adults in general, at low confidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from agent.schema.evidence import Cue, Missing, Window
from agent.schema.samples import Columns
from agent.senses.voice.norms import (
    NORMS,
    Baseline,
    Span,
    against_norm,
    hertz,
    measures,
    median,
    pitch_class,
    rate,
    rows_of,
    semitones,
    usual,
    voiced,
)
from agent.senses.voice.profile import profile_cues
from agent.senses.voice.utterances import spans_of, utterances, windows, with_functionals

__all__ = ["NORMS", "Baseline", "Told", "against_norm", "describe", "pitch_class", "usual"]

NOTABLE: Final = 1.0
"""Standard deviations from the speaker's own usual from which a phrase gets a cue of its own."""
UNUSUAL: Final = 1.2
"""Standard deviations from adults in general from which a value is called unusual."""
LONG_PAUSE: Final = 0.5
TURN: Final = 5.0
"""Seconds; a longer silence is no longer a pause within what is said."""


class Told(NamedTuple):
    """Cues, what is missing, and the baseline that the clip itself offers (None: too short)."""

    cues: tuple[Cue, ...]
    missing: tuple[Missing, ...]
    baseline: Baseline | None
    windows: tuple[Window, ...] = ()
    """One for each utterance; none where the series has no descriptors."""


def describe(
    series: Columns,
    phrases: Sequence[Span],
    enrolled: Baseline | None = None,
    others: Sequence[Span] = (),
) -> Told:
    """Cues for phrases (in seconds, in order) of one voice; series as in `Heard.columns`.

    `others`: phrases of other voices, over which no utterance goes on.
    """
    own = usual(series, phrases)
    said = utterances(series, phrases, others) if "loudness" in series else ()
    if own is not None:
        own = with_functionals(own, said)
    baseline = enrolled or own
    cues = [_speech(series, span) for span in phrases]
    cues += _manner(series, phrases, spans_of(phrases, others), enrolled)
    if baseline is not None and (len(phrases) > 1 or enrolled is None):
        for span in phrases:
            cues += _departures(series, span, baseline)
    for span in phrases:
        cues += _contour(series, span)
    cues += _pauses(phrases)
    cues += profile_cues(said)
    missing = tuple(_missing(series, phrases, baseline))
    return Told(tuple(cues), missing, own, windows(said, enrolled))


def _speech(series: Columns, span: Span) -> Cue:
    sure = float(np.mean(series["vad"][rows_of(series, span)].astype(np.float32)))
    seconds = span[1] - span[0]
    return _cue("speech", span, f"speaks for {seconds:.1f} s", seconds, "s", min(sure, 0.99))


def _cue(
    code: str,
    span: Span,
    text: str,
    value: float,
    unit: str,
    confidence: float,
    relative: float | None = None,
    apex: float | None = None,
) -> Cue:
    return Cue(
        sense="voice",
        person=None,
        code=code,
        start=round(span[0], 3),
        apex=round((span[0] + span[1]) / 2 if apex is None else apex, 3),
        end=round(span[1], 3),
        value=round(value, 2),
        unit=unit,
        relative=None if relative is None else round(relative, 2),
        text=text,
        confidence=round(confidence, 2),
    )


def _manner(
    series: Columns, phrases: Sequence[Span], pieces: Sequence[Span], enrolled: Baseline | None
) -> list[Cue]:
    """How the voice is used, utterance by utterance.

    A single utterance is told in full. Of several, only what is unusual among adults: over a
    whole clip, loud and soft, fast and slow would average to nothing. The middle pitch tells who
    speaks rather than how, and is told once. Against the speaker's own usual, `_departures`
    tells phrase by phrase.
    """
    whole = _overall(series, phrases, enrolled)
    if len(pieces) < 2:
        return whole
    found = [cue for cue in whole if cue.code == "pitch"]
    for start, end in pieces if enrolled is None else ():
        mine = [span for span in phrases if start <= span[0] and span[1] <= end]
        found += [cue for cue in _overall(series, mine, None) if _unusual(cue)]
    return found


def _unusual(cue: Cue) -> bool:
    """Whether the value is unusual among adults."""
    return cue.code in NORMS and abs(against_norm(cue.code, cue.value or 0.0)) >= UNUSUAL


def _overall(series: Columns, phrases: Sequence[Span], enrolled: Baseline | None) -> list[Cue]:
    """How the voice is used over these phrases: one cue a measure."""
    spoken = np.zeros(len(series["time"]), bool)
    for span in phrases:
        spoken |= voiced(series, span)
    if spoken.sum() < 20:
        return []
    whole = (phrases[0][0], phrases[-1][1])
    pitch = semitones(series["f0_hz"][spoken].astype(np.float32))
    low, middle, high = (float(q) for q in np.percentile(pitch, (10, 50, 90)))
    seconds = sum(end - start for start, end in phrases)
    syllables = sum(rate(series, span) * (span[1] - span[0]) for span in phrases)
    found = [
        _whole_pitch(middle, whole, enrolled),
        _whole("pitch_range", high - low, whole, enrolled),
        _whole("effort", median(series, "tilt_db", spoken), whole, enrolled),
    ]
    if seconds >= 1.0:
        found.append(_whole("rate", syllables / seconds, whole, enrolled))
    energy = median(series, "energy_db", spoken)
    if enrolled and (z := enrolled.relative("energy", energy)) is not None:
        found.append(_departure("energy", energy, z, whole))
    return found


def _whole_pitch(tones: float, span: Span, enrolled: Baseline | None) -> Cue:
    hz = hertz(tones)
    if enrolled and (z := enrolled.relative("pitch", tones)) is not None:
        return _departure("pitch", tones, z, span)
    return _cue("pitch", span, f"voice pitch {hz:.0f} Hz, {pitch_class(hz)}", hz, "Hz", 0.5)


_WHOLE: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "pitch_range": (
        "pitch is flat", "pitch moves as usual", "pitch moves widely", "semitones",
    ),
    "rate": (
        "speaks slowly", "speaks at a usual pace", "speaks fast", "syllables a second",
    ),
    "effort": (
        "voice soft and dull", "voice at usual effort", "voice loud or pressed",
        "dB above 1 kHz against below",
    ),
}  # fmt: skip
"""Words for low, usual and high among adults in general, and the unit spelt out."""


def _whole(code: str, value: float, span: Span, enrolled: Baseline | None) -> Cue:
    """Against this speaker where known, else against adults in general."""
    if enrolled and (z := enrolled.relative(code, value)) is not None:
        return _departure(code, value, z, span)
    z, norm = against_norm(code, value), NORMS[code]
    low, usual_words, high, unit = _WHOLE[code]
    words = usual_words if abs(z) < UNUSUAL else high if z > 0 else low
    text = f"{words} ({value:.1f} {unit}; adults {norm.mean:g} ± {norm.sd:g})"
    return _cue(code, span, text, value, norm.unit, 0.4)


_DEPARTURES: Final[Mapping[str, tuple[str, str, str]]] = {
    "pitch": (
        "voice pitched low for this speaker", "voice pitch usual for this speaker",
        "voice pitched high for this speaker",
    ),
    "energy": (
        "quiet for this speaker", "loudness usual for this speaker", "loud for this speaker",
    ),
    "effort": (
        "voice softer than usual for this speaker", "vocal effort usual for this speaker",
        "voice more pressed than usual for this speaker",
    ),
    "rate": (
        "speaks slowly for this speaker", "pace usual for this speaker",
        "speaks fast for this speaker",
    ),
    "roughness": ("", "", "voice rougher than usual for this speaker"),
    "breathiness": ("", "", "voice breathier than usual for this speaker"),
}  # fmt: skip
"""Words for low, usual and high against the speaker's own."""


def _departure(code: str, value: float, z: float, span: Span) -> Cue:
    """A cue against the speaker's own usual value; pitch is given in semitones."""
    shown, unit, number = value, "dB", f"{value:.1f} dB"
    if code == "pitch":
        shown, unit, number = hertz(value), "Hz", f"{hertz(value):.0f} Hz"
    elif code == "rate":
        unit, number = "syllables/s", f"{value:.1f} syllables a second"
    elif code in ("roughness", "breathiness"):
        number = f"harmonics {value:.1f} dB over noise"
    low, usual_words, high = _DEPARTURES[code]
    words = usual_words if abs(z) < NOTABLE else high if z > 0 else low
    confidence = min(0.45 + 0.1 * abs(z), 0.8)
    if code in ("roughness", "breathiness"):
        confidence *= 0.6
    return _cue(code, span, f"{words} ({number}, {z:+.1f} sd)", shown, unit, confidence, z)


def _departures(series: Columns, span: Span, baseline: Baseline) -> list[Cue]:
    """Where one phrase departs from how the speaker usually sounds."""
    found = measures(series, span)
    if found is None:
        return []
    if span[1] - span[0] >= 1.0:
        found["rate"] = rate(series, span)
    apart = {
        code: z
        for code, value in found.items()
        if (z := baseline.relative(code, value)) is not None
    }
    cues = [
        _departure(code, found[code], z, span)
        for code, z in apart.items()
        if code != "harmonics" and abs(z) >= NOTABLE
    ]
    if (z := apart["harmonics"]) <= -2.0:
        # Noise between the harmonics: breath goes with a soft spectrum, roughness without.
        code = "breathiness" if apart["effort"] <= -0.5 else "roughness"
        cues.append(_departure(code, found["harmonics"], -z, span))
    return cues


RISE: Final = 3.0
FALL: Final = -7.0
"""Semitones over a phrase; voices drift down by some 3 by themselves."""


def _contour(series: Columns, span: Span) -> list[Cue]:
    """A pitch that climbs or falls over the phrase more than voices do by themselves."""
    rows = np.flatnonzero(voiced(series, span))
    if len(rows) < 40:
        return []
    time = series["time"][rows].astype(np.float64)
    pitch = semitones(series["f0_hz"][rows].astype(np.float32))
    third = (time[-1] - time[0]) / 3
    first, last = pitch[time <= time[0] + third], pitch[time >= time[-1] - third]
    change = float(np.median(last) - np.median(first))
    if FALL < change < RISE:
        return []
    slope = change / (2 * third)
    words = "pitch rises" if change > 0 else "pitch falls"
    text = f"{words} over the phrase ({change:+.1f} semitones, {slope:+.1f} a second)"
    return [_cue("pitch_slope", span, text, slope, "semitones/s", 0.5)]


def _pauses(phrases: Sequence[Span]) -> list[Cue]:
    return [
        _cue("pause", (before[1], after[0]), f"silent for {gap:.1f} s", gap, "s", 0.8)
        for before, after in pairwise(phrases)
        if LONG_PAUSE <= (gap := after[0] - before[1]) <= TURN
    ]


def _missing(
    series: Columns, phrases: Sequence[Span], baseline: Baseline | None
) -> Iterable[Missing]:
    seconds = sum(end - start for start, end in phrases)
    if baseline is None:
        yield Missing(
            what="voice baseline",
            why=f"{seconds:.1f} s of speech are too little to know how this voice usually "
            "sounds; it is compared with adults in general",
        )
    if groups := _two_voices(series, phrases):
        low, high = groups
        yield Missing(
            what="speakers",
            why=f"phrases fall into two groups of pitch, around {low:.0f} and {high:.0f} Hz: "
            "perhaps more than one speaker, and voices are not told apart by sound",
        )


def _two_voices(series: Columns, phrases: Sequence[Span]) -> tuple[float, float] | None:
    """Middle pitches in Hz of two groups of phrases at least 7 semitones apart."""
    found = [(m["pitch"], b - a) for a, b in phrases if (m := measures(series, (a, b)))]
    pitches, lengths = np.array(sorted(found)).reshape(-1, 2).T
    if len(pitches) < 4:
        return None
    at = int(np.diff(pitches).argmax()) + 1
    low, high = float(np.median(pitches[:at])), float(np.median(pitches[at:]))
    smaller = min(lengths[:at].sum(), lengths[at:].sum()) / lengths.sum()
    return (hertz(low), hertz(high)) if high - low >= 7 and smaller >= 0.15 else None
