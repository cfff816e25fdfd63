"""Reads a chat request: which clip, which question, what was said before, in which form to answer.

Knows the protocol's messages; fetches and opens nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import prompts
from agent.graph.conversation import LONGEST_QUESTION
from agent.schema.state import Turn
from agent.server.errors import ApiError, bad
from agent.server.parts import FRAMES, base64_of, frames_of
from agent.server.schema import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    SoundPart,
    TextPart,
    VideoPart,
)

SILENT: Final = frozenset({"user", "metadata", "store", "safety_identifier", "service_tier"})
"""Fields that change no answer anywhere."""
REFUSED: Final = ("tools", "functions", "logprobs", "audio", "modalities")
"""Fields whose effect would be missed if they were passed over."""
DEFAULT_QUESTION: Final = "What do they feel, and why?"
WHOLE: Final = "the whole structured answer"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a clip is."""

    kind: str
    """url, base64, frames (base64 with commas between) or file"""
    value: str
    fps: float | None = None
    """Pictures a second of frames, where that is said."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, as it will be worked on."""

    model: str
    """rules, or the server's own; see `chosen`."""
    name: str
    """The model's name as the client wrote it."""
    profile: str
    question: str
    source: Source | None
    before: tuple[Turn, ...]
    conversation: str | None
    person: str | None
    stream: bool
    with_usage: bool
    fields: tuple[str, ...] | None
    """Fields of the answer to send as JSON; None for plain words, empty for all of them."""
    seconds: float | None
    ignored: tuple[str, ...]


def names() -> list[str]:
    """The models there are: the server's own and the rules, with each profile."""
    plain = ["duchenne", "duchenne-rules"]
    return plain + [f"{name}:{profile}" for name in plain for profile in prompts.profiles()]


def read(request: ChatRequest) -> Asked:
    """What is asked. Raises ApiError."""
    if request.model not in names():
        raise ApiError(
            404, "model_not_found", "there is no such model; GET /v1/models", param="model"
        )
    model, _, profile = request.model.partition(":")
    for field in REFUSED:
        if _extra(request, field) not in (None, False, [], ["text"]):
            raise bad(f"{field}: this server answers in text and calls nothing", field)
    asked, earlier = _last_question(request.messages)
    source = _source(asked) or next(
        (found for one in reversed(earlier) if (found := _source(one))), None
    )
    return Asked(
        model="rules" if model == "duchenne-rules" else "own",
        name=request.model,
        profile=profile or "general",
        question=_question(asked),
        source=source,
        before=() if request.conversation else tuple(_turns(earlier)),
        conversation=request.conversation,
        person=request.person,
        stream=bool(request.stream),
        with_usage=bool(request.stream_options and request.stream_options.include_usage),
        fields=_fields(request),
        seconds=request.seconds,
        ignored=(*_ignored(request), *_assumed(source)),
    )


def look_at(file_id: str, seconds: float | None) -> Asked:
    """No question: only a look at an upload."""
    return Asked(
        model="rules",
        name="",
        profile="general",
        question="",
        source=Source("file", file_id),
        before=(),
        conversation=None,
        person=None,
        stream=False,
        with_usage=False,
        fields=None,
        seconds=seconds,
        ignored=(),
    )


def _extra(request: ChatRequest, field: str) -> Any:
    return (request.model_extra or {}).get(field)


def _last_question(messages: list[Message]) -> tuple[Message, list[Message]]:
    if messages[-1].role != "user":
        raise bad("the last message must be the user's question", "messages")
    return messages[-1], messages[:-1]


def _parts(message: Message) -> list[Part]:
    return message.content if isinstance(message.content, list) else []


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content.strip()
    texts = [part.text for part in _parts(message) if isinstance(part, TextPart)]
    return "\n".join(texts).strip()


def _question(message: Message) -> str:
    question = _text(message) or DEFAULT_QUESTION
    if len(question) > LONGEST_QUESTION:
        raise bad(f"a question may have {LONGEST_QUESTION} characters", "messages")
    if not any(char.isprintable() for char in question):
        raise bad("the question has no readable character", "messages")
    return question


def _source(message: Message) -> Source | None:
    """The clip of one message."""
    parts = [(n, source) for n, part in enumerate(_parts(message)) if (source := _of(part))]
    found = [source for _, source in parts]
    if len(found) > 1:
        where = ", ".join(str(n) for n, _ in parts)
        raise bad(
            f"one clip to a question: send one video, picture or sound ({len(found)} came, in "
            f"parts {where}). Ask about each in a request of its own; frames of one video go into "
            'one part, as {"type": "video", "video": [frame, …], "fps": 2}',
            "messages",
        )
    if found and message.role != "user":
        raise bad("only user messages carry a clip", "messages")
    return found[0] if found else None


def _of(part: Part) -> Source | None:
    if isinstance(part, VideoPart):
        return _addressed(part.video_url.url)
    if isinstance(part, ImagePart):
        return _addressed(part.image_url.url)
    if isinstance(part, AudioPart):
        return _addressed(part.audio_url.url)
    if isinstance(part, SoundPart):
        return _data(part.input_audio.data)
    if isinstance(part, FilePart):
        if (part.file.file_id is None) == (part.file.file_data is None):
            raise bad("a file part has either file_id or file_data", "messages")
        if part.file.file_id is not None:
            return Source("file", part.file.file_id)
        return _data(part.file.file_data or "")
    return None


def _addressed(url: str) -> Source:
    if url[:5].lower() == "data:":
        return _data(url)
    return Source("file", url) if url.startswith("file-") else Source("url", url)


def _data(given: str) -> Source:
    """Base64, with or without the head of a data: URL, or a list of frames."""
    if (frames := frames_of(given)) is not None:
        return Source("frames", ",".join(frames[0]), frames[1])
    body = base64_of(given)
    if body is None:
        raise bad(
            "a data: URL must be data:TYPE;base64,… (parameters such as codecs= may stand before "
            ";base64)",
            "messages",
            "bad_data_url",
        )
    return Source("base64", body)


def _turns(messages: list[Message]) -> list[Turn]:
    """Questions with their answers, from what the client sent along; the last ten."""
    turns: list[Turn] = []
    question = ""
    for message in messages:
        if message.role == "user":
            question = _text(message) or DEFAULT_QUESTION
        elif message.role == "assistant" and question:
            said = _text(message)[:LONGEST_QUESTION]
            asked = question[:LONGEST_QUESTION]
            turns.append({"question": asked, "answer": said, "person": None, "span": [0.0, 0.0]})
            question = ""
    return turns[-10:]


def _fields(request: ChatRequest) -> tuple[str, ...] | None:
    """Which fields of the answer a JSON format wants."""
    from agent.schema.answer import Answer

    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object" or wanted.json_schema is None:
        return ()
    schema = wanted.json_schema.schema_ or {}
    properties = schema.get("properties")
    names = list(properties) if isinstance(properties, dict) else []
    unknown = [str(name)[:40] for name in names if name not in Answer.model_fields]
    if unknown:
        raise bad(
            f"response_format: an answer has no {', '.join(unknown[:5])}; it has "
            f"{', '.join(Answer.model_fields)}",
            "response_format",
        )
    return tuple(names)


def _ignored(request: ChatRequest) -> tuple[str, ...]:
    """What is left aside, by name."""
    fields = [
        name[:40]
        for name, value in (request.model_extra or {}).items()
        if value is not None and name not in SILENT and name not in REFUSED
    ]
    system = any(message.role in ("system", "developer") for message in request.messages)
    return tuple(sorted(fields)[:20]) + (("system message",) if system else ())


def _assumed(source: Source | None) -> tuple[str, ...]:
    """What had to be assumed of the clip."""
    if source is None or source.kind != "frames" or source.fps is not None:
        return ()
    return (f"frames without fps: {FRAMES:g} a second assumed",)


def as_json(answer: dict[str, Any], fields: tuple[str, ...]) -> str:
    """The structured answer, or the fields of it that were asked for."""
    chosen = {name: answer[name] for name in fields} if fields else answer
    return json.dumps(chosen, ensure_ascii=False)
