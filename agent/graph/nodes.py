"""The steps of the graph: each takes the state and gives back the part it changed.

Knows the order of nothing: `agent.graph.build` wires. Everything from outside (model, evidence,
pictures) comes from the runtime's context; routing looks at the state alone.
"""

from __future__ import annotations

from typing import Final, Literal

from langgraph.runtime import Runtime
from langgraph.types import Send

import prompts
from agent.graph import wording
from agent.graph.people import whom
from agent.graph.verdicts import checked, unborne, without_fancies
from agent.grounding import grounded_share
from agent.models.context import Context, Step
from agent.models.reasoner import Told, View
from agent.perception import match_people as alike
from agent.perception import refine as closer
from agent.qa.answer import moment
from agent.schema.answer import Answer, Claim, Reading
from agent.schema.evidence import Evidence
from agent.schema.picture import Span
from agent.schema.state import Json, PersonOutcome, PersonState, State, Turn

MOST_MENDS: Final = 2
_Work = Runtime[Context]


def plan(state: State, runtime: _Work) -> State:
    """Whom and what moment the question is about; clears what the last question left."""
    evidence = runtime.context.evidence
    people = whom(state["question"], state.get("asked"), evidence)
    history = state.get("history", [])
    found = moment(state["question"], evidence, people[0], _asked_before(history))
    span = found or (0.0, evidence.media.duration)
    _tell(runtime, "plan", None, wording.plan(people, span, found is not None))
    return {
        "people": people,
        "span": list(span),
        "moment": found is not None,
        "readings": None,  # type: ignore[typeddict-item]  # None clears, see `by_person`
        "extra": None,  # type: ignore[typeddict-item]
    }


def fan_out(state: State) -> list[Send]:
    """One way through the steps for each person."""
    people = state["people"]
    return [
        Send(
            "person",
            {
                "question": state["question"],
                "profile": state["profile"],
                "person": person,
                "slot": [place, len(people)],
                "span": state["span"],
                "moment": state["moment"],
                "history": state.get("history", []),
                "mended": 0,
                "looked": [],
            },
        )
        for place, person in enumerate(people)
    ]


def behaviour(state: PersonState, runtime: _Work) -> PersonState:
    """What is done: observations."""
    draft = runtime.context.model.behaviour(_view(state, runtime))
    _tell(runtime, "behaviour", state["person"], draft.behavior or "nothing observed")
    return {"draft": _json(draft)}


def cognition(state: PersonState, runtime: _Work) -> PersonState:
    """How the matter seems to be taken: interpretations."""
    draft = runtime.context.model.cognition(_view(state, runtime), _draft(state))
    _tell(runtime, "cognition", state["person"], draft.cognition or "cannot tell")
    return {"draft": _json(draft)}


def emotion(state: PersonState, runtime: _Work) -> PersonState:
    """What is felt: a distribution, valence, arousal, conclusions."""
    draft = runtime.context.model.emotion(_view(state, runtime), _draft(state))
    _tell(runtime, "emotion", state["person"], wording.emotions(draft))
    return {"draft": _json(draft)}


def check(state: PersonState, runtime: _Work) -> PersonState:
    """Does each claim's cue carry it, and would finer steps help?"""
    context, draft = runtime.context, _draft(state)
    evidence = _evidence(context, state.get("extra", []))
    if context.model.mends:
        profile = prompts.profile(state["profile"])
        draft = without_fancies(draft, evidence, (*profile.behavior, *profile.cognition))
    own = not context.model.mends
    claims = checked(draft.claims, evidence, state["person"], worded=own)
    struck = [claim for claim in claims if not claim.grounded]
    window = None
    if context.look_closer is not None:
        window = closer.window(
            evidence,
            state["person"],
            _span(state),
            state["moment"],
            [claim for claim in struck if claim.verdict != "unverified"],
            state.get("looked", []),
        )
    _tell(runtime, "check", state["person"], wording.checked(claims, window))
    return {
        "draft": _json(draft.model_copy(update={"claims": claims})),
        "failed": len(struck),
        "mends": context.model.mends,
        "share": grounded_share(claims),
        "window": list(window) if window else None,
    }


def after_check(state: PersonState) -> Literal["look", "revise", "settle"]:
    """Look again where the check asks for it, else mend what fell, else be done."""
    if state.get("window"):
        return "look"
    if state["failed"] and state["mends"] and state.get("mended", 0) < MOST_MENDS:
        return "revise"
    return "settle"


def revise(state: PersonState, runtime: _Work) -> PersonState:
    """The model mends the claims that fell, told why they fell."""
    draft = runtime.context.model.revise(_view(state, runtime), _draft(state))
    _tell(runtime, "revise", state["person"], f"{state['failed']} claims sent back")
    return {"draft": _json(draft), "mended": state.get("mended", 0) + 1}


def look(state: PersonState, runtime: _Work) -> PersonState:
    """The window in finer steps; its cues join the evidence."""
    window = state.get("window") or [0.0, 0.0]
    at, look_closer = (window[0], window[1]), runtime.context.look_closer
    found = look_closer(*at) if look_closer is not None else None
    cues: tuple[Json, ...] = ()
    if found is not None:
        evidence = _evidence(runtime.context, state.get("extra", []))
        slot = (state["slot"][0], state["slot"][1])
        known = alike.cues_as(runtime.context.evidence, found)
        finer = closer.refined(evidence, known, state["person"], at, slot)
        cues = tuple(cue.model_dump(mode="json") for cue in finer)
    _tell(runtime, "look", state["person"], f"{at[0]:.2f}-{at[1]:.2f} s again: {len(cues)} cues")
    return {"extra": list(cues), "looked": [*state.get("looked", []), window], "window": None}


def settle(state: PersonState, runtime: _Work) -> PersonOutcome:
    """The reading as it stands: what rests on nothing is not kept."""
    draft = _draft(state)
    stand = [claim for claim in draft.claims if claim.grounded]
    evidence = _evidence(runtime.context, state.get("extra", []))
    if not stand and (draft.claims or state["mends"]):
        draft = Reading(person=draft.person, span=draft.span, claims=draft.claims)
    elif fallen := unborne(draft, evidence):
        claims = (*draft.claims, fallen)
        draft = draft.model_copy(
            update={"emotions": (), "words": (), "valence": 0.0, "arousal": 0.0, "claims": claims}
        ).model_copy(update={"confidence": 0.0})
    elif state["failed"]:
        sure = round(draft.confidence * state["share"], 4)
        draft = draft.model_copy(update={"confidence": sure})
    return {"readings": {state["person"] or "": _json(draft)}}


def answer(state: State, runtime: _Work) -> State:
    """The question answered in words, each sentence checked like every other claim."""
    context = runtime.context
    evidence = _evidence(context, state.get("extra", []))
    readings = [Reading.model_validate(state["readings"][p or ""]) for p in state["people"]]
    view = View(
        question=state["question"],
        evidence=evidence,
        person=state["people"][0],
        span=(state["span"][0], state["span"][1]),
        profile=prompts.profile(state["profile"]),
        pictures=context.pictures,
        history=tuple(state.get("history", [])),
    )
    told = context.model.answer(view, readings)
    made = _answer(state, context, evidence, readings, told)
    _tell(runtime, "answer", made.person, made.answer)
    turn: Turn = {
        "question": state["question"],
        "answer": made.answer,
        "person": made.person,
        "span": list(made.span),
    }
    return {"result": made.model_dump(mode="json"), "history": [turn]}


def _answer(
    state: State, context: Context, evidence: Evidence, readings: list[Reading], told: Told
) -> Answer:
    main, others = readings[0], readings[1:]
    person = main.person if not others else None
    before = tuple(claim for reading in readings for claim in reading.claims)
    standing = tuple(claim for claim in before if claim.grounded)
    own = not context.model.mends
    said = checked((*standing, *told.claims), evidence, person, worded=own)[len(standing) :]
    claims = _distinct((*before, *said))
    missing = (*evidence.missing, *context.model.lacking())
    path = context.evidence_path
    if state.get("extra") and context.keep is not None:
        path = context.keep(evidence)
    return Answer(
        answer=wording.answer(
            state["question"],
            readings,
            said,
            told,
            claims,
            missing,
            before=[turn["answer"] for turn in state.get("history", [])],
        ),
        person=main.person,
        span=told.span or wording.span_of(said, evidence) or main.span,
        emotions=main.emotions,
        words=main.words,
        valence=main.valence,
        arousal=main.arousal,
        behavior=main.behavior,
        cognition=main.cognition,
        claims=claims,
        grounded=grounded_share(claims) if claims else 1.0,
        confidence=main.confidence,
        missing=missing,
        model=context.model.name,
        query=told.query,
        evidence=path,
        others=tuple(others),
    )


def _distinct(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    return tuple({(claim.text, claim.cites): claim for claim in claims}.values())


def _view(state: PersonState, runtime: _Work) -> View:
    return View(
        question=state["question"],
        evidence=_evidence(runtime.context, state.get("extra", [])),
        person=state["person"],
        span=_span(state),
        profile=prompts.profile(state["profile"]),
        pictures=runtime.context.pictures,
        history=tuple(state.get("history", [])),
    )


def _evidence(context: Context, extra: list[Json]) -> Evidence:
    return closer.overlay(context.evidence, extra)


def _span(state: PersonState) -> Span:
    return state["span"][0], state["span"][1]


def _draft(state: PersonState) -> Reading:
    return Reading.model_validate(state["draft"])


def _json(reading: Reading) -> Json:
    return reading.model_dump(mode="json")


def _asked_before(history: list[Turn]) -> list[str]:
    return [turn["question"] for turn in history]


def _tell(runtime: _Work, step: str, person: str | None, text: str) -> None:
    runtime.context.told(Step(step, person, text))
