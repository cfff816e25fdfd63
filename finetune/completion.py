"""What a model is trained to write, and reading it back: thoughts in three parts, one answer.

Knows the text's shape, no evidence. The shape:

    <think>
    Observations:
    - Lip corners pulled up on both sides (AU12), at 0:01. [A3]
    Interpretation:
    - Happiness rests on lip corners pulled up (AU12). [A3]
    Conclusion:
    - This fits happiness best. [A3]
    </think>
    <answer>happiness</answer>

Reading is lenient: any text with <think> has claims, those without a heading are observations,
cited ids stand in square brackets behind what they carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from agent.schema.answer import Claim, Part
from agent.util.foreign import harmless

HEADINGS: Final[dict[Part, str]] = {
    "observation": "Observations:",
    "interpretation": "Interpretation:",
    "conclusion": "Conclusion:",
}

_THINK: Final = re.compile(r"<think>(.*?)</think>", re.DOTALL)
_ANSWER: Final = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_HEADING: Final = re.compile(
    r"^[\s#*]*(observation|interpretation|conclusion)s?\b[\s*:.]*", re.IGNORECASE
)
_CITES: Final = re.compile(r"\[((?:\s*[AHVW]\d+\s*[,;]?)+)\]", re.IGNORECASE)
_ID: Final = re.compile(r"[AHVW]\d+", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"])")


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion taken apart."""

    think: str
    """Inside the first <think>; "" where there is none."""
    answer: str
    """Inside the last <answer>, without spaces around; "" where there is none."""
    claims: tuple[Claim, ...] = ()
    parts: tuple[Part, ...] = ()
    """Headings in order of appearance."""


def write(claims: Iterable[Claim], answer: str | None) -> str:
    """The text of these claims and this answer; `read` gives them back. None: thoughts alone.

    Raises ValueError for an answer or a claim that would break the shape.
    """
    claims = list(claims)
    for text in (*([] if answer is None else [answer]), *(claim.text for claim in claims)):
        if not text.strip() or re.search(r"</?(?:think|answer)>|\n", text):
            raise ValueError(f"cannot stand in a completion: {text!r}")
    lines = []
    for part, heading in HEADINGS.items():
        mine = [claim for claim in claims if claim.part == part]
        if mine:
            lines += [heading, *map(_line, mine)]
    thoughts = "\n".join(lines)
    told = f"<think>\n{thoughts}\n</think>"
    return told if answer is None else f"{told}\n<answer>{harmless(answer.strip())}</answer>"


def _line(claim: Claim) -> str:
    return f"- {harmless(claim.text)}" + (f" [{', '.join(claim.cites)}]" if claim.cites else "")


@lru_cache(maxsize=4096)
def read(text: str) -> Completion:
    """Any text as a completion; what is not there is empty."""
    think, answers = _THINK.search(text), _ANSWER.findall(text)
    thoughts = think[1].strip() if think else ""
    claims: list[Claim] = []
    parts: list[Part] = []
    part: Part = "observation"
    for line in thoughts.splitlines():
        if heading := _HEADING.match(line):
            part = heading[1].lower()  # type: ignore[assignment]  # one of the three, by the pattern
            parts.append(part)
            line = line[heading.end() :]
        claims += _claims(line, part)
    answer = answers[-1].strip() if answers else ""
    return Completion(thoughts, answer, tuple(claims), tuple(parts))


def _claims(line: str, part: Part) -> list[Claim]:
    """Claims of one line: what stands before each bracket with ids; the rest by sentences."""
    found, at = [], 0
    for match in _CITES.finditer(line):
        text = line[at : match.start()].strip(" \t-*•.;,")
        if text:
            ids = tuple(id.upper() for id in _ID.findall(match[1]))
            found.append(Claim(text=text, cites=ids, part=part))
        at = match.end()
    rest = line[at:].strip(" \t-*•;,")
    pieces = (piece.strip() for piece in _SENTENCE.split(rest))
    return found + [Claim(text=p, part=part) for p in pieces if re.search(r"\w", p)]
