"""What a language model gets to read about a clip: cues as a compact table, words as quotations.

Knows evidence and prompts, no host. Whatever a clip itself says or carries (words, notes on
missing things, earlier talk about it) is written as a JSON string with its angle brackets
escaped, so it can neither close the block that marks it nor pass for a line of the prompt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import prompts
from agent.facs import units as facs
from agent.schema.answer import Claim, Reading
from agent.schema.evidence import Cue, Evidence, Person
from agent.schema.picture import Picture, Span
from agent.schema.state import Turn
from agent.util.foreign import harmless

MOST_CUES: Final = 80
MOST_WORDS: Final = 60
MOST_TURNS: Final = 6
LONGEST_QUOTE: Final = 300
_SIDES: Final = {"L": "left", "R": "right", "B": "both", None: "-"}


def quoted(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Foreign text as one JSON string on one line, without angle brackets, control characters and
    what models take for a sign of their own."""
    printable = harmless("".join(c if c.isprintable() else " " for c in text))
    cut = printable if len(printable) <= longest else printable[: longest - 1] + "…"
    return json.dumps(cut, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")


def evidence_text(
    evidence: Evidence,
    people: Sequence[str | None],
    span: Span,
    pictures: Sequence[Picture] = (),
    history: Sequence[Turn] = (),
) -> str:
    """Everything a model reads before its task; the same for every step about these people."""
    return prompts.fill(
        "evidence",
        clip=_clip(evidence),
        people="\n".join(map(_person, evidence.people)) or "Nobody was found.",
        missing=_missing(evidence),
        cues=cue_table(evidence, people, span),
        words=word_lines(evidence, span),
        pictures="\n".join(f"{n}. {p.name}" for n, p in enumerate(pictures, 1)) or "None.",
        history=history_text(history) or "None.",
    )


def shown_ids(evidence: Evidence, people: Sequence[str | None], span: Span) -> list[str]:
    """Ids of all cues and words that `evidence_text` shows, in order: what can be cited."""
    shown = {cue.id for cue in (*_weightiest(evidence, people, span), *_nearest(evidence, span))}
    return [cue.id for cue in evidence.cues if cue.id in shown]


def cue_table(evidence: Evidence, people: Sequence[str | None], span: Span) -> str:
    """Cues of these people, and of nobody in particular, one a row, in order of time.

    Of more than `MOST_CUES` the weightiest are kept; the last row says how many are not shown.
    """
    of_them = _cues_of(evidence, people)
    if not of_them:
        return "None."
    rows = [_row(cue) for cue in _weightiest(evidence, people, span)]
    head = "id | person | start-apex-end s | code | side | intensity | relative | sure | what"
    left = len(of_them) - len(rows)
    note = [f"({left} weaker cues of {len(of_them)} are not shown)"] if left else []
    return "\n".join([head, *rows, *note])


def word_lines(evidence: Evidence, span: Span) -> str:
    """What is said, one quotation a line; of more than `MOST_WORDS` those nearest to the span."""
    lines = [
        f"{cue.id} | {cue.start:.2f}-{cue.end:.2f} s | {cue.person or '-'} | {quoted(cue.text)}"
        for cue in _nearest(evidence, span)
    ]
    left = sum(cue.sense == "words" for cue in evidence.cues) - len(lines)
    return (
        "\n".join([*lines, *([f"({left} further lines are not shown)"] if left else [])]) or "None."
    )


def history_text(history: Sequence[Turn]) -> str:
    """The last turns of a thread, each question and answer quoted."""
    return "\n".join(
        f"asked: {quoted(turn['question'])}\nanswered: {quoted(turn['answer'], 600)}"
        for turn in history[-MOST_TURNS:]
    )


def reading_text(reading: Reading) -> str:
    """What the steps so far made of one person, as data."""
    lines = [f"about {reading.person or 'the clip'}:"]
    lines += [f"- behaviour: {quoted(reading.behavior)}"] if reading.behavior else []
    lines += [f"- cognition: {quoted(reading.cognition)}"] if reading.cognition else []
    if reading.emotions:
        shares = ", ".join(f"{e.label} {e.share:.2f}" for e in reading.emotions)
        lines.append(f"- emotions: {shares}; valence {reading.valence:+.2f}, ")
        lines[-1] += f"arousal {reading.arousal:+.2f}, confidence {reading.confidence:.2f}"
    lines += [f"- {claim_line(claim)}" for claim in reading.claims if claim.grounded]
    return "\n".join(lines)


def claim_line(claim: Claim) -> str:
    """One claim with its part and its cues, as data."""
    return f"{claim.part}: {quoted(claim.text)} [{', '.join(claim.cites)}]"


def _cues_of(evidence: Evidence, people: Sequence[str | None]) -> list[Cue]:
    """What is seen and heard of these people, and of nobody in particular."""
    mine = (cue for cue in evidence.cues if cue.person is None or cue.person in people)
    return [cue for cue in mine if cue.sense != "words"]


def _weightiest(evidence: Evidence, people: Sequence[str | None], span: Span) -> list[Cue]:
    cues = _cues_of(evidence, people)
    weights = _weights(cues, span)
    kept = set(sorted(weights, key=weights.__getitem__)[-MOST_CUES:])
    return [cue for cue in cues if cue.id in kept]


def _nearest(evidence: Evidence, span: Span) -> list[Cue]:
    words = [cue for cue in evidence.cues if cue.sense == "words"]
    near = sorted(words, key=lambda cue: (_distance(cue, span), cue.start))[:MOST_WORDS]
    return sorted(near, key=lambda cue: cue.start)


def _weights(cues: Sequence[Cue], span: Span) -> dict[str, float]:
    """How much each cue matters: departure from the baseline, certainty, nearness to the span."""
    weights = {}
    for cue in cues:
        departure = abs(cue.relative if cue.relative is not None else cue.intensity or 1.0)
        near = 1.0 if _distance(cue, span) == 0 else 0.2
        weights[cue.id] = (min(departure, 5.0) + 0.5 * cue.brief) * cue.confidence * near
    return weights


def _distance(cue: Cue, span: Span) -> float:
    """Seconds between a cue and the span, 0 where they overlap."""
    return max(0.0, cue.start - span[1], span[0] - cue.end)


def _row(cue: Cue) -> str:
    unit = facs.parse(cue.code) if cue.sense == "face" else None
    code = f"{cue.code} {facs.AUS[unit].name}" if unit is not None else cue.code
    if cue.intensity is not None:
        strength = f"{cue.intensity:.1f}" + (f" {cue.grade}" if cue.grade else "")
    else:
        strength = "-" if cue.value is None else f"{cue.value:.4g} {cue.unit or ''}".strip()
    cells = [
        cue.id,
        cue.person or "-",
        f"{cue.start:.2f}-{cue.apex:.2f}-{cue.end:.2f}",
        code,
        _SIDES[cue.side],
        strength,
        "-" if cue.relative is None else f"{cue.relative:+.1f}",
        f"{cue.confidence:.2f}",
        cue.text.replace("|", "/") + (" (brief)" if cue.brief else ""),
    ]
    return " | ".join(cells)


def _clip(evidence: Evidence) -> str:
    media = evidence.media
    parts: list[str] = [media.kind]
    if media.kind != "image":
        parts.append(f"{media.duration:.2f} s")
    if media.kind == "video":
        parts.append(f"{media.fps:.4g} frames a second")
        if 0 < media.sampled_fps < 0.95 * media.fps:
            parts.append(f"of which {media.sampled_fps:.3g} a second were looked at")
    parts.append("with sound" if media.has_audio else "without sound")
    return ", ".join(parts) + "."


def _person(person: Person) -> str:
    parts = [
        f"{person.id}{' (main)' if person.main else ''}",
        f"{person.start:.2f}-{person.end:.2f} s",
        f"seen {person.share:.0%} of the time",
        f"quality {person.quality:.2f}",
    ]
    if person.speaking:
        parts.append(f"speaking {person.speaking:.0%} of the voiced time")
    if not person.live:
        parts.append("likely no living face")
    if person.doubt:
        parts.append(f"doubt: {quoted(person.doubt)}")
    if person.baseline == "none":
        parts.append("no baseline")
    return ", ".join(parts)


def _missing(evidence: Evidence) -> str:
    return "\n".join(f"- {m.what}: {quoted(m.why)}" for m in evidence.missing) or "Nothing."
