"""How every process of ours begins: its command line, its environment, where it looks for code.

Whoever starts one calls `python` or `environment`, or both; nobody writes `sys.executable, "-m"`
or passes `os.environ` on. Clips lie in folders of strangers: a `pickle.py` beside them must not be
imported because a command was run there. What a process may use is set by itself, at its start
(`agent.util.limits`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.util import telemetry

ROOT: Final = Path(__file__).resolve().parents[2]
"""The folder that holds this package."""
SECRET: Final = ("DUCHENNE_API_KEY", "DUCHENNE_THREADS", "OPENAI_API_KEY")
_KEPT: Final = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "XDG_CACHE_HOME",
    "PYTHONPATH", "LD_LIBRARY_PATH", "HF_HOME", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
)  # fmt: skip
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""For processes that run side by side; what the user has set goes first."""


def python(module: str, *arguments: str) -> list[str]:
    """Command line that runs a module in this Python without searching the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(
    more: Mapping[str, str] | None = None,
    *,
    package: bool = True,
    ours: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Our environment for a child: no code from the current folder, no reports, no traces.

    `package` puts this package's own folder first on the search path, wherever we were begun;
    leave it out for another Python or somebody else's program. `more` goes before ours.
    """
    path = [str(ROOT)] if package else []
    path += _absolute(ours.get("PYTHONPATH", ""))
    kept = {name: value for name, value in ours.items() if name != "PYTHONPATH"}
    search = {"PYTHONPATH": os.pathsep.join(path)} if path else {}
    return kept | search | dict(more or {}) | safe()


def restricted(*, secrets: bool, ours: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a child that meets the outside sees: search paths and this product's settings, and
    no keys unless `secrets`."""
    found = {name: value for name, value in ours.items() if name in _KEPT}
    found |= {k: v for k, v in ours.items() if k.startswith("DUCHENNE_") and k not in SECRET}
    if secrets:
        found |= {name: ours[name] for name in SECRET if name in ours}
    return environment(ours=ONE_THREAD | {"PYTHONUNBUFFERED": "1"} | found)


def safe() -> dict[str, str]:
    """The variables that every child gets, in any Python and on any machine."""
    return {"PYTHONSAFEPATH": "1"} | telemetry.REPORTS | telemetry.TRACES


def program(name: str) -> str | None:
    """Path of another program; None where there is none outside the current folder."""
    search = os.pathsep.join(_absolute(os.environ.get("PATH", os.defpath)))
    found = shutil.which(name, path=search)
    return found if found and Path(found).is_absolute() else None


def _absolute(path: str) -> list[str]:
    """Parts of a search path; an empty or relative one means the current folder."""
    return [part for part in path.split(os.pathsep) if part and Path(part).is_absolute()]
