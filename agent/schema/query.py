"""What a question asks, as a record: the same whatever its language and its wording.

Knows no grammar and no clip. Made by `agent.qa.parse` (or by a model that fills its JSON
schema), executed by `agent.qa.execute`, shown in the output so that a wrong reading is seen.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Ask = Literal[
    "emotion", "why", "whynot", "whatif", "event", "when", "duration", "count", "rate", "side",
    "intensity", "compare", "change", "arc", "cause", "words", "voice", "agreement", "genuine",
    "people", "clip", "confidence", "missing", "evidence", "summary", "help", "refuse", "outside",
    "unknown",
]  # fmt: skip
"""Kinds of question:

emotion     how somebody feels ("Is she sad?"); with a target: whether it is this feeling
why         reasons for a reading ("Why is she sad?", "How can you tell?")
whynot      reasons against one ("Why not sadness?")
whatif      another reading if something were otherwise ("… if she had not smiled?")
event       whether something is done, or what is done ("Did she smile?", "What does she do?")
when, duration, count, rate, side    moments, seconds, number, pace, left or right of it
intensity   how strong ("How angry is she?", "Rate valence from 1 to 9")
compare     two targets, moments or people against each other
change, arc whether something changes; the whole course of it
cause       what comes before it ("Why did her brows go down?", "What made her angry?")
words       what is said; voice: how it is said
agreement   whether face, voice and words go together; genuine: whether it is felt
people      who, how many people
clip        the file: its length, rate, size, sound
confidence, missing, evidence, summary, help    about the answer itself
refuse      not to be answered: identity, age, sex, diagnosis, lies, …: `target` says which
outside     not measured: hands, scene, viewers, the future, …: `target` says which
unknown     not understood
"""
ASKS: Final[tuple[Ask, ...]] = get_args(Ask)

Language = Literal["en", "de", "fr", "es", "zh", "ja"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

Relation = Literal[
    "first", "last", "longest", "shortest", "most", "least", "begin", "end", "change", "order",
    "left", "right", "suppressed", "absent", "by_face", "by_voice", "by_words",
]  # fmt: skip
"""first … least: which of several; begin, end, change: which edge of it ("stop smiling": end);
order: which of two came first; left, right: the person's own side; suppressed: smothered, held
back; absent: asked in the negative ("Does she never blink?"); by_*: by this channel alone
("Does she sound angry?": by_voice)."""

Part = Literal["beginning", "middle", "end", "first_half", "second_half"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Moment(_Record):
    """A moment or span of the clip, given by seconds, by a part, or by something in it."""

    start: Annotated[float, Field(ge=0)] | None = None
    """Seconds: "at 0:06" is 6 to 6, "between 5 and 8 seconds" 5 to 8."""
    end: Annotated[float, Field(ge=0)] | None = None
    part: Part | None = None
    """"at the end", "in the second half"."""
    anchor: str | None = None
    """A target, as in `Query.target`: "while she speaks" has "speech", "at the word rent" has
    "word:rent"; "before the man appears" has "appear"."""
    relation: Literal["at", "before", "after", "during"] = "at"
    """Of what is asked to the seconds, part or anchor."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        given = sum(x is not None for x in (self.start, self.part, self.anchor))
        if given != 1 or (self.start is None) != (self.end is None):
            raise ValueError("a moment has start and end, or a part, or an anchor: one of these")
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError(f"a moment from {self.start} to {self.end} s ends before it starts")
        return self

    def __str__(self) -> str:
        """ "5-8", "6", "second_half", "after word:rent"."""
        if self.start is not None and self.end is not None:
            seconds = f"{self.start:g}" + ("" if self.end == self.start else f"-{self.end:g}")
            return seconds if self.relation == "at" else f"{self.relation} {seconds}"
        place = self.part or self.anchor or ""
        return place if self.relation == "at" else f"{self.relation} {place}"


class Query(_Record):
    """What is asked. Fields that a question does not touch are None."""

    ask: Ask
    target: str | None = None
    """What it is asked about. One of

    - an action unit's code as in cues, "AU12"; several at once joined, "AU01+AU02";
    - another code of the evidence: "nod", "shake", "tilt", "turn", "head_up", "head_down",
      "gaze" (where the eyes go), "gaze_away", "gaze_up", "gaze_down", "blink", "speech",
      "pause", "pitch", "pitch_range", "loudness", "speech_rate", "effort", "roughness",
      "breathiness";
    - a region: "face", "brow", "eye", "nose", "cheek", "mouth", "jaw", "head"; "voice";
    - something no cue is: "laugh", "cry", "yawn", "tremor", "micro" (brief events), "sarcasm";
    - "emotion:sadness" and so on; "emotion" for whichever; "valence", "arousal";
    - a word that is said: "word:rent";
    - for clip: "duration", "fps", "sound", "size"; for help: "thanks", "hello", "history" or
      what is to be explained; for refuse and outside: the topic ("identity", "hands").
    """
    who: str | None = None
    """None: the person in question; "P2"; "left", "right" (in the picture); "other"; "all"."""
    when: Moment | None = None
    relation: Relation | None = None
    versus: Moment | str | None = None
    """The other side of a comparison: a target ("emotion:fear"), a moment, or a person ("P2").
    For whynot: the reading that was preferred."""
    scale: tuple[float, float] | None = None
    """Ends of the scale asked for: "from 1 to 9" is (1, 9)."""
    form: Annotated[str, Field(pattern=r"^(one_word|table|list|sentences:\d+|top:\d+)$")] | None = (
        None
    )
    """Shape of the answer: "in one word", "as a table", "three sentences", "the top three"."""
    language: Language = "en"
    """Of the question, and so of the answer."""
    second: Query | None = None
    """The other half of a double question: "What does she feel, and why?"."""
