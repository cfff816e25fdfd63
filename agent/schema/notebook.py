"""How records show themselves in a notebook, and how they become tables.

Knows plain fields of records only. HTML is escaped: words of a clip are data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from agent.schema.answer import Answer
    from agent.schema.evidence import Cue, Evidence

WIDTH: Final = 720
"""Pixels of a timeline."""
ROW: Final = 16
LABELS: Final = 150
"""Pixels left of it for names."""
COLOURS: Final = {
    "face": "#c2571a", "head": "#7a6a2a", "voice": "#1f6f8b", "words": "#4b4b4b",
}  # fmt: skip
MOST: Final = 40
"""Rows of a timeline; the strongest codes."""


def frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A pandas DataFrame of rows. Raises ImportError that says how to get pandas."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "a table is a pandas DataFrame, and the package pandas is not installed"
        ) from error
    return pandas.DataFrame.from_records(list(rows))


def answer_html(answer: Answer) -> str:
    """The answer, its shares as bars, its claims with their verdicts."""
    lines = "<br>".join(map(escape, answer.answer.split("\n")))
    bars = "".join(
        f"<tr><td>{escape(e.label)}</td><td><div style='background:#c2571a;height:10px;width:"
        f"{round(200 * e.share)}px'></div></td><td>{e.share:.0%}</td></tr>"
        for e in answer.emotions[:5]
    )
    claims = "".join(
        f"<tr><td>{escape(claim.text)}</td><td>{escape(', '.join(claim.cites))}</td>"
        f"<td>{escape(claim.verdict or '')}</td></tr>"
        for claim in answer.claims
        if claim.grounded
    )
    head = "<tr><th>claim</th><th>cues</th><th>verdict</th></tr>"
    return f"<div><p>{lines}</p><table>{bars}</table><table>{head}{claims}</table></div>"


def evidence_html(evidence: Evidence) -> str:
    """What the clip is, who is in it, what is missing, and a timeline of the cues."""
    media = evidence.media
    people = ", ".join(
        f"{p.id} ({p.start:.1f}–{p.end:.1f} s{'' if p.live else ', in doubt'})"
        for p in evidence.people
    )
    missing = "; ".join(f"{m.what}: {m.why}" for m in evidence.missing)
    facts = [f"{media.file}, {media.duration:.1f} s", f"people: {people or 'nobody'}"]
    facts += [f"missing: {missing}"] if missing else []
    told = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return f"<div><ul>{told}</ul>{timeline(evidence.cues, media.duration)}</div>"


def timeline(cues: Iterable[Cue], seconds: float) -> str:
    """An SVG with a row for each person and code, a bar for each cue."""
    rows: dict[tuple[str, str], list[Cue]] = {}
    for cue in cues:
        rows.setdefault((cue.person or "", cue.code), []).append(cue)
    if not rows or seconds <= 0:
        return ""
    most = sorted(rows, key=lambda key: -sum(c.end - c.start for c in rows[key]))[:MOST]
    order = sorted(most, key=lambda key: (key[0], rows[key][0].sense, key[1]))
    scale = (WIDTH - LABELS) / seconds
    parts = []
    for place, key in enumerate(order):
        y = place * ROW
        name = escape(" ".join(part for part in key if part))
        parts.append(f"<text x='0' y='{y + 12}' font-size='11'>{name}</text>")
        for cue in rows[key]:
            x, width = LABELS + cue.start * scale, max(2.0, (cue.end - cue.start) * scale)
            deep = 0.4 + 0.12 * (cue.intensity or 3)
            parts.append(
                f"<rect x='{x:.1f}' y='{y + 2}' width='{width:.1f}' height='{ROW - 4}' "
                f"fill='{COLOURS.get(cue.sense, '#888')}' fill-opacity='{min(deep, 1):.2f}'>"
                f"<title>{escape(f'{cue.id}: {cue.text}, {cue.start:.1f}–{cue.end:.1f} s')}</title>"
                "</rect>"
            )
    height = len(order) * ROW + 4
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"font-family='sans-serif'>{''.join(parts)}</svg>"
    )
