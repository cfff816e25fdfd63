"""Public clients against a running server, unchanged: what each gives, and which are not here.

    python -m eval.try_clients http://127.0.0.1:8080 --clip CLIP [--key KEY] [--model NAME]

One question through each: the openai package (plain, streamed, JSON, the Responses shape, an
upload), curl, LangChain's ChatOpenAI (plain and streamed), LiteLLM's SDK, instructor (a record of
one's own), Pydantic AI. Imports nothing of this project, so that any environment can run it as a
file: `python eval/try_clients.py`. Exit code 1 where a client fails.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import compress, crc32

Json = dict[str, Any]
QUESTION = "What does this person feel, and why?"


class FailedError(Exception):
    """A client got something else than it should."""


@dataclass(frozen=True)
class Server:
    """Who is asked, about what."""

    url: str
    key: str
    model: str
    clip: str
    """A data: URL."""
    path: Path

    @property
    def messages(self) -> list[Json]:
        """One question with its clip, as the protocol writes it."""
        clip = {"type": "video_url", "video_url": {"url": self.clip}}
        return [{"role": "user", "content": [clip, {"type": "text", "text": QUESTION}]}]


def with_openai(server: Server) -> str:
    """The official package: plain and streamed must say the same; JSON must be the answer."""
    import openai

    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key)
    asked: Any = {"model": server.model, "messages": server.messages}
    plain = client.chat.completions.create(**asked)
    text = plain.choices[0].message.content or ""
    whole: Json = (plain.model_extra or {})["duchenne"]
    streamed = "".join(
        chunk.choices[0].delta.content or ""
        for chunk in client.chat.completions.create(**asked, stream=True)
        if chunk.choices
    )
    _same("streamed", streamed, text)
    form: Any = {"type": "json_object"}
    made = client.chat.completions.create(**asked, response_format=form)
    _same("JSON", json.loads(made.choices[0].message.content or "")["answer"], text)
    _same("structured", whole["answer"]["answer"], text)
    upload = client.files.create(file=server.path, purpose="user_data")
    parts: Any = [
        {"role": "user", "content": [{"type": "input_file", "file_id": upload.id},
                                     {"type": "input_text", "text": QUESTION}]}
    ]  # fmt: skip
    _same("Responses", client.responses.create(model=server.model, input=parts).output_text, text)
    client.files.delete(upload.id)
    return text


def with_curl(server: Server) -> str:
    """The command, as the documentation shows it."""
    command = shutil.which("curl")
    if command is None:
        raise ModuleNotFoundError("curl")
    body = json.dumps({"model": server.model, "messages": server.messages})
    head = ["-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {server.key}"]
    words = [command, "-sS", "--fail-with-body", f"{server.url}/v1/chat/completions", *head]
    done = subprocess.run(
        [*words, "-d", "@-"], input=body, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FailedError(done.stdout[:300] + done.stderr[:300])
    return str(json.loads(done.stdout)["choices"][0]["message"]["content"])


def with_langchain(server: Server) -> str:
    """ChatOpenAI, invoked and streamed."""
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(base_url=f"{server.url}/v1", api_key=server.key, model=server.model)
    text = str(chat.invoke(server.messages).content)
    _same("streamed", "".join(str(piece.content) for piece in chat.stream(server.messages)), text)
    return text


def with_litellm(server: Server) -> str:
    """The SDK, which takes any OpenAI-compatible endpoint."""
    import litellm

    where = {"api_base": f"{server.url}/v1", "api_key": server.key}
    done = litellm.completion(model=f"openai/{server.model}", messages=server.messages, **where)
    return str(done.choices[0].message.content)


def with_instructor(server: Server) -> str:
    """A record of one's own: its fields choose fields of the answer."""
    import instructor
    import openai
    from pydantic import BaseModel

    class Felt(BaseModel):
        answer: str
        valence: float
        arousal: float

    client = instructor.from_openai(
        openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key),
        mode=instructor.Mode.JSON_SCHEMA,
    )
    felt = client.chat.completions.create(
        model=server.model, messages=server.messages, response_model=Felt
    )
    return str(felt.answer)


def with_pydantic_ai(server: Server) -> str:
    """Its agent over its OpenAI model."""
    from pydantic_ai import Agent, BinaryContent
    from pydantic_ai.models.openai import (
        OpenAIChatModel,
    )
    from pydantic_ai.providers.openai import (
        OpenAIProvider,
    )

    provider = OpenAIProvider(base_url=f"{server.url}/v1", api_key=server.key)
    agent = Agent(OpenAIChatModel(server.model, provider=provider))
    return str(agent.run_sync([QUESTION, _picture(BinaryContent)]).output)


def _picture(content: Any) -> Any:
    """This client sends pictures and no videos: a grey one."""

    def chunk(kind: bytes, held: bytes) -> bytes:
        return struct.pack(">I", len(held)) + kind + held + struct.pack(">I", crc32(kind + held))

    head = struct.pack(">IIBBBBB", 64, 48, 8, 0, 0, 0, 0)
    rows = compress((b"\0" + b"\x5a" * 64) * 48)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return content(data=png, media_type="image/png")


CLIENTS: dict[str, Callable[[Server], str]] = {
    "openai": with_openai,
    "curl": with_curl,
    "LangChain": with_langchain,
    "LiteLLM": with_litellm,
    "instructor": with_instructor,
    "Pydantic AI": with_pydantic_ai,
}


def tried(server: Server) -> dict[str, tuple[str, str]]:
    """By client: fine, absent or failed, and what it said."""
    found = {}
    for name, ask in CLIENTS.items():
        began = time.monotonic()
        try:
            said = ask(server)
            how = "fine" if said.strip() else "failed"
        except ModuleNotFoundError as error:
            how, said = "absent", f"{error.name or error}"
        except Exception as error:  # the boundary to other people's programs: it is the finding
            how, said = "failed", f"{type(error).__name__}: {str(error)[:300]}"
        found[name] = (how, f"{time.monotonic() - began:.1f} s  {' '.join(said.split())[:90]}")
    return found


def _same(what: str, said: str, text: str) -> None:
    if said != text:
        raise FailedError(f"{what} says {said[:100]!r}, plain {text[:100]!r}")


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each client."""
    top = argparse.ArgumentParser(prog="python -m eval.try_clients")
    top.add_argument("url")
    top.add_argument("--clip", type=Path, required=True)
    top.add_argument("--key", default="none")
    top.add_argument("--model", default="duchenne-rules")
    asked = top.parse_args(argv)
    clip = "data:video/mp4;base64," + base64.b64encode(asked.clip.read_bytes()).decode()
    found = tried(Server(asked.url.rstrip("/"), asked.key, asked.model, clip, asked.clip))
    for name, (how, said) in found.items():
        print(f"{name:12} {how:7} {said}")
    return int(any(how == "failed" for how, _ in found.values()))


if __name__ == "__main__":
    sys.exit(main())
