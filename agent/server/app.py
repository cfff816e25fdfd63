"""Puts the server together: routes, middleware, children, what runs beside the requests.

`build` gives the application; `agent.server.cli` runs it. Knows who needs whom, does no work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from agent.server import chat, files, health, keys, page, reasons, responses, timeline
from agent.server.app_state import AppState, Room
from agent.server.errors import INTERNAL, ApiError
from agent.server.guard import Guard
from agent.server.health import Watch
from agent.server.keys import Keys, Uses
from agent.server.metrics import Metrics
from agent.server.middleware import Middleware
from agent.server.schema import ChatRequest, LookRequest, ResponseRequest
from agent.server.settings import Settings
from agent.server.store import Store
from agent.server.supervisor import Supervisor
from agent.server.worker_pool import WorkerPool
from agent.util.process import restricted

log = logging.getLogger("duchenne.serve")
SWEEP_SECONDS = 30.0


def build(
    settings: Settings, guard: Guard | None = None, supervisor: Supervisor | None = None
) -> Middleware:
    """The application of these settings. Raises KeysError, OSError."""
    who = keys.read(settings.keys, settings) if settings.keys else None
    app_state = AppState(
        settings=settings,
        store=Store(settings),
        uses=Uses(),
        guard=guard or Guard(settings.fetch_allow),
        room=Room(settings),
        media_workers=_media_workers(settings),
        reasoning_workers=_reasoning_workers(settings),
        metrics=Metrics(),
    )
    api = FastAPI(
        title="Duchenne",
        version=version("duchenne"),
        description="What people in a clip feel and why; every reason cites what can be seen or "
        "heard. Speaks the OpenAI protocol.",
        lifespan=_life,
        docs_url=None,
        redoc_url=None,
    )
    for part in (chat, responses, files, timeline, health, page):
        api.include_router(part.router)
    api.state.app_state = app_state
    api.state.watch = Watch(app_state, supervisor)
    _answer_errors(api)
    _describe(api, who)
    middleware = Middleware(api, app_state, who, keys.local(settings))
    api.state.middleware = middleware
    return middleware


def _media_workers(settings: Settings) -> WorkerPool:
    arguments = [str(settings.eyes_memory), str(settings.eyes_file)]
    return WorkerPool(
        "agent.server.media_worker", arguments, restricted(secrets=False), settings.slots
    )


def _reasoning_workers(settings: Settings) -> WorkerPool:
    # A model that is loaded there takes what it takes, and graphics memory is address space too.
    bounded = [] if settings.model.startswith("hf:") else [str(settings.mind_memory)]
    return WorkerPool(
        "agent.server.reasoning_worker", bounded, restricted(secrets=True), settings.slots
    )


@asynccontextmanager
async def _life(api: FastAPI) -> AsyncIterator[None]:
    """Children and watchers begin with the server and end with it."""
    app_state: AppState = api.state.app_state
    tasks = [asyncio.create_task(api.state.watch.run()), asyncio.create_task(_swept(app_state))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app_state.media_workers.close()
        await app_state.reasoning_workers.close()
        app_state.store.close()


async def _swept(app_state: AppState) -> None:
    while True:
        await asyncio.sleep(min(SWEEP_SECONDS, app_state.settings.upload_seconds))
        with suppress(OSError, ApiError):
            gone = await asyncio.to_thread(app_state.store.sweep)
            if gone:
                log.info("expired", extra={"fields": {"count": len(gone)}})


def _answer_errors(api: FastAPI) -> None:
    """Every failure in the protocol's shape, and none with a text that is not ours."""

    @api.exception_handler(ApiError)
    async def ours(_: Request, error: ApiError) -> JSONResponse:
        return JSONResponse(error.body, error.status, headers=error.headers)

    @api.exception_handler(OSError)
    async def machine(request: Request, error: OSError) -> JSONResponse:
        ours = reasons.of_fault(error)
        if ours is INTERNAL:
            raise error
        request.app.state.app_state.troubles.noted(ours.message)
        return JSONResponse(ours.body, ours.status, headers=ours.headers)

    @api.exception_handler(Exception)
    async def fault(_: Request, __: Exception) -> JSONResponse:
        # The framework raises it again behind this answer, and the middleware logs it.
        return JSONResponse(INTERNAL.body, INTERNAL.status)

    @api.exception_handler(HTTPException)
    async def theirs(request: Request, error: HTTPException) -> JSONResponse:
        words = {404: "there is no such path", 405: "this path does not take that method"}
        message = words.get(error.status_code, "the request cannot be read")
        ours = ApiError(error.status_code, "invalid_request", message)
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods(api, request))
        return JSONResponse(ours.body, error.status_code, headers=headers)

    @api.exception_handler(RequestValidationError)
    async def shape(_: Request, __: RequestValidationError) -> JSONResponse:
        ours = ApiError(400, "invalid_request", "the request is not of the shape that is taken")
        return JSONResponse(ours.body, 400)


def _methods(api: FastAPI, request: Request) -> list[str]:
    """What a path takes, over all routes that have it."""
    scopes = ((m, {**request.scope, "method": m}) for m in ("GET", "POST", "DELETE"))
    return [m for m, scope in scopes if any(r.matches(scope)[0] == Match.FULL for r in api.routes)]


def _describe(api: FastAPI, who: Keys | None) -> None:
    """The OpenAPI document, with the bodies that are read by hand and the keys."""
    made = api.openapi

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            schema = made()
            parts = schema.setdefault("components", {}).setdefault("schemas", {})
            for record in (ChatRequest, ResponseRequest, LookRequest):
                shape = record.model_json_schema(ref_template="#/components/schemas/{model}")
                parts |= {**shape.pop("$defs", {}), record.__name__: shape}
            if who is not None:
                scheme = {"key": {"type": "http", "scheme": "bearer"}}
                schema["components"]["securitySchemes"] = scheme
                schema["security"] = [{"key": []}]
            api.openapi_schema = schema
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]  # the framework's documented way
