"""What went wrong in a child, as something a client may be told.

Each kind of failure has one sentence of ours. The child's own words choose between sentences
and are never passed on: they can hold paths, addresses or what a hostile file put there.
"""

from __future__ import annotations

import re
from typing import Final

from agent.server import faults
from agent.server.errors import INTERNAL, ApiError, bad
from agent.server.protocol import Json

_MEDIA: Final = (
    (r"playlist", "it is a playlist; send the clip itself"),
    (r"text file", "it is text, not a video, picture or sound"),
    (r"file is empty", "it is empty"),
    (r"too many( for a picture)?|pixels are too many|too many pixels", "it has too many pixels"),
    (r"without its index|cut off", "it is cut off; send it in full"),
    (r"no picture in it can be decoded", "no picture in it can be decoded"),
    (r"neither pictures nor sound", "it holds neither pictures nor sound"),
    (r"damaged picture", "it is a damaged picture"),
)
_MINDS: Final = {
    "token_budget": (
        400,
        "token_budget",
        "the answer takes more of the language model's tokens "
        "than a question may use here; ask about one person or moment",
    ),
    "model_timeout": (504, "model_timeout", "the language model gave no answer in time"),
    "model_unreachable": (502, "model_unreachable", "the language model cannot be reached"),
    "model_missing": (502, "model_missing", "the language model's host does not have it"),
    "model_wrong_key": (502, "model_refused", "the language model's host refuses this server"),
    "model_refused": (502, "model_refused", "the language model's host refused the request"),
    "model_nonsense": (502, "model_nonsense", "the language model gave no usable reply"),
    "model_failed": (502, "model_failed", "the language model failed"),
}


def of_media(kind: str, said: str) -> ApiError:
    """Why a clip could not be read."""
    if kind == "unreadable_media":
        why = next((text for pattern, text in _MEDIA if re.search(pattern, said)), None)
        return unreadable(why)
    if kind == "bad_subtitles":
        return bad("the subtitles cannot be read", "subtitles", "unreadable_subtitles")
    if kind == "out_of_memory":
        return unreadable("reading it takes more memory than a clip may use")
    if kind == "missing_model_file":
        return down()
    # FFmpeg, Pillow and OpenCV raise many kinds for files that were made to break them.
    return unreadable()


def of_machine(number: object) -> ApiError | None:
    """What this machine lacks, by its errno; None where it is no failure of ours."""
    if not isinstance(number, int):
        return None
    if number in faults.FULL:
        return full()
    return lacking() if number in faults.LACKING else None


def of_fault(error: BaseException) -> ApiError:
    """Any exception that got to a boundary: a failure of this machine, or of our own code."""
    if isinstance(error, ApiError):
        return error
    return of_machine(faults.number(error)) or INTERNAL


def full() -> ApiError:
    """Nothing can be written."""
    return ApiError(
        507, "storage_failed", "this server's disk is full; come back later", retry_after=30
    )


def lacking() -> ApiError:
    """The operating system refuses files or memory."""
    return ApiError(503, "out_of_resources", "this server lacks files, memory or rights just now; "
                    "come back later", retry_after=10)  # fmt: skip


def killed() -> ApiError:
    """Somebody ended the process that read the clip; the clip is as good as any."""
    return ApiError(503, "decoder_killed", "the process that read the clip was ended from outside; "
                    "send it again", retry_after=5)  # fmt: skip


def unreadable(why: str | None = None) -> ApiError:
    """A clip that is none, or breaks whoever reads it."""
    usual = "it is no video, picture or sound that is taken, or it is damaged"
    return bad(f"the clip cannot be read: {why or usual}", "messages", "unreadable_media")


def of_reasoning(said: Json) -> ApiError:
    """Why a question could not be answered."""
    if (ours := of_machine(said.get("errno"))) is not None:
        return ours
    kinds = [str(kind) for kind in said.get("kinds", [])]
    for kind in kinds:
        if kind in _MINDS:
            status, code, message = _MINDS[kind]
            return ApiError(status, code, message, retry_after=5 if status >= 502 else None)
    if "bad_question" in kinds:
        who = re.search(r"person|people|nobody", str(said.get("message", "")))
        why = "there is no such person in the clip" if who else "it cannot be asked like this"
        return bad(f"the question cannot be answered: {why}", "messages", "bad_question")
    if "system" in kinds:
        return down()
    if "out_of_memory" in kinds:
        return ApiError(503, "out_of_memory", "reasoning about this takes more memory than a "
                        "question may use here; ask about a shorter clip or one person",
                        retry_after=10)  # fmt: skip
    if "thread_busy" in kinds:
        return conversation_busy()
    if "bad_thread" in kinds:
        return ApiError(409, "another_clip", "a conversation is about the clip it began with")
    return INTERNAL


def conversation_busy() -> ApiError:
    """Somebody else's question in the same conversation comes first."""
    return ApiError(
        409, "conversation_busy", "its last question is not answered yet", retry_after=2
    )


def late() -> ApiError:
    """The deadline has passed."""
    return ApiError(504, "deadline_exceeded", "the deadline passed before the answer was there")


def down() -> ApiError:
    """Children that do not come up, model files that are not there."""
    return ApiError(503, "not_ready", "this server cannot work now; see /readyz", retry_after=10)
