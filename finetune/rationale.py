"""Why a gold label is right, from the evidence alone: the rules' claims, made to end in the label.

Knows the rules and grounding, no row and no model. A rationale stands only on cues; where the
evidence does not carry the label there is none, because a model trained on reasons that are not
there learns to invent them.
"""

from __future__ import annotations

from typing import Final

from agent.facs.prototypes import PARTS
from agent.grounding import ground_all
from agent.reading.judge import Judged, judge
from agent.reading.reasons import absent, listed, name, salience, sentence, stands_on, support
from agent.schema.answer import Claim
from agent.schema.evidence import Evidence
from eval import labels

MOST: Final = 6
"""Observations told, or as many as the label rests on."""
SALIENT: Final = 0.4
"""Salience from which a cue that is not needed is told at all."""
MOST_CODES: Final = 5
_ASIDE: Final = ("AU25", "AU26", "AU45")
"""What speech and blinking move: told only where the label rests on it."""
LEAST: Final = 0.15
"""Share that the reading must give a label, or the parts of a compound together, before it is
reasoned for: a faint frown in a broad smile is no reason for sadness."""


def rationale(evidence: Evidence, label: str, person: str | None = None) -> tuple[Claim, ...]:
    """Claims in three parts that end in `label`; none where the cues do not carry it.

    `label` is a basic emotion or one of the compounds, in any form of the word. Every claim
    given back is grounded in the evidence.
    """
    label = labels.canonical(label)
    judged = judge(evidence, person)
    parts = PARTS.get(label, (label,))
    # Of a compound one part often leads by far; that both are seen is asked of its reasons.
    if sum(judged.shares.get(part, 0.0) for part in parts) < LEAST:
        return ()
    claims = _at_rest(judged) if label == "neutral" else _carried(judged, label, parts)
    checked = ground_all(claims, evidence, judged.person.id if judged.person else None)
    firm = tuple(claim for claim in checked if claim.grounded)
    needed = {"conclusion"} if label == "neutral" else {"observation", "conclusion"}
    return firm if needed <= {claim.part for claim in firm} else ()


def _carried(judged: Judged, label: str, parts: tuple[str, ...]) -> list[Claim]:
    """What is seen and heard, what each part of the label rests on, the label."""
    fits = [claim for part in parts if (claim := _fits(judged, part))]
    if len(fits) < len(parts):
        return []
    cites = stands_on(judged, label)
    used = tuple(id for claim in fits for id in claim.cites)
    return [
        *_told(judged, (*cites, *used)),
        *fits,
        Claim(text=f"This fits {label} best", cites=cites, part="conclusion"),
    ]


def _fits(judged: Judged, label: str) -> Claim | None:
    backing = support(judged, label)
    codes = list(backing)[:MOST_CODES]
    if not codes:
        return None
    ids = tuple(dict.fromkeys(id for code in codes for id in backing[code]))
    said = listed([name(code, judged, backing[code]) for code in codes])
    return Claim(text=f"{label.capitalize()} rests on {said}", cites=ids, part="interpretation")


def _told(judged: Judged, cites: tuple[str, ...]) -> list[Claim]:
    """Observations in order of time: every cue that is needed, then the most salient."""
    needed = [cue for cue in judged.cues if cue.id in cites]
    rest = [
        cue
        for cue in judged.cues
        if cue not in needed and cue.code not in _ASIDE and salience(cue) >= SALIENT
    ]
    rest.sort(key=salience, reverse=True)
    kept = [*needed, *(cue for cue in rest if cue.sense != "words")][: max(MOST, len(needed))]
    return [
        Claim(text=sentence(cue).rstrip("."), cites=(cue.id,))
        for cue in sorted(kept, key=lambda cue: (cue.start, cue.id))
    ]


def _at_rest(judged: Judged) -> list[Claim]:
    """Neutral is a label for want of others: told where no other is likelier."""
    if max(judged.shares, key=judged.shares.__getitem__) != "neutral":
        return []
    why = Claim(text=f"Nothing departs from rest: {absent(judged)}", part="conclusion")
    return [*_told(judged, ()), why]
