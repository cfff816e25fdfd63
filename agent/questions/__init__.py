"""Plain questions answered by the rules, from cues alone.

Knows which kind of question is asked and hands it to the part that answers it
(`feelings`, `agreement`, `deeds`, `about`). What is said about a person cites cues; what face and
voice cannot tell is declined with a reason. English; questions in other languages are answered in
English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agent.questions import about, agreement, deeds, feelings
from agent.questions.asked import LONGEST, Span, foreign, moment
from agent.questions.base import Asked, Part, Said, cited, span_of
from agent.questions.events import event, feeling
from agent.questions.scope import out_of_scope
from agent.schema.answer import Claim, Reading
from agent.schema.evidence import Evidence

__all__ = ["moment", "reply"]

_KINDS: Final[tuple[tuple[str, Part], ...]] = (
    (
        r"\b(?:genuine\w*|real(?:ly)?|fake\w*|polite|forced|felt|sincere|duchenne|posed|honest)\b"
        r".*\b(?:smil\w*|grin\w*|laugh\w*)|\b(?:smil\w*|grin\w*)\b.*\b(?:genuine|real|fake|polite|"
        r"forced|felt|sincere|posed|honest|mean it)\b|\bduchenne\b",
        deeds.genuine,
    ),
    (
        r"\b(?:did|have|had) i (?:just |first |last )?(?:ask|want to know)\w*\b|"
        r"\bmy (?:first|last|previous|earlier|other) questions?\b|\bi asked\b",
        about.earlier,
    ),
    (r"\bhow many (?:people|faces|persons|speakers|men|women)\b", about.count),
    (r"\bhow long (?:is|was|does)\b.*\b(?:clip|video|film|recording|sound|audio)\b", about.length),
    (
        r"\b(?:what(?:['’]s| is| was)? missing|can(?:no|['’]?)t you|could(?: not|n['’]t) you|"
        r"limits?|limitations?|not (?:measured|available))\b",
        about.lacking,
    ),
    (
        r"\b(?:how (?:sure|certain|confident|reliable)|are you (?:sure|certain)|confidence|"
        r"trust (?:this|that|it)|really sure)\b",
        about.sure,
    ),
    (
        r"\b(?:look|gaz|star)\w* (?:straight |directly )?(?:at|into|to) (?:the )?"
        r"(?:camera|lens|viewer|me|us)\b|\beye contact\b(?!.*\bbreak)",
        deeds.eye_contact,
    ),
    (
        r"\b(?:what|did|does|do) (?:s?he|they|the \w+|p\d+)? ?(?:actually )?(?:say|mention|utter|"
        r"tell)\w*\b|\b(?:what|anything) (?:is|was) said\b|\btranscript\b|\bwhich words\b",
        deeds.said,
    ),
    (r"\bhow (?:do|does|did) [\w ]+ sound\b|\btone of voice\b", deeds.voice),
    (
        r"\b(?:disagree|contradict\w*|mismatch|conflict\w*|ambivalen\w*|torn|discord\w*|incongruen\w*"
        r"|mixed (?:feelings|signals)|at odds)\b",
        agreement.discord,
    ),
    (agreement.AGREE.pattern, agreement.discord),
    (
        r"\b(?:chang\w*|differ\w*|develop\w*|over time|in order|sequence|step by step|"
        r"what happens|timeline|shift\w*|turning point)\b",
        feelings.change,
    ),
)
_MOST: Final = re.compile(
    r"\b(?:strongest|peak|climax|"
    r"most (?:intens\w+|expressive|emotional|animated|lively|strongly))\b",
    re.IGNORECASE,
)
"""Asks for the moment at which most is going on."""
_GENUINE: Final = re.compile(
    r"\b(?:genuin\w*|authentic\w*|fak(?:e|ed|es)|pretend\w*|put(?:s|ting)? (?:it )?on|staged|"
    r"is (?:s?he|it) acting|posed)\b",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(
    r"(?:[,;]\s*|\s)and\s+(?=(?:at )?"
    r"(?:what|when|how|who|where|which|does|do|did|is|are|was|were)\b)|[?.]\s+",
    re.IGNORECASE,
)
"""Between the questions of a double question. "And why?" is none of its own."""
_NEXT: Final = re.compile(
    r"\b(?:next|afterwards?|after (?:that|this|it)|following that|later)\b", re.IGNORECASE
)
_FOLLOWS: Final = re.compile(
    r"\bwhat (?:happens?|happened|follows?|followed|comes?|came|changes?|does (?:s?he|it) do|"
    r"do they do|is (?:seen|shown))\b[^?]*"
    r"\b(?:then|next|afterwards?|after (?:that|this|it)|later)\b"
    r"|\bwhat (?:follows|comes next|is next)\b",
    re.IGNORECASE,
)
"""Asks for what comes after what the first question of the same sentence was about."""
_TAIL: Final[tuple[tuple[str, Part], ...]] = (
    (
        r"\b(?:valence|arousal|how (?:strong\w*|intense\w*|excited|aroused|energetic))\b",
        feelings.degree,
    ),
    (r"\b(?:voice|sounds?|tone|pitch|loud\w*|speak(?:s|ing) (?:fast|slow)\w*)\b", deeds.voice),
    (
        r"\b(?:face|facial|expression\w*|action units?|aus?\d*|muscles?|eyes?|brows?|mouth|"
        r"lips|head|gaze|posture|body|describe|see|observ\w*|what does (?:s?he|they) do)\b",
        deeds.seen,
    ),
)
_PRESENCE: Final = re.compile(
    r"\b(?:when|how long)\b[^?]*\b(?:leav\w*|disappear\w*|enter\w*|arriv\w*|gone|"
    r"appear(?:s|ed)?(?=\s*(?:[?.,!]|$|again|first|in\b|on\b))|"
    r"out of (?:the )?(?:picture|shot|frame|view)|"
    r"(?:come|comes|came) (?:in|into|back|on)|in (?:the )?(?:picture|shot|frame|view))\b",
    re.IGNORECASE,
)
"""Asks for when somebody is there."""


def reply(
    evidence: Evidence, question: str, reading: Reading, history: Sequence[str] = ()
) -> tuple[str, tuple[Claim, ...], Span]:
    """Answer in words with citations like [A7], its claims, and the span it is about.

    `reading` is what the rules made of the person and span asked about; `history` holds the
    thread's earlier questions, oldest first. Times are m:ss.s.
    """
    question = question[:LONGEST]
    asked = Asked(evidence, question, reading, tuple(history))
    if why := _declined(question):
        return _english(question, why), (), reading.span
    first, *others = _clauses(question)
    part = _kind(first) or _part(question, history) if others else _part(question, history)
    told = part(asked)
    for clause in others:
        told += _besides(clause, asked, part, told)
    if part is not about.presence and _PRESENCE.search(question):
        told = [*told, *about.presence(asked)]
    text = " ".join(cited(item) if isinstance(item, Claim) else item for item in told)
    claims = tuple(item for item in told if isinstance(item, Claim))
    return _english(question, text), claims, span_of(asked, claims)


_FELT: Final = frozenset(
    {feelings.feels, feelings.is_feeling, feelings.degree, agreement.discord, agreement.authentic}
)
"""Parts that tell what is felt already."""


def _clauses(question: str) -> list[str]:
    """The questions of a double question, those behind of more than two words; else the whole."""
    clauses = [each.strip() for each in _CLAUSE.split(question) if each and each.strip()]
    long = all(len(re.findall(r"\w+", clause)) > 2 for clause in clauses[1:])
    return clauses if len(clauses) > 1 and long else [question]


def _besides(clause: str, asked: Asked, part: Part, told: Said) -> Said:
    """What a further question of the same sentence adds; "there" is where the first one led."""
    claims = [item for item in told if isinstance(item, Claim)]
    after = deeds.ending(asked, claims)
    if after is not None and _FOLLOWS.search(clause):
        return deeds.follows(asked, after)
    kind = _kind(clause)
    if kind is None or kind is part or (kind is feelings.feels and part in _FELT):
        return []
    reading = asked.reading
    if re.search(r"\b(?:there|then|at that (?:moment|time|point))\b", clause, re.I) or (
        _NEXT.search(clause)
    ):
        cited_cues = [
            c for claim in claims[:1] for i in claim.cites if (c := asked.evidence.cue(i))
        ]
        if after is not None and (_NEXT.search(clause) or deeds.STOPS.search(asked.question)):
            end = max(after, asked.evidence.media.duration)
            reading = reading.model_copy(update={"span": (after, end)})
        elif cited_cues:
            span = max(c.start for c in cited_cues), min(c.end for c in cited_cues)
            reading = reading.model_copy(update={"span": (min(span), max(span))})
    more = kind(replace(asked, question=clause, reading=reading))
    return [item for item in more if item not in told]


def _declined(question: str) -> str | None:
    if re.search(_KINDS[0][0], question, re.IGNORECASE):
        return None
    return out_of_scope(question)


def _english(question: str, text: str) -> str:
    note = "(The rules only know English and may have missed what you asked.) "
    return note + text if foreign(question) else text


def _part(question: str, history: Sequence[str]) -> Part:
    """The part that answers; a bare follow-up ("and at 0:12?") takes that of the last question."""
    found = _kind(question)
    if found is None and history and len(question.split()) <= 7:
        found = next((kind for q in reversed(history) if (kind := _kind(q))), None)
    return found or (feelings.feels if foreign(question) else feelings.unknown)


def _kind(question: str) -> Part | None:
    if _MOST.search(question) and not (event(question) or feeling(question)):
        return feelings.strongest
    for pattern, part in _KINDS:
        if re.search(pattern, question, re.IGNORECASE):
            return part
    if _GENUINE.search(question):
        return agreement.authentic
    main = _main_clause(question)
    why = re.search(r"\bwhy\b", main, re.IGNORECASE)
    if event(main):
        return deeds.why_event if why else deeds.events
    if feeling(main):
        return feelings.when_feeling if _asks_when(main) else feelings.is_feeling
    if _asks_when(main) and re.search(r"\b(?:most|emotion\w*)\b", main, re.I):
        return feelings.peak
    for pattern, part in _TAIL:
        if re.search(pattern, main, re.IGNORECASE):
            return part
    asks = r"\b(?:feel\w*|emotion\w*|mood|why|how (?:is|are|does|do)|react\w*|seem\w*|up with)\b"
    if re.search(asks, main, re.IGNORECASE):
        return feelings.feels
    return about.presence if _PRESENCE.search(question) else None


def _main_clause(question: str) -> str:
    """The question without a clause that only names its moment: "… before she smiles"."""
    clause = (
        r"\b(?:before|after|while|as|during|when) (?=(?:she|he|they|the|her|his|p\d)\b).*?(?:,|$)"
    )
    bare = re.sub(clause, " ", question.rstrip("?!. "), flags=re.IGNORECASE)
    return bare if re.search(r"\w", bare) else question


def _asks_when(question: str) -> bool:
    pattern = (
        r"\b(?:when|at what (?:time|moment|point)|what (?:time|moment)|which moment|where in)\b"
    )
    return re.search(pattern, question, re.IGNORECASE) is not None
