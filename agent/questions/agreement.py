"""Plain questions about whether face, voice and words agree, and whether a feeling is genuine.

Knows the discords that the rules found; what is felt comes from `agent.questions.feelings`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.questions.base import Asked, Said
from agent.questions.feelings import feels
from agent.reading.reasons import clash_claim, listed
from agent.schema.answer import Claim

AGREE: Final = re.compile(
    r"\bagree\w*|\bmatch\w*|\bin line with\b|\bconsistent\b|\b(?:go|belong) together\b|"
    r"\bfits? (?:the |her |his |their )?(?:face|voice|words|expression|tone)\b",
    re.IGNORECASE,
)
"""Asks whether face, voice and words agree; a yes is then the opposite of a discord."""


def discord(asked: Asked) -> Said:
    """Do face, voice and words agree?"""
    named = [n for n in ("face", "voice", "words") if re.search(rf"\b{n}", asked.question, re.I)]
    agree = AGREE.search(asked.question) is not None
    if clashes := _clashes(asked, named):
        said = "No." if agree else "Yes."
        return [said, *clashes, "Which of the two is meant, cues cannot tell."]
    channels = _channels(asked, named)
    if len(channels) < 2:
        only = f"only the {channels[0]} says something" if channels else "neither says anything"
        return [f"There is nothing to compare: {only} here.", *feels(asked)]
    said = "Yes" if agree else "No"
    silent = [name for name in named if name not in channels]
    verb = "says" if silent in (["face"], ["voice"]) else "say"
    rest = f" The {listed(silent)} {verb} nothing of a feeling." if silent else ""
    text = f"{said}: {listed(channels)} do not point different ways.{rest}"
    return [text, *feels(asked)]


def authentic(asked: Asked) -> Said:
    """Is the feeling genuine? Nothing proves it; what is known of whether the channels agree."""
    said: Said = ["Whether a feeling is felt or put on, neither face nor voice can prove."]
    channels = _channels(asked, [])
    if clashes := _clashes(asked, []):
        said += [*clashes, "One of the two may be put on; which one, cues cannot tell."]
    elif len(channels) > 1:
        told = listed(channels)
        said.append(f"{told[:1].upper()}{told[1:]} do not point different ways, which speaks for "
                    "neither.")  # fmt: skip
    return [*said, *feels(asked)]


def _clashes(asked: Asked, named: Sequence[str]) -> list[Claim]:
    """The discords, told; of two or more channels that are named, those between two of them."""
    return [
        clash_claim(clash)
        for clash in asked.judged.discords
        if len(named) < 2 or {clash.one.channel, clash.other.channel} <= set(named)
    ]


def _channels(asked: Asked, named: Sequence[str]) -> list[str]:
    """What says something; of two or more that are named, these only."""
    there = {
        "face": any(piece.face for piece in asked.judged.moments),
        "voice": any(piece.voice for piece in asked.judged.moments),
        "words": bool(asked.judged.words),
    }
    return [name for name, says in there.items() if says and (len(named) < 2 or name in named)]
