"""A PostgreSQL server of the tests' own: begun in a folder, ended with the process."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest


@cache
def postgres() -> str:
    """The URL of a fresh data base; skips where there is no PostgreSQL or no client for it."""
    pytest.importorskip("langgraph.checkpoint.postgres")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(where).parent for name in ("initdb",) if (where := shutil.which(name))
    ]
    if not found:
        pytest.skip("no PostgreSQL here; Debian's package `postgresql` has it")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    user = _user(folder)
    data, port = str(folder / "data"), _free()
    _run(user, str(found[-1] / "initdb"), "-D", data, "-U", "tester", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = str(found[-1] / "pg_ctl")
    _run(user, control, "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")

    def end() -> None:
        _run(user, control, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return f"postgresql://tester:secret@127.0.0.1:{port}/postgres"


def _user(folder: Path) -> str | None:
    """The user it runs as: it refuses to be root's."""
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, found.pw_uid, found.pw_gid)
        return name
    pytest.skip("PostgreSQL does not run as root, and there is no user for it")


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def _run(user: str | None, *command: str) -> None:
    # To a file: the server keeps a pipe open for ever.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            command, user=user, stdout=said, stderr=said, cwd="/", check=False, timeout=120
        )
        said.seek(0)
        assert done.returncode == 0, said.read().decode()
