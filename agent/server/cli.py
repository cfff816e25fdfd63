"""`duchenne serve`: reads arguments, begins the server, ends it in order.

SIGTERM or Ctrl-C: readiness goes at once, nothing new is taken, what runs may end within the
grace time; then children, files and process go, with exit code 0.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.server.settings import DAY, MIB, Settings
from agent.util import listen
from agent.util.advice import advice

if TYPE_CHECKING:
    from agent.server.middleware import Middleware
    from agent.server.supervisor import Supervisor

FAILED, USAGE = 1, 2
NEEDS = ("fastapi", "uvicorn", "multipart", "prometheus_client", "h11")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until it is told to end; the exit code."""
    arguments = parser().parse_args(argv)
    lacking = [name for name in NEEDS if find_spec(name) is None]
    if lacking:
        return _complain(f"{', '.join(lacking)} not installed: {advice('serve')}")
    from agent.server import keys

    try:
        if arguments.new_key:
            return _new_key(arguments)
        settings, supervisor = _settings(arguments), _keeper(arguments)
        if supervisor:
            model = f"openai:{supervisor.hosting.name}"
            settings = replace(settings, model=model, base_url=f"{supervisor.hosting.url}/v1")
        try:
            place = listen.bound(settings.host, settings.port)
        except OSError as error:
            return _complain(str(error), FAILED)
        with place:
            return asyncio.run(serve(settings, supervisor, place))
    except (keys.KeysError, OSError) as error:
        return _complain(str(error))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    usual = Settings()
    top = argparse.ArgumentParser(
        prog="duchenne serve",
        description="Answer questions about clips over HTTP, as an OpenAI-compatible endpoint.",
    )
    top.add_argument("--host", default=usual.host, help="address to listen at (127.0.0.1)")
    top.add_argument(
        "--port", type=listen.port, default=usual.port, help="0 for any free one (8080)"
    )
    top.add_argument(
        "--model", default=usual.model, metavar="M", help="rules, openai:NAME, hf:PATH"
    )
    top.add_argument("--base-url", metavar="U", help="of the language model's host")
    top.add_argument("--vllm", metavar="ARGS", help="start vLLM too and keep it running; in one "
                     "text what duchenne vllm takes, such as 'models/ours --gpus 2'")  # fmt: skip
    top.add_argument("--vllm-log", type=Path, metavar="FILE", help="what it says (in the cache)")
    who = top.add_argument_group("who may ask")
    who.add_argument("--keys", type=Path, metavar="FILE", help="hashed keys; needed off loopback")
    who.add_argument(
        "--new-key", metavar="NAME", help="make a key, add it to --keys, print it, end"
    )
    who.add_argument(
        "--name", action="append", default=[], metavar="HOST", help="host name to be called by"
    )
    kept = top.add_argument_group("what is kept")
    kept.add_argument("--state", type=Path, metavar="DIR", help="uploads, conversations; else gone")
    kept.add_argument("--threads", metavar="URL", default=os.environ.get("DUCHENNE_THREADS"),
                      help="postgresql://… for what was said (DUCHENNE_THREADS)")  # fmt: skip
    kept.add_argument("--keep-evidence", action="store_true", help="remember what was measured")
    kept.add_argument("--keep-seconds", type=float, default=usual.upload_seconds, metavar="S",
                      help="how long unused uploads and conversations are kept (3600)")  # fmt: skip
    kept.add_argument("--evidence-days", type=float, default=usual.kept_seconds / DAY, metavar="N",
                      help="how long that is kept after its last use (30)")  # fmt: skip
    kept.add_argument("--evidence-mib", type=int, default=usual.kept_bytes // MIB, metavar="N",
                      help="how much of it for each key (1024)")  # fmt: skip
    kept.add_argument("--blur-faces", action="store_true", help="in pictures for the model's host")
    bounds = top.add_argument_group("limits")
    bounds.add_argument("--slots", type=int, default=usual.slots, help="clips worked on at once")
    bounds.add_argument("--queue", type=int, default=usual.queue, help="requests that may wait (8)")
    bounds.add_argument("--deadline", type=float, default=usual.deadline, metavar="S")
    bounds.add_argument("--max-request-tokens", type=int, default=usual.tokens, metavar="N",
                        help="of the language model, over all steps of a question")  # fmt: skip
    bounds.add_argument("--grace", type=float, default=usual.grace, metavar="S")
    bounds.add_argument("--heartbeat", type=float, default=usual.heartbeat, metavar="S")
    bounds.add_argument("--max-media-mib", type=int, default=usual.media_bytes // MIB, metavar="N")
    bounds.add_argument("--max-body-mib", type=int, default=usual.body_bytes // MIB, metavar="N")
    bounds.add_argument("--max-media-seconds", type=float, default=usual.media_seconds, metavar="S")
    bounds.add_argument("--decoder-mib", type=int, default=usual.eyes_memory // MIB, metavar="N")
    bounds.add_argument("--in-flight", type=int, default=usual.in_flight, metavar="N",
                        help="requests of one key at once (4)")  # fmt: skip
    bounds.add_argument("--per-address", type=int, default=usual.per_address, metavar="N",
                        help="connections of one address at once (256)")  # fmt: skip
    bounds.add_argument("--reasoner-mib", type=int, default=usual.mind_memory // MIB, metavar="N",
                        help="memory of a process that reasons (4096)")  # fmt: skip
    away = top.add_argument_group("addresses in requests")
    away.add_argument("--no-fetch", action="store_true", help="fetch none: uploads and data only")
    away.add_argument("--fetch-seconds", type=float, default=usual.fetch_seconds, metavar="S")
    away.add_argument("--allow", action="append", default=[], metavar="HOST:PORT",
                      help="a media store that may be private")  # fmt: skip
    return top


def _settings(arguments: argparse.Namespace) -> Settings:
    """The settings of a command line. Raises KeysError for a server open to everybody."""
    from agent.server.keys import KeysError
    from agent.util.listen import is_loopback

    if arguments.keys is None and not is_loopback(arguments.host):
        raise KeysError(
            f"--host {arguments.host} can be reached from other machines, and there are no keys: "
            "make one with --keys FILE --new-key NAME, then start with --keys FILE"
        )
    if arguments.threads and not arguments.threads.startswith(("postgresql://", "postgres://")):
        raise KeysError("--threads takes postgresql://USER@HOST/NAME")
    numbers = (
        "slots",
        "deadline",
        "grace",
        "heartbeat",
        "max_media_mib",
        "max_request_tokens",
        "in_flight",
        "max_body_mib",
        "max_media_seconds",
        "decoder_mib",
        "per_address",
        "reasoner_mib",
        "fetch_seconds",
        "keep_seconds",
    )
    for name in numbers:  # fmt: skip
        if not getattr(arguments, name) > 0:
            raise KeysError(f"--{name.replace('_', '-')} must be above 0")
    same = (
        "host",
        "port",
        "model",
        "base_url",
        "keys",
        "state",
        "threads",
        "keep_evidence",
        "blur_faces",
        "slots",
        "queue",
        "deadline",
        "grace",
        "heartbeat",
        "fetch_seconds",
        "in_flight",
        "per_address",
    )
    return Settings(
        **{name: getattr(arguments, name) for name in same},
        names=tuple(name.lower() for name in arguments.name),
        upload_seconds=arguments.keep_seconds,
        conversation_seconds=arguments.keep_seconds,
        kept_seconds=arguments.evidence_days * DAY,
        kept_bytes=arguments.evidence_mib * MIB,
        tokens=arguments.max_request_tokens,
        media_bytes=arguments.max_media_mib * MIB,
        body_bytes=arguments.max_body_mib * MIB,
        media_seconds=arguments.max_media_seconds,
        mind_memory=arguments.reasoner_mib * MIB,
        eyes_memory=arguments.decoder_mib * MIB,
        fetch=not arguments.no_fetch,
        fetch_allow=frozenset(place.lower() for place in arguments.allow),
    )  # fmt: skip


def _new_key(arguments: argparse.Namespace) -> int:
    from agent.server import keys

    if arguments.keys is None:
        return _complain("--new-key needs --keys FILE to add it to")
    print(keys.new(arguments.keys, arguments.new_key))
    print("duchenne: shown once; only its hash is kept", file=sys.stderr)
    return 0


def _keeper(arguments: argparse.Namespace) -> Supervisor | None:
    """Of the vLLM that is to run beside the server. Raises KeysError, HostingError."""
    from agent.server import supervisor as supervisor
    from agent.server.keys import KeysError
    from agent.util import cache

    if arguments.vllm is None:
        return None
    if arguments.model != Settings().model or arguments.base_url:
        raise KeysError("--vllm is the model and its host: leave --model and --base-url out")
    return supervisor.asked(arguments.vllm, arguments.vllm_log or cache.cache_dir("vllm.log"))


async def serve(settings: Settings, supervisor: Supervisor | None, place: socket.socket) -> int:
    """Until SIGTERM or SIGINT, at a bound socket. Raises HostingError where vLLM's first start
    fails."""
    import uvicorn

    from agent.server.app import build
    from agent.server.doors import Doors
    from agent.server.middleware import JsonLines, log

    _log_to_stderr(JsonLines())
    app = build(settings, supervisor=supervisor)
    doors = Doors(settings.connections, settings.per_address, settings.head_seconds)
    server = _server(uvicorn.Config(
        app, http=doors.protocol(), log_config=None, access_log=False,
        lifespan="on", server_header=False, proxy_headers=False, ws="none", backlog=256,
        timeout_keep_alive=5, timeout_graceful_shutdown=3,
    ))  # fmt: skip
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    task = asyncio.create_task(server.serve(sockets=[place]))
    while not server.started and not task.done():
        await asyncio.sleep(0.02)
    if task.done():
        await task
        return 1
    host, number = place.getsockname()[:2]
    log.info("listening", extra={"fields": {"host": host, "port": number}})
    kept = {asyncio.create_task(supervisor.run())} if supervisor else set()
    until = {task, asyncio.create_task(ending.wait())} | kept
    await asyncio.wait(until, return_when="FIRST_COMPLETED")
    await _drained(app, settings)
    server.should_exit = True
    await task
    for each in kept:
        each.cancel()
    await asyncio.wait(kept) if kept else None
    log.info("ended")
    for each in kept:
        if not each.cancelled():
            each.result()
    return 0


async def _drained(app: Middleware, settings: Settings) -> None:
    """Nothing new; wait for what runs, as long as the grace lasts."""
    app.draining = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    # A moment in which whoever balances load sees that this server is not ready any more.
    await asyncio.sleep(min(1.0, settings.grace))
    while app.running and loop.time() - began < settings.grace:
        await asyncio.sleep(0.05)


def _server(config: Any) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Signals are ours: uvicorn would end at once and then raise them again."""
            yield

    return Server(config)


def _log_to_stderr(formatter: logging.Formatter) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    for name in ("duchenne.serve", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO if name.startswith("duchenne") else logging.WARNING)


def _complain(message: str, code: int = USAGE) -> int:
    print(f"duchenne: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
