"""What is kept of media, where, for whom and how long.

Each owner has a folder that is their whole world: an id is looked up nowhere else, so nobody's
file or conversation can be reached with another key. Ids are made here and cannot be guessed.

    STATE/OWNER/files/file-…/          clip, looks/, meta.json
    STATE/OWNER/conversations/conv-…/  clip and looks/ (or the upload's), meta.json
    STATE/OWNER/threads.sqlite         what was said, unless that is in a data base
    STATE/OWNER/scratch/…              one request's; gone with it

There is one order of writing. What comes is written into a scratch folder, meta.json last, and
the folder is then renamed to its id: whatever has an id is whole. What goes loses meta.json first,
and with it its id; its folder is removed when nobody reads there any more. A folder without
meta.json is therefore always a leftover, and the next sweep removes it; scratch folders of
servers that run no more go when the next one begins.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from agent.server import lives
from agent.server.errors import ApiError
from agent.server.place import Place
from agent.server.reasons import down
from agent.server.settings import Settings

Kind = str
Meta = dict[str, Any]
FILE: Final = "file"
TALK: Final = "conv"
_FOLDER: Final = {FILE: "files", TALK: "conversations"}
LIVES: Final = ".servers"
"""Folder with a file for each server that uses this state, locked while the server lives."""
_ID: Final = re.compile(r"(file|conv)-[A-Za-z0-9_-]{32}")


class Store:
    """All owners' folders. Every method may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._temporary = settings.state is None
        if settings.state is None:
            self.root = Path(tempfile.mkdtemp(prefix="duchenne-serve-"))
        else:
            self.root = settings.state.expanduser().absolute()
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._alone = threading.RLock()
        """Held while ids come and go; never while a clip is read or written."""
        self._busy: dict[Path, int] = {}
        self._coming: dict[Path, tuple[str, Kind, int]] = {}
        """Places without an id yet: whose, what, and the bytes announced."""
        self._cleaner = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._mark = secrets.token_hex(8)
        """Begins the names of this server's scratch folders; others may share the state."""
        self._lives = lives.begin(self.root / LIVES, self._mark)
        for leftover in self.root.glob("*/scratch/*"):
            if not lives.still(self.root / LIVES, leftover.name.partition(".")[0]):
                shutil.rmtree(leftover, ignore_errors=True)

    def threads(self, owner: str) -> Path | str:
        """The file, or the data base, that holds what was said."""
        return self._settings.threads or self._home(owner) / "threads.sqlite"

    def thread(self, owner: str, name: str) -> str:
        """What a conversation is called there: a data base is everybody's, a file the owner's."""
        return f"{owner}/{name}" if self._settings.threads else name

    @contextmanager
    def scratch(self, owner: str) -> Iterator[Place]:
        """A place for one request; nothing of it is left behind. Raises OSError."""
        parent = self._home(owner) / "scratch"
        parent.mkdir(mode=0o700, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{self._mark}.", dir=parent))
        try:
            yield Place(folder)
        finally:
            self._coming.pop(folder, None)
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def coming(self, owner: str, kind: Kind, size: int = 0) -> Iterator[Place]:
        """A scratch place that `publish` may give an id. Raises ApiError (429) where the owner
        holds enough, what is coming counted in; OSError."""
        with self.scratch(owner) as place:
            with self._alone:
                self._room(owner, kind, size)
                self._coming[place.folder] = (owner, kind, size)
            yield place

    def publish(self, place: Place, meta: Meta) -> tuple[str, Place, Meta]:
        """Give a place that was coming its id: from now on it is found. Raises ApiError (404 where
        the upload it is about is gone, 429), OSError."""
        owner, kind, _ = self._coming[place.folder]
        noted = {**meta, "created": int(time.time())}
        _write(place.folder, noted)
        name = f"{kind}-{secrets.token_urlsafe(24)}"
        target = self._home(owner) / _FOLDER[kind] / name
        with self._alone:
            announced = self._coming.pop(place.folder)
            try:
                self._room(owner, kind, _clips(place.folder))
                if "file" in meta:
                    self.find(owner, meta["file"])  # an upload may be deleted meanwhile
                target.parent.mkdir(mode=0o700, exist_ok=True)
                place.folder.rename(target)
            except BaseException:
                self._coming[place.folder] = announced
                raise
        return name, Place(target), noted

    def find(self, owner: str, name: str) -> tuple[Place, Meta]:
        """A place of this owner's, and what was noted about it. Raises ApiError (404)."""
        if _ID.fullmatch(name):
            folder = self._home(owner) / _FOLDER[name.partition("-")[0]] / name
            meta = _noted(folder)
            if meta is not None:
                return Place(folder), meta
        raise _absent()

    def all(self, owner: str, kind: Kind) -> list[tuple[str, Meta]]:
        """Every id of this owner's, in order, with what was noted."""
        found = ((f.name, _noted(f)) for f in self._folders(owner, kind))
        return [(name, meta) for name, meta in found if meta is not None]

    def delete(self, owner: str, name: str) -> None:
        """Take a place's id, its clip, its evidence, and what was said.

        What is just being read there ends first; nothing new finds it. Raises ApiError (404; 503
        where what was said cannot be deleted), OSError.
        """
        place, _ = self.find(owner, name)
        if name.startswith(FILE):
            for talk, meta in self.all(owner, TALK):
                if meta.get("file") == name:
                    with suppress_absent():
                        self.delete(owner, talk)
        elif not self._is_busy(place):
            self._forget(owner, name)
        with self._alone:
            (place.folder / "meta.json").unlink(missing_ok=True)
            free = place.folder not in self._busy
        if free:
            self._remove(owner, place.folder)

    def purge(self, owner: str) -> None:
        """Remove all there is of this owner. Raises ApiError, OSError."""
        for kind in (TALK, FILE):
            for name, _ in self.all(owner, kind):
                with suppress_absent():  # gone already, with its upload
                    self.delete(owner, name)
        shutil.rmtree(self._home(owner) / "kept", ignore_errors=True)

    @contextmanager
    def alone(self, place: Place) -> Iterator[bool]:
        """Whether nobody else is at this place; it is the caller's then. Raises ApiError (404)."""
        with self._alone:
            free = place.folder not in self._busy
            if free:
                self._enter(place.folder)
        try:
            yield free
        finally:
            if free:
                self._leave(place.folder)

    @contextmanager
    def using(self, place: Place) -> Iterator[None]:
        """Keep a place from being removed while it is read. Raises ApiError (404) where it is
        gone."""
        self._enter(place.folder)
        try:
            yield
        finally:
            self._leave(place.folder)

    def _enter(self, folder: Path) -> None:
        with self._alone:
            if _is_kept(folder) and not (folder / "meta.json").exists():
                raise _absent()
            self._busy[folder] = self._busy.get(folder, 0) + 1

    def _leave(self, folder: Path) -> None:
        with self._alone:
            self._busy[folder] -= 1
            free = not self._busy[folder]
            if free:
                del self._busy[folder]
            with suppress(OSError):
                os.utime(folder / "meta.json")
        if free and _is_kept(folder) and not (folder / "meta.json").exists():
            # Deleted while it was read. Off this thread: it may be the one that serves everybody.
            self._cleaner.submit(self._leftover, folder.parent.parent.name, folder)

    def sweep(self, now: float | None = None) -> list[str]:
        """Delete what nobody has used for its time, and leftovers; the ids of the former."""
        now = time.time() if now is None else now
        gone = []
        spans = {FILE: self._settings.upload_seconds, TALK: self._settings.conversation_seconds}
        for home in _folders(self.root):
            if home.name == LIVES:
                continue
            for kind, span in spans.items():
                for folder in self._folders(home.name, kind):
                    if folder in self._busy:
                        continue
                    # One that cannot be deleted now must not keep the others.
                    with suppress(ApiError, OSError):
                        if _noted(folder) is None:
                            self._leftover(home.name, folder)
                        elif now - (folder / "meta.json").stat().st_mtime > span:
                            self.delete(home.name, folder.name)
                            gone.append(folder.name)
        return gone

    def close(self) -> None:
        """Remove everything, unless the operator named a folder for it."""
        self._cleaner.shutdown(wait=True, cancel_futures=self._temporary)
        with suppress(OSError):
            (self.root / LIVES / self._mark).unlink()
        os.close(self._lives)
        if self._temporary:
            shutil.rmtree(self.root, ignore_errors=True)

    def _room(self, owner: str, kind: Kind, more: int) -> None:
        """Raises ApiError where one place and so many bytes more are too much for this owner."""
        coming = [(k, size) for who, k, size in self._coming.values() if who == owner]
        count = len(self.all(owner, kind)) + sum(k == kind for k, _ in coming)
        if count >= self._settings.files:
            raise ApiError(
                429, "too_many_kept", f"at most {self._settings.files} are kept; delete some"
            )
        held = sum(_clips(folder) for k in _FOLDER for folder in self._folders(owner, k))
        if held + more + sum(size for _, size in coming) > self._settings.held_bytes:
            raise ApiError(
                429, "storage_full", f"at most {self._settings.held_bytes >> 20} MiB are kept"
            )

    def _home(self, owner: str) -> Path:
        home = self.root / owner
        home.mkdir(mode=0o700, exist_ok=True)
        return home

    def _folders(self, owner: str, kind: Kind) -> list[Path]:
        return [f for f in _folders(self._home(owner) / _FOLDER[kind]) if _ID.fullmatch(f.name)]

    def _is_busy(self, place: Place) -> bool:
        with self._alone:
            return place.folder in self._busy

    def _leftover(self, owner: str, folder: Path) -> None:
        """Remove a folder that has lost its id, with what was said there."""
        if folder.name.startswith(TALK):
            self._forget(owner, folder.name)
        self._remove(owner, folder)

    def _remove(self, owner: str, folder: Path) -> None:
        """Out of the way first: what rmtree leaves of it is removed at the next start."""
        trash = self._home(owner) / "scratch" / f"{self._mark}.{secrets.token_hex(8)}"
        with suppress(OSError):
            trash.parent.mkdir(mode=0o700, exist_ok=True)
            folder.rename(trash)
            folder = trash
        shutil.rmtree(folder, ignore_errors=True)

    def _forget(self, owner: str, name: str) -> None:
        """Raises ApiError: what cannot be deleted is not called deleted."""
        from agent.graph.conversation import ThreadError, forget

        threads = self.threads(owner)
        if isinstance(threads, Path) and not threads.exists():
            return
        try:
            forget(self.thread(owner, name), threads)
        except (OSError, ThreadError):
            raise down() from None


@contextmanager
def suppress_absent() -> Iterator[None]:
    """What is gone already need not be deleted; any other failure rises."""
    try:
        yield
    except ApiError as error:
        if error.status != 404:
            raise


def _absent() -> ApiError:
    return ApiError(404, "not_found", "there is nothing of this id, or it is no longer kept")


def _is_kept(folder: Path) -> bool:
    """Whether it is the folder of an id, and not of one request."""
    return _ID.fullmatch(folder.name) is not None


def _folders(parent: Path) -> list[Path]:
    """Folders in a folder, in order; none where that is just going."""
    try:
        with os.scandir(parent) as found:
            return sorted(Path(one.path) for one in found if one.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _clips(folder: Path) -> int:
    """Bytes of the clip and of what came beside it."""
    total = 0
    with suppress(OSError), os.scandir(folder) as found:
        for one in found:
            if one.name.startswith("clip"):
                with suppress(OSError):
                    total += one.stat(follow_symlinks=False).st_size
    return total


def _noted(folder: Path) -> Meta | None:
    """What was noted about a place; None where it is none any more."""
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return meta if isinstance(meta, dict) else None


def _write(folder: Path, meta: Meta) -> None:
    part = folder / ".meta"
    part.write_text(json.dumps(meta), encoding="utf-8")
    part.replace(folder / "meta.json")
