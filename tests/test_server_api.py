"""The endpoint as its clients use it: the official package, uploads, streams, conversations."""

from __future__ import annotations

import base64
import json
from typing import Any

import loopback
import openai
import pytest
import served
from served import clip, data, events, message, picture, tone

from agent.schema.answer import Answer
from agent.senses.speech.subtitles import MAX_BYTES


@pytest.fixture(scope="module")
def pair() -> served.Pair:
    return served.pair()


def question(text: str = "What does she feel?") -> Any:
    return [message(data(picture()), text)]


def moving(text: str = "What does she feel?") -> Any:
    return [message(data(clip()), text)]


def test_the_models_are_the_servers_own_the_rules_and_their_profiles(pair: served.Pair) -> None:
    names = [model.id for model in pair.server.client().models.list()]
    assert names[:2] == ["duchenne", "duchenne-rules"]
    assert "duchenne:learning" in names and "duchenne-rules:ambivalence" in names
    assert pair.server.client().models.retrieve("duchenne").id == "duchenne"


def test_a_clip_in_the_request_is_answered(pair: served.Pair) -> None:
    done = pair.server.client().chat.completions.create(
        model="duchenne-rules", messages=moving("When does she smile?")
    )
    said = done.choices[0].message
    whole: Any = done.model_extra
    answer = Answer.model_validate(whole["duchenne"]["answer"])
    assert said.content == answer.answer != ""
    assert done.choices[0].finish_reason == "stop"
    assert answer.model == "rules" and answer.evidence is None
    assert whole["duchenne"]["media"]["kind"] == "video"
    assert "No face" in said.content or answer.missing


def test_what_is_streamed_is_what_is_not(pair: served.Pair) -> None:
    client = pair.server.client()
    asked: Any = {"model": "duchenne-rules", "messages": moving()}
    whole: Any = client.chat.completions.create(**asked)
    texts, steps, ends, last = "", "", [], {}
    for chunk in client.chat.completions.create(**asked, stream=True):
        delta = chunk.choices[0].delta
        texts += delta.content or ""
        steps += getattr(delta, "reasoning", None) or ""
        ends += [chunk.choices[0].finish_reason] if chunk.choices[0].finish_reason else []
        last = (chunk.model_extra or {}).get("duchenne", {})
    assert texts == whole.choices[0].message.content
    assert steps == whole.choices[0].message.reasoning
    assert "behaviour" in steps and "check" in steps
    assert ends == ["stop"]
    given: Any = whole.model_extra
    assert last == given["duchenne"]


def test_a_stream_ends_once_and_counts_tokens_where_asked(pair: served.Pair) -> None:
    body = {"model": "duchenne", "messages": question(), "stream": True}
    plain = events(pair.server.post("/v1/chat/completions", body))
    counted = events(
        pair.server.post(
            "/v1/chat/completions", {**body, "stream_options": {"include_usage": True}}
        )
    )
    for rows in (plain, counted):
        assert rows.count("[DONE]") == 1 and rows[-1] == "[DONE]"
    assert not any("usage" in json.loads(row) for row in plain[:-1])
    last = json.loads(counted[-2])
    assert last["choices"] == [] and last["usage"]["prompt_tokens"] > 0


def test_tokens_are_those_the_model_counted(pair: served.Pair) -> None:
    before = len(pair.host.requests)
    done = pair.server.client().chat.completions.create(model="duchenne", messages=question())
    asked = len(pair.host.requests) - before
    assert asked >= 4 and done.usage is not None
    # The host of the tests counts 7 tokens read and 1 written for each request.
    assert done.usage.prompt_tokens == 7 * asked
    assert done.usage.completion_tokens == asked
    assert done.usage.total_tokens == 8 * asked
    ruled = pair.server.client().chat.completions.create(
        model="duchenne-rules", messages=question()
    )
    assert ruled.usage is not None and ruled.usage.total_tokens == 0


def test_pictures_sound_and_uploads_are_clips_too(pair: served.Pair) -> None:
    client = pair.server.client()
    sound = base64.b64encode(tone()).decode()
    upload = client.files.create(file=("a.mp4", clip()), purpose="user_data")
    parts: list[tuple[Any, str]] = [
        ({"type": "image_url", "image_url": {"url": data(picture(), "image/png")}}, "image"),
        ({"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}, "audio"),
        ({"type": "file", "file": {"file_id": upload.id}}, "video"),
        ({"type": "video_url", "video_url": {"url": upload.id}}, "video"),
        ({"type": "file", "file": {"file_data": data(clip())}}, "video"),
    ]
    for part, kind in parts:
        done: Any = client.chat.completions.create(
            model="duchenne-rules",
            messages=[{"role": "user", "content": [part, {"type": "text", "text": "Who is it?"}]}],
        )
        assert done.duchenne["media"]["kind"] == kind
    client.files.delete(upload.id)


def test_an_address_is_fetched(pair: served.Pair) -> None:
    pair.web.give(clip())
    assert pair.server.ask(f"{pair.web.url}/clip.mp4").status_code == 200


def test_an_upload_can_be_listed_and_deleted(pair: served.Pair) -> None:
    client = pair.server.client()
    made = client.files.create(file=("my clip.mp4", clip()), purpose="user_data")
    assert made.bytes == len(clip()) and made.filename == "my clip.mp4"
    assert made.id in [one.id for one in client.files.list()]
    assert client.files.retrieve(made.id).id == made.id
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)


SAID = "We really got the flat!"
SUBRIP = f"1\n00:00:00,100 --> 00:00:00,500\n{SAID}\n".encode()
WEBVTT = f"\ufeffWEBVTT\n\n00:00.100 --> 00:00.500\n{SAID}\n".encode()
SPEECH = json.dumps({"segments": [{"start": 0.1, "end": 0.5, "text": SAID}]}).encode()


@pytest.mark.parametrize(
    ("name", "text"),
    [("said.en.srt", SUBRIP), ("said.vtt", WEBVTT), ("talk.json", SPEECH),
     ("", SUBRIP), ("noname", WEBVTT), ("x.txt", SPEECH)],
)  # fmt: skip
def test_subtitles_that_come_along_are_read_counted_and_go_with_their_clip(
    pair: served.Pair, name: str, text: bytes
) -> None:
    """By their name, else by how they begin; a field without a file name is text as well."""
    before = pair.server.metric("duchenne_media_bytes_total")
    form: Any = {"file": ("a.mp4", clip())}
    form["subtitles"] = (name or None, text)
    made = pair.server.post("/v1/files", files=form)
    assert made.status_code == 200, made.text
    assert made.json()["bytes"] == len(clip())
    taken = pair.server.metric("duchenne_media_bytes_total") - before
    assert taken == len(clip()) + len(text)
    answer = pair.server.ask(made.json()["id"], "What does she say?").json()
    assert SAID in answer["choices"][0]["message"]["content"]
    assert [cue["text"] for cue in answer["duchenne"]["cues"]] == [SAID]
    assert pair.server.http.delete(
        f"{pair.server.url}/v1/files/{made.json()['id']}", headers=pair.server.headers
    ).json()["deleted"]
    assert not [path for path in pair.server.folder.rglob("clip*") if path.is_file()]


def test_subtitles_that_are_none_are_refused_and_too_large_ones_never_kept(
    pair: served.Pair,
) -> None:
    for text, status, code in (
        (b"\x00\xff\x00", 400, "unreadable_subtitles"),
        (b"{" * 9000, 400, "unreadable_subtitles"),
        (b"1\n" * (MAX_BYTES // 2 + 1), 413, "body_too_large"),
    ):
        form: Any = {"file": ("a.mp4", clip()), "subtitles": ("a.srt", text)}
        made = pair.server.post("/v1/files", files=form)
        refused = made if status == 413 else pair.server.ask(made.json()["id"], "Who is it?")
        assert (refused.status_code, served.error(refused)["code"]) == (status, code), refused.text
    two: Any = [("file", ("a.mp4", clip())), *[("subtitles", ("a.srt", SUBRIP))] * 2]
    assert pair.server.post("/v1/files", files=two).status_code == 400
    for one in pair.server.get("/v1/files").json()["data"]:
        pair.server.http.delete(
            f"{pair.server.url}/v1/files/{one['id']}", headers=pair.server.headers
        )


def test_json_formats_give_the_structured_answer(pair: served.Pair) -> None:
    client = pair.server.client()
    whole = client.chat.completions.create(
        model="duchenne-rules", messages=question(), response_format={"type": "json_object"}
    )
    assert Answer.model_validate_json(whole.choices[0].message.content or "")
    schema = {
        "type": "object",
        "properties": {"valence": {"type": "number"}, "answer": {"type": "string"}},
    }
    some: Any = {"type": "json_schema", "json_schema": {"name": "mine", "schema": schema}}
    part = client.chat.completions.create(
        model="duchenne-rules", messages=question(), response_format=some
    )
    assert set(json.loads(part.choices[0].message.content or "")) == {"valence", "answer"}
    schema["properties"]["shoe_size"] = {"type": "number"}  # type: ignore[index]  # a literal
    with pytest.raises(openai.BadRequestError, match="shoe_size"):
        client.chat.completions.create(
            model="duchenne-rules", messages=question(), response_format=some
        )


def test_a_conversation_goes_on_without_the_clip(pair: served.Pair) -> None:
    client = pair.server.client()
    first: Any = client.chat.completions.create(
        model="duchenne", messages=question(), extra_body={"conversation": "new"}
    )
    kept = first.duchenne["conversation"]
    again: Any = client.chat.completions.create(
        model="duchenne",
        messages=[{"role": "user", "content": "And why?"}],
        extra_body={"conversation": kept},
    )
    assert again.duchenne["conversation"] == kept
    assert 'asked: "What does she feel?"' in loopback.text_of(pair.host.requests[-1])
    assert again.duchenne["media"]["sha256"] == first.duchenne["media"]["sha256"]
    other = moving()
    with pytest.raises(openai.ConflictError):
        client.chat.completions.create(
            model="duchenne", messages=other, extra_body={"conversation": kept}
        )
    assert client.delete(f"/conversations/{kept}", cast_to=object)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(
            model="duchenne", messages=question(), extra_body={"conversation": kept}
        )


def test_what_the_client_sends_along_of_the_talk_is_read(pair: served.Pair) -> None:
    talk: Any = [
        *question("Is anybody there?"),
        {"role": "assistant", "content": "Nobody, only a square."},
        {"role": "user", "content": "And at the end?"},
    ]
    pair.server.client().chat.completions.create(model="duchenne", messages=talk)
    read = loopback.text_of(pair.host.requests[-1])
    assert 'asked: "Is anybody there?"' in read and "only a square" in read


def test_the_profile_of_the_models_name_is_the_one_used(pair: served.Pair) -> None:
    # The host of the tests knows the labels of another profile only, so its words are no answer.
    with pytest.raises(openai.InternalServerError, match="no usable reply"):
        pair.server.client().chat.completions.create(model="duchenne:learning", messages=question())
    assert "Monitoring" in loopback.text_of(pair.host.requests[-1])


def test_sound_that_is_missing_is_declared(pair: served.Pair) -> None:
    answer: Any = pair.server.client().chat.completions.create(
        model="duchenne-rules", messages=question("How does she sound?")
    )
    assert {"words"} <= {one["what"] for one in answer.duchenne["answer"]["missing"]}


def test_no_field_of_a_client_reaches_the_model_host(pair: served.Pair) -> None:
    """Requirement 9: bodies for the host are made from the evidence and the question alone."""
    before = len(pair.host.requests)
    hostile = {
        "mm_processor_kwargs": {"code_revision": "x", "fps": 1000},
        "chat_template": "{{ 7 * 7 }}",
        "chat_template_kwargs": {"x": "canary-1"},
        "image_embeds": "canary-2",
        "prompt_embeds": "canary-3",
        "cache_salt": "canary-4",
        "uuid": "canary-5",
        "guided_regex": "(a+)+$",
        "structured_outputs": {"regex": "canary-6"},
        "logit_bias": {"1": 100},
        "max_tokens": 123456,
        "temperature": 1.9,
        "user": "canary-7",
        "extra_body": {"x": "canary-8"},
        "documents": [{"text": "canary-9"}],
    }
    told: Any = question()
    told[0] |= {"name": "canary-10", "uuid": "canary-11"}
    told[0]["content"][0] |= {"uuid": "canary-12", "video_url": {"url": data(clip()), "fps": 900}}
    done = pair.server.post(
        "/v1/chat/completions", {"model": "duchenne", "messages": told, **hostile}
    )
    assert done.status_code == 200
    assert {"mm_processor_kwargs", "temperature"} <= set(done.json()["duchenne"]["ignored"])
    sent = pair.host.requests[before:]
    assert sent
    for body in sent:
        assert set(body) <= {"model", "messages", "stream", "response_format", "max_tokens",
                             "temperature"}  # fmt: skip
        assert body["temperature"] == 0 and body["max_tokens"] <= 4000
        assert "canary" not in json.dumps(body)


def test_answers_tell_nothing_of_this_machine(pair: served.Pair) -> None:
    done = pair.server.post("/v1/chat/completions", {"model": "duchenne", "messages": question()})
    assert str(pair.server.folder) not in done.text and "/tmp" not in done.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": "duchenne"}, 400),
        ({"model": "gpt-4", "messages": [{"role": "user", "content": "x"}]}, 404),
        ({"model": "duchenne:nothing", "messages": [{"role": "user", "content": "x"}]}, 404),
        ({"model": "duchenne", "messages": []}, 400),
        ({"model": "duchenne", "messages": [{"role": "user", "content": "no clip"}]}, 400),
        ({"model": "duchenne", "messages": [{"role": "assistant", "content": "x"}]}, 400),
        ({"model": "duchenne", "messages": [{"role": "user", "content": [{"type": "x"}]}]}, 400),
        ({"model": "duchenne", "messages": "x" * 100}, 400),
        ({"model": "duchenne", "messages": [message("data:video/mp4,x", "?")]}, 400),
        ({"model": "duchenne", "messages": [message("data:video/mp4;base64,§", "?")]}, 400),
        ({"model": "duchenne", "messages": [message("data:video/mp4;base64,", "?")]}, 400),
        ({"model": "duchenne", "messages": [message("file-abc", "?")]}, 404),
        ({"model": "duchenne", "messages": [message("file-../../../etc/passwd", "?")]}, 404),
        ({"model": "duchenne", "messages": [message("x", "q" * 5000)]}, 400),
        ({"model": "duchenne", "messages": [message("x", "?")], "n": 3}, 400),
        ({"model": "duchenne", "messages": [message("x", "?")], "tools": [{"a": 1}]}, 400),
        ({"model": "duchenne", "messages": [message("x", "?")], "conversation": "old"}, 400),
        ({"model": "duchenne", "messages": [message("x", "?")], "conversation": "conv-1"}, 404),
        ([1, 2], 400),
    ],
    ids=range(19),
)
def test_requests_that_cannot_be_are_refused_in_the_protocols_shape(
    pair: served.Pair, body: Any, code: int
) -> None:
    answer = pair.server.post("/v1/chat/completions", body)
    assert answer.status_code == code
    assert served.error(answer)["message"]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"model":' * 20_000, b"NaN", b"null"]
)
def test_bodies_that_are_no_json_are_refused(pair: served.Pair, raw: bytes) -> None:
    answer = pair.server.post(
        "/v1/chat/completions", content=raw, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    served.error(answer)


def test_an_error_in_a_stream_is_told_and_the_stream_ended_once(pair: served.Pair) -> None:
    pair.model.fails = loopback.error(401, "secret words of the host, at /srv/models 0x7fff1234")
    try:
        body = {"model": "duchenne", "messages": question(), "stream": True}
        rows = events(pair.server.post("/v1/chat/completions", body))
        assert rows.count("[DONE]") == 1 and rows[-1] == "[DONE]"
        failure = json.loads(rows[-2])["error"]
        assert failure["code"] == "model_refused"
        assert not any("secret" in row or "0x7f" in row for row in rows)
        with pytest.raises(openai.APIError):
            list(
                pair.server.client().chat.completions.create(
                    model="duchenne", messages=question(), stream=True
                )
            )
        plain = pair.server.post(
            "/v1/chat/completions", {"model": "duchenne", "messages": question()}
        )
        assert plain.status_code == 502 and "secret" not in plain.text
    finally:
        pair.model.fails = None


def test_a_silent_stream_shows_that_it_lives(pair: served.Pair) -> None:
    pair.model.slow = 0.6
    try:
        body = {"model": "duchenne", "messages": question(), "stream": True}
        text = pair.server.post("/v1/chat/completions", body).text
    finally:
        pair.model.slow = 0
    assert text.count(": alive") >= 2


def test_the_document_tells_of_every_route(pair: served.Pair) -> None:
    paths = pair.server.get("/openapi.json").json()["paths"]
    assert {"/v1/chat/completions", "/v1/files", "/v1/models", "/readyz", "/metrics"} <= set(paths)


def test_the_responses_shape_answers_the_same(pair: served.Pair) -> None:
    client = pair.server.client()
    talk: Any = [
        {
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": data(picture(), "image/png")},
                {"type": "input_text", "text": "What does she feel?"},
            ],
        }
    ]
    chat = client.chat.completions.create(model="duchenne", messages=question())
    whole = client.responses.create(model="duchenne", input=talk)
    assert whole.output_text == chat.choices[0].message.content
    assert whole.status == "completed" and whole.usage is not None
    assert chat.usage is not None and whole.usage.input_tokens == chat.usage.prompt_tokens
    texts, kinds = "", []
    for one in client.responses.create(model="duchenne", input=talk, stream=True):
        kinds.append(one.type)
        texts += one.delta if one.type == "response.output_text.delta" else ""
    assert texts == whole.output_text
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert kinds.count("response.completed") == 1 and "response.reasoning_text.delta" in kinds
    made: Any = client.responses.create(
        model="duchenne-rules", input=talk, extra_body={"conversation": "new"}
    )
    again = client.responses.create(
        model="duchenne-rules", input="And why?", conversation=made.conversation.id
    )
    assert again.output_text
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="duchenne", input="No clip.")


def test_a_clip_is_looked_at_once_however_often_it_is_asked_about(pair: served.Pair) -> None:
    client = pair.server.client()
    made = client.files.create(file=("a.mp4", clip(hue=70)), purpose="user_data")
    seen = []
    for model in ("duchenne-rules", "duchenne", "duchenne", "duchenne-rules"):
        assert pair.server.ask(made.id, model=model).status_code == 200
        seen.append(pair.server.metric("duchenne_media_seconds_total"))
    assert len(set(seen)) == 1
    first, again = (loopback.pictures_of(pair.host.requests[i]) for i in (-5, -1))
    assert first == again > 0
    client.files.delete(made.id)
    assert not list(pair.server.folder.glob(f"duchenne-serve-*/*/files/{made.id}"))
