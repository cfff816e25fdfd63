"""`/livez`, `/readyz`, `/metrics`, `/v1/models`: how the server is, and what can be asked.

Ready means: model files are here, children come up, and the language model's host, if one is
set, has answered lately and has the model.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from agent.models.clients import bounded
from agent.server import faults
from agent.server.app_state import AppState
from agent.server.asked import names
from agent.server.chat import FAILURES
from agent.server.errors import ApiError
from agent.server.schema import Failure, Health, ModelCard, ModelList
from agent.server.supervisor import Supervisor
from agent.server.worker_pool import LostError

log = logging.getLogger("duchenne.serve")
router = APIRouter()
PROBE_SECONDS: Final = 3.0
ROOM: Final = 1 << 20
"""Bytes that must fit on the disk: the evidence of a clip, and its pictures."""
BEGAN: Final = int(time.time())


class Watch:
    """Looks after what the server stands on."""

    def __init__(self, app_state: AppState, supervisor: Supervisor | None = None) -> None:
        self._app_state = app_state
        self._keeper = supervisor
        self._files: str | None = "model files are being fetched"
        self._children: str | None = "children are starting"
        self._disk: str | None = None
        spec = app_state.settings.model
        self._model: str | None = "the language model has not answered yet"
        if not spec.startswith("openai:"):
            self._model = None

    @property
    def why(self) -> list[str]:
        """What keeps the server from being ready."""
        found = (self._files, self._children, self._host, self._disk)
        return [why for why in (*found, *self._app_state.troubles.now) if why]

    @property
    def _host(self) -> str | None:
        """What is wrong with the language model's host."""
        return (self._keeper.why if self._keeper else None) or self._model

    async def run(self) -> None:
        """Until cancelled."""
        await self._fetched()
        before = ["?"]
        while True:
            await self._begun()
            await self._probed()
            self._disk = await asyncio.to_thread(_writes, self._app_state.store.root)
            self._app_state.metrics.model_up.set(self._host is None)
            if self.why != before:
                log.info("ready" if not self.why else "not ready", extra={"fields": self._row()})
                before = self.why
            await asyncio.sleep(PROBE_SECONDS)

    def _row(self) -> dict[str, object]:
        return {"why": self.why}

    async def _fetched(self) -> None:
        from agent.assets import resolve as assets

        found = await asyncio.to_thread(assets.pull)
        lacking = [f.name for f in found if f.path is None and not assets.ASSETS[f.name].optional]
        self._files = f"model files are missing: {', '.join(lacking)}" if lacking else None

    async def _begun(self) -> None:
        try:
            if not self._app_state.media_workers.pids:
                await self._app_state.media_workers.warm()
            if not self._app_state.reasoning_workers.pids:
                await self._app_state.reasoning_workers.warm()
            self._children = None
        except LostError:
            self._children = "children do not come up"

    async def _probed(self) -> None:
        kind, _, name = self._app_state.settings.model.partition(":")
        if kind != "openai":
            return
        base = (self._app_state.settings.base_url or "https://api.openai.com/v1").rstrip("/")
        key = os.environ.get("DUCHENNE_API_KEY") or os.environ.get("OPENAI_API_KEY") or "none"
        try:
            async with httpx.AsyncClient(timeout=PROBE_SECONDS, trust_env=False) as client:
                client.event_hooks = {"response": [bounded.bound_async]}
                headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
                answer = await client.get(f"{base}/models", headers=headers)
                known = [model["id"] for model in answer.raise_for_status().json()["data"]]
            self._model = None if name in known else "the language model's host does not have it"
        except (httpx.HTTPError, bounded.TooMuchError, ValueError, KeyError, TypeError):
            self._model = "the language model's host does not answer"


def _writes(folder: Path) -> str | None:
    """Why nothing can be kept in a folder; None where it can."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            for _ in range(ROOM >> 16):
                file.write(bytes(1 << 16))
    except OSError as error:
        if error.errno in faults.FULL:
            return "the disk is full"
        return "the folder of uploads and conversations cannot be written"
    return None


@router.get("/livez", response_model=Health, summary="Whether the process runs")
async def live() -> Health:
    """Always answers while the process does."""
    return Health(status="alive")


@router.get(
    "/readyz",
    response_model=Health,
    responses={503: {"model": Health}, 421: {"model": Failure}},
    summary="Whether questions can be answered",
)
async def ready(request: Request) -> Response:
    """503 with the reasons while starting, going down, or without the language model."""
    why = list(request.app.state.watch.why)
    if request.app.state.middleware.draining:
        why.append("going down")
    status = Health(status="not ready" if why else "ready", why=why)
    return JSONResponse(status.model_dump(), 503 if why else 200)


@router.get("/metrics", response_class=Response, responses=FAILURES, summary="For Prometheus")
async def metrics(request: Request) -> Response:
    """Counters in Prometheus' text form."""
    app_state: AppState = request.app.state.app_state
    app_state.metrics.in_flight.set(app_state.room.admitted)
    app_state.metrics.running.set(app_state.room.running)
    return Response(app_state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/v1/models", response_model=ModelList, responses=FAILURES, summary="Models")
async def models() -> ModelList:
    """`duchenne` is what this server was set to, `duchenne-rules` the rules; `:PROFILE` chooses
    label sets and definitions."""
    return ModelList(data=[ModelCard(id=name, created=BEGAN) for name in names()])


@router.get("/v1/models/{model}", response_model=ModelCard, responses=FAILURES, summary="A model")
async def model(model: str) -> ModelCard:
    """One model."""
    if model not in names():
        raise ApiError(404, "model_not_found", "there is no such model; GET /v1/models")
    return ModelCard(id=model, created=BEGAN)
