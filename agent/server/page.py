"""`/`: the page, from files of this package and nowhere else; no path is looked up on the disk."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from agent.server.errors import ApiError

router = APIRouter(include_in_schema=False)
KINDS: Final = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "events.js": "text/javascript; charset=utf-8",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "media-src blob:; img-src blob:; style-src-attr 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@cache
def _file(name: str) -> bytes:
    return files("agent").joinpath("page", name).read_bytes()


def _given(name: str) -> Response:
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    return Response(_file(name), media_type=KINDS[name], headers=headers)


@router.get("/")
async def index() -> Response:
    """The page."""
    return _given("index.html")


@router.get("/page/{name}")
async def part(name: str) -> Response:
    """A file of the page."""
    if name not in KINDS:
        raise ApiError(404, "not_found", "there is no such path")
    return _given(name)
