"""Recognises speech with faster-whisper, where it is installed.

Knows nothing of subtitles. Weights come from the folder or the model name in `DUCHENNE_WHISPER`,
else from the model cache that faster-whisper uses, else they are Whisper tiny.en, a model file
like those of the other senses (`agent.assets`). No hub is ever asked. Files of that cache must
have the hashes that the hub gave them; `DUCHENNE_WHISPER_SHA256` pins the weights of any folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.assets import resolve as assets
from agent.senses.speech.timed_text import Line, Word, clean
from agent.senses.speech.understood import Phrase, understood
from agent.util.advice import advice
from agent.util.cache import cache_dir

if TYPE_CHECKING:
    from agent.schema.samples import Sound

ALSO: Final = {"turbo": "large-v3-turbo", "large": "large-v3"}
"""Other names that faster-whisper itself takes."""
SIZES: Final = ("large-v3-turbo", "large-v3", "distil-large-v3", "medium", "small", "base")
"""Of several models here the first is taken; "tiny" only where it is the only one."""
OWN: Final = "tiny.en"
"""The default model."""
FILES: Final = tuple(name for name in assets.ASSETS if name.startswith(f"{assets.WHISPER}/"))
INSTALL: Final = advice("words")
_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def installed() -> bool:
    """Whether faster-whisper can be imported; does not import it."""
    return importlib.util.find_spec("faster_whisper") is not None


def weights() -> Path | None:
    """Folder of the model that would be used, None where there is none."""
    chosen = os.environ.get("DUCHENNE_WHISPER", "")
    if chosen and _whole(Path(chosen).expanduser()):
        return Path(chosen).expanduser()
    found = _cached()
    if chosen:
        size = ALSO.get(chosen, _size(chosen))
        return found.get(size) or (_own() if size == OWN else None)
    return next((found[size] for size in (*SIZES, *sorted(found)) if size in found), None) or _own()


def prepare() -> str | None:
    """As `why_not`, after fetching the default model where no other is here or chosen."""
    chosen = os.environ.get("DUCHENNE_WHISPER", "")
    if installed() and weights() is None and _size(chosen) in ("", OWN):
        missing = next((f for f in map(assets.find, FILES) if f.path is None), None)
        if missing is not None:
            return (
                f"the weights of faster-whisper could not be had: {missing.name}: "
                f"{missing.why}; or set DUCHENNE_WHISPER to the folder of others"
            )
    return why_not()


def why_not() -> str | None:
    """Why speech cannot be recognised here and what to do; None where it can. Fetches nothing."""
    chosen = os.environ.get("DUCHENNE_WHISPER", "")
    if not installed():
        return f"faster-whisper is not installed ({INSTALL})"
    folder = weights()
    if folder is None and _size(chosen) in ("", OWN):
        return (
            f"faster-whisper has no weights here: run `duchenne models pull {assets.WHISPER}`, "
            "or set DUCHENNE_WHISPER to the folder of others"
        )
    if folder is None:
        name = chosen if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", chosen) else "small"
        return (
            f"faster-whisper has no weights here: DUCHENNE_WHISPER={chosen} names none; fetch "
            "some where their hub can be reached, for instance with "
            f"`python -c \"import faster_whisper; faster_whisper.download_model('{name}')\"`, "
            "or set DUCHENNE_WHISPER to their folder"
        )
    return _fault(folder)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was recognised in one sound."""

    lines: list[Line]
    """Phrases with the times of their words, in seconds of the clip."""
    language: str | None
    """Whisper's name of the language; None where nothing was understood."""
    unclear: list[tuple[float, float]]
    """Spans of speech, in seconds of the clip, whose words are not to be believed."""
    english_only: bool


def transcribe(sound: Sound) -> Heard:
    """The phrases of a sound. Call only where `why_not()` is None. The same sound gives the same.

    Whisper's second tries at random are not made: what they yield is invented more often than
    said, and differs each time.
    """
    import ctranslate2
    from faster_whisper import WhisperModel

    cuda = ctranslate2.get_cuda_device_count() > 0
    model = WhisperModel(
        str(weights()),
        device="cuda" if cuda else "cpu",
        compute_type="default" if cuda else "int8",
        local_files_only=True,
    )
    segments, info = model.transcribe(
        sound.samples,
        word_timestamps=True,
        vad_filter=True,
        temperature=0.0,
        condition_on_previous_text=False,
    )
    phrases = [_phrase(segment, sound.time) for segment in segments]
    english_only = not model.model.is_multilingual
    kept = understood(phrases, english_only)
    lines = [_line(phrase, row) for row, phrase in enumerate(kept, 1) if clean(phrase.text)]
    left = [(phrase.start, phrase.end) for phrase in phrases if phrase not in kept]
    return Heard(lines, info.language if lines else None, left, english_only)


def _phrase(segment: Any, origin: float) -> Phrase:
    """One segment of faster-whisper; `origin` is when in the clip its sound begins."""
    words = tuple(
        Word(w.word.strip(), origin + w.start, origin + w.end, w.probability)
        for w in segment.words or ()
    )
    start, end = origin + segment.start, origin + segment.end
    if words:
        start, end = words[0].start, words[-1].end
    ratio, stretch = segment.compression_ratio, segment.seek
    return Phrase(start, end, segment.text, words, segment.avg_logprob, ratio, stretch)


def _line(phrase: Phrase, row: int) -> Line:
    sure = math.exp(min(0.0, phrase.logprob))
    return Line(phrase.start, phrase.end, clean(phrase.text), None, sure, row, phrase.words)


def _own() -> Path | None:
    """Folder of the default model, its files hash-checked; None where one is not here."""
    place = os.environ.get("DUCHENNE_ASSETS", ""), str(cache_dir("models"))
    if (known := _checked.get(place)) and known[1] == _marks(known[0]):
        return known[0]
    found = [assets.here(name) for name in FILES]
    folders = {path.parent for path in found if path is not None}
    if None in found or len(folders) != 1:
        return None
    folder = folders.pop()
    _checked[place] = folder, _marks(folder)
    return folder


_checked: dict[tuple[str, str], tuple[Path, list[tuple[int, ...]]]] = {}
"""Where this process looked → the default model found there and the marks of its files, for
hashing it takes longer than loading it."""


def _marks(folder: Path) -> list[tuple[int, ...]]:
    """Sizes, times and numbers of the default model's files; none where one is gone."""
    try:
        told = [(folder / Path(name).name).stat() for name in FILES]
    except OSError:
        return []
    return [(one.st_size, one.st_mtime_ns, one.st_ino) for one in told]


def _cached() -> dict[str, Path]:
    """Model size → folder, of all faster-whisper models in the hub's cache."""
    home = (
        os.environ.get("HF_HOME")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    )
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    found: dict[str, Path] = {}
    for binary in sorted(hub.glob("models--*--faster-*whisper-*/snapshots/*/model.bin"), key=_rank):
        if _whole(binary.parent):
            found.setdefault(_size(binary.parts[-4].replace("--", "/")), binary.parent)
    return found


def _rank(binary: Path) -> tuple[bool, str]:
    """The snapshot that the hub's main branch names goes first, then always the same one."""
    snapshot = binary.parent
    try:
        named = (snapshot.parents[1] / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        named = ""
    return snapshot.name != named, str(binary)


def _fault(folder: Path) -> str | None:
    """Why these weights are not to be used; None where they are what they were published as."""
    pinned = os.environ.get("DUCHENNE_WHISPER_SHA256", "").strip().lower()
    for path in sorted(folder.iterdir()):
        # The hub's cache names each file by its hash: large ones by sha256, others as git does.
        named = path.resolve().name if path.is_symlink() else ""
        wanted = {named} if _HASH.fullmatch(named) else set()
        if pinned and path.name == "model.bin":
            wanted.add(pinned)
        if differing := [digest for digest in wanted if not _is(path, digest)]:
            return (
                f"{path} is not the file it should be: its hash is not {differing[0]}; remove its "
                "folder and fetch it again, or correct DUCHENNE_WHISPER_SHA256"
            )
    return None


def _is(path: Path, digest: str) -> bool:
    """Whether a file has this hash; noted in the cache, for hashing gigabytes takes seconds."""
    told = path.stat()
    known = json.dumps([str(path.resolve()), told.st_size, told.st_mtime_ns, told.st_ino, digest])
    note = cache_dir("models") / f".checked-{hashlib.sha256(known.encode()).hexdigest()[:32]}"
    if note.exists():
        return True
    with path.open("rb") as opened:
        if len(digest) == 64:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        else:
            git = hashlib.sha1(f"blob {told.st_size}\0".encode(), usedforsecurity=False)
            found = hashlib.file_digest(opened, lambda: git).hexdigest()
    if found == digest:
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            note.touch()
    return found == digest


def _whole(folder: Path) -> bool:
    """Without its tokenizer faster-whisper would go and fetch one."""
    return (folder / "model.bin").is_file() and (folder / "tokenizer.json").is_file()


def _size(name: str) -> str:
    """large-v3 from Systran/faster-whisper-large-v3."""
    return name.rpartition("/")[2].replace("faster-", "").replace("whisper-", "")
