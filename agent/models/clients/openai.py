"""Any OpenAI-compatible endpoint, vLLM first, through the official client.

Knows the protocol and its failures. What a host refuses (JSON schemas, pictures) is tried
once, remembered, and not sent again.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import openai
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

import prompts
from agent.models.clients import (
    Completion,
    HostBusyError,
    HostRefusedError,
    HostTimeoutError,
    HostUnreachableError,
    Message,
    NoSuchModelError,
    WrongKeyError,
    bounded,
)
from agent.schema.state import Json

T = TypeVar("T")
OFFICIAL: Final = "https://api.openai.com/v1"
TRIES: Final = 3
"""For answers that ask to come again (429, 5xx) and broken connections; a timeout is final."""
BUSY: Final = (429, 503)
MOST_WAIT: Final = 30.0
"""Seconds; a host that asks to be left alone for longer is asked again after these."""
_ABOUT_PICTURES: Final = re.compile(r"image|multi-?modal|vision", re.IGNORECASE)
_TOO_MANY: Final = re.compile(r"at most|limit|too many", re.IGNORECASE)
_TOO_LONG: Final = re.compile(r"context length|max(imum)?[ _]model[ _]len|too long", re.IGNORECASE)


class OpenAIHost:
    """One model behind one base URL."""

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 300.0,
        max_tokens: int = 2000,
    ) -> None:
        """`base_url` with its `/v1`; the key comes from DUCHENNE_API_KEY or OPENAI_API_KEY.

        `timeout`: seconds until an answer must be there. `max_tokens`: length of one answer.
        """
        self.name = f"openai:{model}"
        self.model = model
        self.url = base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL
        self.timeout = timeout
        self.max_tokens = max_tokens
        self.busy_tries = TRIES
        """Of them for a host that says it is busy; whoever paces calls sets 1."""
        self.lacks: tuple[str, ...] = ()
        key = api_key or os.environ.get("DUCHENNE_API_KEY") or os.environ.get("OPENAI_API_KEY")
        if key is None and self.url.startswith(OFFICIAL):
            raise WrongKeyError(
                f"{self.name} at {self.url} needs a key: set OPENAI_API_KEY, or name your own "
                "host with --base-url http://HOST:PORT/v1"
            )
        self._client = openai.OpenAI(
            base_url=self.url,
            api_key=key or "none",
            max_retries=0,
            timeout=openai.Timeout(timeout, connect=10.0),
            http_client=_wires(),
        )

    def revision(self) -> str:
        """The model's name and what the host says it stands for. Raises ModelError."""
        found = self._patiently(lambda: self._client.models.list())
        known = {model.id: model for model in found.data}
        if self.model not in known:
            names = ", ".join(known) or "none"
            raise NoSuchModelError(f"{self.url} has no model {self.model!r}; it has {names}")
        root = str(getattr(known[self.model], "root", None) or "")
        root = Path(root).name if root.startswith("/") else root
        return f"{self.model}@{root}" if root and root != self.model else self.model

    def complete(self, messages: list[Message], schema: Json) -> Completion:
        """One completion; see `Host.complete`."""
        while True:
            # As of now: several people are reasoned about at once, each with requests of its own.
            lacks = self.lacks
            try:
                answer = self._patiently(partial(self._send, messages, schema, lacks))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                culprit = self._culprit(error, messages, lacks)
                self.lacks = tuple(dict.fromkeys((*self.lacks, culprit)))
            else:
                return self._read(answer)

    def body(self, messages: list[Message], schema: Json, lacks: tuple[str, ...] = ()) -> Json:
        """A request as the protocol writes it, without what the host turned out not to take."""
        plain = "json_schema" in lacks
        told = [*messages]
        if plain:
            shape = prompts.fill("shape", schema=_dumps(schema))
            last = told[-1]
            told[-1] = Message(last.role, f"{last.text}\n\n{shape}", last.pictures)
        extra: Json = {} if plain else {"response_format": _format(schema)}
        limit = "max_completion_tokens" if "max_tokens" in lacks else "max_tokens"
        extra[limit] = self.max_tokens
        if "temperature" not in lacks:
            extra["temperature"] = 0
        shown = [_message(message, "pictures" not in lacks) for message in told]
        return {"model": self.model, "messages": shown, **extra}

    def _send(
        self, messages: list[Message], schema: Json, lacks: tuple[str, ...]
    ) -> ChatCompletion:
        return self._client.chat.completions.create(
            **self.body(messages, schema, lacks), stream=False
        )

    def _culprit(
        self, error: openai.APIStatusError, messages: list[Message], lacks: tuple[str, ...]
    ) -> str:
        """Which part of a refused request to leave out from now on; raises if none is left."""
        said = _said(error)
        if _TOO_LONG.search(said):
            raise HostRefusedError(
                f"{self.name} at {self.url}: the clip's evidence and pictures are longer than "
                f"the model's context ({said}); serve it with a larger --max-model-len"
            ) from error
        pictures = any(message.pictures for message in messages)
        if pictures and "pictures" not in lacks and _ABOUT_PICTURES.search(said):
            if _TOO_MANY.search(said):
                raise HostRefusedError(
                    f"{self.name} at {self.url} takes fewer pictures than were sent ({said}); "
                    """serve it with --limit-mm-per-prompt '{"image": 16}'"""
                ) from error
            return "pictures"
        # Newer models of the official host take another name for the limit, and no temperature.
        for setting in ("max_tokens", "temperature"):
            if f"'{setting}'" in said and "nsupported" in said and setting not in lacks:
                return setting
        if "json_schema" not in lacks:
            return "json_schema"
        raise HostRefusedError(f"{self.name} at {self.url} refused the request: {said}") from error

    def _patiently(self, send: Callable[[], T]) -> T:
        """Send, again where the host asks for it; every failure under its own name."""
        for attempt in range(1, TRIES + 1):
            wait = 0.3 * 2**attempt
            try:
                return send()
            except openai.APITimeoutError as error:
                raise HostTimeoutError(
                    f"{self.name} at {self.url} gave no answer within {self.timeout:g} s; is it "
                    "busy or still loading? Set DUCHENNE_TIMEOUT to wait longer"
                ) from error
            except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
                raise WrongKeyError(
                    f"{self.name} at {self.url} does not accept the key ({_said(error)}); set "
                    "DUCHENNE_API_KEY or OPENAI_API_KEY to one that it does"
                ) from error
            except openai.NotFoundError as error:
                raise NoSuchModelError(self._absent(error)) from error
            except bounded.TooMuchError as error:
                raise self._foreign(str(error)) from error
            except openai.APIConnectionError as error:
                if isinstance(error.__cause__, bounded.TooMuchError):
                    raise self._foreign(str(error.__cause__)) from error
                if attempt == TRIES:
                    raise HostUnreachableError(
                        f"nobody answers at {self.url} ({error.__cause__ or error}); is the host "
                        "running, and is --base-url right?"
                    ) from error
            except ValueError as error:  # the body was no JSON
                raise self._foreign(str(error)) from error
            except (openai.RateLimitError, openai.InternalServerError) as error:
                after = _after(error)
                often = self.busy_tries if error.status_code in BUSY else TRIES
                if attempt >= often or _spent(error):
                    raise self._failed(error, attempt, after) from error
                wait = max(wait, min(after or 0.0, MOST_WAIT))
            time.sleep(wait)
        raise AssertionError("unreachable")

    def _failed(
        self, error: openai.APIStatusError, attempt: int, after: float | None
    ) -> HostRefusedError:
        times = "once" if attempt == 1 else f"{attempt} times"
        said = (
            f"{self.name} at {self.url} failed {times}: {error.status_code} {_said(error)}; "
            "look at the host's log, or try again later"
        )
        busy = error.status_code in BUSY and not _spent(error)
        return HostBusyError(said, after) if busy else HostRefusedError(said)

    def _absent(self, error: openai.NotFoundError) -> str:
        """Why a 404 came: no such model, or no such address."""
        try:
            names = [model.id for model in self._client.models.list()]
        except (openai.OpenAIError, bounded.TooMuchError):
            return (
                f"{self.url} has no chat completions ({_said(error)}); a base URL usually ends "
                "in /v1"
            )
        return (
            f"{self.url} has no model {self.model!r}; it has "
            f"{', '.join(names) or 'none'}: use --model openai:NAME with one of them"
        )

    def _foreign(self, said: str) -> HostRefusedError:
        return HostRefusedError(
            f"what answers at {self.url} does not speak the OpenAI protocol ({said}); is "
            "--base-url right? It usually ends in /v1"
        )

    def _read(self, answer: ChatCompletion) -> Completion:
        """The text of an answer; hosts that speak another protocol are told apart here."""
        choices = getattr(answer, "choices", None)
        if not choices or choices[0].message is None:
            raise self._foreign(str(answer)[:200])
        choice = choices[0]
        usage = answer.usage
        read, written = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        text = choice.message.content or ""
        return Completion(text, choice.finish_reason == "length", read, written)


def _message(message: Message, shown: bool) -> ChatCompletionMessageParam:
    """A message as the protocol writes it, its pictures before its text."""
    plain: Json = {"role": message.role, "content": message.text}
    if message.pictures and shown:
        parts: list[Json] = [
            {"type": "image_url", "image_url": {"url": _data_url(picture.png)}}
            for picture in message.pictures
        ]
        plain["content"] = [*parts, {"type": "text", "text": message.text}]
    return cast(ChatCompletionMessageParam, plain)


def _format(schema: Json) -> Json:
    inner = {"name": "reply", "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": inner}


@cache
def _wires() -> openai.DefaultHttpxClient:
    """One pool of connections a process: reading certificates takes longer than a short reply."""
    hooks: dict[str, list[Callable[..., Any]]] = {
        "request": [bounded.ask_plainly],
        "response": [bounded.bound],
    }
    return openai.DefaultHttpxClient(event_hooks=hooks)


@lru_cache(maxsize=64)
def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _dumps(schema: Json) -> str:
    return json.dumps(schema, ensure_ascii=False)


def _after(error: openai.APIStatusError) -> float | None:
    """Seconds until the host wants to be asked again, by its Retry-After header."""
    told = error.response.headers.get("retry-after")
    if told is None:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return None


def _spent(error: openai.APIStatusError) -> bool:
    """Whether a 429 means that no money is left: waiting does not help."""
    return error.status_code == 429 and error.code == "insufficient_quota"


def _said(error: openai.APIStatusError) -> str:
    """The host's own words, short and on one line."""
    body: Any = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or error.message).split())[:300]
