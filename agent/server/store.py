"""What is kept of media, where, for whom and how long.

Each owner has a folder that is their whole world: an id is looked up nowhere else, so nobody's
file or conversation can be reached with another key. Ids are made here and cannot be guessed.

    STATE/OWNER/files/file-…/          clip, looks/, meta.json
    STATE/OWNER/conversations/conv-…/  clip and looks/ (or the upload's), meta.json
    STATE/OWNER/threads.sqlite         what was said, unless that is in a data base
    STATE/OWNER/scratch/…              one request's; gone with it
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.server.errors import ApiError
from agent.server.reasons import down
from agent.server.settings import Settings

Kind = str
FILE: Final = "file"
TALK: Final = "conv"
_FOLDER: Final = {FILE: "files", TALK: "conversations"}
_ID: Final = re.compile(r"(file|conv)-[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True)
class Place:
    """A clip and what was measured in it."""

    folder: Path

    @property
    def clip(self) -> Path:
        """Always this name: a file's own name is hostile input, and says nothing."""
        return self.folder / "clip"

    @property
    def looks(self) -> Path:
        return self.folder / "looks"

    @property
    def found(self) -> Path:
        """The evidence, once the clip was looked at."""
        return self.folder / "evidence.json"

    def kept(self, kind: str, which: str) -> Path:
        """Pictures that were drawn of it or spans of its series, by whom and when they show."""
        return self.folder / f"{kind}-{hashlib.sha256(which.encode()).hexdigest()[:24]}.json"


class Store:
    """All owners' folders."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._temporary = settings.state is None
        if settings.state is None:
            self.root = Path(tempfile.mkdtemp(prefix="duchenne-serve-"))
        else:
            self.root = settings.state.expanduser().absolute()
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._busy: dict[Path, int] = {}
        for leftover in self.root.glob("*/scratch"):
            shutil.rmtree(leftover, ignore_errors=True)

    def threads(self, owner: str) -> Path | str:
        """The file, or the data base, that holds what was said."""
        return self._settings.threads or self._home(owner) / "threads.sqlite"

    def thread(self, owner: str, name: str) -> str:
        """What a conversation is called there: a data base is everybody's, a file the owner's."""
        return f"{owner}/{name}" if self._settings.threads else name

    @contextmanager
    def scratch(self, owner: str) -> Iterator[Place]:
        """A place for one request; nothing of it is left behind."""
        parent = self._home(owner) / "scratch"
        parent.mkdir(mode=0o700, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield Place(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, owner: str, kind: Kind, meta: dict[str, Any]) -> tuple[str, Place]:
        """A new place with an id of its own. Raises ApiError where the owner holds enough."""
        if len(self.ids(owner, kind)) >= self._settings.files:
            raise ApiError(
                429, "too_many_kept", f"at most {self._settings.files} are kept; delete some"
            )
        name = f"{kind}-{secrets.token_urlsafe(24)}"
        folder = self._home(owner) / _FOLDER[kind] / name
        folder.mkdir(mode=0o700, parents=True)
        self._write(folder, {**meta, "created": int(time.time())})
        return name, Place(folder)

    def room(self, owner: str, more: int) -> None:
        """Raises ApiError where so many bytes more are too much for this owner."""
        held = sum(p.stat().st_size for p in self._home(owner).glob("*/*/clip*"))
        if held + more > self._settings.held_bytes:
            raise ApiError(
                429, "storage_full", f"at most {self._settings.held_bytes >> 20} MiB are kept"
            )

    def find(self, owner: str, name: str) -> tuple[Place, dict[str, Any]]:
        """A place of this owner's, and what was noted about it. Raises ApiError (404)."""
        if _ID.fullmatch(name):
            folder = self._home(owner) / _FOLDER[name.partition("-")[0]] / name
            with suppress(OSError, ValueError):
                meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
                return Place(folder), meta
        raise ApiError(404, "not_found", "there is nothing of this id, or it is no longer kept")

    def note(self, place: Place, meta: dict[str, Any]) -> None:
        """Write down something else about a place."""
        self._write(place.folder, meta)

    def ids(self, owner: str, kind: Kind) -> list[str]:
        folder = self._home(owner) / _FOLDER[kind]
        return sorted(p.parent.name for p in folder.glob(f"{kind}-*/meta.json"))

    def delete(self, owner: str, name: str) -> None:
        """Remove a place, its clip, its evidence, and what was said. Raises ApiError (404)."""
        place, _ = self.find(owner, name)
        if name.startswith(TALK):
            self._forget(owner, name)
        else:
            for talk in self.ids(owner, TALK):
                if self.find(owner, talk)[1].get("file") == name:
                    self.delete(owner, talk)
        (place.folder / "meta.json").unlink(missing_ok=True)
        shutil.rmtree(place.folder, ignore_errors=True)

    def purge(self, owner: str) -> None:
        """Remove all there is of this owner."""
        for kind in (TALK, FILE):
            for name in self.ids(owner, kind):
                with suppress(ApiError):  # gone already, with its upload
                    self.delete(owner, name)
        shutil.rmtree(self._home(owner) / "kept", ignore_errors=True)

    @contextmanager
    def alone(self, place: Place) -> Iterator[bool]:
        """Whether nobody else is at this place; it is the caller's then."""
        free = place.folder not in self._busy
        if not free:
            yield False
            return
        with self.using(place):
            yield True

    @contextmanager
    def using(self, place: Place) -> Iterator[None]:
        """Keep a place from being swept while it is read."""
        self._busy[place.folder] = self._busy.get(place.folder, 0) + 1
        try:
            yield
        finally:
            self._busy[place.folder] -= 1
            if not self._busy[place.folder]:
                del self._busy[place.folder]
            with suppress(OSError):
                os.utime(place.folder / "meta.json")

    def sweep(self, now: float | None = None) -> list[str]:
        """Delete what nobody has used for its time; the ids."""
        now = time.time() if now is None else now
        gone = []
        spans = {FILE: self._settings.upload_seconds, TALK: self._settings.conversation_seconds}
        for home in self.root.iterdir():
            for kind, span in spans.items():
                for name in self.ids(home.name, kind):
                    folder = home / _FOLDER[kind] / name
                    used = (folder / "meta.json").stat().st_mtime
                    if now - used > span and folder not in self._busy:
                        self.delete(home.name, name)
                        gone.append(name)
        return gone

    def close(self) -> None:
        """Remove everything, unless the operator named a folder for it."""
        if self._temporary:
            shutil.rmtree(self.root, ignore_errors=True)

    def _home(self, owner: str) -> Path:
        home = self.root / owner
        home.mkdir(mode=0o700, exist_ok=True)
        return home

    def _write(self, folder: Path, meta: dict[str, Any]) -> None:
        part = folder / ".meta"
        part.write_text(json.dumps(meta), encoding="utf-8")
        part.replace(folder / "meta.json")

    def _forget(self, owner: str, name: str) -> None:
        """Raises ApiError: what cannot be deleted is not called deleted."""
        from agent.chat import forget

        threads = self.threads(owner)
        if isinstance(threads, Path) and not threads.exists():
            return
        try:
            forget(self.thread(owner, name), threads)
        except OSError:
            raise down() from None
