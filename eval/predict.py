"""From a sample to a record: the product itself answers, through `agent.api`.

What predicts sees the clip under a neutral name (names of files carry labels in many data sets),
the owners' transcript where there is one, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.models.clients import HostUnreachableError, NoSuchModelError, WrongKeyError
from agent.models.context import AskError
from agent.perception import look as perceive
from agent.schema.errors import code_of
from agent.schema.evidence import Evidence
from agent.util.cache import cache_dir
from eval import leaks, tasks
from eval.records import Record
from eval.samples import Sample, SamplesError, Task, task


@dataclass(frozen=True, slots=True)
class Model:
    """What answers, and how it is asked."""

    name: str = "rules"
    base_url: str | None = None
    profile: str = "general"
    aus: str | None = None
    """Action unit estimator; None for the best there is."""
    transcript: bool = False
    """Show the owners' transcript as subtitles."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question and what of the answer counts."""

    kind: str
    question: str
    classes: Sequence[str]


def key(sample: Sample, model: Model, asked: Asked, enrol: Path | None) -> str:
    """Digest of all that decides a prediction. Raises SamplesError."""
    from agent.senses.units.action_units import estimator

    parts: list[Any] = [
        leaks.digest(sample.path) if sample.path else None,
        *([sample.fps] if sample.fps else []),
        sample.text if model.transcript else None,
        sample.span,
        [model.name, model.base_url, model.profile, estimator(model.aus).version],
        [asked.kind, asked.question, list(asked.classes)],
        leaks.digest(enrol) if enrol else None,
        perceive.SENSES,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]


def predict(sample: Sample, model: Model, asked: Asked, enrol: Path | None, digest: str) -> Record:
    """The record of one sample; failures are records too, never errors.

    Only a host that can answer nobody raises: HostUnreachableError, WrongKeyError,
    NoSuchModelError; and AskError for a model that is none. Failing every sample for it would hide
    the one cause.
    """
    try:
        return _answered(sample.id, task(sample), model, asked, enrol, digest)
    except (HostUnreachableError, WrongKeyError, NoSuchModelError, AskError):
        raise
    except Exception as error:  # the run's boundary: one sample's fault must not end the run
        what = f"{code_of(error)}: {error}"
        return Record(sample.id, digest, "failed", error=what)


def _answered(
    id: str, given: Task, model: Model, asked: Asked, enrol: Path | None, digest: str
) -> Record:
    from agent.api import Session

    if given.path is None:
        raise SamplesError("words alone cannot be watched; this sample has no clip")
    clip = neutral(given.path)
    words = _subtitles(given, clip) if model.transcript else None
    request = perceive.Request(clip, subtitles=words, enrol=enrol, aus=model.aus)
    started = time.perf_counter()
    seen = perceive.look(request)
    looked = time.perf_counter()
    with Session(
        clip,
        model=model.name,
        base_url=model.base_url,
        profile=model.profile,
        subtitles=words,
        enrol=enrol,
        aus=model.aus,
    ) as talk:
        answer = talk.ask(_within(asked.question, given.span))
        evidence = _cut(talk.evidence, given.span)
    answered = time.perf_counter()
    prediction = tasks.KINDS[asked.kind].predicted(answer, evidence, asked.classes)
    return Record(
        id,
        digest,
        "silent" if prediction is None else "ok",
        prediction,
        answer.answer,
        answer.grounded,
        len(answer.claims),
        answer.confidence,
        round(looked - started, 4) if seen.fresh else None,
        round(answered - looked, 4),
        evidence.media.duration,
        missing=tuple(item.what for item in answer.missing),
    )


def _cut(evidence: Evidence, span: tuple[float, float] | None) -> Evidence:
    """The evidence with the cues of one span only."""
    if span is None:
        return evidence
    return evidence.model_copy(update={"cues": evidence.between(*span)})


def _within(question: str, span: tuple[float, float] | None) -> str:
    if span is None:
        return question
    return f"{question} From {span[0]:.2f} s to {span[1]:.2f} s."


def neutral(path: Path) -> Path:
    """The same clip under a name that tells nothing: a link named by a digest of its path.

    Raises SamplesError where the clip is not there.
    """
    if not path.exists():
        raise SamplesError(f"the clip is not there: {path}")
    whole = path.resolve()
    name = hashlib.sha256(str(whole).encode()).hexdigest()[:16] + whole.suffix.lower()
    link = cache_dir("eval") / name
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        scratch = link.with_name(f".{os.getpid()}-{name}")
        scratch.symlink_to(whole)
        scratch.replace(link)
    return link


def _subtitles(given: Task, clip: Path) -> Path | None:
    """The transcript over the whole clip, as a subtitle file."""
    if not given.text:
        return None
    from agent import media

    start, end = given.span or (0.0, media.probe(clip).duration)
    text = f"1\n{_clock(start)} --> {_clock(end)}\n{' '.join(given.text.split())}\n"
    language = f".{given.language}" if given.language else ""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    file = cache_dir("eval", "words") / f"{digest}{language}.srt"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(f".{os.getpid()}-{file.name}")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(file)
    return file


def _clock(seconds: float) -> str:
    whole = round(seconds * 1000)
    minutes, rest = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d},{rest % 1000:03d}"
