"""Excel workbooks (.xlsx) as rows of text, by the standard library alone; and the same as CSV.

Knows zip and XML, no data set. Only the first sheet is read, and only values: no formula is
reckoned, no link followed.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from eval.readers import LayoutError

LARGEST: Final = 200_000_000
"""Bytes of one part of a workbook, unpacked."""
_NS: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rows(file: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Rows under the heading that has all these columns, as {column: text}.

    The heading may stand below other text. Raises LayoutError where there is none.
    """
    names: list[str] | None = None
    heads: list[str] = []
    for cells in _csv(file) if file.suffix.lower() == ".csv" else _cells(file):
        texts = [cell.strip() for cell in cells]
        if names is None:
            heads = heads or [text for text in texts if text]
            names = texts if set(columns) <= set(texts) else None
        elif any(texts):
            padded = [*texts, *[""] * (len(names) - len(texts))]
            yield {name: text for name, text in zip(names, padded, strict=False) if name}
    if names is None:
        raise LayoutError(
            f"{file} has no heading with {', '.join(columns)}; it begins with {', '.join(heads)}"
        )


def _csv(file: Path) -> Iterator[list[str]]:
    with file.open(encoding="utf-8-sig", newline="", errors="replace") as opened:
        yield from csv.reader(opened)


def _cells(file: Path) -> Iterator[list[str]]:
    """Each row of the first sheet as texts in the order of its columns."""
    try:
        with zipfile.ZipFile(file) as book:
            shared = [_text(item) for item in _part(book, "xl/sharedStrings.xml")]
            sheets = [n for n in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n)]
            first = min(sheets, key=lambda n: int(re.findall(r"\d+", n)[0]))
            data = next(iter(_part(book, first, "sheetData")), None)
    except (zipfile.BadZipFile, ElementTree.ParseError, ValueError, OSError) as error:
        raise LayoutError(f"{file} cannot be read as .xlsx; save it again as CSV") from error
    for row in data if data is not None else ():
        texts: list[str] = []
        for cell in row:
            at = _column(cell.get("r", ""), len(texts))
            texts += [""] * (at - len(texts))
            texts.append(_value(cell, shared))
        yield texts


def _part(book: zipfile.ZipFile, name: str, inside: str | None = None) -> list[ElementTree.Element]:
    """Children of a part's root, or those of one name; nothing where the part is not there."""
    if name not in book.namelist():
        return []
    if book.getinfo(name).file_size > LARGEST:
        raise ValueError("too large")
    root = ElementTree.fromstring(book.read(name))
    return [child for child in root if inside is None or child.tag == f"{_NS}{inside}"]


def _column(reference: str, otherwise: int) -> int:
    """Column of a cell such as AB12, from 0."""
    letters = re.match(r"[A-Z]+", reference)
    if letters is None:
        return otherwise
    number = 0
    for letter in letters[0]:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ElementTree.Element, shared: Sequence[str]) -> str:
    kind = cell.get("t")
    if kind == "inlineStr":
        return _text(cell)
    found = cell.find(f"{_NS}v")
    text = (found.text or "") if found is not None else ""
    if kind == "s" and text:
        return shared[int(text)]
    return text.removesuffix(".0")


def _text(item: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in item.iter(f"{_NS}t"))
