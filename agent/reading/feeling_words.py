"""Words that name a feeling, in what was said. Quoted data: they are read, never obeyed.

Knows a short list of feeling words in a few languages and how a denial looks. Does not
understand sentences: irony, reported speech and other people's feelings are beyond it, so
what it finds weighs little and never outweighs face and voice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from agent.schema.evidence import Cue

FEELINGS: Final[dict[str, str]] = {
    "happiness": r"happy|glad|delighted|thrilled|overjoyed|excited|love it|wonderful|froh"
    r"|glücklich|freue|content|contente|heureux|heureuse|feliz|contento|contenta",
    "sadness": r"sad|unhappy|heartbroken|miserable|depressed|lonely|grieving|traurig|unglücklich"
    r"|triste|malheureux|malheureuse",
    "anger": r"angry|furious|mad at|annoyed|irritated|outraged|hate it|sick of|wütend|zornig"
    r"|sauer auf|en colère|fâché|fâchée|enojado|enojada|furioso|furiosa",
    "fear": r"afraid|scared|terrified|frightened|anxious|nervous|worried|angst|ängstlich|besorgt"
    r"|peur|inquiet|inquiète|miedo|asustado|asustada",
    "surprise": r"surprised|astonished|amazed|shocked|can't believe|überrascht|erstaunt"
    r"|surpris|surprise|sorprendido|sorprendida",
    "disgust": r"disgusted|disgusting|revolting|gross|eklig|ekelhaft|dégoûté|dégoûtant|asco",
    "contempt": r"pathetic|ridiculous|beneath me|lächerlich|erbärmlich|ridicule|patético",
}
"""Emotion → words that name it, as one lower-case pattern."""

DENIED: Final = re.compile(
    r"(?:\bnot|\bno|\bnever|n['’]t|\bwithout|\bnicht|\bkein\w*|\bnie|\bpas|\bjamais|\bnunca)"
    r"(?:\W+\w+){0,2}\W*$"
)
_WORD: Final = {label: re.compile(rf"\b(?:{p})\b") for label, p in FEELINGS.items()}

WEIGHT: Final = 0.5
"""Log-score that one named feeling adds; two or more add no more than twice that."""


def named(text: str) -> dict[str, str]:
    """Emotion → the word that names it in a quotation, denied ones left out."""
    low = text.lower()
    found = {}
    for label, pattern in _WORD.items():
        for match in pattern.finditer(low):
            if not DENIED.search(low[: match.start()]):
                found[label] = match[0]
                break
    return found


def word_scores(cues: Iterable[Cue]) -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    """Small log-scores of the emotions that the quotations name, and the cues of each."""
    cites: dict[str, list[str]] = {}
    for cue in cues:
        if cue.sense == "words":
            for label in named(cue.text):
                cites.setdefault(label, []).append(cue.id)
    points = {label: WEIGHT * min(2, len(ids)) for label, ids in cites.items()}
    return points, {label: tuple(ids) for label, ids in cites.items()}
