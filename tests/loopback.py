"""A small real host on this machine that speaks the OpenAI protocol, or fails to.

What it says is a function of the request, so each test writes its own model.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Answering = Callable[[Json], tuple[Any, ...]]
"""Status and body, and headers where a third is given."""


class Talk:
    """Everything that was asked of one host."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.paths: list[str] = []
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []


@contextmanager
def host(
    answering: Answering,
    models: tuple[str, ...] = ("tiny",),
    metrics: Callable[[], str] = lambda: "",
) -> Iterator[Talk]:
    """A host whose chat completions are what `answering` makes of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name the base class calls
            talk.paths.append(self.path)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            talk.requests.append(body)
            talk.headers.append({k.lower(): v for k, v in self.headers.items()})
            if not self.path.endswith("/v1/chat/completions"):
                return self._send(404, {"detail": "Not Found"})
            status, told, *headers = answering(body)
            return self._send(status, told, *headers)

        def do_GET(self) -> None:
            if self.path.endswith("/v1/models"):
                data = [{"id": m, "object": "model", "created": 0, "owned_by": "x"} for m in models]
                return self._send(200, {"object": "list", "data": data})
            if self.path == "/metrics":
                return self._send(200, metrics().encode())
            return self._send(404, {"detail": "Not Found"})

        def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    talk = Talk(f"http://127.0.0.1:{server.server_port}/v1")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield talk
    finally:
        server.shutdown()
        server.server_close()


def said(text: str, finish: str = "stop") -> tuple[int, Json]:
    """A completion with this text."""
    message = {"role": "assistant", "content": text}
    return 200, {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8},
    }


def error(status: int, message: str) -> tuple[int, Json]:
    """An error as vLLM words it."""
    return status, {"error": {"message": message, "type": "x", "param": None, "code": status}}


def text_of(request: Json) -> str:
    """The text of the last user message."""
    content = request["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] == "text")


def pictures_of(request: Json) -> int:
    """How many pictures a request carried."""
    return sum(
        part["type"] == "image_url"
        for message in request["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
    )


def step_of(request: Json) -> str:
    """behaviour, cognition, emotion, mend or answer."""
    match = re.search(r"^# Your task: (\w+)", text_of(request), re.MULTILINE)
    return match[1] if match else "repair"


GOOD: dict[str, Json] = {
    "behaviour": {
        "claims": [
            {"text": "The lip corners rise markedly.", "cites": ["A1"]},
            {"text": "The cheeks rise.", "cites": ["A2"]},
        ],
        "behavior": "She smiles while she speaks.",
    },
    "cognition": {
        "claims": [{"text": "She takes what happens as welcome.", "cites": ["A1", "W1"]}],
        "cognition": "She welcomes it.",
    },
    "emotion": {
        "claims": [
            {"text": "Raised cheeks and lip corners together fit happiness.", "cites": ["A1", "A2"]}
        ],
        "emotions": [
            {"label": "happiness", "share": 80},
            {"label": "surprise", "share": 15},
            {"label": "neutral", "share": 5},
        ],
        "words": ["delighted"],
        "valence": 80,
        "arousal": 40,
        "confidence": 70,
    },
    "mend": {"claims": []},
    "answer": {
        "sentences": [
            {"text": "She feels happy: her cheeks and lip corners rise.", "cites": ["A1", "A2"]}
        ],
        "lacking": "",
    },
}
"""What a good model says about `by_hand.smiling`."""


def scripted(script: dict[str, Json] = GOOD) -> Answering:
    """A model that says its line for each step."""
    return lambda request: said(json.dumps(script[step_of(request)]))
