"""Everything an operator can choose, with its unit. Knows no behaviour."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
GIB: Final = 1 << 30
DAY: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """One server. Nothing a client sends can raise any of these."""

    host: str = "127.0.0.1"
    port: int = 8080
    model: str = "rules"
    """What `duchenne` stands for: rules, openai:NAME or hf:PATH[+ADAPTER]."""
    base_url: str | None = None
    keys: Path | None = None
    """File of hashed keys; without one only this machine may ask."""
    state: Path | None = None
    """Folder of uploads and conversations; None for a temporary one that ends with the server."""
    threads: str | None = None
    """URL of the PostgreSQL data base that holds what was said; None for a file beside the rest."""
    keep_evidence: bool = False
    """Whether evidence outlives the request or upload it came from."""
    kept_seconds: float = 30 * DAY
    """How long it then does after its last use."""
    kept_bytes: int = 1 * GIB
    """Bytes of it for one owner; beyond, the longest unused goes first."""
    blur_faces: bool = False
    """Whether faces are made unrecognisable in every picture for the model host."""
    page: bool = True
    names: tuple[str, ...] = ()
    """Host names that clients may call this server by; empty for any, or on loopback for its
    own names only."""

    slots: int = max(1, (os.cpu_count() or 1) - 1)
    """Clips that are worked on at the same time."""
    queue: int = 8
    """Requests that may wait for a slot; one more is told to come back."""
    patience: float = 20.0
    """Seconds a request waits for a slot at most."""
    deadline: float = 300.0
    """Seconds from the first byte of a request to the last of its answer."""
    tokens: int = 400_000
    """Of the language model, read and written, for one question over all its steps."""
    grace: float = 30.0
    """Seconds that running requests get after SIGTERM."""
    heartbeat: float = 10.0
    """Seconds of silence in a stream, before a comment keeps it open."""

    body_bytes: int = 96 * MIB
    """Of a request with its inline media."""
    media_bytes: int = 256 * MIB
    """Of one clip, uploaded or fetched."""
    media_seconds: float = 900.0
    """Length of one clip."""
    media_pixels: int = 3840 * 2160
    """Width times height of a moving picture."""
    fetch: bool = True
    """Whether addresses in requests are fetched at all."""
    fetch_seconds: float = 30.0
    """For one clip, with all redirects."""
    fetch_allow: frozenset[str] = frozenset()
    """HOST:PORT of media stores that may be private."""

    connections: int = 512
    """Open at the same time; beyond it, one that waits without a request goes for a new one."""
    per_address: int = 256
    """The same of one address: a proxy in front is one."""
    head_seconds: float = 10.0
    """Until the head of a request must be there, counted from when it is waited for."""
    body_seconds: float = 30.0
    """Between two pieces of a body."""

    mind_memory: int = 4 * GIB
    """Address space of a process that reasons; its libraries take 1 GiB of it. Not for hf: models,
    which are loaded there."""
    eyes_memory: int = 6 * GIB
    """Address space of the process that decodes; models and libraries take 2.2 GiB of it."""
    eyes_file: int = 512 * MIB
    """Largest file it may write."""

    upload_seconds: float = 3600.0
    """How long an upload is kept after its last use."""
    conversation_seconds: float = 3600.0
    """How long a conversation, with its clip, is kept after its last use."""
    files: int = 100
    """Uploads one key may hold."""
    held_bytes: int = 2 * GIB
    """Bytes of uploads and conversations one key may hold."""

    in_flight: int = 4
    """Requests of one key at the same time, where the key's own entry says nothing else."""
    bytes_per_hour: int = 8 * GIB
    seconds_per_hour: float = 4 * 3600.0
    """Seconds of media of one key."""
