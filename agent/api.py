"""`look`, `ask` and `Talk`: the calls under the command line, and the Python API.

from agent import look, ask
evidence = look("clip.mp4")
answer = ask("clip.mp4", "What does she feel, and why?")
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import perceive
from agent.evidence import Evidence

if TYPE_CHECKING:
    from agent.answer import Answer
    from agent.context import Picture, Span, Step
    from agent.remembered import Answered
    from agent.showing import Showing

StrPath = str | os.PathLike[str]
OnStep = Callable[["Step"], None]


def look(
    clip: StrPath,
    *,
    out: StrPath | None = None,
    progress: perceive.Progress | None = None,
    **sensing: Any,
) -> Evidence:
    """Evidence of a clip, sensed now or remembered.

    `sensing`: `subtitles`, `au_table`, `enrol` (paths) and `aus` (name of the estimator).
    With `out`, evidence.json, series.parquet, voice.parquet and the pictures strip.png,
    voice.png and face.png are written there. Raises MediaError, WordsError, TableError,
    AssetError, OSError.
    """
    return _look(clip, out, progress, sensing).evidence


def ask(
    clip: StrPath,
    question: str,
    *,
    progress: perceive.Progress | None = None,
    on_step: OnStep | None = None,
    **settings: Any,
) -> Answer:
    """The answer to one question about a clip.

    `settings`: those of `look`, and `model`, `base_url`, `profile`, `person`, `thread` as on the
    command line. Raises what `look` raises, and AskError, ThreadError, ModelError.
    """
    return answered(clip, question, progress=progress, on_step=on_step, **settings).answer


def answered(
    clip: StrPath,
    question: str,
    *,
    progress: perceive.Progress | None = None,
    on_step: OnStep | None = None,
    **settings: Any,
) -> Answered:
    """As `ask`, with the cues that the answer may cite.

    What the rules have answered before is remembered with the look it stands on.
    """
    from agent import remembered

    key = _key(question, settings)
    found = perceive.recall(_request(clip, settings)) if key else None
    if found is not None and key and (told := remembered.read(found.folder, key)):
        return told
    with Talk(clip, progress=progress, **settings) as talk:
        answer = talk.ask(question, progress, on_step)
        told = remembered.Answered(answer, talk.refined.cues)
        if key:
            remembered.write(talk.folder, key, told)
        return told


def _key(question: str, settings: dict[str, Any]) -> tuple[str | None, ...] | None:
    """What an answer of the rules depends on besides the evidence; None for all others."""
    from agent.model import named

    apart = ("base_url", "thread", "out")
    if named(settings.get("model")) != "rules" or any(map(settings.get, apart)):
        return None
    return question.strip(), settings.get("profile") or "general", settings.get("person")


class Talk:
    """Questions about one clip, which is sensed once."""

    def __init__(
        self,
        clip: StrPath,
        *,
        model: str | None = None,
        base_url: str | None = None,
        profile: str = "general",
        person: str | None = None,
        thread: str | None = None,
        out: StrPath | None = None,
        progress: perceive.Progress | None = None,
        **sensing: Any,
    ) -> None:
        """Sense the clip, or remember it. For the arguments and errors see `ask`."""
        from agent.chat import Conversation, checked_profile
        from agent.model import connect

        # Wrong use shows before minutes of sensing, not after.
        checked_profile(profile)
        thinker = connect(model, base_url)
        self._request = _request(clip, sensing)
        self._found = _look(clip, out, progress, sensing)
        self._conversation = Conversation(
            self.evidence,
            model=thinker,
            profile=profile,
            person=person,
            thread=thread,
            pictures=self._pictures,
            look_closer=self._look_closer,
            keep=self._keep,
            evidence_path=str(self._found.folder / "evidence.json"),
        )

    @property
    def folder(self) -> Path:
        """Where the look is kept."""
        return self._found.folder

    @property
    def evidence(self) -> Evidence:
        """What was measured."""
        return self._found.evidence

    @property
    def refined(self) -> Evidence:
        """The same with cues that closer looks for the last question added: what it cites."""
        return self._conversation.evidence

    def ask(
        self,
        question: str,
        progress: perceive.Progress | None = None,
        on_step: OnStep | None = None,
    ) -> Answer:
        """The answer to the next question. Raises AskError, ModelError, OSError."""

        def told(step: Step) -> None:
            if progress is not None:
                progress(1.0, step.name)
            if on_step is not None:
                on_step(step)

        return self._conversation.ask(question, on_step=told)

    def close(self) -> None:
        """Let go of the thread."""
        self._conversation.close()

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pictures(self, person: str | None, span: Span) -> Sequence[Picture]:
        """What a model is shown; the rules look at none, and need nothing loaded for it."""
        return self._showing(person, span)

    @cached_property
    def _showing(self) -> Showing:
        from agent.showing import Showing

        return Showing(self._request.clip, self._found)

    def _keep(self, evidence: Evidence) -> str:
        """Write evidence that a closer look added to beside the first; the file's path."""
        text = evidence.to_json()
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = self._found.folder / f"evidence-{digest}.json"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def _look_closer(self, start: float, end: float) -> Evidence | None:
        """Evidence of one window in all its frames."""
        from dataclasses import replace

        if self.evidence.media.kind != "video":
            return None
        return perceive.look(replace(self._request, span=(start, end))).evidence


def _request(clip: StrPath, sensing: dict[str, Any]) -> perceive.Request:
    if "://" in os.fspath(clip):
        from agent.media import MediaError

        raise MediaError(f"{clip}: addresses are not fetched. Download the clip and give its path")

    def path(name: str) -> Path | None:
        return Path(sensing[name]) if sensing.get(name) is not None else None

    return perceive.Request(
        Path(clip),
        subtitles=path("subtitles"),
        au_table=path("au_table"),
        aus=sensing.get("aus"),
        enrol=path("enrol"),
    )


def _look(
    clip: StrPath,
    out: StrPath | None,
    progress: perceive.Progress | None,
    sensing: dict[str, Any],
) -> perceive.Look:
    found = perceive.look(_request(clip, sensing), progress)
    if out is None:
        return found
    from agent.showing import Showing

    exported = perceive.export(found, Path(out))
    Showing(Path(clip), exported).save(Path(out))
    return exported
