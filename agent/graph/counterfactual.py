"""Why this answer: the evidence read again without each cue and each channel, effects ranked.

Knows a model only by its steps, and evidence by what can be taken away from it. The rules read
fast, so each of their cues is tried; a model behind a host is asked about the cues that the
answer cites. What a face looks like to most people is a channel and no cue here: it sees the
same muscles again, all of them at once. Nothing is looked at again: a second look would measure
what was taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from agent.facs.prototypes import BASIC
from agent.models.clients import NonsenseError
from agent.models.reasoner import Model, View
from agent.reading.ablation import Taken, channels_of, contributions, without
from agent.reading.judge import judge
from agent.reading.levels import cues_of
from agent.reading.reasons import salience
from agent.schema.answer import Answer, Reading
from agent.schema.counterfactual import Channel, Counterfactual, DeletionCurve, Effect
from agent.schema.evidence import Cue, Evidence
from agent.schema.picture import Pictures

MOST: Final = 40
"""Cues tried by the rules at most, the most salient ones."""
MOST_ASKED: Final = 8
"""Cues tried by a model behind a host at most: each costs three replies."""
POINTS: Final = 8
"""Points of the deletion curve after the first, at most."""
ORDERS: Final = 5
ORDERS_ASKED: Final = 1
"""Random orders that the curve is held against, of the rules and of a model."""
CHANNEL_TEXT: Final[dict[Channel, str]] = {
    "face": "all action units", "impression": "what the face looks like to most people",
    "head": "how the head is held and moves", "voice": "the sound of the voice",
    "words": "the words",
}  # fmt: skip

Hide = Callable[[Evidence, Taken], Pictures]
"""The record without what is taken away, and that → the pictures without it."""
Progress = Callable[[float, str], None]


@dataclass
class _Reader:
    """Reads the record without this and that; counts, and remembers what failed."""

    model: Model
    view: View
    hide: Hide | None
    progress: Progress | None
    expected: int = 1
    """Readings in all, for the progress."""
    done: int = 0
    failed: list[str] = field(default_factory=list)

    def read(self, taken: Taken, name: str) -> dict[str, float] | None:
        """Shares by label, most likely first; empty where nothing can be told, None where the
        model gave no usable reply. Raises ModelError where it cannot be reached."""
        evidence = without(self.view.evidence, taken)
        # The rules look at no picture, so none is drawn for them.
        hide = self.hide if self.model.mends else None
        pictures = hide(evidence, taken) if hide else self.view.pictures
        view = replace(self.view, evidence=evidence, pictures=pictures)
        self.done += 1
        if self.progress is not None:
            self.progress(min(1.0, self.done / self.expected), f"without {name or 'nothing'}")
        try:
            reading = _steps(self.model, view)
        except NonsenseError:
            self.failed.append(name)
            return None
        return {each.label: each.share for each in reading.emotions}


def _steps(model: Model, view: View) -> Reading:
    draft = Reading(person=view.person, span=view.span)
    if model.mends:  # the rules' last step holds the others
        draft = model.cognition(view, model.behaviour(view))
    return model.emotion(view, draft)


def explain(
    answer: Answer,
    view: View,
    model: Model,
    hide: Hide | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> Counterfactual:
    """What the label of an answer hangs on.

    Args:
        answer: whose first emotion is explained.
        view: what its reading looked at; the evidence as it was refined.
        hide: draws the pictures without what is taken away; without it all are shown as before.
        progress: called with the share done and what is away.
        seed: of the random orders.

    Raises ModelError where the model cannot be reached.
    """
    label = answer.emotions[0].label if answer.emotions else None
    made = Counterfactual(label=label, person=view.person, span=view.span)
    if label is None:
        return made
    cues, left_out = _tried(answer, view, model)
    reader = _Reader(model, view, hide, progress)
    channels = channels_of(view.evidence, (*cues, *view.evidence.of(view.person, "face")))
    orders = ORDERS_ASKED if model.mends else ORDERS
    steps = _points(len(cues))
    reader.expected = 1 + len(cues) + len(channels) + max(0, len(steps) - 2) * (1 + orders) + 1
    full = reader.read(Taken(), "") or {}
    share = full.get(label, 0.0)
    added = {} if model.mends else _added(view, label)

    def effect(taken: Taken, name: str, text: str) -> Effect | None:
        found = reader.read(taken, name)
        if found is None:
            return None
        new = found.get(label, 0.0)
        return Effect(
            taken=name, text=text, share=_share(new), change=round(new - share, 4),
            leads=next(iter(found), None), contribution=added.get(name),
        )  # fmt: skip

    singly = [effect(Taken(cues=frozenset({c.id})), c.id, c.text) for c in cues]
    whole = [effect(Taken(channels=frozenset({c})), c, CHANNEL_TEXT[c]) for c in channels]
    effects = _ranked(singly)
    return made.model_copy(
        update={
            "share": _share(share),
            "wobble": round(abs(share - answer.emotions[0].share), 4) if model.mends else 0.0,
            "cues": effects,
            "channels": _ranked(whole),
            "curve": _curve(reader, effects, label, share, steps, orders, seed),
            "left_out": left_out,
            "readings": reader.done,
            "failed": tuple(reader.failed),
        }
    )


def _tried(answer: Answer, view: View, model: Model) -> tuple[list[Cue], int]:
    """Cues to take away, and how many are left out."""
    people = {person.id: person for person in view.evidence.people}
    cues = list(cues_of(view.evidence, people.get(view.person or ""), view.span))
    if model.mends:
        cited = {id for claim in answer.claims if claim.grounded for id in claim.cites}
        cues = [cue for cue in cues if cue.id in cited]
    cues.sort(key=lambda cue: -salience(cue))
    kept = cues[: MOST_ASKED if model.mends else MOST]
    return kept, len(cues) - len(kept)


def _added(view: View, label: str) -> dict[str, float]:
    """Contributions by cue, where the label is one that the fitted reading knows."""
    if label not in BASIC:
        return {}
    found = contributions(judge(view.evidence, view.person, view.span), label)
    return {id: round(value, 4) for id, value in found.items()}


def _ranked(effects: Sequence[Effect | None]) -> tuple[Effect, ...]:
    """The largest change first; of equals the one that speaks for the label."""
    known = [effect for effect in effects if effect is not None]
    return tuple(sorted(known, key=lambda e: (-abs(e.change), e.change)))


def _points(count: int) -> list[int]:
    """How many cues are away at each point of the curve, from none to all."""
    return sorted({round(count * n / min(count, POINTS)) for n in range(min(count, POINTS) + 1)}
                  if count else {0})  # fmt: skip


def _curve(
    reader: _Reader, effects: Sequence[Effect], label: str, share: float, steps: list[int],
    orders: int, seed: int,
) -> DeletionCurve | None:  # fmt: skip
    """The curve; None for fewer than two cues, and where a reading of it failed."""
    ids = [effect.taken for effect in sorted(effects, key=lambda e: e.change)]
    if len(ids) < 2 or len(ids) != steps[-1]:
        return None
    end = reader.read(Taken(cues=frozenset(ids)), "all cues")
    if end is None:
        return None
    rng = np.random.default_rng(seed)
    shuffled = [[str(id) for id in rng.permutation(ids)] for _ in range(orders)]

    def along(order: list[str]) -> list[float] | None:
        found = [share]
        for count in steps[1:-1]:
            at = reader.read(Taken(cues=frozenset(order[:count])), f"{count} cues")
            if at is None:
                return None
            found.append(at.get(label, 0.0))
        return [*found, end.get(label, 0.0)]

    ranked = along(ids)
    drawn = [one for order in shuffled if (one := along(order)) is not None]
    if ranked is None or not drawn:
        return None
    mean = np.mean(drawn, axis=0)
    inner = (mean - np.array(ranked))[1:-1]
    return DeletionCurve(
        taken=tuple(steps),
        ranked=tuple(map(_share, ranked)),
        random=tuple(map(_share, mean.tolist())),
        orders=len(drawn),
        gap=round(float(inner.mean()), 4) if len(inner) else 0.0,
    )


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)
