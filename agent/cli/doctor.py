"""What is installed, cached and reachable, and what each missing part would add.

Looks, but changes nothing: no download, no heavy import, and a host is asked only where
one is configured.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypedDict
from urllib.parse import urlsplit

from agent.assets import resolve as assets
from agent.senses.speech import whisper
from agent.util.advice import advice
from agent.util.cache import cache_dir

ASK_SECONDS: Final = 3.0
"""Until a configured host must answer."""

NEEDED: Final = {
    "av": "clips are read",
    "ai-edge-litert": "faces are found and meshed",
    "onnxruntime": "speech is told from other sound",
    "numpy": "everything",
    "opencv-python-headless": "pictures are scaled",
    "pillow": "still pictures are read",
    "pyarrow": "the dense series are written",
    "langgraph": "the agents reason",
    "langgraph-checkpoint-sqlite": "conversations are kept",
    "openai": "a model host can be asked",
}
"""Distribution → what it does here."""

TRAIN: Final = advice("train")
EXTRAS: Final = {
    "torch": ("a local model (--model hf:…) and training", TRAIN),
    "transformers": ("a local model (--model hf:…) and training", TRAIN),
    "bitsandbytes": ("a local model in 4 bits on a GPU", TRAIN),
    "trl": ("training by reward", TRAIN),
    "moderngl": ("faces rendered with known muscles", advice("faces")),
}
"""Distribution → what it would add, and how to get it."""


class Row(TypedDict):
    """One part."""

    part: str
    state: str
    adds: str
    """What the part does, or would do."""
    get: str
    """How to get it; empty where it is here."""


def report() -> list[Row]:
    """One row a part, in the order in which they matter."""
    return [*_basics(), *_packages(), *_models(), *_speech(), *_extras(), *_gpu(), *_host()]


def _row(part: str, ok: bool, state: str, adds: str, get: str) -> Row:
    return Row(part=part, state=state, adds=adds, get="" if ok else get)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _basics() -> Iterator[Row]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield _row("python", sys.version_info >= (3, 11), version, "everything", "Python 3.11 or newer")
    folder = cache_dir()
    problem = _unwritable(folder)
    state = f"{folder} cannot be written: {problem}" if problem else f"{folder} can be written"
    adds = "a clip is looked at once, model files are kept"
    yield _row("cache", not problem, state, adds, "set DUCHENNE_CACHE to a folder of yours")


def _unwritable(folder: Path) -> str | None:
    """Why nothing can be written below `folder`; the folder itself need not exist yet."""
    there = next((f for f in (folder, *folder.parents) if f.exists()), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _packages() -> Iterator[Row]:
    for name, adds in NEEDED.items():
        version = _version(name)
        yield _row(name, version is not None, version or "missing", adds, advice())


def _models() -> Iterator[Row]:
    for state in assets.status():
        get = f"duchenne models pull {state['name']}"
        here = state["state"] == "here"
        yield _row(state["name"], here, state["state"], state["purpose"], get)


def _speech() -> Iterator[Row]:
    adds = "words of clips without subtitles"
    version = _version("faster-whisper")
    yield _row("faster-whisper", version is not None, version or "missing", adds, whisper.INSTALL)
    if version is not None:
        folder = whisper.weights()
        state = str(folder) if folder else "no weights"
        yield _row("speech weights", folder is not None, state, adds, whisper.why_not() or "")


def _extras() -> Iterator[Row]:
    for name, (adds, get) in EXTRAS.items():
        version = _version(name)
        yield _row(name, version is not None, version or "missing", adds, get)


def _gpu() -> Iterator[Row]:
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*")) + sorted(
        Path("/sys/class/kfd/kfd/topology/nodes").glob("*/mem_banks/0")
    )
    seen = f"{len(cards)} found" if cards else "none found"
    if cards and find_spec("torch") is None:
        seen += ", but torch is missing"
    yield _row("gpu", bool(cards), seen, "a local model at speed, training", "not needed for rules")


def _host() -> Iterator[Row]:
    url = os.environ.get("DUCHENNE_BASE_URL") or os.environ.get("OPENAI_BASE_URL")
    adds = "a vision-language model reasons over the evidence"
    if not url:
        get = "set DUCHENNE_BASE_URL to an OpenAI-compatible address, or use --base-url"
        yield _row("model host", False, "not configured; the rules reason", adds, get)
        return
    ok, state = _answers(url.rstrip("/"))
    get = "start the host, or correct DUCHENNE_BASE_URL and DUCHENNE_API_KEY"
    yield _row("model host", ok, f"{_shown(url)}: {state}", adds, get)


def _shown(url: str) -> str:
    """The address without a user name and password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _answers(url: str) -> tuple[bool, str]:
    """Whether the host lists its models, and which or why not."""
    if urlsplit(url).scheme not in ("http", "https"):
        return False, "not an http address"
    key = os.environ.get("DUCHENNE_API_KEY") or os.environ.get("OPENAI_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        request = urllib.request.Request(f"{url}/models", headers=headers)
        with urllib.request.urlopen(request, timeout=ASK_SECONDS) as reply:
            held = json.loads(reply.read(1_000_000))
        names = [str(model["id"]) for model in held["data"]]
    except urllib.error.HTTPError as error:
        return False, f"answers {error.code} {error.reason}"
    except OSError as error:
        return False, f"cannot be reached ({getattr(error, 'reason', error)})"
    except (ValueError, KeyError, TypeError):
        return False, "answers, but not as an OpenAI-compatible host does"
    return True, "serves " + (", ".join(names[:5]) or "no model")
