"""Evidence, task and completion in few words, for models too small for the product's texts.

Knows evidence and the tables of how emotions show; no model. A cue is written in the prompt as
the completion may tell it, its id behind: `- AU12 [A1]`. The ids are those of the whole record.

Written from gold, a completion tells what is there, and rests the label on what bears on it by
the tables: units that the emotion often moves, and parts of the voice that depart from this
speaker's usual as they do in the emotion. It may rest on the voice alone. Where nothing bears
on the label there is no completion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from agent.facs import units as facs
from agent.facs.prototypes import PARTS, table
from agent.models.brief import quoted
from agent.reading.levels import tone
from agent.reading.scores import expected
from agent.schema.answer import Claim
from agent.schema.evidence import IMPRESSION, Cue, Evidence
from finetune.settings import Stage

OFTEN: Final = 0.25
"""Share of people who move a unit in an emotion, from which it bears on the emotion."""
DEPARTS: Final = 1.0
"""Standard deviations from the speaker's usual, from which a part of the voice is told."""
CLEAR: Final = 0.5
"""Expected departure in an emotion, from which a part of the voice bears on it."""
MOST: Final = 9
"""Observations."""
REASONS: Final = 5
"""Cues that the label is said to rest on: the strongest."""
_VOICE: Final[dict[str, tuple[str, str, str]]] = {
    "effort": ("soft voice", "voice effort", "forceful voice"),
    "energy": ("quiet voice", "loudness", "loud voice"),
    "pitch": ("low pitch", "pitch", "high pitch"),
    "pitch_range": ("flat pitch", "pitch range", "lively pitch"),
    "rate": ("slow speech", "pace", "fast speech"),
}
"""Below the usual, the name, above it."""
VOICE: Final = tuple(_VOICE)
"""Of the voice, that are told."""
_AS: Final = {"effort": "brightness"}
"""Part of the voice in the tables, where its name is another."""
_ASIDE: Final = ("AU25", "AU26", "AU45", "AU43")
"""What speech and blinks move too: told only where the label rests on it."""


def prompt(evidence: Evidence, labels: Sequence[str], stage: Stage = "emotion") -> str:
    """All that is shown of the evidence, and the task."""
    cues = [cue for cue in evidence.cues if _taught(cue) or cue.sense == "words"]
    told = [f"- {_shown(cue)} [{cue.id}]" for cue in _strongest(cues)]
    return "\n".join([*told, f"{stage}: {', '.join(labels)}"])


def _taught(cue: Cue) -> bool:
    return cue.code in _VOICE or (cue.sense == "face" and cue.code != IMPRESSION)


def _shown(cue: Cue) -> str:
    if cue.sense == "words":
        return quoted(cue.text)
    if cue.sense == "face":
        return _unit(cue)
    return _heard(cue) or _VOICE[cue.code][1]


def _unit(cue: Cue) -> str:
    number = facs.parse(cue.code)
    return cue.code if number is None else f"AU{number}"


def _heard(cue: Cue) -> str | None:
    """How this part of the voice departs; None where it does not, or nothing is known."""
    distance = away(cue)
    if abs(distance) < DEPARTS:
        return None
    return _VOICE[cue.code][2 if distance > 0 else 0]


def away(cue: Cue) -> float:
    """Level of a part of the voice, in standard deviations of the speaker's usual."""
    if cue.relative is not None:
        return cue.relative
    found = tone(cue)
    return found[1] if found else 0.0


def _strongest(cues: Iterable[Cue]) -> list[Cue]:
    """Of each code the strongest cue, in order."""
    kept: dict[str, Cue] = {}
    for cue in cues:
        if cue.code not in kept or (cue.intensity or 0) > (kept[cue.code].intensity or 0):
            kept[cue.code] = cue
    return sorted(kept.values(), key=lambda cue: (cue.start, cue.id))


def claims(evidence: Evidence, label: str) -> tuple[Claim, ...]:
    """Observations, what the label rests on, and the label; none where nothing bears on it."""
    cues = _strongest(cue for cue in evidence.cues if _taught(cue))
    bears = [cue for cue in cues if _bears(cue, label)]
    if not any(cue.sense == "face" and cue.code not in _ASIDE for cue in bears):
        bears = [cue for cue in bears if cue.code not in _ASIDE]
    if label == "neutral":
        bears = [cue for cue in cues if cue.code in _VOICE and _heard(cue) is None][:2]
    if not bears:
        return ()
    firm = sorted(bears, key=_size)[-REASONS:]
    bears = [cue for cue in bears if cue in firm]
    told = [cue for cue in cues if _told(cue) and (cue.code not in _ASIDE or cue in bears)]
    told = sorted(told, key=lambda cue: (cue in bears, _size(cue)))[-MOST:]
    seen = [
        Claim(text=text, cites=(cue.id,), part="observation")
        for cue in cues
        if cue in told and (text := _told(cue))
    ]
    ids = tuple(cue.id for cue in bears)
    why = ", ".join(text for cue in bears if (text := _told(cue)))
    fits = [Claim(text=f"{label}: {why}", cites=ids, part="interpretation")] if why else []
    return (*seen, *fits, Claim(text=label, cites=ids[:2], part="conclusion"))


def _told(cue: Cue) -> str | None:
    return _unit(cue) if cue.sense == "face" else _heard(cue)


def _size(cue: Cue) -> float:
    return cue.intensity or abs(away(cue))


def _bears(cue: Cue, label: str) -> bool:
    parts = PARTS.get(label, (label,))
    if cue.sense == "face":
        return any(table(part).get(cue.code, 0.0) >= OFTEN for part in parts)
    if _heard(cue) is None:
        return False
    forms = expected(_AS.get(cue.code, cue.code), parts, "rest")
    return bool(((forms * away(cue) > 0) & (abs(forms) >= CLEAR)).any())


def until(claims: Iterable[Claim], stage: Stage) -> list[Claim]:
    """What of the claims is told at this stage of a curriculum."""
    last = {"attributes": ("observation",), "expression": ("observation", "interpretation")}
    return [claim for claim in claims if claim.part in last.get(stage, (claim.part,))]
