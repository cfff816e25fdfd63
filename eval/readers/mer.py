"""The MER challenges: tables of names and labels beside folders of clips (Lian et al. 2023-2026).

`name` and `discrete` (one of six), `openset` (a list), or `reason` (a description); clips are
NAME.mp4 in `video` or in the split's own folder; subtitle_chieng.csv has `chinese`, `english`.
Tables without labels (the candidates of a running challenge) are not read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from eval.readers import LayoutError, tables
from eval.samples import Sample

CLIPS: Final = (".mp4", ".avi")


def labelled(root: Path, dataset: str, files: Mapping[str, tuple[str, str]]) -> Iterator[Sample]:
    """Samples of the tables that are there: file → split, folder of its clips.

    Raises LayoutError for a table without a known column of labels.
    """
    seen: dict[str, dict[str, Any]] = {}
    where: dict[str, tuple[str, Path]] = {}
    for file, (split, folder) in files.items():
        if not (root / file).exists():
            continue
        for row in tables.rows(root / file, ("name",)):
            found = _labels(row)
            if not found:
                raise LayoutError(f"{root / file} has neither discrete, openset nor reason")
            seen.setdefault(row["name"], {}).update(found)
            where.setdefault(row["name"], (split, root / folder))
    said = _said(root)
    for name, labels in seen.items():
        split, folder_ = where[name]
        path = tables.one_of(folder_, name, CLIPS)
        yield Sample(name, path, labels, dataset, split=split, language="zh", text=said.get(name))


def _labels(row: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if row.get("discrete"):
        found["label"] = row["discrete"]
    if "openset" in row:
        found["labels"] = ", ".join(_words(row["openset"]))
    if row.get("reason"):
        found["description"] = row["reason"]
    if row.get("valence"):
        found["sentiment"] = float(row["valence"])
    return found


def _words(text: str) -> list[str]:
    """The words of a list that was written as text: ['happy', 'proud'] or happy, proud."""
    if text.startswith("["):
        try:
            return [str(word) for word in ast.literal_eval(text)]
        except (ValueError, SyntaxError):
            text = text.strip("[]").replace("'", "").replace('"', "")
    return [word.strip() for word in text.split(",") if word.strip()]


def _said(root: Path) -> dict[str, str]:
    """Chinese subtitles by name."""
    file = root / "subtitle_chieng.csv"
    if not file.exists():
        return {}
    rows = tables.rows(file, ("name", "chinese"))
    return {row["name"]: row["chinese"] for row in rows if row["chinese"]}
