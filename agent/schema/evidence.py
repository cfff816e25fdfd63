"""The record everything else reads: what was seen and heard in one clip.

Knows nothing about how a cue was measured and nothing about emotions. There is no
field for a label anywhere in it, so a gold answer can never leak into what a model
reads. Frozen, versioned, JSON both ways, every number with its unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.schema.errors import USAGE, DuchenneError
from agent.schema.notebook import evidence_html, frame

FORMAT: Final = 1
"""Format number of the record. A changed record gets a new number and a reader of the old one."""

Sense = Literal["face", "head", "voice", "words"]
Side = Literal["L", "R", "B"]
"""The person's own left or right, or both."""
Grade = Literal["A", "B", "C", "D", "E"]
"""FACS intensity: trace, slight, marked, severe, maximum."""

LETTERS: Final[dict[Sense, str]] = {"face": "A", "head": "H", "voice": "V", "words": "W"}
"""First letter of a cue's id, by sense."""

IMPRESSION: Final = "impression"
"""Code of the face cue that says what people would say they see; it is no action unit."""

Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class EvidenceError(DuchenneError, ValueError):
    """A record that cannot be read; the message says which part and why."""

    code = "bad_evidence"
    exit_status = USAGE


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Media(_Record):
    """What the clip is, as its container and a full read of it say."""

    file: str
    """Name of the file, without its folder."""
    kind: Literal["video", "image", "audio"]
    duration: Seconds
    """Length in seconds; 0 for a still image."""
    fps: Annotated[float, Field(ge=0)]
    """Mean frames per second; 0 without moving pictures."""
    width: Annotated[int, Field(ge=0)]
    """Pixels, after rotation; 0 without pictures."""
    height: Annotated[int, Field(ge=0)]
    has_video: bool
    has_audio: bool
    sha256: str
    """Of the file's bytes."""
    variable_rate: bool = False
    sampled_fps: Annotated[float, Field(ge=0)] = 0.0
    """Frames per second that the senses looked at."""


class Person(_Record):
    """One tracked person, or a voice without a face."""

    id: str
    """P1, P2, … in order of first appearance."""
    main: bool
    """The person a question is about unless it names another; exactly one where anybody is."""
    start: Seconds
    end: Seconds
    share: Share
    """Share of the sampled time in which this face was visible."""
    size: Share = 0.0
    """Median face height over picture height; 0 where it is not known (a table of action units)."""
    speaking: Share = 0.0
    """Share of the voiced time in which this mouth moved with the sound."""
    quality: Share = 1.0
    """Sharpness, size and pose of the face: 1 is as good as the senses need."""
    live: bool = True
    """False for a face that is likely a statue, a drawing or an animal."""
    doubt: str | None = None
    """Why the face is low in quality or not taken for a living person's."""
    baseline: Literal["clip", "enrolment", "none"] = "clip"
    """What relative values are relative to; "none" where the clip shows too little."""

    @property
    def seen(self) -> bool:
        """Whether this person's face was in view at any time, of whatever size."""
        return self.share > 0


class Spoken(_Record):
    """One word of a phrase, at its own moment."""

    text: str
    start: Seconds
    end: Seconds


class Cue(_Record):
    """One thing that was seen or heard, over one span of time."""

    id: str = ""
    """A7, V3, W5, H2: given by `number`, unique in a record."""
    sense: Sense
    person: str | None
    """Id of the person; None where nobody can be told."""
    code: str
    """AU12, nod, blink_rate, pitch, energy, pause, word, …"""
    side: Side | None = None
    start: Seconds
    apex: Seconds
    """Moment of greatest intensity; the middle where there is none."""
    end: Seconds
    intensity: Annotated[float, Field(ge=0, le=5)] | None = None
    """FACS intensity at the apex, 0-5: change from the person's resting face where a baseline is
    known, else the plain reading. None for cues that are not action units."""
    grade: Grade | None = None
    """The intensity as a FACS letter."""
    value: float | None = None
    """Raw value at the apex in `unit`; of action units, the reading before the baseline is off."""
    unit: str | None = None
    relative: float | None = None
    """Against the person's own baseline: AU intensity steps, else robust standard deviations."""
    brief: bool = False
    """At most 0.5 s: a possible micro-expression."""
    shares: dict[str, Share] | None = None
    """Of an impression: label → mean share of people over the span; they sum to 1."""
    words: tuple[Spoken, ...] | None = None
    """Of a phrase whose words have times of their own: its words, in order."""
    text: str
    """Plain words. For the sense "words", the quotation itself."""
    confidence: Share

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.start <= self.apex <= self.end:
            raise ValueError(
                f"cue {self.id or self.code}: start {self.start} ≤ apex {self.apex} "
                f"≤ end {self.end} does not hold"
            )
        return self


class Window(_Record):
    """Means of dense measurements over a short span: what a reading reads between the events.

    Cues are events that stand out; much of what tells feelings apart stays below that, and is
    here. Windows of one person and sense do not overlap.
    """

    person: str | None
    """Id of the person; None where nobody can be told."""
    sense: Sense
    start: Seconds
    end: Seconds
    values: dict[str, float]
    """By name: `AU12` (0-5, absolute), `AU12_L`, `pitch_deg`, `impression_happiness` (share), …
    What was not measured, or not visible, is absent."""
    quality: Share = 1.0
    """Mean quality of the samples it stands on."""
    speaking: Share = 0.0
    """Share of the span in which this person speaks."""


class Missing(_Record):
    """Something a reader would expect and will not find."""

    what: str
    """sound, face, words, blendshapes, baseline, …"""
    why: str


class Evidence(_Record):
    """Everything measured in one clip."""

    version: Literal[1] = FORMAT
    media: Media
    people: tuple[Person, ...] = ()
    cues: tuple[Cue, ...] = ()
    """In order of start."""
    windows: tuple[Window, ...] = ()
    """Dense measurements in short spans, person by person in order of time; empty in records that
    were made without looking (tables of other programs) or before there were any."""
    missing: tuple[Missing, ...] = ()
    series: str | None = None
    """Path of the Parquet file with one row per person and sample."""
    voice_series: str | None = None
    """Path of the Parquet file with one row per 10 ms of sound."""
    language: str | None = None
    """Language of the words, as a BCP 47 tag, where known."""
    senses: dict[str, str] = {}
    """Version of each sense that ran."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [cue.id for cue in self.cues]
        if "" in ids or len(set(ids)) != len(ids):
            raise ValueError("every cue needs an id of its own; call number() on them first")
        known = {person.id for person in self.people}
        if stray := {cue.person for cue in self.cues} - known - {None}:
            raise ValueError(
                f"cues name people who are not in the record: {sorted(map(str, stray))}"
            )
        if self.people and sum(person.main for person in self.people) != 1:
            raise ValueError("exactly one person must be the main one")
        return self

    @property
    def main(self) -> Person | None:
        """The main person, None where nobody was found."""
        return next((person for person in self.people if person.main), None)

    def cue(self, id: str) -> Cue | None:
        """The cue of this id (case-insensitive), None where there is none."""
        return next((cue for cue in self.cues if cue.id == id.upper()), None)

    def of(self, person: str | None, sense: Sense | None = None) -> tuple[Cue, ...]:
        """Cues of one person (None: of nobody in particular), of one sense if given."""
        return tuple(
            cue
            for cue in self.cues
            if cue.person == person and (sense is None or cue.sense == sense)
        )

    def between(self, start: float, end: float) -> tuple[Cue, ...]:
        """Cues that overlap [start, end] in seconds."""
        return tuple(cue for cue in self.cues if cue.start <= end and cue.end >= start)

    def to_json(self) -> str:
        """One JSON object, indented; `read` of it gives an equal record."""
        return self.model_dump_json(indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in its JSON."""
        return self.model_dump(mode="json")

    def to_pandas(self) -> Any:
        """The cues as a pandas DataFrame, one row each. Raises ImportError without pandas."""
        return frame([cue.model_dump(mode="json") for cue in self.cues])

    def _repr_html_(self) -> str:
        return evidence_html(self)


def number(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Sort cues by start, give each an id (the sense's letter, a count from 1), times in ms."""
    counts = dict.fromkeys(LETTERS.values(), 0)
    numbered = []
    for cue in sorted(cues, key=lambda c: (c.start, c.end, c.sense, c.code, c.side or "")):
        letter = LETTERS[cue.sense]
        counts[letter] += 1
        times = {name: round(getattr(cue, name), 3) for name in ("start", "apex", "end")}
        numbered.append(cue.model_copy(update={"id": f"{letter}{counts[letter]}"} | times))
    return tuple(numbered)


def read(text: str | bytes) -> Evidence:
    """Evidence from its JSON. Raises EvidenceError that names the part that is wrong."""
    try:
        return Evidence.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the record"
        raise EvidenceError(
            f"not an evidence record of format {FORMAT}: {where}: {first['msg']}"
        ) from error


def load(path: str | Path) -> Evidence:
    """Evidence from a file written by `duchenne look`."""
    return read(Path(path).read_bytes())
