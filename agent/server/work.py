"""One question from its clip to its answer: gets the clip, looks, reasons.

Carries messages between two children. Cancelled at any point, it ends both and leaves no file
behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from agent.schema.answer import Answer
from agent.schema.evidence import Cue, Evidence, Media
from agent.server import clips, reasons
from agent.server.app_state import AppState
from agent.server.asked import Asked
from agent.server.clips import Held
from agent.server.keys import Owner
from agent.server.media_client import MediaClient, Progress
from agent.server.protocol import Json
from agent.server.worker_pool import Child, LostError

Told = Callable[[str], None]
"""Called with a line about a step that is done."""


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

    def __init__(self, app_state: AppState, owner: Owner, asked: Asked, began: float) -> None:
        self._app_state, self._owner, self._asked = app_state, owner, asked
        deadline = app_state.settings.deadline
        self.until = began + min(asked.seconds or deadline, deadline)
        """By the loop's clock."""
        self._open = AsyncExitStack()
        self._held: Held | None = None
        self._eyes: MediaClient | None = None
        self.spent: dict[str, float] = {}
        """Milliseconds of thinking, and of the language model in it; once the answer is there."""

    @property
    def media(self) -> Media | None:
        """What the clip is, once that is known."""
        return self._eyes.media if self._eyes else None

    async def prepare(self) -> None:
        """Wait for a slot, get the clip and see what it is. Raises ApiError."""
        try:
            async with asyncio.timeout_at(self.until):
                await self._open.enter_async_context(self._app_state.room.slot())
                self._held = await clips.held(self._app_state, self._owner, self._asked, self._open)
                self._eyes = MediaClient(self._app_state, self._owner, self._held.place, self.until)
                await self._eyes.prepare()
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
                return await self._media.look(progress)
        except TimeoutError:
            raise reasons.late() from None

    async def series(self, start: float, end: float, points: int) -> str:
        """JSON of a `Series`: curves and boxes between two moments in seconds. Raises ApiError."""
        try:
            async with asyncio.timeout_at(self.until):
                return await self._media.series(start, end, points)
        except TimeoutError:
            raise reasons.late() from None

    async def close(self) -> None:
        """End the children, remove what was for this request alone."""
        try:
            if self._eyes is not None:
                await self._eyes.close()
        finally:
            await self._open.aclose()

    @property
    def _media(self) -> MediaClient:
        assert self._eyes is not None, "prepare first"
        return self._eyes

    async def _thought(self, evidence: Evidence, told: Told) -> Outcome:
        try:
            child = await self._app_state.reasoning_workers.take()
        except LostError:
            raise reasons.down() from None
        whole = False
        steps: list[str] = []

        def step(line: str) -> None:
            steps.append(line)
            told(line)

        try:
            await child.tell(self._task(evidence))
            said = await self._relayed(child, step)
            whole = True
        except LostError:
            raise reasons.down() from None
        finally:
            # A child that was interrupted may be anywhere; only one that ended is used again.
            await (
                self._app_state.reasoning_workers.give_back(child)
                if whole
                else self._app_state.reasoning_workers.drop(child)
            )
        if "error" in said:
            raise reasons.of_reasoning(said)
        return self._outcome(said, steps)

    def _task(self, evidence: Evidence) -> Json:
        asked, settings = self._asked, self._app_state.settings
        store, owner = self._app_state.store, self._owner.name
        talk = self._held.conversation if self._held else None
        thread = store.thread(owner, talk) if talk else None
        own = asked.model == "own"
        bare = evidence.model_copy(update={"series": None, "voice_series": None})
        loop = asyncio.get_running_loop()
        return {
            "op": "ask",
            "evidence": bare.model_dump(mode="json"),
            "question": asked.question,
            "profile": asked.profile,
            "person": asked.person,
            "model": settings.model if own else "rules",
            "base_url": settings.base_url if own else None,
            "tokens": settings.tokens,
            "seconds": self.until - loop.time(),
            "before": list(asked.before),
            "thread": thread,
            "store": str(store.threads(owner)),
        }

    async def _relayed(self, child: Child, step: Told) -> Json:
        """What the child says last; on the way it is sent the pictures it asks for."""
        while True:
            said = await child.heard()
            if "step" in said:
                who = f" {said['person']}" if said.get("person") else ""
                if said["step"] != "answer":
                    step(f"{said['step']}{who}: {said['text']}")
            elif "need" in said:
                await child.pass_on(await self._media.needed(said))
            else:
                return said

    def _outcome(self, said: Json, steps: list[str]) -> Outcome:
        held, media = self._held, self.media
        assert held is not None and media is not None
        held.begun = False
        self.spent |= {f"{what}_ms": round(1000 * n, 1) for what, n in said["spent"].items()}
        answer = Answer.model_validate(said["answer"]).model_copy(update={"evidence": None})
        return Outcome(
            answer=answer.model_dump(mode="json"),
            cues=[Cue.model_validate(cue).model_dump(mode="json") for cue in said["cues"]],
            usage=said["usage"],
            media=media.model_dump(mode="json", exclude={"file"}),
            conversation=held.conversation,
            steps=steps,
        )
