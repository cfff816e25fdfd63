"""`/`: the page, from files of this package and nowhere else; no path is looked up on the disk."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from agent.server.errors import ApiError

router = APIRouter(include_in_schema=False)
KINDS: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "media-src blob:; img-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No other host, no script or style but our files, and no text that becomes markup."""


@cache
def _parts() -> dict[str, bytes]:
    """The page's files by name, read once."""
    found = files("agent").joinpath("page").iterdir()
    return {one.name: one.read_bytes() for one in found if one.name.rpartition(".")[2] in KINDS}


def _given(name: str) -> Response:
    kind = KINDS[name.rpartition(".")[2]]
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    return Response(_parts()[name], media_type=f"{kind}; charset=utf-8", headers=headers)


@router.get("/")
async def index() -> Response:
    """The page."""
    return _given("index.html")


@router.get("/page/{name}")
async def part(name: str) -> Response:
    """A file of the page."""
    if name not in _parts():
        raise ApiError(404, "not_found", "there is no such path")
    return _given(name)
