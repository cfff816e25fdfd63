"""A child of the tests that is watched: what it connects to, and the environment of each Python.

Every Python that begins with this environment writes into `folder`, children and theirs too: a
`sitecustomize.py` on PYTHONPATH. Native code is watched by strace, where it is installed, and by
looking at the folders afterwards.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_HOOK = """
import json, os, sys
_folder = os.environ["DUCHENNE_WATCHED"]
def _say(what):
    with open(os.path.join(_folder, f"{os.getpid()}.jsonl"), "a") as out:
        out.write(json.dumps(what) + "\\n")
_say({"argv": sys.orig_argv, "environment": dict(os.environ), "path": sys.path})
def _hook(event, arguments):
    if event == "socket.connect":
        _say({"connect": repr(arguments[1])})
    elif event == "socket.getaddrinfo":
        _say({"connect": repr(arguments[0])})
sys.addaudithook(_hook)
"""
_LOOPBACK = re.compile(r"127\.0\.0\.1|::1|localhost|^'/|^None|AF_UNIX|AF_NETLINK|AF_UNSPEC")


@dataclass(frozen=True)
class Watched:
    """A command that has ended, and what was seen of it."""

    done: subprocess.CompletedProcess[str]
    home: Path
    processes: list[dict[str, object]]
    """Of each Python its argv, environment and sys.path when it began."""
    connects: list[str]
    """Beyond loopback."""

    @property
    def left(self) -> list[str]:
        """Files under the home folder and the XDG folders, which were empty before."""
        return sorted(str(p.relative_to(self.home)) for p in self.home.rglob("*") if p.is_file())


def run(command: list[str], folder: Path, cwd: Path, **more: str) -> Watched:
    """Run a command with an empty home in `folder`, and watch it."""
    home, guard, said = (folder / name for name in ("home", "guard", "said"))
    for each in (home, guard, said):
        each.mkdir(parents=True, exist_ok=True)
    (guard / "sitecustomize.py").write_text(_HOOK)
    kept = {n: v for n, v in os.environ.items() if n in ("PATH", "LANG", "DUCHENNE_ASSETS")}
    environment = kept | more | {
        "HOME": str(home), "DUCHENNE_CACHE": str(folder / "cache"),
        "DUCHENNE_WATCHED": str(said), "PYTHONPATH": str(guard), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    trace = folder / "strace"
    strace = shutil.which("strace")
    before = [strace, "-f", "-qq", "-e", "trace=connect,sendto", "-o", str(trace)] if strace else []
    done = subprocess.run(
        [*before, *command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    lines = [json.loads(x) for f in sorted(said.glob("*")) for x in f.read_text().splitlines()]
    connects = [line["connect"] for line in lines if "connect" in line]
    if trace.exists():
        connects += [x for x in trace.read_text().splitlines() if "sa_family=AF" in x]
    far = [each for each in connects if not _LOOPBACK.search(each)]
    return Watched(done, home, [line for line in lines if "argv" in line], far)


def python(*words: str) -> list[str]:
    return [sys.executable, *words]
