"""Emotion wheels: open-vocabulary labels grouped by five wheels, and scores over the groups.

Knows words and wheels, no model. A label is brought to its base form, to the words it is a
synonym of, and to the sector of each wheel that holds the first of those words in alphabetical
order; level 1 is the inner ring, level 2 the next. Source: Lian et al., MER-UniBench
(AffectGPT, 2025); mapping: MERTools MER2026 (Apache-2.0), see `eval/data`.

The sound scores differ from the published ones (`eval.published`): a word that no wheel holds
counts as a group of its own in each instead of vanishing, so junk costs precision and a rare
gold word can be hit exactly; "neutral" is such a word. A word that only some wheels hold counts
as itself in the others, but only where nothing else of its list has a sector there. Nothing is
ever divided by zero.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from agent.schema.errors import USAGE, DuchenneError
from eval.scoring import Array, Excluded, Tally, Unscored, Values, ratio

DATA: Final = Path(__file__).parent / "data" / "mer2026_wheels.json.gz"
Level = Literal["level1", "level2"]
WHEELS: Final = 5

_SPLIT: Final = re.compile(r"[\[\]'\",]")
_SOUND_SPLIT: Final = re.compile(r"[\[\]\"“”,;/\n、，；]|(?<!\w)'|'(?!\w)|\band\b", re.IGNORECASE)


class WheelError(DuchenneError, ValueError):
    """A mapping file that cannot be used; the message says what is wrong with it."""

    code = "bad_wheel"
    exit_status = USAGE


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


@dataclass(frozen=True)
class Wheels:
    """The mapping, ready to look labels up."""

    forms: Mapping[str, Sequence[str]]
    """Word form → base words."""
    synonyms: Mapping[str, Sequence[str]]
    """Base word → wheel words."""
    sectors: Sequence[Mapping[Level, Mapping[str, str]]]
    """Per wheel and level: wheel word → sector."""

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


class Words:
    """Labels of many lists as numbers, each looked up in the wheels once."""

    def __init__(
        self, wheels: Wheels, level: Level, own: bool, cut: Callable[[str], list[str]]
    ) -> None:
        """`own`: a label that a wheel lacks can be a group of its own there, else it is dropped.

        `cut` takes a list of labels apart; whatever it does, commas must separate.
        """
        self._wheels, self._level, self._own, self._cut = wheels, level, own, cut
        self._ids: dict[str, int] = {}
        self._pieces: dict[str, list[int]] = {}
        self._names: list[dict[str, int]] = [
            {name: i for i, name in enumerate(sorted(set(rings[level].values())))}
            for rings in wheels.sectors
        ]
        self._sectors = [len(names) for names in self._names]
        self._rows: list[list[int]] = []

    def read(self, text: str) -> list[int]:
        """Numbers of the labels in a list written as text."""
        known, found = self._pieces, []
        for piece in text.split(","):
            if piece not in known:
                known[piece] = [self.id(label.lower().strip()) for label in self._cut(piece)]
            found += known[piece]
        return found

    def id(self, label: str) -> int:
        """Number of a lower-case label."""
        if label not in self._ids:
            self._ids[label] = len(self._rows)
            self._rows.append(self._row(label))
        return self._ids[label]

    def _row(self, label: str) -> list[int]:
        """The label's group in each wheel: from 0 a group, −1 none, from −2 down a last resort."""
        sectors = [self._wheels.sector(label, w, self._level) for w in range(len(self._names))]
        base = f"\0{self._wheels.base(label) or label}"
        row = []
        for names, sector in zip(self._names, sectors, strict=True):
            if sector:
                row.append(names[sector])
            elif not self._own:
                row.append(-1)
            else:
                itself = names.setdefault(base, len(names))
                row.append(-2 - itself if any(sectors) else itself)
        return row

    def counts(
        self, golds: Sequence[Sequence[int]], preds: Sequence[Sequence[int]]
    ) -> tuple[Array, Array, Array]:
        """Groups in common, predicted, and wanted, each samples × wheels."""
        size = len(golds), len(self._names)
        common, found, wanted = (np.zeros(size, dtype=np.int64) for _ in range(3))
        table = np.array(self._rows, dtype=np.int64).reshape(-1, size[1])
        gold, pred = _flat(golds), _flat(preds)
        for wheel, names in enumerate(self._names):
            a = _keys(*gold, table[:, wheel], self._sectors[wheel], len(names))
            b = _keys(*pred, table[:, wheel], self._sectors[wheel], len(names))
            both = b[a[np.minimum(np.searchsorted(a, b), len(a) - 1)] == b] if len(a) else a
            for keys, out in ((both, common), (b, found), (a, wanted)):
                out[:, wheel] = np.bincount(keys // len(names), minlength=size[0])
        return common, found, wanted


def _flat(lists: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """Sample and label of every entry, in order."""
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    ids = np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=int(lengths.sum()))
    return np.repeat(np.arange(len(lists)), lengths), ids


def _keys(sample: Array, ids: Array, groups: Array, sectors: int, count: int) -> Array:
    """One number for each sample and group that occurs in it, sorted.

    A last resort counts only where the sample has no sector of the wheel.
    """
    group = groups[ids]
    firm = group >= 0
    if (spare := group <= -2).any():
        placed = np.zeros(sample[-1] + 1, dtype=bool)
        placed[sample[firm & (group < sectors)]] = True
        firm = firm | (spare & ~placed[sample])
        group = np.where(spare, -2 - group, group)
    keys = np.sort((sample * count + group)[firm], kind="stable")  # nearly in order already
    return np.asarray(keys[np.diff(keys, prepend=-1) != 0])


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


class Reader:
    """Reads label lists for the sound scores and makes their rows."""

    def __init__(self, wheels: Wheels, level: Level = "level1") -> None:
        self._words = Words(wheels, level, own=True, cut=labels)

    def gold(self, value: Any) -> list[int]:
        """A gold label list; without a label it is left out."""
        if found := self._words.read(as_text(value)):
            return found
        raise Excluded("no gold label")

    def pred(self, value: Any) -> list[int]:
        """A predicted label list; without a label it is unscored."""
        if found := self._words.read(as_text(value)):
            return found
        raise Unscored("empty prediction")

    def rows(self, golds: Sequence[list[int]], preds: Sequence[list[int]]) -> Tally:
        """Per wheel the sums of precision, recall and hit, and a count."""
        common, found, wanted = self._words.counts(golds, preds)
        precision = common / np.maximum(found, 1)
        recall = common / np.maximum(wanted, 1)
        return np.hstack([precision, recall, common > 0, np.ones((len(golds), 1))]), _f_first

    def hit_rows(self, golds: Sequence[list[int]], preds: Sequence[list[int]]) -> Tally:
        """The same rows, scored by hit rate and precision."""
        return self.rows(golds, preds)[0], _hit_first


def _f_first(total: Array) -> Values:
    """F of the averages per wheel, averaged over wheels, as MER-UniBench defines it."""
    *sums, n = total.tolist()
    p, r, hit = ([ratio(x, n) for x in sums[i : i + WHEELS]] for i in (0, WHEELS, 2 * WHEELS))
    f = [2 * a * b / (a + b) if a + b else 0.0 for a, b in zip(p, r, strict=True)]
    return {
        "f": sum(f) / WHEELS,
        "precision": sum(p) / WHEELS,
        "recall": sum(r) / WHEELS,
        "hit": sum(hit) / WHEELS,
    } | {f"f wheel{n + 1}": value for n, value in enumerate(f)}


def _hit_first(total: Array) -> Values:
    """F of hit rate and precision: naming every emotion hits always and is worth little."""
    values = _f_first(total)
    hit, precision = values["hit"], values["precision"]
    both = hit + precision
    return {
        "hit_f": 2 * hit * precision / both if both else 0.0 * both,
        "hit": hit,
        "precision": precision,
    }


def as_text(value: Any) -> str:
    """A list, an answer with `emotions` or `label`, or text, as text; "" for anything else."""
    if isinstance(value, Mapping):
        value = named(value.get("emotions")) or value.get("label")
    if isinstance(value, str):
        return value
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else ""


def named(emotions: Any) -> list[str]:
    """Labels of an answer's emotions."""
    items = emotions if isinstance(emotions, list | tuple) else ()
    return [str(e["label"]) for e in items if isinstance(e, Mapping) and e.get("label")]


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """`as_text` of every value."""
    return {id: as_text(value) for id, value in values.items()}
