"""Wording and definitions, one file each, filled strictly.

Knows no model and no evidence. A prompt is a Markdown file beside this one with fields
written `{{name}}`; filling it needs exactly its fields, neither fewer nor more. What is
filled in is never read for fields again, so quoted material cannot reach into a prompt.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_FIELD: Final = re.compile(r"\{\{([a-z_]+)\}\}")
_HEAD: Final = re.compile(r"\A\+\+\+\n(.*?)\n\+\+\+\n(.*)\Z", re.DOTALL)
_SECTION: Final = re.compile(r"^## +(\w+) *$", re.MULTILINE)
_STEPS: Final = ("behaviour", "cognition", "emotion")


class PromptError(ValueError):
    """A prompt that is not there or was filled wrongly: a fault of the code or of its wording."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Label sets and definitions for one kind of question."""

    name: str
    title: str
    """What the profile is for, in a few words."""
    behavior: tuple[str, ...]
    """Labels of what the person does; empty where free words are asked for."""
    cognition: tuple[str, ...]
    """Labels of how the person appraises the matter; empty where free words are asked for."""
    emotion: tuple[str, ...]
    """Labels that a distribution over emotions is made of."""
    default: str
    """The emotion label that stands unless a cue speaks for another; empty where none does."""
    words: bool
    """Whether feelings are also named in open vocabulary."""
    definitions: Mapping[str, str]
    """Definitions for the steps "behaviour", "cognition" and "emotion"."""


def fields(name: str) -> frozenset[str]:
    """Names of the fields of one prompt."""
    return frozenset(_FIELD.findall(_text(name)))


def text(name: str) -> str:
    """The prompt `name` as it is written, for fingerprints of it. Raises PromptError."""
    return _text(name)


def fill(name: str, /, **values: str) -> str:
    """The prompt `name` with every field filled. Raises PromptError if they do not match."""
    written = _text(name)
    wanted = fields(name)
    if missing := sorted(wanted - values.keys()):
        raise PromptError(f"prompts/{name}.md: nothing given for {', '.join(missing)}")
    if unknown := sorted(values.keys() - wanted):
        raise PromptError(f"prompts/{name}.md has no field called {', '.join(unknown)}")
    return _FIELD.sub(lambda match: values[match[1]], written).strip()


def profiles() -> tuple[str, ...]:
    """Names of the profiles there are, `general` first."""
    names = sorted(path.stem.removeprefix("profile_") for path in _FOLDER.glob("profile_*.md"))
    return ("general", *(name for name in names if name != "general"))


@cache
def profile(name: str) -> Profile:
    """The profile of this name. Raises PromptError that names the ones there are."""
    if name not in profiles():
        raise PromptError(f"no profile {name!r}; there are {', '.join(profiles())}")
    match = _HEAD.match(_text(f"profile_{name}"))
    if match is None:
        raise PromptError(
            f"prompts/profile_{name}.md must begin with its labels in TOML between +++"
        )
    head = tomllib.loads(match[1])
    sections = _sections(match[2])
    wanted = {"title", "behavior", "cognition", "emotion", "default", "words"}
    if set(head) != wanted or set(sections) != set(_STEPS):
        raise PromptError(
            f"prompts/profile_{name}.md needs the keys {sorted(wanted)} and the sections "
            f"{list(_STEPS)}; it has {sorted(head)} and {list(sections)}"
        )
    return Profile(
        name=name,
        title=head["title"],
        behavior=tuple(head["behavior"]),
        cognition=tuple(head["cognition"]),
        emotion=tuple(head["emotion"]),
        default=head["default"],
        words=head["words"],
        definitions=sections,
    )


def _sections(body: str) -> dict[str, str]:
    pieces = _SECTION.split(body)
    return {title: text.strip() for title, text in zip(pieces[1::2], pieces[2::2], strict=True)}


@cache
def _text(name: str) -> str:
    path = _FOLDER / f"{name}.md"
    if not path.is_file():
        raise PromptError(f"no prompt {name!r} in {_FOLDER}")
    return path.read_text(encoding="utf-8")
