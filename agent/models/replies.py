"""What a language model is asked to send back: one JSON shape a step, and how it is read.

Knows shapes and label sets, no host and no wording. A reply either fits its shape or is
refused with a reason; nothing missing is filled in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.models.asserting import Several, Vocabulary
from agent.schema.answer import Emotion
from agent.schema.errors import HOST, DuchenneError
from agent.schema.state import Json
from prompts import Profile

LONGEST: Final = 600
MOST_CLAIMS: Final = 12
Percent = Annotated[float, Field(ge=0, le=100)]
Signed = Annotated[float, Field(ge=-100, le=100)]
_THOUGHTS: Final = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE: Final = re.compile(r"\A```(?:json)?\s*\n(.*?)\n```\Z", re.DOTALL)


class ReplyError(DuchenneError, ValueError):
    """A reply that does not fit; the message is meant for the model that wrote it."""

    code = "bad_reply"
    exit_status = HOST


class Reply(BaseModel):
    """What every reply has in common: nothing is filled in, what is not asked for is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Said(Reply):
    """One sentence, the ids of its cues and what it asserts."""

    text: Annotated[str, Field(max_length=4 * LONGEST)]
    cites: tuple[str, ...]
    asserts: Several = ()
    """None where a host leaves them out: then the sentence itself is read."""


class BehaviourReply(Reply):
    claims: tuple[Said, ...]
    behavior: Annotated[str, Field(min_length=1)]


class CognitionReply(Reply):
    claims: tuple[Said, ...]
    cognition: Annotated[str, Field(min_length=1)]


class Weight(Reply):
    """A label and its share in percent."""

    label: str
    share: Percent


class EmotionReply(Reply):
    claims: tuple[Said, ...]
    emotions: tuple[Weight, ...]
    words: tuple[str, ...] = ()
    valence: Signed
    arousal: Signed
    confidence: Percent


class Mended(Said):
    """A struck claim said anew."""

    number: int


class RevisedReply(Reply):
    claims: tuple[Mended, ...]


class AnswerReply(Reply):
    sentences: tuple[Said, ...]
    lacking: Annotated[str, Field(max_length=4 * LONGEST)]


class CaptionReply(Reply):
    sentences: tuple[Said, ...]


class WholeReply(Reply):
    """All steps and a caption in one reply."""

    observations: tuple[Said, ...]
    behavior: Annotated[str, Field(min_length=1)]
    interpretations: tuple[Said, ...]
    cognition: Annotated[str, Field(min_length=1)]
    conclusions: tuple[Said, ...]
    emotions: tuple[Weight, ...]
    words: tuple[str, ...] = ()
    valence: Signed
    arousal: Signed
    confidence: Percent
    sentences: tuple[Said, ...]


R = TypeVar("R", bound=Reply)


def read(text: str, shape: type[R]) -> R:
    """A model's text as the reply asked for. Raises ReplyError that says what is wrong.

    Thoughts between <think> tags and a Markdown fence around the object are taken off.
    """
    bare = _THOUGHTS.sub("", text).strip()
    if fenced := _FENCE.match(bare):
        bare = fenced[1]
    start, end = bare.find("{"), bare.rfind("}")
    if start < 0 or end < start:
        raise ReplyError("there is no JSON object in it")
    try:
        # Not strict: hosts that constrain a reply let raw tabs and line ends into its strings.
        return shape.model_validate(json.loads(bare[start : end + 1], strict=False))
    except json.JSONDecodeError as error:
        raise ReplyError(f"it is not JSON: {error}") from error
    except ValidationError as error:
        raise ReplyError(_problems(error)) from error


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'the object'}: {problem['msg']}"
        for problem in error.errors()[:3]
    )


def among(value: str, labels: Sequence[str], field: str) -> str:
    """The label as its set spells it; any text where the set is empty. Raises ReplyError."""
    if not labels:
        return value
    spelled = {label.lower(): label for label in labels}
    if (label := spelled.get(value.strip().lower())) is None:
        raise ReplyError(f"{field} {value!r} is none of {json.dumps(list(labels))}")
    return label


def distribution(weights: Sequence[Weight], labels: Sequence[str]) -> tuple[Emotion, ...]:
    """Shares by label that sum to 1, most likely first. Raises ReplyError.

    Shares that do not add up keep their proportions; without any share there is nothing to keep.
    """
    shares: dict[str, float] = {}
    for weight in weights:
        label = among(weight.label, labels, "emotions.label")
        shares[label] = shares.get(label, 0.0) + weight.share
    whole = sum(shares.values())
    if shares and whole <= 0:
        raise ReplyError("the shares of emotions are all 0")
    ordered = sorted(shares, key=lambda label: -shares[label])
    return tuple(
        Emotion(label=label, share=min(1.0, shares[label] / whole))
        for label in ordered
        if shares[label] > 0
    )


def wrong(reply: Reply, vocabulary: Vocabulary) -> str | None:
    """What in the assertions of a reply is about no such clip; None where nothing is."""
    for name in type(reply).model_fields:
        said = getattr(reply, name)
        for one in said if isinstance(said, tuple) else ():
            if isinstance(one, Said) and (problem := vocabulary.wrong(one.asserts)):
                return problem
    return None


def schema(
    shape: type[BaseModel],
    profile: Profile,
    ids: Sequence[str],
    vocabulary: Vocabulary | None = None,
) -> Json:
    """JSON Schema of one reply, with this profile's labels and only ids that exist.

    With a vocabulary each sentence carries what it asserts, in codes and persons of this clip.
    """
    felt: Json = {
        "emotions": _emotions(profile),
        **({"words": _array(_text(40), 5)} if profile.words else {}),
        "valence": _percent(-100),
        "arousal": _percent(-100),
        "confidence": _percent(0),
    }
    asserts = {} if vocabulary is None else {"asserts": vocabulary.schema()}

    def claims(first: Json | None = None, most: int = MOST_CLAIMS) -> Json:
        id: Json = {"type": "string", "enum": list(ids)} if ids else _text(8)
        said = {"text": _text(LONGEST), "cites": _array(id, 8), **asserts}
        return _array(_object({**(first or {}), **said}), most)

    fields: dict[type[BaseModel], Json] = {
        BehaviourReply: {"claims": claims(), "behavior": _label(profile.behavior)},
        CognitionReply: {"claims": claims(), "cognition": _label(profile.cognition)},
        EmotionReply: {"claims": claims(), **felt},
        RevisedReply: {
            "claims": claims({"number": {"type": "integer", "minimum": 1, "maximum": 99}})
        },
        AnswerReply: {
            "sentences": claims(most=5),
            "lacking": _text(200),
        },
        CaptionReply: {"sentences": claims()},
        WholeReply: {
            "observations": claims(),
            "behavior": _label(profile.behavior),
            "interpretations": claims(),
            "cognition": _label(profile.cognition),
            "conclusions": claims(),
            **felt,
            "sentences": claims(),
        },
    }
    return _object(fields[shape])


def _emotions(profile: Profile) -> Json:
    one = _object({"label": _label(profile.emotion), "share": _percent(0)})
    return _array(one, len(profile.emotion))


def _label(labels: Sequence[str]) -> Json:
    return {"type": "string", "enum": list(labels)} if labels else _text(LONGEST)


def _object(properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(items: Json, most: int) -> Json:
    return {"type": "array", "items": items, "maxItems": most}


def _text(longest: int) -> Json:
    return {"type": "string", "maxLength": longest}


def _percent(least: int) -> Json:
    # Whole numbers: a constrained model can otherwise write decimals for ever.
    return {"type": "integer", "minimum": least, "maximum": 100}
