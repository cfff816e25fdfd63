"""SRC on the command line → samples: a folder, a glob, a table, a Hugging Face data set, a card.

Knows file names and tables, opens no clip. Samples come in an order that does not change.
"""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.captions.named import named
from agent.captions.samples import Sample, SourceError
from agent.util.tabular import TabularError, read_tabular
from agent.util.texts import EncodingError, decode

CLIPS: Final = frozenset((
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".3gp",
    ".ogv", ".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".jpg", ".jpeg",
    ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".gif",
))  # fmt: skip
"""Suffixes of files that are taken for clips when a folder is read."""
TABLES: Final = frozenset((".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet"))
CLIP_COLUMNS: Final = (
    "path", "file", "file_name", "filename", "video", "clip", "audio", "image", "video_path",
    "audio_path", "image_path", "file_path", "filepath",
)  # fmt: skip
ID_COLUMNS: Final = ("id", "sample_id", "clip_id", "video_id", "name")
SUBTITLE_COLUMNS: Final = ("subtitles", "subtitle", "subtitle_path", "srt")
WORDS: Final = frozenset((".srt", ".vtt", ".json"))
LINE: Final = "\0line"
"""Where a row of a text file keeps its line; no column of a file has this name."""
_HUB: Final = re.compile(r"[\w.-]+/[\w.-]+")

Row = Mapping[str, Any]
Say = Callable[[str], None]
Cards = Callable[[str, Path | None], Iterable[Sample] | None]
"""Name of a data card and the data set's root → its samples; None where no card has that name."""


@dataclass(frozen=True, slots=True)
class Source:
    """What SRC names, and how its rows are to be read."""

    name: str
    root: Path | None = None
    """Folder that paths of a table start from; default: the table's own."""
    split: str = "train"
    """Split of a Hugging Face data set."""
    config: str | None = None
    columns: Sequence[str] = ()
    """Columns with the clip, in order of preference; default: the usual names."""


def _unsaid(_note: str) -> None:
    pass


def samples(source: Source, cards: Cards | None = None, say: Say = _unsaid) -> Iterator[Sample]:
    """Every sample once, in a fixed order. Raises SourceError, OSError.

    `cards` looks a name up among the data cards; agent knows none of its own. `say` is told what
    was read by a guess.
    """
    given = Path(source.name).expanduser()
    if given.is_dir():
        yield from _folder_or_hub(source, given)
    elif given.is_file() and given.suffix.lower() in TABLES:
        yield from _unique(
            _of_rows(_table(given, say), source, source.root or given.parent, say), source
        )
    elif given.is_file():
        yield _clip(given, given.name)
    elif found := _globbed(source.name):
        yield from found
    elif cards is not None and (known := cards(source.name, source.root)) is not None:
        yield from known
    elif _HUB.fullmatch(source.name):
        yield from _hub(source)
    else:
        raise SourceError(
            f"nothing is called {source.name!r} here: give a folder, a pattern in quotes "
            "('clips/**/*.mp4'), a table (.jsonl, .csv, .parquet), a Hugging Face data set "
            "(owner/name or its folder) or the name of a data card with --root"
        )


def is_streamed(source: Source) -> bool:
    """Whether samples come from afar, one by one."""
    here = Path(source.name).expanduser().exists() or glob.has_magic(source.name)
    return not here and _HUB.fullmatch(source.name) is not None


def root(source: Source) -> Path | None:
    """Folder that the ids of clips start from; None where the source holds bytes."""
    given = Path(source.name).expanduser()
    if source.root is not None:
        return source.root.absolute()
    if given.is_dir():
        return given.absolute()
    if glob.has_magic(source.name):
        return Path(*_until_magic(given.parts)).absolute()
    return given.parent.absolute() if given.is_file() else None


def _folder_or_hub(source: Source, folder: Path) -> Iterator[Sample]:
    if (folder / "dataset_info.json").exists() or (folder / "dataset_dict.json").exists():
        yield from _hub(source)
        return
    found = sorted(path for path in folder.rglob("*") if _is_clip(path, folder))
    if found:
        yield from (_clip(path, path.relative_to(folder).as_posix()) for path in found)
    elif any(folder.rglob("*.parquet")):
        yield from _hub(source)
    else:
        raise SourceError(f"{folder} holds no clip; looked for {' '.join(sorted(CLIPS))}")


def _is_clip(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in CLIPS and not hidden and path.is_file()


def _globbed(pattern: str) -> list[Sample]:
    """Clips that a pattern finds, named by their path from where the pattern begins to vary."""
    if not glob.has_magic(pattern):
        return []
    whole = Path(pattern).expanduser()
    fixed = tuple(_until_magic(whole.parts))
    root = Path(*fixed)
    found = sorted(root.glob("/".join(whole.parts[len(fixed) :])))
    clips = [path for path in found if path.is_file() and path.suffix.lower() in CLIPS]
    if not clips:
        raise SourceError(f"the pattern {pattern!r} finds no clip; is it in quotes?")
    return [_clip(path, path.relative_to(root).as_posix()) for path in clips]


def _until_magic(parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if glob.has_magic(part):
            return
        yield part


def _clip(path: Path, name: str) -> Sample:
    return Sample(id=name, path=path.absolute(), place=name)


def _hub(source: Source) -> Iterator[Sample]:
    from agent.captions.sources_hub import rows

    yield from _unique(_of_rows(rows(source), source, source.root or Path(), _unsaid), source)


def _table(path: Path, say: Say) -> Iterator[Row]:
    """Rows of a table. Raises SourceError that names the line which cannot be read."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        yield from _separated(path, say)
    elif suffix == ".parquet":
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(path).iter_batches(batch_size=256):
            yield from batch.to_pylist()
    elif suffix == ".json":
        yield from _json(path, say)
    else:
        for number, line in enumerate(_text(path, say).split("\n"), 1):
            if line.strip():
                yield _object(line, f"{path}, line {number}")


def _separated(path: Path, say: Say) -> Iterator[Row]:
    """Rows of a CSV file; those of separators alone only where others follow."""
    try:
        table = read_tabular(path)
        if table.note:
            say(table.note)
        empty: list[Row] = []
        for line, row in table.rows:
            if any(row[len(table.header) :]):
                raise SourceError(
                    f"{path}, line {line}: {len(row)} cells and {len(table.header)} columns; put "
                    "quotes around texts that hold the separator"
                )
            cells = dict(zip(table.header, row, strict=False))
            if any(row):
                yield from empty
                empty = []
                yield cells | {LINE: line}
            else:
                empty.append(cells | {LINE: line})
    except TabularError as error:
        raise SourceError(str(error)) from error


def _text(path: Path, say: Say) -> str:
    try:
        text, _, note = decode(path.read_bytes())
    except EncodingError as error:
        raise SourceError(f"{path}: {error}, and give it again") from error
    if note:
        say(f"{path.name}: {note}")
    return text


def _json(path: Path, say: Say) -> Iterator[Row]:
    try:
        found = json.loads(_text(path, say))
    except (ValueError, RecursionError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise SourceError(f"{path} must hold a list of objects, one a clip")
    yield from found


def _object(line: str, where: str) -> Row:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise SourceError(f"{where}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise SourceError(f"{where}: not an object")
    return found


def _of_rows(found: Iterable[Row], source: Source, root: Path, say: Say) -> Iterator[Sample]:
    clip_column: str | None = None
    guessed = 0
    for number, row in enumerate(found):
        if clip_column is None:
            clip_column = _clip_column(row, source)
        sample, guess = _of_row(row, number, clip_column, root)
        guessed += guess is not None
        if guess is not None and guessed == 1:
            say(guess)
        yield sample
    if guessed > 1:
        say(f"{guessed} clips in all were found under names that are written otherwise")


def _clip_column(row: Row, source: Source) -> str:
    written = {name.strip().lower(): name for name in reversed(list(row))}
    for name in source.columns or CLIP_COLUMNS:
        if (found := written.get(name.lower())) is not None:
            return found
    raise SourceError(
        f"no column of {source.name} holds the clip: there are "
        f"{', '.join(name for name in row if name != LINE)}; looked for "
        f"{', '.join(source.columns or CLIP_COLUMNS)}. Name it with --clip-column"
    )


def _of_row(row: Row, number: int, clip_column: str, root: Path) -> tuple[Sample, str | None]:
    """One sample, and how its clip was found where not as it is written."""
    clip = row.get(clip_column)
    inside: bytes | None = None
    where: str | None
    if isinstance(clip, Mapping):  # a feature of `datasets`, not decoded
        inside, where = clip.get("bytes"), clip.get("path")
    elif isinstance(clip, bytes):
        inside, where = clip, None
    else:
        where = None if clip is None else str(clip).strip()
    problem: str | None = None
    guess: str | None = None
    if inside is None and not where:
        line = f"line {row[LINE]}" if LINE in row else f"row {number + 1}"
        problem = f"no clip named: column {clip_column} is empty in {line}. Fill it"
    elif inside is None and where:
        place = named(root, where, CLIPS)
        where, problem, guess = place.name, place.problem, place.note
    subtitles = next((row[name] for name in SUBTITLE_COLUMNS if row.get(name)), None)
    beside = None if subtitles is None else root / named(root, str(subtitles), WORDS).name
    own = next((str(row[name]) for name in ID_COLUMNS if row.get(name) not in (None, "")), None)
    used = {clip_column, *ID_COLUMNS, *SUBTITLE_COLUMNS, LINE}
    sample = Sample(
        id=own or where or f"row-{number:06d}",
        path=None if inside is not None else root / (where or ""),
        place=None if inside is not None else where,
        data=inside,
        suffix=Path(where or "").suffix,
        subtitles=beside,
        labels={k: v for k, v in row.items() if k not in used and not isinstance(v, bytes)},
        problem=problem,
    )
    return sample, guess


def _unique(found: Iterable[Sample], source: Source) -> Iterator[Sample]:
    seen: set[str] = set()
    for sample in found:
        if sample.id in seen:
            raise SourceError(
                f"{source.name} has the id {sample.id!r} twice; give each row an `id` of its own"
            )
        seen.add(sample.id)
        yield sample
