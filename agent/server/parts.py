"""Parts of a message as clients send them, in the shapes that this server's records have.

The types of both protocols are taken in either, and those of vLLM and Qwen beside them: `video`,
`input_video`, frames as a list, an address without an object around it. Knows JSON; opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from agent.server.errors import bad

TEXTS: Final = ("text", "input_text", "output_text")
KINDS: Final = {
    "video_url": "video", "video": "video", "input_video": "video",
    "image_url": "image", "image": "image", "input_image": "image",
    "audio_url": "audio", "audio": "audio", "input_audio": "audio",
    "file": "video", "input_file": "video",
}  # fmt: skip
"""Type of a part that holds a clip → what it is to be."""
TAKEN: Final = ", ".join((*TEXTS, *KINDS))
HOLDERS: Final = (
    "url", "data", "file_id", "file_data", "file_url", "video_url", "video", "image_url", "image",
    "audio_url", "audio", "input_video", "input_image", "input_audio", "file", "input_file",
)  # fmt: skip
"""Where in a part, or in its object, the clip may stand."""
FRAMES: Final = 2.0
"""Pictures a second of a list of frames that does not say; Qwen's default."""
_DATA: Final = re.compile(r"data:[^\s]{0,300}?;\s*base64\s*,", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}:|file-)", re.IGNORECASE)
Shape = Literal["chat", "responses"]


def plain(request: Any) -> Any:
    """A request whose parts are all of the usual shapes. Raises ApiError that names the part."""
    if not isinstance(request, dict):
        return request
    shape: Shape = "responses" if "input" in request else "chat"
    name = "input" if shape == "responses" else "messages"
    messages = request.get(name)
    if not isinstance(messages, list):
        return request
    told = [_message(message, f"{name}.{n}", shape) for n, message in enumerate(messages)]
    return request | {name: told}


def _message(message: Any, where: str, shape: Shape) -> Any:
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    if content is not None and not isinstance(content, str | list | dict):
        raise bad(f"{where}.content: a text or a list of parts is taken", f"{where}.content")
    if not isinstance(content, list | dict):
        return message
    parts = content if isinstance(content, list) else [content]
    told = [_part(part, f"{where}.content.{n}", shape) for n, part in enumerate(parts)]
    return message | {"content": told}


def _part(part: Any, where: str, shape: Shape) -> dict[str, Any]:
    if isinstance(part, str):
        part = {"type": "text", "text": part}
    if not isinstance(part, dict):
        raise bad(f"{where}: a part is an object with a type: {TAKEN}", where)
    kind = part.get("type") or next((name for name in (*TEXTS, *KINDS) if name in part), None)
    if kind in TEXTS:
        if not isinstance(part.get("text"), str):
            raise bad(f"{where}: a part of type {kind} has its words in `text`", where)
        return {"type": "text" if shape == "chat" else "input_text", "text": part["text"]}
    if kind == "refusal":
        return {"type": "text" if shape == "chat" else "input_text", "text": ""}
    if kind not in KINDS:
        shown = re.sub(r"\W", "", str(kind))[:40]
        raise bad(f"{where}: a part of type {shown!r} is not taken; taken are {TAKEN}", where)
    address = _address(part, kind, where)
    if shape == "responses":
        if KINDS[kind] == "image":
            return {"type": "input_image", "image_url": address}
        return {"type": "input_video", "video_url": address}
    name = f"{KINDS[kind]}_url"
    return {"type": name, name: {"url": address}}


def _address(part: Mapping[str, Any], kind: str, where: str) -> str:
    """An address, the id of an upload or a data: URL. Raises ApiError."""
    fps: Any = part.get("fps")
    held: Any = part.get(kind)
    if held is None:
        held = next((part[name] for name in HOLDERS if part.get(name) is not None), None)
    for _ in range(2):
        if isinstance(held, Mapping):
            fps = held.get("fps", fps)
            held = next((held[name] for name in HOLDERS if held.get(name) is not None), None)
    if isinstance(held, list):
        return _frames(held, fps, where)
    if not isinstance(held, str) or not held:
        raise bad(
            f"{where}: a part of type {kind} needs a clip: an address, the id of an upload, a "
            "data: URL or base64",
            where,
        )
    return held if _ADDRESS.match(held[:40]) else f"data:application/octet-stream;base64,{held}"


def _frames(held: list[Any], fps: Any, where: str) -> str:
    """Frames as one data: URL, the base64 of each after a comma."""
    pictures = []
    for number, one in enumerate(held):
        while isinstance(one, Mapping):
            one = next((one[name] for name in HOLDERS if one.get(name) is not None), None)
        body = base64_of(one) if isinstance(one, str) else None
        if not body:
            raise bad(
                f"{where}: frame {number} is no JPEG or PNG as a data: URL or base64; a list is "
                "read as the frames of one video",
                where,
            )
        pictures.append(body)
    if not pictures:
        raise bad(f"{where}: a list of frames without a frame", where)
    rate = ""
    if fps is not None:
        if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps <= 240:
            raise bad(f"{where}: fps is a number of pictures a second up to 240", where)
        rate = f";fps={fps:g}"
    return f"data:video/jpeg{rate};base64,{','.join(pictures)}"


def base64_of(text: str) -> str | None:
    """The base64 of a data: URL whatever its parameters, or the text itself; None for a data: URL
    of another coding, and for an address."""
    if text[:5].lower() == "data:":
        head = _DATA.match(text[:400])
        return text[head.end() :] if head else None
    return None if _ADDRESS.match(text[:40]) else text


def frames_of(url: str) -> tuple[list[str], float | None] | None:
    """The base64 of each frame of a data: URL that is a list of them, and their rate where it is
    said; None for one clip."""
    head = _DATA.match(url[:400])
    kind = head[0][5:].partition(";")[0].lower() if head else ""
    if head is None or kind not in ("video/jpeg", "video/jpg", "video/png"):
        return None
    rate = re.search(r";fps=([\d.]{1,8})(?=;)", head[0])
    return url[head.end() :].split(","), float(rate[1]) if rate and _is_rate(rate[1]) else None


def _is_rate(text: str) -> bool:
    try:
        return 0 < float(text) <= 240
    except ValueError:
        return False
