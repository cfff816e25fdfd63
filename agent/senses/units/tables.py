"""Action units from another program's table, in place of measuring them.

Reads the CSV files of OpenFace 2 (0-5, `AU06_r`; presence `AU28_c`), OpenFace 3 (`AU1` …,
scores 0-1), py-feat (`AU06`, 0-1), LibreFace (`au_6_intensity` 0-5; presence `au_7`), and
tables of this project (`time`, `AU06`, `AU06_L` …, 0-5). Knows their columns and scales,
never runs them. Columns are found whatever their case and the blanks around their names.
Emotion columns are passed over: a label is not evidence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.facs.units import AUS, MEASURED
from agent.schema.errors import USAGE, DuchenneError
from agent.schema.evidence import Cue, Missing
from agent.schema.samples import Columns
from agent.senses.units import series as au_reading
from agent.senses.units.series import Knowledge
from agent.senses.units.table_fit import FitError, Timeline, fitted, one_name
from agent.util.tabular import Tabular, TabularError, read_tabular

PRESENT: Final = 2.0
"""Intensity given to an action unit that a table only calls present: B, the least that counts."""
CERTAIN: Final = 0.3
"""Rows that the program itself trusts less are gaps."""
# fmt: off
_OTHERS: Final = frozenset((
    "confidence", "facescore", "quality", "success", "timestamp", "time", "frame_time_in_ms",
    "frame", "frame_idx", "input", "person", "face_id", "identity", "face",
    "facerectx", "facerecty", "facerectwidth", "x_0", "y_0", "x_16",
))
# fmt: on
"""Columns that are used beside the action units."""
OPENFACE3: Final = (1, 2, 4, 6, 9, 12, 25, 26)
"""The action units that OpenFace 3 gives."""

BEYOND: Final = 1.5
"""Readings so many times a scale's top are not of that scale."""
_NOTHING: Final = frozenset(("", "na", "n/a", "null", "none", "-", "?"))
_AU: Final = re.compile(r"au_?0*(\d{1,2})(_r|_c|_intensity|_l)?")


class TableError(DuchenneError, ValueError):
    """A table that cannot be read; the message says what was found and what to do."""

    code = "bad_table"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Source:
    """A program that writes AU tables."""

    name: str
    scale: str
    """What its numbers mean and what was made of them."""
    factor: float
    """From its intensities to 0-5."""
    first: int
    """Number of its first frame."""
    knowledge: Knowledge
    """The same for all its action units; how it reads single ones is not documented."""


OPENFACE_2: Final = Source(
    "OpenFace 2", "intensities 0-5 as they are", 1.0, 1, Knowledge(0.65, 1.0)
)
OPENFACE_3: Final = Source("OpenFace 3", "scores 0-1, taken times 5", 5.0, 0, Knowledge(0.5, 1.5))
PY_FEAT: Final = Source("py-feat", "scores 0-1, taken times 5", 5.0, 0, Knowledge(0.5, 2.5))
LIBREFACE: Final = Source("LibreFace", "intensities 0-5 as they are", 1.0, 0, Knowledge(0.6, 1.0))
PLAIN: Final = Source("table", "intensities 0-5 as they are", 1.0, 0, Knowledge(0.6, 1.0))


@dataclass(frozen=True, slots=True)
class Table:
    """One table, all its faces; arrays have one entry a row, in order of time and face."""

    times: npt.NDArray[np.float64]
    """Seconds."""
    frames: npt.NDArray[np.int64]
    """Frame number from 0."""
    columns: Columns
    """`AU12` … 0-5, NaN where there was no face; `quality` where the program gives one."""
    source: Source
    people: tuple[str, ...]
    """The program's own name of the face, row by row; one name all through if it gives none."""
    presence: tuple[int, ...]
    """Action units given as present or absent only; PRESENT stands for present."""
    notes: tuple[str, ...] = ()
    """What does not fit the clip, or was taken otherwise than it stands."""


def read_table(path: str | Path, fps: float, clip: Timeline | None = None) -> Table:
    """A table from a CSV file, checked against its clip where that is given.

    `clip`, or `fps` alone, turns picture numbers into seconds. Raises TableError for files that
    are no table, no table of a known program, or of another clip.
    """
    path = Path(path)
    timeline = clip or Timeline(fps)
    try:
        return _Reader(path, read_tabular(path), timeline).table()
    except TabularError as error:
        raise TableError(f"{error}; give an AU table as CSV") from error
    except FitError as error:
        hint = "" if str(error).endswith(("'s", "it", "picture")) else ". Give the clip's own table"
        raise TableError(f"{path} {error}{hint}") from error
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}; give an AU table as CSV") from error


def from_table(table: Table) -> tuple[dict[str, Columns], list[Cue], list[Missing]]:
    """Series, cues and what is missing, by person P1, P2, … in order of appearance."""
    knowledge = dict.fromkeys(AUS, table.source.knowledge)
    order = list(dict.fromkeys(table.people))
    everyone = np.array(table.people)
    series: dict[str, Columns] = {}
    cues: list[Cue] = []
    personal: list[tuple[str, Missing]] = []
    for number, name in enumerate(order, start=1):
        mine = everyone == name
        columns: Columns = {"time": table.times[mine], "frame": table.frames[mine]}
        columns |= {key: values[mine] for key, values in table.columns.items()}
        person = f"P{number}"
        series[person], found, lacks = au_reading.read(columns, person, knowledge)
        cues += found
        personal += [(person, gap) for gap in lacks]
    return series, cues, [*_lacks(table), *au_reading.together(personal)]


class _Reader:
    """One open file."""

    def __init__(self, path: Path, file: Tabular, clip: Timeline) -> None:
        self._path, self._clip = path, clip
        self._notes = [file.note] if file.note else []
        self._names = [name.lower() for name in file.header]
        self._at = {name: i for i, name in reversed(list(enumerate(self._names)))}
        self._source = _source(path, self._names)
        self._units, self._presence = self._find_units()
        self._keep = sorted(
            {*self._units.values(), *(self._at[n] for n in _OTHERS & set(self._at))}
        )
        self._rows = self._read(file.rows)

    def table(self) -> Table:
        """The rows as a Table."""
        columns = {name: self._column(i) for name, i in self._units.items()}
        for name, values in columns.items():
            if int(name[2:4]) in self._presence:
                values *= PRESENT / self._source.factor
        self._scale_holds(columns)
        gaps = self._gaps()
        if gaps.all():
            raise TableError(
                f"{self._path}: the program calls all of its {len(gaps)} rows failed; it found no "
                "face. Look at the clip without a table"
            )
        scaled: Columns = {
            name: np.clip(np.where(gaps, np.nan, v * self._source.factor), 0, 5).astype(np.float32)
            for name, v in columns.items()
            if np.isfinite(v).any()
        }
        if not scaled:
            raise TableError(f"{self._path}: no row has a face; all AU columns are empty")
        if (quality := self._optional("confidence", "facescore", "quality")) is not None:
            scaled["quality"] = np.clip(np.nan_to_num(quality), 0, 1).astype(np.float32)
        names = self._people()
        times, frames, notes = fitted(self._times(), self._frames(), self._clip)
        people, joined = one_name(names, times, self._places())
        notes = [*self._notes, *notes, *joined, *self._another_file()]
        order = np.lexsort((np.arange(len(times)), times))
        return Table(
            times[order],
            frames[order],
            {name: values[order] for name, values in scaled.items()},
            self._source,
            tuple(people[i] for i in order),
            self._presence,
            tuple(notes),
        )

    def _find_units(self) -> tuple[dict[str, int], tuple[int, ...]]:
        """Where each `AU12` or `AU12_L` stands, and which are presence only."""
        strong: dict[str, int] = {}
        weak: dict[str, int] = {}
        for i, name in enumerate(self._names):
            match = _AU.fullmatch(name)
            if match is None or int(match[1]) not in AUS:
                continue
            code, end = f"AU{int(match[1]):02d}", match[2] or ""
            if self._source is PLAIN and end in ("_l", "_r"):
                strong[f"{code}_{end[1].upper()}"] = i
            elif end == "_c" or (self._source is LIBREFACE and end == ""):
                weak[code] = i
            elif end in ("", "_r", "_intensity"):
                strong[code] = i
        only = {code: i for code, i in weak.items() if code not in strong}
        return strong | only, tuple(sorted(int(code[2:]) for code in only))

    def _read(self, rows_of: Iterator[tuple[int, list[str]]]) -> list[dict[int, str]]:
        """The columns that are used of every row; landmarks by the hundred are not kept."""
        rows: list[dict[int, str]] = []
        for line, row in rows_of:
            if not any(row):
                continue
            if len(row) < len(self._names):
                raise TableError(
                    f"{self._path}, line {line}: {len(row)} of {len(self._names)} columns; "
                    "the file seems cut off"
                )
            rows.append({i: row[i] for i in self._keep})
        if not rows:
            raise TableError(f"{self._path} has a header and no rows")
        return rows

    def _column(self, at: int) -> npt.NDArray[np.float64]:
        return np.array([self._number(row[at], i, at) for i, row in enumerate(self._rows)])

    def _number(self, cell: str, row: int, at: int) -> float:
        """A cell as a number; NaN for all the ways in which programs write that there is none."""
        if cell.lower() in _NOTHING or "#" in cell or cell.lower().lstrip("+-").startswith("nan"):
            return math.nan  # -nan(ind), 1.#QNAN, -1.#IND, #N/A, #DIV/0!
        try:
            found = float(cell if cell.count(",") != 1 or "." in cell else cell.replace(",", "."))
        except ValueError:
            raise TableError(
                f"{self._path}, row {row + 1}: {cell!r} in column {self._names[at]} is no number"
            ) from None
        return found if math.isfinite(found) else math.nan

    def _scale_holds(self, columns: Mapping[str, npt.NDArray[np.float64]]) -> None:
        """Raises TableError where readings lie far beyond the program's scale."""
        top = 5.0 / self._source.factor
        for name, values in columns.items():
            most = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
            if most > BEYOND * top:
                raise TableError(
                    f"{self._path}: {name} reads up to {most:g}; {self._source.name}'s scale ends "
                    f"at {top:g}. Bring the table to that scale"
                )

    def _optional(self, *names: str) -> npt.NDArray[np.float64] | None:
        """The first of these columns that is there."""
        at = next((self._at[name] for name in names if name in self._at), None)
        return None if at is None else self._column(at)

    def _gaps(self) -> npt.NDArray[np.bool_]:
        """Rows that the program itself calls failed or hardly trusts."""
        success = self._optional("success")
        sure = self._optional("confidence", "facescore")
        failed = np.zeros(len(self._rows), bool) if success is None else ~(success > 0)
        if sure is None or not np.isfinite(sure).any():
            return failed
        return failed | ~(sure >= CERTAIN)

    def _times(self) -> npt.NDArray[np.float64] | None:
        """Seconds of every row, as the table has them; None where it has none."""
        for name, scale in (("timestamp", 1.0), ("time", 1.0), ("frame_time_in_ms", 1e-3)):
            if name in self._at:
                times = self._column(self._at[name]) * scale
                if np.isfinite(times).all():
                    return np.asarray(np.maximum(times, 0))
                if self._numbers() is None:
                    raise TableError(f"{self._path}: column {name} has gaps")
                self._notes.append(f"column {name} has gaps; picture numbers are taken instead")
        return None

    def _numbers(self) -> npt.NDArray[np.int64] | None:
        """Picture numbers from 0, as the table has them."""
        numbers = self._optional("frame", "frame_idx")
        if numbers is None or not np.isfinite(numbers).all():
            return None
        return np.asarray(np.maximum(numbers - self._source.first, 0), dtype=np.int64)

    def _frames(self) -> npt.NDArray[np.int64] | None:
        """Picture numbers; row by row where the table has neither them nor times."""
        numbers = self._numbers()
        if numbers is not None or {"timestamp", "time", "frame_time_in_ms"} & set(self._at):
            return numbers
        if self._clip.still or len(self._rows) == 1:
            return np.zeros(len(self._rows), np.int64)
        if self._clip.fps <= 0 and not self._clip.stamps:
            return None
        return np.arange(len(self._rows))

    def _places(self) -> npt.NDArray[np.float64] | None:
        """Where each row's face stands: x, y, width in one unit; None where the table says not."""
        if {"facerectx", "facerecty", "facerectwidth"} <= set(self._at):
            names = ["facerectx", "facerecty", "facerectwidth"]
            return np.stack([self._column(self._at[name]) for name in names], axis=1)
        if {"x_0", "y_0", "x_16"} <= set(self._at):  # the jaw from ear to ear
            x, y, other = (self._column(self._at[name]) for name in ("x_0", "y_0", "x_16"))
            return np.stack([x, y, np.abs(other - x)], axis=1)
        return None

    def _another_file(self) -> list[str]:
        """A note where the table says that it was made of a file of another name."""
        if "input" not in self._at or not self._clip.file:
            return []
        name = re.split(r"[\\/]", self._rows[0][self._at["input"]])[-1]
        if not name or name.lower() == self._clip.file.lower():
            return []
        return [f"it says that it was made of {name!r}; the clip is {self._clip.file!r}"]

    def _people(self) -> Sequence[str]:
        """The face each row belongs to; a row without a name goes to the face before it."""
        if "input" in self._at and len(files := {row[self._at["input"]] for row in self._rows}) > 1:
            raise TableError(
                f"{self._path} holds {len(files)} different inputs; give the rows of one clip"
            )
        at = next(
            (self._at[n] for n in ("person", "face_id", "identity", "face") if n in self._at), None
        )
        if at is None:
            alone = not self._clip.still or len(self._rows) == 1
            return ["0"] * len(self._rows) if alone else [str(n) for n in range(len(self._rows))]
        names = ["" if (n := row[at]).lower() in (*_NOTHING, "nan") else n for row in self._rows]
        last = next((name for name in names if name), "0")
        filled = []
        for name in names:
            last = name or last
            filled.append(last)
        return filled


def _source(path: Path, names: Sequence[str]) -> Source:
    """The program that wrote these columns. Raises TableError where none is known."""
    numbers = {int(match[1]) for name in names if (match := _AU.fullmatch(name))}
    have = set(names)
    if not numbers & set(AUS):
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise TableError(
            f"{path} has no action unit columns (found: {shown}). Known are the CSV files of "
            "OpenFace 2, OpenFace 3, py-feat and LibreFace, and tables with `time` and `AU06` …"
        )
    if {3, 8} <= numbers:
        raise TableError(
            f"{path} numbers its columns AU01 … AU08 by place, not by FACS; rename them to the "
            f"action units they hold (OpenFace 3 gives {', '.join(map(str, OPENFACE3))})"
        )
    if {"frame_time_in_ms", "frame_idx"} & have or any(n.endswith("_intensity") for n in names):
        return LIBREFACE
    if have & {"facerectx", "facescore"}:
        return PY_FEAT
    if any(name.endswith("_c") and _AU.fullmatch(name) for name in names) or "success" in have:
        return OPENFACE_2
    if numbers <= set(OPENFACE3) and have & {"gaze_yaw", "gaze_pitch", "face_id", "emotion"}:
        return OPENFACE_3
    if "time" in have:
        return PLAIN
    if "timestamp" in have:
        return OPENFACE_2
    raise TableError(
        f"{path} has action unit columns but is of no known program (OpenFace, py-feat, "
        "LibreFace). Give it a column `time` in seconds and intensities 0-5"
    )


def _lacks(table: Table) -> list[Missing]:
    """What this table cannot tell."""
    have = {int(name[2:4]) for name in table.columns if name.startswith("AU")}
    have |= {43, 45} if have & {43, 45} else set()
    absent = [f"AU{number}" for number in MEASURED if number not in have]
    missing = [Missing(what="table", why=note) for note in table.notes]
    if absent:
        why = f"{table.source.name}'s table ({table.source.scale}) has no {', '.join(absent)}"
        missing.append(Missing(what="action units", why=why))
    if table.presence:
        units = ", ".join(f"AU{n}" for n in table.presence)
        missing.append(
            Missing(
                what="intensity",
                why=f"{table.source.name} tells of {units} only whether they are present",
            )
        )
    if not any(name.endswith(("_L", "_R")) for name in table.columns):
        missing.append(Missing(what="sides", why="the table does not tell left from right"))
    return missing
