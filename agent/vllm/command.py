"""vLLM's command line and environment for what is to be served. Builds them, starts nothing.

Flags are those of vLLM 0.32. Clients of this vLLM are Duchenne's own servers and commands, so that
it takes pictures as data: URLs only, fetches nothing, and takes no videos.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.util import process
from agent.vllm.checkpoint import Adapter, Model

NOWHERE: Final = "nowhere.invalid"
"""The one host vLLM may fetch from; the name can never stand for a machine (RFC 2606)."""


@dataclass(frozen=True, slots=True)
class Hosting:
    """One vLLM."""

    model: Model
    adapter: Adapter | None = None
    name: str = "duchenne"
    """What clients ask for: the adapter where there is one, else the model."""
    host: str = "127.0.0.1"
    port: int = 8000
    python: str = sys.executable
    """Of the environment that has vLLM and, for the bridge, Duchenne."""
    length: int = 16384
    """Tokens of a prompt and its answer together."""
    pictures: int = 16
    """In one prompt at most."""
    queue: int = 256
    """Requests at once, running and waiting; one more gets a 503."""
    tensor: int = 1
    """GPUs that share each layer."""
    pipeline: int = 1
    """Groups of GPUs, often machines, that share the layers."""
    ray: bool = False
    """Whether workers run on a Ray cluster, over several machines."""
    silence: float = 60.0
    """Seconds without a token, though one is asked for, after which it counts as stuck."""
    more: tuple[str, ...] = ()
    """Flags for vLLM as they are."""

    @property
    def base(self) -> str:
        """Name of the model without the adapter."""
        return f"{self.name}-base" if self.adapter else self.name

    @property
    def url(self) -> str:
        """Where this machine reaches it, up to /v1."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{host}:{self.port}"


def command(hosting: Hosting) -> list[str]:
    """The whole command."""
    words = [
        *(hosting.python, "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", hosting.model.name, "--served-model-name", hosting.base),
        *("--host", hosting.host, "--port", str(hosting.port)),
        *("--max-model-len", str(hosting.length)),
        *("--limit-mm-per-prompt", json.dumps({"image": hosting.pictures, "video": 0})),
        *("--max-num-queued-reqs", str(hosting.queue)),
        *("--allowed-media-domains", NOWHERE),
        *("--enable-prefix-caching", "--prefix-caching-hash-algo", "sha256"),
        # Random or half-trained weights would fill answers with blanks between two tokens.
        "--structured-outputs-config",
        json.dumps({"backend": "xgrammar", "disable_any_whitespace": True}),
        *("--shutdown-timeout", "10", "--disable-uvicorn-access-log"),
    ]
    if hosting.adapter:
        adapter = hosting.adapter
        words += ["--enable-lora", "--max-loras", "1", "--max-lora-rank", str(adapter.rank)]
        words += ["--lora-modules", f"{hosting.name}={adapter.folder}"]
        words += ["--lora-target-modules", *adapter.modules] if adapter.modules else []
    for flag, size in (("--tensor-parallel-size", hosting.tensor),
                       ("--pipeline-parallel-size", hosting.pipeline)):  # fmt: skip
        words += [flag, str(size)] if size > 1 else []
    words += ["--distributed-executor-backend", "ray"] if hosting.ray else []
    return [*words, *hosting.more]


def settings(key: str | None) -> dict[str, str]:
    """What its environment must say, besides what it says already."""
    return {
        "VLLM_PLUGINS": "duchenne",
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
        # Its workers too would else import what lies in the folder it is begun in.
        **process.safe(),
        # Not on the command line, where every user of the machine could read it.
        **({"VLLM_API_KEY": key} if key else {}),
    }


def environment(key: str | None, ours: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of its process: ours without our own keys and search path."""
    private = ("DUCHENNE_API_KEY", "OPENAI_API_KEY", "PYTHONPATH", "VIRTUAL_ENV")
    return {k: v for k, v in ours.items() if k not in private} | settings(key)


def printed(hosting: Hosting) -> str:
    """The command for a shell, with its environment; for Ray with what other machines run."""
    told = [f"{name}={value}" for name, value in settings(None).items()]
    line = " ".join([*told, *map(shlex.quote, command(hosting))])
    if not hosting.ray:
        return line
    return f"""\
# One token for all machines, in ~/.ray/auth_token on each: ray get-auth-token --generate
# On all machines: export RAY_USAGE_STATS_ENABLED=0
# On the first machine:
RAY_AUTH_MODE=token VLLM_PLUGINS=duchenne ray start --head --port 6379
# On each other machine, with vLLM and Duchenne installed and the model under the same path:
RAY_AUTH_MODE=token VLLM_PLUGINS=duchenne ray start --address FIRST_MACHINE:6379
# Then on the first, with the key of its clients:
VLLM_API_KEY=SECRET RAY_AUTH_MODE=token {line}"""
