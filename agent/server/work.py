"""One question from its clip to its answer: gets the clip, opens the eyes, lets the mind think.

Carries messages between two children and checks what they say. Cancelled at any point, it ends
both and leaves no file behind.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agent.answer import Answer
from agent.evidence import Cue, Evidence, EvidenceError, Media, load
from agent.perceive import SENSES
from agent.server import reasons
from agent.server.asked import Asked, Source
from agent.server.children import Child, LostError, Nursery
from agent.server.errors import ApiError, bad, busy
from agent.server.fetch import fetch, too_large
from agent.server.guard import Guard
from agent.server.keys import Owner, Uses
from agent.server.metrics import Metrics
from agent.server.schema import Series
from agent.server.settings import Settings
from agent.server.store import TALK, Place, Store
from agent.server.wire import Json

Told = Callable[[str], None]
"""Called with a line about a step that is done."""
Progress = Callable[[str, float], None]
"""Called with the name of what is being done and the share of it, 0-1."""
REMEMBERED: Final = 16
"""Sets of pictures, and spans of the series, that are remembered of one clip."""
CORES: Final = 4.0
"""Processor seconds that one second of the deadline may cost."""


class Room:
    """So many clips at a time, so many waiting; everybody else is told to come back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free = asyncio.Semaphore(settings.slots)
        self.running = 0
        self.admitted = 0
        """Requests that run or wait."""
        self._lengths: list[float] = []

    @contextmanager
    def ticket(self) -> Iterator[None]:
        """Leave to wait for a slot. Raises ApiError (503) where nobody else may wait."""
        if self.admitted >= self._settings.slots + self._settings.queue:
            raise busy("every place is taken; come back later", self.back_in())
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    def back_in(self) -> int:
        """Seconds after which a place is likely free."""
        usual = sum(self._lengths) / len(self._lengths) if self._lengths else 5.0
        return max(1, min(60, round(usual * self.admitted / self._settings.slots / 2)))

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A place to work. Raises ApiError (503) after waiting too long."""
        try:
            async with asyncio.timeout(self._settings.patience):
                await self._free.acquire()
        except TimeoutError:
            raise busy("no place became free in time; come back later", self.back_in()) from None
        began = time.monotonic()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._lengths = [*self._lengths[-19:], time.monotonic() - began]
            self._free.release()


@dataclass(slots=True)
class House:
    """What all requests share."""

    settings: Settings
    store: Store
    uses: Uses
    guard: Guard
    room: Room
    eyes: Nursery
    minds: Nursery
    metrics: Metrics


@dataclass(slots=True)
class Outcome:
    """What came of a question."""

    answer: Json
    """An `Answer`, without paths of this machine."""
    cues: list[Json]
    usage: dict[str, int]
    media: Json
    conversation: str | None
    steps: list[str] = field(default_factory=list)


class Work:
    """One question. `prepare` first, while a refusal can still have a status of its own."""

    def __init__(self, house: House, owner: Owner, asked: Asked, began: float) -> None:
        self._house, self._owner, self._asked = house, owner, asked
        self._settings = house.settings
        wanted = min(asked.seconds or self._settings.deadline, self._settings.deadline)
        self.until = began + wanted
        """By the loop's clock."""
        self._open = AsyncExitStack()
        self._eyes: Child | None = None
        self._seen: Json | None = None
        self.media: Media | None = None
        self.conversation: str | None = None
        self._place: Place | None = None
        self._known: Evidence | None = None
        """What an earlier question about this clip has measured."""
        self._begun = False
        """Whether this request began its conversation; without an answer it is none."""

    async def prepare(self) -> None:
        """Wait for a slot, get the clip and see what it is. Raises ApiError."""
        try:
            async with asyncio.timeout_at(self.until):
                await self._open.enter_async_context(self._house.room.slot())
                self._place = await self._placed()
                self._open.enter_context(self._house.store.using(self._place))
                self._known = remembered(self._place)
                if self._known is not None:
                    self.media = self._known.media
                else:
                    self._check(await self._opened(self._place))
        except TimeoutError:
            raise reasons.late() from None

    async def answer(self, told: Told, progress: Progress) -> Outcome:
        """Look, think, answer. Raises ApiError."""
        evidence = await self.look(progress)
        try:
            async with asyncio.timeout_at(self.until):
                return await self._thought(evidence, told)
        except TimeoutError:
            raise reasons.late() from None

    async def look(self, progress: Progress) -> Evidence:
        """What can be seen and heard in the clip. Raises ApiError."""
        try:
            async with asyncio.timeout_at(self.until):
                return await self._looked(progress)
        except TimeoutError:
            raise reasons.late() from None

    async def series(self, start: float, end: float, points: int) -> str:
        """JSON of a `Series`: curves and boxes between two moments in seconds. Raises ApiError."""
        wanted = {"op": "series", "start": start, "end": end, "points": points}
        try:
            async with asyncio.timeout_at(self.until):
                return await self._kept("series", wanted, _series)
        except TimeoutError:
            raise reasons.late() from None

    async def close(self) -> None:
        """End the children, remove what was for this request alone."""
        eyes, self._eyes = self._eyes, None
        try:
            if eyes is not None:
                await self._house.eyes.drop(eyes)
        finally:
            await self._open.aclose()
            if self._begun and self.conversation:
                self._begun = False
                self._house.store.delete(self._owner.name, self.conversation)

    async def _placed(self) -> Place:
        """Where the clip lies: in a conversation, an upload, or this request's own scratch."""
        store, asked, name = self._house.store, self._asked, self._owner.name
        if asked.conversation not in (None, "new"):
            assert asked.conversation is not None
            return self._continued(asked.conversation)
        if asked.source is None:
            raise bad("no clip: send a video_url, image_url, input_audio or file part", "messages")
        if asked.source.kind == "file":
            place, _ = store.find(name, asked.source.value)
            if asked.conversation:
                self.conversation, _ = store.add(name, TALK, {"file": asked.source.value})
                self._begun = True
            return place
        if asked.conversation:
            store.room(name, 0)
            self.conversation, place = store.add(name, TALK, {})
            self._begun = True
        else:
            place = self._open.enter_context(store.scratch(name))
        await self._got(asked.source, place.clip)
        return place

    def _continued(self, conversation: str) -> Place:
        store, name = self._house.store, self._owner.name
        if not conversation.startswith(TALK):
            raise bad('conversation is "new" or the id of one', "conversation")
        place, meta = store.find(name, conversation)
        if not self._open.enter_context(store.alone(place)):
            raise ApiError(409, "conversation_busy", "its last question is not answered yet")
        self.conversation = conversation
        if meta.get("file"):
            place, _ = store.find(name, meta["file"])
        if self._asked.source is not None and not self._same(place, meta):
            raise ApiError(
                409, "another_clip", "a conversation is about the clip it began with; begin anew"
            )
        return place

    def _same(self, place: Place, meta: Json) -> bool:
        """Whether the clip that was sent along is the conversation's."""
        source = self._asked.source
        assert source is not None
        if source.kind == "file":
            return bool(source.value == meta.get("file"))
        if source.kind == "base64":
            return _decoded(source.value, self._settings.media_bytes) == place.clip.read_bytes()
        return False

    async def _got(self, source: Source, into: Path) -> None:
        """The clip's bytes, onto the disk and off the owner's account."""
        settings = self._settings
        if source.kind == "base64":
            data = await asyncio.to_thread(_decoded, source.value, settings.media_bytes)
            self._house.uses.take_bytes(self._owner, len(data))
            await asyncio.to_thread(into.write_bytes, data)
            size = len(data)
        else:
            if not settings.fetch:
                raise bad("this server fetches no addresses; upload the clip", "url", "no_fetch")
            size = await fetch(
                source.value,
                into,
                guard=self._house.guard,
                limit=settings.media_bytes,
                seconds=settings.fetch_seconds,
            )
            self._house.uses.take_bytes(self._owner, size)
        self._house.metrics.media_bytes.inc(size)

    async def _opened(self, place: Place) -> Media:
        """Eyes on the clip; what it is. Raises ApiError."""
        looks = place.looks
        if self._settings.keep_evidence:
            looks = self._house.store.root / self._owner.name / "kept"
        try:
            self._eyes = await self._house.eyes.take()
        except LostError:
            raise reasons.down() from None
        loop = asyncio.get_running_loop()
        said = await self._said(
            {
                "op": "open",
                "clip": str(place.clip),
                "cache": str(looks),
                "cpu_seconds": CORES * max(1.0, self.until - loop.time()),
            }
        )
        try:
            return Media.model_validate(said["media"])
        except (KeyError, ValidationError):
            raise reasons.unreadable() from None

    def _check(self, media: Media) -> None:
        """Length and size within bounds, and on the owner's account. Raises ApiError."""
        self.media = media
        settings = self._settings
        if media.duration > settings.media_seconds:
            raise bad(f"a clip may last {settings.media_seconds:g} s", "messages", "media_too_long")
        if media.kind == "video" and media.width * media.height > settings.media_pixels:
            raise bad("a video may have 3840×2160 pixels", "messages", "media_too_large")
        self._house.uses.take_seconds(self._owner, media.duration)
        self._house.metrics.media_seconds.inc(media.duration)

    async def _see(self, message: Json, progress: Progress | None = None) -> Json:
        """The same as `_said`; the eyes are opened first where nothing needed them yet."""
        if self._eyes is None:
            assert self._place is not None
            await self._opened(self._place)
        return await self._said(message, progress)

    async def _said(self, message: Json, progress: Progress | None = None) -> Json:
        """One answer of the eyes, progress on the way told. Raises ApiError."""
        eyes = self._eyes
        assert eyes is not None
        try:
            await eyes.tell(message)
            while True:
                said = await eyes.heard()
                if "progress" not in said:
                    break
                if progress is not None:
                    progress(str(said.get("step", ""))[:40], float(said["progress"]))
        except (LostError, ValueError, TypeError):
            self._house.metrics.eyes_lost.inc()
            raise reasons.unreadable() from None
        if "error" in said:
            raise reasons.of_eyes(str(said["error"]), str(said.get("message", "")))
        return said

    async def _looked(self, progress: Progress) -> Evidence:
        if self._known is not None:
            return self._known
        said = await self._see({"op": "look"}, progress)
        try:
            found = Evidence.model_validate(said["evidence"])
        except (KeyError, ValidationError):
            raise reasons.unreadable() from None
        self.media = found.media
        assert self._place is not None
        await asyncio.to_thread(self._place.found.write_text, found.to_json(), "utf-8")
        return found

    async def _thought(self, evidence: Evidence, told: Told) -> Outcome:
        try:
            mind = await self._house.minds.take()
        except LostError:
            raise reasons.down() from None
        whole = False
        steps: list[str] = []

        def step(line: str) -> None:
            steps.append(line)
            told(line)

        try:
            await mind.tell(self._task(evidence))
            said = await self._relayed(mind, step)
            whole = True
        except LostError:
            raise reasons.down() from None
        finally:
            # A mind that was interrupted may be anywhere; only one that ended is used again.
            await (self._house.minds.give_back(mind) if whole else self._house.minds.drop(mind))
        if "error" in said:
            raise reasons.of_mind(said)
        return self._outcome(said, steps)

    def _task(self, evidence: Evidence) -> Json:
        own = self._asked.model == "own"
        bare = evidence.model_copy(update={"series": None, "voice_series": None})
        loop = asyncio.get_running_loop()
        return {
            "op": "ask",
            "evidence": bare.model_dump(mode="json"),
            "question": self._asked.question,
            "profile": self._asked.profile,
            "person": self._asked.person,
            "model": self._settings.model if own else "rules",
            "base_url": self._settings.base_url if own else None,
            "seconds": self.until - loop.time(),
            "before": list(self._asked.before),
            "thread": self.conversation,
            "store": str(self._house.store.threads(self._owner.name)),
        }

    async def _relayed(self, mind: Child, step: Told) -> Json:
        """What the mind says last; on the way it is given what it needs to see."""
        while True:
            said = await mind.heard()
            if "step" in said:
                who = f" {said['person']}" if said.get("person") else ""
                if said["step"] != "answer":
                    step(f"{said['step']}{who}: {said['text']}")
            elif "need" in said:
                await mind.tell(await self._needed(said))
            else:
                return said

    async def _needed(self, said: Json) -> Json:
        """What the mind wants to see; the same pictures of a clip are drawn once."""
        wanted = {**said, "op": said["need"], "blur": self._settings.blur_faces}
        assert self._place is not None
        if said["need"] != "pictures":
            return await self._see(wanted)
        return json.loads(await self._kept("pictures", wanted, json.dumps))  # type: ignore[no-any-return]

    async def _kept(self, kind: str, wanted: Json, checked: Callable[[Json], str]) -> str:
        """What the eyes say to a wish, checked; the same wish is not told to them again."""
        assert self._place is not None
        kept = self._place.kept(kind, json.dumps(wanted, sort_keys=True))
        if kept.exists():
            return await asyncio.to_thread(kept.read_text, "utf-8")
        seen = checked(await self._see(wanted))
        if len(list(kept.parent.glob(f"{kind}-*"))) < REMEMBERED:
            await asyncio.to_thread(kept.write_text, seen, "utf-8")
        return seen

    def _outcome(self, said: Json, steps: list[str]) -> Outcome:
        self._begun = False
        answer = Answer.model_validate(said["answer"]).model_copy(update={"evidence": None})
        media = self.media
        assert media is not None
        return Outcome(
            answer=answer.model_dump(mode="json"),
            cues=[Cue.model_validate(cue).model_dump(mode="json") for cue in said["cues"]],
            usage=said["usage"],
            media=media.model_dump(mode="json", exclude={"file"}),
            conversation=self.conversation,
            steps=steps,
        )


def _series(said: Json) -> str:
    """Raises ApiError where the eyes give something else."""
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


def _decoded(text: str, limit: int) -> bytes:
    """The bytes of base64. Raises ApiError."""
    if len(text) * 3 // 4 > limit + 4:
        raise too_large(limit)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad("the clip is not valid base64", "messages", "bad_base64") from None
    if not data:
        raise bad("the clip is empty", "messages", "empty_media")
    return data
