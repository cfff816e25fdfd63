"""The numbers of the rules: levels of face and voice in, one score for each emotion out.

Pure: knows no evidence, no words and no clip. The same core reads cues, tables of features
and, later, the self-made training world. Nothing here was fitted to labelled clips; each
number's source is in docs/rules.md.

A level says how far something departs from this person's usual self: for action units in
FACS intensity steps, for the voice (and for tables) in robust standard deviations. A level
of 1 is just noticeable in both, 2 is clear, 3 is strong.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC, QUIET, agreed, other_form, reported, table

Levels = Mapping[str, float]
"""AU01 … AU26, AU12_uni, AU14_uni (left against right), and the names in `VOICE`."""

Reference = Literal["rest", "usual"]
"""What a level is relative to: quiet moments, or the person's average over many emotions."""

VOICE: Final[tuple[str, ...]] = (
    "pitch",
    "pitch_range",
    "energy",
    "energy_range",
    "brightness",
    "rate",
    "roughness",
    "articulation",
)
"""Parts of the voice; articulation is how far the mouth opens in speaking."""

_TONE: Final[dict[str, tuple[tuple[float, ...], ...]]] = {
    # pitch, range, energy, its range, brightness, rate, roughness, articulation
    "neutral": ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),),
    "calm": ((-0.5, -0.5, -1.0, -0.5, -0.7, -0.5, -0.5, 0.0),),
    "happiness": (
        (1.5, 1.5, 1.0, 0.7, 0.7, 0.5, -0.5, 1.0),
        (0.3, 0.5, 0.0, 0.0, 0.0, 0.0, -0.5, 0.5),
    ),
    "sadness": (
        (-0.5, -0.5, -0.7, -0.5, -0.8, -1.0, 0.5, -0.5),
        (1.2, 0.5, 0.7, 0.7, 0.3, -0.3, 0.5, -0.5),
    ),
    "anger": (
        (1.2, 1.2, 2.0, 1.5, 2.0, 0.7, 0.7, 1.5),
        (0.2, 0.2, 0.7, 0.3, 1.0, 0.3, 0.3, 0.7),
    ),
    "fear": (
        (2.0, 0.5, 1.2, 0.7, 0.7, 1.0, 0.5, 0.0),
        (0.7, -0.3, -0.3, 0.0, -0.3, 0.5, 0.5, 0.0),
    ),
    "surprise": ((1.5, 2.0, 0.7, 0.7, 0.3, 0.3, 0.0, 0.0),),
    "disgust": ((-0.3, 0.2, 0.0, 0.0, 0.2, -1.0, 0.7, 0.0),),
    "contempt": ((-0.5, 0.0, 0.0, 0.0, 0.0, -0.5, 0.0, 0.0),),
}
"""Forms of each emotion's voice, as changes against neutral speech: Juslin & Laukka 2003, table
11; Scherer 2003, table 2; Murray & Arnott 1993, table I (disgust); Scherer & Oshinsky 1977
(surprise). Emotions with two forms are two families in Banse & Scherer 1996: elation and quiet
happiness, sadness and despair, hot and cold anger, panic and anxiety. Articulation: Lee,
Yildirim, Kazemzadeh & Narayanan 2005 (the jaw opens wider in anger, then in joy); Murray &
Arnott (sad speech is slurred). None of these has it for the others: as in neutral speech."""

_TRUST: Final[dict[str, float]] = (
    dict.fromkeys(("AU05", "AU07", "AU09", "AU10", "AU14", "AU17", "AU26"), 0.7)
    | dict.fromkeys(("AU11", "AU15", "AU20", "AU23", "AU24", "AU25", "AU43"), 0.5)
    | {
        "brightness": 0.7,
        "pitch_range": 0.5,
        "energy_range": 0.5,
        "rate": 0.5,
        "roughness": 0.2,
    }
)
"""How far a detector's word counts; 0.8 for the units that every detector reads well.
AU25 and AU43 are read well but come and go with much else. Of the voice, pitch and energy
replicate best across studies; rate hangs on the text, roughness on the
recording and on loudness (Brockmann et al. 2008)."""

_SPEECH: Final[dict[str, float]] = dict.fromkeys(("AU17", "AU23", "AU24", "AU25", "AU26"), 0.15) | {
    "AU20": 0.6
}
"""What a mouth's movement still says while the person speaks: vowels open it, b, p and m
press it and raise the chin, and an angry speaker cannot keep the lips pressed."""

_TOGETHER: Final[tuple[tuple[str, ...], ...]] = (
    ("AU01", "AU02"),
    ("AU06", "AU07", "AU09", "AU10", "AU11", "AU12", "AU14", "AU20"),
    ("AU25", "AU26"),
    ("AU17", "AU23", "AU24"),
    ("pitch", "energy", "brightness", "articulation"),
    ("pitch", "pitch_range"),
    ("energy", "energy_range"),
)
"""What moves together whatever is felt: neighbouring muscles bulge the same skin (FACS
lists 6, 9, 10, 12 and 20 among each other's look-alikes), vocal effort raises pitch, energy
and high frequencies at once. Members are not independent witnesses."""

_SHARED: Final = 0.5
"""Correlation within such a group."""
_APEX: Final = 2.0
"""Steps above rest that a unit reaches where it is shown."""
_SIGNAL: Final = 0.6
"""Correlation of a measurement with what it measures, at its usual: published detectors of
action units reach 0.5 on faces of other collections and 0.6 to 0.7 on their own."""

_MISLEADS: Final[dict[str, float]] = {"face": 0.1, "voice": 0.2}
"""Chance that a channel does not show what is felt: posing, masking, measuring wrongly. Judges
tell emotions from the voice alone less often than from the face (Scherer 2003)."""

_STRENGTHS: Final[tuple[float, ...]] = (0.6, 1.0, 1.4)
"""Expressions come weak, plain and strong: shares of the tables' size, equally likely."""

_ERROR: Final = 0.8
"""Steps by which measured intensities err: published root mean squares are 0.6 to 1.0."""
_UNSEEN: Final = 0.4
"""What a unit that was looked for and not seen counts against a clear one: detectors miss more
than they invent. Between nothing and two steps the weight grows."""

_BLUNT: Final = 0.64
"""What is left of the trust in a unit that is told as yes or no: cutting a graded measurement in
two takes a fifth of its correlation with anything (Cohen 1983), so a third of its square."""

_KNOWN: Final = frozenset((*table("neutral"), *VOICE))
"""Codes of the face and the voice that the tables have."""

Matrix = npt.NDArray[np.float64]


def expected(
    code: str, labels: tuple[str, ...], reference: Reference, mix: tuple[str, ...] | None = None
) -> Matrix:
    """Level to expect of one code under each form (0 or 1) of each label: 2 × labels.

    Against rest: the tables' own sizes. Against the person's average over the labels in `mix`
    (default: the same): standardised over those, and as much smaller as measuring is noisy.
    """
    raw = reference == "usual"
    sizes = _sizes(code, labels, raw)
    if raw:
        usual = _sizes(code, mix or labels, raw)
        spread = float(usual.std())
        if code not in VOICE:
            often = float(usual.mean()) / _APEX + QUIET
            spread = _APEX * math.sqrt(often * (1 - often))
        sizes = _SIGNAL * (sizes - usual.mean()) / (spread or 1.0)
    return sizes


def _sizes(code: str, labels: tuple[str, ...], raw: bool) -> Matrix:
    """Forms × labels. A moment shows one form; a clip's mean blends them, and a raw detector
    also reports look-alikes, which cues have left behind."""
    if code in VOICE:
        at = VOICE.index(code)
        return np.array([[_TONE[label][form][at] for label in labels] for form in (0, -1)])
    if raw:
        blend = [reported(agreed(label))[code] for label in labels]
        shares = [blend, blend]
    else:
        shares = [[form(label)[code] for label in labels] for form in (table, other_form)]
    return _APEX * (np.array(shares) - QUIET)


@cache
def _model(
    codes: tuple[str, ...], labels: tuple[str, ...], reference: Reference
) -> tuple[Matrix, Matrix]:
    """Expected levels (strengths and forms × labels × codes), and a root of the inverse of the
    correlations of what goes together (codes × codes)."""
    both = (*labels, "neutral")
    full = np.stack([expected(code, both, reference, labels) for code in codes], axis=-1)
    shown, rest = full[:, :-1], full[:, -1:]
    means = np.concatenate([rest + strength * (shown - rest) for strength in _STRENGTHS])
    alike = np.eye(len(codes))
    for i, one in enumerate(codes):
        for j, other in enumerate(codes):
            if i != j and any(one in group and other in group for group in _TOGETHER):
                alike[i, j] = _SHARED
    return means, np.linalg.cholesky(np.linalg.inv(alike))


def _trust(codes: tuple[str, ...], speaking: Matrix, blunt: Collection[str]) -> Matrix:
    """Moments × codes."""
    each = [_TRUST.get(code, 0.8) * (_BLUNT if code in blunt else 1.0) for code in codes]
    hidden = [1 - _SPEECH.get(code, 1.0) for code in codes]
    return np.asarray(np.array(each) * (1 - speaking[:, None] * np.array(hidden)))


def _width(codes: tuple[str, ...], values: Matrix, reference: Reference, trust: Matrix) -> Matrix:
    """Standard deviation of a level about what is expected: noise, more where it is doubted."""
    if reference == "usual":
        return np.sqrt((1 - _SIGNAL**2) / trust)
    seen = _UNSEEN + (1 - _UNSEEN) * np.minimum(1.0, np.abs(values) / _APEX)
    heard = np.array([code in VOICE for code in codes])
    return np.where(heard, np.sqrt(1.0 / trust), _ERROR / np.sqrt(trust * seen))


def spoken(code: str, speaking: float) -> float:
    """What a unit's level still says, 0-1, while so much of the time is speech."""
    return 1.0 - speaking * (1.0 - _SPEECH.get(code, 1.0))


def scores(
    levels: Levels,
    labels: Iterable[str] = BASIC,
    *,
    speaking: float = 0.0,
    reference: Reference = "rest",
    blunt: Collection[str] = (),
) -> dict[str, float]:
    """Log-likelihood of each label, from face and voice; empty where nothing has a level.

    Each channel is a Gaussian about what the tables expect of each label, with the covariance
    of `_TOGETHER`; each may mislead with the chance in `_MISLEADS`, so that one channel alone
    can never silence the other. `speaking` 0-1 is the share of the time with speech; it takes
    weight from the movements of the mouth. `blunt` names units that were told as yes or no only.
    Codes that no table knows are ignored.

    >>> best = scores({"AU06": 2.5, "AU12": 3.0, "AU04": 0.0})
    >>> max(best, key=best.get)
    'happiness'
    """
    return scores_each([(levels, speaking)], labels, reference=reference, blunt=blunt)[0]


def scores_each(
    rows: Sequence[tuple[Levels, float]],
    labels: Iterable[str] = BASIC,
    *,
    reference: Reference = "rest",
    blunt: Collection[str] = (),
) -> list[dict[str, float]]:
    """The same of many moments at once, each with its share of speech."""
    labels = tuple(labels)
    total = np.zeros((len(rows), len(labels)))
    codes = [_known(levels) for levels, _ in rows]
    for channel, doubt in _MISLEADS.items():
        mine = [tuple(c for c in row if (c in VOICE) == (channel == "voice")) for row in codes]
        for same in {*mine} - {()}:
            at = [n for n, each in enumerate(mine) if each == same]
            fits = _fits([rows[n] for n in at], same, labels, reference, blunt)
            share = np.exp(fits - _log_sum(fits))
            total[at] += np.log((1 - doubt) * share + doubt / len(labels))
    found = [dict(zip(labels, each, strict=True)) for each in total.tolist()]
    return [told if known else {} for told, known in zip(found, codes, strict=True)]


def at_face_value(
    levels: Levels, labels: Iterable[str] = BASIC, *, speaking: float = 0.0
) -> dict[str, float]:
    """As `scores` against rest, but as if no channel could mislead: what it says by itself."""
    labels = tuple(labels)
    codes = _known(levels)
    if not codes:
        return {}
    (fits,) = _fits([(levels, speaking)], codes, labels, "rest", ()).tolist()
    return dict(zip(labels, fits, strict=True))


def _known(levels: Levels) -> tuple[str, ...]:
    """Codes that the tables know and that have a level, in order."""
    return tuple(sorted(c for c, v in levels.items() if c in _KNOWN and math.isfinite(v)))


def _fits(
    rows: Sequence[tuple[Levels, float]],
    codes: tuple[str, ...],
    labels: tuple[str, ...],
    reference: Reference,
    blunt: Collection[str],
) -> Matrix:
    """Moments × labels, of moments that have levels of the same codes."""
    means, root = _model(codes, labels, reference)
    values = np.array([[levels[code] for code in codes] for levels, _ in rows])
    trust = _trust(codes, np.array([speaking for _, speaking in rows]), blunt)
    width = _width(codes, values, reference, trust)[:, None, None]
    away = (_soft(values)[:, None, None] - means) / width
    by_strength = -0.5 * ((away @ root) ** 2).sum(axis=-1)
    top = by_strength.max(axis=1)
    return np.asarray(top + np.log(np.exp(by_strength - top[:, None]).mean(axis=1)))


def _log_sum(values: Matrix) -> Matrix:
    top = values.max(axis=-1, keepdims=True)
    return np.asarray(top + np.log(np.exp(values - top).sum(axis=-1, keepdims=True)))


def _soft(levels: Matrix) -> Matrix:
    """Levels with their extremes drawn in, so that one wild measurement cannot decide."""
    return np.asarray(3.0 * np.tanh(levels / 3.0))


def shares(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores as shares that sum to 1, most likely first; empty stays empty."""
    if not scores:
        return {}
    top = max(scores.values())
    raw = {label: math.exp(score - top) for label, score in scores.items()}
    whole = sum(raw.values())
    ordered = sorted(raw, key=lambda label: -raw[label])
    return {label: raw[label] / whole for label in ordered}
