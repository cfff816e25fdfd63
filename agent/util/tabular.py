"""The one reader of tables as text, CSV and the like, for everything that reads one.

Knows bytes, separators and rows; what the columns mean is known to whoever asked.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.schema.errors import USAGE, DuchenneError
from agent.util.texts import EncodingError, decode

SEPARATORS: Final = ",;\t|"
LONGEST: Final = 10_000_000
"""Letters of one cell, at most."""


class TabularError(DuchenneError, ValueError):
    """A file that is no table; the message names it and says what to do."""

    code = "bad_table_file"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Tabular:
    """A table before its columns mean anything."""

    header: list[str]
    rows: Iterator[tuple[int, list[str]]]
    """Number of the line, and its cells, blanks around them taken off; empty lines are left out,
    those of separators alone are not. Reading on raises TabularError where quotes are broken."""
    note: str | None
    """How the encoding was told, where the file does not say."""


def read_tabular(path: Path) -> Tabular:
    """A table whose first row has the names. Raises TabularError, and OSError as `open` does."""
    try:
        text, _, note = decode(path.read_bytes())
    except EncodingError as error:
        raise TabularError(f"{path}: {error}, and give it again") from error
    text = text.lstrip("\ufeff")
    if said := re.match(r"sep=(.)\r?\n", text):  # as spreadsheets write it
        separator, text = said[1], text[said.end() :]
    else:
        first = next((row for row in text.splitlines() if row.strip()), "")
        separator = max(SEPARATORS, key=first.count)
    csv.field_size_limit(LONGEST)
    found = _rows(path, csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    _, header = next(found, (0, []))
    if not header:
        raise TabularError(f"{path} is empty; its first row must name the columns")
    return Tabular(header, found, note and f"{path.name}: {note}")


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    line = 0
    try:
        for row in reader:
            line = reader.line_num  # type: ignore[attr-defined]  # csv.reader has it
            if any(cell.strip() for cell in row) or len(row) > 1:
                yield line, [cell.strip() for cell in row]
    except csv.Error as error:
        raise TabularError(f"{path}, line {line + 1}: no CSV ({error}). Correct it") from error
