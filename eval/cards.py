"""Data cards: one Markdown file a data set, facts in front, prose for people behind.

Knows the form of a card and where the cards lie; reads no data set. A fact that could not be
confirmed is null or "unknown" in the card, and `unknowns` lists it; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.schema.errors import USAGE, DuchenneError

FOLDER: Final = Path(__file__).resolve().parents[1] / "data_cards"
"""In a checkout and in an installation alike: the folder beside this package."""
UNKNOWN: Final = "unknown"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The quick one where it was built; both read plain values only."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Count = Annotated[int, Field(ge=0)]
Modality = Literal["video", "image", "audio", "text", "physiology", "depth", "features"]
Unit = Literal["person", "clip", "video", "dialogue", "session", "show", "data set", "unknown"]
Kind = Literal[
    "single", "multi", "open", "action units", "dimensions", "sentiment", "description",
    "triple", "pairs", "preference", "questions", "spans",
]  # fmt: skip


class CardError(DuchenneError, ValueError):
    """A card that is not there or does not keep to the form; says which part and what to do."""

    code = "bad_card"
    exit_status = USAGE


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Access(_Part):
    """How one gets the data."""

    kind: Literal["open", "request", "agreement", "benchmark only", "not released", "unknown"]
    how: Text


class Size(_Part):
    """How much there is; null where it is not known."""

    samples: Count | None
    people: Count | None
    hours: Annotated[float, Field(gt=0)] | None
    note: Text | None = None


class Splits(_Part):
    """How the owners divide it."""

    unit: Unit
    """What no two splits share: the person, the clip, …"""
    parts: dict[str, Count | None]
    """Name of the split → samples; null where the number is not known."""
    note: Text | None = None


class Labels(_Part):
    """What is annotated."""

    kinds: tuple[Kind, ...] = Field(strict=False, min_length=1)
    classes: tuple[Text, ...] = Field(strict=False)
    """As the owners name them; empty for open vocabularies and numbers."""
    note: Text | None = None


class Annotators(_Part):
    """Who labelled it, and how far they agree."""

    who: Text
    agreement: Text


class Benchmark(_Part):
    """What `duchenne eval NAME` asks and measures."""

    task: Literal["label", "open", "action units", "dimensions", "sentiment", "triple"]
    measures: tuple[Text, ...] = Field(strict=False, min_length=1)
    """Names of `duchenne eval measure --list`; the first is the main one."""
    groups: tuple[Text, ...] = Field(strict=False, default=())
    """What results are told apart by: sex, age, language, …"""
    split: Text | None = None
    """Scored unless another is asked for; null: all of it."""
    profile: Text = "general"


class Card(_Part):
    """One data set."""

    name: Name
    title: Text
    aliases: tuple[Text, ...] = Field(strict=False, default=())
    source: Text
    """Who made it, and where it is described."""
    licence: Text
    access: Access
    consent: Text
    sensitivity: tuple[Text, ...] = Field(strict=False)
    modalities: tuple[Modality, ...] = Field(strict=False, min_length=1)
    languages: tuple[Text, ...] = Field(strict=False)
    """BCP 47 tags; empty where nothing is said or it is not known (the gaps say which)."""
    size: Size
    splits: Splits
    labels: Labels
    annotators: Annotators
    gaps: tuple[Text, ...] = Field(strict=False, min_length=1)
    """Known gaps and biases."""
    citation: Text
    facts: tuple[Text, ...] = Field(strict=False, min_length=1)
    """Where the facts of this card were read."""
    reader: Name | None
    """Module of `eval.readers`; null where the layout is not known well enough."""
    layout: Text
    """Files that `--root` must hold; or, without a reader, what is needed to write one."""
    benchmark: Benchmark | None = None
    prose: Text
    """The Markdown under the front matter."""

    @property
    def unknowns(self) -> tuple[str, ...]:
        """Fields whose value nobody could confirm."""
        return tuple(
            sorted(set(_unknown(self.model_dump(exclude={"prose", "gaps", "layout"}), "")))
        )


def _unknown(value: Any, where: str) -> Iterator[str]:
    """Dotted names of what is null or says that it is unknown."""
    if isinstance(value, Mapping):
        optional = {"note", "reader", "benchmark", "split"}
        for key, item in value.items():
            if key not in optional or item is not None:
                yield from _unknown(item, f"{where}.{key}" if where else str(key))
    elif value is None or (isinstance(value, str) and UNKNOWN in value.lower()):
        yield where


def parse(text: str, name: str) -> Card:
    """A card from its file's text. Raises CardError that names the field that is wrong."""
    parts = text.split("\n---\n", 1)
    if not text.startswith("---\n") or len(parts) != 2:
        raise CardError(f"card {name}: must begin with front matter between two lines of ---")
    try:
        front = yaml.load(parts[0][4:], Loader=_LOADER)
    except yaml.YAMLError as error:
        raise CardError(f"card {name}: the front matter is not YAML: {error}") from error
    if not isinstance(front, dict):
        raise CardError(f"card {name}: the front matter must be names and values")
    try:
        card = Card.model_validate(front | {"prose": parts[1]})
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise CardError(f"card {name}: " + "; ".join(wrong)) from error
    if card.name != name:
        raise CardError(f"card {name}: its name says {card.name!r}; file and name must agree")
    return card


def names(folder: Path = FOLDER) -> tuple[str, ...]:
    """Names of all cards. Raises CardError where the folder is missing."""
    found = tuple(sorted(path.stem for path in folder.glob("*.md") if path.stem != "README"))
    if not found:
        raise CardError(f"no data cards in {folder}: the installation is not whole")
    return found


def load(name: str, folder: Path = FOLDER) -> Card:
    """The card of this name or alias, in any case. Raises CardError with the nearest names."""
    wanted = plain(name)
    known = names(folder)
    if wanted not in known:
        wanted = _aliases(folder).get(wanted, wanted)
    if wanted not in known:
        from difflib import get_close_matches

        near = get_close_matches(wanted, dict.fromkeys((*known, *_aliases(folder))), 3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise CardError(f"no data card is called {name!r}{hint} `duchenne data list` shows all")
    return parse((folder / f"{wanted}.md").read_text(encoding="utf-8"), wanted)


def plain(name: str) -> str:
    """Lower case, with hyphens: CH-SIMS v2 → ch-sims-v2."""
    return "-".join(name.lower().replace("_", " ").replace("-", " ").split())


@cache
def _aliases(folder: Path) -> dict[str, str]:
    cards = [parse((folder / f"{n}.md").read_text(encoding="utf-8"), n) for n in names(folder)]
    return {plain(alias): card.name for card in cards for alias in card.aliases}
