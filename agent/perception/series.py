"""The dense series beside the evidence, as Parquet: people, the voice, and what is read of them.

`series.parquet`: one row per person and sample: `time` in s, `frame`, `person`, `AU01` …
`AU45` 0-5, `AU01_L`/`AU01_R`, `AU01_rel`, `pose_*` and `gaze_*` in degrees, `quality` 0-1,
`impression_*` 0-1, shares of people who would say each label.
`voice.parquet`: one row per 10 ms of sound.
`emotion.parquet`: one row per person and moment of half a second (more in clips over two minutes):
`time` (its middle), `start`, `end` in s, `person` ("" for a voice that is nobody's), one share a
label, `valence` and `arousal` -1…1, the standard deviation of each with `_sd`, and `unknown` 1
where nothing stands out. It is a conclusion, not a measurement: no answer is made from it.
Missing values are null.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from agent.reading.over_time import emotions
from agent.schema.evidence import Evidence
from agent.schema.samples import Columns

FIRST: Final = ("time", "frame", "person")
PEAKS: Final = re.compile(r"AU\d\d|energy_db|vad")
"""Columns whose largest value stands for many rows; of the others it is the middle row's."""
ROWS: Final = 1 << 14
"""Rows of a group, written at once."""
_UNIT: Final = re.compile(r"AU(\d\d)(|_L|_R|_rel)")


def write_people(columns: dict[str, Columns], path: Path) -> None:
    """Write the rows of everybody, person by person in order of time."""
    names = sorted({name for rows in columns.values() for name in rows}, key=_place)
    tables = [_people_table(person, rows, names) for person, rows in columns.items()]
    _write(pa.concat_tables(tables), path, ["person"])


def write_voice(columns: Columns, path: Path) -> None:
    """Write the rows of the voice."""
    _write(_table(columns), path, [])


def write_emotions(evidence: Evidence, path: Path) -> bool:
    """Write what everybody's face, voice and words most likely show over time; False (and no
    file) where nothing could be read of anybody."""
    people: list[str | None] = [person.id for person in evidence.people]
    found = {person or "": emotions(evidence, person) for person in people or [None]}
    rows = {person: each.columns() for person, each in found.items() if each.measured.any()}
    if not rows:
        return False
    names = list(next(iter(rows.values())))
    tables = [
        _table(columns).append_column(
            "person", pa.array([person] * len(columns["time"]), pa.string())
        )
        for person, columns in rows.items()
    ]
    table = pa.concat_tables(tables).select(["time", "person", *names[1:]])
    _write(table, path, ["person"])
    return True


def read_emotions(path: str | Path) -> dict[str, Columns]:
    """Columns by person. Raises OSError where the file is missing or no Parquet."""
    return read_people(path)


def _write(table: pa.Table, path: Path, repeating: list[str]) -> None:
    """Measurements hardly repeat: a dictionary of them takes half as much space again, and memory
    and three times the time to make."""
    pq.write_table(
        table, path, row_group_size=ROWS, use_dictionary=repeating or False, compression="zstd"
    )


def read_people(path: str | Path) -> dict[str, Columns]:
    """Columns by person. Raises OSError where the file is missing or no Parquet."""
    table = _read(path)
    people = np.asarray(table["person"].to_pylist())
    rest = table.drop_columns(["person"])
    return {
        str(person): _columns(rest.filter(pa.array(people == person)))
        for person in dict.fromkeys(people.tolist())
    }


def read_voice(path: str | Path) -> Columns:
    """Columns of the voice. Raises OSError where the file is missing or no Parquet."""
    return _columns(_read(path))


def _read(path: str | Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except pa.ArrowException as error:
        raise OSError(
            f"{path}: damaged ({error}). Remove it and look at the clip again."
        ) from error


def thinned(columns: Columns, start: float, end: float, points: int) -> Columns:
    """Rows within [start, end] s, at most about `points` of them, peaks kept.

    The span is cut into `points` equal pieces; pieces without a row stay out, so that a time in
    which somebody was not seen is still a gap. Few rows stay as they are.
    """
    times = columns["time"].astype(np.float64)
    first, last = (int(n) for n in np.searchsorted(times, (start, end + 1e-9)))
    cut = {name: values[first:last] for name, values in columns.items()}
    if last - first <= points:
        return cut
    share = (times[first:last] - start) / max(end - start, 1e-9)
    piece = np.minimum(np.floor(share * points), points - 1)
    begins = np.flatnonzero(np.diff(piece, prepend=-1))
    middles = (begins + np.append(begins[1:], last - first)) // 2
    return {
        name: _peaks(values, begins) if PEAKS.fullmatch(name) else values[middles]
        for name, values in cut.items()
    }


def _peaks(values: npt.NDArray[np.generic], begins: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """The largest value of each piece, NaN where a piece has none."""
    return np.fmax.reduceat(values.astype(np.float32), begins)


def _place(name: str) -> tuple[int, str, str]:
    """Order of columns: time, frame, action units, their sides, relative ones, the rest."""
    if name in FIRST:
        return 0, str(FIRST.index(name)), ""
    if unit := _UNIT.fullmatch(name):
        return {"": 1, "_L": 2, "_R": 2, "_rel": 3}[unit[2]], unit[1], unit[2]
    return 4, name, ""


def _people_table(person: str, rows: Columns, names: list[str]) -> pa.Table:
    count = len(rows["time"])
    gap = np.full(count, np.nan, np.float32)
    table = _table({name: rows.get(name, gap) for name in names})
    table = table.append_column("person", pa.array([person] * count, pa.string()))
    rest = [name for name in names if name not in FIRST]
    return table.select([*FIRST, *rest])


def _table(columns: Columns) -> pa.Table:
    return pa.table({name: _column(values) for name, values in columns.items()})


def _column(values: npt.NDArray[np.generic]) -> pa.Array:
    """A column of numbers, NaN as null."""
    # pa.array imports pandas where it is installed, a quarter of a second, only to find that
    # this is no series of it.
    valid = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), np.bool_)
    bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    numbers = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [bits, numbers])


def _columns(table: pa.Table) -> Columns:
    return {name: table[name].to_numpy() for name in table.column_names}
