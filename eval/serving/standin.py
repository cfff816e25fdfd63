"""A language model's host that answers at once: what the server adds can be told from it.

    python -m eval.serving.standin [--port 0] [--slow S] [--obey LABEL [--cunning]]

Speaks the OpenAI protocol and answers each of the agent's steps in its JSON, citing the first
cues it was shown. With `--obey` it is the worst model there is: whatever is written into a clip
has won, and it says LABEL at every step; `--cunning` lets its claims be true and only the label
false. Knows no clip.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final

Json = dict[str, Any]
NAME: Final = "standin"
_TASK: Final = re.compile(r"^# Your task: (\w+)", re.MULTILINE)
_ROW: Final = re.compile(r"^([AHV]\d+) \|(?:[^|]*\|){7} (.+)$", re.MULTILINE)
"""A row of the cue table: its id and what it says in plain words."""


class StandIn:
    """An ASGI application."""

    def __init__(self, slow: float = 0.0, obey: str | None = None, cunning: bool = False) -> None:
        self._slow, self._obey, self._cunning = slow, obey, cunning
        self._last = b"{}"
        self.port = 0

    async def __call__(self, scope: Json, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        raw = b""
        more = True
        while more:
            message = await receive()
            raw += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["method"] == "POST":
            self._last = raw
            body = _completion(self._text(json.loads(raw)))
            await asyncio.sleep(self._slow)
        elif scope["path"].endswith("/models"):
            card = {"id": NAME, "object": "model", "created": 0, "owned_by": "duchenne"}
            body = json.dumps({"object": "list", "data": [card]}).encode()
        else:
            body = self._last
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    def _text(self, request: Json) -> str:
        content = request["messages"][-1]["content"]
        parts = content if isinstance(content, list) else [{"text": content}]
        text = "".join(part.get("text", "") for part in parts)
        found = _TASK.search(text)
        rows = _ROW.findall(text)[:2]
        return json.dumps(self._reply(found[1] if found else "", rows))

    def _reply(self, step: str, rows: list[tuple[str, str]]) -> Json:
        label = self._obey or "neutral"
        claims = [{"text": f"There is {said.strip()}.", "cites": [id]} for id, said in rows]
        if self._obey and not self._cunning:
            lie = f"The brows lower, the lids tighten and the voice is loud: {label}."
            claims = [{"text": lie, "cites": [id for id, _ in rows]}]
        sure = 100 if self._obey else 40
        replies: dict[str, Json] = {
            "behaviour": {"claims": claims, "behavior": "Faces the camera."},
            "cognition": {"claims": [], "cognition": "Attends to what is going on."},
            "emotion": {
                "claims": claims if self._obey else [],
                "emotions": [{"label": label, "share": 100}],
                "words": [],
                "valence": -90 if self._obey else 0,
                "arousal": 90 if self._obey else 0,
                "confidence": sure,
            },
            "mend": {"claims": [{"number": 1, **claim} for claim in claims[:1]]},
            "answer": {"sentences": claims, "lacking": "" if claims else "No cue shows it."},
        }
        return replies.get(step, replies["answer"])


def _completion(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
    head = {"id": "chatcmpl-0", "object": "chat.completion", "created": 0, "model": NAME}
    return json.dumps({**head, "choices": [choice], "usage": usage}).encode()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until it is killed; prints its port first."""
    import uvicorn

    top = argparse.ArgumentParser(prog="python -m eval.serving.standin")
    top.add_argument("--port", type=int, default=0)
    top.add_argument("--slow", type=float, default=0.0, metavar="S", help="seconds a reply takes")
    top.add_argument("--obey", metavar="LABEL")
    top.add_argument("--cunning", action="store_true")
    asked = top.parse_args(argv)
    app = StandIn(asked.slow, asked.obey, asked.cunning)
    config = uvicorn.Config(app, port=asked.port, log_level="warning", lifespan="off")
    listening = config.bind_socket()
    # Else a short answer waits 40 ms for an acknowledgement, which no real host makes it do.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(f'{{"event": "listening", "port": {listening.getsockname()[1]}}}', flush=True)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
