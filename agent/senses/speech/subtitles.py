"""Reads lines with their times out of subtitle files: SubRip, WebVTT, and JSON transcripts.

Knows formats, not clips. The text is someone else's: mark-up and control characters are
taken out, the rest is kept as it stands and means nothing to this program.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from agent.schema.errors import USAGE, DuchenneError

MAX_BYTES: Final = 16_000_000
MAX_LINES: Final = 50_000
MAX_TEXT: Final = 1_000
"""Letters of one line; what is longer is cut and ends in an ellipsis."""
PAUSE: Final = 0.6
"""Seconds between two words that begin a new phrase."""
LONGEST: Final = 6.0
"""Seconds of one phrase put together from single words."""


class WordsError(DuchenneError, ValueError):
    """A subtitle file that cannot be read; the message names the file, the line and what to do."""

    code = "bad_subtitles"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its times in seconds, and how sure a recogniser is of it, 0-1."""

    text: str
    start: float
    end: float
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One subtitle, or one phrase of a transcript."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    confidence: float = 1.0
    row: int = 0
    """Line of the file, or number of the item, it stands in."""
    words: tuple[Word, ...] = ()
    """Its words with their own times, in order, where they are known."""


def read(path: Path) -> tuple[list[Line], str | None]:
    """Lines in order of time, and the language where the file says it. Raises WordsError."""
    kinds = {".srt": _subrip, ".vtt": _webvtt, ".json": _transcript}
    reader = kinds.get(path.suffix.lower())
    if reader is None:
        raise WordsError(f"{path}: subtitles are read from .srt, .vtt or .json files. Convert it.")
    text = _decoded(path)
    lines, language = reader(text, path)
    if len(lines) > MAX_LINES:
        raise WordsError(f"{path}: more than {MAX_LINES} lines. Cut it into parts.")
    ordered = sorted(lines, key=lambda line: (line.start, line.end))
    return [line for line in _unrolled(ordered) if line.text], language


def clean(text: str) -> str:
    """One line of plain text: no mark-up, no control or direction characters, no line breaks."""
    text = re.sub(r"\{\\[^{}]*\}", "", text)
    text = re.sub(r"</?(?:[bisuvc]|font|ruby|rt|lang|span|br)(?:[ .\t][^<>]*)?/?>", " ", text)
    text = re.sub(r"<\d[\d:.]*>", "", text).replace("\\N", " ").replace("\\h", " ")
    text = "".join(c if c.isprintable() or c.isspace() else "" for c in text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _decoded(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise WordsError(f"{path}: larger than {MAX_BYTES // 10**6} MB. Is it a subtitle file?")
        data = path.read_bytes()
    except OSError as error:
        raise WordsError(f"{path}: {error.strerror}. Give the path of a subtitle file.") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_ARROW = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?$")


def _subrip(text: str, path: Path) -> tuple[list[Line], str | None]:
    return list(_blocks(text, path)), None


def _webvtt(text: str, path: Path) -> tuple[list[Line], str | None]:
    head = text.lstrip().split("\n", 1)[0]
    if not head.startswith("WEBVTT"):
        raise WordsError(f"{path}: line 1: a .vtt file begins with WEBVTT. Is it another format?")
    said = re.search(r"^Language:\s*([\w-]+)\s*$", text[:500], re.MULTILINE)
    lines = [
        replace(line, text=html.unescape(line.text), speaker=line.speaker)
        for line in _blocks(text, path)
    ]
    return lines, said[1] if said else None


def _blocks(text: str, path: Path) -> Iterator[Line]:
    """Lines of a file whose blocks are a time line and the text up to the next empty line."""
    rows = text.splitlines()
    at, found = 0, False
    while at < len(rows):
        row = rows[at]
        at += 1
        if "-->" not in row:
            continue
        times, number, said = _times(row, path, at), at, []
        while at < len(rows) and rows[at].strip() and "-->" not in rows[at]:
            said.append(rows[at])
            at += 1
        if at < len(rows) and "-->" in rows[at] and said and said[-1].strip().isdigit():
            said.pop()  # the number of a next block that no empty line divides from this one
        found = True
        joined = "\n".join(said)
        voice = re.search(r"<v(?:\.[^ >]*)?[ \t]+([^<>]+)>", joined)
        yield Line(*times, clean(joined), clean(voice[1]) if voice else None, row=number)
    if not found and text.strip() and not text.lstrip().startswith("WEBVTT"):
        raise WordsError(
            f"{path}: line 1: no times like 00:00:01,000 --> 00:00:02,500 anywhere in it. "
            "Give a subtitle file."
        )


def _times(row: str, path: Path, number: int) -> tuple[float, float]:
    match = _ARROW.match(row)
    if not match:
        raise WordsError(
            f"{path}: line {number}: times like 00:00:01,000 --> 00:00:02,500 expected, "
            f"found {row.strip()[:60]!r}. Correct that line."
        )
    start, end = (
        int(h or 0) * 3600 + int(m) * 60 + int(s) + int(f.ljust(3, "0")) / 1000
        for h, m, s, f in (match.groups()[:4], match.groups()[4:])
    )
    return start, end


def _unrolled(lines: list[Line]) -> Iterator[Line]:
    """Captions that roll up repeat the line before: each is said once."""
    last: Line | None = None
    for line in lines:
        if last and line.start <= last.end + 0.05 and line.text == last.text:
            last = replace(last, end=max(last.end, line.end))
            continue
        if last:
            yield last
        last = line
    if last:
        yield last


def _transcript(text: str, path: Path) -> tuple[list[Line], str | None]:
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
    for number, item in enumerate(items[: MAX_LINES * 4], 1):
        line = _item(item, number, path)
        (words if isinstance(item, dict) and "word" in item else lines).append(line)
    return lines + _phrases(words), language


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


def _item(item: Any, number: int, path: Path) -> Line:
    if not isinstance(item, dict):
        raise WordsError(f"{path}: item {number}: {{start, end, text}} expected. Correct it.")
    words = _timed(item)
    said = item.get("text", item.get("word"))
    times = _span(item, words)
    if times is None or not isinstance(said, str):
        raise WordsError(
            f"{path}: item {number}: needs start and end in seconds and a text. Correct it."
        )
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
