"""Recognises speech with faster-whisper, where it is installed and its weights are here.

Knows nothing of subtitles. Nothing is ever downloaded: weights come from the folder or
the model name in `DUCHENNE_WHISPER`, else from the model cache that faster-whisper uses. Files of
that cache must have the hashes that the hub gave them; `DUCHENNE_WHISPER_SHA256` pins the weights
of any folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.senses.speech.timed_text import Line, clean
from agent.util.advice import advice
from agent.util.cache import cache_dir

if TYPE_CHECKING:
    from agent.schema.samples import Sound

ALSO: Final = {"turbo": "large-v3-turbo", "large": "large-v3"}
"""Other names that faster-whisper itself takes."""
SIZES: Final = ("large-v3-turbo", "large-v3", "distil-large-v3", "medium", "small", "base")
"""Of several models here the first is taken; "tiny" only where it is the only one."""
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
        return found.get(ALSO.get(chosen, _size(chosen)))
    return next((found[size] for size in (*SIZES, *sorted(found)) if size in found), None)


def why_not() -> str | None:
    """Why speech cannot be recognised here and what to do; None where it can."""
    chosen = os.environ.get("DUCHENNE_WHISPER")
    if not installed():
        return f"faster-whisper is not installed ({INSTALL})"
    folder = weights()
    if folder is None:
        where = f"DUCHENNE_WHISPER={chosen} names none" if chosen else "none are in its cache"
        return (
            f"faster-whisper has no weights here: {where}; fetch some, for instance with "
            "`python -c \"import faster_whisper; faster_whisper.download_model('small')\"`, "
            "or set DUCHENNE_WHISPER to their folder"
        )
    return _fault(folder)


def transcribe(sound: Sound) -> tuple[list[Line], str | None]:
    """Phrases with their times in seconds of the clip, and the language spoken.

    Call only where `why_not()` is None.
    """
    from faster_whisper import WhisperModel

    model = WhisperModel(str(weights()), device="auto", compute_type="default")
    segments, info = model.transcribe(sound.samples, word_timestamps=True, vad_filter=True)
    lines = []
    for number, segment in enumerate(segments, 1):
        words = segment.words or ()
        start, end = (words[0].start, words[-1].end) if words else (segment.start, segment.end)
        sureness = math.exp(min(0.0, segment.avg_logprob))
        if text := clean(segment.text):
            lines.append(Line(sound.time + start, sound.time + end, text, None, sureness, number))
    return lines, info.language


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
