"""`POST /v1/chat/completions`: a question about a clip, its answer whole or as it comes.

Knows the protocol's answers; `agent.server.work` finds them.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Coroutine, Iterator
from typing import Any, Protocol, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError

from agent.server import asked as reading
from agent.server import reasons
from agent.server.app_state import AppState
from agent.server.asked import Asked
from agent.server.errors import ApiError, bad
from agent.server.parts import plain
from agent.server.schema import ChatCompletion, ChatRequest, Failure
from agent.server.stream import DONE, Events, GoneError, Make, Put, event, unless_gone
from agent.server.work import Outcome, Work

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
log = logging.getLogger("duchenne.serve")

router = APIRouter()
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure}
    for status in (400, 401, 403, 404, 408, 409, 413, 415, 421, 429, 500, 502, 503, 504, 507)
}


def parsed(body: bytes, shape: type[M]) -> M:
    """The record of a JSON body. Raises ApiError that names the field, never its content."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise bad("body: it is no JSON") from None
    try:  # parts may be of other shapes that clients send
        return shape.model_validate(plain(json.loads(body)))
    except RecursionError:
        raise bad("body: it is nested too deep") from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        worst = max(found, key=lambda each: len(each["loc"]))
        names = [str(part) for part in worst["loc"][:8]]
        where = ".".join(name for name in names if re.fullmatch(r"\w{1,40}", name))
        raise bad(f"{where or 'body'}: {worst['msg']}", where or None) from None


def is_json(request: Request) -> None:
    """Raises ApiError (415): a form of another site's page must not pass for a request."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, "wrong_content_type", "send Content-Type: application/json")


def body_of(shape: type[BaseModel]) -> dict[str, Any]:
    """How the OpenAPI document tells of a body that is read by hand."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletion,
    responses=FAILURES,
    openapi_extra=body_of(ChatRequest),
    summary="Ask about a clip",
)
async def completions(request: Request) -> Response:
    """Ask about a clip.

    Send one video, picture or sound with the question: `video_url`, `image_url` (http(s), data:
    or the id of an upload), `input_audio` or `file`. With `stream` the agent's steps come as
    `reasoning`, then the answer. The extra field `duchenne` holds the whole structured answer
    with the cues it cites; with a JSON `response_format` it is the content.
    """
    is_json(request)
    asked = reading.read(parsed(await request.body(), ChatRequest))
    return await handled(request, asked, _Reply(asked))


class Reply(Protocol):
    """One answer in the shapes of one protocol."""

    def whole(self, outcome: Outcome) -> dict[str, Any]: ...

    async def stream(self, work: Work, put: Put, app_state: AppState) -> None:
        """Puts every event of the answer, or of its failure, and one end."""
        ...


async def handled(request: Request, asked: Asked, reply: Reply) -> Response:
    """The answer to one question, whole or streamed, for as long as the client is there."""
    app_state: AppState = request.app.state.app_state
    state = request.scope["state"]
    work = Work(app_state, state["owner"], asked, state["began"])
    noted = state.setdefault("noted", {})
    noted |= {"model": asked.name, "stream": asked.stream, "spent": work.spent}
    try:
        await prepared(request, work)
        if asked.stream:
            return streamed(app_state, work, lambda put: reply.stream(work, put, app_state))
        outcome = await at_once(request, work, work.answer(silent, silent))
    except GoneError:
        return gone(app_state)
    count(app_state, outcome)
    return JSONResponse(reply.whole(outcome))


async def prepared(request: Request, work: Work) -> None:
    """The clip is there and open, or the work is closed. Raises ApiError, GoneError."""
    try:
        await unless_gone(request.receive, work.prepare())
    except BaseException:  # a request that is cancelled too lets go of its clip, and rises
        await work.close()
        raise
    if work.media is not None:
        noted = request.scope["state"].setdefault("noted", {})
        noted |= {"kind": work.media.kind, "seconds": round(work.media.duration, 1)}


def streamed(app_state: AppState, work: Work, make: Make) -> Response:
    """What `make` puts, as events; the work is closed with the last."""
    return Events(
        make,
        after=work.close,
        gone=app_state.metrics.cancelled.inc,
        heartbeat=app_state.settings.heartbeat,
        until=work.until + 5,
    )


async def at_once(request: Request, work: Work, doing: Coroutine[Any, Any, T]) -> T:
    """What prepared work comes to; it is closed then. Raises ApiError, GoneError."""
    try:
        return await unless_gone(request.receive, doing)
    finally:
        await work.close()


async def to_the_end(put: Put, doing: Awaitable[None]) -> None:
    """Events until all is said, or one that tells of the failure; then the end."""
    try:
        await doing
    except ApiError as error:
        put(event(error.body))
    except Exception as error:  # the stream's boundary: logged, told without its text
        log.exception("fault")
        put(event(reasons.of_fault(error).body))
    put(DONE)


def gone(app_state: AppState) -> Response:
    """For nobody: the client has left."""
    app_state.metrics.cancelled.inc()
    return Response(status_code=499)


def silent(*_: object) -> None:
    """Tells nobody."""


def count(app_state: AppState, outcome: Outcome) -> None:
    for kind in ("prompt", "completion"):
        app_state.metrics.tokens.labels(kind).inc(outcome.usage[f"{kind}_tokens"])


class _Reply:
    """One answer in the protocol's shapes."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._id = f"chatcmpl-{secrets.token_hex(12)}"
        self._created = int(time.time())

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        steps = "".join(f"{step}\n" for step in outcome.steps)
        message = {
            "role": "assistant",
            "content": content(self._asked, outcome),
            "reasoning": steps,
            "reasoning_content": steps,
            "refusal": None,
        }
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": outcome.usage,
            "duchenne": extra(self._asked, outcome),
        }

    async def stream(self, work: Work, put: Put, app_state: AppState) -> None:
        """Steps, the answer, all of it, and the end; or an error, and the end."""
        put(self._chunk({"role": "assistant", "content": ""}))
        await to_the_end(put, self._told(work, put, app_state))

    async def _told(self, work: Work, put: Put, app_state: AppState) -> None:

        def told(line: str) -> None:
            put(self._chunk({"reasoning": f"{line}\n", "reasoning_content": f"{line}\n"}))

        def progress(step: str, share: float) -> None:
            put(self._chunk({}, duchenne={"progress": share, "step": step}))

        outcome = await work.answer(told, progress)
        count(app_state, outcome)
        for piece in pieces(content(self._asked, outcome)):
            put(self._chunk({"content": piece}))
        put(self._chunk({}, "stop", duchenne=extra(self._asked, outcome)))
        if self._asked.with_usage:
            usage = {"choices": [], "usage": outcome.usage}
            put(event({**self._head("chat.completion.chunk"), **usage}))

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return event({**self._head("chat.completion.chunk"), "choices": [choice], **more})

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._asked.name,
        }


def content(asked: Asked, outcome: Outcome) -> str:
    """The answer in words, or as JSON where that was asked for."""
    if asked.fields is None:
        return str(outcome.answer["answer"])
    return reading.as_json(outcome.answer, asked.fields)


def extra(asked: Asked, outcome: Outcome) -> dict[str, Any]:
    """The field `duchenne`: all there is to the answer."""
    return {
        "answer": outcome.answer,
        "cues": outcome.cues,
        "conversation": outcome.conversation,
        "media": outcome.media,
        "ignored": list(asked.ignored),
    }


def pieces(text: str) -> Iterator[str]:
    """A text a few words at a time; joined they are the text."""
    for found in re.finditer(r"(?:\S*\s*){1,4}", text):
        if found[0]:
            yield found[0]
