"""Who may ask, and how much: API keys from a file of hashes, and what each has used.

The file is TOML, one table a key; `duchenne serve --new-key NAME` writes them:

    [alice]
    sha256 = "…"            # of the key; the key itself is shown once and kept nowhere
    in_flight = 4           # the rest is optional
    bytes_per_hour = 8589934592
    seconds_per_hour = 14400.0
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
import tomllib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.schema.errors import USAGE, DuchenneError
from agent.server.errors import ApiError
from agent.server.settings import Settings

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
HOUR: Final = 3600.0
LOCAL: Final = "local"
"""Owner of everything where there are no keys."""


class KeysError(DuchenneError, ValueError):
    """A file of keys that cannot be used; the message says why."""

    code = "bad_keys"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Owner:
    """One key, under its name."""

    name: str
    in_flight: int
    bytes_per_hour: int
    seconds_per_hour: float


@dataclass(slots=True)
class _Window:
    """Amounts of the last hour."""

    rows: deque[tuple[float, float]] = field(default_factory=deque)

    def used(self, now: float) -> float:
        while self.rows and self.rows[0][0] < now - HOUR:
            self.rows.popleft()
        return sum(amount for _, amount in self.rows)

    def free_in(self, now: float) -> int:
        """Seconds until something of it is free again."""
        return max(1, int(self.rows[0][0] + HOUR - now) + 1) if self.rows else 1


class Uses:
    """What each owner has in flight and has used in the last hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[str, int] = {}
        self._bytes: dict[str, _Window] = {}
        self._seconds: dict[str, _Window] = {}

    def running(self, owner: Owner) -> int:
        return self._running.get(owner.name, 0)

    def is_full(self, owner: Owner) -> bool:
        """Whether one request more would be too many."""
        return self.running(owner) >= owner.in_flight

    @contextmanager
    def flight(self, owner: Owner) -> Iterator[None]:
        """One request. Raises ApiError (429) where the owner has enough of them."""
        if self.is_full(owner):
            raise ApiError(
                429,
                "too_many_requests",
                f"this key has {owner.in_flight} requests running; wait for one to end",
                retry_after=1,
            )
        self._running[owner.name] = self.running(owner) + 1
        try:
            yield
        finally:
            self._running[owner.name] -= 1

    def take_bytes(self, owner: Owner, amount: int) -> None:
        """Count bytes of media. Raises ApiError (429) beyond the hour's."""
        self._take(self._bytes, owner, amount, owner.bytes_per_hour, "bytes")

    def take_seconds(self, owner: Owner, amount: float) -> None:
        """Count seconds of media. Raises ApiError (429) beyond the hour's."""
        self._take(self._seconds, owner, amount, owner.seconds_per_hour, "seconds")

    def _take(
        self, windows: dict[str, _Window], owner: Owner, amount: float, limit: float, what: str
    ) -> None:
        now = self._clock()
        window = windows.setdefault(owner.name, _Window())
        if window.used(now) + amount > limit:
            raise ApiError(
                429,
                "quota_exceeded",
                f"this key may use {limit:g} {what} of media an hour",
                retry_after=window.free_in(now),
            )
        window.rows.append((now, amount))


class Keys:
    """The keys of one server."""

    def __init__(self, owners: dict[str, Owner]) -> None:
        self._owners = owners
        """By the key's sha256."""

    def owner(self, key: str) -> Owner | None:
        """Whose key this is."""
        given = digest(key)
        found = None
        # All of them each time: how long it takes says nothing about what is in the file.
        for known, owner in self._owners.items():
            if hmac.compare_digest(known, given):
                found = owner
        return found

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(owner.name for owner in self._owners.values())


def local(settings: Settings) -> Owner:
    """Whoever asks from this machine, where there are no keys."""
    return _owner(LOCAL, {}, settings)


def digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read(path: Path, settings: Settings) -> Keys:
    """The keys of a file. Raises KeysError, OSError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KeysError(f"{path}: no TOML file of keys ({error})") from error
    owners: dict[str, Owner] = {}
    for name, entry in table.items():
        if not NAME.fullmatch(name) or not isinstance(entry, dict):
            raise KeysError(f"{path}: {name!r} is no key's name with a table of its own")
        known = str(entry.get("sha256", ""))
        if not re.fullmatch(r"[0-9a-f]{64}", known):
            raise KeysError(
                f"{path}: {name} has no sha256 of 64 hex digits; make a key with "
                f"`duchenne serve --keys {path} --new-key {name}`"
            )
        owners[known] = _owner(name, entry, settings, path)
    if not owners:
        raise KeysError(f"{path}: it has no keys; make one with --new-key NAME")
    return Keys(owners)


def _owner(
    name: str, entry: dict[str, object], settings: Settings, path: Path | None = None
) -> Owner:
    known = ("in_flight", "bytes_per_hour", "seconds_per_hour")
    given: dict[str, float] = {}
    for what, value in entry.items():
        if what == "sha256":
            continue
        if what not in known or not isinstance(value, int | float) or not value > 0:
            raise KeysError(f"{path}: {name}: {what} = {value!r}; it takes {', '.join(known)}, > 0")
        given[what] = value
    return Owner(
        name,
        int(given.get("in_flight", settings.in_flight)),
        int(given.get("bytes_per_hour", settings.bytes_per_hour)),
        float(given.get("seconds_per_hour", settings.seconds_per_hour)),
    )


def new(path: Path, name: str) -> str:
    """Make a key, keep its hash in the file, give the key. Raises KeysError, OSError."""
    if not NAME.fullmatch(name):
        raise KeysError(f"{name!r} is no name for a key: letters, digits, - and _, at most 40")
    if path.exists() and name in tomllib.loads(path.read_text(encoding="utf-8")):
        raise KeysError(f"{path} has a key called {name} already; delete its table first")
    key = f"duchenne-{secrets.token_urlsafe(32)}"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(f'[{name}]\nsha256 = "{digest(key)}"\n\n')
    return key
