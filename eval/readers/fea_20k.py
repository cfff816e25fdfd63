"""FEA-20K: JSON lines of pictures that other data sets hold (Facial-R1, 2025).

{id, dataset, image, question, AUs, labels, description, meta_info}; `images/` under the root, or
the root itself, holds the pictures under the paths that the rows name. None are shipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from eval.readers import LayoutError, need
from eval.samples import Sample

NEEDS: Final = (need("the rows", "**/*.jsonl"),)


def read(root: Path) -> Iterator[Sample]:
    """One sample a row; the split is the file's name where it says train or test."""
    folder = root / "images" if (root / "images").is_dir() else root
    seen: set[str] = set()
    for file in sorted(root.rglob("*.jsonl")):
        split = next((s for s in ("train", "test") if s in file.stem.lower()), None)
        for number, row in enumerate(_rows(file), 1):
            if "image" not in row or "AUs" not in row:
                raise LayoutError(f"{file}, line {number}: needs image and AUs")
            id = f"{row.get('dataset', file.stem)}/{row.get('id', number)}"
            if id in seen:
                continue
            seen.add(id)
            yield Sample(id, folder / row["image"], _labels(row), "fea-20k", split=split)


def _labels(row: dict[str, Any]) -> dict[str, Any]:
    names = list(row.get("labels") or ())
    found: dict[str, Any] = {"aus": list(row["AUs"]), "labels": ", ".join(names)}
    if len(names) == 1:
        found["label"] = names[0]
    if row.get("description"):
        found["description"] = row["description"]
    return {name: value for name, value in found.items() if value or name == "aus"}


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                yield dict(json.loads(line))
            except (ValueError, TypeError) as error:
                raise LayoutError(f"{file}, line {number}: not a JSON object") from error
