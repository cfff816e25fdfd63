"""How well speech is recognised, and how often words are invented where none are said.

    python -m eval.words --data SOUNDS.tsv [--other FOLDER …] [--made N] [--out RESULT.json]

`--data`: a table with a header and the columns `file` (beside the table, or absolute), `language`
(a BCP 47 tag; empty where nobody speaks) and `transcript` (what is said, of English ones).
`--other`: folders of sounds and clips with no English in them. `--made`: how many sounds of each
kind of `eval.wordless`. English counts for the word error rate, the rest for the invented words.
The model is the one that `duchenne ask` would use; nothing is fetched.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from agent import media
from agent.schema.samples import Sound
from agent.senses.speech import whisper
from eval.wordless import MADE, RATE, made

SOUNDS: Final = frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".mp4", ".mov", ".mkv"})
SEED: Final = 1000
"""Of the first made sound; the tests use others."""


@dataclass(frozen=True, slots=True)
class Item:
    """One sound to recognise."""

    name: str
    kind: str
    """A language's tag, or what is heard instead of speech."""
    transcript: str
    sound: Sound


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sound."""

    name: str
    kind: str
    said: int
    """Words in its transcript; 0 where there is none."""
    errors: int
    """Words wrong, left out or put in; every recognised one where there is no transcript."""
    refused: bool
    """Whether speech was declared not understood."""
    text: str
    seconds: float
    took: float


def plain(text: str) -> list[str]:
    """The words of a text in small letters, without marks: what is compared."""
    text = text.lower().replace("’", "'").replace("mr.", "mister").replace("-", " ")
    return re.findall(r"[\w']+", text)


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """Fewest words to change, take out or put in to make the one of the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[:], i
        for j, other in enumerate(heard, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (word != other))
    return row[-1]


def judged(item: Item) -> Outcome:
    """One sound recognised and compared."""
    begun = time.perf_counter()
    heard = whisper.transcribe(item.sound)
    took = time.perf_counter() - begun
    text = " ".join(line.text for line in heard.lines)
    said = plain(item.transcript)
    return Outcome(
        item.name, item.kind, len(said), distance(said, plain(text)), bool(heard.unclear), text,
        len(item.sound.samples) / RATE, took,
    )  # fmt: skip


def listed(table: Path) -> Iterator[Item]:
    """The sounds of a table. Raises ValueError for one without its columns, or a bad row."""
    with table.open(encoding="utf-8", newline="") as opened:
        rows = csv.DictReader(opened, delimiter="\t")
        if lacking := {"file", "language", "transcript"} - set(rows.fieldnames or ()):
            raise ValueError(f"{table}: no column {', '.join(sorted(lacking))} in its header")
        for row in rows:
            kind = row["language"] or "no speech"
            if kind.startswith("en") and not plain(row["transcript"] or ""):
                raise ValueError(f"{table}: {row['file']} is English and has no transcript")
            spoken = row["transcript"] if kind.startswith("en") else ""
            yield Item(row["file"], kind, spoken, media.sound(table.parent / row["file"]))


def others(folder: Path) -> Iterator[Item]:
    """The sounds of a folder with no English in it."""
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in SOUNDS):
        yield Item(path.name, f"in {folder.name}", "", media.sound(path))


def synthetic(count: int) -> Iterator[Item]:
    """`count` made sounds of each kind."""
    for kind in MADE:
        for number in range(SEED, SEED + count):
            sound = Sound(0.0, made(kind, number))
            yield Item(f"{kind} {number}", f"{kind} (made)", "", sound)


def table(outcomes: Sequence[Outcome]) -> str:
    """Word error rate of English, and words invented in everything else, kind by kind."""
    kinds: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds[outcome.kind].append(outcome)
    lines = ["| sounds | clips | words said | word errors | rate | declared not understood |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for kind, rows in kinds.items():
        if said := sum(row.said for row in rows):
            errors, refused = sum(row.errors for row in rows), sum(row.refused for row in rows)
            rate = f"{errors / said:.1%}"
            lines.append(f"| {kind} | {len(rows)} | {said} | {errors} | {rate} | {refused} |")
    lines += [
        "",
        "| sounds without English | clips | clips with invented words | words | refused |",
    ]
    lines.append("| --- | --- | --- | --- | --- |")
    silent = {kind: rows for kind, rows in kinds.items() if not any(row.said for row in rows)}
    everything = [row for rows in silent.values() for row in rows]
    for kind, rows in [*silent.items(), ("all", everything)]:
        clips, words = sum(row.errors > 0 for row in rows), sum(row.errors for row in rows)
        refused = sum(row.refused for row in rows)
        lines.append(f"| {kind} | {len(rows)} | {clips} | {words} | {refused} |")
    seconds, took = sum(o.seconds for o in outcomes), sum(o.took for o in outcomes)
    lines += ["", f"{seconds:.0f} s of sound in {took:.0f} s, loading for each sound included."]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 where everything was judged."""
    parser = argparse.ArgumentParser(prog="python -m eval.words", description=__doc__)
    parser.add_argument("--data", type=Path, action="append", default=[], metavar="SOUNDS.tsv")
    parser.add_argument("--other", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--made", type=int, default=10, metavar="N")
    parser.add_argument("--out", type=Path, metavar="RESULT.json")
    given = parser.parse_args(arguments)
    if problem := whisper.why_not():
        print(problem, file=sys.stderr)
        return 1
    outcomes: list[Outcome] = []
    try:
        for source in [
            *map(listed, given.data), *map(others, given.other), synthetic(given.made)
        ]:  # fmt: skip
            outcomes += map(judged, source)
    except (media.MediaError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"model: {Path(str(whisper.weights())).name}\n")
    print(table(outcomes))
    if given.out:
        rows = [asdict(outcome) for outcome in outcomes]
        given.out.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
