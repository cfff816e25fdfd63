"""Clips in messages as clients of all kinds send them."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
import served
from PIL import Image
from served import clip, data, picture, tone

from agent.server.asked import Source, read
from agent.server.chat import parsed
from agent.server.errors import ApiError
from agent.server.frames import film
from agent.server.parts import TAKEN
from agent.server.responses import _as_chat
from agent.server.schema import ChatRequest, ResponseRequest

B64 = base64.b64encode(clip()).decode()
URL = "https://example.org/a.mp4"


def frame(kind: str, hue: int) -> str:
    held = io.BytesIO()
    Image.new("RGB", (64, 48), (hue, 90, 40)).save(held, kind)
    return base64.b64encode(held.getvalue()).decode()


JPEGS = [frame("JPEG", hue) for hue in range(0, 250, 50)]


def source(part: Any) -> Source:
    content = [part, {"type": "text", "text": "Who?"}]
    body = {"model": "duchenne-rules", "messages": [{"role": "user", "content": content}]}
    found = read(parsed(json.dumps(body).encode(), ChatRequest)).source
    other = {"model": "duchenne-rules", "input": [{"role": "user", "content": content}]}
    twin = read(_as_chat(parsed(json.dumps(other).encode(), ResponseRequest))).source
    assert found is not None and found == twin, "both protocols take the same parts"
    return found


@pytest.mark.parametrize(
    "head",
    [
        "data:video/mp4;base64,", "data:video/webm;codecs=vp8,opus;base64,",
        'data:video/mp4;codecs="avc1.42E01E, mp4a.40.2";base64,'.replace(" ", ""),
        "DATA:video/mp4;name=a,b.mp4;BASE64,", "data:;base64,", "data:video/mp4;charset=x; base64,",
    ],
)  # fmt: skip
def test_data_urls_with_parameters(head: str) -> None:
    if "; base64" in head:
        head = head.replace("; ", ";")
    assert source({"type": "video_url", "video_url": {"url": head + B64}}) == Source("base64", B64)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "video", "video": f"data:video/mp4;base64,{B64}"},
        {"type": "video", "video": {"url": f"data:video/mp4;base64,{B64}"}},
        {"type": "video", "video": B64},
        {"type": "input_video", "input_video": {"data": B64, "format": "mp4"}},
        {"type": "input_video", "video_url": {"url": f"data:video/mp4;base64,{B64}"}},
        {"type": "video_url", "video_url": f"data:video/mp4;base64,{B64}"},
        {"type": "video_url", "url": f"data:video/mp4;base64,{B64}"},
        {"type": "input_file", "file_data": f"data:video/mp4;base64,{B64}"},
        {"type": "file", "file": {"file_data": B64}},
        {"video_url": {"url": f"data:video/mp4;base64,{B64}"}},
        {"type": "input_image", "image_url": {"url": f"data:image/png;base64,{B64}"}},
        {"type": "audio", "audio": {"data": B64, "format": "wav"}},
    ],
)
def test_other_shapes_of_the_same_part(part: Any) -> None:
    assert source(part) == Source("base64", B64)


def test_addresses_and_uploads_stay_what_they_are() -> None:
    assert source({"type": "video", "video": URL}) == Source("url", URL)
    assert source({"type": "input_file", "file_url": URL}) == Source("url", URL)
    assert source({"type": "video", "video": "file-abc"}) == Source("file", "file-abc")


@pytest.mark.parametrize(
    ("part", "fps"),
    [
        ({"type": "video", "video": JPEGS, "fps": 10}, 10.0),
        ({"type": "video", "video": {"frames": 1, "data": JPEGS, "fps": 4.0}}, 4.0),
        ({"type": "video", "video": [f"data:image/jpeg;base64,{j}" for j in JPEGS]}, None),
        ({"type": "video", "video": [{"image_url": {"url": j}} for j in JPEGS]}, None),
        ({"type": "video_url", "video_url": "data:video/jpeg;base64," + ",".join(JPEGS)}, None),
    ],
)  # fmt: skip
def test_lists_of_frames_are_one_video(part: Any, fps: float | None) -> None:
    assert source(part) == Source("frames", ",".join(JPEGS), fps)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ([{"type": "hologram", "x": 1}], ["messages.0.content.0", "hologram", TAKEN]),
        ([{"type": "text", "text": "?"}, {"type": "video_url"}], ["content.1", "video_url"]),
        ([{"type": "video", "video": [URL]}], ["content.0", "frame 0"]),
        ([{"type": "text", "text": 7}], ["content.0", "`text`"]),
        ([7], ["content.0", "video_url"]),
        (7, ["messages.0.content", "list of parts"]),
        ([{"type": "video", "video": []}], ["content.0", "without a frame"]),
        ([{"type": "video", "video": JPEGS, "fps": "fast"}], ["content.0", "fps"]),
    ],
)
def test_an_error_names_the_part_and_what_is_taken(content: Any, parts: list[str]) -> None:
    body = {"model": "duchenne-rules", "messages": [{"role": "user", "content": content}]}
    with pytest.raises(ApiError) as caught:
        parsed(json.dumps(body).encode(), ChatRequest)
    assert caught.value.status == 400
    assert all(part in caught.value.message for part in parts), caught.value.message


def test_several_clips_in_one_message_get_a_clear_answer() -> None:
    content = [{"type": "video", "video": URL}, {"type": "image", "image": URL}, "who?"]
    body = {"model": "duchenne-rules", "messages": [{"role": "user", "content": content}]}
    with pytest.raises(ApiError, match="one clip to a question") as caught:
        read(parsed(json.dumps(body).encode(), ChatRequest))
    assert "2 came, in parts 0, 1" in caught.value.message and "fps" in caught.value.message


def test_frames_of_two_kinds_or_none_are_refused() -> None:
    png, jpeg = base64.b64decode(frame("PNG", 1)), base64.b64decode(JPEGS[0])
    with pytest.raises(ValueError, match="one kind"):
        film([png, jpeg], 2)
    for broken in (b"GIF89a", b"\xff\xd8\xff", b""):
        with pytest.raises(ValueError, match="frame 0"):
            film([broken], 2)


@pytest.fixture(scope="module")
def server() -> Any:
    one = served.Served().ready()
    yield one
    one.kill()


def test_a_server_answers_them(server: Any) -> None:
    client = server.client()
    pngs = [frame("PNG", hue) for hue in range(0, 250, 50)]
    broken = "\n".join(B64[n : n + 76] for n in range(0, len(B64), 76))
    parts: list[tuple[Any, str, float | None]] = [
        ({"type": "video", "video": f"data:video/webm;codecs=a,b;base64,{B64}"}, "video", None),
        ({"type": "input_video", "input_video": {"data": broken.rstrip("=")}}, "video", None),
        ({"type": "video", "video": JPEGS, "fps": 10}, "video", 0.5),
        ({"type": "video", "video": pngs}, "video", 2.5),
        ({"type": "image", "image": data(picture(), "image/png")}, "image", None),
        ({"type": "audio", "audio": {"data": base64.b64encode(tone()).decode()}}, "audio", None),
    ]  # fmt: skip
    for part, kind, seconds in parts:
        done: Any = client.chat.completions.create(
            model="duchenne-rules",
            messages=[{"role": "user", "content": [part, {"type": "text", "text": "Who is it?"}]}],
        )
        assert done.duchenne["media"]["kind"] == kind
        if seconds is not None:
            assert done.duchenne["media"]["duration"] == pytest.approx(seconds, abs=0.15)
            assert any("2 a second" in each for each in done.duchenne["ignored"]) == (
                seconds == 2.5
            )
