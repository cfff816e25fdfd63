"""The series of one look as curves for a page: thinned, rounded, boxes as shares of the picture.

Runs where media is opened, since series files are written there. Knows columns, draws nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from agent.facs.units import AUS, REGIONS
from agent.perception.look import Look
from agent.perception.series import read_people, read_voice, thinned
from agent.render.showing import BOX
from agent.schema.evidence import Media
from agent.schema.samples import Columns

_FACE: Final = re.compile(r"AU\d\d|pose_(yaw|pitch|roll)|quality")
_VOICE: Final = re.compile(r"energy_db|f0_hz|vad")


def drawn(found: Look, span: tuple[float, float], points: int) -> dict[str, Any]:
    """`agent.server.schema.Series` as JSON: everybody and the voice between two moments."""
    people, voice = found.folder / "series.parquet", found.folder / "voice.parquet"
    rows = read_people(people) if people.exists() else {}
    heard = read_voice(voice) if voice.exists() else None
    return {
        "start": span[0],
        "end": span[1],
        "people": [
            _person(person, thinned(columns, *span, points), found.evidence.media)
            for person, columns in rows.items()
        ],
        "voice": None if heard is None else _rows(thinned(heard, *span, points), _VOICE),
        "names": _names(name for columns in rows.values() for name in columns),
    }


def _person(person: str, columns: Columns, media: Media) -> dict[str, Any]:
    return {"person": person, "boxes": _boxes(columns, media), **_rows(columns, _FACE)}


def _rows(columns: Columns, wanted: re.Pattern[str]) -> dict[str, Any]:
    return {
        "time": _plain(columns["time"]),
        "columns": {n: _plain(values) for n, values in columns.items() if wanted.fullmatch(n)},
    }


def _boxes(columns: Columns, media: Media) -> list[list[float] | None]:
    if BOX[0] not in columns or not media.width or not media.height:
        return [None] * len(columns["time"])
    sides = np.array([media.width, media.height, media.width, media.height], np.float64)
    shares = np.stack([columns[name].astype(np.float64) for name in BOX], axis=1) / sides
    return [
        [round(float(side), 4) for side in row] if np.isfinite(row).all() else None
        for row in shares
    ]


def _plain(values: Any) -> list[float | None]:
    return [round(v, 3) if math.isfinite(v) else None for v in map(float, values)]


def _names(columns: Iterable[str]) -> dict[str, str]:
    there = set(columns)
    ranked = sorted(AUS.values(), key=lambda unit: (REGIONS.index(unit.region), unit.number))
    return {unit.code: unit.name for unit in ranked if unit.code in there}
