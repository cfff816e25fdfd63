"""Reading other people's training data: one item a labelled clip or picture, whatever the file.

Knows the layouts of files, no evidence and no model; opens no media. docs/training_data.md tells
each layout with an example. Labels stay in the words of the data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.facs import units as facs
from agent.schema.errors import USAGE, DuchenneError
from finetune import completion

PRESENT: Final = 1.0
"""Intensity 0-5 from which a unit counts as shown, where a file gives intensities."""
SOME: Final = 0.2
"""The same for ExpLLM's intensities, 0-1."""

_FEAFA: Final[tuple[tuple[int, ...], ...]] = (
    (43,), (43,), (5,), (5,), (4,), (4,), (1, 2), (1, 2), (26,), (30,), (30,), (12,), (12,),
    (20,), (20,), (28,), (28,), (29,), (10,), (16,), (17,), (18,), (34,), (9,),
)  # fmt: skip
"""Action units of ExpLLM's 24 numbers, which are FEAFA's movements: left and right lids closed,
lids raised, brows lowered, brows raised, jaw dropped, to the left and right, lip corners pulled,
stretched, lips sucked, jaw forward, upper lip up, lower lip down, chin up, pucker, puff, nose."""


class FormatError(DuchenneError, ValueError):
    """A file that is not what it was called; the message names the file and the row."""

    code = "bad_format"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled clip or picture, before it is looked at."""

    id: str
    """Unique within its dataset."""
    dataset: str
    media: Path | None = None
    """The clip or picture; None where the item has evidence instead."""
    evidence: Path | None = None
    """A record written by `duchenne look`, so that the clip need not be sensed again."""
    pictures: tuple[Path, ...] = ()
    """Pictures to be shown as they are; empty for those that the product makes."""
    question: str | None = None
    emotion: str | None = None
    units: tuple[int, ...] | None = None
    """None where the data says nothing of units; () for a face at rest."""
    thoughts: str | None = None
    """A rationale in the words of the data."""
    tree: Mapping[str, Any] | None = None
    person: str | None = None
    """Who is shown, where the data knows; the same name for the same person."""
    split: str | None = None
    gold_conditioned: bool = False
    """Whether the rationale was written by somebody who knew the label."""


Read = Callable[[Mapping[str, Any], str, Path], Item]
"""A row, its id if it has none, the folder of the media → an item."""


def read(path: Path, kind: str, root: Path | None = None) -> Iterator[Item]:
    """Items of a file in one of `FORMATS`; media lie under `root`, by default beside the file.

    Takes JSON lines, a JSON list, or a JSON object of name → row. Raises FormatError.
    """
    if kind not in FORMATS:
        raise FormatError(f"unknown format {kind!r}; there are {', '.join(FORMATS)}")
    folder = root or path.parent
    for number, (name, row) in enumerate(_rows(path), 1):
        where = f"{path}, row {number}"
        if not isinstance(row, dict):
            raise FormatError(f"{where}: not a JSON object")
        try:
            yield FORMATS[kind](row, name or str(number), folder)
        except KeyError as error:
            raise FormatError(f"{where}: a {kind} row needs {error.args[0]!r}") from error
        except (TypeError, ValueError) as error:
            raise FormatError(f"{where}: {error}") from error


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Name (or "") and row of everything in a file."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}") from error
    try:
        whole = json.loads(text)
    except ValueError:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    yield "", json.loads(line)
                except ValueError as error:
                    raise FormatError(f"{path}, line {number}: not JSON: {error}") from error
        return
    if isinstance(whole, dict) and whole and all(isinstance(v, dict) for v in whole.values()):
        yield from whole.items()
    else:
        yield from (("", row) for row in (whole if isinstance(whole, list) else [whole]))


def _units(codes: Any) -> tuple[int, ...]:
    """Numbers of units in any spelling; raises ValueError for what is none."""
    found = {str(code): facs.parse(str(code)) for code in codes}
    if unknown := [code for code, n in found.items() if n is None]:
        raise ValueError(f"{unknown[0]!r} is no action unit")
    return tuple(sorted({n for n in found.values() if n is not None}))


def _shown(levels: Mapping[str, Any]) -> tuple[int, ...]:
    """Units of {code: intensity 0-5} that are there; codes of other measures are left out."""
    known = {code: facs.parse(code) for code in levels if not code.endswith("_c")}
    found = {n for code, n in known.items() if n is not None and float(levels[code]) >= PRESENT}
    return tuple(sorted(found))


def own(row: Mapping[str, Any], id: str, root: Path) -> Item:
    """Duchenne's own format; see docs/training_data.md. Unknown keys are errors."""
    known = {field for field in Item.__dataclass_fields__ if field != "dataset"} | {"dataset"}
    if unknown := sorted(set(row) - known):
        raise ValueError(f"unknown key {unknown[0]!r}; there are {', '.join(sorted(known))}")
    if not (row.get("media") or row.get("evidence") or row.get("pictures")):
        raise ValueError("needs media, evidence or pictures")
    values = {key: value for key, value in row.items() if value is not None}
    for key in ("media", "evidence"):
        if key in values:
            if not isinstance(values[key], str):
                raise ValueError(f"{key} must be text, the path from the root")
            values[key] = root / values[key]
    values["pictures"] = tuple(root / name for name in values.get("pictures", ()))
    if "units" in values:
        values["units"] = _units(values["units"])
    return Item(**{"id": id, "dataset": root.name} | values)


def fea_20k(row: Mapping[str, Any], id: str, root: Path) -> Item:
    """Facial-R1's data: {id, dataset, image, question, AUs, labels, description}."""
    names = list(row.get("labels") or ())
    return Item(
        id=str(row.get("id", id)),
        dataset=f"fea-20k/{row.get('dataset', '')}".rstrip("/"),
        media=root / row["image"],
        question=row.get("question"),
        emotion=str(names[0]) if len(names) == 1 else None,
        units=_units(row["AUs"]),
        thoughts=row.get("description") or None,
        gold_conditioned=True,
    )


def merr(row: Mapping[str, Any], id: str, root: Path) -> Item:
    """Emotion-LLaMA's MERR: {AU_list, peak_AU_list, pseu_emotion, caption, …} under each name."""
    name = str(row.get("video") or row.get("name") or id)
    codes = row.get("peak_AU_list") or row["AU_list"]
    units = _shown(codes) if isinstance(codes, dict) else _units(codes)
    return Item(
        id=name,
        dataset="merr",
        media=root / (name if Path(name).suffix else f"{name}.mp4"),
        emotion=row["pseu_emotion"],
        units=units,
        thoughts=row.get("caption") or None,
        gold_conditioned=True,
    )


def sharegpt(row: Mapping[str, Any], id: str, root: Path) -> Item:
    """R1-Omni and ShareGPT: {video or image, conversations: [{from, value}]}."""
    talk = row["conversations"]
    asked = next((t["value"] for t in talk if t["from"] in ("human", "user")), None)
    told = next((t["value"] for t in talk if t["from"] in ("gpt", "assistant")), "")
    done = completion.read(told)
    file = row.get("video") or row.get("image")
    if not file:
        raise KeyError("video")
    return Item(
        id=str(row.get("id", id)),
        dataset="sharegpt",
        media=root / str(file),
        question=re.sub(r"\s*<(?:video|image|audio)>\s*", " ", asked).strip() if asked else None,
        emotion=done.answer or (told.strip() if len(told.split()) <= 3 else None) or None,
        thoughts=done.think or None,
    )


def expllm(row: Mapping[str, Any], id: str, root: Path) -> Item:
    """ExpLLM: {file_name, emo, au: 24 numbers 0-1 in FEAFA's order, description}."""
    numbers = row["au"]
    if len(numbers) != len(_FEAFA):
        raise ValueError(f"au has {len(numbers)} numbers, not {len(_FEAFA)}")
    shown = {u for units, level in zip(_FEAFA, numbers, strict=True) for u in units
             if float(level) >= SOME}  # fmt: skip
    return Item(
        id=str(row.get("id", id)),
        dataset="expllm",
        media=root / row["file_name"],
        emotion=row.get("emo"),
        units=tuple(sorted(shown)),
        thoughts=row.get("description") or None,
        gold_conditioned=True,
    )


def mer_factory(row: Mapping[str, Any], id: str, root: Path) -> Item:
    """MER-Factory: {source_path, overall_peak_frame_info: {top_aus_intensities}, final_summary}."""
    peak = row.get("overall_peak_frame_info") or {}
    levels = peak.get("top_aus_intensities")
    return Item(
        id=str(row.get("id", id)),
        dataset="mer-factory",
        media=root / Path(row["source_path"]).name,
        emotion=row.get("label") or row.get("ground_truth_label"),
        units=None if levels is None else _shown(levels),
        thoughts=row.get("final_summary") or None,
        gold_conditioned=bool(row.get("label") or row.get("ground_truth_label")),
    )


FORMATS: Final[dict[str, Read]] = {
    "own": own,
    "fea-20k": fea_20k,
    "merr": merr,
    "sharegpt": sharegpt,
    "expllm": expllm,
    "mer-factory": mer_factory,
}
"""What a recipe may name."""
