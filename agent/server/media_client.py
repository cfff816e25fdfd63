"""One clip as a limited child sees it: begun when needed, asked, ended with the request.

Checks everything it says; knows neither question nor model.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agent.perception.look import SENSES
from agent.schema.evidence import Evidence, EvidenceError, Media, load
from agent.server import reasons
from agent.server.app_state import AppState
from agent.server.errors import bad
from agent.server.keys import Owner
from agent.server.place import Place, put
from agent.server.protocol import Json
from agent.server.schema import Series
from agent.server.worker_pool import Child, KilledError, LostError
from agent.util.scratch import trim

Progress = Callable[[str, float], None]
"""Called with the name of what is being done and the share of it, 0-1."""
REMEMBERED: Final = 16
"""Sets of pictures, and spans of the series, that are remembered of one clip."""
CORES: Final = 4.0
"""Processor seconds that one second of the deadline may cost."""


class MediaClient:
    """What can be seen and heard in one clip. Every method raises ApiError."""

    def __init__(self, app_state: AppState, owner: Owner, place: Place, until: float) -> None:
        """`until`: the deadline by the loop's clock."""
        self._app_state, self._owner, self._place, self._until = app_state, owner, place, until
        self._child: Child | None = None
        self._known = remembered(place)
        """What an earlier question about this clip has measured."""
        self.media: Media | None = self._known.media if self._known else None

    async def prepare(self) -> None:
        """Open the clip, unless what is in it is known; its length and size are within bounds."""
        if self._known is None:
            self._check(await self._opened())

    async def look(self, progress: Progress) -> Evidence:
        """The evidence."""
        if self._known is not None:
            return self._known
        said = await self._see({"op": "look"}, progress)
        try:
            found = Evidence.model_validate(said["evidence"])
        except (KeyError, ValidationError):
            raise reasons.unreadable() from None
        self.media = found.media
        await self._trimmed()
        await asyncio.to_thread(put, self._place.found, found.to_json())
        return found

    async def series(self, start: float, end: float, points: int) -> str:
        """JSON of a `Series`: curves and boxes between two moments in seconds."""
        wanted = {"op": "series", "start": start, "end": end, "points": points}
        return await self._kept("series", wanted, _series)

    async def needed(self, said: Json) -> str:
        """JSON of what the reasoning asks to see; the same pictures of a clip are drawn once."""
        wanted = {**said, "op": said["need"], "blur": self._app_state.settings.blur_faces}
        if said["need"] != "pictures":
            return json.dumps(await self._see(wanted))
        return await self._kept("pictures", wanted, json.dumps, _laid)

    async def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            await self._app_state.media_workers.drop(child)

    @property
    def _kept_looks(self) -> Path | None:
        """Where this owner's evidence outlives its clip, if it does."""
        settings = self._app_state.settings
        return (
            self._app_state.store.root / self._owner.name / "kept"
            if settings.keep_evidence
            else None
        )

    async def _trimmed(self) -> None:
        """Keep what is kept within its age and its quota."""
        settings, kept = self._app_state.settings, self._kept_looks
        if kept is not None:
            await asyncio.to_thread(trim, kept, settings.kept_seconds, settings.kept_bytes)

    async def _opened(self) -> Media:
        looks = self._kept_looks or self._place.looks
        try:
            self._child = await self._app_state.media_workers.take()
        except LostError:
            raise reasons.down() from None
        loop = asyncio.get_running_loop()
        said = await self._said(
            {
                "op": "open",
                "clip": str(self._place.clip),
                "cache": str(looks),
                "cpu_seconds": CORES * max(1.0, self._until - loop.time()),
            }
        )
        try:
            return Media.model_validate(said["media"])
        except (KeyError, ValidationError):
            raise reasons.unreadable() from None

    def _check(self, media: Media) -> None:
        """Length and size within bounds, and on the owner's account."""
        self.media = media
        settings = self._app_state.settings
        if media.duration > settings.media_seconds:
            raise bad(f"a clip may last {settings.media_seconds:g} s", "messages", "media_too_long")
        if media.kind == "video" and media.width * media.height > settings.media_pixels:
            raise bad("a video may have 3840×2160 pixels", "messages", "media_too_large")
        self._app_state.uses.take_seconds(self._owner, media.duration)
        self._app_state.metrics.media_seconds.inc(media.duration)

    async def _see(self, message: Json, progress: Progress | None = None) -> Json:
        """The same as `_said`; the child is begun first where nothing needed it yet."""
        if self._child is None:
            await self._opened()
        return await self._said(message, progress)

    async def _said(self, message: Json, progress: Progress | None = None) -> Json:
        """One answer of the child, progress on the way told."""
        child = self._child
        assert child is not None
        try:
            await child.tell(message)
            while True:
                said = await child.heard()
                if "progress" not in said:
                    break
                if progress is not None:
                    progress(str(said.get("step", ""))[:40], float(said["progress"]))
        except KilledError:
            self._app_state.metrics.eyes_lost.inc()
            self._app_state.troubles.noted("decoders are being killed from outside")
            raise reasons.killed() from None
        except (LostError, ValueError, TypeError):
            self._app_state.metrics.eyes_lost.inc()
            raise reasons.unreadable() from None
        if "error" in said:
            if (ours := reasons.of_machine(said.get("errno"))) is not None:
                self._app_state.troubles.noted(ours.message)
                raise ours
            raise reasons.of_media(str(said["error"]), str(said.get("message", "")))
        return said

    async def _kept(
        self,
        kind: str,
        wanted: Json,
        checked: Callable[[Json], str],
        laid: Callable[[Json, Path], Json] | None = None,
    ) -> str:
        """What the child answers to a request, checked; the same request is not sent again.

        `laid` puts what is large into a folder beside it, once it is remembered.
        """
        kept = self._place.kept(kind, json.dumps(wanted, sort_keys=True))
        if kept.exists():
            return await asyncio.to_thread(kept.read_text, "utf-8")
        said = await self._see(wanted)
        if len(list(kept.parent.glob(f"{kind}-*.json"))) >= REMEMBERED:
            return checked(said)
        seen = checked(await asyncio.to_thread(laid, said, kept.with_suffix("")) if laid else said)
        await asyncio.to_thread(put, kept, seen)
        return seen


def _laid(said: Json, folder: Path) -> Json:
    """Pictures as files: megabytes that are not to go through JSON for every question.

    Raises ApiError where the child answers something else.
    """
    folder.mkdir(exist_ok=True)
    try:
        paths = [folder / f"{n}.png" for n in range(len(said["pictures"]))]
        for path, one in zip(paths, said["pictures"], strict=True):
            path.write_bytes(base64.b64decode(one["png"], validate=True))
        names = [str(one["name"]) for one in said["pictures"]]
    except (KeyError, TypeError, ValueError):
        raise reasons.unreadable() from None
    return {
        "pictures": [
            {"name": name, "path": str(path)} for name, path in zip(names, paths, strict=True)
        ]
    }


def _series(said: Json) -> str:
    """Raises ApiError where the child answers something else."""
    try:
        return Series.model_validate(said).model_dump_json()
    except ValidationError:
        raise reasons.unreadable() from None


def remembered(place: Place) -> Evidence | None:
    """Evidence of a clip that was looked at before, if by the senses of today."""
    try:
        found = load(place.found)
    except (OSError, EvidenceError):
        return None
    return found if found.senses == SENSES else None
