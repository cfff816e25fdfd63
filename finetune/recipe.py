"""Recipes: one YAML file read into small frozen records; a key nobody knows is an error.

Knows the records it is given and nothing of what they mean.

    read(Recipe, "tiny-world-sft.yaml", ["trainer.learning_rate=1e-3"])

A record may hold further records; a mapping is taken as it is (settings of another library,
which checks them itself).
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from agent.schema.errors import USAGE, DuchenneError

R = TypeVar("R")


class RecipeError(DuchenneError, ValueError):
    """A recipe that cannot be used; the message says which key and why."""

    code = "bad_recipe"
    exit_status = USAGE


def read(kind: type[R], path: str | Path, changes: Sequence[str] | None = None) -> R:
    """A record of this kind from a YAML file, with `key=value` changes on top.

    Keys of records within are written with a dot, `lora.rank=8`. Raises RecipeError.
    """
    path = Path(path)
    if not path.is_file():
        raise RecipeError(f"no recipe at {path}")
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not YAML: {error}") from error
    if not isinstance(found or {}, dict):
        raise RecipeError(f"{path} is not a table of settings")
    return checked(kind, changed(found or {}, changes or []))


def changed(found: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """A table with `key=value` changes on top; values are YAML."""
    table = dict(found)
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise RecipeError(f"--set {change}: give it as key=value")
        *outer, last = key.split(".")
        inner = table
        for name in outer:
            below = inner.get(name) or {}
            if not isinstance(below, dict):
                raise RecipeError(f"--set {change}: {name} is no table")
            inner[name] = inner = dict(below)
        inner[last] = yaml.load(value, _Loader)
    return table


def checked(kind: type[R], found: Mapping[str, Any], where: str = "") -> R:
    """The record, every value of the type its field has. Raises RecipeError."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # a dataclass
    for key in found:
        known(str(key), names, where)
    values = {key: _value(value, hints[key], f"{where}{key}") for key, value in found.items()}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{where.rstrip('.') or 'the recipe'}: {error}") from error


def known(key: str, names: Sequence[str], where: str = "") -> None:
    """Raises RecipeError for a key that is not among the names, with those nearest to it."""
    if key in names:
        return
    near = difflib.get_close_matches(key, names, n=3, cutoff=0.6)
    told = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(names))}"
    raise RecipeError(f"unknown key {where + key!r}; {told}")


def _value(value: Any, hint: Any, where: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _value(value, next(each for each in inner if each is not type(None)), where)
    if origin is Literal:
        if value not in inner:
            raise RecipeError(f"{where}: {value!r} is none of {', '.join(map(str, inner))}")
        return value
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, dict):
            raise RecipeError(f"{where}: {value!r} is no table")
        return checked(hint, value, f"{where}.")
    if origin is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{where}: {value!r} is no list")
        return tuple(_value(each, inner[0], f"{where}[{n}]") for n, each in enumerate(value))
    if origin is dict or origin is Mapping:
        if not isinstance(value, dict):
            raise RecipeError(f"{where}: {value!r} is no table")
        return {k: _value(v, inner[1], f"{where}.{k}") for k, v in value.items()}
    return _plain(value, hint, where)


def _plain(value: Any, hint: Any, where: str) -> Any:
    if hint is Any:
        return value
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise RecipeError(f"{where}: {value!r} is no {hint.__name__}")
    return value


class _Loader(yaml.SafeLoader):
    """As the safe one, but 1e-5 is a number, as everybody who writes it means."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)
