"""Finds the subtitle file that lies beside a clip, by its name.

Light, because a clip that is remembered is looked up by it. Knows names; what a file says is read
by `agent.senses.speech.subtitles`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agent.senses.speech import subtitles
from agent.senses.speech.subtitles import WordsError

LANGUAGES: Final = (
    "en", "en-US", "en-GB", "de", "fr", "es", "es-419", "it", "pt", "pt-BR", "pt-PT", "nl", "sv",
    "da", "nb", "no", "fi", "pl", "cs", "sk", "sl", "hr", "sr", "hu", "ro", "bg", "el", "tr", "ru",
    "uk", "he", "ar", "fa", "hi", "bn", "ta", "te", "ur", "th", "vi", "id", "ms", "ko", "ja", "zh",
    "zh-CN", "zh-TW", "zh-Hans", "zh-Hant",
)  # fmt: skip
"""Tags looked for in names like clip.en.srt."""


def find_sidecar(path: str | Path) -> Path | None:
    """The subtitle file beside a clip: same name with .srt, .vtt, a language before it, or .json.

    A .json file counts only where it holds a transcript.
    """
    clip = Path(path)
    names = [clip.stem + ending for ending in (".srt", ".vtt", ".SRT", ".VTT")]
    names += [f"{clip.stem}.{tag}{end}" for tag in LANGUAGES for end in (".srt", ".vtt")]
    if found := next((clip.with_name(name) for name in names if _is_file(clip, name)), None):
        return found
    beside = clip.with_name(clip.stem + ".json")
    return beside if beside != clip and _is_file(clip, beside.name) and _holds(beside) else None


def _is_file(clip: Path, name: str) -> bool:
    try:
        return clip.with_name(name).is_file()
    except OSError:
        return False


def _holds(path: Path) -> bool:
    """Whether a .json file is a transcript and not something else of the same name."""
    try:
        return bool(subtitles.read(path).lines)
    except WordsError:
        return False
