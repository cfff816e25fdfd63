"""Files and ports that are none: one line and an exit code, whatever is remembered."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import served

from agent.cli import main as cli
from agent.util import listen


@pytest.mark.parametrize(
    ("flag", "name", "code"),
    [("--enrol", "nope.mp4", 3), ("--subtitles", "nope.srt", 2), ("--au-table", "nope.csv", 2)],
)
def test_a_file_that_is_not_there_is_told_also_when_the_clip_is_remembered(
    flag: str,
    name: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))
    clip = tmp_path / "a.wav"
    clip.write_bytes(served.tone())
    assert cli.main(["look", str(clip)]) == 0
    capsys.readouterr()
    for command in (["look", str(clip)], ["ask", str(clip), "What does she feel?"]):
        assert cli.main([*command, flag, str(tmp_path / name)]) == code
        assert f"{name}: No such file" in capsys.readouterr().err


def serve(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli.main", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=served.ROOT,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_port_that_is_taken_or_none_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = serve("--port", str(port))
    assert (code, said.count("\n")) == (1, 1)
    assert f"port {port} of 127.0.0.1 is taken" in said
    for none in ("80000", "-1", "http"):
        code, said = serve(f"--port={none}")
        assert code == 2 and f"{none} is no port" in said and "Traceback" not in said


def test_an_address_that_is_not_this_machines_is_told() -> None:
    with pytest.raises(OSError, match=r"no address of this machine"):
        listen.bound("192.0.2.1", 0)
    if os.getuid():
        with pytest.raises(OSError, match="above 1023"):
            listen.bound("127.0.0.1", 80)
