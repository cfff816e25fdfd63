"""`POST /v1/responses`: the same questions and answers in the other shape of the protocol.

Turns its messages into those of chat completions and the answer back. Keeps no responses: a
talk goes on by `conversation`.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from agent.server import asked as reading
from agent.server import reasons
from agent.server.app_state import AppState
from agent.server.asked import Asked
from agent.server.chat import (
    FAILURES,
    body_of,
    content,
    count,
    extra,
    handled,
    is_json,
    parsed,
    pieces,
)
from agent.server.errors import ApiError, bad
from agent.server.schema import (
    ChatRequest,
    InputAudio,
    InputImage,
    InputPart,
    InputText,
    InputVideo,
    ResponseRequest,
)
from agent.server.stream import Put, event
from agent.server.work import Outcome, Work

log = logging.getLogger("duchenne.serve")
router = APIRouter()


@router.post(
    "/v1/responses",
    responses=FAILURES,
    openapi_extra=body_of(ResponseRequest),
    summary="Ask about a clip",
)
async def create(request: Request) -> Response:
    """Ask about a clip, in the shape of the Responses API.

    Parts: `input_text`, `input_image` (image_url), `input_file` (file_id, file_data or file_url),
    `input_video` (video_url), `input_audio`. The extra field `duchenne` holds the whole answer.
    """
    is_json(request)
    given = parsed(await request.body(), ResponseRequest)
    asked = reading.read(_as_chat(given))
    return await handled(request, asked, _Reply(asked))


def _as_chat(given: ResponseRequest) -> ChatRequest:
    """The same request as chat completions have it. Raises ApiError."""
    rows = [given.input] if isinstance(given.input, str) else given.input
    messages = [
        {"role": "user", "content": row}
        if isinstance(row, str)
        else {"role": row.role, "content": _content(row.content)}
        for row in rows
    ]
    talk = given.conversation
    body = {
        **(given.model_extra or {}),
        "model": given.model,
        "messages": messages,
        "stream": given.stream,
        "conversation": talk if talk is None or isinstance(talk, str) else talk.id,
        "person": given.person,
        "seconds": given.seconds,
        "response_format": _format(given),
    }
    try:
        return ChatRequest.model_validate(body)
    except ValidationError:
        raise bad("input: a part is not of a shape that is taken", "input") from None


def _content(parts: str | list[InputPart]) -> str | list[dict[str, Any]]:
    return parts if isinstance(parts, str) else [_part(part) for part in parts]


def _part(part: InputPart) -> dict[str, Any]:
    if isinstance(part, InputText):
        return {"type": "text", "text": part.text}
    if isinstance(part, InputImage):
        return {"type": "image_url", "image_url": {"url": part.image_url}}
    if isinstance(part, InputVideo):
        return {"type": "video_url", "video_url": {"url": part.video_url}}
    if isinstance(part, InputAudio):
        return {"type": "input_audio", "input_audio": part.input_audio}
    if part.file_url is not None:
        return {"type": "video_url", "video_url": {"url": part.file_url}}
    return {"type": "file", "file": {"file_id": part.file_id, "file_data": part.file_data}}


def _format(given: ResponseRequest) -> dict[str, Any] | None:
    wanted = given.text.format if given.text else None
    if wanted is None:
        return None
    schema = {"name": wanted.name, "schema": wanted.schema_}
    return {"type": wanted.type, "json_schema": schema if wanted.schema_ else None}


class _Reply:
    """One answer as a response, whole or in its events."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._id = f"resp_{secrets.token_hex(16)}"
        self._item = f"msg_{secrets.token_hex(16)}"
        self._created = int(time.time())
        self._number = -1

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        usage = outcome.usage
        return {
            **self._head("completed"),
            "output": [self._message(content(self._asked, outcome), "completed")],
            "usage": {
                "input_tokens": usage["prompt_tokens"],
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": usage["completion_tokens"],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": usage["total_tokens"],
            },
            "conversation": {"id": outcome.conversation} if outcome.conversation else None,
            "duchenne": extra(self._asked, outcome),
        }

    async def stream(self, work: Work, put: Put, app_state: AppState) -> None:
        """Created, steps as reasoning, text, completed; or failed. Either is the one end."""

        def tell(kind: str, **more: Any) -> None:
            self._number += 1
            put(event({"type": kind, "sequence_number": self._number, **more}, kind))

        def told(line: str) -> None:
            at = {"item_id": self._item, "output_index": 0, "content_index": 0}
            tell("response.reasoning_text.delta", **at, delta=f"{line}\n")

        def progress(step: str, share: float) -> None:
            tell("response.in_progress", response=self._head("in_progress"),
                 duchenne={"progress": share, "step": step})  # fmt: skip

        tell("response.created", response=self._head("in_progress"))
        try:
            outcome = await work.answer(told, progress)
            count(app_state, outcome)
            self._text(tell, content(self._asked, outcome))
            tell("response.completed", response=self.whole(outcome))
        except ApiError as error:
            self._failed(tell, error)
        except Exception as error:  # the stream's boundary: logged, told without its text
            log.exception("fault")
            self._failed(tell, reasons.of_fault(error))

    def _text(self, tell: Any, text: str) -> None:
        at = {"item_id": self._item, "output_index": 0, "content_index": 0}
        begun = {**self._message("", "in_progress"), "content": []}
        tell("response.output_item.added", output_index=0, item=begun)
        empty = {"type": "output_text", "text": "", "annotations": []}
        tell("response.content_part.added", **at, part=empty)
        for piece in pieces(text):
            tell("response.output_text.delta", **at, delta=piece, logprobs=[])
        tell("response.output_text.done", **at, text=text, logprobs=[])
        tell("response.content_part.done", **at, part={**empty, "text": text})
        done = self._message(text, "completed")
        tell("response.output_item.done", output_index=0, item=done)

    def _failed(self, tell: Any, error: ApiError) -> None:
        why = {"code": "server_error", "message": error.message}
        tell("response.failed", response={**self._head("failed"), "error": why})

    def _message(self, text: str, status: str) -> dict[str, Any]:
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        return {
            "id": self._item,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [part],
        }

    def _head(self, status: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "model": self._asked.name,
            "output": [],
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": False,
            "temperature": None,
            "tool_choice": "none",
            "tools": [],
            "top_p": None,
            "usage": None,
        }
