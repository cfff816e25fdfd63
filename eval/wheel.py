"""Emotion wheels: open-vocabulary labels grouped by five wheels, and scores over the groups.

Knows words and wheels, no model. A label is brought to its base form, to the words it is a
synonym of, and to the sector of each wheel that holds the first of those words in alphabetical
order; level 1 is the inner ring, level 2 the next. Source: Lian et al., MER-UniBench
(AffectGPT, 2025); mapping: MERTools MER2026 (Apache-2.0), see `eval/data`.

The sound scores differ from the published ones (`eval.published`): a word that no wheel holds
counts as a group of its own instead of vanishing, so junk costs precision and a rare gold word
can be hit exactly; "neutral" is such a group; nothing is ever divided by zero.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

DATA: Final = Path(__file__).parent / "data" / "mer2026_wheels.json.gz"
Level = Literal["level1", "level2"]
WHEELS: Final = 5

_SPLIT: Final = re.compile(r"[\[\]'\",]")
_SOUND_SPLIT: Final = re.compile(r"[\[\]\"“”,;/\n、，；]|(?<!\w)'|'(?!\w)|\band\b")


class WheelError(ValueError):
    """A mapping file that cannot be used; the message says what is wrong with it."""


def split(text: str) -> list[str]:
    """Labels of a list written as text, as the published code cuts it.

    >>> split("['happy', 'sad']")
    ['happy', 'sad']
    """
    return [label for part in _SPLIT.split(text) if (label := part.strip())]


def labels(text: str) -> list[str]:
    """Labels of a list written as text: any usual separator, lower case, no doubles.

    >>> labels("Happy and relieved; happy.")
    ['happy', 'relieved']
    """
    parts = (part.strip(" \t.!").lower() for part in _SOUND_SPLIT.split(text))
    return list(dict.fromkeys(" ".join(part.split()) for part in parts if part))


@dataclass(frozen=True, slots=True)
class Groups:
    """One label's sectors as bits, all five wheels side by side."""

    bits: int
    word: str | None
    """The base word where no wheel holds the label, else None."""


@dataclass(frozen=True)
class Wheels:
    """The mapping, ready to look labels up."""

    forms: Mapping[str, Sequence[str]]
    """Word form → base words."""
    synonyms: Mapping[str, Sequence[str]]
    """Base word → wheel words."""
    sectors: Sequence[Mapping[Level, Mapping[str, str]]]
    """Per wheel and level: wheel word → sector."""
    _bits: dict[Level, tuple[dict[tuple[int, str], int], tuple[int, ...]]] = field(
        default_factory=dict, repr=False
    )
    _known: dict[tuple[str, Level], Groups] = field(default_factory=dict, repr=False)

    def sector(self, label: str, wheel: int, level: Level = "level1") -> str:
        """Sector of a lower-case label in one wheel (0-4); "" where the wheel lacks it."""
        sector = self.sectors[wheel][level]
        words = {word for form in self.forms.get(label, ()) for word in self.synonyms[form]}
        return next((sector[word] for word in sorted(words) if word in sector), "")

    def base(self, label: str) -> str:
        """First base word in alphabetical order; "" for an unknown word."""
        return min(self.forms.get(label, ("",)))

    def synonym(self, label: str) -> str:
        """First synonym of the base word in alphabetical order; "" for an unknown word."""
        return min(self.synonyms[self.base(label)]) if label in self.forms else ""

    def masks(self, level: Level) -> tuple[int, ...]:
        """The bits that belong to each wheel."""
        return self._layout(level)[1]

    def groups(self, label: str, level: Level = "level1") -> Groups:
        """Sectors of a lower-case label in all wheels at once."""
        key = (label, level)
        if key not in self._known:
            bit = self._layout(level)[0]
            found = [(w, self.sector(label, w, level)) for w in range(len(self.sectors))]
            bits = sum(bit[item] for item in found if item[1])
            self._known[key] = Groups(bits, None if bits else self.base(label) or label)
        return self._known[key]

    def _layout(self, level: Level) -> tuple[dict[tuple[int, str], int], tuple[int, ...]]:
        if level not in self._bits:
            names = [sorted(set(sectors[level].values())) for sectors in self.sectors]
            flat = [(wheel, name) for wheel, row in enumerate(names) for name in row]
            bit = {item: 1 << i for i, item in enumerate(flat)}
            masks = tuple(
                sum(bit[(wheel, name)] for name in row) for wheel, row in enumerate(names)
            )
            self._bits[level] = (bit, masks)
        return self._bits[level]


@lru_cache(maxsize=4)
def load(path: str | Path = DATA) -> Wheels:
    """The mapping in a JSON file (.gz or plain). Raises WheelError."""
    try:
        raw = Path(path).read_bytes()
        data = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
        whole = data["wheel_map_whole"]
        return Wheels(
            data["format_mapping"],
            data["raw_mapping"],
            [whole[f"wheel{n}"] for n in range(1, WHEELS + 1)],
        )
    except OSError as error:
        raise WheelError(f"cannot read the mapping {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise WheelError(
            f"{path} is not a wheel mapping: it needs format_mapping, raw_mapping and "
            f"wheel_map_whole with wheel1 … wheel5 ({error})"
        ) from error


@dataclass(frozen=True, slots=True)
class Overlap:
    """One sample: mean over the wheels of precision, recall and hit."""

    precision: tuple[float, ...]
    """Share of predicted groups that are in the gold, per wheel."""
    recall: tuple[float, ...]
    hit: tuple[float, ...]
    """1 where any gold group is among the predicted ones, per wheel."""


def overlap(wheels: Wheels, gold: str, pred: str, level: Level = "level1") -> Overlap | None:
    """Sound overlap of two label lists; None where the gold names no label at all."""
    wanted, wanted_words = _gather(wheels, gold, level)
    named, named_words = _gather(wheels, pred, level)
    if not wanted and not wanted_words:
        return None
    same = len(wanted_words & named_words)
    precision, recall, hit = [], [], []
    for mask in wheels.masks(level):
        common = (wanted & named & mask).bit_count() + same
        found = (named & mask).bit_count() + len(named_words)
        total = (wanted & mask).bit_count() + len(wanted_words)
        precision.append(common / found if found else 0.0)
        recall.append(common / total if total else float(not found))
        hit.append(float(common > 0))
    return Overlap(tuple(precision), tuple(recall), tuple(hit))


def _gather(wheels: Wheels, text: str, level: Level) -> tuple[int, set[str]]:
    bits, words = 0, set()
    for label in labels(text):
        group = wheels.groups(label, level)
        bits |= group.bits
        if group.word is not None:
            words.add(group.word)
    return bits, words
