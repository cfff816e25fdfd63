"""Reads lines with their times out of subtitle files: SubRip, WebVTT, and JSON transcripts.

Knows files and transcripts, not clips; what stands between the times is read by
`agent.senses.speech.timed_text`.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from agent.schema.errors import USAGE, DuchenneError
from agent.senses.speech.timed_text import Found, Line, blocks, clean, unrolled
from agent.util.texts import EncodingError, decode

KINDS: Final = (".srt", ".vtt", ".json")

MAX_BYTES: Final = 16_000_000
MAX_LINES: Final = 50_000
PAUSE: Final = 0.6
"""Seconds between two words that begin a new phrase."""
LONGEST: Final = 6.0
"""Seconds of one phrase put together from single words."""


class WordsError(DuchenneError, ValueError):
    """A subtitle file that cannot be read; the message names the file, the line and what to do."""

    code = "bad_subtitles"
    exit_status = USAGE


class Script(NamedTuple):
    """What a subtitle file holds."""

    lines: list[Line]
    """In order of time, each word once."""
    language: str | None
    """Where the file says it."""
    notes: tuple[str, ...] = ()
    """What could not be read, or only by a guess."""


def read(path: Path) -> Script:
    """What a file says. Lines that cannot be read are named in its notes and the rest is taken.

    Raises WordsError for a file of which nothing can be read.
    """
    if path.suffix.lower() not in KINDS:
        raise WordsError(f"{path}: subtitles are read from .srt, .vtt or .json files. Convert it.")
    text, note = _decoded(path)
    if path.suffix.lower() == ".json":
        found = _transcript(text, path)
    else:
        found = blocks(text, path.suffix.lower() == ".vtt")
    if found.refused and not any(line.text for line in found.lines):
        number, why = found.refused[0]
        raise WordsError(f"{path}: {found.unit} {number}: {why}")
    if len(found.lines) > MAX_LINES:
        raise WordsError(f"{path}: more than {MAX_LINES} lines. Cut it into parts.")
    ordered = sorted(found.lines, key=lambda line: (line.start, line.end))
    notes = [note] if note else []
    notes += found.notes
    if found.refused:
        where = ", ".join(str(number) for number, _ in found.refused)[:60]
        count = len(found.refused)
        left = "1 line is" if count == 1 else f"{count} lines are"
        notes.append(
            f"{left} left out, at {found.unit} {where} ({found.refused[0][1].rstrip('.')})"
        )
    lines = [line for line in unrolled(ordered) if line.text]
    return Script(lines, found.language, tuple(f"{path.name}: {note}" for note in notes))


def _decoded(path: Path) -> tuple[str, str | None]:
    """Text of the file, and how its encoding was told where it does not say."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise WordsError(f"{path}: larger than {MAX_BYTES // 10**6} MB. Is it a subtitle file?")
        text, _, note = decode(path.read_bytes())
    except OSError as error:
        raise WordsError(f"{path}: {error.strerror}. Give the path of a subtitle file.") from error
    except EncodingError as error:
        raise WordsError(f"{path}: {error}.") from error
    return text, note


def _transcript(text: str, path: Path) -> Found:
    """Whisper's segments with or without words, or a plain list of words or lines."""
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = getattr(error, "lineno", 1)
        why = getattr(error, "msg", "nested too deep")
        raise WordsError(
            f"{path}: line {where}: not JSON: {why}. Correct or convert it."
        ) from error
    items, language = _items(held)
    if items is None:
        raise WordsError(
            f"{path}: line 1: a list of {{start, end, text}} or an object with segments or "
            "words expected. Convert it."
        )
    lines: list[Line] = []
    words: list[Line] = []
    found = Found(language=language, unit="item")
    for number, item in enumerate(items[: MAX_LINES * 4], 1):
        try:
            line = _item(item, number)
        except ValueError as error:
            found.refused.append((number, str(error)))
        else:
            (words if isinstance(item, dict) and "word" in item else lines).append(line)
    found.lines = lines + _phrases(words)
    return found


def _items(held: Any) -> tuple[list[Any] | None, str | None]:
    if isinstance(held, list):
        return held, None
    if not isinstance(held, dict):
        return None, None
    language = held.get("language")
    for name in ("segments", "words", "chunks"):
        if isinstance(held.get(name), list) and (held[name] or name == "segments"):
            return held[name], language if isinstance(language, str) else None
    return None, None


def _item(item: Any, number: int) -> Line:
    """Raises ValueError that says what is expected."""
    if not isinstance(item, dict):
        raise ValueError("{start, end, text} expected. Correct it.")
    words = _timed(item)
    said = item.get("text", item.get("word"))
    times = _span(item, words)
    if times is None or not isinstance(said, str):
        raise ValueError("needs start and end in seconds and a text. Correct it.")
    speaker = item.get("speaker")
    name = clean(speaker) if isinstance(speaker, str) else None
    return Line(*times, clean(said), name, _sureness(item, words), number)


def _timed(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The words of a segment that have a time; aligners leave it out for numbers and the like."""
    words = item.get("words")
    if not isinstance(words, list):
        return []
    return [word for word in words if isinstance(word, dict) and _span(word, [])]


def _span(item: dict[str, Any], words: list[dict[str, Any]]) -> tuple[float, float] | None:
    """Start and end in seconds; of timed words the first and last, nearer to the voice."""
    pair = item.get("timestamp")
    start, end = pair if isinstance(pair, list) and len(pair) == 2 else (item.get("start"), None)
    end = item.get("end", start) if end is None else end
    if words:
        start, end = words[0].get("start"), words[-1].get("end", end)
    try:
        times = float(start), float(end)  # type: ignore[arg-type]  # whatever the file holds
    except (TypeError, ValueError, OverflowError):
        return None
    return times if all(map(math.isfinite, times)) else None


def _sureness(item: dict[str, Any], words: list[dict[str, Any]]) -> float:
    """The recogniser's own confidence 0-1; 1 where it does not say."""
    given = [
        value
        for one in words or [item]
        for key in ("probability", "score", "confidence")
        if isinstance(value := one.get(key), int | float) and 0 <= value <= 1
    ]
    if not given and isinstance(logs := item.get("avg_logprob"), int | float):
        given = [math.exp(min(0.0, logs))]
    return sum(given) / len(given) if given else 1.0


def _phrases(words: list[Line]) -> list[Line]:
    """Single words put together: a phrase ends with a pause, a sentence or the speaker."""
    phrases: list[Line] = []
    for word in sorted(words, key=lambda line: line.start):
        last = phrases[-1] if phrases else None
        if (
            last is None
            or word.start - last.end > PAUSE
            or word.end - last.start > LONGEST
            or word.speaker != last.speaker
            or last.text.endswith((".", "!", "?", "…", "。", "！", "？"))
        ):
            phrases.append(word)
            continue
        phrases[-1] = replace(
            last,
            end=max(last.end, word.end),
            text=f"{last.text} {word.text}",
            confidence=min(last.confidence, word.confidence),
        )
    return phrases
