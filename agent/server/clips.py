"""Where the clip of a question lies, and how it gets there.

In a conversation, an upload, or the request's own scratch. Opens no clip.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.server import reasons
from agent.server.app_state import AppState
from agent.server.asked import Asked, Source
from agent.server.errors import ApiError, bad
from agent.server.fetch import fetch, too_large
from agent.server.frames import film
from agent.server.keys import Owner
from agent.server.parts import FRAMES
from agent.server.place import Place
from agent.server.store import TALK, Meta, Store, suppress_absent

_PLAIN: Final = str.maketrans("-_", "+/")


@dataclass(slots=True)
class Held:
    """A clip that is held for one request."""

    place: Place
    conversation: str | None = None
    begun: bool = False
    """Whether this request began its conversation; without an answer it is none."""


async def held(app_state: AppState, owner: Owner, asked: Asked, opened: AsyncExitStack) -> Held:
    """The clip of a question, until `opened` is closed. Raises ApiError."""
    store, name = app_state.store, owner.name
    if asked.conversation not in (None, "new"):
        assert asked.conversation is not None
        return _continued(app_state, owner, asked, opened)
    if asked.source is None:
        raise bad("no clip: send a video_url, image_url, input_audio or file part", "messages")
    if asked.source.kind == "file":
        place, _ = store.find(name, asked.source.value)
        found = Held(place)
        opened.enter_context(store.using(place))
        if asked.conversation:
            with store.coming(name, TALK) as empty:
                _begun(store, name, empty, {"file": asked.source.value}, found, opened)
        return found
    if asked.conversation:
        found = Held(opened.enter_context(store.coming(name, TALK)))
        await _got(app_state, owner, asked.source, found.place.clip)
        found.place = _begun(store, name, found.place, {}, found, opened)
    else:
        found = Held(opened.enter_context(store.scratch(name)))
        await _got(app_state, owner, asked.source, found.place.clip)
    return found


def _begun(
    store: Store, owner: str, whole: Place, meta: Meta, found: Held, opened: AsyncExitStack
) -> Place:
    """The place of a conversation that has an id from now on. Raises ApiError, OSError."""
    found.conversation, place, _ = store.publish(whole, meta)
    _forgotten_without_answer(store, owner, found, opened)
    opened.enter_context(store.using(place))
    return place


def _forgotten_without_answer(
    store: Store, owner: str, found: Held, opened: AsyncExitStack
) -> None:
    found.begun = True

    async def forget() -> None:
        if found.begun and found.conversation:
            with suppress_absent():  # deleted while it was answered
                await asyncio.to_thread(store.delete, owner, found.conversation)

    opened.push_async_callback(forget)


def _continued(app_state: AppState, owner: Owner, asked: Asked, opened: AsyncExitStack) -> Held:
    store, talk = app_state.store, str(asked.conversation)
    if not talk.startswith(TALK):
        raise bad('conversation is "new" or the id of one', "conversation")
    place, meta = store.find(owner.name, talk)
    if not opened.enter_context(store.alone(place)):
        raise reasons.conversation_busy()
    file = meta.get("file")
    if file:
        place, _ = store.find(owner.name, file)
        opened.enter_context(store.using(place))
    source = asked.source
    if source is not None and not _same(source, place, file, app_state.settings.media_bytes):
        raise ApiError(
            409, "another_clip", "a conversation is about the clip it began with; begin anew"
        )
    return Held(place, talk)


def _same(source: Source, place: Place, file: str | None, limit: int) -> bool:
    """Whether the clip that was sent along is the conversation's."""
    if source.kind == "file":
        return source.value == file
    if source.kind in ("base64", "frames"):
        return _bytes(source, limit) == place.clip.read_bytes()
    return False


async def _got(app_state: AppState, owner: Owner, source: Source, into: Path) -> None:
    """The clip's bytes, onto the disk and off the owner's account."""
    settings = app_state.settings
    if source.kind in ("base64", "frames"):
        data = await asyncio.to_thread(_bytes, source, settings.media_bytes)
        app_state.uses.take_bytes(owner, len(data))
        await asyncio.to_thread(into.write_bytes, data)
        size = len(data)
    else:
        if not settings.fetch:
            raise bad("this server fetches no addresses; upload the clip", "url", "no_fetch")
        size = await fetch(
            source.value,
            into,
            guard=app_state.guard,
            limit=settings.media_bytes,
            seconds=settings.fetch_seconds,
        )
        app_state.uses.take_bytes(owner, size)
    app_state.metrics.media_bytes.inc(size)


def _bytes(source: Source, limit: int) -> bytes:
    """The clip that came along, frames as one film. Raises ApiError."""
    if source.kind == "base64":
        return _decoded(source.value, limit)
    if len(source.value) * 3 // 4 > limit + 4:
        raise too_large(limit)
    frames = [_decoded(one, limit) for one in source.value.split(",")]
    try:
        return film(frames, source.fps or FRAMES)
    except ValueError as error:
        raise bad(f"{error}", "messages", "bad_frames") from None


def _decoded(text: str, limit: int) -> bytes:
    """The bytes of base64. Raises ApiError."""
    if len(text) * 3 // 4 > limit + 4:
        raise too_large(limit)
    try:
        # As mail and browsers write it: with line breaks, in the alphabet of addresses, unpadded.
        body = "".join(text.split()).translate(_PLAIN).rstrip("=")
        data = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise bad("the clip is not valid base64", "messages", "bad_base64") from None
    if not data:
        raise bad("the clip is empty", "messages", "empty_media")
    return data
