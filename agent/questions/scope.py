"""Questions that evidence of face and voice cannot answer, and what to say instead.

Knows the limits; gives no readings. A refusal says why in one sentence, and what could help.
"""

from __future__ import annotations

import re
from typing import Final

_OUT: Final[tuple[tuple[str, str], ...]] = (
    (
        r"\b(?:lying|lies?|liar|truth(?:ful)?|honest(?:ly)?|deceiv\w+|deception|guilty|sincere|"
        r"faking it|hiding something)\b",
        "No face or voice shows whether somebody lies: no cue of lying has held up in research, "
        "and guessing would do harm. I can say where face, voice and words disagree.",
    ),
    (
        r"\b(?:autis\w+|adhd|bipolar|schizo\w+|diagnos\w+|disorder|clinically|mentally ill|"
        r"mental illness|depress(?:ion|ed|ive)|suicid\w+|dementia|parkinson\w*|stroke|drunk|"
        r"on drugs|ill|sick)\b",
        "That is a diagnosis, and a few expressions in a clip carry none. I can describe what "
        "moves and how the voice sounds.",
    ),
    (
        r"\bwho (?:is|are) (?:(?:s?he|they|it|this|that|these|those)\b|the (?:man|woman|person|"
        r"girl|boy|people|speaker)\b(?! (?:who|that|speaking|talking|smiling)))|"
        r"\bwhat(?:['’]s| is) (?:her|his|their) name\b|"
        r"\b(?:identify|recogni[sz]e) (?:her|him|them|this)\b|"
        r"\bis (?:this|that|it) (?-i:[A-Z]\w+ [A-Z]\w+)",
        "I don't identify people; nothing I measure is meant for that. People are only "
        "numbered within the clip.",
    ),
    (
        r"\bhow old\b|\b(?:what|which) (?:age|gender|sex|race|ethnicity|nationality|religion)\b|"
        r"\b(?:her|his|their) (?:age|gender|race|ethnicity|nationality|religion|sexuality)\b|"
        r"\b(?:is (?:s?he|they) (?:gay|straight|trans|muslim|jewish|christian|male|female))\b|"
        r"\ba (?:man|woman) or a (?:man|woman)\b",
        "Age, sex, origin or belief are not measured here, and a face is no basis for "
        "judging them.",
    ),
    (
        r"\b(?:hire|hired|trustworthy|intelligen\w+|smart|iq|personality|attractive|pretty|ugly|"
        r"beautiful|criminal|dangerous|competent|good (?:employee|candidate|student|person)|"
        r"suspicious)\b",
        "Expressions of a few seconds say nothing about a person's character or worth, and this "
        "must not be used to judge people.",
    ),
    (
        r"\bwhat (?:is|are|was|were) (?:\w+ )?(?:thinking|planning|going to)\b|"
        r"\bread (?:her|his|their) mind\b|\bwhat will\b|\bintend\w*\b",
        "Thoughts and plans do not show in muscles or voice. What I can tell is what is "
        "expressed, and when.",
    ),
    (
        r"\b(?:wear(?:s|ing)?|cloth(?:es|ing)|background|behind (?:her|him|them)|holding|room|"
        r"weather|colou?r|hair|glasses|where (?:is|are) (?:s?he|they|this|the)|what (?:is|are) "
        r"(?:s?he|they) (?:doing with|holding)|object|logo|text on|happens? in the video)\b",
        "I only measure faces, heads and voices, not the scene. A connected vision-language model "
        "(--model) could look at the frames.",
    ),
    (
        r"\b(?:heart ?rate|pulse|blood pressure|temperature|in pain|pain level)\b",
        "That is not measured here.",
    ),
)


def out_of_scope(question: str) -> str | None:
    """Why a question is not answered; None where it can be tried."""
    for pattern, why in _OUT:
        if re.search(pattern, question, re.IGNORECASE):
            return why
    return None
