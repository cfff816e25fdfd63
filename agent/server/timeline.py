"""What was measured in an upload, for whoever draws it: evidence, series, the feelings over time.

    POST /v1/files/ID/evidence    look at the clip now, with progress where streamed
    GET  /v1/files/ID/evidence    what was found
    GET  /v1/files/ID/series      curves and face boxes of a span, thinned to so many points
    GET  /v1/files/ID/feelings    what the rules make of one person, moment by moment

Knows the protocol; `agent.server.work` looks, `agent.reading.rules` judges.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from agent.schema.evidence import Evidence
from agent.server import asked as reading
from agent.server.app_state import AppState
from agent.server.chat import (
    FAILURES,
    at_once,
    body_of,
    gone,
    is_json,
    parsed,
    prepared,
    silent,
    streamed,
    to_the_end,
)
from agent.server.errors import ApiError, bad
from agent.server.files import of_kind
from agent.server.keys import Owner
from agent.server.media_client import remembered
from agent.server.schema import Feelings, LookRequest, Measured, Series
from agent.server.store import FILE
from agent.server.stream import GoneError, Put, event
from agent.server.work import Work

router = APIRouter(responses=FAILURES)
Moment = Annotated[float, Query(ge=0, le=1e6, allow_inf_nan=False)]
Who = Annotated[str | None, Query(max_length=20)]


@router.post(
    "/v1/files/{file_id}/evidence",
    response_model=Measured,
    openapi_extra=body_of(LookRequest),
    summary="Look at an upload",
)
async def look(request: Request, file_id: str) -> Response:
    """Measure what can be seen and heard in an upload, once; later calls give the same.

    With `stream`, events with `progress` (0-1) and `step` come first, then one with `evidence`,
    or one with `error`; the last is `[DONE]`.
    """
    is_json(request)
    wanted = parsed(await request.body(), LookRequest)
    app_state: AppState = request.app.state.app_state
    work = _work(request, file_id, wanted.seconds)
    try:
        await prepared(request, work)
        if wanted.stream:
            return streamed(
                app_state, work, lambda put: to_the_end(put, _looked(file_id, work, put))
            )
        found = await at_once(request, work, work.look(silent))
    except GoneError:
        return gone(app_state)
    return JSONResponse(_told(file_id, found))


@router.get("/v1/files/{file_id}/evidence", response_model=Measured, summary="What was measured")
async def evidence(request: Request, file_id: str) -> Response:
    """All cues, people and what is missing; 404 `not_measured` before the clip was looked at."""
    found = await _measured(request, file_id)
    return JSONResponse(_told(file_id, found))


@router.get("/v1/files/{file_id}/series", response_model=Series, summary="Curves and face boxes")
async def series(
    request: Request,
    file_id: str,
    start: Moment = 0.0,
    end: Moment | None = None,
    points: Annotated[int, Query(ge=2, le=2000)] = 600,
) -> Response:
    """Action units, head, face boxes and voice between `start` and `end` in seconds.

    More rows than `points` are thinned: of action units and loudness the peaks stay. Boxes are
    shares of the picture's width and height.
    """
    found = await _measured(request, file_id)
    last = found.media.duration if end is None else min(end, found.media.duration)
    if last < start:
        raise bad("end lies before start, or start behind the end of the clip", "start")
    work = _work(request, file_id, None)
    try:
        await prepared(request, work)
        drawn = await at_once(request, work, work.series(start, last, points))
    except GoneError:
        return gone(request.app.state.app_state)
    return Response(drawn, media_type="application/json")


@router.get("/v1/files/{file_id}/feelings", response_model=Feelings, summary="Feelings over time")
async def feelings(request: Request, file_id: str, person: Who = None) -> Response:
    """What the rules read from one person's cues (the main one's by default), moment by moment.

    `moments` are of half a second (longer in clips over two minutes); `spans` are where one
    label leads, cut where the change is larger than what the reading varies by anyway. A
    display is not a feeling: this is what such displays usually go with.
    """
    found = await _measured(request, file_id)
    if person is not None and person not in {one.id for one in found.people}:
        raise ApiError(404, "no_such_person", "there is no such person in the clip", param="person")
    return JSONResponse(await asyncio.to_thread(_felt, file_id, found, person))


def _felt(file_id: str, found: Evidence, person: str | None) -> dict[str, Any]:
    from agent.facs.prototypes import BASIC
    from agent.reading.over_time import emotions
    from agent.reading.spans import spans

    series = emotions(found, person)
    return {
        "object": "file.feelings",
        "id": file_id,
        "person": series.person,
        "moments": [
            {
                "start": round(float(series.start[row]), 3),
                "end": round(float(series.end[row]), 3),
                "shares": {
                    BASIC[i]: round(float(series.shares[row, i]), 3)
                    for i in np.argsort(-series.shares[row], kind="stable")
                },
                "valence": round(float(series.valence[row]), 3),
                "valence_sd": round(float(series.valence_sd[row]), 3),
                "arousal": round(float(series.arousal[row]), 3),
                "arousal_sd": round(float(series.arousal_sd[row]), 3),
                "unknown": bool(series.unknown[row]),
            }
            for row in np.flatnonzero(series.measured)
        ],
        "spans": [
            {"start": round(one.start, 3), "end": round(one.end, 3), "label": one.label}
            for one in spans(found, person)
        ],
    }


async def _measured(request: Request, file_id: str) -> Evidence:
    """An upload of this key's, and what was found in it. Raises ApiError (404)."""
    app_state: AppState = request.app.state.app_state
    owner: Owner = request.scope["state"]["owner"]
    place, _ = app_state.store.find(owner.name, of_kind(FILE, file_id))
    found = await asyncio.to_thread(remembered, place)
    if found is None:
        raise ApiError(404, "not_measured", "nothing is measured yet; POST to …/evidence first")
    return found


def _work(request: Request, file_id: str, seconds: float | None) -> Work:
    state = request.scope["state"]
    about = reading.look_at(file_id, seconds)
    return Work(request.app.state.app_state, state["owner"], about, state["began"])


async def _looked(file_id: str, work: Work, put: Put) -> None:
    put(event({"progress": 0.0, "step": "opening the clip"}))
    found = await work.look(lambda step, share: put(event({"progress": share, "step": step})))
    put(event(_told(file_id, found)))


def _told(file_id: str, found: Evidence) -> dict[str, Any]:
    """Evidence without paths of this machine."""
    bare = found.model_copy(update={"series": None, "voice_series": None})
    return {"object": "file.evidence", "id": file_id, "evidence": bare.model_dump(mode="json")}
