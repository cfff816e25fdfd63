"""`duchenne vllm MODEL`: runs vLLM for a base model, an adapter or an exported checkpoint, or
prints its command; what runs is proven before it is called ready.

Exit codes: 0 ended as asked, 2 wrong use, 4 vLLM failed or serves something else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent.util import listen
from agent.vllm import checkpoint, command, probe
from agent.vllm.checkpoint import HostingError
from agent.vllm.command import Hosting
from agent.vllm.probe import Reference
from agent.vllm.process import Process

OK, USAGE = 0, 2
WAIT: Final = 1800.0


def main(argv: Sequence[str] | None = None) -> int:
    """Until vLLM ends or is told to. Raises HostingError."""
    arguments = parsed(sys.argv[2:] if argv is None else argv)
    hosting = asked(arguments)
    if arguments.print:
        print(command.printed(hosting))
        return OK
    key = os.environ.get("DUCHENNE_API_KEY")
    if not key and not loopback(hosting.host):
        print(
            f"duchenne: --host {hosting.host} can be reached from other machines: set "
            "DUCHENNE_API_KEY to the key that clients must send",
            file=sys.stderr,
        )
        return USAGE
    told = references(hosting, arguments)
    ready: Path | None = arguments.ready
    try:
        return asyncio.run(_run(hosting, key, told, arguments.wait, ready))
    finally:
        if ready:
            ready.unlink(missing_ok=True)


def parser() -> argparse.ArgumentParser:
    """The command line, of this command and, as one text, of `duchenne serve --vllm`."""
    usual = Hosting(checkpoint.Model("", None, None))
    top = argparse.ArgumentParser(
        prog="duchenne vllm",
        usage="%(prog)s MODEL [options] [-- flags of vLLM]",
        description="Run a model in vLLM with Duchenne's plugin and limits. At the start a probe "
        "proves that adapter and bridge are at work and that log-probabilities are those of the "
        "export; else it stops with the reason.",
        epilog="Flags for vLLM itself come last, after --: duchenne vllm MODEL -- --dtype float32",
    )
    top.add_argument("model", metavar="MODEL", help="name on the hub, folder, or exported folder")
    top.add_argument("--adapter", type=Path, metavar="DIR", help="LoRA to lay on it, not merged")
    top.add_argument("--name", default=usual.name, help="what clients ask for (duchenne)")
    top.add_argument("--host", default=usual.host, help="address to listen at (127.0.0.1)")
    top.add_argument("--port", type=listen.port, metavar="N", help="8000; under serve any free one")
    top.add_argument("--python", default=usual.python, metavar="P",
                     help="Python that has vLLM, where it is another than this one")  # fmt: skip
    top.add_argument("--print", action="store_true", help="print the command, start nothing")
    size = top.add_argument_group("size")
    size.add_argument("--max-len", type=int, default=usual.length, metavar="N",
                      help="tokens of prompt and answer (16384)")  # fmt: skip
    size.add_argument("--pictures", type=int, default=usual.pictures, metavar="N",
                      help="in one prompt at most (16)")  # fmt: skip
    size.add_argument("--queue", type=int, default=usual.queue, metavar="N",
                      help="requests at once, running and waiting (256)")  # fmt: skip
    size.add_argument("--gpus", type=int, default=usual.tensor, metavar="N",
                      help="that share each layer: tensor parallel (1)")  # fmt: skip
    size.add_argument("--stages", type=int, default=usual.pipeline, metavar="N",
                      help="groups of GPUs, often machines, that share the layers (1)")  # fmt: skip
    size.add_argument("--ray", action="store_true",
                      help="workers on a Ray cluster; --print tells how to begin it")  # fmt: skip
    proof = top.add_argument_group("proof")
    proof.add_argument("--reference", type=Path, metavar="FILE",
                       help="probe.json; default: the one beside the weights")  # fmt: skip
    proof.add_argument("--no-reference", action="store_true",
                       help="serve a Duchenne checkpoint that has none")  # fmt: skip
    proof.add_argument("--tolerance", type=float, metavar="X",
                       help="of log-probabilities; default: by the export's type")  # fmt: skip
    proof.add_argument("--ready", type=Path, metavar="FILE", help="is there while all is proven")
    proof.add_argument("--wait", type=float, default=WAIT, metavar="S", help="for it to come up")
    proof.add_argument("--silence", type=float, default=usual.silence, metavar="S",
                       help="without a token, though asked: then it is stuck (60)")  # fmt: skip
    return top


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """A command line read; what comes after -- is for vLLM, as it is."""
    at = words.index("--") if "--" in words else len(words)
    arguments = parser().parse_args(words[:at])
    arguments.more = tuple(words[at + 1 :])
    return arguments


def asked(arguments: argparse.Namespace, port: int = 8000) -> Hosting:
    """What a command line asks for. Raises HostingError."""
    if min(arguments.gpus, arguments.stages, arguments.pictures, arguments.queue) < 1:
        raise HostingError("--gpus, --stages, --pictures and --queue must be at least 1")
    if not arguments.silence > 0:
        raise HostingError("--silence must be above 0")
    return Hosting(
        model=checkpoint.model(arguments.model),
        adapter=checkpoint.adapter(arguments.adapter) if arguments.adapter else None,
        name=arguments.name,
        host=arguments.host,
        port=port if arguments.port is None else arguments.port,
        python=arguments.python,
        length=arguments.max_len,
        pictures=arguments.pictures,
        queue=arguments.queue,
        tensor=arguments.gpus,
        pipeline=arguments.stages,
        ray=arguments.ray,
        silence=arguments.silence,
        more=arguments.more,
    )


def references(hosting: Hosting, arguments: argparse.Namespace) -> Reference | None:
    """The reference to prove it with. Raises HostingError where one is needed and missing."""
    # That of the base model says nothing about an adapter on it.
    beside = hosting.adapter.probe if hosting.adapter else hosting.model.probe
    path = arguments.reference or beside
    if path is not None:
        return probe.reference(path, arguments.tolerance)
    if hosting.model.bridged and not arguments.no_reference:
        raise HostingError(
            f"{hosting.adapter.folder if hosting.adapter else hosting.model.name} has no "
            f"{checkpoint.PROBE}, and nothing else can prove that voices are heard as in training: "
            "export it with duchenne train export, or say --no-reference"
        )
    return None


def loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    from agent.util.listen import is_loopback

    return is_loopback(host)


async def _run(
    hosting: Hosting, key: str | None, told: Reference | None, wait: float, ready: Path | None
) -> int:
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    process = await Process.begun(hosting, key, None)
    try:
        served = asyncio.create_task(_served(process, hosting, key, told, wait, ready))
        ended = asyncio.create_task(ending.wait())
        await asyncio.wait({served, ended}, return_when="FIRST_COMPLETED")
        if served.done():
            raise HostingError(f"vLLM died or is stuck ({served.result()})")
        served.cancel()
        return OK
    finally:
        await process.end()


async def _served(
    process: Process,
    hosting: Hosting,
    key: str | None,
    told: Reference | None,
    wait: float,
    ready: Path | None,
) -> str:
    """Ready, proven, then gone: how it ended."""
    await process.answers(wait)
    for line in await process.proven(key, told):
        _say(f"proven: {line}")
    if ready:
        ready.touch()
    _say(f"ready: {hosting.name} at {hosting.url}/v1")
    return await process.gone(key)


def _say(words: str) -> None:
    print(f"duchenne: {words}", file=sys.stderr, flush=True)
