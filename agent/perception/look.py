"""Runs the senses once over a clip: media in, evidence and dense series out, cached.

Knows the order of the senses and nothing of what they find. The cache key is the
content of the clip, of everything read beside it, and the version of each sense; a
second run over the same clip does no sensing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from agent.schema import evidence as records
from agent.schema.evidence import Evidence, Media
from agent.senses import weights
from agent.util.cache import FullError, cache_dir, is_whole, whole_folder

SENSES: Final = {
    "media": "2", "faces": "2", "action_units": "5", "head": "3", "voice": "4",
    "speaking": "1", "words": "3", "impression": "1",
}  # fmt: skip
"""Version of each sense; a change of what it finds gets a new one, and old caches go unread."""

MAX_FPS: Final = 30.0
"""Frames looked at in a second at most; brief events need them all, cameras rarely give more."""

SERIES: Final = ("series.parquet", "voice.parquet", "emotion.parquet")
"""Files beside the record; each is there where there is something to write."""

Progress = Callable[[float, str], None]
"""Called with a share done in 0-1 and the name of the step."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to look at, and with what beside it."""

    clip: Path
    subtitles: Path | None = None
    au_table: Path | None = None
    aus: str | None = None
    """Name of the action unit estimator; None for the best one there is."""
    enrol: Path | None = None
    """Another clip of the same person, taken for the baseline."""
    span: tuple[float, float] | None = None
    """Only this part, in seconds, in all its frames; used to look again."""
    cache: Path | None = None
    """Folder to keep the look in and to remember it from; None for the user's cache."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a clip left behind."""

    evidence: Evidence
    folder: Path
    """Holds evidence.json, series.parquet, voice.parquet and emotion.parquet."""
    fresh: bool
    """False where all of it came from the cache."""


def look(request: Request, progress: Progress | None = None) -> Look:
    """Evidence of one clip, sensed now or read from the cache.

    Raises MediaError for media that cannot be read, WordsError or TableError for a file
    beside it, AssetError where a model file cannot be had, OSError where nothing can be written.
    """
    sha256, target = _place(request)
    if found := _cached(target):
        return Look(found, target, fresh=False)
    from agent import media

    clip = media.probe(request.clip, sha256)
    try:
        with whole_folder(target) as scratch:
            sensed = _sense(request, clip, scratch, progress or _silent)
            placed = sensed.model_copy(update=_paths(sensed, target))
            (scratch / "evidence.json").write_text(placed.to_json(), encoding="utf-8")
            if request.span is None:
                _felt(sensed, scratch / "emotion.parquet")
    except FullError:
        raise
    except OSError as error:
        raise OSError(
            f"the evidence could not be kept in {target.parent}: {error.strerror or error}; "
            "set DUCHENNE_CACHE to a folder that can be written and has room"
        ) from error
    return Look(placed, target, fresh=True)


def recall(request: Request) -> Look | None:
    """The look at this clip, if it is remembered. Raises as `look` does, but senses nothing."""
    _, target = _place(request)
    found = _cached(target)
    return None if found is None else Look(found, target, fresh=False)


def _place(request: Request) -> tuple[str, Path]:
    """The sha256 of the clip, and where the look at it is kept; nothing is decoded for it."""
    given = request.clip.expanduser()
    try:
        sha256 = _digest(given)
    except OSError:
        sha256 = None
    if sha256 is None:
        from agent import media

        sha256 = media.probe(request.clip).sha256  # or says what is wrong with it
    return sha256, (request.cache or cache_dir("looks")) / _key(request, given.name, sha256)


def export(found: Look, out: Path) -> Look:
    """Copy evidence and series to a folder of the user's and point the record there."""
    placed = found.evidence.model_copy(update=_paths(found.evidence, out.resolve()))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in SERIES:
            if (found.folder / name).exists():
                shutil.copyfile(found.folder / name, out / name)
        (out / "evidence.json").write_text(placed.to_json(), encoding="utf-8")
    except OSError as error:
        raise OSError(
            f"nothing could be written to {out}: {error.strerror or error}; "
            "give --out a folder that can be written and has room"
        ) from error
    return Look(placed, out, found.fresh)


def _paths(found: Evidence, folder: Path) -> dict[str, str | None]:
    return {
        "series": str(folder / "series.parquet") if found.series else None,
        "voice_series": str(folder / "voice.parquet") if found.voice_series else None,
    }


def _silent(_done: float, _step: str) -> None:
    pass


def _key(request: Request, name: str, sha256: str) -> str:
    beside = [_named(path) for path in (request.subtitles, request.au_table, request.enrol)]
    sidecar = _digest(_sidecar(request))
    parts = [sha256, name, beside, sidecar, SENSES, MAX_FPS, request.span]
    parts += [records.FORMAT, _reads(request.aus), _mesh(), weights.impression()]
    parts += [None if sidecar else _recogniser(request.clip)]
    parts += [] if request.span else [_reading()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@cache
def _reads(name: str | None) -> str:
    """Version of the action unit estimator."""
    from agent.senses.units.estimators import version

    return version(name)


def _reading() -> str:
    """What the emotions over time depend on besides the evidence."""
    from agent.reading.version import version

    return version()


def _felt(sensed: Evidence, path: Path) -> None:
    from agent.perception.series import write_emotions

    write_emotions(sensed, path)


def _mesh() -> str:
    """Which mesh the faces will be seen through; it decides much of what is found."""
    from agent.assets.resolve import find

    return "mesh478" if find("face_landmarker.task").path else "mesh468"


def _recogniser(clip: Path) -> str | None:
    """What speech would be recognised with: once it is here, clips are listened to again."""
    from agent.media.image_folder import KINDS
    from agent.senses.speech import whisper

    if clip.suffix.lower() in KINDS or whisper.prepare() is not None:
        return None
    return str(whisper.weights())


def _sidecar(request: Request) -> Path | None:
    from agent.senses.speech.sidecar import find_sidecar

    return request.subtitles or find_sidecar(request.clip)


def _named(path: Path | None) -> str | None:
    """What a file that was asked for is known by. One that is not there has a key of its own: a
    look without it must not be taken for a look with it, and sensing says what is wrong."""
    if path is None:
        return None
    return _digest(path) or f"no file: {path.absolute()}"


def _digest(path: Path | None) -> str | None:
    if path is None or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cached(folder: Path) -> Evidence | None:
    record = folder / "evidence.json"
    if not folder.exists():
        return None
    if is_whole(folder):
        with suppress(records.EvidenceError):  # a record of another format under the same key
            found = records.load(record)
            with suppress(OSError):
                os.utime(folder)  # its last use; see `agent.util.scratch.trim`
            return found
    # Damaged, or of another format: sense again into the same place.
    shutil.rmtree(folder)
    return None


def _sense(request: Request, clip: Media, folder: Path, progress: Progress) -> Evidence:
    """One pass through every sense; the series are written into `folder`."""
    from agent.perception.pipeline import one_pass
    from agent.perception.series import write_people, write_voice

    sensed = one_pass(request, clip, MAX_FPS if request.span is None else None, progress)
    if sensed.columns:
        write_people(sensed.columns, folder / "series.parquet")
    if sensed.voice is not None:
        write_voice(sensed.voice, folder / "voice.parquet")
    return Evidence(
        media=clip.model_copy(update={"sampled_fps": sensed.sampled_fps}),
        people=sensed.people,
        cues=sensed.cues,
        windows=sensed.windows,
        missing=sensed.missing,
        series="series.parquet" if sensed.columns else None,
        voice_series="voice.parquet" if sensed.voice is not None else None,
        language=sensed.language,
        senses=SENSES,
    )
