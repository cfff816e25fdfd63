"""Blocks of times and text, as in SubRip and WebVTT files, read line by line.

Knows the two formats as people and programs write them, not only as they are specified: what can be
read is read, and a line that cannot is named. The text is someone else's: mark-up and control
characters are taken out, the rest is kept as it stands and means nothing to this program.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

MAX_TEXT: Final = 1_000
"""Letters of one line; what is longer is cut and ends in an ellipsis."""
NEXT: Final = 0.05
"""Seconds between two captions that follow each other; a shorter caption is no more than a step in
the display of the one before."""
STEP: Final = 0.8
"""Seconds that a caption of one word stays while a line is built up word by word, at most."""


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
    """Seconds; may be negative in files that were cut."""
    text: str
    speaker: str | None = None
    confidence: float = 1.0
    row: int = 0
    """Line of the file, or number of the item, it stands in."""
    words: tuple[Word, ...] = ()
    """Its words with their own times, in order, where they are known."""


@dataclass(slots=True)
class Found:
    """What was read of one file, in its order."""

    lines: list[Line] = field(default_factory=list)
    """The rows of a caption are divided by line breaks."""
    language: str | None = None
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Where something could not be read, and why."""
    notes: list[str] = field(default_factory=list)
    unit: str = "line"
    """What is counted in `refused` and `Line.row`."""


def clean(text: str) -> str:
    """One line of plain text: no mark-up, no control or direction characters, no line breaks."""
    text = re.sub(r"\{\\[^{}]*\}", "", text)
    text = re.sub(r"</?(?:[bisuvc]|font|ruby|rt|lang|span|br)(?:[ .\t][^<>]*)?/?>", " ", text)
    text = re.sub(r"<\d[\d:.]*>", "", text).replace("\\N", " ").replace("\\h", " ")
    text = "".join(c if c.isprintable() or c.isspace() else "" for c in text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def blocks(text: str, web: bool) -> Found:
    """Captions of a SubRip file, or of WebVTT where `web` is set or the file says so."""
    found = Found()
    headed = text.lstrip().startswith("WEBVTT")
    if web and not headed:
        found.notes.append("line 1 does not say WEBVTT; read all the same")
    if said := re.search(r"^Language:\s*([\w-]+)\s*$", text[:500], re.MULTILINE):
        found.language = said[1] if headed else None
    _Reader(text, web or headed, found).read()
    if not (found.lines or found.refused) and text.strip() and not headed:
        why = "no times like 00:00:01,000 --> 00:00:02,500 anywhere in it. Give a subtitle file."
        found.refused.append((1, why))
    return found


_CLOCK = (
    r"([-−]?)\s*(?:(?:(\d{1,4})\s*:\s*)?(\d{1,3})\s*:\s*)(\d{1,3})"
    r"(?:\s*[.,;]\s*(\d{1,9})|:(\d{3}))?"
)
_ARROW = re.compile(rf"\s*{_CLOCK}\s*(?:-{{1,3}}\s?>|[–—]>|→|=>)\s*{_CLOCK}(?:\s.*)?$")
_SECONDS = re.compile(r"\s*(-?\d+[.,]\d+)\s*-->\s*(-?\d+[.,]\d+)(?:\s.*)?$")
_ASIDE: Final = ("NOTE", "STYLE", "REGION")


@dataclass(frozen=True, slots=True)
class _Times:
    start: float
    end: float
    plain: bool
    """Whether nobody would write this in a sentence: with hours or parts of a second."""


def _times(row: str) -> _Times | None:
    """The times of a row that holds nothing else (WebVTT's settings may follow)."""
    if match := _SECONDS.match(row):
        start, end = (float(part.replace(",", ".")) for part in match.groups())
        return _Times(start, end, plain=True)
    if not (match := _ARROW.match(row)):
        return None
    parts = match.groups()
    both = [_clock(*parts[:6]), _clock(*parts[6:])]
    plain = all(hours or part or ms for _, hours, _, _, part, ms in (parts[:6], parts[6:]))
    return _Times(both[0], both[1], plain)


def _clock(
    sign: str, hours: str | None, minutes: str, seconds: str, part: str | None, ms: str | None
) -> float:
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    digits = part or ms or "0"
    time = whole + float(f"0.{digits}")
    return -time if sign else time


class _Reader:
    """One file, row by row."""

    def __init__(self, text: str, web: bool, found: Found) -> None:
        self._rows = re.split(r"\r*\n|\r", text)
        self._web, self._found = web, found
        self._times = [_times(row) if ">" in row or "→" in row else None for row in self._rows]
        first = next(
            (at for at, row in enumerate(self._rows) if self._times[at] or "-->" in row), 0
        )
        before = [row.strip() for row in self._rows[:first] if row.strip()]
        self._numbered = bool(before) and before[-1].isdigit()
        """Whether captions have numbers before their times."""

    def read(self) -> None:
        said: list[str] = []
        times: _Times | None = None
        number, at = 0, 0
        while at < len(self._rows):
            row, begins = self._rows[at], self._begins(at, times)
            if self._is_aside(at):
                while at < len(self._rows) and self._rows[at].strip():
                    at += 1
            elif begins is not None:
                self._keep(times, said, number)
                times, said, number = begins, [], at + 1
            elif self._is_broken(at):
                self._keep(times, said, number)
                times, said = None, []
                why = "times like 00:00:01,000 --> 00:00:02,500 expected, found "
                self._found.refused.append(
                    (at + 1, f"{why}{row.strip()[:60]!r}. Correct that line.")
                )
            elif times is not None and not self._is_name(at):
                said.append(row)
            at += 1
        self._keep(times, said, number)

    def _blank(self, at: int) -> bool:
        if not 0 <= at < len(self._rows):
            return True
        return not (self._rows[at] if self._web else self._rows[at].strip())

    def _begins(self, at: int, before: _Times | None) -> _Times | None:
        """The times of a row that begins a caption; a sentence may look like one."""
        times = self._times[at]
        if times is None:
            return None
        if self._in_place(at):
            return times if times.plain or not self._blank(at + 1) else None
        later = before is None or times.start >= before.start
        return times if times.plain and later and not self._blank(at + 1) else None

    def _in_place(self, at: int) -> bool:
        """Whether times are expected here: after an empty row, a number or a name."""
        if self._blank(at - 1):
            return True
        row = self._rows[at - 1].strip()
        return (row.isdigit() and self._numbered) or (self._web and self._blank(at - 2))

    def _is_broken(self, at: int) -> bool:
        """Whether this row was meant to hold times."""
        row = self._rows[at]
        if "-->" not in row or self._times[at] is not None or not self._in_place(at):
            return False
        numbered = self._numbered and self._rows[at - 1].strip().isdigit()
        return (at > 0 and numbered) or bool(re.match(r"\s*[-−]?\d", row))

    def _is_name(self, at: int) -> bool:
        """Whether this row is the number or the name of the caption that follows."""
        ahead = at + 1
        numbered = self._numbered and self._rows[at].strip().isdigit()
        while numbered and ahead < len(self._rows) and self._blank(ahead):
            ahead += 1  # files whose every second row is empty
        if ahead >= len(self._rows) or not (numbered or (self._web and self._blank(at - 1))):
            return False
        return self._times[ahead] is not None or self._is_broken(ahead)

    def _is_aside(self, at: int) -> bool:
        return self._web and self._blank(at - 1) and self._rows[at].startswith(_ASIDE)

    def _keep(self, times: _Times | None, said: list[str], number: int) -> None:
        if times is None:
            return
        joined = "\n".join(said)
        voice = re.search(r"<v(?:\.[^ >]*)?[ \t]+([^<>]+)>", joined)
        rows = [clean(html.unescape(row) if self._web else row) for row in _tags_closed(joined)]
        text = "\n".join(row for row in rows if row)
        speaker = clean(html.unescape(voice[1])) if voice else None
        self._found.lines.append(Line(times.start, times.end, text, speaker, row=number))


def _tags_closed(text: str) -> list[str]:
    """Rows of a caption; mark-up that reaches over the end of a row is taken out before."""
    return re.sub(r"<[^<>\n]*\n[^<>]*>|\{\\[^{}]*\}", " ", text).split("\n")


_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")
"""A word; of Chinese and Japanese, a character."""


def unrolled(lines: list[Line]) -> Iterator[Line]:
    """Captions that roll up or are built up repeat what stands there: each word is said once.

    `lines` in order of time, their rows divided by line breaks.
    """
    held: Line | None = None  # what will be given out next
    shown = Line(0, float("-inf"), "")  # what stands on the screen
    for line in lines:
        follows = line.start <= shown.end + NEXT and line.speaker in (None, shown.speaker)
        same, grows = _repeated(shown, line) if follows else (0, False)
        begin = shown.start if follows and shown.end - shown.start < NEXT else line.start
        brief = line.end - line.start < NEXT
        fresh = line.text[same:].strip()
        shown = replace(line, end=max(shown.end, line.end)) if follows and not fresh else line
        if held is not None and same and (not fresh or grows):
            end = held.end if not fresh and brief else max(held.end, line.end)
            held = replace(held, end=end, text=f"{held.text}{line.text[same:] if grows else ''}")
            if not fresh and brief:
                shown = line
            continue
        if held is not None:
            yield _in_one_row(held)
        start = begin if same else line.start
        held = replace(line, start=start, text=fresh if same else line.text)
    if held is not None:
        yield _in_one_row(held)


def _in_one_row(line: Line) -> Line:
    return replace(line, text=clean(line.text))


def _repeated(before: Line, now: Line) -> tuple[int, bool]:
    """How many letters at the beginning of `now` stood there before, and whether `now` only goes
    on in the row that was there."""
    old = [match[0] for match in _TOKEN.finditer(before.text)]
    new = list(_TOKEN.finditer(now.text))
    words = [match[0] for match in new]
    rows_of_old = {
        len(_TOKEN.findall(before.text[: m.start()])) for m in re.finditer("\n", before.text)
    }
    rows_of_old.add(0)
    for count in range(min(len(old), len(words)), 0, -1):
        if old[-count:] != words[:count]:
            continue
        end = new[count - 1].end()
        whole = end == len(now.text) or now.text[end] == "\n"
        if whole and len(old) - count in rows_of_old:
            return end, False
        if count == len(old) and (count > 1 or before.end - before.start < STEP):
            return end, not whole
        if count >= 3 and 2 * count >= len(old):
            return end, False
    return 0, False
