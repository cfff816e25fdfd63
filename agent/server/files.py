"""`/v1/files`: clips sent once and asked about often, and `/v1/conversations`: what is kept.

Both belong to the key they came with, and go when they are deleted or nobody has used them.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from typing import Any, BinaryIO, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from agent.senses.speech.sidecar import LANGUAGES
from agent.senses.speech.subtitles import MAX_BYTES
from agent.server.app_state import AppState
from agent.server.chat import FAILURES
from agent.server.errors import ApiError, bad
from agent.server.fetch import too_large
from agent.server.keys import Owner
from agent.server.place import Place
from agent.server.schema import Deleted, FileCard, FileList
from agent.server.store import FILE, TALK, Meta, Store

router = APIRouter(responses=FAILURES)
_FORM: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "minLength": 1},
                        "subtitles": {"type": "string", "format": "binary"},
                        "purpose": {"type": "string", "maxLength": 40},
                    },
                }
            }
        },
    }
}


def _here(request: Request) -> tuple[AppState, Store, Owner]:
    app_state: AppState = request.app.state.app_state
    owner: Owner = request.scope["state"]["owner"]
    return app_state, app_state.store, owner


@router.post("/v1/files", response_model=FileCard, openapi_extra=_FORM, summary="Upload a clip")
async def upload(request: Request) -> FileCard:
    """Keep a clip to ask about: a form with `file`, and `subtitles` (.srt, .vtt or a .json
    transcript, by its name) where there are any."""
    app_state, store, owner = _here(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise ApiError(415, "wrong_content_type", "send a form: multipart/form-data with file")
    async with request.form(max_files=2, max_fields=8, max_part_size=4096) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise bad("the form has no file", "file")
        size = sent.size or 0
        if size > app_state.settings.media_bytes:
            raise too_large(app_state.settings.media_bytes)
        if not size:
            raise bad("the file is empty", "file", "empty_media")
        beside = _subtitles(form.get("subtitles"))
        given = form.get("purpose")
        purpose = given if isinstance(given, str) else "user_data"
        if len(purpose) > 40:
            raise bad("a purpose may have 40 characters", "purpose")
        whole = size + sum(map(len, beside.values()))
        app_state.uses.take_bytes(owner, whole)
        meta = {"name": _plain(sent.filename or "clip"), "bytes": size, "purpose": purpose}
        with store.coming(owner.name, FILE, whole) as place:
            await asyncio.to_thread(_written, place, sent.file, beside)
            name, _, noted = store.publish(place, meta)
    app_state.metrics.media_bytes.inc(whole)
    return _card(app_state, name, noted)


@router.get("/v1/files", response_model=FileList, summary="Uploads")
async def files(request: Request) -> FileList:
    """All uploads of this key."""
    app_state, store, owner = _here(request)
    return FileList(data=[_card(app_state, *one) for one in store.all(owner.name, FILE)])


@router.get("/v1/files/{file_id}", response_model=FileCard, summary="One upload")
async def file(request: Request, file_id: str) -> FileCard:
    """One upload."""
    app_state, store, owner = _here(request)
    _, meta = store.find(owner.name, of_kind(FILE, file_id))
    return _card(app_state, file_id, meta)


@router.delete("/v1/files/{file_id}", response_model=Deleted, summary="Delete an upload")
async def delete_file(request: Request, file_id: str) -> Deleted:
    """Remove the clip, what was measured in it, and conversations about it."""
    _, store, owner = _here(request)
    await asyncio.to_thread(store.delete, owner.name, of_kind(FILE, file_id))
    return Deleted(id=file_id, object="file")


@router.delete(
    "/v1/conversations/{conversation_id}", response_model=Deleted, summary="Delete a conversation"
)
async def delete_conversation(request: Request, conversation_id: str) -> Deleted:
    """Remove what was said, and the clip unless it is an upload."""
    _, store, owner = _here(request)
    await asyncio.to_thread(store.delete, owner.name, of_kind(TALK, conversation_id))
    return Deleted(id=conversation_id, object="conversation")


@router.delete("/v1/data", status_code=204, summary="Delete everything of this key")
async def delete_all(request: Request) -> Response:
    """Remove every upload and conversation of this key."""
    _, store, owner = _here(request)
    await asyncio.to_thread(store.purge, owner.name)
    return Response(status_code=204)


def _subtitles(sent: UploadFile | str | None) -> dict[str, bytes]:
    """Subtitles by the ending under which the senses look for them: their name's, else the one
    their text begins like. Raises ApiError."""
    if sent is None:
        return {}
    name = "" if isinstance(sent, str) else sent.filename or ""
    text = sent.encode() if isinstance(sent, str) else sent.file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise too_large(MAX_BYTES)
    ending = re.search(r"(?:\.([A-Za-z-]{2,8}))?(\.(?:srt|vtt|json))$", name, re.IGNORECASE)
    if ending is None:
        begins = text.removeprefix(b"\xef\xbb\xbf").lstrip()[:6]
        alike = {b"WEBVTT": ".vtt", b"{": ".json", b"[": ".json"}
        return {alike.get(begins, alike.get(begins[:1], ".srt")): text}
    language = f".{ending[1]}" if ending[1] in LANGUAGES and ending[2] != ".json" else ""
    return {language + ending[2].lower(): text}


def of_kind(kind: str, name: str) -> str:
    """The id, if it is one of this kind. Raises ApiError (404)."""
    if not name.startswith(f"{kind}-"):
        raise ApiError(404, "not_found", "there is nothing of this id, or it is no longer kept")
    return name


def _plain(name: str) -> str:
    """A file's name to show its owner again; used for nothing else."""
    return re.sub(r"[^\w.,()+ -]", "_", name.replace("\\", "/").rpartition("/")[2])[:80] or "clip"


def _written(place: Place, clip: BinaryIO, beside: dict[str, bytes]) -> None:
    """The clip and what came beside it, onto the disk. Raises OSError."""
    with place.clip.open("wb") as into:
        shutil.copyfileobj(clip, into, 1 << 20)
    for ending, text in beside.items():
        (place.folder / f"clip{ending}").write_bytes(text)


def _card(app_state: AppState, name: str, meta: Meta) -> FileCard:
    created: Any = meta["created"]
    return FileCard(
        id=name,
        bytes=meta["bytes"],
        created_at=created,
        filename=meta["name"],
        purpose=meta["purpose"],
        expires_at=int(created + app_state.settings.upload_seconds),
    )
