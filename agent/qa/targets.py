"""What a question is about: codes of cues, regions, feelings, in order of mention.

Knows the tags of a question and which part of the face moves how in which action unit; no
language and no clip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agent.facs.units import AUS
from agent.qa.vocabulary import Tag

SHAPES: Final[dict[tuple[str, str], str]] = {
    ("inner_brow", "up"): "AU01", ("outer_brow", "up"): "AU02", ("brow", "up"): "AU01+AU02",
    ("brow", "down"): "AU04", ("brow", "together"): "AU04", ("brow", "wrinkle"): "AU04",
    ("brow", "pull"): "AU04", ("brow", "tight"): "AU04",
    ("upper_lid", "up"): "AU05", ("lid", "up"): "AU05", ("eye", "wide"): "AU05",
    ("eye", "open"): "AU05", ("eye", "stretch"): "AU05", ("lid", "tight"): "AU07",
    ("upper_lid", "tight"): "AU07", ("eye", "narrow"): "AU07", ("lid", "narrow"): "AU07",
    ("eye", "tight"): "AU07", ("eye", "together"): "AU07", ("eye", "press"): "AU07",
    ("eye", "close"): "AU43", ("lid", "close"): "AU43", ("lid", "down"): "AU43",
    ("eye", "wrinkle"): "AU06", ("cheek", "up"): "AU06", ("cheek", "puff"): "AU34",
    ("nose", "wrinkle"): "AU09", ("nose", "up"): "AU09", ("nose", "wide"): "AU38",
    ("upper_lip", "up"): "AU10", ("upper_lip", "wrinkle"): "AU10", ("lower_lip", "down"): "AU16",
    ("lower_lip", "suck"): "AU28", ("lip_corner", "up"): "AU12", ("lip_corner", "pull"): "AU12",
    ("lip_corner", "down"): "AU15", ("lip_corner", "tight"): "AU14",
    ("mouth", "up"): "AU12", ("mouth", "pull"): "AU12", ("mouth", "down"): "AU15",
    ("lip", "down"): "AU15", ("lip", "press"): "AU24", ("mouth", "press"): "AU24",
    ("lip", "together"): "AU24", ("mouth", "together"): "AU24", ("lip", "close"): "AU24",
    ("lip", "tight"): "AU23", ("mouth", "tight"): "AU23", ("lip", "narrow"): "AU23",
    ("lip", "pucker"): "AU18", ("mouth", "pucker"): "AU18", ("lip", "stretch"): "AU20",
    ("mouth", "stretch"): "AU27", ("mouth", "wide"): "AU27", ("lip", "wide"): "AU20",
    ("lip", "sideways"): "AU20", ("lip", "forward"): "AU22", ("lip", "open"): "AU25",
    ("mouth", "open"): "AU25", ("lip", "suck"): "AU28", ("mouth", "suck"): "AU28",
    ("chin", "up"): "AU17", ("chin", "wrinkle"): "AU17", ("chin", "down"): "AU26",
    ("jaw", "down"): "AU26", ("jaw", "open"): "AU26", ("jaw", "forward"): "AU29",
    ("chin", "forward"): "AU29", ("jaw", "sideways"): "AU30", ("tongue", "out"): "AU19",
    ("head", "up"): "head_up", ("head", "down"): "head_down",
}  # fmt: skip
"""Part of the face, motion → code. AU38 (nostrils) is in no sense's table: not measured."""

REGIONS: Final[dict[str, str]] = {
    "inner_brow": "brow", "outer_brow": "brow", "brow": "brow", "upper_lid": "eye", "lid": "eye",
    "eye": "eye", "cheek": "cheek", "nose": "nose", "upper_lip": "mouth", "lower_lip": "mouth",
    "lip_corner": "mouth", "lip": "mouth", "mouth": "mouth", "chin": "mouth", "jaw": "jaw",
    "tongue": "mouth", "head": "head", "face": "face", "voice": "voice", "gaze_part": "gaze",
}  # fmt: skip
"""Part of the lexicon → target that stands for all that happens there."""

VOICE: Final = frozenset({
    "pitch", "pitch_range", "loudness", "speech_rate", "tremor", "roughness", "breathiness",
    "effort", "voice",
})  # fmt: skip
_UNIT: Final = re.compile(r"(?:\baus?|action units?|units?)[ _-]?0*(\d{1,2})\b")


@dataclass(frozen=True, slots=True)
class Target:
    """One thing mentioned, and where."""

    code: str
    start: int
    end: int

    @property
    def felt(self) -> bool:
        """A feeling or a dimension of feeling."""
        return self.code.startswith("emotion") or self.code in ("valence", "arousal")

    @property
    def voiced(self) -> bool:
        """How a voice is used."""
        return self.code in VOICE

    @property
    def vague(self) -> bool:
        """A region, or "emotion" without a name."""
        return self.code == "emotion" or self.code in REGIONS.values()


def targets(words: str, tags: Sequence[Tag]) -> list[Target]:
    """All targets in order of mention; vague ones only where nothing sharper is there too."""
    named = [*_units(words), *_named(tags)]
    parts = [t for t in tags if t.section == "part" and not _inside(t, named)]
    moves = [t for t in tags if t.section == "motion" and not _inside(t, [*named, *parts])]
    shapes = list(_shapes(parts, moves))
    found = named + [shape for shape in shapes if not _inside(shape, named)]
    found += [
        Target(REGIONS[part.key], part.start, part.end)
        for part in parts
        if not _inside(part, shapes)
    ]
    if any(t.voiced and t.code != "voice" for t in found):
        # "Does she speak louder?" is about loudness.
        found = [t for t in found if t.code != "speech"]
    return sorted(set(found), key=lambda t: (t.vague, t.start))


def _units(words: str) -> Iterator[Target]:
    for match in _UNIT.finditer(words):
        if (number := int(match[1])) in AUS:
            code = "blink" if number == 45 else AUS[number].code
            yield Target(code, match.start(), match.end())


def _named(tags: Iterable[Tag]) -> Iterator[Target]:
    felt = [t for t in tags if t.section == "emotion"]
    for tag in tags:
        if tag.section == "target" and not any(_covers(other, tag) for other in felt):
            yield Target(tag.key, tag.start, tag.end)
    for tag in felt:
        if not any(_covers(t, tag) for t in tags if t.section == "target"):
            yield Target(f"emotion:{tag.key}", tag.start, tag.end)


def _shapes(parts: Sequence[Tag], moves: Sequence[Tag]) -> Iterator[Target]:
    """Each part with the nearest motion that it can make; "pulled" says less than "down"."""
    for part in parts:
        able = [m for m in moves if (part.key, m.key) in SHAPES and not m.over(part)]
        if able:
            near = min(
                able, key=lambda m: (m.key == "pull", max(m.start - part.end, part.start - m.end))
            )
            start, end = min(part.start, near.start), max(part.end, near.end)
            yield Target(SHAPES[part.key, near.key], start, end)


def _covers(large: Tag, small: Tag) -> bool:
    """Whether one lies in the other and is no longer than it in turn."""
    inside = large.start <= small.start and small.end <= large.end
    return inside and (large.end - large.start) > (small.end - small.start)


def _inside(tag: Tag | Target, others: Iterable[Target | Tag]) -> bool:
    return any(o.start <= tag.start and tag.end <= o.end for o in others)
