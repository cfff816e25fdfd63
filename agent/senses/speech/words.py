"""What is said in a clip, as quotations with their times.

Taken from a subtitle file, given or found beside the clip; else from a subtitle stream in
it; else recognised, where faster-whisper is installed; else declared missing.
Does not know who speaks. A quotation is data about the clip: nothing in it is obeyed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
from av.stream import Disposition

from agent.media.decode import Clip, MediaError, open_clip
from agent.schema.evidence import Cue, Media, Missing, Spoken
from agent.senses.speech import subtitles, whisper
from agent.senses.speech.sidecar import LANGUAGES, find_sidecar
from agent.senses.speech.subtitles import WordsError
from agent.senses.speech.timed_text import Line, clean

__all__ = ["Words", "WordsError", "words"]

THREE: Final = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it",
    "por": "pt", "nld": "nl", "dut": "nl", "swe": "sv", "dan": "da", "nor": "nb", "nob": "nb",
    "fin": "fi", "pol": "pl", "ces": "cs", "cze": "cs", "hun": "hu", "tur": "tr", "rus": "ru",
    "ukr": "uk", "ara": "ar", "hin": "hi", "kor": "ko", "jpn": "ja", "zho": "zh", "chi": "zh",
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it",
    "portuguese": "pt", "dutch": "nl", "russian": "ru", "chinese": "zh", "japanese": "ja",
    "korean": "ko", "arabic": "ar", "hindi": "hi", "turkish": "tr", "polish": "pl",
}  # fmt: skip
"""Other names of languages → BCP 47."""


@dataclass(frozen=True, slots=True)
class Words:
    """What was said."""

    cues: tuple[Cue, ...] = ()
    """One a phrase, sense "words", code "phrase", without ids."""
    language: str | None = None
    """BCP 47 tag, where known."""
    missing: tuple[Missing, ...] = ()


def words(path: str | Path, media: Media, sidecar: str | Path | None = None) -> Words:
    """The words of one clip. Raises WordsError for a `sidecar` that cannot be read.

    A subtitle file that was merely found beside the clip stops nothing: what is wrong with it is
    said, and the words are taken from elsewhere.
    """
    found = Path(sidecar) if sidecar is not None else find_sidecar(path)
    if found is None:
        return _without_file(path, media)
    try:
        script = subtitles.read(found)
    except WordsError as error:
        if sidecar is not None:
            raise
        instead = _without_file(path, media)
        why = f"{error} (a file found beside the clip; it was left aside)"
        notes = (Missing(what="subtitles", why=why), *instead.missing)
        return Words(instead.cues, instead.language, notes)
    said = _said(script.lines, media, _tag(script.language) or _named(found), found.name)
    notes = tuple(Missing(what="subtitles", why=note) for note in script.notes)
    return Words(said.cues, said.language, (*notes, *said.missing))


def _without_file(path: str | Path, media: Media) -> Words:
    """Words of a clip that has no readable subtitle file."""
    if media.kind == "image":
        return Words(missing=(Missing(what="words", why="a still picture says nothing"),))
    embedded, note = _embedded(path)
    if embedded is not None:
        return _said(embedded[0], media, _tag(embedded[1]), "the subtitles in the clip")
    return _recognised(path, media, note)


def _named(path: Path) -> str | None:
    """Language in a name like clip.en.srt."""
    parts = path.name.split(".")[1:-1]
    known = {tag.lower(): tag for tag in LANGUAGES} | THREE
    return next((known[p.lower()] for p in reversed(parts) if p.lower() in known), None)


def _tag(language: str | None) -> str | None:
    """A BCP 47 tag from whatever a file calls its language."""
    if not language or language.lower() in ("und", "unknown", "mul", "zxx"):
        return None
    name = language.strip().replace("_", "-")
    name = THREE.get(name.lower(), name)
    return name if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", name) else None


def _said(lines: list[Line], media: Media, language: str | None, source: str) -> Words:
    """Lines as cues, cut to the clip; what lies outside is counted."""
    cues = tuple(_cue(line, media) for line in lines if _fits(line, media))
    missing = []
    if left := len(lines) - len(cues):
        rows = ", ".join(str(line.row) for line in lines if not _fits(line, media))[:60]
        why = (
            f"{left} of {len(lines)} phrases in {source} have times outside the clip or end "
            f"before they begin, and are left out (at {rows})"
        )
        missing.append(Missing(what="words", why=why))
    if not lines:
        missing.append(Missing(what="words", why=f"{source} holds no words"))
    return Words(cues, language, tuple(missing))


def _fits(line: Line, media: Media) -> bool:
    begins_inside = not media.duration or line.start <= media.duration
    return line.end >= max(0.0, line.start) and begins_inside


def _cue(line: Line, media: Media) -> Cue:
    start = max(0.0, line.start)
    end = max(start, min(line.end, media.duration or line.end))
    return Cue(
        sense="words",
        person=None,
        code="phrase",
        start=start,
        apex=start + (end - start) / 2,
        end=end,
        text=line.text,
        words=_timed(line, start, end),
        confidence=line.confidence,
    )


def _timed(line: Line, start: float, end: float) -> tuple[Spoken, ...] | None:
    """The words of a line within its phrase's span, if all their times are in order."""
    at, made = start, []
    for word in line.words:
        begun = min(max(word.start, at), end)
        at = min(max(word.end, begun), end)
        made.append(Spoken(text=word.text, start=round(begun, 3), end=round(at, 3)))
    return tuple(made) or None


def _embedded(path: str | Path) -> tuple[tuple[list[Line], str | None] | None, str]:
    """Lines and language of the clip's own subtitles; else nothing and why, if there is a why."""
    try:
        clip = open_clip(path)
    except MediaError:
        return None, ""
    try:
        streams: list[Any] = list(clip.container.streams.subtitles)
        texts = [s for s in streams if s.codec_context and s.codec_context.name not in _PICTURES]
        if not texts:
            return None, "the subtitles in the clip are pictures, not text; " if streams else ""
        best = max(texts, key=lambda s: bool(s.disposition & Disposition.default))
        return (list(_stream(clip, best)), best.language), ""
    finally:
        clip.close()


_PICTURES: Final = ("dvdsub", "dvd_subtitle", "pgssub", "hdmv_pgs_subtitle", "dvbsub", "xsub")


def _stream(clip: Clip, stream: Any) -> list[Line]:
    lines: list[Line] = []
    for packet in clip.packets_of([stream]):
        if packet.pts is None or len(lines) >= subtitles.MAX_LINES:
            continue
        start = float(packet.pts * packet.time_base) - clip.origin
        end = start + float((packet.duration or 0) * packet.time_base)
        if text := clean(_dialogue(packet)):
            lines.append(Line(start, end, text, row=len(lines) + 1))
    return lines


def _dialogue(packet: Any) -> str:
    try:
        said = b" ".join(getattr(part, "dialogue", b"") for part in packet.decode())
    except av.FFmpegError:  # one damaged line
        return ""
    return said.decode("utf-8", errors="replace")


def _recognised(path: str | Path, media: Media, note: str) -> Words:
    if not media.has_audio:
        why = f"{note}no subtitles, and the clip has no sound"
        return Words(missing=(Missing(what="words", why=why),))
    if problem := whisper.prepare():
        why = f"{note}no subtitles (put a .srt or .vtt file beside the clip), and {problem}"
        return Words(missing=(Missing(what="words", why=why),))
    from agent import media as clips

    heard = whisper.transcribe(clips.sound(path))
    if not heard.lines and heard.unclear:
        return Words(missing=(_unclear(heard, media),))
    found = _said(heard.lines, media, _tag(heard.language), "the speech that was recognised")
    left = (_unclear(heard, media),) if heard.unclear else ()
    return Words(found.cues, found.language, found.missing + left)


def _unclear(heard: whisper.Heard, media: Media) -> Missing:
    """Says where somebody speaks whose words were not understood, and what would help."""
    spans = [f"{start:.1f}–{min(end, media.duration or end):.1f} s" for start, end in heard.unclear]
    where = ", ".join(spans[:SPANS]) + (", …" if len(spans) > SPANS else "")
    if not heard.english_only:
        why = f"speech at {where} that was not understood"
    else:
        why = (
            f"speech at {where} that this English-only model does not understand: another "
            "language, or too unclear (a subtitle file beside the clip, or a multilingual model "
            "in DUCHENNE_WHISPER, would tell)"
        )
    return Missing(what="words", why=why)


SPANS: Final = 5
"""Spans of unclear speech that are named."""
