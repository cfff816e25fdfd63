"""The requests and answers of the protocol, as records: what is read, and what is given back.

Fields that are not here are never passed on to anything; the answer names those it left aside.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.schema.answer import Answer
from agent.schema.evidence import Cue, Evidence

Text = Annotated[str, Field(max_length=200_000)]
Address = Annotated[str, Field(min_length=1)]


class _In(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Url(_In):
    """An http(s) address, a data: URL, or the id of an uploaded file."""

    url: Address


class Sound(_In):
    data: Address
    """Base64."""
    format: Annotated[str, Field(max_length=20)] = "wav"


class FileRef(_In):
    file_id: str | None = None
    file_data: str | None = None
    """A data: URL, or base64."""


class TextPart(_In):
    type: Literal["text"]
    text: Text


class VideoPart(_In):
    type: Literal["video_url"]
    video_url: Url


class ImagePart(_In):
    type: Literal["image_url"]
    image_url: Url


class AudioPart(_In):
    type: Literal["audio_url"]
    audio_url: Url


class SoundPart(_In):
    type: Literal["input_audio"]
    input_audio: Sound


class FilePart(_In):
    type: Literal["file"]
    file: FileRef


Part = Annotated[
    TextPart | VideoPart | ImagePart | AudioPart | SoundPart | FilePart,
    Field(discriminator="type"),
]


class Message(_In):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | Annotated[list[Part], Field(max_length=64)] | None = None


class StreamOptions(_In):
    include_usage: bool | None = False


class JsonSchema(_In):
    name: Annotated[str, Field(max_length=64)] = "answer"
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")


class ResponseFormat(_In):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class ChatRequest(_In):
    """`POST /v1/chat/completions`."""

    model: Annotated[str, Field(min_length=1, max_length=100)]
    messages: Annotated[list[Message], Field(min_length=1, max_length=200)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = 1
    """One answer; there is no other."""
    conversation: Annotated[str, Field(max_length=64)] | None = None
    """"new" to begin a conversation that this server keeps, or the id of one."""
    person: Annotated[str, Field(max_length=20)] | None = None
    """P1, P2, …: whom the question is about, where it does not say."""
    seconds: Annotated[float, Field(gt=0, le=86400)] | None = None
    """Deadline; the server's own where that is nearer."""


class InputText(_In):
    type: Literal["input_text", "output_text"]
    text: Text


class InputImage(_In):
    type: Literal["input_image"]
    image_url: Address


class InputVideo(_In):
    type: Literal["input_video"]
    video_url: Address


class InputAudio(_In):
    type: Literal["input_audio"]
    input_audio: Sound


class InputFile(_In):
    """One of the three."""

    type: Literal["input_file"]
    file_id: str | None = None
    file_data: str | None = None
    file_url: Address | None = None


InputPart = Annotated[
    InputText | InputImage | InputVideo | InputAudio | InputFile, Field(discriminator="type")
]


class Input(_In):
    """One message of `POST /v1/responses`."""

    role: Literal["system", "developer", "user", "assistant"] = "user"
    content: Text | Annotated[list[InputPart], Field(max_length=64)]


class TextFormat(_In):
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: Annotated[str, Field(max_length=64)] = "answer"
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")


class TextSettings(_In):
    format: TextFormat | None = None


class ConversationRef(_In):
    id: Annotated[str, Field(max_length=64)]


class ResponseRequest(_In):
    """`POST /v1/responses`."""

    model: Annotated[str, Field(min_length=1, max_length=100)]
    input: Text | Annotated[list[Input], Field(min_length=1, max_length=200)]
    stream: bool | None = False
    text: TextSettings | None = None
    conversation: Annotated[str, Field(max_length=64)] | ConversationRef | None = None
    previous_response_id: None = None
    """Not kept here: use `conversation`."""
    person: Annotated[str, Field(max_length=20)] | None = None
    seconds: Annotated[float, Field(gt=0, le=86400)] | None = None


class ModelCard(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "duchenne"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelCard]


class FileCard(BaseModel):
    """An upload."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"
    expires_at: int


class FileList(BaseModel):
    object: Literal["list"] = "list"
    data: list[FileCard]
    has_more: bool = False


class LookRequest(_In):
    """`POST /v1/files/{file_id}/evidence`."""

    stream: bool | None = False
    seconds: Annotated[float, Field(gt=0, le=86400)] | None = None
    """Deadline; the server's own where that is nearer."""


class Measured(BaseModel):
    """Everything measured in an upload."""

    object: Literal["file.evidence"] = "file.evidence"
    id: str
    evidence: Evidence


Column = list[Annotated[float, Field(allow_inf_nan=False)] | None]
Box = tuple[float, float, float, float]


class Rows(BaseModel):
    """Equal-length columns in order of time; null where nothing was measured."""

    time: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    """Seconds. Two rows far apart: nothing was seen in between."""
    columns: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,30}$")], Column]
    """Of a person: AU01 … AU45 0-5, pose_yaw, pose_pitch, pose_roll in degrees, quality 0-1.
    Of the voice: energy_db, f0_hz, vad 0-1."""


class PersonRows(Rows):
    person: Annotated[str, Field(max_length=20)]
    boxes: list[Box | None]
    """The face in each row: x, y, width, height as shares of the picture."""


class Series(BaseModel):
    """Curves of a span."""

    object: Literal["file.series"] = "file.series"
    start: float
    end: float
    people: list[PersonRows]
    voice: Rows | None
    names: dict[str, str] = {}
    """Action unit to its name, from the brows down."""


class Felt(BaseModel):
    start: float
    end: float
    shares: dict[str, float]
    """Label to share, most likely first; they sum to 1."""
    valence: float
    arousal: float
    """-1 to 1; each with one standard deviation."""
    valence_sd: float
    arousal_sd: float
    unknown: bool
    """No label stands out."""


class Led(BaseModel):
    """A span in which one label leads."""

    start: float
    end: float
    label: str


class Feelings(BaseModel):
    """What the rules read from one person's cues over time."""

    object: Literal["file.feelings"] = "file.feelings"
    id: str
    person: str | None
    moments: list[Felt]
    spans: list[Led]


class Deleted(BaseModel):
    id: str
    object: str
    deleted: bool = True


class Usage(BaseModel):
    """Tokens of the language model behind the answer; all 0 where the rules answered."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class Whole(BaseModel):
    """The extra field `duchenne`: all of the answer, and the cues it cites."""

    answer: Answer
    cues: list[Cue]
    conversation: str | None = None
    media: dict[str, Any]
    """kind, duration in seconds, width, height, fps, has_video, has_audio, sha256."""
    ignored: list[str] = []
    """What the request had and nothing was done with."""


class Said(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    reasoning: str
    """The steps of the agent, a line each; `reasoning_content` is the same."""
    reasoning_content: str
    refusal: None = None


class Choice(BaseModel):
    index: int = 0
    message: Said
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class ChatCompletion(BaseModel):
    """An answer that was not streamed."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    duchenne: Whole


class ErrorBody(BaseModel):
    message: str
    type: str
    param: str | None
    code: str


class Failure(BaseModel):
    """Every answer that is not a success."""

    error: ErrorBody


class Health(BaseModel):
    status: str
    why: list[str] = []
