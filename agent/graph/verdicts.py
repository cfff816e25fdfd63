"""What of a reading stands: each claim, the free words beside them, the likeliest emotion.

Knows grounding and the tables of how emotions show; no model and no graph.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from agent.facs.prototypes import BASIC
from agent.grounding import bears, carries, ground_all, mentions, unverified
from agent.grounding.mentions import Mention
from agent.grounding.verifiable import retold
from agent.reading.judge import Judged, judge
from agent.reading.reasons import support
from agent.schema.answer import Claim, Part, Reading, Verdict
from agent.schema.evidence import Cue, Evidence

LEAST: Final = 0.05
"""Share of a feeling, over that of the one all cues together fit best, below which the evidence
does not carry it: a tight lid within a broad smile is no anger."""


def checked(
    claims: Iterable[Claim], evidence: Evidence, person: str | None, *, worded: bool = False
) -> tuple[Claim, ...]:
    """Claims with their verdicts; `worded` where this program's own templates made the sentences.

    A claim that asserts nothing a cue could carry by itself (a thought about behaviour, say)
    must at least rest on a cue that some observation which stands is about.
    """
    grounded = ground_all(claims, evidence, person, worded=worded)
    seen = {
        id.upper()
        for claim in grounded
        if claim.grounded and (claim.asserts or mentions(claim.text) or _retells(claim, evidence))
        for id in claim.cites
    }
    return tuple(
        claim.model_copy(
            update={
                "grounded": False,
                "verdict": "unverified",
                "why": "rests on nothing that was observed",
            }
        )
        if claim.grounded and _rests_on_nothing(claim, seen)
        else claim
        for claim in grounded
    )


def _retells(claim: Claim, evidence: Evidence) -> bool:
    """Is it a cue's own words? Those are an observation, whatever the tables can read of them."""
    cited = map(evidence.cue, claim.cites)
    return any(cue is not None and retold(cue, claim.text) for cue in cited)


def _rests_on_nothing(claim: Claim, seen: set[str]) -> bool:
    cited = {id.upper() for id in claim.cites}
    return bool(cited) and not claim.asserts and not mentions(claim.text) and not seen & cited


def without_fancies(draft: Reading, evidence: Evidence, labels: Collection[str] = ()) -> Reading:
    """The reading without free words on behaviour and cognition that no cue shows.

    They cite nothing, so each thing they name must be in the record of this person, and every
    word must be one that can be checked; a label out of the profile's own `labels` may stand.
    What falls is kept as a claim that was struck out.
    """
    fields: tuple[tuple[str, str | None, Part], ...] = (
        ("behavior", draft.behavior, "observation"),
        ("cognition", draft.cognition, "interpretation"),
    )
    fallen = {
        name: Claim(text=text, part=part, grounded=False, verdict=verdict, why=why)
        for name, text, part in fields
        if text and text not in labels
        for verdict, why in _fancied(text, evidence, draft.person)
    }
    if not fallen:
        return draft
    claims = (*draft.claims, *fallen.values())
    return draft.model_copy(update={**dict.fromkeys(fallen), "claims": claims})


def _fancied(text: str, evidence: Evidence, person: str | None) -> Iterator[tuple[Verdict, str]]:
    """Why a text cannot stand: what it names and no cue shows, else what cannot be checked."""
    cues = [cue for cue in evidence.cues if cue.person in (person, None)]
    spoken = " ".join(cue.text.lower() for cue in evidence.cues if cue.sense == "words")

    def shown(mention: Mention) -> bool:
        if mention.quote:
            return mention.text.lower() in spoken
        return any(carries(cue, mention) is None for cue in cues)

    named = [m for m in mentions(text) if m.sense != "emotion" and not m.negated]
    missing = [f"“{mention.text}”" for mention in named if not shown(mention)]
    if missing:
        yield "contradicted", f"no cue shows {', '.join(missing)}"
    elif why := unverified(Claim(text=text), evidence):
        yield "unverified", why


def unborne(draft: Reading, evidence: Evidence) -> Claim | None:
    """The likeliest emotion as a claim that falls, where no cue that still counts tells of it.

    A claim may be true and say nothing for the label put over it: parted lips are seen in anger
    too, and yet a smile is no sign of it. For the basic emotions the rules' tables say which of
    the cues speak for the label, clearly enough; for other feelings, and for words, whose sense
    no table knows, it is enough to bear on them.
    """
    top = draft.emotions[0].label if draft.emotions else ""
    families = {m.codes[0] for m in mentions(top) if m.sense == "emotion"}
    ids = dict.fromkeys(id for claim in draft.claims if claim.grounded for id in claim.cites)
    cues = [cue for cue in map(evidence.cue, ids) if cue is not None]
    judged = judge(evidence, draft.person, draft.span)
    if top == "neutral" == next(iter(judged.shares), None):
        return None  # nothing departs from rest: what was measured says so, and no cue can
    if not families or any(_tells(cue, family, judged) for family in families for cue in cues):
        return None
    return Claim(
        text=f"Most likely {top}.",
        cites=tuple(ids),
        part="conclusion",
        grounded=False,
        verdict="contradicted",
        why=f"no cue of a claim that stands tells of {top}",
    )


def _tells(cue: Cue, family: str, judged: Judged) -> bool:
    label = "happiness" if family == "joy" else family
    if cue.sense == "words" or label == "neutral" or label not in BASIC:
        return bears(cue, family)
    felt = max((share for name, share in judged.shares.items() if name != "neutral"), default=0)
    if judged.shares.get(label, 0) < LEAST * felt:
        return False
    return any(cue.id in ids for ids in support(judged, label).values())
