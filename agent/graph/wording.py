"""The graph's own words: what a step did in short, and the answer put together.

Knows claims and readings, no model. Only sentences that grounding let stand are said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from agent.grounding import FOREIGN
from agent.models.reasoner import Told
from agent.schema.answer import Claim, Reading
from agent.schema.evidence import Evidence, Missing
from agent.schema.picture import Span

ALWAYS: Final = frozenset({"pictures", "table", "subtitles", "channels", "cut face"})
"""What is said whatever was asked: something was read otherwise than it was given."""
_TOPICS: Final[tuple[tuple[re.Pattern[str], frozenset[str]], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), frozenset(names.split()))
    for pattern, names in (
        (r"\b(voice|sound|hear|tone|loud|shout|pitch|laugh|cry)", "sound voice audio"),
        (r"\b(say|said|says|speak|spoke|talk|word|tell|mean)", "words sound speech"),
        (r"\b(face|smil|frown|brow|eye|mouth|look|express|grin)", "face faces video pictures"),
        (
            r"\b(feel|emotion|mood|happy|sad|angry|afraid|why|how is|how are|how does)",
            "sound voice audio words face faces video pictures baseline",
        ),
    )
)


def plan(people: Sequence[str | None], span: Span, moment: bool) -> str:
    """Whom and what the question is taken to be about."""
    who = ", ".join(person or "the clip" for person in people)
    return f"{who}, {span[0]:.2f}-{span[1]:.2f} s" if moment else f"{who}, the whole clip"


def emotions(reading: Reading) -> str:
    """The likeliest emotions of a reading, in one line."""
    if not reading.emotions:
        return "cannot tell"
    return ", ".join(f"{emotion.label} {emotion.share:.0%}" for emotion in reading.emotions[:3])


def checked(claims: Sequence[Claim], window: Span | None) -> str:
    """How many claims stood, and whether to look again."""
    stand = sum(claim.grounded for claim in claims)
    text = f"{stand} of {len(claims)} claims stand"
    return f"{text}; looking again at {window[0]:.2f}-{window[1]:.2f} s" if window else text


def answer(
    question: str,
    readings: Sequence[Reading],
    said: Sequence[Claim],
    told: Told,
    claims: Sequence[Claim],
    missing: Sequence[Missing],
    before: Sequence[str] = (),
) -> str:
    """The answer as people read it: sentences with their cues, what is missing, what was struck.

    `before`: earlier answers of the thread; a reason given there is not given again.
    """
    parts = [told.text if told.text is not None else _sentences(said, told, readings)]
    lacking = _lacking(question, missing, parts[0], "\n".join(before).lower())
    parts += [lacking] if lacking else []
    return "\n".join([*parts, *_fallen(claims)])


def _fallen(claims: Sequence[Claim]) -> Iterator[str]:
    """How many claims were left out, a line for each reason."""
    unread = [claim for claim in claims if claim.verdict == "unverified"]
    foreign = sum(claim.why == FOREIGN for claim in unread)
    struck = sum(not claim.grounded for claim in claims) - len(unread)
    if struck:
        yield f"({struck} of {len(claims)} claims were struck out: no cue they cite carries them.)"
    if foreign:
        yield f"({foreign} of {len(claims)} claims were not checked, and left out: {FOREIGN}.)"
    if vague := len(unread) - foreign:
        yield (
            f"({vague} of {len(claims)} claims were not checked, and left out: they say what no "
            "cue could carry.)"
        )


def span_of(said: Sequence[Claim], evidence: Evidence) -> Span | None:
    """From the first to the last moment that the sentences which stand are about."""
    ids = [id for claim in said if claim.grounded for id in claim.cites]
    cues = [cue for cue in map(evidence.cue, ids) if cue is not None]
    if not cues:
        return None
    return min(cue.start for cue in cues), max(cue.end for cue in cues)


def cited(claim: Claim) -> str:
    """A sentence with the ids of its cues behind it: "She smiles [A7, A9]."."""
    if not claim.cites:
        return claim.text
    text, stop = claim.text.rstrip(), ""
    if text.endswith((".", "!", "?", "。")):
        text, stop = text[:-1], text[-1]
    return f"{text} [{', '.join(claim.cites)}]{stop}"


def _sentences(said: Sequence[Claim], told: Told, readings: Sequence[Reading]) -> str:
    standing = [cited(claim) for claim in said if claim.grounded]
    if standing:
        return " ".join(standing)
    if told.lacking:
        return f"Cannot tell from this clip. In the model's words, what is lacking: {told.lacking}"
    kept = [
        f"{reading.person or 'the clip'}: {cited(claim)}"
        for reading in readings
        for claim in reading.claims
        if claim.grounded
    ]
    if kept:
        return "Cannot answer this from the evidence. What stands: " + " ".join(kept[:3])
    return "Cannot tell: nothing that the model said is carried by the evidence."


def _lacking(question: str, missing: Sequence[Missing], text: str, before: str) -> str:
    """What the question asks about and the clip does not hold; "" where nothing is."""
    wanted = frozenset[str]().union(
        *(names for pattern, names in _TOPICS if pattern.search(question))
    )
    said = text.lower()
    gone = [m for m in missing if m.what.lower() in wanted and m.why.lower() not in said]
    gone += [m for m in missing if m.what in ALWAYS and m not in gone]
    if not gone:
        return ""
    first = {m.what: m for m in reversed(gone)}
    ordered = [m for m in gone if first[m.what] is m]
    named = [m.what if m.why.lower() in before else f"{m.what}: {m.why}" for m in ordered]
    return f"Not available – {'; '.join(named)}."
