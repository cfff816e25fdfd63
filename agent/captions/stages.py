"""One clip to rows, in two stages: sensing (processor work) and writing (a model's work).

Knows the senses, the agent and the row; knows nothing of processes, files of rows or the bar.
Both stages take and give plain records that travel between processes and machines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import prompts
from agent.captions import styles
from agent.captions.plan import Plan
from agent.captions.rows import Row
from agent.captions.samples import Sample
from agent.captions.styles import Told
from agent.graph.people import whom
from agent.models.clients import AwaitingError
from agent.perception import look as perceive
from agent.reading.spans import Stretch, spans
from agent.schema.answer import Answer, Claim, Reading
from agent.schema.evidence import Evidence
from agent.schema.picture import Picture, Span

Shown = dict[tuple[str | None, Span], list[Picture]]
LookCloser = Callable[[float, float], Evidence | None]
Spans = tuple[tuple[Stretch, Reading], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One clip that is to be captioned."""

    sample: Sample
    sha256: str
    key: str
    plan: Plan
    spool: Path
    """Folder for clips that came as bytes."""


@dataclass(frozen=True, slots=True)
class Sensed:
    """One clip after the senses."""

    evidence: Evidence
    series: Path
    """Folder with series.parquet."""
    people: tuple[str | None, ...]
    pictures: Shown
    """What a model will be shown; empty for the rules."""
    peaks: Mapping[str, Any]
    """By person ("" for nobody): the moment of the strongest action units."""
    spans: Mapping[str | None, Spans]
    """By person: where the expression changes, and the rules' reading of each such span.

    Found here and not while writing: processes run side by side, a model's threads share one.
    """


def sense(task: Task) -> Sensed:
    """Evidence of a clip, whom it is about, and the pictures a model needs.

    Raises what `perceive.look` raises.
    """
    from agent.captions.peaks import peaks

    found = perceive.look(_request(task))
    everybody = "all" if task.plan.people == "all" and found.evidence.people else None
    people = tuple(whom("", everybody, found.evidence))
    shown: Shown = {}
    if not task.plan.by_rules:
        from agent.render.showing import Showing

        whole = (0.0, found.evidence.media.duration)
        showing = Showing(_clip(task), found)
        shown = {(person, whole): list(showing(person, whole)) for person in people}
    read = {person: _spans(task, found.evidence, person) for person in people}
    return Sensed(found.evidence, found.folder, people, shown, peaks(found), read)


def sense_again(task: Task, start: float, end: float) -> Evidence | None:
    """Evidence of a window in all its frames; None where nothing moves."""
    return perceive.look(replace(_request(task), span=(start, end))).evidence


def _request(task: Task) -> perceive.Request:
    return perceive.Request(_clip(task), subtitles=task.sample.subtitles, aus=task.plan.aus)


def _clip(task: Task) -> Path:
    return task.sample.on_disk(task.spool)


def write(task: Task, sensed: Sensed, model: Any, look_closer: LookCloser | None) -> list[Row]:
    """The rows of a clip, one a person. Raises ModelError and what `look_closer` raises."""
    rows, awaited = [], None
    for person in sensed.people:
        try:
            rows.append(_row(task, sensed, person, model, look_closer))
        except AwaitingError as error:  # the others' requests go into the same batch
            awaited = error
    if awaited is not None:
        raise awaited
    return rows


def _row(
    task: Task, sensed: Sensed, person: str | None, model: Any, look_closer: LookCloser | None
) -> Row:
    label = _label(task)
    each = sensed.spans[person]
    thinker = _thinker(task.plan, model, label, [span for span, _ in each])
    answer, evidence = _answered(task, sensed, person, thinker, look_closer)
    reading = _settled(answer)
    if evidence != sensed.evidence:
        each = _spans(task, evidence, person)
    told = Told(evidence, person, reading, each, label, _backing(evidence, person, label))
    sentences = _sentences(task, told, thinker, sensed)
    known = next((p for p in evidence.people if p.id == person), None)
    media = evidence.media
    return {
        "id": task.sample.id,
        "person": person or "",
        "path": task.sample.place,
        "sha256": task.sha256,
        "key": task.key,
        "kind": media.kind,
        "duration": media.duration,
        "main": known.main if known else True,
        "start": known.start if known else 0.0,
        "end": known.end if known else media.duration,
        "style": task.plan.style,
        "caption": styles.framed(task.plan.style, sentences, label or _top(reading)),
        "sentences": [{"text": c.text, "cites": list(c.cites)} for c in sentences],
        "spans": [_span(told, *one) for one in each],
        "emotion": _top(reading),
        "emotions": [e.model_dump() for e in reading.emotions],
        "words": list(reading.words),
        "valence": reading.valence,
        "arousal": reading.arousal,
        "behavior": reading.behavior,
        "cognition": reading.cognition,
        "confidence": reading.confidence,
        "grounded": answer.grounded,
        "claims": [c.model_dump(mode="json") for c in answer.claims],
        "cues": [_cue(c) for c in evidence.cues if c.person in (person, None)],
        "peak": sensed.peaks.get(person or ""),
        "missing": [m.model_dump() for m in answer.missing],
        "language": evidence.language,
        "labels": _labels(task.sample.labels),
        "gold_conditioned": label is not None,
        "model": task.plan.model,
        "model_revision": task.plan.revision,
        "prompt_hash": task.plan.prompt_hash,
    }


def _thinker(plan: Plan, model: Any, label: str | None, found: Sequence[Stretch]) -> Any:
    """Whoever goes through the steps: the model itself, or one call for all of them."""
    if plan.by_rules or plan.calls == "steps":
        return model
    from agent.captions.onecall import OneCall

    return OneCall(model, plan, label, found)


def _answered(
    task: Task, sensed: Sensed, person: str | None, thinker: Any, look_closer: LookCloser | None
) -> tuple[Answer, Evidence]:
    """The agent's answer about one person, and the evidence with what closer looks added."""
    from agent.graph.conversation import Conversation

    def pictures(who: str | None, span: Span) -> list[Picture]:
        return sensed.pictures.get((who, span), [])

    with Conversation(
        sensed.evidence,
        model=thinker,
        profile=task.plan.profile,
        person=person,
        pictures=pictures,
        look_closer=look_closer if task.plan.look_closer else None,
    ) as talk:
        answer = talk.ask(prompts.fill("caption_question"))
        return answer, talk.evidence


def _settled(answer: Answer) -> Reading:
    """An answer as the reading it stands on."""
    return Reading(**{name: getattr(answer, name) for name in Reading.model_fields})


def _spans(task: Task, evidence: Evidence, person: str | None) -> Spans:
    from agent.reading.rules import appraise

    profile = task.plan.profile
    return tuple(
        (span, appraise(evidence, person, (span.start, span.end), profile))
        for span in spans(evidence, person)
    )


def _sentences(task: Task, told: Told, thinker: Any, sensed: Sensed) -> tuple[Claim, ...]:
    """The caption's sentences; in the rules' words where none of a model's stands."""
    if task.plan.by_rules:
        return styles.by_rules(task.plan.style, told)
    from agent.captions.asked import asked, standing

    said = thinker.sentences if task.plan.calls == "one" else None
    if said is None:
        said = asked(task.plan, told, thinker, sensed.pictures)
    return standing(said, told) or styles.by_rules(task.plan.style, told)


def _span(told: Told, span: Stretch, reading: Reading) -> Row:
    said = styles.span_caption(told, span, reading)
    return {
        "start": span.start,
        "end": span.end,
        "emotion": reading.emotions[0].label if reading.emotions else None,
        "share": reading.emotions[0].share if reading.emotions else None,
        "caption": said.text,
        "cites": list(said.cites),
    }


def _label(task: Task) -> str | None:
    """What the owners say, as one line; None where it is not to be told."""
    told = [str(v) for c in task.plan.known if (v := task.sample.labels.get(c)) not in (None, "")]
    return ", ".join(told) or None


def _backing(evidence: Evidence, person: str | None, label: str | None) -> tuple[Claim, ...]:
    """What was measured for a label, in the rules' words."""
    if label is None:
        return ()
    from agent.grounding import mentions
    from agent.reading.judge import judge
    from agent.reading.reasons import listed, name, support

    judged = judge(evidence, person)
    families = dict.fromkeys(m.codes[0] for m in mentions(label) if m.sense == "emotion")
    made = []
    for family in families:
        if family == "neutral" or not (found := support(judged, family)):
            continue
        codes = list(found)[:5]
        said = listed([name(code, judged, found[code]) for code in codes])
        ids = tuple(dict.fromkeys(i for code in codes for i in found[code]))
        text = f"The label given is {label}; for it speaks {said}."
        made.append(Claim(text=text, cites=ids, part="conclusion"))
    return tuple(made)


def _top(reading: Reading) -> str | None:
    return reading.emotions[0].label if reading.emotions else None


def _cue(cue: Any) -> Row:
    told: Row = cue.model_dump(mode="json")
    del told["brief"]
    return told


def _labels(labels: Mapping[str, Any]) -> str | None:
    import json

    return json.dumps(dict(labels), ensure_ascii=False, default=str) if labels else None
