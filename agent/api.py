"""`look`, `ask` and `Session`: the calls under the command line, and the Python API.

from duchenne import look, ask
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

from agent.perception import look as perceive
from agent.schema.evidence import Evidence

if TYPE_CHECKING:
    from agent.graph.remembered import Answered
    from agent.models.context import Step
    from agent.reading.ablation import Taken
    from agent.reading.over_time import EmotionSeries
    from agent.render.showing import Showing
    from agent.schema.answer import Answer
    from agent.schema.picture import Picture, Pictures, Span

StrPath = str | os.PathLike[str]
OnStep = Callable[["Step"], None]


def look(
    clip: StrPath,
    *,
    out: StrPath | None = None,
    subtitles: StrPath | None = None,
    au_table: StrPath | None = None,
    enrol: StrPath | None = None,
    aus: str | None = None,
    progress: perceive.Progress | None = None,
) -> Evidence:
    """What can be seen and heard in a clip, sensed now or remembered.

    Args:
        clip: video, picture or sound file.
        out: folder to write evidence.json, series.parquet, voice.parquet, emotion.parquet and the
            pictures strip.png, voice.png and face.png to.
        subtitles: words of the clip (.srt, .vtt, .json); without it a file beside the clip.
        au_table: action units of OpenFace, py-feat or LibreFace in place of measuring them.
        enrol: another clip of the same person, to take their usual face and voice from.
        aus: name of the action unit estimator, "learned" or "shortcut".
        progress: called with a share done (0-1) and the name of the step.

    Raises MediaError, WordsError, TableError, AssetError, OSError.
    """
    sensing = _sensing(subtitles, au_table, enrol, aus)
    return _look(clip, out, progress, sensing).evidence


def emotions(clip: StrPath | Evidence, person: str | None = None) -> EmotionSeries:
    """Emotions, valence and arousal of one person over time, each with its uncertainty.

    Args:
        clip: what `look` gave, or a file to look at.
        person: P1, P2, …; without it the main person.

    One row for each half second (longer in clips over two minutes): `start` and `end` in s,
    `shares` (rows × labels), `valence` and `arousal` -1…1 with `_sd`, `unknown` where nothing
    stands out. `columns()` gives them by name, as a data frame takes them. Raises what `look`
    raises, and ValueError for a person who is not there.
    """
    from agent.reading import over_time

    return over_time.emotions(clip if isinstance(clip, Evidence) else look(clip), person)


def ask(
    clip: StrPath,
    question: str,
    *,
    model: str | None = None,
    base_url: str | None = None,
    profile: str = "general",
    person: str | None = None,
    thread: str | None = None,
    expert: bool = False,
    subtitles: StrPath | None = None,
    au_table: StrPath | None = None,
    enrol: StrPath | None = None,
    aus: str | None = None,
    why: bool = False,
    progress: perceive.Progress | None = None,
    on_step: OnStep | None = None,
) -> Answer:
    """The answer to one question about a clip, with the claims it stands on.

    Args:
        clip, subtitles, au_table, enrol, aus, progress: see `look`.
        question: in plain words.
        model: "rules" (the default), "openai:NAME" or "hf:PATH[+ADAPTER]".
        base_url: of an OpenAI-compatible host.
        profile: labels of a field: general, learning, academic, ambivalence, compound,
            counselling.
        person: P1, P2, …; without it whom the question names, else the main person.
        thread: name of a conversation to go on with, or the path of one.
        expert: name codes and grades of FACS in the answer (of the rules).
        why: read again without each cue and each channel; `counterfactual` of the answer holds
            what moved its first label. A model behind a host is then asked some 80 times more.
        on_step: called with each step of the reasoning.

    Raises what `look` raises, and AskError, ThreadError, ModelError.
    """
    return answered(
        clip, question, model=model, base_url=base_url, profile=profile, person=person,
        thread=thread, expert=expert, subtitles=subtitles, au_table=au_table, enrol=enrol, aus=aus,
        why=why, progress=progress, on_step=on_step,
    ).answer  # fmt: skip


def answered(
    clip: StrPath,
    question: str,
    *,
    why: bool = False,
    progress: perceive.Progress | None = None,
    on_step: OnStep | None = None,
    **settings: Any,
) -> Answered:
    """As `ask`, with the cues that the answer may cite.

    What the rules have answered before is remembered with the look it stands on.
    """
    from agent.graph import remembered

    key = _key(question, settings, why)
    found = perceive.recall(_request(clip, settings)) if key else None
    if found is not None and key and (told := remembered.read(found.folder, key)):
        return told
    with Session(clip, progress=progress, **settings) as session:
        answer = session.ask(question, progress, on_step, why=why)
        told = remembered.Answered(answer, session.refined.cues)
        if key:
            remembered.write(session.folder, key, told)
        return told


def _sensing(
    subtitles: StrPath | None, au_table: StrPath | None, enrol: StrPath | None, aus: str | None
) -> dict[str, Any]:
    return {"subtitles": subtitles, "au_table": au_table, "enrol": enrol, "aus": aus}


def _key(
    question: str, settings: dict[str, Any], why: bool = False
) -> tuple[str | None, ...] | None:
    """What an answer of the rules depends on besides the evidence; None for all others."""
    from agent.models.connect import named

    apart = ("base_url", "thread", "out")
    if named(settings.get("model")) != "rules" or any(map(settings.get, apart)):
        return None
    expert = "expert" if settings.get("expert") else None
    profile = settings.get("profile") or "general"
    return question.strip(), profile, settings.get("person"), expert, "why" if why else None


class Session:
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
        expert: bool = False,
        out: StrPath | None = None,
        subtitles: StrPath | None = None,
        au_table: StrPath | None = None,
        enrol: StrPath | None = None,
        aus: str | None = None,
        progress: perceive.Progress | None = None,
    ) -> None:
        """Sense the clip, or remember it. For the arguments and errors see `look` and `ask`."""
        from agent.graph.conversation import Conversation, checked_profile
        from agent.models.connect import Rules, connect

        # Wrong use shows before minutes of sensing, not after.
        checked_profile(profile)
        thinker = connect(model, base_url)
        if expert and isinstance(thinker, Rules):
            thinker = Rules(expert=True)
        sensing = _sensing(subtitles, au_table, enrol, aus)
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
        *,
        why: bool = False,
    ) -> Answer:
        """The answer to the next question; `why` as in `ask`. Raises AskError, ModelError,
        OSError."""

        def told(step: Step) -> None:
            if progress is not None:
                progress(1.0, step.name)
            if on_step is not None:
                on_step(step)

        answer = self._conversation.ask(question, on_step=told)
        if not why:
            return answer
        found = self._conversation.why(self._hide, progress)
        return answer.model_copy(update={"counterfactual": found})

    def close(self) -> None:
        """Let go of the thread."""
        self._conversation.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pictures(self, person: str | None, span: Span) -> Sequence[Picture]:
        """What a model is shown; the rules look at none, and need nothing loaded for it."""
        return self._showing(person, span)

    def _hide(self, evidence: Evidence, taken: Taken) -> Pictures:
        """The pictures without what is taken away from the evidence."""
        return self._showing.without(evidence, taken)

    @cached_property
    def _showing(self) -> Showing:
        from agent.render.showing import Showing

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
    from agent.render.showing import Showing

    exported = perceive.export(found, Path(out))
    Showing(Path(clip), exported).save(Path(out))
    return exported
