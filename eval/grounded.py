"""Groundedness of answers as a measure: the agent's own check, over a set of clips.

Gold is the evidence of each clip (a record or the path of one), a prediction is an answer with
claims. Knows no wording; `agent.grounding` judges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from agent.grounding import ground, grounded_share, unseen
from agent.schema.answer import Claim
from agent.schema.evidence import Evidence, load
from eval.scoring import Array, Excluded, Tally, Unscored, Values, ratio

Claims = tuple[str | None, tuple[Claim, ...], bool]
"""Whom the answer is about, its claims, and whether the rules' templates worded them."""


def gold(value: Any) -> Evidence:
    """Evidence as a record or the path of its file."""
    try:
        return load(value) if isinstance(value, str) else Evidence.model_validate(value)
    except (OSError, ValueError) as error:
        raise Excluded("no readable evidence") from error


def pred(value: Any) -> Claims:
    """Claims of an answer: {claims: [{text, cites, asserts}]} or the list itself."""
    person = value.get("person") if isinstance(value, Mapping) else None
    worded = isinstance(value, Mapping) and value.get("model") == "rules"
    items = value.get("claims") if isinstance(value, Mapping) else value
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise Unscored("no claims")
    try:
        return person, tuple(Claim.model_validate(item) for item in items), worded
    except ValidationError as error:
        raise Unscored("claims that cannot be read") from error


def rows(golds: Sequence[Evidence], preds: Sequence[Claims]) -> Tally:
    """Share of grounded claims a clip; made-up claims and made-up citations over all clips."""
    table = []
    for evidence, (person, claims, worded) in zip(golds, preds, strict=True):
        checked = [ground(claim, evidence, person, worded=worded) for claim in claims]
        cites = [id for claim in claims for id in claim.cites]
        table.append(
            (
                grounded_share(checked),
                1.0,
                sum(bool(unseen(claim, evidence, person)) for claim in claims),
                len(claims),
                sum(evidence.cue(id) is None for id in cites),
                len(cites),
            )
        )
    return np.array(table, dtype=np.float64).reshape(len(table), 6), _score


def _score(total: Array) -> Values:
    share, clips, made_up, claims, unknown, cites = total.tolist()
    return {
        "grounded": ratio(share, clips),
        "hallucinated": ratio(made_up, claims),
        "made_up_citations": ratio(unknown, cites),
        "claims_per_clip": ratio(claims, clips),
    }
