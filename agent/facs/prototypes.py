"""Which muscles move in which emotion: published tables as data, and the chance of each unit.

Knows FACS tables, no evidence and no scores. Sources: Du, Tao & Martinez, "Compound facial
expressions of emotion", PNAS 2014, table 1 (share of 230 posing people who moved each unit;
units below 20 % are not listed there); Friesen & Ekman, EMFACS-7, 1983 (core combinations);
Ekman & Friesen, "A new pan-cultural facial expression of emotion", 1986 (one-sided contempt).
"""

from __future__ import annotations

from typing import Final

BASIC: Final[tuple[str, ...]] = (
    "neutral",
    "happiness",
    "sadness",
    "anger",
    "fear",
    "surprise",
    "disgust",
    "contempt",
)
"""Labels of the general profile."""

USUAL: Final = 0.9
"""Share given to units that the table calls prototypical (more than 70 % of people)."""
CORE: Final = 0.6
"""Least share of a unit in EMFACS' core combination for an emotion."""
RARE: Final = 0.1
"""Share of units that a table does not list: below 20 %, so about half of that."""
QUIET: Final = 0.05
"""Share of any unit in a face at rest."""

_BASIC: Final[dict[str, tuple[tuple[int, ...], dict[int, float]]]] = {
    "happiness": ((12, 25), {6: 0.51}),
    "sadness": ((4, 15), {1: 0.60, 6: 0.50, 11: 0.26, 17: 0.67}),
    "fear": ((1, 4, 20, 25), {2: 0.57, 5: 0.63, 26: 0.33}),
    "anger": ((4, 7, 24), {10: 0.26, 17: 0.52, 23: 0.29}),
    "surprise": ((1, 2, 25, 26), {5: 0.66}),
    "disgust": ((9, 10, 17), {4: 0.31, 24: 0.26}),
}

COMPOUND: Final[dict[str, tuple[tuple[int, ...], dict[int, float]]]] = {
    "happily surprised": ((1, 2, 12, 25), {5: 0.64, 26: 0.67}),
    "happily disgusted": ((10, 12, 25), {4: 0.32, 6: 0.61, 9: 0.59}),
    "sadly fearful": ((1, 4, 20, 25), {2: 0.46, 5: 0.24, 6: 0.34, 15: 0.30}),
    "sadly angry": ((4, 15), {6: 0.26, 7: 0.48, 11: 0.20, 17: 0.50}),
    "sadly surprised": ((1, 4, 25, 26), {2: 0.27, 6: 0.31}),
    "sadly disgusted": (
        (4, 10),
        {1: 0.49, 6: 0.61, 9: 0.20, 11: 0.35, 15: 0.54, 17: 0.47, 25: 0.43},
    ),
    "fearfully angry": ((4, 20, 25), {5: 0.40, 7: 0.39, 10: 0.30, 11: 0.33}),
    "fearfully surprised": ((1, 2, 5, 20, 25), {4: 0.47, 10: 0.35, 11: 0.22, 26: 0.51}),
    "fearfully disgusted": ((1, 4, 10, 20, 25), {2: 0.64, 5: 0.50, 6: 0.26, 9: 0.28, 15: 0.33}),
    "angrily surprised": ((4, 25, 26), {5: 0.35, 7: 0.50, 10: 0.34}),
    "angrily disgusted": ((4, 10, 17), {7: 0.60, 9: 0.57, 24: 0.36}),
    "disgustedly surprised": ((1, 2, 5, 10), {4: 0.45, 9: 0.37, 17: 0.66, 24: 0.33}),
}
"""Prototypical units and variants with their shares, for blends of two basic emotions."""

PARTS: Final[dict[str, tuple[str, str]]] = {
    "happily surprised": ("happiness", "surprise"),
    "happily disgusted": ("happiness", "disgust"),
    "sadly fearful": ("sadness", "fear"),
    "sadly angry": ("sadness", "anger"),
    "sadly surprised": ("sadness", "surprise"),
    "sadly disgusted": ("sadness", "disgust"),
    "fearfully angry": ("fear", "anger"),
    "fearfully surprised": ("fear", "surprise"),
    "fearfully disgusted": ("fear", "disgust"),
    "angrily surprised": ("anger", "surprise"),
    "angrily disgusted": ("anger", "disgust"),
    "disgustedly surprised": ("disgust", "surprise"),
}

C_EXPR: Final[tuple[str, ...]] = (
    "fearfully surprised",
    "happily surprised",
    "sadly surprised",
    "disgustedly surprised",
    "angrily surprised",
    "sadly fearful",
    "sadly angry",
)
"""The seven compound classes of C-EXPR-DB, in the order of its challenge."""

_EMFACS: Final[dict[str, tuple[int, ...]]] = {
    "happiness": (6, 12),
    "sadness": (1, 4, 15),
    "surprise": (1, 2, 5, 26),
    "fear": (1, 2, 4, 5, 7, 20, 26),
    "anger": (4, 5, 7, 23),
    "disgust": (9, 15, 17),
}

_LIDS: Final[dict[str, float]] = {"sadness": 0.4, "disgust": 0.3, "surprise": 0.02, "fear": 0.02}
"""Lids lowered or shut (AU43). The posing table has none; the FACS Investigator's Guide lists
sad looks with head and eyes down, narrowed eyes go with 9, and AU5 works against it."""

_OTHER: Final[dict[str, tuple[int, ...]]] = {
    "happiness": (12,),
    "sadness": (1, 4),
    "fear": (1, 2, 4, 5),
    "anger": (4, 5, 7, 10, 23, 25, 26),
    "surprise": (1, 2, 5),
    "disgust": (10,),
}
"""A second form of each emotion, from the list of prototypes and variants in the FACS
Investigator's Guide (Ekman, Friesen & Hager 2002): a smile alone, sadness and fear without
the mouth, anger with an open mouth, surprise with a closed one, disgust by the lip."""

_LISTED: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "happiness": ((6, 12), (6, 12, 25), (6, 12), (6, 7, 12, 25, 26), (6, 7, 12, 25, 26)),
    "sadness": ((1, 4, 15), (1, 4, 15, 17), (1, 4, 15, 17), (1, 4, 6, 15, 17), (4, 43)),
    "fear": (
        (1, 2, 4, 5, 7, 20, 26), (1, 2, 4, 5, 20, 25), (1, 2, 4, 5, 20, 25),
        (1, 2, 4, 5, 7, 20, 25), (1, 2, 5, 7, 25, 26),
    ),
    "anger": (
        (4, 5, 7, 23), (4, 5, 7, 10, 23, 25, 26), (4, 5, 7, 23, 24), (4, 5, 17, 23, 24), (4, 7),
    ),
    "surprise": (
        (1, 2, 5, 26), (1, 2, 5, 26), (1, 2, 5, 25, 26), (1, 2, 5, 25, 26), (1, 2, 5, 25, 26),
    ),
    "disgust": (
        (9, 15, 17), (9, 10, 17), (9, 10, 25, 26), (7, 9, 25, 26), (4, 6, 7, 9, 10, 25, 26),
    ),
}  # fmt: skip
"""Units of each emotion by five authors, in this order: EMFACS-7; a prototype of the FACS
Investigator's Guide; Matsumoto et al. 2008; Keltner et al. 2019; Cordaro et al. 2018."""

_CONTENT: Final = (12, 43)
"""Units of contentment in both Keltner et al. 2019 and Cordaro et al. 2018."""

ONE_SIDED: Final[dict[str, float]] = {"AU12_uni": 0.5, "AU14_uni": 0.7}
"""Contempt: a corner tightened or pulled on one side only; how often each form is shown is
not in the tables, the two shares say that 14 is the commoner one."""

UNITS: Final[tuple[int, ...]] = (
    1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 43,
)  # fmt: skip
"""Units that any of the tables uses."""


def other_form(emotion: str) -> dict[str, float]:
    """As `table`, for the second form of an emotion; the same where there is none."""
    if emotion not in _OTHER:
        return table(emotion)
    shares = dict.fromkeys(_codes(UNITS), RARE) | dict.fromkeys(ONE_SIDED, QUIET)
    return shares | dict.fromkeys(_codes(_OTHER[emotion]), USUAL)


def forms(emotion: str) -> tuple[dict[str, float], ...]:
    """Every published form of a basic label: code of each unit → share of people who show it.

    The posing table, five authors' lists and the second form of the FACS Investigator's Guide;
    contempt on one side, and with 14 on both.
    """
    if emotion == "neutral":
        return (table("neutral"),)
    if emotion == "contempt":
        # One side alone counts half for the pair, so the pair is rarely plain in a one-sided form.
        return (table("contempt"), table("neutral") | {"AU14": USUAL})
    rare = dict.fromkeys(_codes(UNITS), RARE) | dict.fromkeys(ONE_SIDED, QUIET)
    usual, variants = _BASIC[emotion]
    posed = rare | _listing(usual) | {f"AU{unit:02d}": share for unit, share in variants.items()}
    lists = [rare | _listing(units) for units in _LISTED[emotion]]
    return (posed, *lists, rare | _listing(_OTHER[emotion]))


def table(emotion: str) -> dict[str, float]:
    """Code of each unit → share of people who show it in this emotion, 0-1.

    Knows the basic labels, "calm" and the compounds; raises KeyError for others.
    """
    if emotion == "neutral":
        return dict.fromkeys(_codes(UNITS), QUIET) | dict.fromkeys(ONE_SIDED, QUIET)
    if emotion == "calm":
        # No table has it. At rest, with the slight smile of mild pleasantness.
        return table("neutral") | {"AU12": 0.25}
    if emotion == "contempt":
        return table("neutral") | {"AU14": 0.3, "AU12": 0.2} | ONE_SIDED
    usual, variants = _BASIC[emotion] if emotion in _BASIC else COMPOUND[emotion]
    shares = dict.fromkeys(_codes(UNITS), RARE) | dict.fromkeys(ONE_SIDED, QUIET)
    shares |= dict(zip(_codes(usual), (USUAL,) * len(usual), strict=True))
    shares |= {f"AU{unit:02d}": share for unit, share in variants.items()}
    shares["AU43"] = _LIDS.get(emotion, RARE)
    for code in _codes(_EMFACS.get(emotion, ())):
        shares[code] = max(shares[code], CORE)
    return shares


def agreed(emotion: str) -> dict[str, float]:
    """As `table`, but the mean of six authors where they list the emotion.

    One author's list is a claim, and where they differ none is known to be right. Calm lies
    half way between neutral and contentment.
    """
    if emotion == "calm":
        return _mean(table("neutral"), table("neutral") | _listing(_CONTENT))
    if emotion not in _LISTED:
        return table(emotion)
    usual, variants = _BASIC[emotion]
    posed = _listing(usual) | {f"AU{unit:02d}": share for unit, share in variants.items()}
    rare = dict.fromkeys(_codes(UNITS), RARE) | dict.fromkeys(ONE_SIDED, QUIET)
    return _mean(*(rare | shown for shown in (posed, *map(_listing, _LISTED[emotion]))))


def _listing(units: tuple[int, ...]) -> dict[str, float]:
    return dict.fromkeys(_codes(units), USUAL)


def _mean(*tables: dict[str, float]) -> dict[str, float]:
    return {code: sum(t[code] for t in tables) / len(tables) for code in tables[0]}


LOOKS_LIKE: Final[dict[str, dict[str, float]]] = {
    "AU01": {"AU02": 0.5},
    "AU02": {"AU01": 0.3},
    "AU04": {"AU09": 0.5},
    "AU06": {"AU12": 0.5, "AU09": 0.5, "AU10": 0.3},
    "AU07": {"AU06": 0.5, "AU09": 0.5, "AU12": 0.3},
    "AU10": {"AU09": 0.5, "AU12": 0.3},
    "AU11": {"AU12": 0.5, "AU10": 0.5, "AU09": 0.3},
    "AU12": {"AU06": 0.3, "AU10": 0.3},
    "AU14": {"AU12": 0.5},
    "AU20": {"AU12": 0.3, "AU10": 0.3},
    "AU25": {"AU26": 0.5, "AU10": 0.3, "AU20": 0.3},
    "AU43": {"AU09": 0.3, "AU07": 0.3, "AU06": 0.3},
}
"""Unit → units that change the same skin, and the chance that it is then reported too: 0.5 where
the FACS manual names the change among that unit's own signs (9 lowers the inner brow, raises
the cheek and the upper lip; 12 raises the cheek), 0.3 where it names it as a side effect."""

HIDES: Final[dict[str, dict[str, float]]] = {
    "AU02": {"AU04": 0.5},
    "AU04": {"AU02": 0.5},
    "AU05": {"AU43": 0.5, "AU09": 0.5, "AU06": 0.3, "AU07": 0.3},
    "AU12": {"AU15": 0.3},
    "AU15": {"AU12": 0.5},
    "AU24": {"AU25": 0.5, "AU26": 0.5},
}
"""Unit → units that work against it at the same skin, and the chance that it is then missed."""


def reported(true: dict[str, float]) -> dict[str, float]:
    """Shares of `table` as measured: with look-alikes added and hidden units lost."""
    seen = {}
    for code, share in true.items():
        miss = 1.0 - share
        for other, chance in LOOKS_LIKE.get(code, {}).items():
            miss *= 1.0 - chance * true[other]
        found = 1.0 - miss
        for other, chance in HIDES.get(code, {}).items():
            found *= 1.0 - chance * true[other]
        seen[code] = found
    return seen


def _codes(units: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"AU{unit:02d}" for unit in units)


STATES: Final[dict[str, tuple[tuple[str, bool | None], ...]]] = {
    "tension": (
        ("AU24", None), ("AU23", None), ("AU20", None), ("AU14", None), ("AU04", None),
        ("AU07", None), ("pitch", True),
    ),
    "calm": (("pitch", False), ("loudness", False), ("speech_rate", False)),
    "boredom": (("gaze_away", None), ("AU43", None), ("pitch_range", False), ("loudness", False)),
    "confusion": (("AU04", None), ("AU07", None), ("tilt", None)),
    "doubt": (("AU14", None), ("AU17", None), ("AU15", None), ("tilt", None), ("shake", None)),
    "interest": (("AU01+AU02", None), ("AU05", None), ("tilt", None), ("nod", None)),
    "excitement": (
        ("AU12", None), ("pitch", True), ("loudness", True), ("speech_rate", True),
        ("pitch_range", True),
    ),
    "embarrassment": (("gaze_down", None), ("head_down", None), ("AU24", None), ("AU14", None)),
    "shame": (("head_down", None), ("gaze_down", None)),
    "guilt": (("gaze_down", None), ("gaze_away", None)),
    "pride": (("head_up", None), ("AU12", None)),
    "tiredness": (("AU43", None), ("AU27", None), ("speech_rate", False), ("pitch_range", False)),
    "pain": (("AU04", None), ("AU06", None), ("AU07", None), ("AU09", None), ("AU10", None),
             ("AU43", None)),
    "relief": (("AU12", None), ("AU43", None)),
    "love": (("AU06+AU12", None), ("AU12", None)),
    "jealousy": (),
}  # fmt: skip
"""States of mind that are no basic emotion: codes that go with them in the literature, and of the
voice whether above (True) or below the speaker's usual. Signs, no proof: each also goes with other
states. Tension: Giannakakis et al. 2017. Boredom, confusion: D'Mello & Graesser 2009. Interest:
Reeve 1993. Embarrassment: Keltner 1995. Pride, shame: Tracy & Robins 2004, Tracy & Matsumoto 2008.
Pain: Prkachin & Solomon 2008. Voice: Juslin & Laukka 2003, Scherer 2003."""
